//! What grows, what is measured of it, and which lines are drawn.

use super::quantity::Quantity::{self, Bytes, BytesPerSecond, Number, PerSecond, Seconds};
use crate::bench::plan::Program;

/// One thing of which there is more and more.
pub(super) struct Series {
    pub(super) title: &'static str,
    /// What is done, and what to see in it.
    pub(super) about: &'static str,
    /// What the sizes count.
    pub(super) axis: &'static str,
    pub(super) in_bytes: bool,
    pub(super) sizes: &'static [u64],
    /// Those that tell whether measuring works.
    pub(super) quick: &'static [u64],
    /// Programs that take turns at each size.
    pub(super) sides: &'static [Side],
    pub(super) charts: &'static [Chart],
}

/// One program with one measure.
pub(super) struct Side {
    pub(super) key: &'static str,
    pub(super) run: Run,
    /// The largest size that does not take too long.
    pub(super) most: u64,
}

#[derive(Clone, Copy)]
pub(super) enum Run {
    /// `xtask/examples/bench_growth.rs`, by the name of what it measures.
    Growth(&'static str),
    /// A host with a plugin, and one stream of that many items.
    Stream {
        host: Program,
        words: &'static [&'static str],
        word: &'static str,
        plugin: Program,
    },
    /// A bare pipe, written in blocks of that size.
    Blocks,
}

/// One picture with its table.
pub(super) struct Chart {
    /// Its file, without the ending.
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    pub(super) quantity: Quantity,
    /// What the other axis is called.
    pub(super) axis: &'static str,
    /// Whether equal steps are equal factors. Else the axis begins at zero.
    pub(super) log: bool,
    pub(super) lines: &'static [Line],
    /// The table has a column with the first line's ratio to the line of this number.
    pub(super) base: Option<usize>,
}

pub(super) struct Line {
    pub(super) label: &'static str,
    pub(super) side: &'static str,
    pub(super) figure: &'static str,
    /// Whether it is there to be compared with.
    pub(super) other: bool,
}

const fn line(label: &'static str, side: &'static str, figure: &'static str) -> Line {
    Line {
        label,
        side,
        figure,
        other: false,
    }
}

const fn other(label: &'static str, side: &'static str, figure: &'static str) -> Line {
    Line {
        label,
        side,
        figure,
        other: true,
    }
}

const fn growth(what: &'static str) -> Side {
    Side {
        key: what,
        run: Run::Growth(what),
        most: u64::MAX,
    }
}

const fn ours(word: &'static str) -> Side {
    Side {
        key: word,
        run: Run::Stream {
            host: Program::Pegboard,
            words: &["stdio"],
            word,
            plugin: Program::OurPlugin,
        },
        most: u64::MAX,
    }
}

const fn theirs(key: &'static str, word: &'static str) -> Side {
    Side {
        key,
        run: Run::Stream {
            host: Program::Nushell,
            words: &[],
            word,
            plugin: Program::TheirPlugin,
        },
        most: 1_000_000,
    }
}

