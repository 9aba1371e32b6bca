//! One run of host and plugin under valgrind, which counts what each of them does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::plan::Work;
use crate::bench::programs::Programs;
use crate::run;

/// What the two processes did, from their start to their end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair<T> {
    pub(super) host: T,
    pub(super) plugin: T,
}

/// Of one process, all its threads together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spent {
    /// In user space; what the kernel does for it is not seen.
    pub(super) instructions: f64,
    pub(super) system_calls: f64,
}

/// The C library copies and clears large blocks with one instruction that repeats itself, which valgrind counts once for
/// each byte. So it is told to do that never: with the usual instructions, blocks count by what they take.
const TUNABLES: &str = "glibc.cpu.x86_rep_movsb_threshold=1073741824:\
    glibc.cpu.x86_rep_stosb_threshold=1073741824";

/// A run that takes longer hangs.
const LIMIT: &str = "300";

/// Does so many steps of the work on one core, so that who runs when is nearly the same each time.
///
/// The files of valgrind stay in `directory`, which is emptied first.
pub(super) fn run(
    programs: &Programs,
    work: &Work,
    steps: u64,
    core: usize,
    directory: &Path,
) -> Result<Pair<PathBuf>, String> {
    let plugin = programs.path(work.plugin);
    let describe =
        |reason: &dyn std::fmt::Display| format!("counting {} x {}: {reason}", steps, work.word);
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(describe(&error));
        }
        _ => fs::create_dir_all(directory).map_err(|error| describe(&error))?,
    }
    let mut command = Command::new("timeout");
    command
        .args(["--foreground", "--kill-after=5", LIMIT])
        .args(["taskset", "--cpu-list", &core.to_string()])
        .args(["valgrind", "--quiet", "--tool=callgrind"])
        // The plugin too, but not the shell that guards it.
        .args(["--trace-children=yes", "--trace-children-skip=*/sh"])
        .arg("--collect-systime=yes")
        .arg(format!(
            "--callgrind-out-file={}/%p.out",
            directory.display()
        ))
        .arg(programs.path(work.host))
        .args(work.words)
        .arg(work.word)
        .arg(format!("{steps}x"))
        .arg(&plugin)
        .env("GLIBC_TUNABLES", TUNABLES)
        .stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| describe(&run::cannot_start(&command, &error)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(describe(&format!("{}\n{said}", output.status)));
    }
    pair(directory, &plugin).map_err(|reason| describe(&reason))
}

/// Which file is whose: each names its command line.
fn pair(directory: &Path, plugin: &Path) -> Result<Pair<PathBuf>, String> {
    let (mut host, mut plugins) = (None, Vec::new());
    let entries = fs::read_dir(directory).map_err(|error| error.to_string())?;
    for entry in entries {
        let file = entry.map_err(|error| error.to_string())?.path();
        let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
        let of_plugin = text
            .lines()
            .find_map(|line| line.strip_prefix("cmd:"))
            .is_some_and(|line| line.trim().starts_with(&*plugin.to_string_lossy()));
        match of_plugin {
            true => plugins.push(file),
            false => host = Some(file),
        }
    }
    match (host, plugins.pop(), plugins.is_empty()) {
        (Some(host), Some(plugin), true) => Ok(Pair { host, plugin }),
        (Some(_), None, _) => Err("the plugin left no counts: it was killed before its end".into()),
        _ => Err(format!(
            "not one host and one plugin left counts in {}",
            directory.display()
        )),
    }
}

/// Reads the sums of one process.
pub(super) fn spent(file: &Path) -> Result<Spent, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    totals(&text).ok_or_else(|| format!("{} holds no totals", file.display()))
}

/// `events:` names the columns, `totals:` has them; columns at the end that are zero may be missing.
fn totals(text: &str) -> Option<Spent> {
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let numbers = line("totals:")?;
    let of = |event: &str| {
        let column = line("events:")?
            .split_whitespace()
            .position(|name| name == event)?;
        let number = numbers.split_whitespace().nth(column);
        number.map_or(Some(0.0), |number| number.parse().ok())
    };
    Some(Spent {
        instructions: of("Ir")?,
        system_calls: of("sysCount")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(f64, f64)>) {
        let expected = expected.map(|(instructions, system_calls)| Spent {
            instructions,
            system_calls,
        });
        assert_eq!(totals(text), expected, "{text}");
    }

    #[test]
    fn totals_of_a_process() {
        check(
            "version: 1\nevents: Ir sysCount sysTime\nfn=(1) main\n3 5\n\ntotals: 1065357 563 305\n",
            Some((1_065_357.0, 563.0)),
        );
        check("events: Ir sysCount sysTime\ntotals: 7\n", Some((7.0, 0.0)));
        check("events: Ir sysCount\nsummary: 7\n", None);
        check("events: Ir\ntotals: 7\n", None);
        check("", None);
    }
}
