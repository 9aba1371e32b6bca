//! Programs that tests run against: real plugins and shells, and the hostile plugin.
//!
//! A missing program is built. When that fails the test fails: none is ever skipped.

use std::env::{self, consts::EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The path of a real peer, such as `nu_plugin_reference`, `nu_plugin_pyhand.py` or `nu`.
///
/// Panics when it is missing and cannot be built.
pub fn peer(name: &str) -> PathBuf {
    peer_in("bin", name)
}

/// Like [`peer`], for a variant of it in a folder of its own, such as `bin-105`.
pub fn peer_in(folder: &str, name: &str) -> PathBuf {
    let path = workspace().join("target/peers").join(folder).join(name);
    if !path.exists() {
        let task = task_name(folder, name);
        run(cargo().args(["xtask", "peers", &task]));
        assert!(
            path.exists(),
            "`cargo xtask peers {task}` did not make {}",
            path.display()
        );
    }
    path
}

/// The path of the program `pegboard-hostile`, built for the profile of the running test.
///
/// Panics when it is missing or older than its source and cannot be built.
pub fn hostile() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let profile_dir = profile_dir();
        let path = profile_dir.join(format!("pegboard-hostile{EXE_SUFFIX}"));
        if modified(&path) < newest(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
            build(&profile_dir, "pegboard-testkit", "pegboard-hostile");
            assert!(path.exists(), "cargo did not make {}", path.display());
        }
        path
    })
    .clone()
}

/// The path of a plugin of this repository, such as `nu_plugin_words`, built for the profile of the running test.
///
/// Panics when it cannot be built.
pub fn shipped(name: &str) -> PathBuf {
    let profile_dir = profile_dir();
    build(&profile_dir, name, name);
    let path = profile_dir.join(format!("{name}{EXE_SUFFIX}"));
    assert!(path.exists(), "cargo did not make {}", path.display());
    path
}

/// The path of an example of a crate of this repository, built for the profile of the running test.
///
/// Panics when it cannot be built.
pub fn example(package: &str, name: &str) -> PathBuf {
    let profile_dir = profile_dir();
    build_one(&profile_dir, package, "--example", name);
    profile_dir
        .join("examples")
        .join(format!("{name}{EXE_SUFFIX}"))
}

/// What `cargo xtask peers` calls the program at this place.
fn task_name(folder: &str, name: &str) -> String {
    let name = name.strip_prefix("nu_plugin_").unwrap_or(name);
    let stem = name.split('.').next().unwrap_or(name);
    match folder.strip_prefix("bin-") {
        Some(variant) => format!("{stem}-{variant}"),
        None => stem.to_owned(),
    }
}

/// The folder that holds the folder `crates` in which this crate was compiled.
fn workspace() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).expect("a workspace")
}

/// The folder of the running test's profile: tests live in its `deps`, programs in the folder itself.
fn profile_dir() -> PathBuf {
    let test = env::current_exe().expect("the path of the running test");
    let dir = test.parent().expect("a folder of the running test");
    match dir.file_name().and_then(|name| name.to_str()) {
        Some("deps" | "examples") => dir.parent().unwrap_or(dir).to_owned(),
        _ => dir.to_owned(),
    }
}

fn build(profile_dir: &Path, package: &str, program: &str) {
    build_one(profile_dir, package, "--bin", program);
}

fn build_one(profile_dir: &Path, package: &str, kind: &str, program: &str) {
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let target_dir = profile_dir.parent().unwrap_or(profile_dir);
    run(cargo()
        .args(["build", "-p", package, kind, program])
        .args(["--profile", profile, "--target-dir"])
        .arg(target_dir));
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace());
    cargo
}

/// Runs a command and panics with all that it printed when it fails.
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|it| it.modified()).ok()
}

/// When the newest file below a folder was written.
fn newest(dir: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter_map(|path| {
            if path.is_dir() {
                newest(&path)
            } else {
                modified(&path)
            }
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::task_name;

    #[test]
    fn peers_are_built_by_the_name_that_the_task_knows() {
        for (folder, name, task) in [
            ("bin", "nu", "nu"),
            ("bin", "nu_plugin_inc", "inc"),
            ("bin", "nu_plugin_pyhand.py", "pyhand"),
            ("bin-105", "nu_plugin_reference", "reference-105"),
        ] {
            assert_eq!(task_name(folder, name), task);
        }
    }
}
