//! zsh, on a terminal, with its completion system.

use crate::support::{Home, ODD, Shell};

#[test]
fn on_a_terminal() {
    let home = Home::with_plugins("zsh");
    home.install_reference();
    for installed in [
        "source <(pegboard completions zsh)",
        // As a function of $fpath, which is loaded when it is first needed.
        "mkdir ~/f; pegboard completions zsh > ~/f/_pegboard; fpath=(~/f $fpath); compinit -u -D",
    ] {
        let mut zsh = Shell::new(&home, ["zsh", "-f", "-i"]);
        zsh.keys("unsetopt bang_hist; autoload -Uz compinit; compinit -u -D\r");
        zsh.keys(&format!("{installed}\r"));
        for (keys, expected) in [
            ("pegboard run wo\tfr\tpl\t", "run,words,freq,plain"),
            (
                "pegboard run --to=js\twords l\t",
                "run,--to=json,words,lines",
            ),
            ("pegboard run 'words fr\ta\t", "run,words freq,a b"),
            ("pegboard run \"words fr\ti\t", "run,words freq,it's"),
            (
                "pegboard run words freq --col\tg\t",
                "run,words,freq,--colour,green",
            ),
            (
                "pegboard run words freq --colour=g\t",
                "run,words,freq,--colour=green",
            ),
            // zsh takes the slash away again.
            (
                "pegboard run words freq x fold\t",
                "run,words,freq,x,folder",
            ),
            ("pegboard run words freq x a\t", "run,words,freq,x,a file"),
            ("pegboard run --input=a\twords", "run,--input=a file,words"),
            (
                "pegboard run words freq x '|' words l\t",
                "run,words,freq,x,|,words,lines",
            ),
            ("pegboard run wor lines\x1bb\x1b[D\t", "run,words,lines"),
            ("pegboard run ref complete c\t", "run,ref,complete,cat"),
        ] {
            zsh.check(keys, &expected.split(",").collect::<Vec<_>>());
        }
        for odd in ODD {
            let first = odd.chars().next().expect("a word");
            let first = if first == '$' {
                "\\$".to_owned()
            } else {
                first.to_string()
            };
            zsh.check(
                &format!("pegboard run words freq {first}\t"),
                &["run", "words", "freq", odd],
            );
        }
    }
}
