//! Reads what either side asks of the other.

use super::completion::completion_call;
use super::header::header;
use super::types::operator;
use super::value::{bare_custom, casing, closure, span, spanned, value, values};
use crate::codec::reader::{Fields, Kind, Reader, Result, Tag};
use crate::nu::{
    Call, CallDecl, CustomValueOp, DeclId, EngineCall, EvalClosure, EvaluatedCall, Header, RunCall,
};
use crate::{CustomValue, Span, Spanned, Value};

/// What the engine asks of a plugin.
pub(super) fn call<'a, R: Reader<'a>>(r: &mut R) -> Result<Call> {
    let tag = r.tag("a call")?;
    let call = call_content(r, &tag).map_err(|error| error.inside(&*tag.name))?;
    tag.close(r)?;
    Ok(call)
}

fn call_content<'a, R: Reader<'a>>(r: &mut R, tag: &Tag<'a>) -> Result<Call> {
    let name = &*tag.name;
    if let "Run" | "GetCompletion" | "CustomValueOp" = name {
        tag.body(r)?;
    }
    Ok(match name {
        "Run" => Call::Run(Box::new(run(r)?)),
        "GetCompletion" => Call::Completion(Box::new(completion_call(r)?)),
        "CustomValueOp" => {
            let (custom, op) = custom_value_op(r)?;
            Call::CustomValueOp(Box::new(custom), op)
        }
        name => {
            tag.skip(r)?;
            match name {
                "Metadata" => Call::Metadata,
                "Signature" => Call::Signature,
                name => Call::Unknown(name.to_owned()),
            }
        }
    })
}

fn run<'a, R: Reader<'a>>(r: &mut R) -> Result<RunCall> {
    const SHAPE: Fields = Fields::new("Run", &["name", "call", "input"]);
    let (mut name, mut call, mut input) = (None, None, Header::Empty);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => name = Some(r.string()?),
            1 => call = Some(evaluated_call(r)?),
            _ => input = header(r)?,
        }
        Ok(())
    })?;
    Ok(RunCall {
        name: r.need(name, "name", &SHAPE)?,
        call: r.need(call, "call", &SHAPE)?,
        input,
    })
}

fn evaluated_call<'a, R: Reader<'a>>(r: &mut R) -> Result<EvaluatedCall> {
    const SHAPE: Fields = Fields::new("a command's arguments", &["head", "positional", "named"]);
    let (mut head, mut positional, mut named) = (None, Vec::new(), Vec::new());
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => head = Some(span(r)?),
            1 => positional = values(r)?,
            _ => named = r.list(named_argument)?,
        }
        Ok(())
    })?;
    let head = r.need(head, "head", &SHAPE)?;
    let named = named
        .into_iter()
        .map(|(name, value)| {
            // A name without a place gets that of the command.
            let (item, place) = name;
            (Spanned::new(item, place.unwrap_or(head)), value)
        })
        .collect();
    Ok(EvaluatedCall {
        head,
        positional,
        named,
    })
}

type NamedArgument = ((String, Option<Span>), Option<Value>);

fn named_argument<'a, R: Reader<'a>>(r: &mut R) -> Result<NamedArgument> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a named argument")?;
    let name = if r.kind()? == Kind::Text {
        (r.string()?, None)
    } else {
        let name = spanned(r, R::string)?;
        (name.item, Some(name.span))
    };
    let mut argument = None;
    if r.item(&mut cursor)? {
        argument = r.option(value)?;
        r.close(cursor)?;
    }
    Ok((name, argument))
}

fn custom_value_op<'a, R: Reader<'a>>(r: &mut R) -> Result<(Spanned<CustomValue>, CustomValueOp)> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "an operation on a custom value")?;
    let custom = spanned(r, bare_custom)?;
    r.next(&mut cursor, "an operation on a custom value")?;
    let tag = r.tag("an operation on a custom value")?;
    let op = op_content(r, &tag).map_err(|error| error.inside(&*tag.name))?;
    tag.close(r)?;
    r.close(cursor)?;
    Ok((custom, op))
}

