//! Writes signatures of commands.
//!
//! Candidates for arguments were named by `custom_completion` in 0.107, and not at all before: where a version cannot
//! say who completes an argument, nobody is named.

use super::message::{number, one};
use super::types::{category, shape, ty};
use super::value::{opaque, value};
use crate::Value;
use crate::codec::writer::{Result, Writer};
use crate::nu::{
    Change, Completion, Flag, PluginSignature, PositionalArg, Signature, SignatureComplete,
};

pub(in crate::codec) fn signatures<W: Writer>(w: &mut W, signatures: &[PluginSignature]) -> Result {
    w.list(signatures, |w, command| {
        w.map(2)?;
        w.key("sig");
        signature(w, &command.sig)?;
        w.key("examples");
        w.list(&command.examples, |w, example| {
            w.map(3)?;
            w.key("example");
            w.text(&example.example);
            w.key("description");
            w.text(&example.description);
            w.key("result");
            w.option(example.result.as_ref(), value)?;
            w.end_map();
            Ok(())
        })?;
        w.end_map();
        Ok(())
    })
}

fn signature<W: Writer>(w: &mut W, sig: &Signature) -> Result {
    let (described, completes) = (w.has(Change::Descriptions), w.has(Change::Completions));
    w.map(14 + usize::from(completes))?;
    w.key("name");
    w.text(&sig.name);
    w.key(if described { "description" } else { "usage" });
    w.text(&sig.description);
    w.key(if described {
        "extra_description"
    } else {
        "extra_usage"
    });
    w.text(&sig.extra_description);
    w.key("search_terms");
    w.texts(&sig.search_terms)?;
    w.key("required_positional");
    w.list(&sig.required_positional, positional)?;
    w.key("optional_positional");
    w.list(&sig.optional_positional, positional)?;
    w.key("rest_positional");
    w.option(sig.rest_positional.as_ref(), positional)?;
    w.key("named");
    w.list(&sig.named, flag)?;
    w.key("input_output_types");
    w.list(&sig.input_output_types, |w, (input, output)| {
        w.array(2)?;
        ty(w, input)?;
        ty(w, output)?;
        w.end_array();
        Ok(())
    })?;
    for (key, set) in [
        (
            "allow_variants_without_examples",
            sig.allow_variants_without_examples,
        ),
        ("is_filter", sig.is_filter),
        ("creates_scope", sig.creates_scope),
        ("allows_unknown_args", sig.allows_unknown_args),
    ] {
        w.key(key);
        w.bool(set);
    }
    if completes {
        w.key("complete");
        w.option(sig.complete.as_ref(), |w, complete| match complete {
            SignatureComplete::External => {
                w.text("External");
                Ok(())
            }
            SignatureComplete::Command(command) => number(w, "Command", command.0),
        })?;
    }
    w.key("category");
    category(w, &sig.category)?;
    w.end_map();
    Ok(())
}

fn positional<W: Writer>(w: &mut W, arg: &PositionalArg) -> Result {
    w.map(5 + usize::from(w.has(Change::CustomCompletion)))?;
    w.key("name");
    w.text(&arg.name);
    w.key("desc");
    w.text(&arg.desc);
    w.key("shape");
    shape(w, &arg.shape)?;
    tail(
        w,
        arg.completion.as_ref(),
        arg.var_id,
        arg.default_value.as_ref(),
    )
}

fn flag<W: Writer>(w: &mut W, flag: &Flag) -> Result {
    w.map(7 + usize::from(w.has(Change::CustomCompletion)))?;
    w.key("long");
    w.text(&flag.long);
    w.key("short");
    w.option(flag.short, |w, short| {
        w.text(short.encode_utf8(&mut [0; 4]));
        Ok(())
    })?;
    w.key("arg");
    w.option(flag.arg.as_ref(), shape)?;
    w.key("required");
    w.bool(flag.required);
    w.key("desc");
    w.text(&flag.desc);
    tail(
        w,
        flag.completion.as_ref(),
        flag.var_id,
        flag.default_value.as_ref(),
    )
}

/// The fields that flags and positional arguments share, and the end.
fn tail<W: Writer>(
    w: &mut W,
    by: Option<&Completion>,
    var_id: Option<u64>,
    default_value: Option<&Value>,
) -> Result {
    let completes = w.has(Change::Completions);
    if completes {
        w.key("completion");
        // An engine that does not know its built-in completers by name falls back to its own choice.
        let by = by.filter(|by| {
            w.has(Change::BuiltinCompletions) || !matches!(by, Completion::Builtin(_))
        });
        w.option(by, completion)?;
    }
    w.key("var_id");
    w.option(var_id, |w, var_id| {
        w.unsigned(var_id);
        Ok(())
    })?;
    w.key("default_value");
    w.option(default_value, value)?;
    if !completes && w.has(Change::CustomCompletion) {
        w.key("custom_completion");
        match by {
            Some(Completion::Command(command)) => w.unsigned(command.0),
            _ => w.null(),
        }
    }
    w.end_map();
    Ok(())
}

fn completion<W: Writer>(w: &mut W, by: &Completion) -> Result {
    match by {
        Completion::List(words) => one(w, "List", |w| w.texts(words)),
        Completion::Command(command) => number(w, "Command", command.0),
        Completion::Builtin(of) => one(w, "Builtin", |w| opaque(w, of)),
    }
}
