//! Builds the programs that are measured, and runs one of them once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Options;
use super::plan::{Measure, Plugins, Program, Side};
use crate::peers::{self, Places};
use crate::run;

/// What one run of a measuring program said: numbers by name.
pub(super) type Figures = BTreeMap<String, f64>;

/// Where the programs are.
pub(super) struct Programs {
    ours: PathBuf,
    theirs: PathBuf,
    /// Copies of the plugins under many names.
    copies: PathBuf,
    root: PathBuf,
}

/// How many copies of a plugin there are, and how many of them are enough to tell that measuring works.
const MANY: usize = 50;
const FEW: usize = 3;

/// No measurement takes so long; whoever does hangs.
const LIMIT: &str = "120";

impl Programs {
    pub(super) fn build(root: &Path, options: &Options) -> Result<Programs, String> {
        let profile = if options.quick { "debug" } else { "release" };
        let mut cargo = run::cargo();
        cargo
            .args(["build", "--locked", "--package=xtask", "--examples"])
            .current_dir(root);
        if !options.quick {
            cargo.arg("--release");
        }
        run::shown(&mut cargo)?;
        let places = Places::new(root);
        if options.engine {
            nushell(&places)?;
        }
        let programs = Programs {
            ours: root.join("target").join(profile).join("examples"),
            theirs: theirs(&places),
            copies: root.join("target").join("bench"),
            root: root.to_owned(),
        };
        programs.copy(Program::OurPlugin)?;
        programs.copy(Program::OctaPlugin)?;
        programs.copy(Program::Floor)?;
        if options.engine {
            programs.copy(Program::TheirPlugin)?;
        }
        Ok(programs)
    }

    /// Where a program is.
    pub(super) fn path(&self, program: Program) -> PathBuf {
        match program {
            Program::Floor => self.ours.join("bench_floor"),
            Program::Pegboard => self.ours.join("bench_pegboard"),
            Program::Growth => self.ours.join("bench_growth"),
            Program::Nushell => self.theirs.join("bench_nushell"),
            Program::Octa => self.ours.join("bench_octa"),
            Program::OurPlugin => self.ours.join("nu_plugin_bench"),
            Program::OctaPlugin => self.ours.join("octa_plugin_bench"),
            Program::TheirPlugin => self.theirs.join("nu_plugin_bench"),
        }
    }

    /// A plugin has its name from its file, and no two plugins of an engine have the same.
    fn copy(&self, program: Program) -> Result<(), String> {
        let directory = self.copies.join(format!("{program:?}"));
        let describe = |error: std::io::Error| format!("{}: {error}", directory.display());
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(describe)?;
        }
        fs::create_dir_all(&directory).map_err(describe)?;
        let copies = self.many(program, MANY).chain([self.slow(program)]);
        for path in copies {
            std::os::unix::fs::symlink(self.path(program), path).map_err(describe)?;
        }
        Ok(())
    }

    fn many(&self, program: Program, count: usize) -> impl Iterator<Item = PathBuf> {
        (0..count).map(move |number| self.copy_named(program, &number.to_string()))
    }

    /// The one that takes its time to start, which it knows by its name.
    fn slow(&self, program: Program) -> PathBuf {
        self.copy_named(program, "_slow")
    }

    fn copy_named(&self, program: Program, suffix: &str) -> PathBuf {
        let prefix = match program {
            Program::OctaPlugin => "octa_plugin",
            _ => "nu_plugin",
        };
        let directory = self.copies.join(format!("{program:?}"));
        directory.join(format!("{prefix}_bench{suffix}"))
    }

    /// Runs one side once, in a process of its own.
    pub(super) fn run(
        &self,
        side: &Side,
        measure: &Measure,
        options: &Options,
    ) -> Result<Figures, String> {
        let mut command = limited();
        if measure.pinned {
            command.args(["taskset", "--cpu-list", "0"]);
        }
        command
            .arg(self.path(side.host))
            .args(side.words)
            .arg(measure.word)
            .arg(options.milliseconds().to_string())
            .current_dir(&self.root);
        let plugin = side.plugin;
        match measure.plugins {
            Plugins::One => command.arg(self.path(plugin)),
            Plugins::Many(count) => {
                let most = if options.quick { FEW } else { MANY };
                command.args(self.many(plugin, count.min(most)))
            }
            Plugins::OneAndSlow => command.args([self.path(plugin), self.slow(plugin)]),
        };
        figures(&mut command)
            .map_err(|reason| format!("{} on {}: {reason}", measure.key, side.label))
    }
}

/// A command that runs the program given to it as arguments, for a limited time.
pub(super) fn limited() -> Command {
    let mut command = Command::new("timeout");
    command.args(["--foreground", "--kill-after=5", LIMIT]);
    command
}

/// Runs a measuring program, and reads the line that it prints.
pub(super) fn figures(command: &mut Command) -> Result<Figures, String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| run::cannot_start(command, &error))?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    let line = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))
}

/// Where cargo puts the programs of `peers/engine-115`.
fn theirs(places: &Places) -> PathBuf {
    places.build().join("release")
}

/// The engine of Nushell and a plugin of its SDK, optimised as a release of them is.
fn nushell(places: &Places) -> Result<(), String> {
    let logs = places.peers.join("logs");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let _lock = peers::lock(places)?;
    if !theirs(places).join("bench_nushell").exists() {
        eprintln!("bench: building Nushell's engine and SDK, about four minutes on two idle cores");
    }
    let mut cargo = peers::shared_cargo(places);
    cargo
        .args(["build", "--release", "--locked"])
        .current_dir(places.root.join("peers/engine-115"));
    run::logged(&mut cargo, &places.log("engine-115"))
}
