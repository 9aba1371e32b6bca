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

/// The mean of the last minute.
fn load() -> String {
    let text = read("/proc/loadavg");
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
