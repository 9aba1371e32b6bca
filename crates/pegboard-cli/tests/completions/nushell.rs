//! Nushell: its external completer.

use pegboard_testkit::peers::peer;

use crate::support::{Home, run, script, shown};

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
