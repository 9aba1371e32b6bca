//! Plugins of many versions in one engine, each spoken to in its own; refusals where only one version is wanted.

mod common;

use std::path::PathBuf;

use common::{
    FLAVOURS, Flavour, PATIENCE, Rig, bytes, error, field, int, ints, items, list, set, text, value,
};
use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{
    AppContext, ErrorKind, Flow, LabeledError, Plugin, Run, Span, State, Value, Versions,
};
use pegboard_testkit::tree::wait_until;

/// A reference plugin under a name of its own.
fn named(rig: &Rig, flavour: Flavour, name: &str) -> PathBuf {
    let link = rig.scratch.path().join(format!("nu_plugin_{name}"));
    std::os::unix::fs::symlink(flavour.path(), &link).expect("a link");
    link
}

#[test]
fn all_builds_and_encodings_run_in_one_engine() {
    for encoding in ["msgpack", "json"] {
        let rig = Rig::with(|config| set(config, "REF_ENCODING", encoding));
        let plugins: Vec<Plugin> = FLAVOURS
            .iter()
            .filter(|flavour| flavour.encoding == encoding)
            .map(|flavour| {
                let name = flavour.folder.replace('-', "_");
                rig.engine
                    .load(named(&rig, *flavour, &name))
                    .expect("a plugin")
            })
            .chain(
                [
                    "nu_plugin_inc",
                    "nu_plugin_pyhand.py",
                    "nu_plugin_nodehand.js",
                ]
                .map(|name| rig.load(name)),
            )
            .collect();
        let versions: Vec<_> = plugins
            .iter()
            .map(|plugin| {
                plugin.start().expect("started");
                plugin.status().protocol_version.expect("a version")
            })
            .collect();
        assert_eq!(
            versions,
            [
                "0.115.1", "0.115.1", "0.105.1", "0.115.1", "0.115.1", "0.115.1"
            ]
        );
        assert_eq!(rig.engine.plugins().len(), 6);
        // A value goes through all of them that give back what they get.
        let mut flow = Flow::value(Value::record([(
            "a",
            Value::list([Value::int(1), Value::string("ü")]),
        )]));
        for plugin in &plugins[..3] {
            flow = plugin.run("ref echo").input(flow).call().expect("the same");
        }
        flow = plugins[4]
            .run("py echo")
            .input(flow)
            .call()
            .expect("the same");
        flow = plugins[5]
            .run("node echo")
            .input(flow)
            .call()
            .expect("the same");
        let same = Value::record([("a", Value::list([Value::int(1), Value::string("ü")]))]);
        assert_eq!(flow.into_value().expect("the same"), same);

        // Each command is found in its plugin.
        let find = |words: &[&str]| {
            rig.engine
                .find(words)
                .expect("signatures")
                .expect("a command")
        };
        assert_eq!(find(&["py", "upper", "x"]).0.plugin.name(), "pyhand");
        assert_eq!(find(&["inc"]).0.plugin.name(), "inc");
    }
}

#[test]
fn one_version_only_refuses_others_and_names_both() {
    let only = |version: &str| {
        let version = version.parse().expect("a version");
        Rig::with(|config| config.versions = Versions::Only(version))
    };
    for (folder, wanted, own) in [
        (FLAVOURS[0], "0.116.0", "0.115.1"),
        (FLAVOURS[2], "0.114.9", "0.115.1"),
        (FLAVOURS[4], "0.115.1", "0.105.1"),
        (FLAVOURS[0], "1.0.0", "0.115.1"),
    ] {
        let rig = only(wanted);
        let plugin = rig.engine.load(folder.path()).expect("a plugin");
        let got = error(plugin.run("ref count"));
        assert_eq!(got.kind(), ErrorKind::Start);
        for part in [own, wanted] {
            assert!(got.to_string().contains(part), "{got}");
        }
        assert_eq!(
            got.diagnosis().and_then(|it| it.plugin_version.as_deref()),
            Some(own)
        );
        assert_ne!(plugin.status().state, State::Running);
        assert!(wait_until(PATIENCE, || rig.processes().is_empty()));
    }
    for (folder, wanted) in [
        (FLAVOURS[0], "0.115.9"),
        (FLAVOURS[2], "0.115.0"),
        (FLAVOURS[4], "0.105.0"),
    ] {
        let plugin = only(wanted);
        let loaded = plugin.engine.load(folder.path()).expect("a plugin");
        assert_eq!(value(loaded.run("ref count")), Value::int(0));
        assert_eq!(loaded.status().starts, 1);
    }
}

