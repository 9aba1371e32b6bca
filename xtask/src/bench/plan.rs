//! What is measured, on which sides, and against what.

/// One pair of programs that take turns with the others.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) key: &'static str,
    /// For the table.
    pub(super) label: &'static str,
    pub(super) host: Program,
    /// What the host's program takes before the measure.
    pub(super) words: &'static [&'static str],
    pub(super) plugin: Program,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// Reads and writes, and nothing else: `xtask/examples/bench_floor.rs`.
    Floor,
    /// `xtask/examples/bench_pegboard.rs`.
    Pegboard,
    /// `xtask/examples/bench_growth.rs`.
    Growth,
    /// `xtask/examples/bench_octa.rs`.
    Octa,
    /// `peers/engine-115/src/host.rs`.
    Nushell,
    /// `xtask/examples/nu_plugin_bench.rs`.
    OurPlugin,
    /// `xtask/examples/octa_plugin_bench.rs`.
    OctaPlugin,
    /// `peers/engine-115/src/plugin.rs`.
    TheirPlugin,
}

impl Side {
    /// Whether it can be measured without Nushell's crates.
    pub(super) fn is_ours(&self) -> bool {
        [self.host, self.plugin]
            .iter()
            .all(|program| !matches!(program, Program::Nushell | Program::TheirPlugin))
    }
}

const fn side(
    key: &'static str,
    label: &'static str,
    host: Program,
    words: &'static [&'static str],
    plugin: Program,
) -> Side {
    Side {
        key,
        label,
        host,
        words,
        plugin,
    }
}

use Program::{Floor, Nushell, Octa, OctaPlugin, OurPlugin, Pegboard, TheirPlugin};

/// All over pipes, but for those of Octa and the two whose names say otherwise.
pub(super) const SIDES: &[Side] = &[
    side("pipe", "bare pipe", Floor, &["pipe"], Floor),
    side("socket", "bare socket", Floor, &["socket"], Floor),
    side(
        "bare-ours",
        "no host, our plugin",
        Floor,
        &["pipe"],
        OurPlugin,
    ),
    side(
        "bare-theirs",
        "no host, Nushell's plugin",
        Floor,
        &["pipe"],
        TheirPlugin,
    ),
    side(
        "ours",
        "our host, our plugin",
        Pegboard,
        &["stdio"],
        OurPlugin,
    ),
    side(
        "ours-socket",
        "the same, local socket",
        Pegboard,
        &["auto"],
        OurPlugin,
    ),
    side(
        "ours-theirs",
        "our host, Nushell's plugin",
        Pegboard,
        &["stdio"],
        TheirPlugin,
    ),
    side(
        "theirs-ours",
        "Nushell's engine, our plugin",
        Nushell,
        &[],
        OurPlugin,
    ),
    side(
        "theirs",
        "Nushell's engine and plugin",
        Nushell,
        &[],
        TheirPlugin,
    ),
    side(
        "bare-octa",
        "no host, our Octa plugin",
        Floor,
        &["octa"],
        OctaPlugin,
    ),
    side("octa", "our host, our Octa plugin", Octa, &[], OctaPlugin),
];

/// One thing that is measured.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// What the measuring programs call it.
    pub(super) word: &'static str,
    /// Whether all processes share one core.
    pub(super) pinned: bool,
    /// How many plugins it takes.
    pub(super) plugins: Plugins,
    pub(super) unit: Unit,
    /// The side that the others are compared with.
    pub(super) base: &'static str,
    pub(super) sides: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugins {
    One,
    /// So many of different names.
    Many(usize),
    /// One, and one that takes a second before it listens.
    OneAndSlow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// How long one takes.
    Time,
    /// Items in a second.
    Items,
    /// Bytes in a second.
    Bytes,
    /// Bytes of memory.
    Memory,
}

impl Unit {
    /// The figures that are shown: the one that is compared, and another one if there is one.
    pub(super) fn figures(self) -> (&'static str, Option<&'static str>) {
        match self {
            Unit::Time => ("p50_seconds", Some("p99_seconds")),
            Unit::Items | Unit::Bytes => ("per_second", None),
            Unit::Memory => ("per_plugin_bytes", Some("with_one_bytes")),
        }
    }
}

/// Hosts and plugins in all pairs, and the two links.
const PAIRS: &[&str] = &[
    "ours",
    "ours-socket",
    "ours-theirs",
    "theirs-ours",
    "theirs",
];
const PAIRS_AND_FLOORS: &[&str] = &[
    "pipe",
    "socket",
    "ours",
    "ours-socket",
    "ours-theirs",
    "theirs-ours",
    "theirs",
];
/// Octa's protocol, and the link that it goes over.
const OCTA: &[&str] = &["socket", "octa"];
/// The same, and the plugin alone until it listens.
const OCTA_STARTS: &[&str] = &["socket", "bare-octa", "octa"];
const STARTS: &[&str] = &[
    "pipe",
    "bare-ours",
    "bare-theirs",
    "ours",
    "ours-socket",
    "ours-theirs",
    "theirs-ours",
    "theirs",
];

