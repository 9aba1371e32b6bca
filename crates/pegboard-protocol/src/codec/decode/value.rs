//! Reads values and their parts.

use std::collections::HashSet;

use chrono::{DateTime, FixedOffset};

use crate::codec::DecodeErrorKind::{BadValue, UnknownVariant};
use crate::codec::reader::{Fields, Kind, Reader, Result};
use crate::{
    Bound, CellPath, Closure, CustomValue, ErrorLabel, Glob, LabeledError, Opaque, Owner,
    PathMember, Range, Record, Span, Spanned, Value,
};

/// A value.
pub(in crate::codec) fn value<'a, R: Reader<'a>>(r: &mut R) -> Result<Value> {
    match r.quick_value() {
        Some(value) => Ok(value),
        None => any_value(r),
    }
}

fn any_value<'a, R: Reader<'a>>(r: &mut R) -> Result<Value> {
    let tag =
        r.tag("a value, such as {\"Int\": {\"val\": 1, \"span\": {\"start\": 0, \"end\": 0}}}")?;
    let value = match &*tag.name {
        _ if !tag.has_body() => {
            tag.body(r)?;
            return r.unknown(&tag.name, "value");
        }
        "Bool" => simple(r, &BOOL, R::bool, Value::Bool),
        "Int" => simple(r, &INT, R::signed, Value::Int),
        "Float" => simple(r, &FLOAT, R::float, Value::Float),
        "String" => simple(r, &STRING, R::string, Value::String),
        "Glob" => glob(r),
        "Filesize" => simple(r, &FILESIZE, R::signed, Value::Filesize),
        "Duration" => simple(r, &DURATION, R::signed, Value::Duration),
        "Date" => simple(r, &DATE, date, Value::Date),
        "Range" => simple(r, &RANGE, boxed_range, Value::Range),
        "Record" => simple(r, &RECORD, record, Value::Record),
        "List" => simple(r, &LIST, values, Value::List),
        "Closure" => simple(r, &CLOSURE, boxed_closure, Value::Closure),
        "Error" => simple(r, &ERROR, boxed_error, Value::Error),
        "Binary" => simple(r, &BINARY, R::bytes, Value::Binary),
        "CellPath" => simple(r, &CELL_PATH, cell_path, Value::CellPath),
        "Custom" => simple(r, &CUSTOM, boxed_custom, Value::Custom),
        "Nothing" => nothing(r),
        name => return r.unknown(name, "kind of value"),
    };
    match value {
        Ok(value) => tag.close(r).map(|()| value),
        Err(error) => Err(error.inside(tag.name)),
    }
}

const BOOL: Fields = Fields::new("Bool", &["val", "span"]);
const INT: Fields = Fields::new("Int", &["val", "span"]);
const FLOAT: Fields = Fields::new("Float", &["val", "span"]);
const STRING: Fields = Fields::new("String", &["val", "span"]);
const GLOB: Fields = Fields::new("Glob", &["val", "no_expand", "span"]);
const FILESIZE: Fields = Fields::new("Filesize", &["val", "span"]);
const DURATION: Fields = Fields::new("Duration", &["val", "span"]);
const DATE: Fields = Fields::new("Date", &["val", "span"]);
const RANGE: Fields = Fields::new("Range", &["val", "span"]);
const RECORD: Fields = Fields::new("Record", &["val", "span"]);
const LIST: Fields = Fields {
    name: "List",
    keys: &["vals", "span"],
    also: &[("val", 0)],
    since: &[],
};
const CLOSURE: Fields = Fields::new("Closure", &["val", "span"]);
const ERROR: Fields = Fields {
    name: "Error",
    keys: &["error", "span"],
    // As the published protocol reference has it.
    also: &[("val", 0)],
    since: &[],
};
const BINARY: Fields = Fields::new("Binary", &["val", "span"]);
const CELL_PATH: Fields = Fields::new("CellPath", &["val", "span"]);
const CUSTOM: Fields = Fields::new("Custom", &["val", "span"]);
const NOTHING: Fields = Fields::new("Nothing", &["span"]);

