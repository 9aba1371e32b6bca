//! On what was measured, which belongs to every figure.

use std::fs;
use std::process::Command;

use super::Options;

/// Names and values, in the order in which they are shown.
pub(super) struct Machine {
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// What the kernel and the compiler say, before anything is measured.
    pub(super) fn look(options: &Options) -> Machine {
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let programs = match options.quick {
            true => "not optimised: these figures say only that measuring works",
            false => "optimised",
        };
        Machine {
            facts: vec![
                ("processor", format!("{model}, {cores} cores")),
                (
                    "kernel",
                    read("/proc/sys/kernel/osrelease").trim().to_owned(),
                ),
                ("compiler", compiler()),
                ("programs", programs.to_owned()),
                ("load", load()),
                (
                    "rounds",
                    format!(
                        "{}, {} ms for each side in each",
                        options.rounds(),
                        options.milliseconds()
                    ),
                ),
            ],
        }
    }

    /// Adds what is known only at the end.
    pub(super) fn look_again(&mut self) {
        let now = load();
        for (name, value) in &mut self.facts {
            if *name == "load" {
                *value = format!("{value} before, {now} after");
            }
        }
    }
}

/// What else counts of instructions depend on.
pub(super) fn tools() -> serde_json::Map<String, serde_json::Value> {
    let tools = [
        ("valgrind", version(Command::new("valgrind"))),
        ("compiler", compiler()),
    ];
    let pairs = tools.map(|(name, version)| (name.to_owned(), version.into()));
    pairs.into_iter().collect()
}

/// The cores that this process may run on.
pub(super) fn cores() -> Vec<usize> {
    let status = read("/proc/self/status");
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let cores = list.map(listed).unwrap_or_default();
    if cores.is_empty() { vec![0] } else { cores }
}

/// The numbers in `0-2,5`.
fn listed(list: &str) -> Vec<usize> {
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

/// The mean of the last minute.
fn load() -> String {
    let text = read("/proc/loadavg");
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    version(Command::new(rustc))
}

fn version(mut program: Command) -> String {
    let output = program.arg("--version").output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores() {
        for (list, expected) in [
            ("\t0-1", vec![0, 1]),
            ("0,2-4,7", vec![0, 2, 3, 4, 7]),
            ("5", vec![5]),
            ("", vec![]),
        ] {
            assert_eq!(listed(list), expected, "{list}");
        }
    }

    #[test]
    fn there_is_a_core() {
        assert!(!cores().is_empty());
    }
}
