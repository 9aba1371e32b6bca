//! What a rule is, and where the rules of each protocol are.

use pegboard_host::Protocol;

use super::play::Played;
use super::{nushell, octa};

/// Something that a plugin has to do, or must not do.
#[derive(Debug)]
pub struct Rule {
    /// What it is called, such as `unknown-command`.
    pub name: &'static str,
    /// The rule, in a sentence.
    pub sentence: &'static str,
    /// What the engine is like that it is about.
    pub turn: Turn,
    pub(super) judge: Judge,
}

/// What the runner is like while it plays a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// An engine that does everything as real ones do, and looks closely.
    Strict,
    /// An engine that is odd, newer, in a hurry, or broken.
    Hostile,
}

impl Turn {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Turn::Strict => "strict",
            Turn::Hostile => "hostile",
        }
    }
}

/// How it is found out whether a rule is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judge {
    /// By conversations of its own.
    Plays(fn(&mut nushell::Stage) -> Played),
    /// The same, with an Octa plugin.
    PlaysOcta(fn(&mut octa::Stage) -> Played),
    /// By a look at every message of all conversations.
    Watches,
}

/// Every rule of a protocol, in the order in which a plugin meets them.
pub fn rules(protocol: Protocol) -> &'static [Rule] {
    match protocol {
        Protocol::Nushell => nushell::TABLE,
        Protocol::Octa => octa::TABLE,
    }
}

/// Makes a table of rules: turn, name, sentence, judge.
macro_rules! table {
    ($($turn:ident $name:literal $sentence:literal $judge:expr;)*) => {
        /// Every rule, in the order in which a plugin meets them.
        pub(in crate::conformance) const TABLE: &[Rule] = &[$(Rule {
            name: $name,
            sentence: $sentence,
            turn: Turn::$turn,
            judge: $judge,
        },)*];
    };
}
pub(super) use table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sentences_are_proper() {
        for rules in [Protocol::Nushell, Protocol::Octa].map(rules) {
            for (index, rule) in rules.iter().enumerate() {
                let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
                assert!(rule.name.chars().all(kebab), "{}", rule.name);
                assert!(rule.sentence.ends_with('.'), "{}", rule.sentence);
                let again = rules[..index].iter().any(|other| other.name == rule.name);
                assert!(!again, "{}", rule.name);
            }
        }
    }
}
