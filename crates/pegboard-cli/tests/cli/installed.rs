//! Installing plugins, and using them by their names.

use std::fs;
use std::path::Path;

use pegboard_testkit::peers::{peer, peer_in};

use crate::support::{Cli, Folder, finish, json};

const REF: &str = "nu_plugin_reference";

/// The program with a store of its own.
fn at<const N: usize>(home: &Folder, arguments: [&str; N]) -> Cli {
    Cli::new(arguments).variable("PEGBOARD_HOME", &home.file("store").display().to_string())
}

fn add(home: &Folder, plugin: &Path) -> String {
    at(home, ["add"]).argument(plugin).out()
}

/// A copy of a plugin in the test's own folder, so that it can be changed and removed.
fn copy(home: &Folder, plugin: &Path, name: &str) -> std::path::PathBuf {
    let path = home.file(name);
    // A file that is written while another test starts a process may be busy: renaming it into place is not.
    let written = home.file(&format!("{name}.new"));
    fs::copy(plugin, &written).expect("a copy");
    fs::rename(&written, &path).expect("renamed");
    path
}

#[test]
fn an_installed_plugin_is_run_by_the_names_of_its_commands() {
    let home = Folder::new("installed");
    assert_eq!(
        at(&home, ["list"]).end().err,
        "no plugins are installed; `pegboard add PATH` installs one\n"
    );
    assert_eq!(
        add(&home, &peer("nu_plugin_inc")),
        "added inc 0.115.1 with 1 command\n"
    );
    assert_eq!(
        add(&home, &peer("nu_plugin_inc")),
        "renewed inc 0.115.1 with 1 command\n"
    );
    add(&home, &peer(REF));
    let inc = at(&home, ["run", "inc", "--minor"]).input("1.2.3\n");
    assert_eq!(inc.out(), "1.3.0");
    let both = at(&home, ["run", "inc", "--major", "|", "ref", "echo"]).input("1.2.3\n");
    assert_eq!(both.out(), "2.0.0");
    let list = json(&at(&home, ["list", "--json"]).out());
    assert_eq!(
        (&list[0]["name"], &list[0]["commands"], &list[0]["file"]),
        (&"inc".into(), &serde_json::json!(["inc"]), &"ok".into())
    );
    let names = at(&home, ["list"]).out();
    let names: Vec<&str> = names
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, ["name", "---------", "inc", "reference"]);
    assert_eq!(at(&home, ["remove", "inc"]).out(), "removed inc\n");
    assert!(
        at(&home, ["run", "inc"])
            .fails(2)
            .contains("none of the plugins has a command `inc`")
    );
}

#[test]
fn nothing_is_started_to_answer_what_the_index_knows() {
    let home = Folder::new("index-only");
    let plugin = copy(
        &home,
        &peer("nu_plugin_nodehand.js"),
        "nu_plugin_nodehand.js",
    );
    add(&home, &plugin);
    // Its file has the same size and time, but would not run.
    let text = fs::read_to_string(&plugin).expect("a script");
    let time = fs::metadata(&plugin)
        .and_then(|it| it.modified())
        .expect("a time");
    fs::write(&plugin, "x".repeat(text.len())).expect("a broken script");
    let file = fs::File::options()
        .write(true)
        .open(&plugin)
        .expect("the script");
    file.set_modified(time).expect("its time");
    let help = at(&home, ["run", "node", "upper", "--help"]).out();
    assert!(help.contains("Usage:\n  node upper"), "{help}");
    assert_eq!(at(&home, ["help", "node", "upper"]).out(), help);
    assert!(
        at(&home, ["list", "--commands"])
            .out()
            .contains("  node upper")
    );
    assert!(
        at(&home, ["inspect", "nodehand"])
            .out()
            .contains("  node upper")
    );
    assert!(
        at(&home, ["run", "node", "--help"])
            .out()
            .contains("  node upper")
    );
    let wrong = at(&home, ["run", "node", "list"]).fails(2);
    assert!(wrong.contains("lacks the argument `count`"), "{wrong}");
    // It would have been noticed.
    at(&home, ["run", "node", "upper"]).input("x\n").fails(3);
}