/// The body of a value that has one field and a span.
fn simple<'a, R: Reader<'a>, T>(
    r: &mut R,
    shape: &Fields,
    read: impl Fn(&mut R) -> Result<T>,
    make: fn(T, Span) -> Value,
) -> Result<Value> {
    let (mut content, mut place) = (None, None);
    r.fields(shape, |r, index| {
        match index {
            0 => content = Some(read(r)?),
            _ => place = Some(span(r)?),
        }
        Ok(())
    })?;
    let content = r.need(content, shape.keys[0], shape)?;
    let place = r.need(place, "span", shape)?;
    Ok(make(content, place))
}

fn nothing<'a, R: Reader<'a>>(r: &mut R) -> Result<Value> {
    let mut place = None;
    r.fields(&NOTHING, |r, _| {
        place = Some(span(r)?);
        Ok(())
    })?;
    Ok(Value::Nothing(r.need(place, "span", &NOTHING)?))
}

fn glob<'a, R: Reader<'a>>(r: &mut R) -> Result<Value> {
    let (mut pattern, mut no_expand, mut place) = (None, false, None);
    r.fields(&GLOB, |r, index| {
        match index {
            0 => pattern = Some(r.string()?),
            1 => no_expand = r.bool()?,
            _ => place = Some(span(r)?),
        }
        Ok(())
    })?;
    let pattern = r.need(pattern, "val", &GLOB)?;
    let place = r.need(place, "span", &GLOB)?;
    Ok(Value::Glob(Box::new(Glob { pattern, no_expand }), place))
}

pub(super) fn values<'a, R: Reader<'a>>(r: &mut R) -> Result<Vec<Value>> {
    r.list(value)
}

/// A place in the source text.
pub(super) fn span<'a, R: Reader<'a>>(r: &mut R) -> Result<Span> {
    const SHAPE: Fields = Fields::new("span", &["start", "end"]);
    if let Some(span) = r.quick_span() {
        return Ok(span);
    }
    let (mut start, mut end) = (None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => start = Some(r.unsigned()?),
            _ => end = Some(r.unsigned()?),
        }
        Ok(())
    })?;
    Ok(Span {
        start: r.need(start, "start", &SHAPE)?,
        end: r.need(end, "end", &SHAPE)?,
    })
}

/// A thing with its place.
pub(super) fn spanned<'a, R: Reader<'a>, T>(
    r: &mut R,
    read: impl Fn(&mut R) -> Result<T>,
) -> Result<Spanned<T>> {
    const SHAPE: Fields = Fields::new("an item with its span", &["item", "span"]);
    let (mut item, mut place) = (None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => item = Some(read(r)?),
            _ => place = Some(span(r)?),
        }
        Ok(())
    })?;
    Ok(Spanned {
        item: r.need(item, "item", &SHAPE)?,
        span: r.need(place, "span", &SHAPE)?,
    })
}

fn date<'a, R: Reader<'a>>(r: &mut R) -> Result<DateTime<FixedOffset>> {
    let text = r.text()?;
    match text.parse() {
        Ok(date) => Ok(date),
        Err(_) => r.fail(
            BadValue,
            format!(
                "`{text}` is not a date and time with an offset, such as 2024-01-02T03:04:05+02:00"
            ),
        ),
    }
}

