//! Writes values and their parts.

use chrono::SecondsFormat;

use crate::codec::writer::{Result, Writer};
use crate::codec::{EncodeError, EncodeErrorKind};
use crate::nu::Change;
use crate::{
    Bound, CellPath, Closure, CustomValue, LabeledError, Opaque, PathMember, Range, Record, Span,
    Spanned, Value,
};

/// A value.
pub(in crate::codec) fn value<W: Writer>(w: &mut W, value: &Value) -> Result {
    if w.quick_value(value) {
        return Ok(());
    }
    match value {
        Value::Bool(val, span) => simple(w, "Bool", *span, |w| {
            w.bool(*val);
            Ok(())
        }),
        Value::Int(val, span) => integer(w, "Int", *val, *span),
        Value::Float(val, span) => simple(w, "Float", *span, |w| w.float(*val)),
        Value::String(val, span) => simple(w, "String", *span, |w| {
            w.text(val);
            Ok(())
        }),
        Value::Glob(val, span) => {
            open(w, "Glob", 3)?;
            w.field("val");
            w.text(&val.pattern);
            w.field("no_expand");
            w.bool(val.no_expand);
            close(w, *span)
        }
        Value::Filesize(val, span) => integer(w, "Filesize", *val, *span),
        Value::Duration(val, span) => integer(w, "Duration", *val, *span),
        Value::Date(val, span) => simple(w, "Date", *span, |w| {
            w.text(&val.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            Ok(())
        }),
        Value::Range(val, span) => simple(w, "Range", *span, |w| range(w, val)),
        Value::Record(val, span) => simple(w, "Record", *span, |w| record(w, val)),
        Value::List(vals, span) => list_value(w, vals, *span),
        Value::Closure(val, span) => simple(w, "Closure", *span, |w| closure(w, val)),
        Value::Error(error, span) => {
            open(w, "Error", 2)?;
            w.field("error");
            labeled_error(w, error)?;
            close(w, *span)
        }
        Value::Binary(val, span) => simple(w, "Binary", *span, |w| {
            w.bytes(val);
            Ok(())
        }),
        Value::CellPath(val, span) => simple(w, "CellPath", *span, |w| cell_path(w, val)),
        Value::Custom(val, span) => simple(w, "Custom", *span, |w| custom(w, val, true)),
        Value::Nothing(span) => {
            open(w, "Nothing", 1)?;
            close(w, *span)
        }
    }
}

fn open<W: Writer>(w: &mut W, name: &str, fields: usize) -> Result {
    w.tag(name)?;
    w.open_struct(fields)
}

fn close<W: Writer>(w: &mut W, place: Span) -> Result {
    w.field("span");
    span(w, place)?;
    w.close_struct();
    w.end_map();
    Ok(())
}

/// A value with one field beside its span.
fn simple<W: Writer>(
    w: &mut W,
    name: &str,
    place: Span,
    val: impl FnOnce(&mut W) -> Result,
) -> Result {
    open(w, name, 2)?;
    w.field("val");
    val(w)?;
    close(w, place)
}

fn integer<W: Writer>(w: &mut W, name: &str, val: i64, place: Span) -> Result {
    open(w, name, 2)?;
    w.field("val");
    w.signed(val);
    close(w, place)
}

fn list_value<W: Writer>(w: &mut W, vals: &[Value], place: Span) -> Result {
    open(w, "List", 2)?;
    w.field("vals");
    values(w, vals)?;
    close(w, place)
}

pub(super) fn values<W: Writer>(w: &mut W, values: &[Value]) -> Result {
    w.list(values, value)
}

pub(super) fn span<W: Writer>(w: &mut W, span: Span) -> Result {
    w.open_struct(2)?;
    w.field("start");
    w.unsigned(span.start);
    w.field("end");
    w.unsigned(span.end);
    w.close_struct();
    Ok(())
}

pub(super) fn spanned<W: Writer, T>(
    w: &mut W,
    thing: &Spanned<T>,
    write: impl FnOnce(&mut W, &T) -> Result,
) -> Result {
    w.map(2)?;
    w.key("item");
    write(w, &thing.item)?;
    w.key("span");
    span(w, thing.span)?;
    w.end_map();
    Ok(())
}

pub(super) fn spanned_text<W: Writer>(w: &mut W, text: &Spanned<String>) -> Result {
    spanned(w, text, |w, text| {
        w.text(text);
        Ok(())
    })
}

pub(super) fn record<W: Writer>(w: &mut W, record: &Record) -> Result {
    w.map(record.len())?;
    for (name, field) in record.iter() {
        w.key(name);
        value(w, field)?;
    }
    w.end_map();
    Ok(())
}

fn range<W: Writer>(w: &mut W, range: &Range) -> Result {
    if w.has(Change::TextPaths) {
        if !range.has_text_form() {
            return Err(EncodeError::new(
                EncodeErrorKind::BadValue,
                format!("the range {range} has no text form that the other side reads"),
            ));
        }
        w.text(&range.to_string());
        return Ok(());
    }
    match range {
        Range::Int { start, step, end } => range_fields(w, "IntRange", start, step, end, |w, n| {
            w.signed(*n);
            Ok(())
        }),
        Range::Float { start, step, end } => {
            range_fields(w, "FloatRange", start, step, end, |w, n| w.float(*n))
        }
    }
}

fn range_fields<W: Writer, T>(
    w: &mut W,
    name: &str,
    start: &T,
    step: &T,
    end: &Bound<T>,
    write: impl Fn(&mut W, &T) -> Result,
) -> Result {
    w.tag(name)?;
    w.map(3)?;
    w.key("start");
    write(w, start)?;
    w.key("step");
    write(w, step)?;
    w.key("end");
    let (name, end) = match end {
        Bound::Included(end) => ("Included", Some(end)),
        Bound::Excluded(end) => ("Excluded", Some(end)),
        Bound::Unbounded => ("Unbounded", None),
    };
    match end {
        Some(end) => {
            w.tag(name)?;
            write(w, end)?;
            w.end_map();
        }
        None => w.text(name),
    }
    w.end_map();
    w.end_map();
    Ok(())
}

fn cell_path<W: Writer>(w: &mut W, path: &CellPath) -> Result {
    if w.has(Change::TextPaths) {
        w.text(&path.to_string());
        return Ok(());
    }
    w.map(1)?;
    w.key("members");
    w.list(&path.members, path_member)?;
    w.end_map();
    Ok(())
}

fn path_member<W: Writer>(w: &mut W, member: &PathMember) -> Result {
    let (place, is_optional) = match member {
        PathMember::String {
            val,
            span,
            optional,
            ..
        } => {
            w.tag("String")?;
            w.map(if w.has(Change::PathCasing) { 4 } else { 3 })?;
            w.key("val");
            w.text(val);
            (*span, *optional)
        }
        PathMember::Int {
            val,
            span,
            optional,
        } => {
            w.tag("Int")?;
            w.map(3)?;
            w.key("val");
            w.unsigned(*val);
            (*span, *optional)
        }
    };
    w.key("span");
    span(w, place)?;
    w.key("optional");
    w.bool(is_optional);
    if let PathMember::String { insensitive, .. } = member
        && w.has(Change::PathCasing)
    {
        w.key("casing");
        casing(w, *insensitive);
    }
    w.end_map();
    w.end_map();
    Ok(())
}

pub(super) fn casing<W: Writer>(w: &mut W, insensitive: bool) {
    w.text(if insensitive {
        "Insensitive"
    } else {
        "Sensitive"
    });
}

pub(super) fn closure<W: Writer>(w: &mut W, closure: &Closure) -> Result {
    w.map(2)?;
    w.key("block_id");
    w.unsigned(closure.block_id);
    w.key("captures");
    w.list(&closure.captures, |w, (variable, captured)| {
        w.array(2)?;
        w.unsigned(*variable);
        value(w, captured)?;
        w.end_array();
        Ok(())
    })?;
    w.end_map();
    Ok(())
}

pub(super) fn labeled_error<W: Writer>(w: &mut W, error: &LabeledError) -> Result {
    w.map(6)?;
    w.key("msg");
    w.text(&error.msg);
    w.key("labels");
    w.list(&error.labels, |w, label| {
        w.map(2)?;
        w.key("text");
        w.text(&label.text);
        w.key("span");
        span(w, label.span)?;
        w.end_map();
        Ok(())
    })?;
    w.option_text("code", error.code.as_deref());
    w.option_text("url", error.url.as_deref());
    w.option_text("help", error.help.as_deref());
    w.key("inner");
    w.list(&error.inner, labeled_error)?;
    w.end_map();
    Ok(())
}

/// A custom value; inside of values its type is named.
pub(super) fn custom<W: Writer>(w: &mut W, custom: &CustomValue, typed: bool) -> Result {
    w.map(2 + usize::from(typed) + usize::from(custom.notify_on_drop))?;
    if typed {
        w.key("type");
        w.text("PluginCustomValue");
    }
    w.key("name");
    w.text(&custom.name);
    w.key("data");
    w.bytes(&custom.data);
    if custom.notify_on_drop {
        w.key("notify_on_drop");
        w.bool(true);
    }
    w.end_map();
    Ok(())
}

pub(super) fn opaque<W: Writer>(w: &mut W, tree: &Opaque) -> Result {
    match tree {
        Opaque::Null => w.null(),
        Opaque::Bool(value) => w.bool(*value),
        Opaque::Int(value) => integer_of_any_size(w, *value)?,
        Opaque::Float(value) => w.float(*value)?,
        Opaque::String(text) => w.text(text),
        Opaque::Bytes(bytes) => w.native_bytes(bytes),
        Opaque::Array(items) => w.list(items, opaque)?,
        Opaque::Map(fields) => {
            w.map(fields.len())?;
            for (name, field) in fields {
                w.key(name);
                opaque(w, field)?;
            }
            w.end_map();
        }
    }
    Ok(())
}

fn integer_of_any_size<W: Writer>(w: &mut W, value: i128) -> Result {
    if let Ok(value) = u64::try_from(value) {
        w.unsigned(value);
    } else if let Ok(value) = i64::try_from(value) {
        w.signed(value);
    } else {
        return Err(EncodeError::new(
            EncodeErrorKind::BadValue,
            format!("{value} does not fit into 64 bits"),
        ));
    }
    Ok(())
}
