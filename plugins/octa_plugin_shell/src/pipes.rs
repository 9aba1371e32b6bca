//! What a command writes, read until it ends.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// So much is read at once.
const CHUNK: usize = 64 << 10;

/// The reading ends of a command's pipes.
pub(crate) struct Pipes<'a> {
    /// Standard output and standard error, until their ends.
    open: [Option<File>; 2],
    /// Is hung up when the command has ended.
    exited: BorrowedFd<'a>,
}

impl<'a> Pipes<'a> {
    pub(crate) fn new(child: &mut Child, exited: BorrowedFd<'a>) -> Pipes<'a> {
        let stdout = child
            .stdout
            .take()
            .map(|pipe| File::from(OwnedFd::from(pipe)));
        let stderr = child
            .stderr
            .take()
            .map(|pipe| File::from(OwnedFd::from(pipe)));
        Pipes {
            open: [stdout, stderr],
            exited,
        }
    }

    /// Gives what is written until the command has ended, and all that was written before that. `take` is told whether
    /// it is from standard output.
    pub(crate) fn read_until_exit(&mut self, mut take: impl FnMut(bool, &[u8])) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let (ready, exited) = self.wait()?;
            for (at, slot) in self.open.iter_mut().enumerate() {
                let Some(file) = slot.as_mut().filter(|_| ready[at]) else {
                    continue;
                };
                // When the command has ended, what a child of its writes from now on is no output of it.
                let mut left = match exited {
                    true => usize::try_from(rustix::io::ioctl_fionread(&*file)?).unwrap_or(0),
                    false => CHUNK,
                };
                while left > 0 {
                    let room = left.min(CHUNK);
                    let count = read(file, &mut buffer[..room])?;
                    if count == 0 {
                        *slot = None;
                        break;
                    }
                    take(at == 0, &buffer[..count]);
                    left = if exited { left - count } else { 0 };
                }
            }
            if exited {
                return Ok(());
            }
        }
    }

    /// Throws away what is written from now on, so that whoever still writes is not ended by it.
    pub(crate) fn drain(self) {
        for mut file in self.open.into_iter().flatten() {
            let drain = move || drop(io::copy(&mut file, &mut io::sink()));
            // Without a thread the pipe is closed.
            let _ = std::thread::Builder::new()
                .name("drain".into())
                .spawn(drain);
        }
    }

    /// Waits until there is something: in which pipes, and whether the command has ended.
    fn wait(&self) -> io::Result<([bool; 2], bool)> {
        let mut fds = vec![PollFd::from_borrowed_fd(self.exited, PollFlags::IN)];
        let open = self.open.iter().flatten();
        fds.extend(open.map(|file| PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)));
        loop {
            match poll(&mut fds, None) {
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut events = fds.iter().map(|fd| !fd.revents().is_empty());
        let exited = events.next().unwrap_or(false);
        let mut ready = [false; 2];
        for (slot, ready) in self.open.iter().zip(&mut ready) {
            *ready = slot.is_some() && events.next().unwrap_or(false);
        }
        Ok((ready, exited))
    }
}

fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