/// Fields by name; each name once.
pub(super) fn record<'a, R: Reader<'a>>(r: &mut R) -> Result<Record> {
    let mut cursor = r.map()?;
    let mut fields: Vec<(String, Value)> = Vec::with_capacity(cursor.left.min(1024));
    // Few fields are compared one by one, many are looked up.
    let mut names: HashSet<String> = HashSet::new();
    while let Some(key) = r.key(&mut cursor)? {
        let twice = if fields.len() < 16 {
            fields.iter().any(|(name, _)| *name == key)
        } else {
            if names.is_empty() {
                names.extend(fields.iter().map(|(name, _)| name.clone()));
            }
            !names.insert(key.clone().into_owned())
        };
        if twice {
            return r.fail(
                BadValue,
                format!("the field `{key}` comes twice in a record"),
            );
        }
        match value(r) {
            Ok(value) => fields.push((key.into_owned(), value)),
            Err(error) => return Err(error.inside(key)),
        }
    }
    Ok(Record::from_unique(fields))
}

fn boxed_range<'a, R: Reader<'a>>(r: &mut R) -> Result<Box<Range>> {
    range(r).map(Box::new)
}

/// A range, as text or as the struct that it was up to 0.113.
fn range<'a, R: Reader<'a>>(r: &mut R) -> Result<Range> {
    if r.kind()? == Kind::Text {
        let text = r.text()?;
        return match text.parse() {
            Ok(range) => Ok(range),
            Err(_) => r.fail(
                BadValue,
                format!("`{text}` is not a range, such as 1..5 or 0..2..<10"),
            ),
        };
    }
    let tag = r.tag("a range")?;
    tag.body(r)?;
    let range = match &*tag.name {
        "IntRange" => {
            let (start, step, end) = range_fields(r, R::signed)?;
            Range::Int {
                start,
                step: step.unwrap_or(1),
                end,
            }
        }
        "FloatRange" => {
            let (start, step, end) = range_fields(r, R::float)?;
            Range::Float {
                start,
                step: step.unwrap_or(1.0),
                end,
            }
        }
        name => return r.unknown(name, "kind of range"),
    };
    tag.close(r)?;
    Ok(range)
}

fn range_fields<'a, R: Reader<'a>, T>(
    r: &mut R,
    read: fn(&mut R) -> Result<T>,
) -> Result<(T, Option<T>, Bound<T>)> {
    const SHAPE: Fields = Fields::new("a range", &["start", "step", "end"]);
    let (mut start, mut step, mut end) = (None, None, Bound::Unbounded);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => start = Some(read(r)?),
            1 => step = Some(read(r)?),
            _ => {
                let tag = r.tag("the end of a range")?;
                end = match &*tag.name {
                    "Unbounded" => {
                        tag.skip(r)?;
                        Bound::Unbounded
                    }
                    "Included" if tag.has_body() => Bound::Included(read(r)?),
                    "Excluded" if tag.has_body() => Bound::Excluded(read(r)?),
                    name => return r.unknown(name, "end of a range"),
                };
                tag.close(r)?;
            }
        }
        Ok(())
    })?;
    Ok((r.need(start, "start", &SHAPE)?, step, end))
}

/// A cell path, as text or as the struct that it was up to 0.113.
fn cell_path<'a, R: Reader<'a>>(r: &mut R) -> Result<CellPath> {
    const SHAPE: Fields = Fields::new("a cell path", &["members"]);
    if r.kind()? == Kind::Text {
        let text = r.text()?;
        return match text.parse() {
            Ok(path) => Ok(path),
            Err(_) => r.fail(
                BadValue,
                format!("`{text}` is not a cell path, such as $.a.0"),
            ),
        };
    }
    let mut members = None;
    r.fields(&SHAPE, |r, _| {
        members = Some(r.list(path_member)?);
        Ok(())
    })?;
    let members = r.need(members, "members", &SHAPE)?;
    Ok(CellPath { members })
}

