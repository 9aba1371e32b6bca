//! Reads signatures of commands.

use super::types::{category, shape, ty};
use super::value::{opaque, value};
use crate::codec::DecodeErrorKind::BadValue;
use crate::codec::reader::{Fields, Reader, Result};
use crate::nu::{
    Change, Completion, DeclId, Example, Flag, PluginSignature, PositionalArg, Signature,
    SignatureComplete, Type,
};

/// The commands of a plugin.
pub(in crate::codec) fn signatures<'a, R: Reader<'a>>(r: &mut R) -> Result<Vec<PluginSignature>> {
    r.list(plugin_signature)
}

fn plugin_signature<'a, R: Reader<'a>>(r: &mut R) -> Result<PluginSignature> {
    const SHAPE: Fields = Fields::new("a command", &["sig", "examples"]);
    let (mut sig, mut examples) = (None, Vec::new());
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => sig = Some(signature(r)?),
            _ => examples = r.or_default(|r| r.list(example))?,
        }
        Ok(())
    })?;
    Ok(PluginSignature {
        sig: r.need(sig, "sig", &SHAPE)?,
        examples,
    })
}

fn signature<'a, R: Reader<'a>>(r: &mut R) -> Result<Signature> {
    const SHAPE: Fields = Fields {
        name: "a signature",
        keys: &[
            "name",
            "description",
            "extra_description",
            "search_terms",
            "required_positional",
            "optional_positional",
            "rest_positional",
            "named",
            "input_output_types",
            "allow_variants_without_examples",
            "is_filter",
            "creates_scope",
            "allows_unknown_args",
            "complete",
            "category",
        ],
        // Up to 0.97.
        also: &[("usage", 1), ("extra_usage", 2)],
        since: &[(13, Change::Completions)],
    };
    let mut sig = Signature::default();
    let mut name = None;
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => name = Some(r.string()?),
            1 => sig.description = r.or_default(R::string)?,
            2 => sig.extra_description = r.or_default(R::string)?,
            3 => sig.search_terms = r.or_default(|r| r.list(R::string))?,
            4 => sig.required_positional = r.or_default(|r| r.list(positional))?,
            5 => sig.optional_positional = r.or_default(|r| r.list(positional))?,
            6 => sig.rest_positional = r.option(positional)?,
            7 => sig.named = r.or_default(|r| r.list(flag))?,
            8 => sig.input_output_types = r.or_default(|r| r.list(type_pair))?,
            9 => sig.allow_variants_without_examples = r.or_default(R::bool)?,
            10 => sig.is_filter = r.or_default(R::bool)?,
            11 => sig.creates_scope = r.or_default(R::bool)?,
            12 => sig.allows_unknown_args = r.or_default(R::bool)?,
            13 => sig.complete = r.option(signature_complete)?,
            _ => sig.category = r.or_default(category)?,
        }
        Ok(())
    })?;
    sig.name = r.need(name, "name", &SHAPE)?;
    Ok(sig)
}

fn type_pair<'a, R: Reader<'a>>(r: &mut R) -> Result<(Type, Type)> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a pair of types")?;
    let input = ty(r)?;
    r.next(&mut cursor, "a pair of types")?;
    let output = ty(r)?;
    r.close(cursor)?;
    Ok((input, output))
}

fn positional<'a, R: Reader<'a>>(r: &mut R) -> Result<PositionalArg> {
    const SHAPE: Fields = Fields {
        name: "a positional argument",
        keys: &[
            "name",
            "desc",
            "shape",
            "completion",
            "var_id",
            "default_value",
        ],
        // 0.107 only.
        also: &[("custom_completion", 6)],
        since: &[(3, Change::Completions)],
    };
    let mut arg = PositionalArg::default();
    let mut name = None;
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => name = Some(r.string()?),
            1 => arg.desc = r.or_default(R::string)?,
            2 => arg.shape = r.or_default(shape)?,
            3 => arg.completion = r.option(completion)?,
            4 => arg.var_id = r.option(R::unsigned)?,
            5 => arg.default_value = r.option(value)?,
            _ => {
                if let Some(command) = r.option(R::unsigned)? {
                    arg.completion = Some(Completion::Command(DeclId(command)));
                }
            }
        }
        Ok(())
    })?;
    arg.name = r.need(name, "name", &SHAPE)?;
    Ok(arg)
}

fn flag<'a, R: Reader<'a>>(r: &mut R) -> Result<Flag> {
    const SHAPE: Fields = Fields {
        name: "a flag",
        keys: &[
            "long",
            "short",
            "arg",
            "required",
            "desc",
            "completion",
            "var_id",
            "default_value",
        ],
        also: &[("custom_completion", 8)],
        since: &[(5, Change::Completions)],
    };
    let mut flag = Flag::default();
    let mut long = None;
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => long = Some(r.or_default(R::string)?),
            1 => flag.short = r.option(short)?.flatten(),
            2 => flag.arg = r.option(shape)?,
            3 => flag.required = r.or_default(R::bool)?,
            4 => flag.desc = r.or_default(R::string)?,
            5 => flag.completion = r.option(completion)?,
            6 => flag.var_id = r.option(R::unsigned)?,
            7 => flag.default_value = r.option(value)?,
            _ => {
                if let Some(command) = r.option(R::unsigned)? {
                    flag.completion = Some(Completion::Command(DeclId(command)));
                }
            }
        }
        Ok(())
    })?;
    flag.long = r.need(long, "long", &SHAPE)?;
    Ok(flag)
}

fn short<'a, R: Reader<'a>>(r: &mut R) -> Result<Option<char>> {
    let text = r.text()?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (short, None) => Ok(short),
        _ => r.fail(
            BadValue,
            format!("the short name of a flag is one character, not `{text}`"),
        ),
    }
}

fn completion<'a, R: Reader<'a>>(r: &mut R) -> Result<Completion> {
    let tag = r.tag("a completion")?;
    tag.body(r)?;
    let completion = match &*tag.name {
        "List" => Completion::List(r.list(R::string)?),
        "Command" => Completion::Command(DeclId(r.unsigned()?)),
        "Builtin" => Completion::Builtin(opaque(r)?),
        name => return r.unknown(name, "completion"),
    };
    tag.close(r)?;
    Ok(completion)
}

fn signature_complete<'a, R: Reader<'a>>(r: &mut R) -> Result<SignatureComplete> {
    let tag = r.tag("a completer")?;
    let complete = match &*tag.name {
        "Command" if tag.has_body() => SignatureComplete::Command(DeclId(r.unsigned()?)),
        "External" => {
            tag.skip(r)?;
            SignatureComplete::External
        }
        name => return r.unknown(name, "completer"),
    };
    tag.close(r)?;
    Ok(complete)
}

fn example<'a, R: Reader<'a>>(r: &mut R) -> Result<Example> {
    const SHAPE: Fields = Fields::new("an example", &["example", "description", "result"]);
    let mut example = Example::default();
    let mut line = None;
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => line = Some(r.string()?),
            1 => example.description = r.or_default(R::string)?,
            _ => example.result = r.option(value)?,
        }
        Ok(())
    })?;
    example.example = r.need(line, "example", &SHAPE)?;
    Ok(example)
}
