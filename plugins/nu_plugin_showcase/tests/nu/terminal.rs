//! In a real terminal: completion while typing, Ctrl-C, and the terminal for the plugin.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::PLUGIN;
use super::shell::{Shell, in_every_version};

/// Nothing takes nearly as long. What waits longer has hung.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the shell asks the terminal for its cursor, and an answer.
const WHERE: &[u8] = b"\x1b[6n";
const HERE: &[u8] = b"\x1b[1;1R";
/// What the shell writes when it begins to read a line.
const READY: &str = "\x1b[?2004h";

/// A shell in a terminal of its own, and what it has written there.
struct Session {
    shell: Child,
    keys: File,
    screen: Arc<Screen>,
    minor: u64,
}

#[derive(Default)]
struct Screen {
    /// What was written since it was last looked for something.
    text: Mutex<Vec<u8>>,
    changed: Condvar,
}

impl Session {
    fn new(shell: &Shell) -> Session {
        let (terminal, end) = open_terminal();
        let plugins = format!("[{PLUGIN:?}]");
        let mut setsid = Command::new("setsid");
        setsid.args(["--ctty", "--wait"]).arg(shell.program());
        setsid.args(["-n", "--no-std-lib", "--plugins", &plugins]);
        let mut setsid = shell.at_home(setsid);
        setsid.env("TERM", "xterm");
        let copy = || end.try_clone().expect("a copy");
        setsid.stdin(copy()).stdout(copy()).stderr(copy());
        let child = setsid.spawn().expect("setsid, of util-linux");
        drop((setsid, end));

        let screen = Arc::<Screen>::default();
        let mut session = Session {
            shell: child,
            keys: File::from(terminal.try_clone().expect("a copy")),
            screen: screen.clone(),
            minor: shell.minor,
        };
        std::thread::spawn(move || watch(File::from(terminal), &screen));
        session.expect(READY);
        session
    }

    fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys");
    }

    /// Waits until something stands on the screen; looks only behind it the next time.
    fn expect(&mut self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut text = self.screen.text.lock().expect("the screen");
        loop {
            let found = text
                .windows(what.len())
                .position(|place| place == what.as_bytes());
            if let Some(place) = found {
                text.drain(..place + what.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = String::from_utf8_lossy(&text).into_owned();
            assert!(!left.is_zero(), "0.{}: no {what:?} in {seen:?}", self.minor);
            text = self
                .screen
                .changed
                .wait_timeout(text, left)
                .expect("the screen")
                .0;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // `setsid` has become the shell.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Takes down what is written, and answers as a terminal does.
fn watch(mut terminal: File, screen: &Screen) {
    let mut buffer = [0; 4096];
    // Ends with an error when nobody has the terminal open any more.
    while let Ok(count @ 1..) = terminal.read(&mut buffer) {
        let asked = buffer[..count]
            .windows(WHERE.len())
            .filter(|place| *place == WHERE);
        for _ in asked {
            let _ = terminal.write_all(HERE);
        }
        let mut text = screen.text.lock().expect("the screen");
        text.extend_from_slice(&buffer[..count]);
        screen.changed.notify_all();
    }
}

/// The two ends of a new terminal: the one that sees what programs write, and the programs' own.
fn open_terminal() -> (OwnedFd, OwnedFd) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("the right to it");
    unlockpt(&terminal).expect("the right to it");
    let name = ptsname(&terminal, Vec::new()).expect("its name");
    let end = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().expect("a name"));
    (terminal, end.expect("its other end").into())
}

#[test]
fn keys_candidates_and_the_terminal() {
    in_every_version(PLUGIN, |shell| {
        let mut session = Session::new(shell);
        // Nushell asks plugins for candidates since 0.109.
        if shell.minor >= 109 {
            session.type_keys("showcase pick \t");
            session.expect("giraffe");
            session.type_keys("\x03");
            session.expect(READY);
        }
        // None is shown as a table: Nushell's own spins for ever at a stream that ends before its first item.
        for endless in [
            "showcase numbers --wait 1ms | math sum",
            "showcase numbers --wait 1hr | showcase sum",
            "1.. | showcase sum",
            "1.. | each {|x| $x} | showcase sum",
            "showcase eval {|| loop { sleep 1ms }}",
            "1..3 | showcase each {|x| loop { sleep 1ms }} | math sum",
        ] {
            session.type_keys(&format!("print ('begun' | str upcase); {endless}\r"));
            session.expect("BEGUN");
            session.type_keys("\x03");
            session.expect(READY);
        }
        session.type_keys("showcase numbers 2 | to nuon\r");
        session.expect("[0, 1]");
        session.expect(READY);
        session.type_keys("showcase engine foreground | str upcase\r");
        session.expect("HAD THE TERMINAL");
        session.expect(READY);
        session.type_keys("showcase numbers 3 | to nuon\r");
        session.expect("[0, 1, 2]");
    });
}
