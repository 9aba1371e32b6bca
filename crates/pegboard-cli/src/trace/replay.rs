//! `pegboard trace replay`: one side of a recorded conversation, played to a real program.

use std::time::{Duration, Instant};

use pegboard_host::protocol::codec::{self, Encoding, Sender};
use pegboard_host::protocol::nu::{Dialect, Message};
use pegboard_host::trace::{EntryKind, Mismatch, PlaySettings, Played, Said, Spoken};
use pegboard_host::{Link, RawProcess, ReportStyle};

use super::chosen::Chosen;
use super::file::TraceText;
use super::message::{Words, octa_words, words};
use super::options::ReplayOptions;
use super::text::arrow;
use crate::exit::{Exit, Failure, print_error, write_out};
use crate::run::engine;

/// How long a program that has closed its side may take to end, so that its exit code can be told.
const LAST: Duration = Duration::from_secs(2);
/// More of a message is not shown.
const SHOWN: usize = 2000;

pub(super) fn replay(options: &ReplayOptions) -> Result<Exit, Failure> {
    let text = TraceText::read(&options.file)?;
    if let Some(error) = text.unreadable.first() {
        let file = options.file.display();
        return Err(Failure::misuse(format!("{file}, {error}")));
    }
    let chosen = Chosen::of(&text, options.of.as_deref())?;
    if let Some(path) = &options.make_plugin {
        return super::program::write(path, options);
    }
    let settings = PlaySettings {
        patience: options.timeout,
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        any_version: options.any_version,
        version_wait: (options.plugin.is_some() || !started_by_pegboard()).then_some(VERSION_WAIT),
    };
    let (side, played, end) = match &options.plugin {
        Some(path) => {
            let engine = engine(None)?;
            let plugin = engine.load(path)?;
            let mut process = plugin.start_raw(chosen.start())?;
            let link = process
                .connect(Instant::now() + options.timeout)
                .map_err(|error| Failure::misuse(format!("the plugin has no link: {error}")))?;
            let played = chosen.play(&text, Sender::Engine, link, &settings);
            let end = last_words(&mut process, &played);
            drop(process);
            engine.shutdown();
            (Sender::Engine, played, end)
        }
        None => {
            let link = match &chosen {
                Chosen::Nushell(_) => own_link()?,
                Chosen::Octa(_) => socket_link(options)?,
            };
            let played = chosen.play(&text, Sender::Plugin, link, &settings);
            (Sender::Plugin, played, None)
        }
    };
    let told = told(&text, &played, side, end.as_deref());
    if let Some(path) = &options.report {
        std::fs::write(path, &told).map_err(|error| {
            Failure::unwritten(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    let differs = played.difference.is_some();
    // Standard output of a plugin is the engine's to read.
    let exit = if side == Sender::Plugin {
        print_error(&told);
        Exit::Done
    } else {
        write_out(&told)
    };
    Ok(if differs { Exit::Failed } else { exit })
}

/// How long a program may take to say its version first. Real ones do so at once, when the machine has time for them.
const VERSION_WAIT: Duration = Duration::from_secs(2);

/// A Pegboard engine waits for the plugin to speak first. Its mark begins with its process id.
#[cfg(unix)]
fn started_by_pegboard() -> bool {
    let mark = std::env::var("PEGBOARD_INSTANCE").unwrap_or_default();
    let engine = mark.split('.').next().and_then(|id| id.parse().ok());
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_pid());
    engine.is_some() && engine == parent
}

#[cfg(not(unix))]
fn started_by_pegboard() -> bool {
    false
}

#[cfg(unix)]
fn own_link() -> Result<Link, Failure> {
    Link::stdio()
        .map_err(|error| Failure::misuse(format!("standard input and output are no link: {error}")))
}

#[cfg(not(unix))]
fn own_link() -> Result<Link, Failure> {
    Err(Failure::misuse("playing a plugin needs Unix"))
}

/// The link to the host of Octa's that connects to the socket that it has named.
#[cfg(unix)]
fn socket_link(options: &ReplayOptions) -> Result<Link, Failure> {
    let path = options.socket_path.as_ref().ok_or_else(|| {
        Failure::misuse("the plugin of the recording is one of Octa's, which are started with `--socket-path PATH`")
    })?;
    pegboard_host::SocketListener::bind(path)
        .and_then(|listener| listener.accept(Instant::now() + options.timeout))
        .map_err(|error| {
            Failure::misuse(format!(
                "no host has connected to {}: {error}",
                path.display()
            ))
        })
}

#[cfg(not(unix))]
fn socket_link(_: &ReplayOptions) -> Result<Link, Failure> {
    own_link()
}

/// How the plugin ended, where that may explain the difference.
fn last_words(process: &mut RawProcess, played: &Played) -> Option<String> {
    let difference = played.difference.as_ref()?;
    if !difference.is_gone {
        return None;
    }
    let end = process.wait(Instant::now() + LAST)?;
    Some(format!("the plugin ended with {}", end.words))
}

/// The outcome, for people.
fn told(text: &TraceText, played: &Played, side: Sender, end: Option<&str>) -> String {
    let whose = match side {
        Sender::Engine => "plugin",
        Sender::Plugin => "engine",
    };
    let count = |count: usize| format!("{count} message{}", if count == 1 { "" } else { "s" });
    let mut told = match &played.difference {
        None => format!(
            "same: the {whose} has said again what was recorded ({}; {} said to it)\n",
            count(played.heard),
            count(played.said)
        ),
        Some(difference) => {
            let place = match difference.entry {
                Some(entry) => format!("line {} of the trace", text.lines[entry]),
                None => "behind the end of the trace".to_owned(),
            };
            format!(
                "different: {place}: {}\n{}{}",
                ReportStyle::harmless(&difference.what),
                line("recorded", text, difference),
                now(difference, side),
            )
        }
    };
    if let Some(end) = end {
        told.push_str(&format!("  {end}\n"));
    }
    if played.filled + played.hidden > 0 {
        told.push_str(&format!(
            "note: the recording has no values of environment variables: {} taken from this environment, {} said as \
             `[redacted]`\n",
            played.filled, played.hidden
        ));
    }
    told
}

fn line(title: &str, text: &TraceText, difference: &Mismatch) -> String {
    let entry = difference
        .entry
        .map(|entry| &text.trace.entries[entry].kind);
    match (entry, &difference.recorded) {
        (
            Some(EntryKind::Message {
                from,
                message,
                text,
            }),
            Some(_),
        ) => shown(title, *from, words(message, text)),
        (
            Some(EntryKind::Octa {
                from,
                name,
                execution,
                text,
            }),
            Some(_),
        ) => shown(title, *from, octa_words(name, execution.as_deref(), text)),
        _ => format!("  {title:9} nothing more\n"),
    }
}

fn now(difference: &Mismatch, side: Sender) -> String {
    let from = match side {
        Sender::Engine => Sender::Plugin,
        Sender::Plugin => Sender::Engine,
    };
    match &difference.now {
        None => "  now       nothing\n".to_owned(),
        Some(Spoken::Nushell(message)) => {
            shown("now", from, words(message, &text_of(message, from)))
        }
        Some(Spoken::Octa(said)) => shown("now", from, words_of(said)),
    }
}

fn text_of(message: &Message, from: Sender) -> String {
    let mut bytes = Vec::new();
    let encoded = codec::encode(message, from, Encoding::Json, Dialect::NEWEST, &mut bytes);
    match encoded {
        Ok(()) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(_) => String::new(),
    }
}

fn words_of(said: &Said) -> Words {
    octa_words(&said.name(), said.execution(), &said.text())
}

fn shown(title: &str, from: Sender, words: Words) -> String {
    let Words { name, content } = words;
    let line = format!("{} {name} {content}", arrow(from)).replace('\n', "\u{240a}");
    let line = ReportStyle::harmless(&line);
    let cut: String = line.chars().take(SHOWN).collect();
    let more = if cut.len() < line.len() { "..." } else { "" };
    format!("  {title:9} {}{more}\n", cut.trim_end())
}
