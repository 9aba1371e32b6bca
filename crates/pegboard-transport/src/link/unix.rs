//! Links over file descriptors: pipes and local sockets, polled so that every wait has an end.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::{Hangup, Link, Sink, Source, aborted, timed_out};

impl Link {
    /// A link that reads one descriptor and writes another, both of which become non-blocking.
    ///
    /// The descriptors must not be shared with a process that relies on blocking.
    pub fn from_fds(read: OwnedFd, write: OwnedFd) -> io::Result<Link> {
        let (wake, hangup) = waker()?;
        set_nonblocking(&read)?;
        set_nonblocking(&write)?;
        Ok(Link {
            source: Box::new(FdSource {
                fd: read,
                wake: wake.clone(),
                poll_first: true,
            }),
            sink: Box::new(FdSink { fd: write, wake }),
            hangup,
        })
    }

    /// A link over one socket that carries both directions, and becomes non-blocking. When its sink is dropped, the other
    /// side finds the end.
    pub fn from_socket(socket: OwnedFd) -> io::Result<Link> {
        let mut link = Link::from_fds(socket.try_clone()?, socket.try_clone()?)?;
        link.sink = Box::new(SocketSink {
            sink: link.sink,
            socket,
        });
        Ok(link)
    }

    /// One half of a link: a descriptor to read from, and what ends the reading.
    pub fn source_from_fd(read: OwnedFd) -> io::Result<(Box<dyn Source>, Hangup)> {
        let (wake, hangup) = waker()?;
        set_nonblocking(&read)?;
        Ok((
            Box::new(FdSource {
                fd: read,
                wake,
                poll_first: true,
            }),
            hangup,
        ))
    }
}

/// A pipe that is polled beside the link: its writing end is closed to hang up, and a byte in it is a nudge.
fn waker() -> io::Result<(Arc<OwnedFd>, Hangup)> {
    use rustix::pipe::{PipeFlags, pipe_with};
    let (reading, writing) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let writing = Arc::new(Mutex::new(Some(writing)));
    let nudging = writing.clone();
    fn lock(end: &Mutex<Option<OwnedFd>>) -> MutexGuard<'_, Option<OwnedFd>> {
        end.lock().unwrap_or_else(PoisonError::into_inner)
    }
    let hangup = Hangup::with_nudge(
        move || drop(lock(&writing).take()),
        move || {
            if let Some(writing) = lock(&nudging).as_ref() {
                // A pipe that is full of nudges needs no more of them.
                let _ = rustix::io::write(writing, &[0]);
            }
        },
    );
    Ok((Arc::new(reading), hangup))
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    Ok(fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?)
}

/// Waits for `flags` on a descriptor.
fn wait(
    fd: impl AsFd,
    wake: &OwnedFd,
    flags: PollFlags,
    deadline: Option<Instant>,
) -> io::Result<()> {
    loop {
        // What is there already is found even when the deadline has passed.
        let timeout = deadline.map(|at| timespec(at.saturating_duration_since(Instant::now())));
        // Nudges are for those who read.
        let nudges = flags & PollFlags::IN;
        let mut fds = [PollFd::new(&fd, flags), PollFd::new(wake, nudges)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) => return Err(timed_out()),
            Ok(_) if fds[1].revents().is_empty() => return Ok(()),
            Ok(_) if fds[1].revents().contains(PollFlags::HUP) => return Err(aborted()),
            Ok(_) => {
                let _ = rustix::io::read(wake, &mut [0; 64]);
                return Err(io::ErrorKind::Interrupted.into());
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

struct FdSource {
    fd: OwnedFd,
    wake: Arc<OwnedFd>,
    /// The last read took all there was, so that reading at once would fail.
    poll_first: bool,
}

impl Source for FdSource {
    fn read(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        loop {
            if self.poll_first {
                wait(&self.fd, &self.wake, PollFlags::IN, deadline)?;
            }
            match rustix::io::read(&self.fd, &mut *buffer) {
                Ok(count) => {
                    self.poll_first = count < buffer.len();
                    return Ok(count);
                }
                Err(Errno::AGAIN) => self.poll_first = true,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

struct FdSink {
    fd: OwnedFd,
    wake: Arc<OwnedFd>,
}

impl Sink for FdSink {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.fd, bytes) {
                Ok(count) => return Ok(count),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<usize> {
        loop {
            wait(&self.fd, &self.wake, PollFlags::OUT, deadline)?;
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

/// Writes a socket whose other direction is read through another descriptor, so that closing one ends nothing.
struct SocketSink {
    sink: Box<dyn Sink>,
    socket: OwnedFd,
}

impl Sink for SocketSink {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.try_write(bytes)
    }

    fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<usize> {
        self.sink.write(bytes, deadline)
    }
}

impl Drop for SocketSink {
    fn drop(&mut self) {
        // The other side may have gone before.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Write);
    }
}

/// A local socket in a directory of its own that only this user can enter.
///
/// Socket and directory are removed when the listener goes.
#[derive(Debug)]
pub struct LocalListener {
    listener: UnixListener,
    directory: PathBuf,
    path: PathBuf,
}

impl LocalListener {
    /// Creates the directory, which must not exist, with mode 0700, and listens on a socket inside it.
    pub fn bind(directory: &Path) -> io::Result<LocalListener> {
        fs::DirBuilder::new().mode(0o700).create(directory)?;
        let path = directory.join("plugin.sock");
        let listener = UnixListener::bind(&path).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match listener {
            Ok(listener) => Ok(LocalListener {
                listener,
                directory: directory.to_owned(),
                path,
            }),
            Err(error) => {
                let _ = fs::remove_dir_all(directory);
                Err(error)
            }
        }
    }

    /// The socket's path, to be given to the plugin.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the plugin to connect twice: first where it reads, then where it writes.
    ///
    /// `gone` is asked now and then whether the plugin has exited, which ends the wait early.
    pub fn accept(&self, deadline: Instant, mut gone: impl FnMut() -> bool) -> io::Result<Link> {
        let write = self.accept_one(deadline, &mut gone)?;
        let read = self.accept_one(deadline, &mut gone)?;
        Link::from_fds(read, write)
    }

    fn accept_one(
        &self,
        deadline: Instant,
        gone: &mut impl FnMut() -> bool,
    ) -> io::Result<OwnedFd> {
        const LOOK: Duration = Duration::from_millis(20);
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => return Ok(stream.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if gone() {
                return Err(io::Error::new(
                    io::ErrorKind::BrokenPipe,
                    "the plugin exited without connecting",
                ));
            }
            let left = deadline
                .checked_duration_since(Instant::now())
                .ok_or_else(timed_out)?;
            let mut fds = [PollFd::new(&self.listener, PollFlags::IN)];
            match poll(&mut fds, Some(&timespec(left.min(LOOK)))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for LocalListener {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
