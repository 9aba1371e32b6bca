//! elvish, on a terminal.

use crate::support::{Home, Shell};

#[test]
fn on_a_terminal() {
    let home = Home::with_plugins("elvish");
    let mut elvish = Shell::new(&home, ["elvish", "-norc"]);
    elvish.keys("eval (pegboard completions elvish | slurp)\r");
    // What gets quotes is accepted with Enter.
    for (keys, expected) in [
        ("pegboard run wo\tfr\tpl\t", "run,words,freq,plain"),
        (
            "pegboard run --to=js\t\rwords l\t",
            "run,--to=json,words,lines",
        ),
        ("pegboard run words freq it\t\r", "run,words,freq,it's"),
        (
            "pegboard run words freq --colour=g\t\r",
            "run,words,freq,--colour=green",
        ),
        (
            "pegboard run words freq x fold\t",
            "run,words,freq,x,folder/",
        ),
        ("pegboard run --input=fold\t\r", "run,--input=folder/"),
    ] {
        elvish.check(keys, &expected.split(",").collect::<Vec<_>>());
    }
}
