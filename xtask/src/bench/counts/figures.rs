//! The committed figures, and what new ones are against them.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::plan::Work;

/// What one end does for one unit of work.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// The key of the work.
    pub(super) work: String,
    pub(super) kind: Kind,
    pub(super) end: End,
    pub(super) number: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Instructions,
    SystemCalls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Host,
    Plugin,
}

impl Kind {
    pub(super) const ALL: [Kind; 2] = [Kind::Instructions, Kind::SystemCalls];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Instructions => "instructions",
            Kind::SystemCalls => "system calls",
        }
    }

    /// What a figure may differ by in any case: parts of a figure near zero say nothing.
    fn slack(self) -> f64 {
        match self {
            Kind::Instructions => 0.0,
            Kind::SystemCalls => 0.05,
        }
    }

    /// As they are shown and kept: no more digits than mean something.
    pub(super) fn rounded(self, number: f64) -> f64 {
        match self {
            Kind::Instructions if number >= 1000.0 => number.round(),
            Kind::Instructions => (number * 10.0).round() / 10.0,
            Kind::SystemCalls => (number * 1000.0).round() / 1000.0,
        }
    }
}

impl End {
    pub(super) const ALL: [End; 2] = [End::Host, End::Plugin];

    pub(super) fn name(self) -> &'static str {
        match self {
            End::Host => "host",
            End::Plugin => "plugin",
        }
    }
}

/// How new figures may differ where the file does not say it.
const TOLERANCE: f64 = 0.1;

const ABOUT: &str = "What host and plugin do for one call, item, KiB, execution or line: instructions in user \
space, and calls to the kernel. `cargo xtask bench --counts --check` fails when a figure is above these by more than the tolerance (0.05 is \
5 %), somewhat more than was seen between runs on idle and on busy machines, and for calls to the kernel by 0.05 more. \
If that is meant, or if less is needed now: `cargo xtask bench --counts --update`, and commit this file with the change that made the difference.";

/// What `xtask/bench-counts.json` says.
#[derive(Debug, Default)]
pub(super) struct Committed {
    /// With which programs the figures were taken, by name.
    pub(super) tools: Map<String, Value>,
    works: Map<String, Value>,
}

impl Committed {
    /// Nothing, where there is no file yet.
    pub(super) fn read(file: &Path) -> Result<Committed, String> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Committed::default());
            }
            Err(error) => return Err(format!("{}: {error}", file.display())),
        };
        Committed::parse(&text).map_err(|reason| format!("{}: {reason}", file.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Committed, String> {
        let mut all: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut object = |name: &str| match all.get_mut(name).map(Value::take) {
            Some(Value::Object(object)) => Ok(object),
            _ => Err(format!("it has no object `{name}`")),
        };
        Ok(Committed {
            tools: object("tools")?,
            works: object("each")?,
        })
    }

    /// The figure that was committed, and by how much of it a new one may differ.
    pub(super) fn figure(&self, of: &Figure) -> Option<(f64, f64)> {
        let row = self.works.get(&of.work)?.get(of.kind.name())?;
        let number = row.get(of.end.name())?.as_f64()?;
        Some((number, tolerance(row)))
    }

    /// Works that nobody counts any more.
    pub(super) fn forgotten<'a>(&'a self, works: &'a [Work]) -> impl Iterator<Item = &'a str> {
        let known = |key: &str| works.iter().any(|work| work.key == key);
        self.works
            .keys()
            .map(String::as_str)
            .filter(move |key| !known(key))
    }

    /// The file with new figures in the place of these. Tolerances stay.
    pub(super) fn with(&self, figures: &[Figure], tools: &Map<String, Value>) -> String {
        let mut works = Map::new();
        for figure in figures {
            let row = self
                .works
                .get(&figure.work)
                .and_then(|work| work.get(figure.kind.name()));
            let tolerance = row.map_or(TOLERANCE, tolerance);
            let work = works
                .entry(figure.work.clone())
                .or_insert_with(|| json!({}));
            let row = &mut work[figure.kind.name()];
            let number = figure.kind.rounded(figure.number);
            row[figure.end.name()] = match number.fract() == 0.0 {
                true => json!(number as u64),
                false => json!(number),
            };
            // Last in its row.
            if let Some(row) = row.as_object_mut() {
                row.shift_remove("tolerance");
            }
            row["tolerance"] = tolerance.into();
        }
        let all = json!({ "about": ABOUT, "tools": tools, "each": works });
        format!("{all:#}\n")
    }
}

fn tolerance(row: &Value) -> f64 {
    let number = row.get("tolerance").and_then(Value::as_f64);
    number.unwrap_or(TOLERANCE)
}

/// What a new figure is against the committed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    /// More than the tolerance above: the check fails.
    Worse,
    /// As much below: the file should have it, or what was won can be lost again unseen.
    Better,
    /// The file has no such figure.
    New,
}

