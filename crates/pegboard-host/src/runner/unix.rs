//! Processes on Unix: process groups, the parent-death signal, and the search for stragglers in `/proc`.

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use pegboard_transport::Link;

use super::{Launch, MARK, Spawned, StderrTo};

/// How often a search for stragglers is repeated, each time something was found.
const SWEEPS: usize = 100;

/// A running or ended process, the leader of its own process group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Mutex<Child>,
    pid: Pid,
    mark: String,
    #[cfg(target_os = "linux")]
    pidfd: Option<OwnedFd>,
}

/// Starts a process in a group of its own, which on Linux dies with this process.
pub(crate) fn spawn(launch: Launch) -> io::Result<Spawned> {
    on_spawner_thread(move || spawn_here(&launch))?
}

fn spawn_here(launch: &Launch) -> io::Result<Spawned> {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .env(MARK, &launch.mark)
        .current_dir(&launch.directory)
        .process_group(0);
    let streams = || {
        if launch.piped {
            Stdio::piped()
        } else {
            Stdio::inherit()
        }
    };
    command
        .stdin(streams())
        .stdout(streams())
        .stderr(match launch.stderr {
            StderrTo::Pipe => Stdio::piped(),
            StderrTo::Inherit => Stdio::inherit(),
        });
    #[cfg(target_os = "linux")]
    die_with_parent(&mut command);
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let link = match (child.stdout.take(), child.stdin.take()) {
        (Some(stdout), Some(stdin)) => Some(Link::from_fds(stdout.into(), stdin.into())),
        _ => None,
    };
    let stderr = child
        .stderr
        .take()
        .map(|stderr| Link::source_from_fd(stderr.into()));
    let process = Process {
        child: Mutex::new(child),
        pid,
        mark: launch.mark.clone(),
        #[cfg(target_os = "linux")]
        pidfd: rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok(),
    };
    match (link.transpose(), stderr.transpose()) {
        (Ok(link), Ok(stderr)) => Ok(Spawned {
            process,
            link,
            stderr,
        }),
        (Err(error), _) | (_, Err(error)) => {
            process.end_tree();
            Err(error)
        }
    }
}

/// Has the kernel kill the child when the thread that starts it ends, which is when this process ends.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the child must ask for the signal between fork and exec"
)]
fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    // SAFETY: the closure only makes system calls that are allowed between fork and exec, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before the signal was asked for.
            if libc::getppid() as u32 != parent {
                libc::_exit(1);
            }
            Ok(())
        });
    }
}

/// Runs a job on a thread that lives as long as the process: the parent-death signal counts from the thread.
fn on_spawner_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    type Job = Box<dyn FnOnce() + Send>;
    static SPAWNER: OnceLock<io::Result<SyncSender<Job>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, queue) = sync_channel::<Job>(16);
        std::thread::Builder::new()
            .name("pegboard spawner".into())
            .stack_size(256 << 10)
            .spawn(move || queue.into_iter().for_each(|job| job()))?;
        Ok(jobs)
    });
    let gone = || io::Error::other("the thread that starts processes is gone");
    let jobs = spawner
        .as_ref()
        .map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
    let (done, result) = sync_channel(1);
    jobs.send(Box::new(move || drop(done.send(job()))))
        .map_err(|_| gone())?;
    result.recv().map_err(|_| gone())
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
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        match waitid(WaitId::Pid(self.pid), options) {
            Ok(Some(status)) => {
                // As `wait` would have put it: the exit code in the second byte, a signal in the first.
                let raw = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => (code & 0xff) << 8,
                    (None, Some(signal)) => signal,
                    (None, None) => 0,
                };
                Some(ExitStatus::from_raw(raw))
            }
            Ok(None) => None,
            // It was reaped.
            Err(_) => self
                .child
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .try_wait()
                .ok()
                .flatten(),
        }
    }

    /// Asks the whole group to end.
    pub(crate) fn terminate(&self) {
        if self.ended().is_none() {
            let _ = kill_process_group(self.pid, Signal::TERM);
        }
    }

    /// Kills everything that the process started and the process itself, and reaps it.
    pub(crate) fn end_tree(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(Some(status)) = reaped(&mut child, self.pid) {
            return Some(status);
        }
        // The leader was not reaped, so its number still stands for its group and nothing else.
        let _ = kill_process_group(self.pid, Signal::KILL);
        sweep(&self.mark);
        child.wait().ok()
    }
}

