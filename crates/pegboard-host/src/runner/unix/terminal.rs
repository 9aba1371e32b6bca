//! The terminal: which process group has it.

use std::fs::{File, OpenOptions};
use std::io;

use rustix::process::Pid;
use rustix::termios::{tcgetpgrp, tcsetpgrp};

/// Gives the terminal to a process group. Refused while this process does not have it itself: it has nothing to give
/// while it runs in the background.
pub(crate) fn give_terminal(pid: u32) -> io::Result<()> {
    let group = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(io::ErrorKind::InvalidInput)?;
    let terminal = open()?;
    let holder = tcgetpgrp(&terminal)?;
    if own_group() != Some(holder) {
        return Err(io::Error::other(
            "this application does not have it, since it runs in the background",
        ));
    }
    set_group(&terminal, group)
}

/// Takes the terminal back for this process's own group.
pub(crate) fn take_terminal() -> io::Result<()> {
    let group = own_group().ok_or(io::ErrorKind::NotFound)?;
    set_group(&open()?, group)
}

/// The process group of this process; none when its leader is outside this namespace of process ids, as in a container
/// that shares its caller's group. (`rustix::process::getpgrp` takes it that this cannot be.)
#[expect(
    unsafe_code,
    reason = "there is no safe way to ask for a group that may be 0"
)]
fn own_group() -> Option<Pid> {
    // SAFETY: it takes nothing, touches no memory of ours and always succeeds.
    Pid::from_raw(unsafe { libc::getpgrp() })
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

fn set_group(terminal: &File, group: Pid) -> io::Result<()> {
    with_signal_blocked(libc::SIGTTOU, || Ok(tcsetpgrp(terminal, group)?))
}

/// A background process that changes the terminal's group is stopped by SIGTTOU unless it blocks it.
#[expect(
    unsafe_code,
    reason = "there is no safe way to block a signal for one thread"
)]
fn with_signal_blocked<T>(signal: libc::c_int, act: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are initialised by the calls that fill them, and live until the calls that read them return.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before);
        let result = act();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        result
    }
}
