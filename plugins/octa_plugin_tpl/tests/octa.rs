//! The plugin as a program: what Octa says to it, and what it answers.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use pegboard_testkit::tree::wait_until;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the plugin with these texts and variables. Gives what it says after `Started`, for each.
fn run(executions: &[(&str, Value)]) -> Vec<Vec<Value>> {
    let socket = std::env::temp_dir().join(format!(
        "octa-tpl-{}-{}",
        std::process::id(),
        executions.len()
    ));
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_octa_plugin_tpl"))
        .arg("--socket-path")
        .arg(&socket)
        .env("GREETING", "hello")
        .env("SECRET", "s3cret")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut stream = None;
    wait_until(PATIENCE, || {
        stream = UnixStream::connect(&socket).ok();
        stream.is_some()
    });
    let mut stream = stream.expect("a plugin that listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut hear = move || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).expect(&line)
    };
    let mut say = |message: Value| stream.write_all(format!("{message}\n").as_bytes()).unwrap();
    say(json!({"type": "Hello", "payload": {"version": "0.2.1", "features": []}}));
    say(json!({"type": "Schema"}));
    assert_eq!(hear()["type"], "Hello");
    assert_eq!(hear()["payload"]["key"], "tpl");
    let mut said = Vec::new();
    for (text, vars) in executions {
        say(json!({"type": "Execute", "payload": {
            "params": text, "args": [], "dir": "/tmp", "envs": {"NAME": "you"}, "vars": vars, "dry": true,
        }}));
        assert_eq!(hear()["type"], "Started");
        let mut heard = Vec::new();
        while heard.last().is_none_or(|it: &Value| it["type"] == "Stdout") {
            heard.push(hear());
        }
        said.push(heard);
    }
    say(json!({"type": "Shutdown"}));
    assert_eq!(hear()["payload"]["message"], "Plugin shutting down");
    assert!(plugin.wait().unwrap().success());
    assert!(!socket.exists());
    said
}

#[test]
fn a_rendered_text_comes_in_one_piece() {
    let heard = run(&[
        (
            "$GREETING $NAME:\n{% for i in l %}  - {{ i }}\n{% endfor %}",
            json!({"l": ["a", "b"]}),
        ),
        ("", json!({})),
    ]);
    assert_eq!(heard[0][0]["payload"]["line"], "hello you:\n  - a\n  - b\n");
    assert_eq!(heard[0][1]["payload"]["code"], 0);
    assert_eq!(heard[1][0]["payload"]["code"], 0);
}

#[test]
fn a_missing_variable_is_named_and_nothing_else_is() {
    let heard = run(&[("{{ nope }}", json!({"TOKEN": "t0ken"}))]);
    let message = heard[0][0]["payload"]["message"]
        .as_str()
        .expect("an error");
    assert_eq!(
        message,
        "the template cannot be rendered: Variable `nope` not found in context"
    );
}
