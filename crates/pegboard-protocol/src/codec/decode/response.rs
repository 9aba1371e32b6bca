//! Reads what either side answers.

use super::completion::suggestion;
use super::header::{header, variant};
use super::signature::signatures;
use super::value::{boxed_error, opaque, value};
use crate::Value;
use crate::codec::reader::{Fields, Reader, Result, Tag};
use crate::nu::{DeclId, EngineResponse, Ordering, PluginMetadata, Response};

/// What a plugin answers to a call. A header may stand there without its `PipelineData`.
pub(super) fn response<'a, R: Reader<'a>>(r: &mut R) -> Result<Response> {
    let tag = r.tag("a response")?;
    let response = response_content(r, &tag).map_err(|error| error.inside(&*tag.name))?;
    tag.close(r)?;
    Ok(response)
}

fn response_content<'a, R: Reader<'a>>(r: &mut R, tag: &Tag<'a>) -> Result<Response> {
    if let Some(header) = variant(r, tag) {
        return header.map(Response::Data);
    }
    let name = &*tag.name;
    match name {
        "Ok" => {
            tag.skip(r)?;
            return Ok(Response::Ok);
        }
        "Error" | "Metadata" | "Signature" | "Ordering" | "CompletionItems" | "PipelineData" => {
            tag.body(r)?;
        }
        name => return r.unknown(name, "response"),
    }
    Ok(match name {
        "Error" => Response::Error(boxed_error(r)?),
        "Metadata" => Response::Metadata(r.or_default(plugin_metadata)?),
        "Signature" => Response::Signature(signatures(r)?),
        "Ordering" => Response::Ordering(r.option(ordering)?),
        "CompletionItems" => Response::Completions(r.option(|r| r.list(suggestion))?),
        _ => Response::Data(header(r)?),
    })
}

pub(super) fn plugin_metadata<'a, R: Reader<'a>>(r: &mut R) -> Result<PluginMetadata> {
    const SHAPE: Fields = Fields::new("Metadata", &["version"]);
    let mut metadata = PluginMetadata::default();
    r.fields(&SHAPE, |r, _| {
        metadata.version = r.option(R::string)?;
        Ok(())
    })?;
    Ok(metadata)
}

fn ordering<'a, R: Reader<'a>>(r: &mut R) -> Result<Ordering> {
    let tag = r.tag("Less, Equal or Greater")?;
    let ordering = match &*tag.name {
        "Less" => Ordering::Less,
        "Equal" => Ordering::Equal,
        "Greater" => Ordering::Greater,
        name => return r.unknown(name, "ordering"),
    };
    tag.skip(r)?;
    tag.close(r)?;
    Ok(ordering)
}

/// What the engine answers to an engine call. A header may stand there without its `PipelineData`.
pub(super) fn engine_response<'a, R: Reader<'a>>(r: &mut R) -> Result<EngineResponse> {
    let tag = r.tag("a response")?;
    let response = engine_content(r, &tag).map_err(|error| error.inside(&*tag.name))?;
    tag.close(r)?;
    Ok(response)
}

fn engine_content<'a, R: Reader<'a>>(r: &mut R, tag: &Tag<'a>) -> Result<EngineResponse> {
    if let Some(header) = variant(r, tag) {
        return header.map(EngineResponse::Data);
    }
    let name = &*tag.name;
    match name {
        "Error" | "PipelineData" | "Config" | "ValueMap" | "Identifier" | "IrBlock" => {
            tag.body(r)?;
        }
        name => return r.unknown(name, "response"),
    }
    Ok(match name {
        "Error" => EngineResponse::Error(boxed_error(r)?),
        "PipelineData" => EngineResponse::Data(header(r)?),
        "Config" => EngineResponse::Config(Box::new(opaque(r)?)),
        "ValueMap" => EngineResponse::ValueMap(value_map(r)?),
        "Identifier" => EngineResponse::Identifier(DeclId(r.unsigned()?)),
        _ => EngineResponse::IrBlock(Box::new(opaque(r)?)),
    })
}

fn value_map<'a, R: Reader<'a>>(r: &mut R) -> Result<Vec<(String, Value)>> {
    let mut cursor = r.map()?;
    let mut values = Vec::with_capacity(cursor.left.min(1024));
    while let Some(key) = r.key(&mut cursor)? {
        match value(r) {
            Ok(value) => values.push((key.into_owned(), value)),
            Err(error) => return Err(error.inside(key)),
        }
    }
    Ok(values)
}
