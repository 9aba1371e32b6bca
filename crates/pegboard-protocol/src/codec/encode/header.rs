//! Writes headers of pipeline data, metadata, and stream items.
//!
//! Metadata that a version has no key for is left out. The data source `Ls`, removed in 0.113, and a single path column
//! `name`, new in 0.111, are the same thing in two forms: each is written as the other where only that one is read.

use super::value::{labeled_error, record, span, value, values};
use crate::Span;
use crate::codec::writer::{Result, Structs, Writer};
use crate::nu::{ByteStreamKind, Change, Header, Metadata, Origin, StreamId, StreamItem};

pub(super) fn header<W: Writer>(w: &mut W, header: &Header) -> Result {
    match header {
        Header::Empty => w.text("Empty"),
        Header::Value(single, about) => {
            w.tag("Value")?;
            if w.has(Change::HeaderMetadata) {
                w.array(2)?;
                value(w, single)?;
                w.option(about.as_deref(), metadata)?;
                w.end_array();
            } else {
                value(w, single)?;
            }
            w.end_map();
        }
        Header::ListStream {
            id,
            span: place,
            metadata,
        } => stream(w, "ListStream", (*id, *place), None, metadata.as_deref())?,
        Header::ByteStream {
            id,
            span: place,
            kind,
            metadata,
        } => {
            let kind = match kind {
                ByteStreamKind::Binary => "Binary",
                ByteStreamKind::String => "String",
                ByteStreamKind::Unknown => "Unknown",
            };
            stream(
                w,
                "ByteStream",
                (*id, *place),
                Some(kind),
                metadata.as_deref(),
            )?;
        }
    }
    Ok(())
}

fn stream<W: Writer>(
    w: &mut W,
    name: &str,
    (id, place): (StreamId, Span),
    kind: Option<&str>,
    about: Option<&Metadata>,
) -> Result {
    let has_metadata = w.has(Change::HeaderMetadata);
    w.tag(name)?;
    w.map(2 + usize::from(kind.is_some()) + usize::from(has_metadata))?;
    w.key("id");
    w.unsigned(id.0);
    w.key("span");
    span(w, place)?;
    if let Some(kind) = kind {
        w.key("type");
        w.text(kind);
    }
    if has_metadata {
        w.key("metadata");
        w.option(about, metadata)?;
    }
    w.end_map();
    w.end_map();
    Ok(())
}

fn metadata<W: Writer>(w: &mut W, metadata: &Metadata) -> Result {
    let (has_columns, has_custom) = (w.has(Change::PathColumns), w.has(Change::Completions));
    w.map(2 + usize::from(has_columns) + usize::from(has_custom))?;
    w.key("data_source");
    match &metadata.data_source {
        Origin::FilePath(path) => {
            w.tag("FilePath")?;
            w.text(path);
            w.end_map();
        }
        Origin::HtmlThemes => w.text("HtmlThemes"),
        Origin::Ls if !w.has(Change::NoLsSource) => w.text("Ls"),
        Origin::None if !has_columns && metadata.path_columns == ["name"] => w.text("Ls"),
        Origin::Ls | Origin::None => w.text("None"),
    }
    if has_columns {
        w.key("path_columns");
        let lists_files = metadata.data_source == Origin::Ls && w.has(Change::NoLsSource);
        if lists_files && metadata.path_columns.is_empty() {
            w.texts(&["name".to_owned()])?;
        } else {
            w.texts(&metadata.path_columns)?;
        }
    }
    w.option_text("content_type", metadata.content_type.as_deref());
    if has_custom {
        w.key("custom");
        record(w, &metadata.custom)?;
    }
    w.end_map();
    Ok(())
}

pub(super) fn stream_item<W: Writer>(w: &mut W, item: &StreamItem) -> Result {
    match item {
        StreamItem::List(item) => {
            w.tag("List")?;
            value(w, item)?;
        }
        StreamItem::Items(items) => {
            w.tag("Items")?;
            w.set_structs(Structs::Arrays);
            let written = values(w, items);
            w.set_structs(Structs::Maps);
            written?;
        }
        StreamItem::Raw(bytes) => {
            w.tag("Raw")?;
            w.tag("Ok")?;
            w.bytes(bytes);
            w.end_map();
        }
        StreamItem::RawError(error) => {
            w.tag("Raw")?;
            w.tag("Err")?;
            labeled_error(w, error)?;
            w.end_map();
        }
    }
    w.end_map();
    Ok(())
}
