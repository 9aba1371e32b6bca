//! The figures as a table for people and as JSON for machines.

use std::fmt::Write;

use super::machine::Machine;
use super::plan::{MEASURES, Measure, SIDES, Side, Unit};
use super::results::Results;
use super::targets::TARGETS;

/// Tables of everything that was measured.
pub(super) fn text(machine: &Machine, results: &Results) -> String {
    let mut text = String::new();
    for (name, value) in &machine.facts {
        line(&mut text, &format!("{name:10} {value}"));
    }
    for measure in MEASURES {
        table(&mut text, measure, results);
    }
    text
}

/// What was to be reached, and whether it was.
pub(super) fn verdicts(results: &Results) -> String {
    let mut text = String::new();
    let head = format!("\n{:46} {:>10} {:>12}", "Target", "measured", "wanted");
    line(&mut text, &head);
    for target in TARGETS {
        let (number, verdict) = match target.verdict(results) {
            None => ("-".to_owned(), "not measured"),
            Some(verdict) => (
                target.show(verdict.number),
                if verdict.met { "met" } else { "MISSED" },
            ),
        };
        let row = format!(
            "{:46} {number:>10} {:>12}  {verdict}",
            target.what,
            target.limit()
        );
        line(&mut text, &row);
    }
    text
}

fn table(text: &mut String, measure: &Measure, results: &Results) {
    let (figure, other) = measure.unit.figures();
    let heads = match measure.unit {
        Unit::Time => ["p50", "p99"],
        Unit::Items | Unit::Bytes => ["per second", ""],
        Unit::Memory => ["each", "with one"],
    };
    let base = side(measure.base).map_or("", |side| side.label);
    let work = results
        .median(measure.key, "ours", "host_cpu_seconds")
        .is_some();
    let processor = if work { "CPU host + plugin" } else { "" };
    line(text, &format!("\n{}", measure.title));
    line(
        text,
        &format!(
            "  {:29} {:>12} {:>24} {:>12} {:>8}  {processor}",
            "", heads[0], "lowest .. highest", heads[1], "ratio"
        ),
    );
    for side in measure.sides.iter().filter_map(|key| side(key)) {
        let series = results.series(measure.key, side.key, figure);
        let Some(median) = results.median(measure.key, side.key, figure) else {
            continue;
        };
        let low = series.iter().copied().fold(f64::INFINITY, f64::min);
        let high = series.iter().copied().fold(0.0, f64::max);
        let spread = format!("{} .. {}", show(measure, low), show(measure, high));
        let second = other
            .and_then(|other| results.median(measure.key, side.key, other))
            .map_or_else(String::new, |number| show(measure, number));
        let ratio = results
            .ratio(measure.key, side.key, measure.base, figure)
            .map_or_else(String::new, |ratio| format!("{ratio:.2} x"));
        let row = format!(
            "  {:29} {:>12} {spread:>24} {second:>12} {ratio:>8}  {}",
            side.label,
            show(measure, median),
            cpu(measure, side, results),
        );
        line(text, &row);
    }
    if results.median(measure.key, measure.base, figure).is_some() {
        line(text, &format!("  ratio: to {base}, round by round"));
    }
}

fn side(key: &str) -> Option<&'static Side> {
    SIDES.iter().find(|side| side.key == key)
}

/// What one call, item or MiB cost in processor time.
fn cpu(measure: &Measure, side: &Side, results: &Results) -> String {
    let of = |figure| results.median(measure.key, side.key, figure);
    let (Some(host), Some(plugin)) = (of("host_cpu_seconds"), of("plugin_cpu_seconds")) else {
        return String::new();
    };
    let (factor, unit, each) = match measure.unit {
        Unit::Time => (1e6, "us", "call"),
        Unit::Items => (1e9, "ns", "item"),
        Unit::Bytes | Unit::Memory => (1e6 * f64::from(1 << 20), "us", "MiB"),
    };
    let (host, plugin) = (host * factor, plugin * factor);
    format!("{host:.1} + {plugin:.1} {unit}/{each}")
}

fn show(measure: &Measure, number: f64) -> String {
    match measure.unit {
        Unit::Time if number < 1e-3 => format!("{:.1} us", number * 1e6),
        Unit::Time => format!("{:.2} ms", number * 1e3),
        Unit::Items => format!("{:.3} M", number / 1e6),
        Unit::Bytes if number < 1e9 => format!("{:.0} MB", number / 1e6),
        Unit::Bytes => format!("{:.2} GB", number / 1e9),
        Unit::Memory => format!("{:.1} KiB", number / 1024.0),
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", line.trim_end());
}

/// The same with the figures of every round, in seconds, units per second and bytes.
pub(super) fn json(machine: &Machine, results: &Results) -> String {
    let facts: serde_json::Map<_, _> = machine
        .facts
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
        .collect();
    let targets: Vec<_> = TARGETS
        .iter()
        .map(|target| {
            let verdict = target.verdict(results);
            serde_json::json!({
                "what": target.what,
                "limit": target.limit(),
                "number": verdict.as_ref().map(|verdict| verdict.number),
                "met": verdict.as_ref().map(|verdict| verdict.met),
            })
        })
        .collect();
    let all = serde_json::json!({
        "machine": facts,
        "rounds": results.to_json(),
        "targets": targets,
    });
    format!("{all:#}\n")
}
