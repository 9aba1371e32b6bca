//! What the tests with the hostile plugin share: an engine with short deadlines, plugins with variables of their own,
//! and what is left of them afterwards.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pegboard_host::{Config, Deadlines, Engine, Plugin, PluginConfig, Restarts};
use pegboard_testkit::{peers, tree};

/// Long enough that only something that never happens takes longer, on the busiest machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The variable by which a test finds the processes that it has started, whoever started them.
pub const MARK: &str = "PEGBOARD_HOSTILE_TEST";

/// Deadlines that a test can wait for.
pub const SHORT: Deadlines = Deadlines {
    encoding: Duration::from_millis(600),
    hello: Duration::from_millis(600),
    connect: Duration::from_millis(600),
    metadata: Duration::from_millis(600),
    signature: Duration::from_millis(600),
    begin: Duration::from_millis(600),
    goodbye: Duration::from_millis(150),
    close: Duration::from_millis(150),
    terminate: Duration::from_millis(150),
};

/// A name that no other test has.
pub fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}.{number}", std::process::id())
}

/// A directory that goes away with its owner.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        let path = std::env::temp_dir().join(format!("pegboard-hostile.{}", unique()));
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What is in it, except for links to plugins.
    pub fn contents(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).expect("the test's directory");
        let paths = entries.flatten().map(|entry| entry.path());
        paths.filter(|path| !path.is_symlink()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An engine of its own, with what marks its processes, and the directory of its sockets and plugins.
pub struct Rig {
    pub engine: Engine,
    pub mark: String,
    pub scratch: Scratch,
}

impl Rig {
    /// An engine with short deadlines that lets plugins crash as often as they like.
    pub fn new() -> Rig {
        Rig::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Rig {
        let (mark, scratch) = (unique(), Scratch::new());
        let config = config(&scratch, &mark, change);
        let engine = Engine::new(config).expect("an engine");
        Rig {
            engine,
            mark,
            scratch,
        }
    }

    /// Loads the hostile plugin under a name of its own, with variables of its own.
    pub fn hostile(&self, name: &str, variables: &[(&str, &str)]) -> Plugin {
        self.hostile_with(name, variables, PluginConfig::default())
    }

    pub fn hostile_with(
        &self,
        name: &str,
        variables: &[(&str, &str)],
        config: PluginConfig,
    ) -> Plugin {
        let path = link_plugin(&self.scratch, name, &peers::hostile());
        let config = PluginConfig {
            interpreter: Some(with_variables(variables)),
            ..config
        };
        self.engine.load_with(path, config).expect("a plugin")
    }

    /// Processes that the plugins have left and that run.
    pub fn processes(&self) -> Vec<u32> {
        tree::processes_with_env(MARK, &self.mark)
    }

    /// Ends the engine and checks that nothing is left of it.
    pub fn end(self) {
        self.engine.shutdown();
        let left = self.processes();
        assert!(left.is_empty(), "left behind: {}", describe(&left));
        let files = self.scratch.contents();
        assert!(files.is_empty(), "left behind: {files:?}");
    }
}

/// The configuration of a test's engine.
pub fn config(scratch: &Scratch, mark: &str, change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::new(scratch.path(), std::env::vars_os());
    config.runtime_directory = scratch.path().to_owned();
    config.deadlines = SHORT;
    config.restarts = Restarts {
        allowed: 1000,
        ..Restarts::default()
    };
    config
        .environment
        .extend([(OsString::from(MARK), OsString::from(mark))]);
    change(&mut config);
    config
}

/// Gives a plugin another name, which is what tells an engine's plugins apart.
pub fn link_plugin(scratch: &Scratch, name: &str, program: &Path) -> PathBuf {
    let path = scratch.path().join(format!("nu_plugin_{name}"));
    std::os::unix::fs::symlink(program, &path).expect("a link to the plugin");
    path
}

/// An interpreter that does nothing but set variables for one plugin.
pub fn with_variables(variables: &[(&str, &str)]) -> Vec<OsString> {
    let assignments = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    std::iter::once("env".to_owned())
        .chain(assignments)
        .map(OsString::from)
        .collect()
}

/// Which programs these processes run, for a message.
pub fn describe(processes: &[u32]) -> String {
    let words = processes.iter().map(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        format!("{pid} ({})", line.trim_end())
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The path of an example of this crate, built for the profile of the running test.
pub fn example(name: &'static str) -> PathBuf {
    static BUILT: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let test = std::env::current_exe().expect("the path of the running test");
    let profile = test.ancestors().nth(2).expect("a folder of the profile");
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.contains(&name) {
        // A run of this test alone does not build the examples.
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        build.args(["build", "--quiet", "--example", name]);
        build.args(profile.ends_with("release").then_some("--release"));
        build.arg("--target-dir");
        build.arg(profile.parent().expect("the folder of all builds"));
        assert!(
            build.status().expect("cargo runs").success(),
            "{build:?} failed"
        );
        built.push(name);
    }
    profile.join("examples").join(name)
}
