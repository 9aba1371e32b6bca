//! Real shells of seven versions, each in a home of its own, with one plugin.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use pegboard_testkit::peers;

/// The versions, as `0.N.x`; the newest is the peer `nu`.
const VERSIONS: [(u64, &str); 7] = [
    (98, "bin-0.98.0"),
    (101, "bin-0.101.0"),
    (107, "bin-0.107.0"),
    (108, "bin-0.108.0"),
    (109, "bin-0.109.1"),
    (114, "bin-0.114.1"),
    (115, "bin"),
];

/// A shell with a plugin.
pub(crate) struct Shell {
    pub(crate) minor: u64,
    program: PathBuf,
    plugin: &'static str,
    pub(crate) home: PathBuf,
}

/// Runs a test in every version, side by side. All are seen to; then it fails if one has.
pub(crate) fn in_every_version(plugin: &'static str, test: impl Fn(&Shell) + Sync) {
    std::thread::scope(|scope| {
        let tests: Vec<_> = VERSIONS
            .iter()
            .map(|&(minor, folder)| {
                let test = &test;
                scope.spawn(move || test(&Shell::new(minor, folder, plugin)))
            })
            .collect();
        let failed: Vec<_> = tests
            .into_iter()
            .zip(VERSIONS)
            .filter_map(|(test, (minor, _))| test.join().is_err().then_some(minor))
            .collect();
        assert!(failed.is_empty(), "it fails in Nushell 0.{failed:?}");
    });
}

/// What a version gives for a line.
pub(crate) struct Case {
    line: String,
    expected: String,
}

/// A line and what it gives, as text in Nushell's own notation, or `ERROR` and the message.
pub(crate) fn case(line: impl Into<String>, expected: impl Into<String>) -> Case {
    Case {
        line: line.into(),
        expected: expected.into(),
    }
}

const END: &str = "----";
/// In seconds. Nothing takes nearly as long.
const PATIENCE: &str = "60";

impl Shell {
    fn new(minor: u64, folder: &str, plugin: &'static str) -> Shell {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let home = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("nu-{minor}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&home).expect("a folder can be made");
        Shell {
            minor,
            program: peers::peer_in(folder, "nu"),
            plugin,
            home,
        }
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// A shell in an empty home, not yet told what to do, that is ended when it hangs.
    pub(crate) fn command(&self) -> Command {
        let mut timeout = Command::new("timeout");
        timeout
            .args(["--kill-after=1", PATIENCE])
            .arg(self.program());
        self.at_home(timeout)
    }

    /// A program with an empty home and nothing else.
    pub(crate) fn at_home(&self, mut program: Command) -> Command {
        program
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("NO_COLOR", "1")
            .current_dir(&self.home)
            .stdin(Stdio::null());
        program
    }

    /// A shell that runs a script with the plugin.
    pub(crate) fn script(&self, script: &str) -> Command {
        let mut nu = self.command();
        nu.args(self.arguments(script));
        nu
    }

    /// What tells a shell to run a script with the plugin.
    pub(crate) fn arguments(&self, script: &str) -> [String; 6] {
        let plugins = format!("[{:?}]", self.plugin);
        ["-n", "--no-std-lib", "--plugins", &plugins, "-c", script].map(str::to_owned)
    }

    pub(crate) fn run(&self, script: &str) -> Output {
        self.script(script).output().expect("the shell starts")
    }

    /// The values of some lines, each in Nushell's notation, or `ERROR` and the message.
    pub(crate) fn values<'a>(&self, lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        self.values_in(&[], lines)
    }

    /// The same with variables in the environment of shell and plugin.
    pub(crate) fn values_in<'a>(
        &self,
        environment: &[(&str, &str)],
        lines: impl IntoIterator<Item = &'a str>,
    ) -> Vec<String> {
        let lines: String = lines
            .into_iter()
            .map(|line| format!("(try {{ {line} | to nuon }} catch {{|e| 'ERROR ' + $e.msg }})\n"))
            .collect();
        // Once: since 0.107 printing takes milliseconds.
        let script = format!("print ([{lines}] | str join \"\\n{END}\\n\")");
        let mut nu = self.script(&script);
        let output = nu.envs(environment.iter().copied()).output();
        let output = output.expect("the shell starts");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "0.{}: {stdout}{stderr}",
            self.minor
        );
        stdout
            .trim_end_matches('\n')
            .split(&format!("\n{END}\n"))
            .map(str::to_owned)
            .collect()
    }

    /// Runs lines and compares what they give.
    pub(crate) fn check(&self, cases: &[Case]) {
        let values = self.values(cases.iter().map(|case| case.line.as_str()));
        assert_eq!(values.len(), cases.len(), "0.{}: {values:?}", self.minor);
        let wrong: Vec<_> = values
            .iter()
            .zip(cases)
            .filter(|(value, case)| match case.expected.strip_suffix('*') {
                Some(start) => !value.starts_with(start),
                // Text is quoted only where it has to be, which differs between versions.
                None => value.trim_matches('"') != case.expected.trim_matches('"'),
            })
            .map(|(value, case)| format!("\n{}\n  is {value}\n  not {}", case.line, case.expected))
            .collect();
        assert!(wrong.is_empty(), "0.{}:{}", self.minor, wrong.concat());
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}