pub(super) const MEASURES: &[Measure] = &[
    Measure {
        key: "call-pinned",
        title: "A call and its answer, all on one core",
        word: "echo",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "pipe",
        sides: PAIRS_AND_FLOORS,
    },
    Measure {
        key: "call-free",
        title: "A call and its answer, on any core",
        word: "echo",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "pipe",
        sides: PAIRS_AND_FLOORS,
    },
    Measure {
        key: "metadata-pinned",
        title: "Metadata asked for, all on one core (our host asks once and keeps it)",
        word: "metadata",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "pipe",
        sides: &["pipe", "theirs-ours", "theirs"],
    },
    Measure {
        key: "metadata-free",
        title: "Metadata asked for, on any core",
        word: "metadata",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "pipe",
        sides: &["pipe", "theirs-ours", "theirs"],
    },
    Measure {
        key: "items-out",
        title: "List stream from the plugin to the host",
        word: "numbers-out",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Items,
        base: "theirs",
        sides: PAIRS,
    },
    Measure {
        key: "items-in",
        title: "List stream from the host to the plugin",
        word: "numbers-in",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Items,
        base: "theirs",
        sides: PAIRS,
    },
    Measure {
        key: "items-out-pinned",
        title: "List stream from the plugin to the host, all on one core",
        word: "numbers-out",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Items,
        base: "theirs",
        sides: PAIRS,
    },
    Measure {
        key: "items-in-pinned",
        title: "List stream from the host to the plugin, all on one core",
        word: "numbers-in",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Items,
        base: "theirs",
        sides: PAIRS,
    },
    Measure {
        key: "bytes-out",
        title: "Byte stream from the plugin to the host",
        word: "bytes-out",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Bytes,
        base: "pipe",
        sides: PAIRS_AND_FLOORS,
    },
    Measure {
        key: "bytes-in",
        title: "Byte stream from the host to the plugin",
        word: "bytes-in",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Bytes,
        base: "pipe",
        sides: PAIRS_AND_FLOORS,
    },
    Measure {
        key: "bytes-out-pinned",
        title: "Byte stream from the plugin to the host, all on one core",
        word: "bytes-out",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Bytes,
        base: "pipe",
        sides: &["pipe", "ours", "ours-theirs", "theirs"],
    },
    Measure {
        key: "bytes-in-pinned",
        title: "Byte stream from the host to the plugin, all on one core",
        word: "bytes-in",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Bytes,
        base: "pipe",
        sides: &["pipe", "ours", "ours-theirs", "theirs"],
    },
    Measure {
        key: "start",
        title: "From nothing to the first answer (without a host: to the first byte)",
        word: "start",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "pipe",
        sides: STARTS,
    },
    Measure {
        key: "start-again",
        title: "The same, in a host that has had the plugin before",
        word: "again",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "pipe",
        sides: &["pipe", "ours", "ours-socket", "ours-theirs", "theirs"],
    },
    Measure {
        key: "memory",
        title: "Memory of the host for each plugin that idles, and with only one",
        word: "memory",
        pinned: false,
        plugins: Plugins::Many(50),
        unit: Unit::Memory,
        base: "theirs",
        sides: PAIRS,
    },
    Measure {
        key: "octa-execute-pinned",
        title: "Octa: an execution with one line of output, all on one core",
        word: "echo",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "socket",
        sides: OCTA,
    },
    Measure {
        key: "octa-execute-free",
        title: "Octa: an execution with one line of output, on any core",
        word: "echo",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "socket",
        sides: OCTA,
    },
    Measure {
        key: "octa-lines",
        title: "Octa: lines of output of one execution",
        word: "lines-out",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Items,
        base: "socket",
        sides: OCTA,
    },
    Measure {
        key: "octa-lines-pinned",
        title: "Octa: lines of output of one execution, all on one core",
        word: "lines-out",
        pinned: true,
        plugins: Plugins::One,
        unit: Unit::Items,
        base: "socket",
        sides: OCTA,
    },
    Measure {
        key: "octa-stderr",
        title: "Octa: lines of standard error of one execution",
        word: "lines-err",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Items,
        base: "socket",
        sides: OCTA,
    },
    Measure {
        key: "octa-start",
        title: "Octa: from nothing to the first answer (bare: to the first byte)",
        word: "start",
        pinned: false,
        plugins: Plugins::One,
        unit: Unit::Time,
        base: "socket",
        sides: OCTA_STARTS,
    },
    octa_starts(
        "octa-starts-1",
        "Octa: one plugin from nothing to ready (bare: to the first byte)",
        1,
    ),
    octa_starts(
        "octa-starts-4",
        "Octa: 4 plugins started side by side, to the last one ready",
        4,
    ),
    octa_starts(
        "octa-starts-16",
        "Octa: 16 plugins started side by side, to the last one ready",
        16,
    ),
    Measure {
        key: "octa-beside",
        title: "Octa: from nothing to the first answer, beside a plugin that listens after a second",
        word: "beside",
        pinned: false,
        plugins: Plugins::OneAndSlow,
        unit: Unit::Time,
        base: "socket",
        sides: OCTA,
    },
];

const fn octa_starts(key: &'static str, title: &'static str, count: usize) -> Measure {
    Measure {
        key,
        title,
        word: "together",
        pinned: false,
        plugins: Plugins::Many(count),
        unit: Unit::Time,
        base: "socket",
        sides: OCTA_STARTS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_that_a_measure_names_exists_and_its_base_is_among_them() {
        for measure in MEASURES {
            assert!(measure.sides.contains(&measure.base), "{}", measure.key);
            for key in measure.sides {
                let known = SIDES.iter().filter(|side| side.key == *key).count();
                assert_eq!(known, 1, "{}: {key}", measure.key);
            }
        }
    }

    #[test]
    fn without_the_engine_nothing_of_nushell_is_run() {
        let ours: Vec<_> = SIDES
            .iter()
            .filter(|side| side.is_ours())
            .map(|side| side.key)
            .collect();
        let expected = [
            "pipe",
            "socket",
            "bare-ours",
            "ours",
            "ours-socket",
            "bare-octa",
            "octa",
        ];
        assert_eq!(ours, expected);
    }
}