#[test]
fn a_plugin_that_has_changed_is_asked_again() {
    let home = Folder::new("changed");
    let plugin = copy(&home, &peer_in("bin-105", REF), "nu_plugin_reference");
    add(&home, &plugin);
    copy(&home, &peer(REF), "nu_plugin_reference");
    let list = json(&at(&home, ["list", "--json"]).out());
    assert_eq!(list[0]["file"], "changed");
    // Help is of what is known; nothing is started for it.
    let help = at(&home, ["help", "ref", "values"]).end();
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    let ran = at(&home, ["run", "ref", "values", "int"]).end();
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        (
            "42\n",
            "note: the plugin reference has changed since it was added, so it was asked again\n"
        )
    );
    assert_eq!(at(&home, ["run", "ref", "values", "int"]).out(), "42\n");
    let list = json(&at(&home, ["list", "--json"]).out());
    assert_eq!(
        (&list[0]["file"], &list[0]["protocol_version"]),
        (&"ok".into(), &"0.115.1".into())
    );
    fs::remove_file(&plugin).expect("removed");
    let gone = at(&home, ["run", "ref", "values", "int"]).fails(2);
    assert!(
        gone.contains("the file of the plugin reference is gone"),
        "{gone}"
    );
    assert!(at(&home, ["list"]).out().contains("gone"));
}

#[test]
fn what_cannot_be_installed_is_told_and_the_rest_is_installed() {
    let home = Folder::new("partly");
    let ran = at(&home, ["add", "/nowhere"])
        .argument(peer("nu_plugin_inc"))
        .argument("/bin/true")
        .end();
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(2), "added inc 0.115.1 with 1 command\n")
    );
    assert!(
        ran.err.contains("/nowhere") && ran.err.contains("plugin true"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.ends_with("1 of 3 plugins were installed\n"),
        "{}",
        ran.err
    );
    let unknown = at(&home, ["remove", "incc"]).fails(2);
    assert!(unknown.contains("did you mean `inc`?"), "{unknown}");
    assert_eq!(at(&home, ["inspect", "incc"]).fails(2), unknown);
}

#[test]
fn a_plugin_of_the_command_line_comes_before_an_installed_one() {
    let home = Folder::new("before");
    add(&home, &peer_in("bin-105", REF));
    let built = |options: &[&str]| {
        let mut cli = at(&home, ["run"]);
        for option in options {
            cli = cli.argument(option);
        }
        let state = cli
            .argument("--to")
            .argument("json")
            .argument("ref")
            .argument("state")
            .out();
        json(&state)["built-for"].clone()
    };
    let newest = peer(REF).display().to_string();
    assert_eq!(built(&[]), "reference-105");
    assert_eq!(built(&["--plugin", &newest]), "reference-115");
    assert_eq!(built(&["--plugin", "reference"]), "reference-105");
}

#[test]
fn a_damaged_index_is_made_again_and_says_so() {
    let home = Folder::new("damaged");
    add(&home, &peer("nu_plugin_inc"));
    fs::write(home.file("store/index"), "junk").expect("damage");
    let ran = at(&home, ["run", "inc", "-m"]).input("1.2.3\n").end();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "1.3.0"));
    assert_eq!(
        ran.err,
        "note: the index of installed plugins was made again: it does not begin as an index does\n"
    );
    assert_eq!(at(&home, ["list"]).end().err, "");
    fs::write(home.file("store/plugins/other.json"), "{").expect("a damaged entry");
    let ran = at(&home, ["list"]).end();
    assert!(
        ran.err.contains("plugins/other.json is left out"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("inc"), "{}", ran.out);
    assert_eq!(at(&home, ["remove", "other"]).out(), "removed other\n");
    assert_eq!(at(&home, ["list"]).end().err, "");
}

