//! How commands end: by themselves, or when they are cancelled, with everything that they have started.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// The variable that tells the processes of a command from all others, wherever they have gone.
pub(crate) const MARK: &str = "PEGBOARD_EXECUTION";

/// How long a command may take to end by itself when it is cancelled. The plugin has 0.8 s.
const GRACE: Duration = Duration::from_millis(500);
/// How long killed processes may take to vanish.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long to wait before looking again.
const LOOK: Duration = Duration::from_millis(1);

/// The value of [`MARK`] for one more command.
pub(crate) fn mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}.{number}", std::process::id())
}

/// The children that somebody asks how they have ended. Held while there is a new one.
static CHILDREN: LazyLock<Mutex<HashSet<Pid>>> = LazyLock::new(Mutex::default);

fn children() -> MutexGuard<'static, HashSet<Pid>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command that was started.
pub(crate) struct Running {
    pid: Pid,
    mark: String,
    /// Is hung up when the command has ended.
    exited: OwnedFd,
    over: Mutex<bool>,
    changed: Condvar,
    cancelled: AtomicBool,
}

impl Running {
    /// Starts a command as the leader of a process group, with its [`MARK`] in its environment.
    pub(crate) fn start(
        mark: &str,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<(Child, Arc<Running>)> {
        let (exited, tells) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (child, pid) = {
            let mut children = children();
            let child = spawn()?;
            let pid = Pid::from_child(&child);
            children.insert(pid);
            (child, pid)
        };
        let running = Arc::new(Running {
            pid,
            mark: mark.to_owned(),
            exited,
            over: Mutex::new(false),
            changed: Condvar::new(),
            cancelled: AtomicBool::new(false),
        });
        let watched = running.clone();
        let watch = move || {
            watched.wait();
            drop(tells);
        };
        if let Err(error) = std::thread::Builder::new().name("exit".into()).spawn(watch) {
            running.kill(Signal::KILL);
            let mut child = child;
            let _ = running.finish(&mut child);
            return Err(error);
        }
        Ok((child, running))
    }

    /// A descriptor that is hung up when the command has ended.
    pub(crate) fn exited(&self) -> BorrowedFd<'_> {
        self.exited.as_fd()
    }

    /// Waits for the end, and leaves it to [`Running::finish`] to ask how it was: until then nobody else has the number.
    fn wait(&self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = waitid(WaitId::Pid(self.pid), options) {}
        *self.over() = true;
        self.changed.notify_all();
    }

    /// Ends the command and all that it has started: asks first, and leaves it some time. Does not wait for that.
    pub(crate) fn end(self: &Arc<Self>) {
        self.cancelled.store(true, Ordering::Release);
        let running = self.clone();
        let end = move || {
            running.kill(Signal::TERM);
            running.wait_for(GRACE);
            running.kill_all();
        };
        if std::thread::Builder::new()
            .name("end".into())
            .spawn(end)
            .is_err()
        {
            self.kill(Signal::KILL);
        }
    }

    /// How the command, which has ended, did so. If it was cancelled, nothing that it has started is left behind.
    pub(crate) fn finish(&self, child: &mut Child) -> io::Result<ExitStatus> {
        if self.cancelled.load(Ordering::Acquire) {
            self.kill_all();
        }
        let mut children = children();
        let status = child.wait();
        children.remove(&self.pid);
        bury_orphans(&children);
        status
    }

    fn wait_for(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut over = self.over();
        while !*over {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(over, left);
            over = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Kills until nothing is left.
    fn kill_all(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.kill(Signal::KILL) && Instant::now() < deadline {
            std::thread::park_timeout(LOOK);
        }
    }

    /// Sends a signal to the process group, and to those that have left it. False if there was none.
    fn kill(&self, signal: Signal) -> bool {
        // The group is there as long as its leader was not asked how it ended, though perhaps all in it have ended.
        let _ = kill_process_group(self.pid, signal);
        let marked = marked(&self.mark);
        for pid in &marked {
            // It may just have ended.
            let _ = kill_process(*pid, signal);
        }
        !marked.is_empty()
    }

    fn over(&self) -> MutexGuard<'_, bool> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks processes how they have ended whose parents did not: they are this process's children since. Those in `own` are
/// asked by somebody else.
fn bury_orphans(own: &HashSet<Pid>) {
    let nohang = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let any = waitid(WaitId::All, nohang | WaitIdOptions::NOWAIT);
    if !matches!(any, Ok(Some(_))) {
        return;
    }
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    for thread in threads {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let children = children.split_ascii_whitespace();
        let children = children.filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        for pid in children.filter(|pid| !own.contains(pid)) {
            // It may be running.
            let _ = waitid(WaitId::Pid(pid), nohang);
        }
    }
}

/// The processes of a command that run.
fn marked(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        // One that has ended has no environment any more.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable == wanted.as_bytes())
    })
    .filter_map(Pid::from_raw)
    .collect()
}