fn path_member<'a, R: Reader<'a>>(r: &mut R) -> Result<PathMember> {
    const SHAPE: Fields = Fields::new(
        "a step of a cell path",
        &["val", "span", "optional", "casing"],
    );
    let tag = r.tag("a step of a cell path")?;
    tag.body(r)?;
    let text = match &*tag.name {
        "String" => true,
        "Int" => false,
        name => return r.unknown(name, "step of a cell path"),
    };
    let (mut name, mut number) = (None, None);
    let (mut place, mut optional, mut insensitive) = (Span::UNKNOWN, false, false);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 if text => name = Some(r.string()?),
            0 => number = Some(r.unsigned()?),
            1 => place = span(r)?,
            2 => optional = r.bool()?,
            _ => insensitive = casing(r)?,
        }
        Ok(())
    })?;
    tag.close(r)?;
    Ok(if text {
        PathMember::String {
            val: r.need(name, "val", &SHAPE)?,
            span: place,
            optional,
            insensitive,
        }
    } else {
        PathMember::Int {
            val: r.need(number, "val", &SHAPE)?,
            span: place,
            optional,
        }
    })
}

/// True when upper and lower case are the same.
pub(super) fn casing<'a, R: Reader<'a>>(r: &mut R) -> Result<bool> {
    let tag = r.tag("Sensitive or Insensitive")?;
    let insensitive = match &*tag.name {
        "Sensitive" => false,
        "Insensitive" => true,
        name => return r.unknown(name, "casing"),
    };
    tag.skip(r)?;
    tag.close(r)?;
    Ok(insensitive)
}

fn boxed_closure<'a, R: Reader<'a>>(r: &mut R) -> Result<Box<Closure>> {
    closure(r).map(Box::new)
}

/// A closure with its captured variables.
pub(super) fn closure<'a, R: Reader<'a>>(r: &mut R) -> Result<Closure> {
    const SHAPE: Fields = Fields::new("a closure", &["block_id", "captures"]);
    let (mut block_id, mut captures) = (None, Vec::new());
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => block_id = Some(r.unsigned()?),
            _ => captures = r.list(capture)?,
        }
        Ok(())
    })?;
    Ok(Closure {
        block_id: r.need(block_id, "block_id", &SHAPE)?,
        captures,
    })
}

fn capture<'a, R: Reader<'a>>(r: &mut R) -> Result<(u64, Value)> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a captured variable")?;
    let variable = r.unsigned()?;
    r.next(&mut cursor, "a captured variable")?;
    let value = value(r)?;
    r.close(cursor)?;
    Ok((variable, value))
}

pub(super) fn boxed_error<'a, R: Reader<'a>>(r: &mut R) -> Result<Box<LabeledError>> {
    labeled_error(r).map(Box::new)
}

/// An error; only its message is required.
fn labeled_error<'a, R: Reader<'a>>(r: &mut R) -> Result<LabeledError> {
    let mut error = LabeledError::default();
    fill_error(r, &mut error)?;
    Ok(error)
}

/// Reads an error in place, which takes less stack than moving it up from every level.
fn fill_error<'a, R: Reader<'a>>(r: &mut R, error: &mut LabeledError) -> Result<()> {
    const SHAPE: Fields = Fields {
        name: "an error",
        keys: &["msg", "labels", "code", "url", "help", "inner"],
        // The published protocol reference wraps errors in this name.
        also: &[("LabeledError", 6)],
        since: &[],
    };
    let mut msg = None;
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => msg = Some(r.string()?),
            1 => error.labels = r.or_default(|r| r.list(error_label))?,
            2 => error.code = r.option(R::string)?,
            3 => error.url = r.option(R::string)?,
            4 => error.help = r.option(R::string)?,
            5 => return inner_errors(r, &mut error.inner),
            _ => {
                fill_error(r, error)?;
                msg = Some(std::mem::take(&mut error.msg));
            }
        }
        Ok(())
    })?;
    error.msg = r.need(msg, "msg", &SHAPE)?;
    Ok(())
}

fn inner_errors<'a, R: Reader<'a>>(r: &mut R, errors: &mut Vec<LabeledError>) -> Result<()> {
    if r.kind()? == Kind::Null {
        return r.null();
    }
    let mut cursor = r.array()?;
    while r.item(&mut cursor)? {
        errors.push(LabeledError::default());
        if let Some(error) = errors.last_mut() {
            fill_error(r, error)?;
        }
    }
    Ok(())
}

