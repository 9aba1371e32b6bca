//! `pegboard trace show`: a recorded conversation as a readable sequence.

mod message;

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use pegboard_host::ReportStyle;
use pegboard_host::protocol::codec::Sender;
use pegboard_host::trace::{Entry, EntryKind, Trace, TraceError};

use crate::exit::{Exit, Failure, print_error, written};
use crate::options::ShowOptions;
use crate::terminal;
use message::{Part, Subject};

/// Lines are cut here when they do not go to a terminal.
const WIDTH: usize = 160;
/// A file with more unreadable lines than this is no trace.
const BAD_LINES: usize = 16;

pub(crate) fn show(options: &ShowOptions) -> Result<Exit, Failure> {
    let file = options.file.display();
    let bytes = std::fs::read(&options.file)
        .map_err(|error| Failure::misuse(format!("{file} cannot be read: {error}")))?;
    let text = String::from_utf8_lossy(&bytes);
    let (mut trace, unreadable) =
        parse(&text).map_err(|error| Failure::misuse(format!("{file}, {error}")))?;
    tell_apart(&mut trace);
    let stdout = io::stdout().lock();
    let width = if stdout.is_terminal() {
        terminal::output_width().max(60)
    } else {
        WIDTH
    };
    let exit = written(write(&trace, width, io::BufWriter::new(stdout)));
    for error in &unreadable {
        print_error(&format!("error: {file}, {error}\n"));
    }
    match unreadable.as_slice() {
        [_, ..] if exit == Exit::Done => Ok(Exit::Misused),
        _ => Ok(exit),
    }
}

/// A trace without the lines that cannot be read, and what is wrong with those.
fn parse(text: &str) -> Result<(Trace, Vec<TraceError>), TraceError> {
    let mut unreadable: Vec<TraceError> = Vec::new();
    loop {
        let is_bad = |index: usize| unreadable.iter().any(|error| error.line == index + 1);
        let lines = text.split_inclusive('\n').enumerate();
        let good: String = lines
            .map(|(index, line)| if is_bad(index) { "\n" } else { line })
            .collect();
        match Trace::parse(&good) {
            Ok(trace) => return Ok((trace, unreadable)),
            Err(error) if error.line == 1 || unreadable.len() == BAD_LINES => return Err(error),
            Err(error) => unreadable.push(error),
        }
    }
}

/// Adds its number to the name of each process, where a plugin has run as more than one.
fn tell_apart(trace: &mut Trace) {
    let mut instances: HashMap<String, HashSet<u64>> = HashMap::new();
    for entry in &trace.entries {
        if let Some(instance) = entry.instance {
            let known = instances.entry(entry.plugin.clone()).or_default();
            known.insert(instance);
        }
    }
    for entry in &mut trace.entries {
        let count = instances.get(&entry.plugin).map_or(0, HashSet::len);
        if let (Some(instance), 2..) = (entry.instance, count) {
            entry.plugin = format!("{}#{instance}", entry.plugin);
        }
    }
}

fn write(trace: &Trace, width: usize, mut out: impl Write) -> io::Result<()> {
    let began = i64::try_from(trace.began)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis);
    let began = began.map_or_else(
        || "at a time that is not known".to_owned(),
        |began| began.to_rfc3339(),
    );
    let count = trace.entries.len();
    let entries = if count == 1 { "entry" } else { "entries" };
    writeln!(out, "recorded {began}, {count} {entries}")?;
    let names = trace
        .entries
        .iter()
        .map(|entry| entry.plugin.chars().count())
        .max()
        .unwrap_or(0);
    let mut open = Open::default();
    for entry in &trace.entries {
        let line = line(entry, names, &mut open);
        writeln!(out, "{}", cut(&line, width))?;
    }
    for line in open.unfinished() {
        writeln!(out, "{}", cut(&line, width))?;
    }
    out.flush()
}

fn line(entry: &Entry, names: usize, open: &mut Open) -> String {
    let time = entry.time.as_secs_f64();
    let start = format!("{time:12.6}  {:names$}", entry.plugin);
    match &entry.kind {
        EntryKind::Note { note, details } => format!("{start} -- {note} {details}"),
        EntryKind::Message {
            from,
            message,
            text,
        } => {
            let arrow = match from {
                Sender::Engine => "->",
                Sender::Plugin => "<-",
            };
            let part = message::part(message, text);
            let remark = open.follow(entry, *from, &part);
            let Part { name, content, .. } = part;
            format!(
                "{start} {arrow} {name}{remark}{}{content}",
                if content.is_empty() { "" } else { " " }
            )
        }
    }
}

/// What has begun and not ended, by plugin.
#[derive(Default)]
struct Open {
    calls: HashMap<(String, Subject), (Duration, String)>,
    streams: HashMap<(String, Subject), u64>,
}

impl Open {
    /// What is to be said about how a message goes with earlier ones.
    fn follow(&mut self, entry: &Entry, from: Sender, part: &Part) -> String {
        let Some(subject) = part.subject else {
            return String::new();
        };
        let subject = subject.of(from);
        let key = (entry.plugin.clone(), subject);
        match subject {
            Subject::CallBegins(id) => {
                self.calls.insert(
                    (key.0, Subject::CallEnds(id)),
                    (entry.time, part.name.clone()),
                );
                String::new()
            }
            Subject::EngineCallBegins(id) => {
                self.calls.insert(
                    (key.0, Subject::EngineCallEnds(id)),
                    (entry.time, part.name.clone()),
                );
                String::new()
            }
            Subject::CallEnds(_) | Subject::EngineCallEnds(_) => match self.calls.remove(&key) {
                Some((began, _)) => format!(" (after {})", short(entry.time.saturating_sub(began))),
                None => String::new(),
            },
            Subject::Item(id, by_engine) => {
                *self
                    .streams
                    .entry((key.0, Subject::StreamEnds(id, by_engine)))
                    .or_default() += 1;
                String::new()
            }
            Subject::StreamEnds(..) => {
                let count = self.streams.remove(&key).unwrap_or(0);
                format!(" ({count} item{})", if count == 1 { "" } else { "s" })
            }
        }
    }

    /// Calls that got no answer.
    fn unfinished(self) -> Vec<String> {
        let mut left: Vec<_> = self
            .calls
            .into_iter()
            .map(|((plugin, _), (time, name))| (time, plugin, name))
            .collect();
        left.sort();
        left.into_iter()
            .map(|(time, plugin, name)| {
                format!(
                    "no answer: {plugin} {name}, begun at {:.6}",
                    time.as_secs_f64()
                )
            })
            .collect()
    }
}

/// A duration with three digits.
fn short(time: Duration) -> String {
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
