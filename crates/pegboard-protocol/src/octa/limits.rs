//! How much a side takes from the other.

/// How much of what the other side sends is borne. Going beyond ends the session with an error that names the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one line. Peers of Pegboard's take no more either, so no longer execution is sent.
    pub line: usize,
    /// The most arrays and maps inside each other in a message; 120 at most, which is safe on a thread with 512 KiB of
    /// stack even without optimization.
    pub depth: usize,
    /// The most executions that are open at once.
    pub executions: usize,
    /// The most bytes that may have arrived, of all executions together, without having been given back with
    /// `consumed`. Real peers wait for nobody, so this is what bounds memory.
    pub buffered: usize,
    /// How many bytes of one execution may have arrived without having been given back with `consumed`. Told to peers
    /// that agreed on [`super::Feature::Credit`] or [`super::Feature::Input`], and only they keep to it.
    pub window: u64,
}

impl Default for Limits {
    /// Lines of 64 MiB (real hosts have been seen to take 50 MB), 100 levels, 1024 executions, 256 MiB waiting, windows
    /// of 256 KiB.
    fn default() -> Limits {
        Limits {
            line: 64 << 20,
            depth: 100,
            executions: 1024,
            buffered: 256 << 20,
            window: 256 << 10,
        }
    }
}

impl Limits {
    /// The deepest that the reader of JSON can go, with room for the message around a value.
    pub(super) fn depth(&self) -> usize {
        self.depth.min(120)
    }
}
