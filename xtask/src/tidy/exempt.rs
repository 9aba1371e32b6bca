//! The exceptions: each row with its reason. A row that no longer excuses anything is a finding.

/// Where something otherwise forbidden is right.
pub(super) struct Exemption {
    pub(super) rule: usize,
    /// A path prefix from the root.
    pub(super) path: &'static str,
    /// What is found there, as the finding quotes it; empty for everything.
    pub(super) what: &'static str,
    /// Why it is right there.
    #[expect(dead_code, reason = "read by people, not by the program")]
    pub(super) reason: &'static str,
}

pub(super) const EXEMPTIONS: &[Exemption] = &[
    Exemption {
        rule: 2,
        path: "crates/pegboard-protocol/src/value/foreign.rs",
        what: "std::io",
        reason: "the type of its errors is named: whoever writes a plugin reads files, and making one error of another does no IO",
    },
    Exemption {
        rule: 4,
        path: "crates/pegboard-host/src/runner",
        what: "",
        reason: "this module owns processes, and what must run between fork and exec",
    },
    Exemption {
        rule: 4,
        path: "crates/pegboard-host/src/store/map.rs",
        what: "unsafe",
        reason: "the index is mapped into memory; it is only ever replaced by renaming, never written in place",
    },
    Exemption {
        rule: 4,
        path: "crates/pegboard-testkit/src/bin/hostile",
        what: "starts a process",
        reason: "the hostile plugin leaves children behind on purpose",
    },
    Exemption {
        rule: 4,
        path: "crates/pegboard-testkit/src/terminal.rs",
        what: "starts a process",
        reason: "tests of command lines run them on a terminal, which the host's runner does not give away",
    },
    Exemption {
        rule: 4,
        path: "crates/pegboard-testkit/src/peers.rs",
        what: "starts a process",
        reason: "tests build the peers they run, and only cargo can do that",
    },
    Exemption {
        rule: 3,
        path: "crates/pegboard-plugin/src/plugin.rs",
        what: "env::var",
        reason: "`serve` is the whole of a plugin's main, and the engine that started it left its mark there",
    },
    Exemption {
        rule: 3,
        path: "crates/pegboard-plugin/src/octa/bridge/engine.rs",
        what: "env::var",
        reason: "a command asks for the caller's environment, and a plugin of Octa's has inherited that of its host",
    },
    Exemption {
        rule: 3,
        path: "crates/pegboard-testkit/src/peers.rs",
        what: "env::var_os",
        reason: "cargo names itself to the tests it runs only in a variable",
    },
];
