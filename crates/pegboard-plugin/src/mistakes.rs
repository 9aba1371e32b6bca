//! What is wrong with the definition of a plugin, which no engine says.

use std::collections::HashSet;

use pegboard_protocol::nu::Signature;

use crate::runtime::Runnable;

/// What is wrong, a sentence each.
pub(crate) fn all(commands: &[Runnable]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut seen = HashSet::new();
    for command in commands {
        let sig = &command.signature.sig;
        let name = &sig.name;
        let mut say = |mistake: &str| mistakes.push(format!("the command `{name}` {mistake}"));
        if !seen.insert(name) {
            say("is there twice");
        }
        if name.split(' ').any(str::is_empty) || has_odd_space(name) {
            say("has a name whose words are not separated by single spaces");
        }
        if !command.is_runnable() {
            say("does nothing: it has no `run`");
        }
        command.mistakes().iter().for_each(|mistake| say(mistake));
        arguments(sig, &mut say);
    }
    mistakes
}

fn arguments(sig: &Signature, say: &mut impl FnMut(&str)) {
    let positional = sig
        .required_positional
        .iter()
        .chain(&sig.optional_positional)
        .chain(&sig.rest_positional);
    let positional = positional.map(|argument| argument.name.as_str());
    let flags = sig.named.iter().map(|flag| flag.long.as_str());
    let mut seen = HashSet::new();
    for name in positional.chain(flags.filter(|name| !name.is_empty())) {
        if name.is_empty() || name.starts_with('-') || name.contains(char::is_whitespace) {
            say(&format!(
                "has an argument or flag `{name}`, which is no word that can be typed"
            ));
        }
        if !seen.insert(name) {
            say(&format!("has the argument or flag `{name}` twice"));
        }
    }
    let mut seen = HashSet::new();
    for short in sig.named.iter().filter_map(|flag| flag.short) {
        if !seen.insert(short) {
            say(&format!("has the flag `-{short}` twice"));
        }
    }
}

fn has_odd_space(name: &str) -> bool {
    name.contains(|c: char| c.is_whitespace() && c != ' ')
}
