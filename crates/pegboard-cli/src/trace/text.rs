//! A trace as a sequence of lines, with what each call took.

use std::io::{self, Write};
use std::time::Duration;

use pegboard_host::ReportStyle;
use pegboard_host::protocol::codec::Sender;
use pegboard_host::protocol::nu::Message;
use pegboard_host::trace::{EntryKind, Part, TracedCall, TracedStream};

use super::message::{Words, octa_words, words};
use super::view::View;

pub(super) fn write(view: &View, width: usize, mut out: impl Write) -> io::Result<()> {
    let count = view.entries.len();
    let entries = if count == 1 { "entry" } else { "entries" };
    let of_all = if view.is_whole {
        String::new()
    } else {
        format!(" of {}", view.text.trace.entries.len())
    };
    let began = view.began();
    writeln!(out, "recorded {began}, {count}{of_all} {entries}")?;
    let names = view.entries.iter();
    let names = names.map(|entry| view.names[*entry].chars().count()).max();
    for entry in &view.entries {
        let line = line(view, *entry, names.unwrap_or(0));
        writeln!(out, "{}", cut(&line, width))?;
    }
    if !view.calls.is_empty() {
        writeln!(out, "\ncalls")?;
    }
    summaries(view, &view.calls, &mut |line| {
        writeln!(out, "{}", cut(&line, width))
    })?;
    out.flush()
}

/// What calls took, with what belongs to each below it, line by line.
pub(super) fn summaries(
    view: &View,
    calls: &[usize],
    out: &mut impl FnMut(String) -> io::Result<()>,
) -> io::Result<()> {
    calls
        .iter()
        .try_for_each(|call| summary(view, *call, 1, out))
}

fn line(view: &View, index: usize, names: usize) -> String {
    let entry = &view.text.trace.entries[index];
    let time = entry.time.as_secs_f64();
    let start = format!("{time:12.6}  {:names$}", view.names[index]);
    match &entry.kind {
        EntryKind::Note { note, details } => format!("{start} -- {note} {details}"),
        EntryKind::Octa {
            from,
            name,
            execution,
            text,
        } => {
            let Words { name, content } = octa_words(name, execution.as_deref(), text);
            let space = if content.is_empty() { "" } else { " " };
            format!("{start} {} {name}{space}{content}", arrow(*from))
        }
        EntryKind::Message {
            from,
            message,
            text,
        } => {
            let arrow = arrow(*from);
            let remark = remark(view, index, message);
            let Words { name, content } = words(message, text);
            let space = if content.is_empty() { "" } else { " " };
            format!("{start} {arrow} {name}{remark}{space}{content}")
        }
    }
}

pub(super) fn arrow(from: Sender) -> &'static str {
    match from {
        Sender::Engine => "->",
        Sender::Plugin => "<-",
    }
}

/// What is to be said about how a message goes with earlier ones.
fn remark(view: &View, index: usize, message: &Message) -> String {
    match view.outline.parts[index] {
        Part::Call(call) => {
            let call = &view.outline.calls[call];
            match call.answered {
                Some(at) if call.answers == Some(index) => {
                    format!(" (after {})", short(at.saturating_sub(call.began)))
                }
                _ => String::new(),
            }
        }
        Part::Stream(stream) if matches!(message, Message::End(_)) => {
            let stream = &view.outline.streams[stream];
            format!(" ({})", items(stream))
        }
        Part::Stream(_) | Part::None => String::new(),
    }
}

