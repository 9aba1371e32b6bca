//! Processes where there are no process groups. Untested: Pegboard is tested on Linux.

use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pegboard_transport::Link;

use super::{Launch, MARK, Spawned, StderrTo};

/// A running or ended process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Arc<Mutex<Child>>,
    pid: u32,
}

/// Starts a process.
pub(crate) fn spawn(launch: Launch) -> io::Result<Spawned> {
    let streams = || {
        if launch.piped {
            Stdio::piped()
        } else {
            Stdio::inherit()
        }
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
        process: Process { child, pid },
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

    pub(crate) fn end_tree(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        child.wait().ok()
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
    pub(crate) fn start(_: &str, _: &Path) -> io::Result<Guard> {
        Ok(Guard)
    }

    pub(crate) fn started(&mut self, _: &Process) {}

    pub(crate) fn ended(&mut self, _: &Process) {}
}
