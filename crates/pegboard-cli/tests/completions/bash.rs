//! bash: its function called as bash calls it, and on a terminal.

use crate::support::{Home, ODD, Shell, run, script};

#[test]
fn the_function_completes() {
    let home = Home::with_plugins("bash-function");
    let script = script(&home, "bash");
    let test = r#"
        source "$1"
        reply() {
            COMP_LINE=$1 COMP_POINT=${2:-${#1}}
            _pegboard pegboard "${1##* }" ""
            printf '%s|' "${COMPREPLY[@]}"; echo
        }
        compopt() { echo "compopt $*"; }
        reply 'pegboard run wor'
        reply 'pegboard run words '
        reply 'pegboard run words freq plain' 17
        reply 'A=1 pegboard run --to=js'
        reply 'pegboard run words freq '
        reply "pegboard run words freq 'i"
        reply 'pegboard run words freq x f'
        reply 'pegboard inspect wo'
        reply 'pegboard nonsense '
    "#;
    let mut bash = home.command("bash");
    let out = run(bash
        .args(["--norc", "--noprofile", "-c", test, "bash"])
        .arg(script));
    let expected = r#"words|
freq|lines|
words|
json|
plain|a\ b|it\'s|\$HOME|d\"q|e\!\*\;e|
it'\''s|
compopt -o default
|
compopt -o filenames
words|
|
"#;
    assert_eq!(out, expected);
}

#[test]
fn on_a_terminal() {
    let home = Home::with_plugins("bash-terminal");
    home.install_reference();
    let mut bash = Shell::new(&home, ["bash", "--norc", "--noprofile", "-i"]);
    bash.keys("set +H; eval \"$(pegboard completions bash)\"\r");
    for (keys, expected) in [
        ("pegboard run wo\tfr\tpl\t", "run,words,freq,plain"),
        (
            "pegboard run --to=js\twords l\t",
            "run,--to=json,words,lines",
        ),
        ("pegboard run 'words fr\ta\t", "run,words freq,a b"),
        ("pegboard run \"words fr\t'i\t", "run,words freq,it's"),
        ("pegboard run words freq \\$\t", "run,words,freq,$HOME"),
        ("pegboard run words freq \"d\t", "run,words,freq,d\"q"),
        (
            "pegboard run words freq --col\tg\t",
            "run,words,freq,--colour,green",
        ),
        (
            "pegboard run words freq --colour=g\t",
            "run,words,freq,--colour=green",
        ),
        (
            "pegboard run words freq x fold\t",
            "run,words,freq,x,folder/",
        ),
        ("pegboard run words freq x a\t", "run,words,freq,x,a file"),
        ("pegboard run --input=a\twords", "run,--input=a file,words"),
        (
            "pegboard run words freq x '|' words l\t",
            "run,words,freq,x,|,words,lines",
        ),
        ("true | pegboard run words l\t", "run,words,lines"),
        // Back to the first word that was typed.
        ("pegboard run wor lines\x1bb\x1b[D\t", "run,words,lines"),
        ("pegboard run ref complete c\t", "run,ref,complete,cat"),
    ] {
        bash.check(keys, &expected.split(",").collect::<Vec<_>>());
    }
    for odd in ODD {
        let first = odd.chars().next().expect("a word");
        let first = if "$".contains(first) {
            format!("\\{first}")
        } else {
            first.to_string()
        };
        bash.check(
            &format!("pegboard run words freq {first}\t"),
            &["run", "words", "freq", odd],
        );
    }
}
