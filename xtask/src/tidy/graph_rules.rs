//! Rules 1 and 13: what cargo knows about packages and their dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::Finding;
use crate::run;

/// What each crate may depend on in the workspace, except for its tests.
const BORDERS: &[(&str, &[&str])] = &[
    ("pegboard-protocol", &[]),
    ("pegboard-manifest", &[]),
    ("pegboard-args", &["pegboard-protocol"]),
    ("pegboard-transport", &["pegboard-protocol"]),
    (
        "pegboard-host",
        &[
            "pegboard-args",
            "pegboard-transport",
            "pegboard-protocol",
            "pegboard-manifest",
        ],
    ),
    (
        "pegboard-plugin",
        &["pegboard-args", "pegboard-transport", "pegboard-protocol"],
    ),
    (
        "pegboard-testkit",
        &[
            "pegboard-args",
            "pegboard-host",
            "pegboard-protocol",
            "pegboard-transport",
            "pegboard-plugin",
        ],
    ),
    (
        "pegboard-cli",
        &[
            "pegboard-args",
            "pegboard-host",
            "pegboard-manifest",
            "pegboard-testkit",
        ],
    ),
    // Plugins see nothing but what any plugin author sees.
    ("nu_plugin_words", &["pegboard-plugin"]),
    ("nu_plugin_showcase", &["pegboard-plugin"]),
    ("octa_plugin_tpl", &["pegboard-plugin"]),
    ("octa_plugin_shell", &["octa_plugin_tpl", "pegboard-plugin"]),
    ("xtask", &[]),
];

/// Crates that only say what is, and so must stay light.
const LIGHT: &[&str] = &["pegboard-protocol", "pegboard-args", "pegboard-manifest"];

/// What may not stand anywhere in a light crate's tree.
const HEAVY: &[&str] = &[
    "async-std",
    "env_logger",
    "fastrand",
    "fern",
    "getrandom",
    "interprocess",
    "log4rs",
    "mio",
    "nix",
    "polling",
    "rand",
    "rustix",
    "smol",
    "socket2",
    "tokio",
    "tracing-subscriber",
];

pub(super) fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let mut cargo = run::cargo();
    cargo
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root);
    let output = cargo
        .output()
        .map_err(|error| run::cannot_start(&cargo, &error))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(Graph::new(&metadata).check())
}

/// The parts of cargo's metadata that the rules need.
struct Graph<'a> {
    packages: BTreeMap<&'a str, &'a Value>,
    nodes: BTreeMap<&'a str, &'a Value>,
    members: BTreeSet<&'a str>,
    /// The workspace's own `rust-version`.
    rust: Option<(u64, u64)>,
}

