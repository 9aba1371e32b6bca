//! `pegboard inspect`.

use pegboard_testkit::peers::peer;

use crate::support::{Cli, json};

#[test]
fn a_plugin_in_words() {
    let path = peer("nu_plugin_inc");
    let out = Cli::new(["inspect".as_ref(), path.as_os_str()]).out();
    let (head, commands) = out.split_once("commands\n").expect("commands");
    let lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines[0], "name      inc");
    assert!(
        lines[1].starts_with("path      /") && lines[1].ends_with("/nu_plugin_inc"),
        "{out}"
    );
    assert_eq!(
        lines[2..],
        [
            "version   0.115.1",
            "protocol  Nushell 0.115.1, json",
            "features  none"
        ]
    );
    let expected = "  inc [flags] [cell_path]\n      \
                    Increment a value or version. Optionally use the column of a table.\n";
    assert_eq!(commands, expected);
}

#[test]
fn a_plugin_as_json() {
    let path = peer("nu_plugin_reference");
    let plugin = json(&Cli::new(["inspect".as_ref(), path.as_os_str(), "--json".as_ref()]).out());
    assert_eq!(plugin["name"], "reference");
    assert_eq!(plugin["protocol_version"], "0.115.1");
    assert_eq!(plugin["encoding"], "msgpack");
    assert_eq!(plugin["features"], serde_json::json!(["LocalSocket"]));
    let commands = plugin["commands"].as_array().expect("commands");
    let names: Vec<&str> = commands
        .iter()
        .filter_map(|command| command["sig"]["name"].as_str())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
    let args = commands
        .iter()
        .find(|command| command["sig"]["name"] == "ref args")
        .expect("ref args");
    assert_eq!(args["sig"]["required_positional"][0]["shape"], "Int");
}