/// The exit status of a child that was reaped before, without reaping it now.
fn reaped(child: &mut Child, pid: Pid) -> io::Result<Option<ExitStatus>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    match waitid(WaitId::Pid(pid), options) {
        Ok(_) => Ok(None),
        Err(_) => child.try_wait(),
    }
}

#[cfg(target_os = "linux")]
fn poll_for(fd: std::os::fd::BorrowedFd<'_>, longest: Duration) {
    let timeout = Timespec {
        tv_sec: longest.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: longest.subsec_nanos().into(),
    };
    let _ = poll(
        &mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)],
        Some(&timeout),
    );
}

/// Kills every process whose environment has this mark, until none is found.
fn sweep(mark: &str) {
    let needle = format!("{MARK}={mark}").into_bytes();
    for _ in 0..SWEEPS {
        let Ok(processes) = fs::read_dir("/proc") else {
            return;
        };
        let mut found = false;
        for entry in processes.flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
                .and_then(Pid::from_raw)
            else {
                continue;
            };
            let marked = fs::read(entry.path().join("environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == needle)
            });
            if marked && kill_process(pid, Signal::KILL).is_ok() {
                found = true;
            }
        }
        if !found {
            return;
        }
    }
}

/// Gives the terminal to a process group.
pub(crate) fn give_terminal(pid: u32) -> io::Result<()> {
    let group = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(io::ErrorKind::InvalidInput)?;
    set_terminal_group(group)
}

/// Takes the terminal back for this process's own group.
pub(crate) fn take_terminal() -> io::Result<()> {
    set_terminal_group(rustix::process::getpgrp())
}

fn set_terminal_group(group: Pid) -> io::Result<()> {
    let terminal = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")?;
    with_signal_blocked(libc::SIGTTOU, || {
        Ok(rustix::termios::tcsetpgrp(&terminal, group)?)
    })
}

/// A background process that changes the terminal's group is stopped by SIGTTOU unless it blocks it.
#[expect(
    unsafe_code,
    reason = "there is no safe way to block a signal for one thread"
)]
fn with_signal_blocked<T>(signal: libc::c_int, act: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are initialised by the calls that fill them, and live until the calls that read them return.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before);
        let result = act();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        result
    }
}

/// What the guard does, as a program for the shell. It reads which process groups come and go, and when its input ends
/// without a farewell, this process was killed: it then kills the groups and everything that carries the mark.
const GUARD: &str = r#"
trap '' HUP INT TERM QUIT PIPE
mark=$1 directory=$2 groups=
while read -r word group; do
    case $word in
    start) groups="$groups $group" ;;
    end) rest=; for one in $groups; do [ "$one" = "$group" ] || rest="$rest $one"; done; groups=$rest ;;
    bye) exit 0 ;;
    esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
round=0
while [ $round -lt 100 ]; do
    found=
    for file in $(grep -l -a -F "$mark" /proc/[0-9]*/environ 2>/dev/null); do
        process=${file#/proc/}
        kill -KILL "${process%/environ}" 2>/dev/null && found=1
    done
    [ -n "$found" ] || break
    round=$((round + 1))
done
rm -rf -- "$directory"
"#;

/// A small process that outlives this one when it is killed, and ends what it leaves behind.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
    input: Option<ChildStdin>,
}

impl Guard {
    /// Starts a guard for all processes whose mark begins with `mark`, and for the directory of their sockets.
    pub(crate) fn start(mark: &str, directory: &Path) -> io::Result<Guard> {
        let mark = format!("{MARK}={mark}");
        let directory = directory.to_owned();
        on_spawner_thread(move || {
            let mut child = Command::new("/bin/sh")
                .args(["-c", GUARD, "pegboard-guard", &mark])
                .arg(&directory)
                .current_dir("/")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .env_remove(MARK)
                .process_group(0)
                .spawn()?;
            let input = child.stdin.take();
            Ok(Guard { child, input })
        })?
    }

    /// A process group has come.
    pub(crate) fn started(&mut self, process: &Process) {
        self.tell(&format!("start {}\n", process.pid()));
    }

    /// A process group is gone.
    pub(crate) fn ended(&mut self, process: &Process) {
        self.tell(&format!("end {}\n", process.pid()));
    }

    /// The lines are far smaller than a pipe, and a guard that is gone breaks it.
    fn tell(&mut self, line: &str) {
        if let Some(input) = &mut self.input
            && input.write_all(line.as_bytes()).is_err()
        {
            self.input = None;
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.tell("bye\n");
        drop(self.input.take());
        let deadline = Instant::now() + Duration::from_secs(1);
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::park_timeout(Duration::from_millis(1)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The memory that a process has resident, in bytes.
impl Process {
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
