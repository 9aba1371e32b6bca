//! Reads what the completion of arguments asks and answers.

use super::types::ty;
use super::value::{opaque, span};
use crate::Opaque;
use crate::codec::reader::{Fields, Reader, Result};
use crate::nu::{Change, CompletionCall, CompletionTarget, DeclId, Suggestion, SuggestionKind};

/// A request for candidates.
pub(super) fn completion_call<'a, R: Reader<'a>>(r: &mut R) -> Result<CompletionCall> {
    const SHAPE: Fields = Fields::new("GetCompletion", &["name", "arg_type", "call"]);
    let (mut name, mut to_complete, mut parsed) = (None, None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => name = Some(r.string()?),
            1 => to_complete = Some(target(r)?),
            _ => parsed = Some(parsed_call(r)?),
        }
        Ok(())
    })?;
    let (call, strip, pos) = r.need(parsed, "call", &SHAPE)?;
    Ok(CompletionCall {
        name: r.need(name, "name", &SHAPE)?,
        target: r.need(to_complete, "arg_type", &SHAPE)?,
        call,
        strip,
        pos,
    })
}

fn target<'a, R: Reader<'a>>(r: &mut R) -> Result<CompletionTarget> {
    let tag = r.tag("{\"Flag\": name} or {\"Positional\": number}")?;
    tag.body(r)?;
    let target = match &*tag.name {
        "Flag" => CompletionTarget::Flag(r.string()?),
        "Positional" => CompletionTarget::Positional(r.unsigned()?),
        name => return r.unknown(name, "kind of argument"),
    };
    tag.close(r)?;
    Ok(target)
}

fn parsed_call<'a, R: Reader<'a>>(r: &mut R) -> Result<(Opaque, bool, u64)> {
    const SHAPE: Fields = Fields::new("a parsed call", &["call", "strip", "pos"]);
    let (mut call, mut strip, mut pos) = (None, false, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => call = Some(opaque(r)?),
            1 => strip = r.bool()?,
            _ => pos = Some(r.unsigned()?),
        }
        Ok(())
    })?;
    Ok((
        r.need(call, "call", &SHAPE)?,
        strip,
        r.need(pos, "pos", &SHAPE)?,
    ))
}

/// One candidate.
pub(super) fn suggestion<'a, R: Reader<'a>>(r: &mut R) -> Result<Suggestion> {
    const SHAPE: Fields = Fields {
        since: &[(1, Change::DisplayOverride)],
        ..Fields::new(
            "a suggestion",
            &[
                "value",
                "display_override",
                "description",
                "extra",
                "append_whitespace",
                "match_indices",
                "span",
                "kind",
            ],
        )
    };
    let mut suggestion = Suggestion {
        append_whitespace: true,
        ..Suggestion::default()
    };
    let mut value = None;
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => value = Some(r.string()?),
            1 => suggestion.display_override = r.option(R::string)?,
            2 => suggestion.description = r.option(R::string)?,
            3 => suggestion.extra = r.option(|r| r.list(R::string))?,
            4 => suggestion.append_whitespace = r.bool()?,
            5 => suggestion.match_indices = r.option(|r| r.list(R::unsigned))?,
            6 => suggestion.span = r.option(span)?,
            _ => suggestion.kind = r.option(kind)?,
        }
        Ok(())
    })?;
    suggestion.value = r.need(value, "value", &SHAPE)?;
    Ok(suggestion)
}

fn kind<'a, R: Reader<'a>>(r: &mut R) -> Result<SuggestionKind> {
    let tag = r.tag("a kind of suggestion")?;
    let kind = match &*tag.name {
        "Command" if tag.has_body() => command_kind(r)?,
        "Value" if tag.has_body() => SuggestionKind::Value(ty(r)?),
        name => {
            let kind = match name {
                "CellPath" => SuggestionKind::CellPath,
                "Directory" => SuggestionKind::Directory,
                "File" => SuggestionKind::File,
                "Flag" => SuggestionKind::Flag,
                "Module" => SuggestionKind::Module,
                "Operator" => SuggestionKind::Operator,
                "Variable" => SuggestionKind::Variable,
                name => return r.unknown(name, "kind of suggestion"),
            };
            tag.skip(r)?;
            kind
        }
    };
    tag.close(r)?;
    Ok(kind)
}

fn command_kind<'a, R: Reader<'a>>(r: &mut R) -> Result<SuggestionKind> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a command")?;
    let kind = r.string()?;
    let mut decl = None;
    if r.item(&mut cursor)? {
        decl = r.option(R::unsigned)?.map(DeclId);
        r.close(cursor)?;
    }
    Ok(SuggestionKind::Command(kind, decl))
}
