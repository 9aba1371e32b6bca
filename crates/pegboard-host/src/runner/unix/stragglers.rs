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
/// How often such a process is looked at again.
const LOOKS: usize = 20;

/// Kills every process whose environment has this mark, until none is found.
pub(super) fn kill_marked(mark: &str) {
    let needle = format!("{MARK}={mark}").into_bytes();
    let mut looks = 0;
    for _ in 0..PASSES {
        let (mut found, mut unclear) = (false, false);
        for process in processes() {
            match look(process, &needle) {
                Look::Marked => found |= kill_process(process, Signal::KILL).is_ok(),
                Look::Unclear => unclear = true,
                Look::Other => {}
            }
        }
        if found {
            continue;
        }
        if !unclear || looks == LOOKS {
            return;
        }
        looks += 1;
        std::thread::park_timeout(EXEC);
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
    if bare && is_mine(&directory) {
        Look::Unclear
    } else {
        Look::Other
    }
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