/// Compares one figure with the committed one.
pub(super) fn verdict(committed: &Committed, figure: &Figure) -> Verdict {
    let Some((number, tolerance)) = committed.figure(figure) else {
        return Verdict::New;
    };
    let allowed = number * tolerance + figure.kind.slack();
    match figure.number - number {
        more if more > allowed => Verdict::Worse,
        more if more < -allowed => Verdict::Better,
        _ => Verdict::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::WORKS;
    use super::*;

    const FILE: &str = r#"{
        "about": "",
        "tools": { "compiler": "rustc 1.95.0" },
        "each": {
            "call": {
                "instructions": { "host": 10000, "plugin": 20000, "tolerance": 0.05 },
                "system calls": { "host": 9, "plugin": 14, "tolerance": 0.1 }
            },
            "letter": {}
        }
    }"#;

    fn figure(work: &str, kind: Kind, end: End, number: f64) -> Figure {
        Figure {
            work: work.to_owned(),
            kind,
            end,
            number,
        }
    }

    fn check(work: &str, kind: Kind, end: End, number: f64, expected: Verdict) {
        let committed = Committed::parse(FILE).expect("the file is read");
        let figure = figure(work, kind, end, number);
        assert_eq!(verdict(&committed, &figure), expected, "{figure:?}");
    }

    #[test]
    fn more_than_the_tolerance_is_seen() {
        use End::{Host, Plugin};
        use Kind::{Instructions, SystemCalls};
        check("call", Instructions, Host, 10_000.0, Verdict::Same);
        check("call", Instructions, Host, 10_499.0, Verdict::Same);
        check("call", Instructions, Host, 10_501.0, Verdict::Worse);
        check("call", Instructions, Host, 9_501.0, Verdict::Same);
        check("call", Instructions, Host, 9_499.0, Verdict::Better);
        check("call", Instructions, Plugin, 10_500.0, Verdict::Better);
        check("call", SystemCalls, Host, 9.94, Verdict::Same);
        check("call", SystemCalls, Host, 9.96, Verdict::Worse);
        check("call", SystemCalls, Host, 10.0, Verdict::Worse);
        check("call", SystemCalls, Plugin, 15.0, Verdict::Same);
        check("item", Instructions, Host, 1.0, Verdict::New);
        check("letter", Instructions, Host, 1.0, Verdict::New);
    }

    #[test]
    fn an_update_takes_figures_and_tools_and_keeps_tolerances() {
        let committed = Committed::parse(FILE).expect("the file is read");
        let mut tools = Map::new();
        tools.insert("compiler".to_owned(), "rustc 1.96.0".into());
        let figures = [
            figure("call", Kind::Instructions, End::Host, 12_345.6),
            figure("item", Kind::SystemCalls, End::Plugin, 0.123_456),
        ];
        let text = committed.with(&figures, &tools);
        let updated = Committed::parse(&text).expect("what is written is read");
        assert_eq!(updated.figure(&figures[0]), Some((12_346.0, 0.05)));
        assert_eq!(updated.figure(&figures[1]), Some((0.123, TOLERANCE)));
        assert_eq!(updated.tools, tools);
        for figure in &figures {
            assert_eq!(verdict(&updated, figure), Verdict::Same, "{figure:?}");
        }
    }

    #[test]
    fn works_that_are_gone_are_named() {
        let committed = Committed::parse(FILE).expect("the file is read");
        let forgotten: Vec<_> = committed.forgotten(WORKS).collect();
        assert_eq!(forgotten, ["letter"]);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for text in ["", "[]", "{}", r#"{"tools": {}, "each": []}"#] {
            assert!(Committed::parse(text).is_err(), "{text}");
        }
    }
}
