//! In a real terminal: completion while typing, Ctrl-C, and the terminal for the plugin.

use pegboard_testkit::terminal::{self, Terminal};

use super::PLUGIN;
use super::shell::{Shell, in_every_version};

/// What the shell writes when it begins to read a line.
const READY: &str = "\x1b[?2004h";

/// A shell in a terminal of its own, which waits for a line.
fn open(shell: &Shell) -> Terminal {
    let plugins = format!("[{PLUGIN:?}]");
    let mut command = terminal::command(shell.program());
    command.args(["-n", "--no-std-lib", "--plugins", &plugins]);
    let mut command = shell.at_home(command);
    command.env("TERM", "xterm");
    let mut terminal = Terminal::start(command, 80);
    terminal.expect(READY);
    terminal
}

#[test]
fn keys_candidates_and_the_terminal() {
    in_every_version(PLUGIN, |shell| {
        println!("Nushell 0.{}", shell.minor);
        let mut session = open(shell);
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
