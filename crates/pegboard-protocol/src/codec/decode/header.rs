//! Reads headers of pipeline data, metadata, and stream items.

use super::value::{boxed_error, record, span, value, values};
use crate::codec::DecodeErrorKind::TooOld;
use crate::codec::reader::{Fields, Kind, Reader, Result, Tag};
use crate::nu::{ByteStreamKind, Change, Header, Metadata, Origin, StreamId, StreamItem};

/// A header.
pub(super) fn header<'a, R: Reader<'a>>(r: &mut R) -> Result<Header> {
    let tag = r.tag(
        "a header: \"Empty\" or {\"Value\": ...}, {\"ListStream\": ...}, {\"ByteStream\": ...}",
    )?;
    match variant(r, &tag) {
        Some(header) => {
            let header = header.map_err(|error| error.inside(&*tag.name))?;
            tag.close(r)?;
            Ok(header)
        }
        None => r.unknown(&tag.name, "header"),
    }
}

/// The header whose variant has just been read; none if it is not one of a header.
pub(super) fn variant<'a, R: Reader<'a>>(r: &mut R, tag: &Tag<'a>) -> Option<Result<Header>> {
    Some(match &*tag.name {
        "Empty" => tag.skip(r).map(|()| Header::Empty),
        "Value" => tag.body(r).and_then(|()| single(r)),
        "ListStream" => tag.body(r).and_then(|()| list_stream(r)),
        "ByteStream" => tag.body(r).and_then(|()| byte_stream(r)),
        "ExternalStream" => r.fail(
            TooOld,
            "`ExternalStream` is the form of Nushell 0.93 and before, which is not supported: \
             rebuild the plugin with 0.94 or newer",
        ),
        _ => return None,
    })
}

/// A value alone, in an array, or in an array with metadata.
fn single<'a, R: Reader<'a>>(r: &mut R) -> Result<Header> {
    if r.kind()? != Kind::Array {
        return Ok(Header::Value(value(r)?, None));
    }
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a value")?;
    let value = value(r)?;
    let mut about = None;
    if r.item(&mut cursor)? {
        about = r.option(metadata)?;
        r.close(cursor)?;
    }
    Ok(Header::Value(value, about))
}

fn list_stream<'a, R: Reader<'a>>(r: &mut R) -> Result<Header> {
    const SHAPE: Fields = Fields::new("ListStream", &["id", "span", "metadata"]);
    let (mut id, mut place, mut about) = (None, None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => id = Some(StreamId(r.unsigned()?)),
            1 => place = Some(span(r)?),
            _ => about = r.option(metadata)?,
        }
        Ok(())
    })?;
    Ok(Header::ListStream {
        id: r.need(id, "id", &SHAPE)?,
        span: place.unwrap_or_default(),
        metadata: about,
    })
}

fn byte_stream<'a, R: Reader<'a>>(r: &mut R) -> Result<Header> {
    const SHAPE: Fields = Fields::new("ByteStream", &["id", "span", "type", "metadata"]);
    let (mut id, mut place, mut kind, mut about) = (None, None, ByteStreamKind::Unknown, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => id = Some(StreamId(r.unsigned()?)),
            1 => place = Some(span(r)?),
            2 => kind = byte_stream_kind(r)?,
            _ => about = r.option(metadata)?,
        }
        Ok(())
    })?;
    Ok(Header::ByteStream {
        id: r.need(id, "id", &SHAPE)?,
        span: place.unwrap_or_default(),
        kind,
        metadata: about,
    })
}

fn byte_stream_kind<'a, R: Reader<'a>>(r: &mut R) -> Result<ByteStreamKind> {
    let tag = r.tag("Binary, String or Unknown")?;
    let kind = match &*tag.name {
        "Binary" => ByteStreamKind::Binary,
        "String" => ByteStreamKind::String,
        "Unknown" => ByteStreamKind::Unknown,
        name => return r.unknown(name, "type of a byte stream"),
    };
    tag.skip(r)?;
    tag.close(r)?;
    Ok(kind)
}

/// Metadata of any version.
fn metadata<'a, R: Reader<'a>>(r: &mut R) -> Result<Box<Metadata>> {
    const SHAPE: Fields = Fields {
        since: &[(1, Change::PathColumns), (3, Change::Completions)],
        ..Fields::new(
            "metadata",
            &["data_source", "path_columns", "content_type", "custom"],
        )
    };
    let mut metadata = Box::<Metadata>::default();
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => metadata.data_source = r.or_default(data_source)?,
            1 => metadata.path_columns = r.or_default(|r| r.list(R::string))?,
            2 => metadata.content_type = r.option(R::string)?,
            _ => metadata.custom = r.or_default(record)?,
        }
        Ok(())
    })?;
    Ok(metadata)
}

fn data_source<'a, R: Reader<'a>>(r: &mut R) -> Result<Origin> {
    let tag = r.tag("a data source")?;
    let source = match &*tag.name {
        "FilePath" if tag.has_body() => Origin::FilePath(r.string()?),
        name => {
            tag.skip(r)?;
            match name {
                "Ls" => Origin::Ls,
                "HtmlThemes" => Origin::HtmlThemes,
                _ => Origin::None,
            }
        }
    };
    tag.close(r)?;
    Ok(source)
}

/// One item of a stream.
pub(super) fn stream_item<'a, R: Reader<'a>>(r: &mut R) -> Result<StreamItem> {
    let tag = r.tag("a stream item: {\"List\": ...} or {\"Raw\": ...}")?;
    tag.body(r)?;
    let item = match &*tag.name {
        "List" => value(r).map(StreamItem::List),
        "Items" => values(r).map(StreamItem::Items),
        "Raw" => raw(r),
        name => return r.unknown(name, "kind of stream item"),
    };
    let item = item.map_err(|error| error.inside(&*tag.name))?;
    tag.close(r)?;
    Ok(item)
}

fn raw<'a, R: Reader<'a>>(r: &mut R) -> Result<StreamItem> {
    let tag = r.tag("{\"Ok\": bytes} or {\"Err\": error}")?;
    tag.body(r)?;
    let item = match &*tag.name {
        "Ok" => r.bytes().map(StreamItem::Raw),
        "Err" => boxed_error(r).map(StreamItem::RawError),
        name => return r.unknown(name, "chunk of a byte stream"),
    };
    let item = item.map_err(|error| error.inside(&*tag.name))?;
    tag.close(r)?;
    Ok(item)
}
