//! Processes on Unix: process groups, and whatever has left its group.

mod guard;
mod stragglers;
mod terminal;
mod watch;

pub(crate) use guard::Guard;
pub(crate) use terminal::{give_terminal, take_terminal};
pub(crate) use watch::Alarm;

use std::fs;
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use pegboard_transport::Link;

use super::{Launch, MARK, Owned, Spawned, StderrTo, Streams};

/// The status of a process whose end nobody was told of, since the application has its children reaped for it: neither
/// an exit code nor a signal.
const UNKNOWN_END: i32 = 0x7f;

/// Asks how a process ended without reaping it and without waiting.
const NO_REAP: WaitIdOptions = WaitIdOptions::EXITED
    .union(WaitIdOptions::NOWAIT)
    .union(WaitIdOptions::NOHANG);

/// A running or ended process, the leader of its own process group.
#[derive(Debug)]
pub(crate) struct Process {
    leader: Mutex<Leader>,
    pid: Pid,
    mark: String,
    guard: Arc<Guard>,
    /// How it ended; known once it was reaped.
    status: OnceLock<ExitStatus>,
    #[cfg(target_os = "linux")]
    pidfd: Option<OwnedFd>,
}

#[derive(Debug)]
struct Leader {
    child: Child,
    /// It was ended and reaped, with all that it started.
    tree_ended: bool,
}

/// Starts a process in a group of its own.
///
/// The guard has to run already, for it ends the process should this one be killed. It learns of the process here, and of its end from the process.
pub(crate) fn spawn(launch: Launch, guard: &Arc<Guard>) -> io::Result<Spawned> {
    let mark = launch.mark.clone();
    let (mut child, said) = start(&launch)?;
    let pid = Pid::from_child(&child);
    guard.started(pid.as_raw_pid().unsigned_abs());
    let streams = (child.stdout.take(), child.stdin.take());
    let process = Owned(Arc::new(Process {
        leader: Mutex::new(Leader {
            child,
            tree_ended: false,
        }),
        pid,
        mark,
        guard: guard.clone(),
        status: OnceLock::new(),
        #[cfg(target_os = "linux")]
        pidfd: end_of(pid),
    }));
    // From here on, an error drops the process, which ends it.
    let (stdout, stdin) = streams;
    let link = match (stdout, stdin) {
        (Some(stdout), Some(stdin)) => Some(Link::from_fds(stdout.into(), stdin.into())?),
        _ => None,
    };
    let stderr = said
        .map(|said| Link::source_from_fd(said.into()))
        .transpose()?;
    Ok(Spawned {
        process,
        link,
        stderr,
    })
}

/// Starts the process, and gives what it says on standard error if that is not the application's own.
///
/// Nothing is done between fork and exec, so that the system can do without a copy of this process, which takes the longer
/// the more memory it has.
fn start(launch: &Launch) -> io::Result<(Child, Option<PipeReader>)> {
    let (said, stderr) = match launch.stderr {
        StderrTo::Pipe => {
            let (said, stderr) = io::pipe()?;
            (Some(said), OwnedFd::from(stderr))
        }
        StderrTo::Inherit => (None, io::stderr().as_fd().try_clone_to_owned()?),
    };
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .env(MARK, &launch.mark)
        .current_dir(&launch.directory)
        .process_group(0);
    let (stdin, stdout) = match launch.streams {
        Streams::Link => (Stdio::piped(), Stdio::piped()),
        Streams::Shared => (Stdio::inherit(), Stdio::inherit()),
        Streams::Apart => (Stdio::null(), stderr.try_clone()?.into()),
    };
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    Ok((command.spawn()?, said))
}

/// Becomes ready when a process ends, where the system can tell.
fn end_of(pid: Pid) -> Option<OwnedFd> {
    #[cfg(target_os = "linux")]
    return rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pid;
        None
    }
}

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    /// Waits until the process has ended; none at the deadline. It is not reaped, so that its group keeps its number.
    pub(crate) fn wait(&self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            self.pause(left);
        }
    }

    #[cfg(target_os = "linux")]
    fn pause(&self, longest: Duration) {
        match &self.pidfd {
            Some(pidfd) => poll_for(pidfd.as_fd(), longest),
            None => std::thread::park_timeout(longest.min(Duration::from_millis(5))),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn pause(&self, longest: Duration) {
        std::thread::park_timeout(longest.min(Duration::from_millis(5)));
    }

    /// How the process ended, if it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        if let Some(status) = self.status.get() {
            return Some(*status);
        }
        match waitid(WaitId::Pid(self.pid), NO_REAP) {
            Ok(Some(status)) => {
                // As `wait` would have put it: the exit code in the second byte, a signal in the first.
                let raw = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => (code & 0xff) << 8,
                    (None, Some(signal)) => signal,
                    (None, None) => UNKNOWN_END,
                };
                Some(ExitStatus::from_raw(raw))
            }
            Ok(None) => None,
            // It was reaped in between, by `end_tree` or by the application.
            Err(_) => {
                drop(self.leader.lock().unwrap_or_else(PoisonError::into_inner));
                Some(
                    *self
                        .status
                        .get_or_init(|| ExitStatus::from_raw(UNKNOWN_END)),
                )
            }
        }
    }

    /// Asks the whole group to end.
    pub(crate) fn terminate(&self) {
        if self.ended().is_none() {
            let _ = kill_process_group(self.pid, Signal::TERM);
        }
    }

    /// Sends the whole group what Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        if self.ended().is_none() {
            let _ = kill_process_group(self.pid, Signal::INT);
        }
    }

    /// Kills everything that the process started and the process itself, and reaps it.
    pub(crate) fn end_tree(&self) -> ExitStatus {
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        if !leader.tree_ended {
            if waitid(WaitId::Pid(self.pid), NO_REAP).is_ok() {
                // The leader was not reaped, so its number still stands for its group and nothing else.
                let _ = kill_process_group(self.pid, Signal::KILL);
            }
            stragglers::kill_marked(&self.mark);
            self.guard.ended(self.pid());
            if let Ok(status) = leader.child.wait() {
                let _ = self.status.set(status);
            }
            leader.tree_ended = true;
        }
        *self
            .status
            .get_or_init(|| ExitStatus::from_raw(UNKNOWN_END))
    }

    /// What the process has started and still runs, by number. Nothing where processes cannot be looked at.
    pub(crate) fn offspring(&self) -> Vec<u32> {
        let marked = stragglers::marked(&self.mark).into_iter();
        marked
            .filter(|process| *process != self.pid)
            .map(|process| process.as_raw_pid().unsigned_abs())
            .collect()
    }

    /// The memory that the process has resident, in bytes.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
            .map(|kib| kib * 1024)
    }
}

#[cfg(target_os = "linux")]
fn poll_for(fd: std::os::fd::BorrowedFd<'_>, longest: Duration) {
    let _ = poll(
        &mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)],
        Some(&timespec(longest)),
    );
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
