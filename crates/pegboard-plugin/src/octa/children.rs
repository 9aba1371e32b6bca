//! What handlers have started and left running: it ends with the plugin.

#[cfg(target_os = "linux")]
pub(crate) use linux::{adopt_orphans, end_all};

/// Nothing is known of them here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt_orphans() {}

/// They have to be ended by whoever started them.
#[cfg(not(target_os = "linux"))]
pub(crate) fn end_all() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{HashMap, HashSet};
    use std::fs;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};

    /// How long processes may take to vanish that were killed.
    const PATIENCE: Duration = Duration::from_secs(2);
    /// How long to wait before looking again.
    const LOOK: Duration = Duration::from_millis(1);

    /// From now on, descendants whose parents have ended become children of this process, instead of nobody's.
    pub(crate) fn adopt_orphans() {
        // An old kernel does not know it; then only those are found whose parents live, and the process group.
        let _ = set_child_subreaper(Some(getpid()));
    }

    /// Kills all descendants of this process, and all that are in its process group if it leads one.
    ///
    /// What is killed may have started something meanwhile, so this is done until nothing is left.
    pub(crate) fn end_all() {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = descendants();
            if left.is_empty() || Instant::now() >= deadline {
                return;
            }
            for pid in left {
                // It may just have ended.
                let _ = kill_process(pid, Signal::KILL);
            }
            std::thread::park_timeout(LOOK);
        }
    }

    struct Process {
        parent: i32,
        group: i32,
    }

    fn descendants() -> Vec<Pid> {
        let me = getpid().as_raw_nonzero().get();
        let processes = running();
        // Asked of the system itself, it is none where the group's leader is outside this namespace of process ids.
        let group = processes.get(&me).map(|own| own.group);
        let group = group.filter(|group| *group == me);
        let mut found = HashSet::from([me]);
        loop {
            let before = found.len();
            for (pid, process) in &processes {
                if found.contains(&process.parent) || Some(process.group) == group {
                    found.insert(*pid);
                }
            }
            if found.len() == before {
                break;
            }
        }
        found.remove(&me);
        found.into_iter().filter_map(Pid::from_raw).collect()
    }

    /// All processes but those that have ended and only wait to be asked how.
    fn running() -> HashMap<i32, Process> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return HashMap::new();
        };
        let pids = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid: i32| {
            let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, parse(&String::from_utf8_lossy(&stat))?))
        })
        .collect()
    }

    fn parse(stat: &str) -> Option<Process> {
        // The program's name stands in brackets and may contain anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let process = Process {
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        };
        (!state.starts_with(['Z', 'X'])).then_some(process)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_name_of_a_program_may_contain_anything() {
            let process = parse("7 (a) Z 1 (b) S 3 5 0 0").expect("a process");
            assert_eq!((process.parent, process.group), (3, 5));
            assert!(parse("7 (sh) Z 3 5").is_none());
            assert!(parse("nonsense").is_none());
        }
    }
}
