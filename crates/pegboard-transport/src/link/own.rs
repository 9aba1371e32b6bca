//! The links that a plugin finds when it starts: its own standard streams, or the engine's local socket.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, getppid, setpgid};

use super::Link;

impl Link {
    /// The process's own standard streams.
    ///
    /// They are moved to other descriptors, so that nothing that is printed, by whatever code, gets between the
    /// messages: standard output becomes standard error, standard input is at its end.
    pub fn stdio() -> io::Result<Link> {
        let read = moved(rustix::io::dup(rustix::stdio::stdin())?)?;
        let write = moved(rustix::io::dup(rustix::stdio::stdout())?)?;
        let nothing = OpenOptions::new().read(true).open("/dev/null")?;
        rustix::stdio::dup2_stdin(&nothing)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Link::from_fds(read, write)
    }

    /// Connects to an engine's local socket, twice: first where this side reads, then where it writes.
    pub fn connect(path: &Path) -> io::Result<Link> {
        let read = UnixStream::connect(path)?;
        let write = UnixStream::connect(path)?;
        Link::from_fds(read.into(), write.into())
    }
}

/// Processes that the plugin starts must not hold the link open.
fn moved(fd: OwnedFd) -> io::Result<OwnedFd> {
    fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// Joins a process group that has the terminal; none to go back to a group of one's own.
pub fn join_group(group: Option<i32>) -> io::Result<()> {
    let group = match group {
        Some(group) => Some(Pid::from_raw(group).ok_or(io::ErrorKind::InvalidInput)?),
        None => None,
    };
    Ok(setpgid(None, group)?)
}

/// The process that started this one, if it is still there.
pub fn parent() -> Option<u32> {
    getppid().map(|parent| parent.as_raw_pid().unsigned_abs())
}
