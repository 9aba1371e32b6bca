//! Writes what either side answers.

use super::header::header;
use super::message::{number, one};
use super::signature::signatures;
use super::types::ty;
use super::value::{labeled_error, opaque, span, value};
use crate::codec::writer::{Result, Writer};
use crate::nu::{Change, EngineResponse, Ordering, Response, Suggestion, SuggestionKind};

pub(super) fn response<W: Writer>(w: &mut W, response: &Response) -> Result {
    match response {
        Response::Ok => {
            w.require(Change::CustomPaths, "the response `Ok`")?;
            w.text("Ok");
            Ok(())
        }
        Response::Error(error) => one(w, "Error", |w| labeled_error(w, error)),
        Response::Metadata(metadata) => {
            w.require(Change::MetadataCall, "the response `Metadata`")?;
            one(w, "Metadata", |w| {
                w.map(1)?;
                w.option_text("version", metadata.version.as_deref());
                w.end_map();
                Ok(())
            })
        }
        Response::Signature(commands) => one(w, "Signature", |w| signatures(w, commands)),
        Response::Ordering(ordering) => one(w, "Ordering", |w| {
            match ordering {
                None => w.null(),
                Some(Ordering::Less) => w.text("Less"),
                Some(Ordering::Equal) => w.text("Equal"),
                Some(Ordering::Greater) => w.text("Greater"),
            }
            Ok(())
        }),
        Response::Completions(candidates) => {
            w.require(Change::DynamicCompletion, "the response `CompletionItems`")?;
            one(w, "CompletionItems", |w| {
                w.option(candidates.as_deref(), |w, candidates| {
                    w.list(candidates, suggestion)
                })
            })
        }
        Response::Data(data) => one(w, "PipelineData", |w| header(w, data)),
    }
}

fn suggestion<W: Writer>(w: &mut W, suggestion: &Suggestion) -> Result {
    let has_override = w.has(Change::DisplayOverride);
    w.map(7 + usize::from(has_override))?;
    w.key("value");
    w.text(&suggestion.value);
    if has_override {
        w.option_text("display_override", suggestion.display_override.as_deref());
    }
    w.option_text("description", suggestion.description.as_deref());
    w.key("extra");
    w.option(suggestion.extra.as_deref(), |w, lines| w.texts(lines))?;
    w.key("append_whitespace");
    w.bool(suggestion.append_whitespace);
    w.key("match_indices");
    w.option(suggestion.match_indices.as_deref(), |w, indices| {
        w.list(indices, |w, index| {
            w.unsigned(*index);
            Ok(())
        })
    })?;
    w.key("span");
    w.option(suggestion.span, span)?;
    w.key("kind");
    w.option(suggestion.kind.as_ref(), kind)?;
    w.end_map();
    Ok(())
}

fn kind<W: Writer>(w: &mut W, kind: &SuggestionKind) -> Result {
    let name = match kind {
        SuggestionKind::Command(name, command) => {
            return one(w, "Command", |w| {
                w.array(2)?;
                w.text(name);
                w.option(*command, |w, command| {
                    w.unsigned(command.0);
                    Ok(())
                })?;
                w.end_array();
                Ok(())
            });
        }
        SuggestionKind::Value(of) => return one(w, "Value", |w| ty(w, of)),
        SuggestionKind::CellPath => "CellPath",
        SuggestionKind::Directory => "Directory",
        SuggestionKind::File => "File",
        SuggestionKind::Flag => "Flag",
        SuggestionKind::Module => "Module",
        SuggestionKind::Operator => "Operator",
        SuggestionKind::Variable => "Variable",
    };
    w.text(name);
    Ok(())
}

pub(super) fn engine_response<W: Writer>(w: &mut W, response: &EngineResponse) -> Result {
    match response {
        EngineResponse::Error(error) => one(w, "Error", |w| labeled_error(w, error)),
        EngineResponse::Data(data) => one(w, "PipelineData", |w| header(w, data)),
        EngineResponse::Config(config) => one(w, "Config", |w| opaque(w, config)),
        EngineResponse::ValueMap(variables) => one(w, "ValueMap", |w| {
            w.map(variables.len())?;
            for (name, of) in variables {
                w.key(name);
                value(w, of)?;
            }
            w.end_map();
            Ok(())
        }),
        EngineResponse::Identifier(command) => {
            w.require(Change::Declarations, "the response `Identifier`")?;
            number(w, "Identifier", command.0)
        }
        EngineResponse::IrBlock(block) => {
            w.require(Change::BlockIr, "the response `IrBlock`")?;
            one(w, "IrBlock", |w| opaque(w, block))
        }
    }
}
