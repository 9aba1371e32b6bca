//! Writes what either side asks of the other.

use super::header::header;
use super::message::{number, one, text};
use super::types::operator;
use super::value::{casing, closure, custom, opaque, span, spanned, spanned_text, value, values};
use crate::codec::writer::{Result, Writer, unknown};
use crate::nu::{
    Call, CallDecl, Change, CompletionCall, CompletionTarget, CustomValueOp, EngineCall,
    EvalClosure, EvaluatedCall, Header,
};

pub(super) fn call<W: Writer>(w: &mut W, call: &Call) -> Result {
    match call {
        Call::Metadata => {
            w.require(Change::MetadataCall, "the call `Metadata`")?;
            w.text("Metadata");
            Ok(())
        }
        Call::Signature => {
            w.text("Signature");
            Ok(())
        }
        Call::Run(run) => one(w, "Run", |w| {
            w.map(3)?;
            w.key("name");
            w.text(&run.name);
            w.key("call");
            evaluated_call(w, &run.call)?;
            w.key("input");
            header(w, &run.input)?;
            w.end_map();
            Ok(())
        }),
        Call::Completion(call) => {
            w.require(Change::DynamicCompletion, "the call `GetCompletion`")?;
            one(w, "GetCompletion", |w| completion_call(w, call))
        }
        Call::CustomValueOp(subject, op) => one(w, "CustomValueOp", |w| {
            w.array(2)?;
            spanned(w, subject, |w, subject| custom(w, subject, false))?;
            custom_value_op(w, op)?;
            w.end_array();
            Ok(())
        }),
        Call::Unknown(name) => Err(unknown(name, "call")),
    }
}

fn completion_call<W: Writer>(w: &mut W, call: &CompletionCall) -> Result {
    w.map(3)?;
    w.key("name");
    w.text(&call.name);
    w.key("arg_type");
    match &call.target {
        CompletionTarget::Flag(name) => text(w, "Flag", name)?,
        CompletionTarget::Positional(index) => number(w, "Positional", *index)?,
    }
    w.key("call");
    w.map(3)?;
    w.key("call");
    opaque(w, &call.call)?;
    w.key("strip");
    w.bool(call.strip);
    w.key("pos");
    w.unsigned(call.pos);
    w.end_map();
    w.end_map();
    Ok(())
}

fn evaluated_call<W: Writer>(w: &mut W, call: &EvaluatedCall) -> Result {
    w.map(3)?;
    w.key("head");
    span(w, call.head)?;
    w.key("positional");
    values(w, &call.positional)?;
    w.key("named");
    w.list(&call.named, |w, (name, argument)| {
        w.array(2)?;
        spanned_text(w, name)?;
        w.option(argument.as_ref(), value)?;
        w.end_array();
        Ok(())
    })?;
    w.end_map();
    Ok(())
}

/// Up to 0.107 a path is followed without saying whether the item is optional or whether case matters.
fn custom_value_op<W: Writer>(w: &mut W, op: &CustomValueOp) -> Result {
    let with_options = w.has(Change::CustomPaths);
    match op {
        CustomValueOp::ToBaseValue => w.text("ToBaseValue"),
        CustomValueOp::FollowPathInt { index, optional } => one(w, "FollowPathInt", |w| {
            let step = |w: &mut W| {
                spanned(w, index, |w, index| {
                    w.unsigned(*index);
                    Ok(())
                })
            };
            if !with_options {
                return step(w);
            }
            w.map(2)?;
            w.key("index");
            step(w)?;
            w.key("optional");
            w.bool(*optional);
            w.end_map();
            Ok(())
        })?,
        CustomValueOp::FollowPathString {
            column,
            optional,
            insensitive,
        } => one(w, "FollowPathString", |w| {
            if !with_options {
                return spanned_text(w, column);
            }
            w.map(3)?;
            w.key("column_name");
            spanned_text(w, column)?;
            w.key("optional");
            w.bool(*optional);
            w.key("casing");
            casing(w, *insensitive);
            w.end_map();
            Ok(())
        })?,
        CustomValueOp::PartialCmp(other) => one(w, "PartialCmp", |w| value(w, other))?,
        CustomValueOp::Operation(sign, right) => one(w, "Operation", |w| {
            w.array(2)?;
            spanned(w, sign, |w, sign| operator(w, *sign))?;
            value(w, right)?;
            w.end_array();
            Ok(())
        })?,
        CustomValueOp::Save {
            path,
            save_call_span,
        } => {
            w.require(Change::CustomPaths, "saving custom values")?;
            one(w, "Save", |w| {
                w.map(2)?;
                w.key("path");
                spanned_text(w, path)?;
                w.key("save_call_span");
                span(w, *save_call_span)?;
                w.end_map();
                Ok(())
            })?;
        }
        CustomValueOp::Dropped => w.text("Dropped"),
        CustomValueOp::Unknown(name) => return Err(unknown(name, "custom value operation")),
    }
    Ok(())
}

pub(super) fn engine_call<W: Writer>(w: &mut W, call: &EngineCall) -> Result {
    let name = call.name();
    match call {
        EngineCall::FindDecl(_) | EngineCall::CallDecl(_) => {
            w.require(Change::Declarations, &format!("the engine call `{name}`"))?;
        }
        EngineCall::GetBlockIr(_) => {
            w.require(Change::BlockIr, "the engine call `GetBlockIR`")?;
        }
        EngineCall::Unknown(name) => return Err(unknown(name, "engine call")),
        _ => {}
    }
    match call {
        EngineCall::GetEnvVar(variable) => text(w, name, variable),
        EngineCall::AddEnvVar(variable, new) => one(w, name, |w| {
            w.array(2)?;
            w.text(variable);
            value(w, new)?;
            w.end_array();
            Ok(())
        }),
        EngineCall::GetSpanContents(place) => one(w, name, |w| span(w, *place)),
        EngineCall::EvalClosure(eval) => one(w, name, |w| eval_closure(w, eval)),
        EngineCall::FindDecl(command) => text(w, name, command),
        EngineCall::CallDecl(call) => one(w, name, |w| call_decl(w, call)),
        EngineCall::GetBlockIr(block) => number(w, name, *block),
        _ => {
            w.text(name);
            Ok(())
        }
    }
}

fn eval_closure<W: Writer>(w: &mut W, eval: &EvalClosure) -> Result {
    w.map(5)?;
    w.key("closure");
    spanned(w, &eval.closure, closure)?;
    w.key("positional");
    values(w, &eval.positional)?;
    redirected(w, &eval.input, eval.redirect_stdout, eval.redirect_stderr)
}

fn call_decl<W: Writer>(w: &mut W, call: &CallDecl) -> Result {
    w.map(5)?;
    w.key("decl_id");
    w.unsigned(call.decl_id.0);
    w.key("call");
    evaluated_call(w, &call.call)?;
    redirected(w, &call.input, call.redirect_stdout, call.redirect_stderr)
}

/// The last three fields, and the end, of what is run by the engine.
fn redirected<W: Writer>(w: &mut W, input: &Header, stdout: bool, stderr: bool) -> Result {
    w.key("input");
    header(w, input)?;
    w.key("redirect_stdout");
    w.bool(stdout);
    w.key("redirect_stderr");
    w.bool(stderr);
    w.end_map();
    Ok(())
}
