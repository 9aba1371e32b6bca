//! Standard input, which a signal ends.

use std::io::{self, Read};

/// Reads standard input without a buffer of its own. After a signal it fails rather than waits.
#[cfg(unix)]
pub(super) fn stdin() -> io::Result<impl Read + Send + 'static> {
    use std::os::fd::AsFd;
    let file = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(Interruptible(file.into()))
}

#[cfg(not(unix))]
pub(super) fn stdin() -> io::Result<impl Read + Send + 'static> {
    Ok(io::stdin())
}

#[cfg(unix)]
struct Interruptible(std::fs::File);

#[cfg(unix)]
impl Read for Interruptible {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, poll};
        while let Some(wake) = crate::signals::wake() {
            let mut both = [
                PollFd::new(&wake, PollFlags::IN),
                PollFd::new(&self.0, PollFlags::IN),
            ];
            match poll(&mut both, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) if !both[0].revents().is_empty() => {
                    // Not the kind `Interrupted`, at which everybody tries again.
                    return Err(io::Error::other("interrupted"));
                }
                Ok(_) => break,
            }
        }
        self.0.read(buffer)
    }
}
