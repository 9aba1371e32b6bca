//! Standard input or a file, which a signal ends.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// Something to read of which it can be known whether reading it would have to wait.
pub(super) trait Source: Read + Send + 'static {
    /// True once there is something to read, or the end; false if that did not come within this time.
    fn is_ready(&self, within: Duration) -> io::Result<bool>;
}

/// Standard input without a buffer. After a signal, reading it fails rather than waits.
#[cfg(unix)]
pub(super) fn stdin() -> io::Result<impl Source> {
    use std::os::fd::AsFd;
    open_file(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// A file without a buffer. After a signal, reading it fails rather than waits, as it can for a named pipe.
#[cfg(unix)]
pub(super) fn file(path: &Path) -> io::Result<impl Source + use<>> {
    open_file(File::open(path)?)
}

#[cfg(unix)]
fn open_file(file: File) -> io::Result<Interruptible> {
    if file.metadata()?.is_dir() {
        return Err(rustix::io::Errno::ISDIR.into());
    }
    Ok(Interruptible(file))
}

#[cfg(not(unix))]
pub(super) fn stdin() -> io::Result<impl Source> {
    Ok(Waiting(io::stdin()))
}

#[cfg(not(unix))]
pub(super) fn file(path: &Path) -> io::Result<impl Source + use<>> {
    Ok(Waiting(File::open(path)?))
}

#[cfg(unix)]
struct Interruptible(File);

#[cfg(unix)]
impl Interruptible {
    fn poll(&self, within: Option<Duration>) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let within = within.and_then(|within| Timespec::try_from(within).ok());
        while let Some(wake) = crate::signals::wake() {
            let mut both = [
                PollFd::new(&wake, PollFlags::IN),
                PollFd::new(&self.0, PollFlags::IN),
            ];
            match poll(&mut both, within.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) if !both[0].revents().is_empty() => {
                    // Not the kind `Interrupted`, at which everybody tries again.
                    return Err(io::Error::other("interrupted"));
                }
                Ok(_) => return Ok(!both[1].revents().is_empty()),
            }
        }
        Ok(true)
    }
}

#[cfg(unix)]
impl Read for Interruptible {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.poll(None)?;
        self.0.read(buffer)
    }
}

impl Source for Box<dyn Source> {
    fn is_ready(&self, within: Duration) -> io::Result<bool> {
        self.as_ref().is_ready(within)
    }
}

#[cfg(unix)]
impl Source for Interruptible {
    fn is_ready(&self, within: Duration) -> io::Result<bool> {
        self.poll(Some(within))
    }
}

#[cfg(not(unix))]
struct Waiting<R>(R);

#[cfg(not(unix))]
impl<R: Read> Read for Waiting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(not(unix))]
impl<R: Read + Send + 'static> Source for Waiting<R> {
    /// It cannot be known here.
    fn is_ready(&self, _: Duration) -> io::Result<bool> {
        Ok(true)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Gives its pieces one by one; behind an empty one the next takes its time.
    pub(crate) struct Pieces(Vec<Vec<u8>>);

    impl Pieces {
        pub(crate) fn new<T: AsRef<[u8]>>(pieces: impl IntoIterator<Item = T>) -> Pieces {
            let pieces = pieces.into_iter().map(|piece| piece.as_ref().to_vec());
            Pieces(pieces.collect())
        }
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            while self.0.first().is_some_and(Vec::is_empty) {
                self.0.remove(0);
            }
            let Some(piece) = self.0.first_mut() else {
                return Ok(0);
            };
            let count = piece.len().min(buffer.len());
            buffer[..count].copy_from_slice(&piece[..count]);
            piece.drain(..count);
            if piece.is_empty() {
                self.0.remove(0);
            }
            Ok(count)
        }
    }

    impl Source for Pieces {
        fn is_ready(&self, _: Duration) -> io::Result<bool> {
            Ok(self.0.first().is_none_or(|piece| !piece.is_empty()))
        }
    }
}
