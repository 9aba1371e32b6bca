//! Which peers there are, and how each is built.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Places;
use crate::run;

/// One program that tests run.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Below `target/peers/`. Nushell takes the plugin's name from the file name.
    pub(crate) path: &'static str,
    pub(crate) recipe: Recipe,
}

#[derive(Debug)]
pub(crate) enum Recipe {
    /// A workspace of ours below `peers/`, with these arguments for cargo.
    Ours {
        directory: &'static str,
        arguments: &'static [&'static str],
    },
    /// The binary of a published crate.
    Published { package: &'static str },
    /// A script that is copied.
    Script { source: &'static str },
    /// A native program inside an npm package.
    Npm { package: &'static str },
}

pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "reference-stdio",
        version: "0.115.1",
        path: "bin-stdio/nu_plugin_reference",
        recipe: Recipe::Ours {
            directory: "peers/reference-115",
            arguments: &[
                "--no-default-features",
                "--features=since-108,since-109,since-110,since-115",
            ],
        },
    },
    Peer {
        name: "reference",
        version: "0.115.1",
        path: "bin/nu_plugin_reference",
        recipe: Recipe::Ours {
            directory: "peers/reference-115",
            arguments: &[],
        },
    },
    published("inc", "nu_plugin_inc", "bin/nu_plugin_inc"),
    published("query", "nu_plugin_query", "bin/nu_plugin_query"),
    published("formats", "nu_plugin_formats", "bin/nu_plugin_formats"),
    published("gstat", "nu_plugin_gstat", "bin/nu_plugin_gstat"),
    Peer {
        name: "reference-105",
        version: "0.105.1",
        path: "bin-105/nu_plugin_reference",
        recipe: Recipe::Ours {
            directory: "peers/reference-105",
            arguments: &[],
        },
    },
    Peer {
        name: "pyhand",
        version: "-",
        path: "bin/nu_plugin_pyhand.py",
        recipe: Recipe::Script {
            source: "peers/scripts/nu_plugin_pyhand.py",
        },
    },
    Peer {
        name: "nodehand",
        version: "-",
        path: "bin/nu_plugin_nodehand.js",
        recipe: Recipe::Script {
            source: "peers/scripts/nu_plugin_nodehand.js",
        },
    },
    Peer {
        name: "octa_plugin_shell",
        version: "-",
        path: "bin/octa_plugin_shell.py",
        recipe: Recipe::Script {
            source: "peers/scripts/octa_plugin_shell.py",
        },
    },
    Peer {
        name: "nu",
        version: "0.115.1",
        path: "bin/nu",
        recipe: Recipe::Npm { package: "nushell" },
    },
    shell("nu-0.98.0", "0.98.0", "bin-0.98.0/nu"),
    shell("nu-0.101.0", "0.101.0", "bin-0.101.0/nu"),
    shell("nu-0.107.0", "0.107.0", "bin-0.107.0/nu"),
    shell("nu-0.108.0", "0.108.0", "bin-0.108.0/nu"),
    shell("nu-0.109.1", "0.109.1", "bin-0.109.1/nu"),
    shell("nu-0.114.1", "0.114.1", "bin-0.114.1/nu"),
];

const fn shell(name: &'static str, version: &'static str, path: &'static str) -> Peer {
    Peer {
        name,
        version,
        path,
        recipe: Recipe::Npm { package: "nushell" },
    }
}

const fn published(name: &'static str, package: &'static str, path: &'static str) -> Peer {
    Peer {
        name,
        version: "0.115.1",
        path,
        recipe: Recipe::Published { package },
    }
}

/// The profile of published crates; our own workspaces state the same in their manifests, because
/// cargo shares compiled dependencies only between equal profiles.
pub(crate) const PROFILE: &[(&str, &str)] = &[
    ("CARGO_INCREMENTAL", "0"),
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_DEV_INCREMENTAL", "false"),
    ("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false"),
    ("CARGO_PROFILE_DEV_STRIP", "symbols"),
];

pub(super) fn build(places: &Places, peer: &Peer, output: &Path) -> Result<(), String> {
    match peer.recipe {
        Recipe::Ours {
            directory,
            arguments,
        } => ours(places, peer, directory, arguments, output),
        Recipe::Published { package } => installed(places, peer, package),
        Recipe::Script { source } => copy(&places.root.join(source), output),
        Recipe::Npm { package } => npm(places, peer, package, output),
    }
}