#[test]
fn ten_at_once_lose_nothing() {
    let home = Folder::new("at-once");
    let script = peer("nu_plugin_nodehand.js");
    let names: Vec<String> = (0..10).map(|number| format!("p{number}")).collect();
    for name in &names {
        fs::copy(&script, home.file(&format!("nu_plugin_{name}.js"))).expect("a copy");
    }
    // One half is there before, and is removed while the other half is added.
    let (first, second) = names.split_at(5);
    let all = |what: &str, names: &[String]| {
        let started: Vec<_> = names
            .iter()
            .map(|name| {
                let subject = match what {
                    "add" => home
                        .file(&format!("nu_plugin_{name}.js"))
                        .display()
                        .to_string(),
                    _ => name.clone(),
                };
                at(&home, [what, &subject]).start()
            })
            .collect();
        started
    };
    all("add", first)
        .into_iter()
        .map(finish)
        .for_each(|ran| assert_eq!(ran.code, Some(0), "{ran:?}"));
    let mixed: Vec<_> = all("remove", first)
        .into_iter()
        .chain(all("add", second))
        .collect();
    mixed
        .into_iter()
        .map(finish)
        .for_each(|ran| assert_eq!(ran.code, Some(0), "{ran:?}"));
    let list = at(&home, ["list", "--json"]).end();
    let listed = json(&list.out);
    let listed: Vec<&str> = listed
        .as_array()
        .expect("plugins")
        .iter()
        .filter_map(|plugin| plugin["name"].as_str())
        .collect();
    assert_eq!(
        (listed, list.err.as_str()),
        (second.iter().map(String::as_str).collect(), "")
    );
}

#[test]
fn a_file_in_the_current_directory_is_not_run_by_the_name_of_a_plugin() {
    let home = Folder::new("names");
    add(&home, &peer("nu_plugin_inc"));
    let marked = home.file("ran");
    let script = format!("#!/bin/sh\ntouch '{}'\n", marked.display());
    fs::write(home.file("inc"), script).expect("a script");
    fs::set_permissions(
        home.file("inc"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("executable");
    let here = |arguments: &[&str]| {
        Cli::new(arguments)
            .variable("PEGBOARD_HOME", &home.file("store").display().to_string())
            .directory(home.path())
    };
    assert!(here(&["inspect", "inc"]).out().contains("Nushell 0.115.1"));
    let run = here(&["run", "--plugin", "inc", "inc", "-m"]).input("1.2.3\n");
    assert_eq!(run.out(), "1.3.0");
    here(&["test", "inc", "--rule", "hello"]).out();
    assert!(!marked.exists(), "it was run");
    here(&["inspect", "./inc"]).fails(3);
    assert!(marked.exists(), "it was not run");
}

#[test]
fn a_plugin_of_the_same_name_hides_the_installed_one_and_says_so() {
    let home = Folder::new("hidden");
    add(&home, &peer("nu_plugin_inc"));
    let other = home.file("nu_plugin_inc.py");
    fs::copy(peer("nu_plugin_pyhand.py"), &other).expect("a copy");
    let hidden = at(
        &home,
        ["run", "--plugin", &other.display().to_string(), "inc"],
    )
    .fails(2);
    assert!(
        hidden.contains("the installed plugin inc has it, but `--plugin` names another plugin inc"),
        "{hidden}"
    );
}

#[test]
fn a_store_that_cannot_be_used_is_no_fault_of_a_plugin() {
    let home = Folder::new("unusable");
    fs::write(home.file("store"), "a file").expect("a file");
    let plugin = peer("nu_plugin_inc");
    let error = at(&home, ["add"]).argument(&plugin).fails(4);
    assert!(error.contains("cannot install `inc`"), "{error}");
    fs::remove_file(home.file("store")).expect("removed");
    add(&home, &plugin);
    fs::remove_file(home.file("store/index")).expect("removed");
    let made = std::process::Command::new("mkfifo")
        .arg(home.file("store/index"))
        .status();
    assert!(made.expect("mkfifo").success());
    let ran = at(&home, ["list"]).end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("it is no file"), "{}", ran.err);
}
