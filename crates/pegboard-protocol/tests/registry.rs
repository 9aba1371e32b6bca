//! The registry of a Nushell: what one version wrote is read, and written again as that version does.

use pegboard_protocol::codec::{decode_registry, encode_registry};
use pegboard_protocol::nu::{
    Dialect, PluginMetadata, PluginSignature, Registry, RegistryContent, RegistryItem, Signature,
};
use semver::Version;

fn text(text: &str) -> Vec<u8> {
    assert!(text.len() < 32);
    let mut bytes = vec![0xa0 | text.len() as u8];
    bytes.extend(text.as_bytes());
    bytes
}

/// A map with these keys, whose values are MessagePack already.
fn map(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0x80 | fields.len() as u8];
    for (key, value) in fields {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0x90 | items.len() as u8];
    bytes.extend(items.concat());
    bytes
}

fn file(items: &[Vec<u8>]) -> Vec<u8> {
    map(&[
        ("nushell_version", text("0.98.0")),
        ("plugins", list(items)),
    ])
}

fn command(name: &str) -> Vec<u8> {
    map(&[
        ("sig", map(&[("name", text(name))])),
        ("examples", list(&[])),
    ])
}

fn named(name: &str) -> PluginSignature {
    PluginSignature {
        sig: Signature {
            name: name.to_owned(),
            ..Signature::default()
        },
        examples: Vec::new(),
    }
}

#[test]
fn one_bad_item_costs_no_other() {
    let path = text("/nu_plugin_x");
    let no_name = map(&[("filename", path.clone())]);
    let no_commands = map(&[("name", text("b")), ("filename", path.clone())]);
    let bad_commands = map(&[
        ("name", text("c")),
        ("filename", path.clone()),
        ("commands", list(&[map(&[("sig", text("nonsense"))])])),
    ]);
    let good = map(&[
        ("name", text("d")),
        ("filename", path),
        ("shell", text("python3")),
        ("future", list(&[text("x")])),
        ("commands", list(&[command("d"), command("d e")])),
    ]);
    let bytes = file(&[vec![0xc0], no_name, no_commands, bad_commands, good]);
    let registry = decode_registry(&bytes).expect("a registry");
    assert_eq!(registry.nushell_version, "0.98.0");
    assert_eq!(registry.problems.len(), 2, "{:?}", registry.problems);
    assert!(
        registry.problems[0].starts_with("plugin number 1: "),
        "{:?}",
        registry.problems
    );
    assert!(
        registry.problems[1].contains("missing field `name`"),
        "{:?}",
        registry.problems
    );
    let [b, c, d] = registry.plugins.as_slice() else {
        panic!("{:?}", registry.plugins)
    };
    assert_eq!(b.content, Err("it has no commands".to_owned()));
    let error = c.content.as_ref().expect_err("no commands");
    assert!(error.contains("[0].sig"), "{error}");
    assert_eq!(
        (d.name.as_str(), d.shell.as_deref()),
        ("d", Some("python3"))
    );
    let content = d.content.as_ref().expect("commands");
    assert_eq!(content.metadata, PluginMetadata::default());
    assert_eq!(content.commands, [named("d"), named("d e")]);
}

#[test]
fn what_was_written_is_read() {
    let item = |name: &str, content| RegistryItem {
        name: name.to_owned(),
        filename: format!("/nu_plugin_{name}"),
        shell: None,
        content,
    };
    let content = RegistryContent {
        metadata: PluginMetadata {
            version: Some("1.2.3".to_owned()),
        },
        commands: vec![named("a"), named("a b")],
    };
    let registry = Registry {
        nushell_version: "0.115.1".to_owned(),
        plugins: vec![
            item("a", Ok(content.clone())),
            item("b", Err("it has no commands".to_owned())),
        ],
        problems: Vec::new(),
    };
    for version in ["0.95.0", "0.98.0", "0.107.0", "0.115.1"] {
        let dialect = Version::parse(version).map(|version| Dialect::of(&version));
        let dialect = dialect.expect("a version").expect("a known version");
        let mut bytes = Vec::new();
        encode_registry(&registry, dialect, &mut bytes).expect("encodes");
        assert_eq!(decode_registry(&bytes).as_ref(), Ok(&registry), "{version}");
    }
    // Plugins could not say their version then.
    let old = Dialect::of(&Version::new(0, 94, 0)).expect("a known version");
    let mut bytes = Vec::new();
    encode_registry(&registry, old, &mut bytes).expect("encodes");
    let read = decode_registry(&bytes).expect("a registry");
    let content = read.plugins[0].content.as_ref().expect("commands");
    assert_eq!(content.metadata.version, None);
}

#[test]
fn what_is_no_registry_is_refused() {
    for (bytes, reason) in [
        (Vec::new(), "ends inside"),
        (vec![0xc0], "a plugin registry"),
        (
            map(&[("plugins", list(&[]))]),
            "missing field `nushell_version`",
        ),
        (
            map(&[("nushell_version", text("0.98.0"))]),
            "missing field `plugins`",
        ),
        (
            map(&[("nushell_version", text("0.98.0")), ("plugins", text("x"))]),
            "expected an array",
        ),
        ([file(&[]), text("more")].concat(), "more behind the end"),
    ] {
        let error = decode_registry(&bytes).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    }
}
