//! The numbers that Pegboard has set itself, and whether they are met.

use super::results::Results;

/// One number that is to be reached.
pub(super) struct Target {
    pub(super) what: &'static str,
    /// From what it comes.
    number: Number,
    limit: Limit,
    shown: Shown,
}

enum Number {
    /// A figure of a measure on a side, as a multiple of another side's.
    Ratio {
        measure: &'static str,
        figure: &'static str,
        side: &'static str,
        base: &'static str,
    },
    /// A figure itself.
    Plain {
        measure: &'static str,
        figure: &'static str,
        side: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Clone, Copy)]
enum Shown {
    Times,
    MillionsPerSecond,
    Kibibytes,
}

/// What became of a target in one run.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) number: f64,
    pub(super) met: bool,
}

const TIME: &str = "p50_seconds";
const RATE: &str = "per_second";

const fn ratio(
    what: &'static str,
    measure: &'static str,
    figure: &'static str,
    [side, base]: [&'static str; 2],
    limit: Limit,
) -> Target {
    let number = Number::Ratio {
        measure,
        figure,
        side,
        base,
    };
    Target {
        what,
        number,
        limit,
        shown: Shown::Times,
    }
}

const fn plain(
    what: &'static str,
    measure: &'static str,
    figure: &'static str,
    limit: Limit,
    shown: Shown,
) -> Target {
    let number = Number::Plain {
        measure,
        figure,
        side: "ours",
    };
    Target {
        what,
        number,
        limit,
        shown,
    }
}

use Limit::{AtLeast, AtMost};

const OVER_PIPE: [&str; 2] = ["ours", "pipe"];
const OVER_ENGINE: [&str; 2] = ["ours", "theirs"];
/// Host against host, with the same plugin; all on one core, where the work is all there is.
const HOSTS: [&str; 2] = ["ours-theirs", "theirs"];
/// Plugin against plugin, with the same host; all on one core too.
const PLUGINS: [&str; 2] = ["theirs-ours", "theirs"];

pub(super) const TARGETS: &[Target] = &[
    ratio(
        "call on one core, to the bare pipe",
        "call-pinned",
        TIME,
        OVER_PIPE,
        AtMost(2.0),
    ),
    ratio(
        "call on any core, to the bare pipe",
        "call-free",
        TIME,
        OVER_PIPE,
        AtMost(1.3),
    ),
    plain(
        "items out",
        "items-out",
        RATE,
        AtLeast(2.0e6),
        Shown::MillionsPerSecond,
    ),
    ratio(
        "items out, to Nushell's engine and plugin",
        "items-out",
        RATE,
        OVER_ENGINE,
        AtLeast(4.0),
    ),
    plain(
        "items in",
        "items-in",
        RATE,
        AtLeast(2.0e6),
        Shown::MillionsPerSecond,
    ),
    ratio(
        "items in, to Nushell's engine and plugin",
        "items-in",
        RATE,
        OVER_ENGINE,
        AtLeast(4.0),
    ),
    ratio(
        "bytes out, to the bare pipe",
        "bytes-out",
        RATE,
        OVER_PIPE,
        AtLeast(0.5),
    ),
    ratio(
        "bytes out on one core, to the bare pipe",
        "bytes-out-pinned",
        RATE,
        OVER_PIPE,
        AtLeast(0.5),
    ),
    ratio(
        "bytes in, to the bare pipe",
        "bytes-in",
        RATE,
        OVER_PIPE,
        AtLeast(0.5),
    ),
    ratio(
        "bytes in on one core, to the bare pipe",
        "bytes-in-pinned",
        RATE,
        OVER_PIPE,
        AtLeast(0.5),
    ),
    ratio(
        "start to first answer, to a bare process",
        "start",
        TIME,
        OVER_PIPE,
        AtMost(1.1),
    ),
    plain(
        "host's memory for an idle plugin",
        "memory",
        "per_plugin_bytes",
        AtMost(65536.0),
        Shown::Kibibytes,
    ),
    ratio(
        "host's CPU for a call, to Nushell's engine",
        "call-pinned",
        "host_cpu_seconds",
        HOSTS,
        AtMost(0.5),
    ),
    ratio(
        "host's CPU for items out, to Nushell's engine",
        "items-out-pinned",
        "host_cpu_seconds",
        HOSTS,
        AtMost(0.5),
    ),
    ratio(
        "host's CPU for items in, to Nushell's engine",
        "items-in-pinned",
        "host_cpu_seconds",
        HOSTS,
        AtMost(0.5),
    ),
    ratio(
        "plugin's CPU for a call, to Nushell's SDK",
        "call-pinned",
        "plugin_cpu_seconds",
        PLUGINS,
        AtMost(0.5),
    ),
    ratio(
        "plugin's CPU for items out, to Nushell's SDK",
        "items-out-pinned",
        "plugin_cpu_seconds",
        PLUGINS,
        AtMost(0.5),
    ),
    ratio(
        "plugin's CPU for items in, to Nushell's SDK",
        "items-in-pinned",
        "plugin_cpu_seconds",
        PLUGINS,
        AtMost(0.5),
    ),
];

impl Target {
    /// None where a side was not measured.
    pub(super) fn verdict(&self, results: &Results) -> Option<Verdict> {
        let number = match self.number {
            Number::Ratio {
                measure,
                figure,
                side,
                base,
            } => results.ratio(measure, side, base, figure)?,
            Number::Plain {
                measure,
                figure,
                side,
            } => results.median(measure, side, figure)?,
        };
        let met = match self.limit {
            AtMost(limit) => number <= limit,
            AtLeast(limit) => number >= limit,
        };
        Some(Verdict { number, met })
    }

    /// The limit as people write it.
    pub(super) fn limit(&self) -> String {
        match self.limit {
            AtMost(limit) => format!("<= {}", self.show(limit)),
            AtLeast(limit) => format!(">= {}", self.show(limit)),
        }
    }

    pub(super) fn show(&self, number: f64) -> String {
        match self.shown {
            Shown::Times => format!("{number:.2} x"),
            Shown::MillionsPerSecond => format!("{:.2} M/s", number / 1e6),
            Shown::Kibibytes => format!("{:.1} KiB", number / 1024.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::MEASURES;
    use super::super::programs::Figures;
    use super::*;

    fn check(measure: &'static str, ours: f64, pipe: f64, expected: Option<Verdict>) {
        let mut results = Results::default();
        for (side, number) in [("ours", ours), ("pipe", pipe)] {
            let figures = [TIME, RATE, "per_plugin_bytes"]
                .into_iter()
                .map(|figure| (figure.to_owned(), number));
            results.add(measure, side, figures.collect::<Figures>());
        }
        let target = TARGETS
            .iter()
            .find(|target| match target.number {
                Number::Ratio { measure: of, .. } | Number::Plain { measure: of, .. } => {
                    of == measure
                }
            })
            .expect("a target for this measure");
        assert_eq!(target.verdict(&results), expected, "{}", target.what);
    }

    #[test]
    fn a_target_is_met_or_missed() {
        let verdict = |number, met| Some(Verdict { number, met });
        check("call-pinned", 12.0, 6.0, verdict(2.0, true));
        check("call-pinned", 13.0, 4.0, verdict(3.25, false));
        check("bytes-out", 3.0, 6.0, verdict(0.5, true));
        check("bytes-out", 1.0, 4.0, verdict(0.25, false));
        check("memory", 70000.0, 1.0, verdict(70000.0, false));
    }

    #[test]
    fn targets_name_what_is_measured() {
        let measured = |key: &str, side: &str| {
            MEASURES
                .iter()
                .any(|measure| measure.key == key && measure.sides.contains(&side))
        };
        for target in TARGETS {
            match target.number {
                Number::Ratio {
                    measure,
                    side,
                    base,
                    ..
                } => assert!(
                    measured(measure, side) && measured(measure, base),
                    "{}",
                    target.what
                ),
                Number::Plain { measure, side, .. } => {
                    assert!(measured(measure, side), "{}", target.what);
                }
            }
        }
    }
}
