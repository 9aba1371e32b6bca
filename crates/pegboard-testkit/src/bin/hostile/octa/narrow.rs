//! The family of modes that understand less than they have to.

use std::io::BufRead;

use pegboard_testkit::hostile::octa::Mode;
use serde_json::Value;

use super::die;

/// The longest line for `small-reader`, in bytes.
const LENGTH: usize = 64 << 10;
/// What `half-lines` has of a line at once is a half if it is no longer than this, in bytes.
const HALF: usize = 1 << 10;
/// What `strict-fields` knows of an Execute.
const KNOWN: [&str; 8] = [
    "id", "params", "command", "args", "dir", "envs", "vars", "dry",
];

/// Exits if what one read gives of the next line is a short piece of it.
pub(super) fn look_for_half_a_line(reader: &mut impl BufRead) {
    if let Ok(bytes) = reader.fill_buf()
        && (1..=HALF).contains(&bytes.len())
        && !bytes.contains(&b'\n')
    {
        die("exiting on half a line");
    }
}

/// Looks at a line before it is known whether it is a message.
pub(super) fn look_at_line(mode: Mode, line: &str) {
    match mode {
        Mode::StrictLineEnds if line.ends_with("\r\n") => die("exiting on a carriage return"),
        Mode::SmallReader if line.len() > LENGTH => die("exiting on a long line"),
        Mode::DiesOfBadLines if serde_json::from_str::<Value>(line).is_err() => {
            die("exiting on a line that is no message")
        }
        _ => {}
    }
}

/// Looks at a message behind the greeting; `more` has come with it.
pub(super) fn look_at_message(mode: Mode, message: &Value, more: bool) {
    let kind = message["type"].as_str().unwrap_or_default();
    match mode {
        Mode::OneAtATime if more => die("exiting on two messages at once"),
        Mode::StrictFields if kind == "Execute" && has_unknown_fields(message) => {
            die("exiting on an unknown field")
        }
        Mode::DiesOfUnknown if !["Hello", "Schema", "Execute", "Shutdown"].contains(&kind) => {
            die("exiting on an unknown message")
        }
        Mode::DiesOfSecondHello if kind == "Hello" => die("exiting on a second Hello"),
        _ => {}
    }
}

fn has_unknown_fields(execute: &Value) -> bool {
    let fields = execute["payload"].as_object();
    fields.is_some_and(|fields| fields.keys().any(|name| !KNOWN.contains(&name.as_str())))
}
