//! Processes where there are no process groups. Untested: Pegboard is tested on Linux.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pegboard_transport::Link;

use super::{Launch, MARK, Owned, Spawned, StderrTo, Streams};

/// A running or ended process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Arc<Mutex<Child>>,
    pid: u32,
}

/// Starts a process.
pub(crate) fn spawn(launch: Launch, _: &Arc<Guard>) -> io::Result<Spawned> {
    let streams = || match launch.streams {
        Streams::Link => Stdio::piped(),
        Streams::Shared => Stdio::inherit(),
        // There are no local sockets here, and so no process whose streams are not the link.
        Streams::Apart => Stdio::null(),
    };
    let mut child = Command::new(&launch.program)
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .env(MARK, &launch.mark)
        .current_dir(&launch.directory)
        .stdin(streams())
        .stdout(streams())
        .stderr(match launch.stderr {
            StderrTo::Pipe => Stdio::piped(),
            StderrTo::Inherit => Stdio::inherit(),
        })
        .spawn()?;
    let pid = child.id();
    let pipes = (child.stdout.take(), child.stdin.take());
    let stderr = child.stderr.take();
    let child = Arc::new(Mutex::new(child));
    let kill = |child: &Arc<Mutex<Child>>| {
        let child = child.clone();
        move || drop(child.lock().unwrap_or_else(PoisonError::into_inner).kill())
    };
    let link = match pipes {
        (Some(stdout), Some(stdin)) => Some(Link::blocking(stdout, stdin, kill(&child))),
        _ => None,
    };
    let stderr = stderr.map(|stderr| {
        let link = Link::blocking(stderr, io::sink(), || {});
        (link.source, link.hangup)
    });
    Ok(Spawned {
        process: Owned(Arc::new(Process { child, pid })),
        link,
        stderr,
    })
}

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn wait(&self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            std::thread::park_timeout(left.min(Duration::from_millis(5)));
        }
    }

    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .try_wait()
            .ok()
            .flatten()
    }

    pub(crate) fn terminate(&self) {}

    pub(crate) fn interrupt(&self) {}

    pub(crate) fn end_tree(&self) -> ExitStatus {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        child.wait().unwrap_or_default()
    }

    pub(crate) fn offspring(&self) -> Vec<u32> {
        Vec::new()
    }

    pub(crate) fn memory(&self) -> Option<u64> {
        None
    }
}

/// Not known how to do here.
pub(crate) fn give_terminal(_: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not known how to do here.
pub(crate) fn take_terminal() -> io::Result<()> {
    Ok(())
}

/// Nothing watches over this process here.
#[derive(Debug)]
pub(crate) struct Guard;

impl Guard {
    pub(crate) fn new(_: &str, _: PathBuf) -> Guard {
        Guard
    }

    pub(crate) fn watch(&self) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn renew(&self) {}

    pub(crate) fn release(&self) {}
}

/// Wakes the thread that sleeps.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Alarm {
    pub(crate) fn new() -> io::Result<Alarm> {
        Ok(Alarm::default())
    }

    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    pub(crate) fn sleep(&self, processes: &[Arc<Process>], _: &Guard, deadline: Instant) {
        let mut longest = deadline.saturating_duration_since(Instant::now());
        if !processes.is_empty() {
            longest = longest.min(Duration::from_millis(250));
        }
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(rung, longest, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}