/// All with our host and our plugin over pipes, but for what is there to be compared with. Another side, such as another
/// protocol, is one more row in `sides` and one more in `lines`.
pub(super) const SERIES: &[Series] = &[
    Series {
        title: "Calls at once",
        about: "As many threads call the same plugin, each with one small call after the other. The machine has only so \
            many cores: beyond them calls wait for one another, and what should grow no faster than their number is \
            the time of one call.",
        axis: "calls at once",
        in_bytes: false,
        sizes: &[1, 2, 4, 8, 16, 32, 64],
        quick: &[1, 4],
        sides: &[growth("calls-at-once")],
        charts: &[
            Chart {
                file: "calls-rate",
                title: "Calls in a second",
                quantity: PerSecond,
                axis: "calls in a second, all threads together",
                log: false,
                lines: &[line("all threads", "calls-at-once", "per_second")],
                base: None,
            },
            Chart {
                file: "calls-time",
                title: "Time of one call",
                quantity: Seconds,
                axis: "time of one call",
                log: true,
                lines: &[
                    line("half are faster (p50)", "calls-at-once", "p50_seconds"),
                    line("1 of 100 is slower (p99)", "calls-at-once", "p99_seconds"),
                ],
                base: None,
            },
        ],
    },
    Series {
        title: "Running plugins",
        about: "One engine starts that many plugins, one after the other, each a process of its own that then idles. \
            What each takes should not depend on how many there are, and neither should a call to one of them. Another \
            one was started before: what the engine has only once came with it.",
        axis: "running plugins",
        in_bytes: false,
        sizes: &[1, 5, 20, 50, 100, 200, 500],
        quick: &[1, 3],
        sides: &[growth("plugins")],
        charts: &[
            Chart {
                file: "plugins-time",
                title: "Starting, calling and ending them",
                quantity: Seconds,
                axis: "time",
                log: true,
                lines: &[
                    line("start of each, in turn", "plugins", "each_start_seconds"),
                    line("end of each, all at once", "plugins", "each_stop_seconds"),
                    line("call to one of them (p50)", "plugins", "p50_seconds"),
                ],
                base: None,
            },
            Chart {
                file: "plugins-memory",
                title: "Memory of the host for each idle plugin",
                quantity: Bytes,
                axis: "resident memory, divided by the plugins",
                log: false,
                lines: &[line("for each", "plugins", "each_bytes")],
                base: None,
            },
            Chart {
                file: "plugins-threads",
                title: "Threads of the host for each idle plugin",
                quantity: Number,
                axis: "threads, divided by the plugins",
                log: false,
                lines: &[line("for each", "plugins", "each_threads")],
                base: None,
            },
        ],
    },
    Series {
        title: "Installed plugins",
        about: "A store with that many plugins of eight commands each. At every command and every key press the store is \
            opened anew: entries are looked at but not read, the index is mapped and checked, and nothing is started.",
        axis: "installed plugins",
        in_bytes: false,
        sizes: &[1, 5, 20, 50, 100, 200, 500],
        quick: &[1, 5],
        sides: &[growth("store")],
        charts: &[Chart {
            file: "store",
            title: "Looking into the store",
            quantity: Seconds,
            axis: "time, with opening the store",
            log: true,
            lines: &[
                line("find a command", "store", "find_seconds"),
                line("complete a command", "store", "complete_seconds"),
                line("signatures for help", "store", "help_seconds"),
                line("add one more", "store", "add_seconds"),
            ],
            base: None,
        }],
    },
    Series {
        title: "Items of a list stream",
        about: "One stream of so many numbers, from the call to its end. The time should grow with the items, and memory \
            should not grow at all: neither side keeps what has gone by.",
        axis: "items",
        in_bytes: false,
        sizes: &[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
        quick: &[1, 1_000],
        sides: &[
            ours("numbers-out"),
            ours("numbers-in"),
            theirs("theirs-out", "numbers-out"),
            theirs("theirs-in", "numbers-in"),
        ],
        charts: &[
            Chart {
                file: "items-out-time",
                title: "A list stream from the plugin to the host",
                quantity: Seconds,
                axis: "time of the whole stream",
                log: true,
                lines: &[
                    line("our host and plugin", "numbers-out", "took_seconds"),
                    other("Nushell's engine and plugin", "theirs-out", "took_seconds"),
                ],
                base: Some(1),
            },
            Chart {
                file: "items-in-time",
                title: "A list stream from the host to the plugin",
                quantity: Seconds,
                axis: "time of the whole stream",
                log: true,
                lines: &[
                    line("our host and plugin", "numbers-in", "took_seconds"),
                    other("Nushell's engine and plugin", "theirs-in", "took_seconds"),
                ],
                base: Some(1),
            },
            Chart {
                file: "items-memory",
                title: "The most memory during a list stream",
                quantity: Bytes,
                axis: "resident memory at most",
                log: false,
                lines: &[
                    line("host that reads", "numbers-out", "host_peak_bytes"),
                    line("plugin that writes", "numbers-out", "plugin_peak_bytes"),
                    line("host that writes", "numbers-in", "host_peak_bytes"),
                    line("plugin that reads", "numbers-in", "plugin_peak_bytes"),
                ],
                base: None,
            },
        ],
    },
    Series {
        title: "Chunks of a byte stream",
        about: "A byte stream from the host to the plugin, made in chunks of so many bytes; for the bare pipe, written in \
            blocks of that size. Each chunk is a message, so small ones cost what messages cost.",
        axis: "bytes in a chunk",
        in_bytes: true,
        sizes: &[
            1,
            8,
            64,
            512,
            4 << 10,
            8 << 10,
            32 << 10,
            256 << 10,
            1 << 20,
        ],
        quick: &[64, 8 << 10],
        sides: &[
            growth("chunks"),
            Side {
                key: "blocks",
                run: Run::Blocks,
                most: u64::MAX,
            },
        ],
        charts: &[Chart {
            file: "chunks",
            title: "Bytes in a second",
            quantity: BytesPerSecond,
            axis: "bytes in a second",
            log: true,
            lines: &[
                line("our host and plugin", "chunks", "per_second"),
                other("bare pipe", "blocks", "per_second"),
            ],
            base: Some(1),
        }],
    },
    Series {
        title: "Nested values",
        about: "A number inside so many lists goes to the plugin and comes back. A list is three levels of the wire, and \
            no message has more than 256, so this is nearly as deep as a value can be.",
        axis: "lists inside each other",
        in_bytes: false,
        sizes: &[1, 2, 5, 10, 20, 40, 80],
        quick: &[1, 10],
        sides: &[growth("depth")],
        charts: &[Chart {
            file: "depth",
            title: "A nested value there and back",
            quantity: Seconds,
            axis: "time of one call (p50)",
            log: true,
            lines: &[line("lists inside each other", "depth", "p50_seconds")],
            base: None,
        }],
    },
    Series {
        title: "Large values",
        about: "One value, not a stream: a list of so many numbers, or a record of so many columns, goes to the plugin and \
            comes back. The time should grow with the size and no faster.",
        axis: "items of the list, or columns of the record",
        in_bytes: false,
        sizes: &[1, 10, 100, 1_000, 10_000, 100_000],
        quick: &[1, 100],
        sides: &[
            growth("list"),
            Side {
                key: "record",
                run: Run::Growth("record"),
                // A record is made column by column, and looks each time whether it has that one.
                most: 10_000,
            },
        ],
        charts: &[Chart {
            file: "width",
            title: "A large value there and back",
            quantity: Seconds,
            axis: "time of one call (p50)",
            log: true,
            lines: &[
                line("list", "list", "p50_seconds"),
                line("record", "record", "p50_seconds"),
            ],
            base: None,
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_sides_and_files_are_different() {
        let mut files = Vec::new();
        for series in SERIES {
            assert!(
                series.sizes.is_sorted() && series.quick.is_sorted(),
                "{}",
                series.title
            );
            for chart in series.charts {
                assert!(!files.contains(&chart.file), "{}", chart.file);
                files.push(chart.file);
                assert!(chart.base.is_none_or(|base| base < chart.lines.len()));
                for line in chart.lines {
                    let known = series.sides.iter().filter(|side| side.key == line.side);
                    assert_eq!(known.count(), 1, "{}: {}", chart.file, line.side);
                }
            }
        }
    }
}