fn op_content<'a, R: Reader<'a>>(r: &mut R, tag: &Tag<'a>) -> Result<CustomValueOp> {
    let name = &*tag.name;
    if let "FollowPathInt" | "FollowPathString" | "PartialCmp" | "Operation" | "Save" = name {
        tag.body(r)?;
    }
    Ok(match name {
        "FollowPathInt" => {
            let (index, optional, _) = follow_path(r, &FOLLOW_INT, R::unsigned)?;
            CustomValueOp::FollowPathInt { index, optional }
        }
        "FollowPathString" => {
            let (column, optional, insensitive) = follow_path(r, &FOLLOW_STRING, R::string)?;
            CustomValueOp::FollowPathString {
                column,
                optional,
                insensitive,
            }
        }
        "PartialCmp" => CustomValueOp::PartialCmp(value(r)?),
        "Operation" => operation(r)?,
        "Save" => save(r)?,
        name => {
            tag.skip(r)?;
            match name {
                "ToBaseValue" => CustomValueOp::ToBaseValue,
                "Dropped" => CustomValueOp::Dropped,
                name => CustomValueOp::Unknown(name.to_owned()),
            }
        }
    })
}

const FOLLOW_INT: Fields = Fields {
    name: "FollowPathInt",
    keys: &["index", "optional"],
    // Up to 0.107 it was the bare item with its span.
    also: &[("item", 3), ("span", 4)],
    since: &[],
};
const FOLLOW_STRING: Fields = Fields {
    name: "FollowPathString",
    keys: &["column_name", "optional", "casing"],
    also: &[("item", 3), ("span", 4)],
    since: &[],
};

fn follow_path<'a, R: Reader<'a>, T>(
    r: &mut R,
    shape: &Fields,
    read: fn(&mut R) -> Result<T>,
) -> Result<(Spanned<T>, bool, bool)> {
    let (mut step, mut item, mut place) = (None, None, None);
    let (mut optional, mut insensitive) = (false, false);
    r.fields(shape, |r, index| {
        match index {
            0 => match r.kind()? {
                // The old form as an array.
                Kind::Number | Kind::Text => item = Some(read(r)?),
                _ => step = Some(spanned(r, read)?),
            },
            1 => match r.kind()? {
                Kind::Bool => optional = r.bool()?,
                _ => place = Some(span(r)?),
            },
            2 => insensitive = casing(r)?,
            3 => item = Some(read(r)?),
            _ => place = Some(span(r)?),
        }
        Ok(())
    })?;
    let step = match (step, item) {
        (Some(step), _) => step,
        (None, Some(item)) => Spanned {
            item,
            span: r.need(place, "span", shape)?,
        },
        (None, None) => r.need(None, shape.keys[0], shape)?,
    };
    Ok((step, optional, insensitive))
}

fn operation<'a, R: Reader<'a>>(r: &mut R) -> Result<CustomValueOp> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "an operation")?;
    let operator = spanned(r, operator)?;
    r.next(&mut cursor, "an operation")?;
    let right = value(r)?;
    r.close(cursor)?;
    Ok(CustomValueOp::Operation(operator, right))
}

fn save<'a, R: Reader<'a>>(r: &mut R) -> Result<CustomValueOp> {
    const SHAPE: Fields = Fields::new("Save", &["path", "save_call_span"]);
    let (mut path, mut place) = (None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => path = Some(spanned(r, R::string)?),
            _ => place = Some(span(r)?),
        }
        Ok(())
    })?;
    Ok(CustomValueOp::Save {
        path: r.need(path, "path", &SHAPE)?,
        save_call_span: r.need(place, "save_call_span", &SHAPE)?,
    })
}

/// What a plugin asks of the engine.
pub(super) fn engine_call<'a, R: Reader<'a>>(r: &mut R) -> Result<EngineCall> {
    let tag = r.tag("an engine call")?;
    let call = engine_call_content(r, &tag).map_err(|error| error.inside(&*tag.name))?;
    tag.close(r)?;
    Ok(call)
}