impl<'a> Graph<'a> {
    fn new(metadata: &'a Value) -> Self {
        let by_id = |list: &'a Value| -> BTreeMap<&'a str, &'a Value> {
            items(list).map(|item| (text(&item["id"]), item)).collect()
        };
        let packages = by_id(&metadata["packages"]);
        let members: BTreeSet<_> = items(&metadata["workspace_members"]).map(text).collect();
        let rust = packages
            .iter()
            .filter(|(id, _)| members.contains(*id))
            .filter_map(|(_, package)| version(text(&package["rust_version"])))
            .min();
        Self {
            nodes: by_id(&metadata["resolve"]["nodes"]),
            packages,
            members,
            rust,
        }
    }

    fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for id in &self.members {
            findings.extend(self.borders(id));
            if LIGHT.contains(&self.name(id)) {
                findings.extend(self.weight(id));
            }
        }
        findings.extend(self.rust_versions());
        findings
    }

    fn name(&self, id: &str) -> &'a str {
        self.packages
            .get(id)
            .map_or("", |package| text(&package["name"]))
    }

    fn manifest(&self, id: &str) -> String {
        match self.name(id) {
            "xtask" => "xtask/Cargo.toml".to_owned(),
            name if name.starts_with("nu_plugin_") => format!("plugins/{name}/Cargo.toml"),
            name => format!("crates/{name}/Cargo.toml"),
        }
    }

    fn borders(&self, id: &str) -> Vec<Finding> {
        let name = self.name(id);
        let Some((_, allowed)) = BORDERS.iter().find(|(crate_name, _)| *crate_name == name) else {
            let what =
                format!("{name} is a new crate: say in graph_rules.rs what it may depend on");
            return vec![Finding::new(&self.manifest(id), 1, 1, what)];
        };
        let ours: BTreeSet<_> = self
            .members
            .iter()
            .map(|member| self.name(member))
            .collect();
        items(&self.packages[id]["dependencies"])
            .filter(|dependency| {
                let to = text(&dependency["name"]);
                let for_tests = text(&dependency["kind"]) == "dev";
                let free = for_tests && !LIGHT.contains(&name);
                ours.contains(to) && !allowed.contains(&to) && !free
            })
            .map(|dependency| {
                let what = format!("{name} may not depend on {}", text(&dependency["name"]));
                Finding::new(&self.manifest(id), 1, 1, what)
            })
            .collect()
    }

    /// Heavy packages that a light crate reaches by normal dependencies.
    fn weight(&self, id: &'a str) -> Vec<Finding> {
        let mut seen = BTreeSet::from([id]);
        let mut queue = vec![id];
        while let Some(next) = queue.pop() {
            let Some(node) = self.nodes.get(next) else {
                continue;
            };
            for dependency in items(&node["deps"]) {
                let normal = items(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
                let to = text(&dependency["pkg"]);
                if normal && seen.insert(to) {
                    queue.push(to);
                }
            }
        }
        seen.into_iter()
            .map(|found| self.name(found))
            .filter(|found| HEAVY.contains(found))
            .map(|found| {
                let what = format!("{} reaches {found}", self.name(id));
                Finding::new(&self.manifest(id), 1, 1, what)
            })
            .collect()
    }

    fn rust_versions(&self) -> Vec<Finding> {
        let Some(ours) = self.rust else {
            return vec![Finding::new(
                "Cargo.toml",
                1,
                13,
                "no rust-version in the workspace",
            )];
        };
        self.packages
            .values()
            .filter(|package| {
                version(text(&package["rust_version"])).is_some_and(|needs| needs > ours)
            })
            .map(|package| {
                let (name, at) = (text(&package["name"]), text(&package["version"]));
                let needs = text(&package["rust_version"]);
                Finding::new(
                    "Cargo.lock",
                    1,
                    13,
                    format!("{name} {at} needs Rust {needs}"),
                )
            })
            .collect()
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn version(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.split('.').map(|part| part.parse::<u64>());
    let major = parts.next()?.ok()?;
    Some((major, parts.next().and_then(Result::ok).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Two members, `from` and `to`, and what is found when one depends on the other.
    fn check(from: &str, to: &str, kind: Value, rust: &str, expected: &[usize]) {
        let metadata = json!({
            "packages": [
                { "id": "a", "name": from, "version": "0.1.0", "rust_version": "1.95",
                  "dependencies": [{ "name": to, "kind": kind }] },
                { "id": "b", "name": to, "version": "0.1.0", "rust_version": rust,
                  "dependencies": [] },
            ],
            "workspace_members": if to.starts_with("pegboard-") { vec!["a", "b"] } else { vec!["a"] },
            "resolve": { "nodes": [
                { "id": "a", "deps": [{ "pkg": "b", "dep_kinds": [{ "kind": kind }] }] },
                { "id": "b", "deps": [] },
            ]},
        });
        let found: Vec<_> = Graph::new(&metadata)
            .check()
            .into_iter()
            .map(|finding| finding.rule)
            .collect();
        assert_eq!(found, expected, "{from} -> {to} {kind}");
    }

    #[test]
    fn rule_1_borders() {
        check(
            "pegboard-host",
            "pegboard-protocol",
            json!(null),
            "1.95",
            &[],
        );
        check(
            "pegboard-protocol",
            "pegboard-host",
            json!(null),
            "1.95",
            &[1],
        );
        check(
            "pegboard-host",
            "pegboard-plugin",
            json!(null),
            "1.95",
            &[1],
        );
        check(
            "pegboard-host",
            "pegboard-testkit",
            json!("dev"),
            "1.95",
            &[],
        );
        check(
            "pegboard-protocol",
            "pegboard-testkit",
            json!("dev"),
            "1.95",
            &[1],
        );
    }

    #[test]
    fn rule_1_weight() {
        check("pegboard-protocol", "tokio", json!(null), "1.70", &[1]);
        check("pegboard-protocol", "tokio", json!("dev"), "1.70", &[]);
        check("pegboard-host", "tokio", json!(null), "1.70", &[]);
    }

    #[test]
    fn rule_13_rust_versions() {
        check("pegboard-host", "newer", json!(null), "1.96.1", &[13]);
        check("pegboard-host", "same", json!(null), "1.95.0", &[]);
    }
}
