//! A trace as one JSON document.

use std::io::{self, Write};
use std::time::Duration;

use pegboard_host::protocol::codec::Sender;
use pegboard_host::protocol::nu::StreamKind;
use pegboard_host::trace::{EntryKind, Part};
use serde_json::{Value as Json, json};

use super::message::words;
use super::view::View;
use crate::listing::escaped;

/// Messages are written as they are in the trace: what passes through a tree of JSON may come out changed.
pub(super) fn write(view: &View, mut out: impl Write) -> io::Result<()> {
    let began = view.text.trace.began;
    write!(out, "{{\"format\":1,\"began\":{began},")?;
    list(&mut out, "calls", calls(view))?;
    list(&mut out, "streams", streams(view))?;
    let messages = view.entries.iter().map(|entry| message(view, *entry));
    list(&mut out, "messages", messages)?;
    let unreadable = view.text.unreadable.iter();
    let unreadable: Vec<Json> = unreadable
        .map(|error| json!({ "line": error.line, "message": error.message }))
        .collect();
    writeln!(out, "\"unreadable\":{}}}", Json::from(unreadable))?;
    out.flush()
}

fn list(out: &mut impl Write, name: &str, items: impl Iterator<Item = String>) -> io::Result<()> {
    write!(out, "\"{name}\":[")?;
    for (index, item) in items.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(out, "{comma}\n{}", escaped(&item))?;
    }
    writeln!(out, "],")
}

/// The calls that are shown, and their engine calls. They are known by the line of their question.
fn calls(view: &View) -> impl Iterator<Item = String> {
    let shown = (0..view.outline.calls.len()).filter(|call| is_shown(view, Part::Call(*call)));
    shown.map(|place| {
        let call = &view.outline.calls[place];
        let entry = &view.text.trace.entries[call.asks];
        let within = call
            .within
            .map(|outer| line(view, view.outline.calls[outer].asks));
        let streams = view.streams(place).iter();
        let streams: Vec<usize> = streams
            .map(|stream| line(view, view.outline.streams[*stream].announced))
            .collect();
        json!({
            "line": line(view, call.asks),
            "plugin": entry.plugin,
            "instance": entry.instance,
            "from": side(call.from),
            "id": call.id,
            "name": call.name,
            "within": within,
            "began": call.began.as_secs_f64(),
            "answered": seconds(call.answered),
            "answer": call.answers.map(|answer| line(view, answer)),
            "error": call.error,
            "over": call.last.as_secs_f64(),
            "streams": streams,
        })
        .to_string()
    })
}

fn streams(view: &View) -> impl Iterator<Item = String> {
    let all = view.outline.streams.iter().enumerate();
    let shown = all.filter(|(place, _)| is_shown(view, Part::Stream(*place)));
    shown.map(|(_, stream)| {
        json!({
            "line": line(view, stream.announced),
            "call": line(view, view.outline.calls[stream.call].asks),
            "from": side(stream.from),
            "id": stream.id,
            "role": if stream.is_input(&view.outline) { "input" } else { "output" },
            "kind": match stream.kind { StreamKind::List => "list", StreamKind::Raw => "bytes" },
            "began": stream.began.as_secs_f64(),
            "first": seconds(stream.first),
            "ended": seconds(stream.ended),
            "dropped": seconds(stream.dropped),
            "items": stream.items,
            "bytes": stream.bytes,
            "held": stream.held.as_secs_f64(),
        })
        .to_string()
    })
}

fn is_shown(view: &View, part: Part) -> bool {
    let root = view.outline.root(part);
    root.is_some_and(|root| view.calls.binary_search(&root).is_ok())
}

fn message(view: &View, index: usize) -> String {
    let entry = &view.text.trace.entries[index];
    let mut fields = json!({
        "line": line(view, index),
        "t": entry.time.as_secs_f64(),
        "plugin": entry.plugin,
        "instance": entry.instance,
    });
    match view.outline.parts[index] {
        Part::Call(call) => fields["call"] = line(view, view.outline.calls[call].asks).into(),
        Part::Stream(stream) => {
            fields["stream"] = line(view, view.outline.streams[stream].announced).into();
        }
        Part::None => {}
    }
    match &entry.kind {
        EntryKind::Note { note, details } => {
            fields["note"] = note.as_str().into();
            fields["details"] = details.clone();
            fields.to_string()
        }
        EntryKind::Octa {
            from, name, text, ..
        } => {
            fields["from"] = side(*from).into();
            fields["name"] = name.as_str().into();
            let mut line = fields.to_string();
            line.pop();
            line + &format!(",\"octa\":{text}}}")
        }
        EntryKind::Message {
            from,
            message,
            text,
        } => {
            fields["from"] = side(*from).into();
            fields["name"] = words(message, text).name.into();
            let mut line = fields.to_string();
            line.pop();
            if text.starts_with(['{', '"']) {
                line + &format!(",\"message\":{text}}}")
            } else {
                line + &format!(",\"msgpack\":\"{text}\"}}")
            }
        }
    }
}

fn side(sender: Sender) -> &'static str {
    match sender {
        Sender::Engine => "engine",
        Sender::Plugin => "plugin",
    }
}

fn seconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| time.as_secs_f64())
}

/// The line of the trace that an entry stands in.
fn line(view: &View, entry: usize) -> usize {
    view.text.lines[entry]
}