fn engine_call_content<'a, R: Reader<'a>>(r: &mut R, tag: &Tag<'a>) -> Result<EngineCall> {
    let name = &*tag.name;
    if let "GetEnvVar" | "AddEnvVar" | "GetSpanContents" | "EvalClosure" | "FindDecl" | "CallDecl"
    | "GetBlockIR" = name
    {
        tag.body(r)?;
    }
    Ok(match name {
        "GetEnvVar" => EngineCall::GetEnvVar(r.string()?),
        "AddEnvVar" => add_env_var(r)?,
        "GetSpanContents" => EngineCall::GetSpanContents(span(r)?),
        "EvalClosure" => EngineCall::EvalClosure(Box::new(eval_closure(r)?)),
        "FindDecl" => EngineCall::FindDecl(r.string()?),
        "CallDecl" => EngineCall::CallDecl(Box::new(call_decl(r)?)),
        "GetBlockIR" => EngineCall::GetBlockIr(r.unsigned()?),
        name => {
            tag.skip(r)?;
            match name {
                "GetConfig" => EngineCall::GetConfig,
                "GetPluginConfig" => EngineCall::GetPluginConfig,
                "GetEnvVars" => EngineCall::GetEnvVars,
                "GetCurrentDir" => EngineCall::GetCurrentDir,
                "GetHelp" => EngineCall::GetHelp,
                "EnterForeground" => EngineCall::EnterForeground,
                "LeaveForeground" => EngineCall::LeaveForeground,
                name => EngineCall::Unknown(name.to_owned()),
            }
        }
    })
}

fn add_env_var<'a, R: Reader<'a>>(r: &mut R) -> Result<EngineCall> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "AddEnvVar")?;
    let name = r.string()?;
    r.next(&mut cursor, "AddEnvVar")?;
    let value = value(r)?;
    r.close(cursor)?;
    Ok(EngineCall::AddEnvVar(name, value))
}

fn eval_closure<'a, R: Reader<'a>>(r: &mut R) -> Result<EvalClosure> {
    const SHAPE: Fields = Fields::new(
        "EvalClosure",
        &[
            "closure",
            "positional",
            "input",
            "redirect_stdout",
            "redirect_stderr",
        ],
    );
    let (mut block, mut positional, mut input) = (None, Vec::new(), Header::Empty);
    let (mut redirect_stdout, mut redirect_stderr) = (false, false);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => block = Some(spanned(r, closure)?),
            1 => positional = values(r)?,
            2 => input = header(r)?,
            3 => redirect_stdout = r.bool()?,
            _ => redirect_stderr = r.bool()?,
        }
        Ok(())
    })?;
    Ok(EvalClosure {
        closure: r.need(block, "closure", &SHAPE)?,
        positional,
        input,
        redirect_stdout,
        redirect_stderr,
    })
}

fn call_decl<'a, R: Reader<'a>>(r: &mut R) -> Result<CallDecl> {
    const SHAPE: Fields = Fields::new(
        "CallDecl",
        &[
            "decl_id",
            "call",
            "input",
            "redirect_stdout",
            "redirect_stderr",
        ],
    );
    let (mut decl_id, mut call, mut input) = (None, None, Header::Empty);
    let (mut redirect_stdout, mut redirect_stderr) = (false, false);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => decl_id = Some(DeclId(r.unsigned()?)),
            1 => call = Some(evaluated_call(r)?),
            2 => input = header(r)?,
            3 => redirect_stdout = r.bool()?,
            _ => redirect_stderr = r.bool()?,
        }
        Ok(())
    })?;
    Ok(CallDecl {
        decl_id: r.need(decl_id, "decl_id", &SHAPE)?,
        call: r.need(call, "call", &SHAPE)?,
        input,
        redirect_stdout,
        redirect_stderr,
    })
}
