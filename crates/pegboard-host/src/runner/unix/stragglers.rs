//! The search for processes that have left their group, by the mark in their environment.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, getuid, kill_process};

use crate::runner::MARK;

/// How many passes are made at the most.
const PASSES: usize = 200;
/// How long a process may take between a call of `exec` and having an environment.
const EXEC: Duration = Duration::from_millis(1);
/// How often such a process is looked at again. On a busy machine it may not run for a while.
const LOOKS: usize = 500;

/// Kills every process whose environment has this mark, until none is found.
pub(super) fn kill_marked(mark: &str) {
    let needle = format!("{MARK}={mark}").into_bytes();
    for _ in 0..PASSES {
        let (mut found, mut unclear) = (false, Vec::new());
        for process in processes() {
            match look(process, &needle) {
                Look::Marked => found |= kill_process(process, Signal::KILL).is_ok(),
                Look::Unclear => unclear.push(process),
                Look::Other => {}
            }
        }
        // What one of these starts is found by the next pass. Others that come meanwhile are none of ours.
        for _ in 0..LOOKS {
            if unclear.is_empty() {
                break;
            }
            std::thread::park_timeout(EXEC);
            unclear.retain(|process| match look(*process, &needle) {
                Look::Unclear => true,
                Look::Marked => {
                    found |= kill_process(*process, Signal::KILL).is_ok();
                    false
                }
                Look::Other => false,
            });
        }
        if !found {
            return;
        }
    }
}

/// Every process whose environment has this mark. Those that have ended have none.
pub(super) fn marked(mark: &str) -> Vec<Pid> {
    let needle = format!("{MARK}={mark}").into_bytes();
    let marked = |process: &Pid| matches!(look(*process, &needle), Look::Marked);
    processes().filter(marked).collect()
}

enum Look {
    Marked,
    /// It is just becoming another program and has no environment for a moment.
    Unclear,
    Other,
}

fn look(process: Pid, needle: &[u8]) -> Look {
    let directory = Path::new("/proc").join(process.as_raw_pid().to_string());
    let Ok(environment) = fs::read(directory.join("environ")) else {
        return Look::Other;
    };
    if environment
        .split(|byte| *byte == 0)
        .any(|variable| variable == needle)
    {
        return Look::Marked;
    }
    // A process that has ended, or that belongs to the kernel, has no program either.
    let bare = environment.is_empty() && fs::read_link(directory.join("exe")).is_ok();
    if bare && is_mine(&directory) && has_no_environment_yet(&directory) {
        Look::Unclear
    } else {
        Look::Other
    }
}

/// True in the middle of `exec`. An environment that is empty for good has its place all the same.
fn has_no_environment_yet(directory: &Path) -> bool {
    /// The number of `env_end` behind the name, counted from 0; see proc(5).
    const ENVIRONMENT: usize = 48;
    let stat = fs::read_to_string(directory.join("stat")).unwrap_or_default();
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    behind_name.split_whitespace().nth(ENVIRONMENT) == Some("0")
}

/// True for this user's processes: only they can be in the middle of becoming a plugin's program.
fn is_mine(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(directory).is_ok_and(|metadata| metadata.uid() == getuid().as_raw())
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
}