/// A cargo that builds into the shared directory with the shared profile.
pub(crate) fn shared_cargo(places: &Places) -> Command {
    let mut cargo = run::cargo();
    cargo
        .envs(PROFILE.iter().copied())
        .env("CARGO_TARGET_DIR", places.build());
    cargo
}

fn ours(
    places: &Places,
    peer: &Peer,
    directory: &str,
    arguments: &[&str],
    output: &Path,
) -> Result<(), String> {
    let mut cargo = shared_cargo(places);
    cargo
        .args(["build", "--locked"])
        .args(arguments)
        .current_dir(places.root.join(directory));
    run::logged(&mut cargo, &places.log(peer.name))?;
    let name = output
        .file_name()
        .ok_or("a peer's path ends in a file name")?;
    copy(&places.build().join("debug").join(name), output)
}

fn installed(places: &Places, peer: &Peer, package: &str) -> Result<(), String> {
    let mut cargo = shared_cargo(places);
    cargo
        .args(["install", "--debug", "--locked", "--force", "--root"])
        .arg(&places.peers)
        .arg(format!("--version=={}", peer.version))
        .arg(package)
        .current_dir(&places.root);
    run::logged(&mut cargo, &places.log(peer.name))
}

fn npm(places: &Places, peer: &Peer, package: &str, output: &Path) -> Result<(), String> {
    let prefix = places.peers.join("npm").join(peer.name);
    let describe = |error: std::io::Error| format!("{}: {error}", prefix.display());
    fs::create_dir_all(&prefix).map_err(describe)?;
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--prefix",
    ])
    .arg(&prefix)
    .arg(format!("{package}@{}", peer.version));
    run::logged(&mut npm, &places.log(peer.name))?;

    // The native program is in a package for the platform; the main package only starts it.
    let platforms = prefix.join("node_modules").join(format!("@{package}"));
    let name = output
        .file_name()
        .ok_or("a peer's path ends in a file name")?;
    let native = fs::read_dir(&platforms)
        .map_err(|error| format!("{}: {error}", platforms.display()))?
        .filter_map(Result::ok)
        .map(|platform| platform.path().join("bin").join(name))
        .find(|path| path.exists())
        .ok_or_else(|| format!("no native program below {}", platforms.display()))?;
    copy(&native, output)?;
    // Seven shells weigh half a gigabyte already; npm has its own cache.
    fs::remove_dir_all(&prefix).map_err(describe)
}

/// Puts the file in place in one step: a running copy of the old one must not be written to.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let fresh = to.with_extension("new");
    let directory = to.parent().ok_or("a peer's path has a directory")?;
    fs::create_dir_all(directory)
        .and_then(|()| fs::copy(from, &fresh))
        .and_then(|_| fs::rename(&fresh, to))
        .map_err(|error| {
            format!(
                "cannot copy {} to {}: {error}",
                from.display(),
                to.display()
            )
        })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_paths_are_unique() {
        let names: HashSet<_> = PEERS.iter().map(|peer| peer.name).collect();
        let paths: HashSet<_> = PEERS.iter().map(|peer| peer.path).collect();
        assert_eq!((names.len(), paths.len()), (PEERS.len(), PEERS.len()));
    }

    /// A profile that differs would compile every dependency a second time.
    #[test]
    fn our_manifests_state_the_shared_profile() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for peer in PEERS {
            let Recipe::Ours { directory, .. } = peer.recipe else {
                continue;
            };
            let path = root.join(directory).join("Cargo.toml");
            let manifest = fs::read_to_string(&path).expect("a workspace of ours has a manifest");
            for line in [
                "debug = 0",
                "incremental = false",
                "debug-assertions = false",
                "overflow-checks = false",
                "strip = \"symbols\"",
            ] {
                assert!(
                    manifest.lines().any(|found| found == line),
                    "{}: {line}",
                    path.display()
                );
            }
            assert!(
                path.with_file_name("Cargo.lock").exists(),
                "{} is locked",
                path.display()
            );
        }
    }
}
