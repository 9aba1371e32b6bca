//! fish, asked for what it would offer, and on a terminal.

use crate::support::{Home, Shell, run, script, shown};

#[test]
fn what_fish_offers() {
    let home = Home::with_plugins("fish");
    home.install_reference();
    let script = shown(&script(&home, "fish"));
    for (line, expected) in [
        ("pegboard run wor", "words commands"),
        ("pegboard run words l", "lines Does words lines."),
        (
            "pegboard rem",
            "remove Take plugins out of the index. Their files stay",
        ),
        (
            "pegboard run --to=js",
            "--to=json One indented JSON document",
        ),
        ("pegboard run 'words fr", "words freq Does words freq."),
        ("pegboard run words freq --col", "--colour Which one"),
        ("pegboard run words freq --colour=g", "--colour=green"),
        ("pegboard run words freq a", "a b"),
        (r"pegboard run words freq \$", "$HOME"),
        ("pegboard run words freq x fo", "folder/"),
        ("pegboard run --input=fo", "--input=folder/"),
        ("pegboard man --dir ", "folder/"),
        (
            "pegboard run words freq x '|' words l",
            "lines Does words lines.",
        ),
        ("pegboard run ref complete c", "cat meows at position 0"),
        ("pegboard nonsense ", ""),
    ] {
        let test = "source $argv[1]; complete -C $argv[2]";
        let mut fish = home.command("fish");
        let out = run(fish.args(["--no-config", "-c", test, &script, line]));
        let out: Vec<String> = out.lines().map(|line| line.replace('\t', " ")).collect();
        assert_eq!(out.join("\n"), expected, "{line}");
    }
}

#[test]
fn on_a_terminal() {
    let home = Home::with_plugins("fish-terminal");
    let script = shown(&script(&home, "fish"));
    let mut fish = Shell::new(
        &home,
        [
            "fish",
            "--no-config",
            "-i",
            "-C",
            &format!("source {script}"),
        ],
    );
    for (keys, expected) in [
        ("pegboard run wo\tfr\tpl\t", "run,words,freq,plain"),
        ("pegboard run 'words fr\ta\t", "run,words freq,a b"),
        ("pegboard run words freq i\t", "run,words,freq,it's"),
        ("pegboard run words freq \\$\t", "run,words,freq,$HOME"),
        ("pegboard run words freq e\t", "run,words,freq,e!*;e"),
    ] {
        fish.check(keys, &expected.split(",").collect::<Vec<_>>());
    }
}
