//! What instructions are counted of, and how much of it.

use crate::bench::plan::Program;

/// One thing that host and plugin do again and again.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// What the measuring programs call it.
    pub(super) word: &'static str,
    pub(super) host: Program,
    /// What the host's program takes before it.
    pub(super) words: &'static [&'static str],
    pub(super) plugin: Program,
    /// What a figure is of.
    pub(super) unit: &'static str,
    /// Steps of the measuring program in one unit.
    pub(super) steps: u64,
    /// Steps of the shorter run; the longer one has twice as many. What both have in common falls out.
    pub(super) few: u64,
}

/// All between our host and our plugin: Nushell's protocol over pipes, and Octa's over its socket.
pub(super) const WORKS: &[Work] = &[
    work("call", "a call and its answer", "echo", "call", 1, 2_000),
    work(
        "items-out",
        "an item from the plugin to the host",
        "numbers-out",
        "item",
        1,
        50_000,
    ),
    work(
        "items-in",
        "an item from the host to the plugin",
        "numbers-in",
        "item",
        1,
        50_000,
    ),
    work(
        "bytes-out",
        "a KiB from the plugin to the host",
        "bytes-out",
        "KiB",
        1024,
        16 << 20,
    ),
    work(
        "bytes-in",
        "a KiB from the host to the plugin",
        "bytes-in",
        "KiB",
        1024,
        16 << 20,
    ),
    octa(
        "octa-execute",
        "an execution of Octa's, with a line",
        "echo",
        "execution",
        1_000,
    ),
    octa(
        "octa-lines",
        "a line of an execution of Octa's",
        "lines-out",
        "line",
        20_000,
    ),
    octa(
        "octa-stderr",
        "a line of its standard error",
        "lines-err",
        "line",
        20_000,
    ),
];

const fn work(
    key: &'static str,
    title: &'static str,
    word: &'static str,
    unit: &'static str,
    steps: u64,
    few: u64,
) -> Work {
    Work {
        key,
        title,
        word,
        host: Program::Pegboard,
        words: &["stdio"],
        plugin: Program::OurPlugin,
        unit,
        steps,
        few,
    }
}

const fn octa(
    key: &'static str,
    title: &'static str,
    word: &'static str,
    unit: &'static str,
    few: u64,
) -> Work {
    Work {
        host: Program::Octa,
        words: &[],
        plugin: Program::OctaPlugin,
        ..work(key, title, word, unit, 1, few)
    }
}

impl Work {
    /// The one of this name.
    pub(super) fn find(key: &str) -> Result<&'static Work, String> {
        let known = WORKS.iter().find(|work| work.key == key);
        known.ok_or_else(|| {
            let keys: Vec<_> = WORKS.iter().map(|work| work.key).collect();
            format!("nothing is known about `{key}`, but {}", keys.join(", "))
        })
    }

    /// What one unit takes, of what a short and a long run took.
    pub(super) fn each(&self, short: f64, long: f64) -> f64 {
        let units = (self.few / self.steps) as f64;
        // Noise may make of nothing a little less than nothing.
        ((long - short) / units).max(0.0)
    }
}
