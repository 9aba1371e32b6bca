//! Plugins that are not installed, and are named with `--plugin`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use pegboard_testkit::peers::{peer, shipped};

use crate::support::Home;

/// A plugin in this home that counts how often it is started.
fn counted(home: &Home, plugin: &Path) -> (String, impl Fn() -> usize + use<>) {
    let count = home.file("starts");
    let name = plugin.file_name().expect("a name").to_str().expect("text");
    let text = format!(
        "#!/bin/sh\necho >> '{}'\nexec '{}' \"$@\"\n",
        count.display(),
        plugin.display()
    );
    let path = home.program(name, &text).display().to_string();
    let starts = move || fs::read_to_string(&count).map_or(0, |text| text.lines().count());
    (path, starts)
}

fn complete(home: &Home, words: &[&str]) -> String {
    let words: Vec<&str> = ["plain", "pegboard"].iter().chain(words).copied().collect();
    home.complete(&words)
}

#[test]
fn its_commands_and_flags_are_known_after_it_was_asked_once() {
    let home = Home::with_plugins("given");
    let (path, starts) = counted(&home, &shipped("nu_plugin_words"));
    let path = path.as_str();
    // The commands of those that are installed are offered too.
    let run = ["run", "--plugin", path];
    let line = |rest: &[&'static str]| complete(&home, &[&run[..], rest].concat());
    assert_eq!(line(&["words", ""]), "count,freq,lines,upper");
    // To be asked once it may be started twice, to find out over which link.
    let once = starts();
    assert!((1..=2).contains(&once), "{once}");
    assert!(line(&["words", "freq", "--"]).contains("--top"));
    assert_eq!(line(&["words", "lines", "|", "wo"]), "words");
    assert_eq!(complete(&home, &["run", "wo"]), "words");
    assert_eq!(starts(), once);
    // Another file is asked again.
    let text = fs::read_to_string(path).expect("a script");
    fs::write(path, text + "# changed\n").expect("a script");
    assert_eq!(line(&["words", "up"]), "upper");
    assert_eq!(starts(), 2 * once);
    // It is not installed by that.
    assert_eq!(complete(&home, &["run", "words", "upp"]), "");
}

#[test]
fn a_plugin_of_octas_has_its_flags() {
    let home = Home::new("given-octa");
    let (path, starts) = counted(&home, &shipped("octa_plugin_shell"));
    let name = "./octa_plugin_shell";
    fs::copy(&path, home.file("work/octa_plugin_shell")).expect("a plugin");
    for (words, expected) in [
        (&["run", "--plugin", name, "she"][..], "shell"),
        (
            &["run", "--plugin", name, "shell", "--"],
            "--dir,--env,--var,--dry,--help",
        ),
        // What can be repeated is offered again.
        (
            &[
                "run", "--plugin", name, "shell", "--env", "A=1", "--dry", "--",
            ],
            "--dir,--env,--var,--help",
        ),
        (
            &["run", "--plugin", name, "shell", "--dir", ""],
            "directories",
        ),
    ] {
        assert_eq!(complete(&home, words), expected, "{words:?}");
    }
    assert_eq!(starts(), 1);
}

#[test]
fn it_is_asked_for_values_too() {
    let home = Home::new("given-values");
    let path = peer("nu_plugin_reference").display().to_string();
    let given = complete(&home, &["run", "--plugin", &path, "ref", "complete", ""]);
    home.install_reference();
    let installed = complete(&home, &["run", "ref", "complete", ""]);
    assert_eq!(given, installed);
    assert!(!given.is_empty());
}

#[test]
fn what_is_no_plugin_by_its_name_is_not_started() {
    let home = Home::new("given-others");
    let mark = home.file("started");
    let text = format!("#!/bin/sh\n: > '{}'\n", mark.display());
    for name in ["script", "nu_plugin", "my_nu_plugin_x"] {
        let path = home.program(name, &text).display().to_string();
        assert_eq!(complete(&home, &["run", "--plugin", &path, "x"]), "");
    }
    // Without a slash it is the name of an installed one.
    home.program("work/nu_plugin_here", &text);
    assert_eq!(
        complete(&home, &["run", "--plugin", "nu_plugin_here", "x"]),
        ""
    );
    assert!(!mark.exists());
    for (name, text) in [
        ("nu_plugin_silent", "#!/bin/sh\nexec cat > /dev/null\n"),
        ("nu_plugin_broken", "#!/bin/sh\nexit 3\n"),
    ] {
        let path = home.program(name, text).display().to_string();
        let start = Instant::now();
        assert_eq!(complete(&home, &["run", "--plugin", &path, "x"]), "");
        let took = start.elapsed();
        assert!(took < Duration::from_secs(6), "{name}: {took:?}");
    }
}
