//! The local socket of an Octa plugin: the plugin listens, the host connects, and one stream carries both directions.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

use crate::link::{Link, timed_out, timespec};

/// The first wait between two attempts to connect, and the longest. A plugin that is a small program listens within a
/// millisecond or two of its start.
const FIRST_WAIT: Duration = Duration::from_micros(200);
const LONGEST_WAIT: Duration = Duration::from_millis(5);

/// Connects to a plugin's socket as soon as there is one.
///
/// Tries again until the deadline: at first every 200 us, more and more seldom later, every 5 ms at the most. `gone` is
/// asked between attempts whether the plugin has exited, which ends them early, with [`io::ErrorKind::BrokenPipe`].
pub fn connect(path: &Path, deadline: Instant, mut gone: impl FnMut() -> bool) -> io::Result<Link> {
    let address = SocketAddrUnix::new(path)?;
    let mut wait = FIRST_WAIT;
    loop {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => return Link::from_socket(socket),
            // Not there, not listening, or its queue is full.
            Err(Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if gone() {
            return Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the plugin exited without listening",
            ));
        }
        let left = deadline
            .checked_duration_since(Instant::now())
            .ok_or_else(timed_out)?;
        std::thread::sleep(wait.min(left));
        wait = (wait + wait / 8).min(LONGEST_WAIT);
    }
}

/// A plugin's socket, at the path that its host chose. The file is removed when the listener goes.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens at a path. Fails if there is something at it.
    pub fn bind(path: &Path) -> io::Result<Listener> {
        let listener = UnixListener::bind(path)?;
        let listener = Listener {
            listener,
            path: path.to_owned(),
        };
        listener.listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Waits for a host to connect. More than one may, one after the other.
    ///
    /// Fails with [`io::ErrorKind::TimedOut`] at the deadline.
    pub fn accept(&self, deadline: Instant) -> io::Result<Link> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => return Link::from_socket(OwnedFd::from(stream)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let left = deadline
                .checked_duration_since(Instant::now())
                .ok_or_else(timed_out)?;
            let mut fds = [PollFd::new(&self.listener, PollFlags::IN)];
            match poll(&mut fds, Some(&timespec(left))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