/// What a call took, and below it what its streams and engine calls took.
fn summary(
    view: &View,
    place: usize,
    depth: usize,
    out: &mut impl FnMut(String) -> io::Result<()>,
) -> io::Result<()> {
    let call = &view.outline.calls[place];
    let indent = "  ".repeat(depth);
    let whose = match call.within {
        None => format!("{} call", view.names[call.asks]),
        Some(_) => "engine call".to_owned(),
    };
    let CallTimes { answered, over } = CallTimes::of(view, place);
    out(format!(
        "{indent}{whose} {} {}: {answered}{over}",
        call.id, call.name
    ))?;
    for stream in view.streams(place) {
        let stream = &view.outline.streams[*stream];
        let role = if stream.is_input(&view.outline) {
            "input"
        } else {
            "output"
        };
        let took = stream_took(stream);
        out(format!(
            "{indent}  {role}, stream {} from {}: {took}",
            stream.id,
            side(stream.from)
        ))?;
    }
    for engine_call in view.engine_calls(place) {
        summary(view, *engine_call, depth + 1, out)?;
    }
    Ok(())
}

/// How long the asking side waited for the answer, and how long it took until nothing more came.
pub(super) struct CallTimes {
    pub(super) answered: String,
    pub(super) over: String,
}

impl CallTimes {
    pub(super) fn of(view: &View, place: usize) -> CallTimes {
        let call = &view.outline.calls[place];
        let answered = match (call.answered, &call.error) {
            (None, _) => format!(
                "no answer, begun at {:.6}",
                view.outline.calls[place].began.as_secs_f64()
            ),
            (Some(at), error) => {
                let what = match error {
                    Some(error) => format!(" for the error `{error}`"),
                    None => " for the answer".to_owned(),
                };
                let waited = short(at.saturating_sub(call.began));
                format!("{} waited {waited}{what}", side(call.from))
            }
        };
        let over = match over(view, place, call) {
            Some(at) => format!("; over after {}", short(at.saturating_sub(call.began))),
            None => String::new(),
        };
        CallTimes { answered, over }
    }
}

/// When the last stream of a call ended, if that was after its answer.
fn over(view: &View, place: usize, call: &TracedCall) -> Option<Duration> {
    let streams = view.streams(place).iter();
    let ends = streams.map(|stream| view.outline.streams[*stream].last);
    ends.max().filter(|end| Some(*end) > call.answered)
}

/// How much came, how fast, and who held it up.
pub(super) fn stream_took(stream: &TracedStream) -> String {
    let mut took = format!("{}, {}", items(stream), size(stream.bytes));
    let after = |at: Duration| short(at.saturating_sub(stream.began));
    if let Some(first) = stream.first {
        took.push_str(&format!(", the first after {}", after(first)));
    }
    match (stream.ended, stream.dropped) {
        (Some(end), _) => took.push_str(&format!(", ended after {}", after(end))),
        (None, _) => took.push_str(", never ended"),
    }
    let consumer = match stream.from {
        Sender::Engine => Sender::Plugin,
        Sender::Plugin => Sender::Engine,
    };
    if let Some(dropped) = stream.dropped {
        let side = side(consumer);
        took.push_str(&format!("; {side} wanted no more after {}", after(dropped)));
    }
    if !stream.held.is_zero() {
        let held = short(stream.held);
        took.push_str(&format!(
            "; {} waited {held} for {}",
            side(stream.from),
            side(consumer)
        ));
    }
    took
}

pub(super) fn side(sender: Sender) -> &'static str {
    match sender {
        Sender::Engine => "the engine",
        Sender::Plugin => "the plugin",
    }
}

fn items(stream: &TracedStream) -> String {
    let count = stream.items;
    format!("{count} item{}", if count == 1 { "" } else { "s" })
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A duration with three digits.
pub(super) fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds >= 1.0 => format!("{seconds:.2} s"),
        _ if seconds >= 0.001 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{:.0} us", seconds * 1e6),
    }
}

/// A line without what a terminal would act on, of at most so many characters.
fn cut(line: &str, width: usize) -> String {
    let line = ReportStyle::harmless(line).replace('\n', "\u{240a}");
    let clean = line.chars();
    let mut short: String = clean.clone().take(width).collect();
    if line.chars().nth(width).is_some() {
        short = clean
            .take(width.saturating_sub(3))
            .chain("...".chars())
            .collect();
    }
    short.truncate(short.trim_end().len());
    short
}
