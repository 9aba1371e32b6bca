//! How commands end: by themselves, or when they are cancelled, with everything that they have started.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::{cancelled, guard};

/// The variable that tells the processes of a command from all others, wherever they have gone.
pub(crate) const MARK: &str = "PEGBOARD_EXECUTION";

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
    over: AtomicBool,
    cancelled: AtomicBool,
}

impl Running {
    /// Starts a command as the leader of a process group, with its [`MARK`] in its environment. No two are started at the
    /// same time.
    pub(crate) fn start(
        mark: &str,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<(Child, Arc<Running>)> {
        guard::watch()?;
        let (exited, tells) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (mut child, pid) = {
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
            over: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
        });
        let watched = running.clone();
        let watch = move || {
            watched.wait();
            drop(tells);
        };
        if let Err(error) = std::thread::Builder::new().name("exit".into()).spawn(watch) {
            running.cancel();
            let _ = running.finish(&mut child);
            return Err(error);
        }
        Ok((child, running))
    }

    /// Its process, and its process group. Nobody else has this number until [`Running::finish`].
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Its value of [`MARK`].
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// Whether the command itself has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// A descriptor that is hung up when the command has ended.
    pub(crate) fn exited(&self) -> BorrowedFd<'_> {
        self.exited.as_fd()
    }

    /// Ends the command and all that it has started: asks first, and leaves it some time. Does not wait for that.
    pub(crate) fn cancel(self: &Arc<Self>) {
        self.cancelled.store(true, Ordering::Release);
        cancelled::end(self.clone());
    }

    /// How the command, which has ended, did so. If it was cancelled, nothing that it has started is left behind.
    pub(crate) fn finish(&self, child: &mut Child) -> io::Result<ExitStatus> {
        if self.cancelled.load(Ordering::Acquire) {
            cancelled::wait_for_rest(self);
        }
        let mut children = children();
        let status = child.wait();
        children.remove(&self.pid);
        bury_orphans(&children);
        status
    }

    /// Waits for the end, and leaves it to [`Running::finish`] to ask how it was.
    fn wait(&self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = waitid(WaitId::Pid(self.pid), options) {}
        self.over.store(true, Ordering::Release);
        if self.cancelled.load(Ordering::Acquire) {
            cancelled::changed();
        }
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
