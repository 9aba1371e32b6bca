//! Nushell: its external completer.

use std::fs;

use pegboard_testkit::peers::peer;

use crate::support::{Home, Shell, run, script, shown};

#[test]
fn the_external_completer() {
    let home = Home::with_plugins("nushell");
    home.install_reference();
    let script = shown(&script(&home, "nushell"));
    for (words, expected) in [
        (
            "pegboard run wor",
            r#"[[value,description];[words,commands]]"#,
        ),
        (
            "pegboard run --to=js",
            r#"[[value,description];["--to=json","One indented JSON document"]]"#,
        ),
        (
            "pegboard run words freq ''",
            r#"[[value,description];[plain,""],["'a b'",""],["\"it's\"",""],["'$HOME'",""],["'d\"q'",""],["'e!*;e'",""]]"#,
        ),
        (
            "pegboard run ref complete c",
            r#"[[value,description];[cat,"meows at position 0"]]"#,
        ),
        ("pegboard run words freq x y", "null"),
        ("pegboard nonsense ''", "[]"),
        ("other y", "[[value];[before]]"),
    ] {
        let spans: Vec<String> = words
            .split(' ')
            .map(|word| format!("r#'{}'#", word.trim_matches('\'')))
            .collect();
        let test = format!(
            "$env.config.completions.external.completer = {{|spans| [[value]; [before]] }}
            source '{script}'
            do $env.config.completions.external.completer [{}] | to nuon",
            spans.join(" ")
        );
        let mut nu = home.command(peer("nu"));
        let out = run(nu.args(["-n", "-c", &test]));
        let normal = |text: &str| text.replace(", ", ",").replace("; ", ";").trim().to_owned();
        assert_eq!(normal(&out), normal(expected), "{words}");
    }
}

#[test]
fn on_a_terminal() {
    let home = Home::with_plugins("nushell-terminal");
    let script = script(&home, "nushell");
    // Where the script is loaded by itself.
    let folder = home.file(".config/nushell/autoload");
    fs::create_dir_all(&folder).expect("a directory");
    fs::copy(script, folder.join("pegboard.nu")).expect("a file");
    let config = home.program("config.nu", "$env.config.show_banner = false");
    let mut nu = Shell::new(
        &home,
        [&shown(&peer("nu")), "--config", &shown(&config), "-i"],
    );
    // Nushell puts no space behind a candidate.
    for (keys, expected) in [
        ("pegboard run wo\t fr\t pl\t", "run,words,freq,plain"),
        (
            "pegboard run --to=js\t words l\t",
            "run,--to=json,words,lines",
        ),
        ("pegboard run words freq a\t", "run,words,freq,a b"),
        ("pegboard run 'words fr\t a\t", "run,words freq,a b"),
        ("pegboard run words freq i\t", "run,words,freq,it's"),
        (
            "pegboard run words freq x fold\t",
            "run,words,freq,x,folder/",
        ),
    ] {
        nu.check(keys, &expected.split(',').collect::<Vec<_>>());
    }
}
