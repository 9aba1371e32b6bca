//! Processes that were left behind, for tests that check that there are none.
//!
//! A test starts its plugin with a variable of its own, such as `HOSTILE_TEST=<name and process id>`. Children inherit
//! it, in whatever group or session they end up, and are found by it. Linux only.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// The process ids of everything that was started with this variable and still runs.
pub fn processes_with_env(key: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{key}={value}");
    fs::read_dir("/proc")
        .expect("/proc, which only Linux has")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| has_variable(*pid, wanted.as_bytes()) && is_alive(*pid))
        .collect()
}

/// True while a process runs; one that has ended and waits for its parent to ask how does not.
pub fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The state follows the program's name, which stands in brackets and may contain anything.
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

/// Asks again and again until the answer is yes. False when it still is no after this time.
pub fn wait_until(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if condition() {
            return true;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        thread::park_timeout(left.min(Duration::from_millis(5)));
    }
}

fn has_variable(pid: u32, wanted: &[u8]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    environment.split(|byte| *byte == 0).any(|it| it == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_a_free_id_is_not() {
        assert!(is_alive(std::process::id()));
        assert!(!is_alive(u32::MAX));
    }

    #[test]
    fn waiting_ends_with_the_answer() {
        let mut asked = 0;
        assert!(wait_until(Duration::from_secs(5), || {
            asked += 1;
            asked == 3
        }));
        assert!(!wait_until(Duration::ZERO, || false));
    }
}
