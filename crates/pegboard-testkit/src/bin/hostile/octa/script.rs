//! The plugin as one that was recorded: it says again what that said, line by line, whenever its host comes that far.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process;

use crate::complain;

/// Listens, and plays the script of this file to whoever connects: `>` waits for a line, `< TEXT` says one, `<| TEXT` says
/// it without its end, `<x HEX` says bytes, `do close` ends. Other lines are not for it. Behind the last line it waits for
/// one more, and ends.
pub(super) fn play(path: &str, script: &str) -> ! {
    let script = told(fs::read_to_string(script));
    let listener = told(UnixListener::bind(path));
    let (mut stream, _) = told(listener.accept());
    let mut reader = BufReader::new(told(stream.try_clone()));
    for line in script.lines() {
        match line.split_once(' ') {
            Some((">", _)) => hear(&mut reader),
            Some(("<", text)) => say(&mut stream, format!("{text}\n").as_bytes()),
            Some(("<|", text)) => say(&mut stream, text.as_bytes()),
            Some(("<x", hex)) => say(&mut stream, &bytes(hex)),
            _ if line == "do close" => process::exit(0),
            _ => {}
        }
    }
    hear(&mut reader);
    process::exit(0)
}

/// Waits for a line. When there is nobody to say one, there is nothing more to do.
fn hear(reader: &mut BufReader<UnixStream>) {
    let mut line = String::new();
    if !matches!(reader.read_line(&mut line), Ok(1..)) {
        process::exit(0);
    }
}

/// A host that has gone hears nothing.
fn say(stream: &mut UnixStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    let bytes: Option<Vec<u8>> = digits.map(byte).collect();
    bytes.unwrap_or_else(|| complain(&format!("{hex} are no bytes")))
}

fn told<T>(result: std::io::Result<T>) -> T {
    result.unwrap_or_else(|error| complain(&error.to_string()))
}
