//! Rules about what a plugin says that it is.

use std::collections::BTreeSet;

use pegboard_protocol::nu::{Call, Change, Dialect, PluginSignature, Response};

use crate::conformance::nushell::stage::Stage;
use crate::conformance::play::{Played, Stop, broken};

pub(super) fn metadata(stage: &mut Stage) -> Played {
    if !stage.dialect()?.has(Change::MetadataCall) {
        let since = Dialect::since(Change::MetadataCall);
        let why = format!("its version has no such call; {since} has");
        return Err(Stop::NotApplicable(why));
    }
    stage.greet(|it| match it.ask(Call::Metadata)? {
        Response::Metadata(_) => Ok(()),
        Response::Error(error) => broken(format!("it answers with an error: {error}")),
        _ => broken("it answers with something else"),
    })
}

pub(super) fn signature(stage: &mut Stage) -> Played {
    stage.greet(|it| match it.ask(Call::Signature)? {
        Response::Signature(signatures) if signatures.is_empty() => broken("it has no commands"),
        Response::Signature(_) => Ok(()),
        Response::Error(error) => broken(format!("it answers with an error: {error}")),
        _ => broken("it answers with something else"),
    })
}

pub(super) fn command_names(stage: &mut Stage) -> Played {
    let mut seen = BTreeSet::new();
    for signature in stage.signatures()? {
        let name = &signature.sig.name;
        let words: Vec<&str> = name.split_whitespace().collect();
        if words.is_empty() || words.join(" ") != *name {
            return broken(format!(
                "the name `{name}` is not made of words with one space between them"
            ));
        }
        if !seen.insert(name) {
            return broken(format!("two commands are called `{name}`"));
        }
    }
    Ok(())
}

pub(super) fn argument_names(stage: &mut Stage) -> Played {
    each(stage, |PluginSignature { sig, .. }| {
        let mut seen = BTreeSet::new();
        let positional = sig
            .required_positional
            .iter()
            .chain(&sig.optional_positional);
        positional
            .chain(&sig.rest_positional)
            .find_map(|argument| match argument.name.trim() {
                "" => Some("an argument has no name".to_owned()),
                name if !seen.insert(name) => Some(format!("two arguments are called `{name}`")),
                _ => None,
            })
    })
}

pub(super) fn flags(stage: &mut Stage) -> Played {
    each(stage, |PluginSignature { sig, .. }| {
        let (mut long, mut short) = (BTreeSet::new(), BTreeSet::new());
        sig.named.iter().find_map(|flag| {
            let name = flag.long.as_str();
            if name.starts_with('-') || name.contains(char::is_whitespace) {
                return Some(format!(
                    "the flag `{name}` has dashes in front or spaces in it"
                ));
            }
            if name.is_empty() && flag.short.is_none() {
                return Some("a flag has neither a long nor a short name".to_owned());
            }
            if !name.is_empty() && !long.insert(name) {
                return Some(format!("two flags are called `--{name}`"));
            }
            match flag.short {
                Some(letter) if letter == '-' || letter.is_whitespace() => {
                    Some(format!("the short name of `--{name}` is `{letter}`"))
                }
                Some(letter) if !short.insert(letter) => {
                    Some(format!("two flags are called `-{letter}`"))
                }
                _ => None,
            }
        })
    })
}

pub(super) fn examples(stage: &mut Stage) -> Played {
    each(stage, |PluginSignature { sig, examples }| {
        let odd = examples.iter().find(|it| !it.example.contains(&sig.name));
        odd.map(|it| format!("the example `{}` does not use the command", it.example))
    })
}

/// Looks at every command, and tells of the first with which something is wrong.
fn each(stage: &Stage, wrong: impl Fn(&PluginSignature) -> Option<String>) -> Played {
    for signature in stage.signatures()? {
        if let Some(what) = wrong(signature) {
            return broken(format!("command `{}`: {what}", signature.sig.name));
        }
    }
    Ok(())
}
