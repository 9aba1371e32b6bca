//! A terminal for programs that behave differently on one: what is typed, and what stands on the screen.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::tree::wait_until;

/// Where programs ask the terminal for its cursor, and an answer.
const WHERE: &[u8] = b"\x1b[6n";
const HERE: &[u8] = b"\x1b[1;1R";

/// A program on a terminal of its own. It is killed when this is dropped.
pub struct Terminal {
    program: Child,
    keys: File,
    screen: Arc<Screen>,
    watcher: Option<JoinHandle<()>>,
    patience: Duration,
}

#[derive(Default)]
struct Screen {
    /// What was written since it was last looked for something.
    text: Mutex<Vec<u8>>,
    changed: Condvar,
}

impl Screen {
    fn text(&self) -> MutexGuard<'_, Vec<u8>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command for [`Terminal::start`], which makes the terminal the program's own. Arguments and environment can be added as
/// usual. Needs `setsid`, of util-linux.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(program);
    command
}

impl Terminal {
    /// Starts what [`command`] has made, on a terminal with so many columns and 24 rows.
    pub fn start(mut command: Command, columns: u16) -> Terminal {
        let (terminal, end) = open_terminal(columns);
        let copy = || end.try_clone().expect("a copy");
        command.stdin(copy()).stdout(copy()).stderr(copy());
        let program = command.spawn().expect("setsid, of util-linux");
        // With the command's own copies, so that the terminal is closed when the program has ended.
        drop((command, end));
        let screen = Arc::<Screen>::default();
        let keys = File::from(terminal.try_clone().expect("a copy"));
        let watched = screen.clone();
        let watcher = std::thread::spawn(move || watch(File::from(terminal), &watched));
        Terminal {
            program,
            keys,
            screen,
            watcher: Some(watcher),
            patience: Duration::from_secs(60),
        }
    }

    /// Waits so long for something, instead of a minute.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Terminal {
        self.patience = patience;
        self
    }

    /// The process of the program.
    pub fn pid(&self) -> u32 {
        self.program.id()
    }

    /// Types something. Enter is `\r`, Ctrl-C is `\x03`.
    pub fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys");
    }

    /// Waits until something stands on the screen; the next time only what came behind it is looked at. Panics with what
    /// is there if that does not come.
    pub fn expect(&mut self, what: &str) {
        let deadline = Instant::now() + self.patience;
        let mut text = self.screen.text();
        loop {
            let mut places = text.windows(what.len());
            if let Some(place) = places.position(|place| place == what.as_bytes()) {
                text.drain(..place + what.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = String::from_utf8_lossy(&text).into_owned();
            assert!(!left.is_zero(), "no {what:?} in {seen:?}");
            let waited = self.screen.changed.wait_timeout(text, left);
            text = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the end of the program and of all that has the terminal, and gives what was not looked at yet. Panics if
    /// that does not come.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut status = None;
        let ended = wait_until(self.patience, || {
            status = self.program.try_wait().expect("a status");
            let watching = self.watcher.as_ref().is_some_and(|it| !it.is_finished());
            status.is_some() && !watching
        });
        let text = String::from_utf8_lossy(&self.screen.text()).into_owned();
        match status {
            Some(status) if ended => (status, text),
            _ => panic!("the program does not end, after {text:?}"),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Takes down what is written, and answers as a terminal does.
fn watch(mut terminal: File, screen: &Screen) {
    let mut buffer = [0; 4096];
    // Ends with an error when nobody has the terminal open any more.
    while let Ok(count @ 1..) = terminal.read(&mut buffer) {
        let written = &buffer[..count];
        let asked = written.windows(WHERE.len()).filter(|place| *place == WHERE);
        for _ in asked {
            let _ = terminal.write_all(HERE);
        }
        screen.text().extend_from_slice(written);
        screen.changed.notify_all();
    }
}

/// The two ends of a new terminal: the one that sees what programs write, and the programs' own.
fn open_terminal(columns: u16) -> (OwnedFd, OwnedFd) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("the right to it");
    unlockpt(&terminal).expect("the right to it");
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).expect("its size");
    let name = ptsname(&terminal, Vec::new()).expect("its name");
    let end = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().expect("a name"));
    (terminal, end.expect("its other end").into())
}
