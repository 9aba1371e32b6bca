//! `pegboard doctor`: whether everything that plugins need is there, and what to do about what is not.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use pegboard_host::manifest::index::Plugin as Listed;
use pegboard_host::protocol::nu::PluginSignature;
use pegboard_host::store::{Freshness, Snapshot, Store, may_run, signatures_as_json};
use pegboard_host::{Engine, ReportStyle};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure, write_out};
use crate::listing::escaped;
use crate::options::DoctorOptions;
use crate::remove::unknown;
use crate::run::engine;
use crate::terminal::Progress;
use crate::{installed, terminal};

/// How long clearing away what killed engines have left may take.
const SWEEP: Duration = Duration::from_secs(1);

/// What was looked at, and what came of it.
struct Finding {
    subject: String,
    state: State,
    what: String,
    /// What to do about it.
    advice: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    /// It works, but perhaps not as expected.
    Odd,
    Wrong,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Fine => "ok",
            State::Odd => "warning",
            State::Wrong => "problem",
        }
    }
}

impl Finding {
    fn new(subject: &str, state: State, what: impl Into<String>) -> Finding {
        Finding {
            subject: subject.to_owned(),
            state,
            what: what.into(),
            advice: None,
        }
    }

    fn advice(mut self, advice: impl Into<String>) -> Finding {
        self.advice = Some(advice.into());
        self
    }
}

pub(crate) fn doctor(options: &DoctorOptions) -> Result<Exit, Failure> {
    let store = installed::store()?;
    let snapshot = store.read()?;
    for name in &options.names {
        if snapshot.index().plugin(name).is_none() {
            return Err(unknown(&store, name)?);
        }
    }
    let mut findings = vec![of_store(&store, &snapshot)];
    findings.extend(of_entries(&store, &snapshot));
    let engine = engine(None)?;
    findings.push(of_sockets(&engine));
    let wanted =
        |plugin: &str| options.names.is_empty() || options.names.iter().any(|name| name == plugin);
    findings.extend(of_names(&snapshot, wanted));
    let plugins = snapshot.index().plugins();
    let plugins: Vec<Listed<'_>> = plugins.filter(|it| wanted(it.name())).collect();
    let mut progress = Progress::new("asking", plugins.len());
    for plugin in plugins {
        progress.next(plugin.name());
        findings.push(of_plugin(&engine, &store, &snapshot, plugin, options));
    }
    progress.clear();
    let text = match options.json {
        true => escaped(&format!("{:#}\n", json!(as_json(&findings)))),
        false => as_text(&findings),
    };
    let written = write_out(&text);
    let wrong = findings.iter().any(|it| it.state == State::Wrong);
    Ok(match written {
        Exit::Done if wrong => Exit::Failed,
        other => other,
    })
}

fn of_store(store: &Store, snapshot: &Snapshot) -> Finding {
    let (plugins, commands) = (
        snapshot.index().plugins().len(),
        snapshot.index().commands().len(),
    );
    let place = store.directory().display();
    let what = format!(
        "{} with {} in {place}",
        plural(plugins, "plugin"),
        plural(commands, "command")
    );
    let finding = Finding::new("store", State::Fine, what);
    match snapshot.rebuilt() {
        None => finding,
        Some(rebuilt) => Finding {
            state: match rebuilt.unwritten() {
                Some(_) => State::Wrong,
                None => State::Odd,
            },
            what: format!("{}; {rebuilt}", finding.what),
            advice: rebuilt
                .unwritten()
                .map(|_| format!("make {place} writable for you")),
            ..finding
        },
    }
}

/// Entries that cannot be read.
fn of_entries(store: &Store, snapshot: &Snapshot) -> Vec<Finding> {
    let problems = snapshot.index().problems();
    problems
        .map(|problem| {
            let place = store.directory().join("plugins").join(problem.file);
            let what = format!("{} cannot be used: {}", place.display(), problem.what);
            let name = problem.file.trim_end_matches(".json");
            Finding::new("store", State::Wrong, what).advice(format!(
                "`pegboard add` the plugin again, or `pegboard remove {name}`"
            ))
        })
        .collect()
}

/// Where local sockets are made.
fn of_sockets(engine: &Engine) -> Finding {
    let directory = pegboard_host::Config::new("/", std::env::vars_os()).runtime_directory;
    let place = directory.display();
    let probe = directory.join(format!("pegboard-doctor-{}", std::process::id()));
    match fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)) {
        Ok(()) => {
            let left = pegboard_host::remove_stale_sockets(&directory, SWEEP).len();
            let left = match left {
                0 => String::new(),
                1 => "; removed what an engine that was killed had left there".to_owned(),
                more => format!("; removed what {more} engines that were killed had left there"),
            };
            let what = format!("made in {place}{left}");
            if engine.has_room_for_sockets() {
                return Finding::new("sockets", State::Fine, what);
            }
            let what = format!("{what}; the path is too long for plugins of Octa's");
            Finding::new("sockets", State::Odd, what)
                .advice("set XDG_RUNTIME_DIR to a directory with a shorter path")
        }
        Err(error) => Finding::new(
            "sockets",
            State::Odd,
            format!("none can be made in {place}: {error}; plugins use their standard streams"),
        )
        .advice("set XDG_RUNTIME_DIR to a directory of yours"),
    }
}