/// The hand-written plugins, as if they were of this version.
fn by_hand(version: &str) -> (Rig, [(Plugin, &'static str); 2]) {
    let rig = Rig::with(|config| set(config, "HAND_VERSION", version));
    let plugins = [
        (rig.load("nu_plugin_pyhand.py"), "py"),
        (rig.load("nu_plugin_nodehand.js"), "node"),
    ];
    (rig, plugins)
}

#[test]
fn hand_written_plugins_of_every_age_are_spoken_to_in_their_version() {
    for version in [
        "0.98.0",
        "0.101.0",
        "0.107.0",
        "0.108.0",
        "0.113.1",
        "0.116.0",
        "0.115.9-nightly.3",
    ] {
        let (rig, plugins) = by_hand(version);
        for (plugin, name) in &plugins {
            println!("{name} of version {version}");
            let run = |command: &str| -> Run { plugin.run(format!("{name} {command}")) };
            assert_eq!(plugin.signatures().expect("signatures").len(), 7);
            let metadata = plugin.metadata().expect("metadata").version;
            assert_eq!(metadata.as_deref(), Some("0.1.0"));
            assert_eq!(
                value(run("upper").input(Value::string("grüße"))),
                Value::string("GRÜSSE")
            );
            let table = Value::list([Value::record([
                ("n", Value::int(1)),
                ("f", Value::float(1.5)),
            ])]);
            assert_eq!(value(run("echo").input(table.clone())), table);
            let listed = value(run("list").argument(Value::int(250)));
            assert_eq!(items(listed), ints(0..250).collect::<Vec<_>>());
            assert_eq!(
                value(run("sum").input(Flow::list(ints(0..250)))),
                Value::int(31_125)
            );
            assert_eq!(
                value(run("sum").input(Value::list(ints(0..10)))),
                Value::int(45)
            );
            let got = error(run("error"));
            assert_eq!(
                (got.kind(), got.labeled().labels.len()),
                (ErrorKind::Plugin, 1)
            );
            let context = std::sync::Arc::new(AppContext::new().with_directory("/x"));
            assert_eq!(value(run("cwd").context(context)), Value::string("/x"));
            let status = plugin.status();
            assert_eq!(
                (status.protocol_version.as_deref(), status.starts),
                (Some(version), 1)
            );
        }
        drop(rig);
    }
}

#[test]
fn a_plugin_that_is_too_old_is_refused_by_its_version() {
    for version in ["0.90.0", "0.60.1"] {
        let (rig, plugins) = by_hand(version);
        for (plugin, name) in &plugins {
            let got = error(plugin.run(format!("{name} echo")));
            assert_eq!(got.kind(), ErrorKind::Start);
            assert!(got.to_string().contains(version), "{got}");
            assert!(plugin.signatures().is_err());
        }
        assert!(wait_until(PATIENCE, || rig.processes().is_empty()));
    }
}

#[test]
fn values_take_the_form_of_the_plugins_version() {
    // Ranges and cell paths were structs before 0.114; a plugin that only hands them back shows that they are understood.
    for version in [
        "0.98.0", "0.104.0", "0.105.0", "0.113.0", "0.114.0", "0.116.0",
    ] {
        let (_rig, plugins) = by_hand(version);
        for (plugin, name) in &plugins {
            let path = "$.a.0.b".parse().expect("a path");
            let range = "1..3..9".parse().expect("a range");
            let sent = Value::list([
                Value::CellPath(path, Span::UNKNOWN),
                Value::Range(Box::new(range), Span::UNKNOWN),
                Value::filesize(5),
                Value::duration(-1),
                Value::error(
                    LabeledError::new("an error")
                        .with_code("a::b")
                        .with_label("here", Span::new(1, 2)),
                ),
            ]);
            assert_eq!(
                value(plugin.run(format!("{name} echo")).input(sent.clone())),
                sent,
                "{name} {version}"
            );
        }
    }
}

#[test]
fn a_plugin_that_writes_without_waiting_for_its_credit_is_borne_with() {
    let (_rig, plugins) = by_hand("0.115.1");
    for (plugin, name) in &plugins {
        let stream = list(
            plugin
                .run(format!("{name} list"))
                .argument(Value::int(20_000)),
        );
        let mut wanted = 0;
        for item in stream {
            assert_eq!(int(&item.expect("an item")), wanted);
            wanted += 1;
        }
        assert_eq!(wanted, 20_000);
        // One that is not read does not fail the plugin, nor does letting go of it.
        drop(list(
            plugin
                .run(format!("{name} list"))
                .argument(Value::int(20_000)),
        ));
        let echo = plugin.run(format!("{name} echo")).input(Value::int(1));
        assert_eq!(value(echo), Value::int(1));
        assert_eq!(plugin.status().starts, 1);
    }
}

#[test]
fn streams_flow_between_plugins_of_all_kinds() {
    let (rig, [(python, _), (node, _)]) = by_hand("0.107.0");
    let old = rig.engine.load(FLAVOURS[4].path()).expect("a plugin");
    let numbers = || list(python.run("py list").argument(Value::int(3_000)));
    let through = old
        .run("ref echo")
        .input(Flow::List(numbers()))
        .call()
        .expect("a stream");
    assert_eq!(
        value(node.run("node sum").input(through)),
        Value::int(4_498_500)
    );
    let back = old.run("ref echo").input(Flow::List(list(
        node.run("node list").argument(Value::int(3_000)),
    )));
    let Flow::List(back) = back.call().expect("a stream") else {
        panic!("no stream")
    };
    assert_eq!(
        value(python.run("py sum").input(Flow::List(back))),
        Value::int(4_498_500)
    );
    let kind = ByteStreamKind::Binary;
    let run = old.run("ref echo").input(common::byte_flow(50_000, kind));
    common::check_pattern(bytes(run), 50_000, 251);
    let state = value(old.run("ref state"));
    assert_eq!(text(&field(&state, "built-for")), "reference-105");
}