fn error_label<'a, R: Reader<'a>>(r: &mut R) -> Result<ErrorLabel> {
    const SHAPE: Fields = Fields::new("a label", &["text", "span"]);
    let (mut text, mut place) = (None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => text = Some(r.string()?),
            _ => place = Some(span(r)?),
        }
        Ok(())
    })?;
    Ok(ErrorLabel {
        text: r.need(text, "text", &SHAPE)?,
        span: r.need(place, "span", &SHAPE)?,
    })
}

/// A custom value inside a value, where its type is named.
fn boxed_custom<'a, R: Reader<'a>>(r: &mut R) -> Result<Box<CustomValue>> {
    const SHAPE: Fields = Fields::new(
        "a custom value",
        &["type", "name", "data", "notify_on_drop"],
    );
    let mut custom = Draft::default();
    let mut typed = None;
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => {
                let name = r.text()?;
                if name != "PluginCustomValue" {
                    return r.fail(
                        UnknownVariant,
                        format!("a custom value of the type `{name}` cannot travel, only a PluginCustomValue"),
                    );
                }
                typed = Some(());
            }
            index => custom.field(r, index)?,
        }
        Ok(())
    })?;
    r.need(typed, "type", &SHAPE)?;
    custom.finish(r, &SHAPE).map(Box::new)
}

/// A custom value as the subject of an operation, where its type is not named.
pub(super) fn bare_custom<'a, R: Reader<'a>>(r: &mut R) -> Result<CustomValue> {
    const SHAPE: Fields = Fields::new("a custom value", &["name", "data", "notify_on_drop"]);
    let mut custom = Draft::default();
    r.fields(&SHAPE, |r, index| custom.field(r, index + 1))?;
    custom.finish(r, &SHAPE)
}

#[derive(Default)]
struct Draft {
    name: Option<String>,
    data: Option<Vec<u8>>,
    notify_on_drop: bool,
}

impl Draft {
    fn field<'a, R: Reader<'a>>(&mut self, r: &mut R, index: usize) -> Result<()> {
        match index {
            1 => self.name = Some(r.string()?),
            2 => self.data = Some(r.bytes()?),
            _ => self.notify_on_drop = r.or_default(R::bool)?,
        }
        Ok(())
    }

    fn finish<'a, R: Reader<'a>>(self, r: &R, shape: &Fields) -> Result<CustomValue> {
        Ok(CustomValue {
            name: r.need(self.name, "name", shape)?,
            data: r.need(self.data, "data", shape)?,
            notify_on_drop: self.notify_on_drop,
            owner: Owner::NONE,
        })
    }
}

/// Any data at all.
pub(super) fn opaque<'a, R: Reader<'a>>(r: &mut R) -> Result<Opaque> {
    use crate::codec::reader::Number;
    Ok(match r.kind()? {
        Kind::Null => {
            r.null()?;
            Opaque::Null
        }
        Kind::Bool => Opaque::Bool(r.bool()?),
        Kind::Number => match r.number()? {
            Number::Unsigned(number) => Opaque::Int(number.into()),
            Number::Negative(number) => Opaque::Int(number.into()),
            Number::Float(number) => Opaque::Float(number),
        },
        Kind::Text => Opaque::String(r.string()?),
        Kind::Bytes => Opaque::Bytes(r.bytes()?),
        Kind::Array => Opaque::Array(r.list(opaque)?),
        Kind::Map => opaque_map(r)?,
    })
}

fn opaque_map<'a, R: Reader<'a>>(r: &mut R) -> Result<Opaque> {
    let mut cursor = r.map()?;
    let mut fields = Vec::with_capacity(cursor.left.min(1024));
    while let Some(key) = r.key(&mut cursor)? {
        let value = opaque(r)?;
        fields.push((key.into_owned(), value));
    }
    Ok(Opaque::Map(fields))
}