/// Commands that several plugins have, by those plugins.
fn of_names(snapshot: &Snapshot, wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for command in snapshot.index().commands() {
        let plugins = owners.entry(command.name()).or_default();
        plugins.push(command.plugin().name());
    }
    let mut shared: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for (name, plugins) in owners {
        if plugins.len() > 1 && plugins.iter().any(|plugin| wanted(plugin)) {
            shared.entry(plugins).or_default().push(name);
        }
    }
    let finding = |(plugins, names): (Vec<&str>, Vec<&str>)| {
        let (first, second) = (plugins[0], plugins[1]);
        let shown: Vec<String> = names
            .iter()
            .take(3)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = match names.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let what = format!(
            "{} have the same commands: {}{more}",
            plugins.join(" and "),
            shown.join(", ")
        );
        Finding::new("commands", State::Odd, what).advice(format!(
            "those of {first} are run; for those of {second}, `pegboard run --plugin {second} {}`",
            names[0]
        ))
    };
    shared.into_iter().map(finding).collect()
}

fn of_plugin(
    engine: &Engine,
    store: &Store,
    snapshot: &Snapshot,
    listed: Listed<'_>,
    options: &DoctorOptions,
) -> Finding {
    let name = listed.name();
    let path = listed.path();
    match Freshness::of(path, listed.file()) {
        Freshness::Gone => {
            return Finding::new(name, State::Wrong, format!("its file is gone: {path}"))
                .advice(format!("put it back, or `pegboard remove {name}`"));
        }
        Freshness::Same | Freshness::Changed if options.unasked && !may_run(listed) => {
            return Finding::new(name, State::Wrong, format!("{path} may not be executed"))
                .advice("give the file the right to be executed (chmod +x)");
        }
        Freshness::Changed if options.unasked => {
            return Finding::new(name, State::Odd, "its file has changed since it was added")
                .advice(format!("`pegboard add {path}`; running it does that too"));
        }
        Freshness::Same if options.unasked => {
            return Finding::new(name, State::Fine, path);
        }
        Freshness::Same | Freshness::Changed => {}
    }
    let begin = Instant::now();
    let asked = installed::load_as_is(engine, store, listed).and_then(|plugin| {
        let signatures = plugin.signatures()?;
        let took = begin.elapsed();
        let status = plugin.status();
        plugin.stop();
        Ok((signatures, took, status, plugin.protocol()))
    });
    let (signatures, took, status, protocol) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let report = error.report(None, terminal::report_style());
            let what = report.trim_end().trim_start_matches("error: ").to_owned();
            return Finding::new(name, State::Wrong, what)
                .advice(format!("`pegboard test {path}` looks closer"));
        }
    };
    let known = snapshot.signatures(name).ok().flatten();
    let version = status.protocol_version.unwrap_or_default();
    let encoding = status.encoding.unwrap_or_default();
    let what = format!(
        "{} after {} ms; {protocol} {version}, {encoding}",
        plural(signatures.len(), "command"),
        took.as_millis()
    );
    if known.is_some_and(|known| are_same(&known, &signatures)) {
        return Finding::new(name, State::Fine, what);
    }
    let what = format!("{what}; not the commands that it had when it was added");
    Finding::new(name, State::Odd, what).advice(format!("`pegboard add {path}`"))
}

/// Compares what they are on the wire: not every value in an example is equal to itself.
fn are_same(a: &[PluginSignature], b: &[PluginSignature]) -> bool {
    let written = |signatures: &[PluginSignature]| {
        let mut sorted = signatures.to_vec();
        sorted.sort_by(|a, b| a.sig.name.cmp(&b.sig.name));
        signatures_as_json(&sorted).ok()
    };
    written(a) == written(b)
}

fn plural(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

fn as_json(findings: &[Finding]) -> Vec<Json> {
    findings
        .iter()
        .map(|finding| {
            json!({
                "subject": finding.subject,
                "state": finding.state.name(),
                "what": finding.what,
                "advice": finding.advice,
            })
        })
        .collect()
}

fn as_text(findings: &[Finding]) -> String {
    let widest = findings.iter().map(|it| it.subject.chars().count()).max();
    let width = widest.unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let indent = " ".repeat(8 + 2 + width + 2);
        let what = ReportStyle::harmless(&finding.what).replace('\n', &format!("\n{indent}"));
        let subject = ReportStyle::harmless(&finding.subject);
        text.push_str(&format!(
            "{:8}  {subject:width$}  {what}\n",
            finding.state.name()
        ));
        if let Some(advice) = &finding.advice {
            text.push_str(&format!("{indent}do: {}\n", ReportStyle::harmless(advice)));
        }
    }
    let count = |state| findings.iter().filter(|it| it.state == state).count();
    let (wrong, odd) = (count(State::Wrong), count(State::Odd));
    text.push_str(&format!(
        "{}, {}\n",
        plural(wrong, "problem"),
        plural(odd, "warning")
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_aligned_with_what_to_do_below() {
        let findings = [
            Finding::new("store", State::Fine, "2 plugins"),
            Finding::new("a", State::Wrong, "first\nsecond").advice("something"),
        ];
        assert_eq!(
            as_text(&findings),
            "ok        store  2 plugins\n\
             problem   a      first\n                 second\n                 do: something\n\
             1 problem, 0 warnings\n"
        );
    }
}
