//! Random values and their parts, within what the newest version can say.

use chrono::{DateTime, FixedOffset};
use pegboard_protocol::{
    Bound, CellPath, Closure, CustomValue, ErrorLabel, Glob, LabeledError, Opaque, Owner,
    PathMember, Range, Record, Span, Spanned, Value,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[a-z_]{0,8}",
        1 => ".{0,12}",
        1 => select(vec!["\"\\\u{0}\u{1f}\u{7f}", "é名\u{10ffff}", "true", "-1", "$.a"]).prop_map(str::to_owned),
    ]
    .boxed()
}

pub(crate) fn number() -> BoxedStrategy<u64> {
    prop_oneof![0..300u64, any::<u64>()].boxed()
}

pub(crate) fn span() -> BoxedStrategy<Span> {
    prop_oneof![
        Just(Span::UNKNOWN),
        (number(), number()).prop_map(|(start, end)| Span::new(start, end)),
    ]
    .boxed()
}

pub(crate) fn integer() -> BoxedStrategy<i64> {
    prop_oneof![-200..200i64, any::<i64>()].boxed()
}

pub(crate) fn float() -> BoxedStrategy<f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        (-50..50i32).prop_map(f64::from),
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
    ]
    .boxed()
}

pub(crate) fn bytes() -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), 0..40).boxed()
}

pub(crate) fn spanned<T: std::fmt::Debug + 'static>(
    item: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Spanned<T>> {
    (item, span())
        .prop_map(|(item, span)| Spanned::new(item, span))
        .boxed()
}

pub(crate) fn date() -> BoxedStrategy<DateTime<FixedOffset>> {
    (
        -62_000_000_000..250_000_000_000i64,
        select(vec![0, 1, 1_000, 5_000_000, 123_456_789]),
        -14 * 60..14 * 60i32,
    )
        .prop_map(|(seconds, nanos, minutes)| {
            let offset = FixedOffset::east_opt(minutes * 60).unwrap();
            DateTime::from_timestamp(seconds, nanos)
                .unwrap()
                .with_timezone(&offset)
        })
        .boxed()
}

pub(crate) fn bound<T: std::fmt::Debug + Copy + 'static>(
    end: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Bound<T>> {
    (end, 0..3)
        .prop_map(|(end, kind)| match kind {
            0 => Bound::Included(end),
            1 => Bound::Excluded(end),
            _ => Bound::Unbounded,
        })
        .boxed()
}

/// Ranges that can be told from their text: steps are exact, and one without a step does not run backwards.
pub(crate) fn range() -> BoxedStrategy<Range> {
    let int = (-99..99i64, select(vec![1, 2, -1, -7]), bound(100..999i64))
        .prop_map(|(start, step, end)| Range::Int { start, step, end });
    let quarter = |range: std::ops::Range<i32>| range.prop_map(|number| f64::from(number) / 4.0);
    let float = (
        quarter(-99..99),
        select(vec![1.0, 0.25, -2.0]),
        bound(quarter(100..999)),
    )
        .prop_map(|(start, step, end)| Range::Float { start, step, end });
    prop_oneof![int, float].boxed()
}

pub(crate) fn cell_path() -> BoxedStrategy<CellPath> {
    let name = (text(), any::<bool>(), any::<bool>()).prop_map(|(val, optional, insensitive)| {
        PathMember::String {
            val,
            span: Span::UNKNOWN,
            optional,
            insensitive,
        }
    });
    let index = (number(), any::<bool>()).prop_map(|(val, optional)| PathMember::Int {
        val,
        span: Span::UNKNOWN,
        optional,
    });
    vec(prop_oneof![name, index], 0..4)
        .prop_map(|members| CellPath { members })
        .boxed()
}

pub(crate) fn labeled_error() -> BoxedStrategy<LabeledError> {
    let label = (text(), span()).prop_map(|(text, span)| ErrorLabel { text, span });
    let option = || option::of(text());
    (text(), vec(label, 0..3), option(), option(), option())
        .prop_map(|(msg, labels, code, url, help)| LabeledError {
            msg,
            labels,
            code,
            url,
            help,
            inner: Vec::new(),
        })
        .prop_recursive(2, 6, 3, |inner| {
            (vec(inner, 0..3), text()).prop_map(|(inner, msg)| LabeledError {
                inner,
                ..LabeledError::new(msg)
            })
        })
        .boxed()
}

pub(crate) fn custom() -> BoxedStrategy<CustomValue> {
    (text(), bytes(), any::<bool>())
        .prop_map(|(name, data, notify_on_drop)| CustomValue {
            name,
            data,
            notify_on_drop,
            owner: Owner::NONE,
        })
        .boxed()
}

pub(crate) fn record(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Record> {
    vec((text(), value), 0..24)
        .prop_map(|fields| fields.into_iter().collect())
        .boxed()
}

/// A value of any kind.
pub(crate) fn value() -> BoxedStrategy<Value> {
    let boxed_error = labeled_error().prop_map(Box::new);
    let glob = (text(), any::<bool>())
        .prop_map(|(pattern, no_expand)| Box::new(Glob { pattern, no_expand }));
    let leaf = prop_oneof![
        (any::<bool>(), span()).prop_map(|(val, span)| Value::Bool(val, span)),
        (integer(), span()).prop_map(|(val, span)| Value::Int(val, span)),
        (float(), span()).prop_map(|(val, span)| Value::Float(val, span)),
        (text(), span()).prop_map(|(val, span)| Value::String(val, span)),
        (glob, span()).prop_map(|(val, span)| Value::Glob(val, span)),
        (integer(), span()).prop_map(|(val, span)| Value::Filesize(val, span)),
        (integer(), span()).prop_map(|(val, span)| Value::Duration(val, span)),
        (date(), span()).prop_map(|(val, span)| Value::Date(val, span)),
        (range(), span()).prop_map(|(val, span)| Value::Range(Box::new(val), span)),
        (boxed_error, span()).prop_map(|(val, span)| Value::Error(val, span)),
        (bytes(), span()).prop_map(|(val, span)| Value::Binary(val, span)),
        (cell_path(), span()).prop_map(|(val, span)| Value::CellPath(val, span)),
        (custom(), span()).prop_map(|(val, span)| Value::Custom(Box::new(val), span)),
        span().prop_map(Value::Nothing),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        let captures = vec((number(), inner.clone()), 0..3);
        let closure = (number(), captures)
            .prop_map(|(block_id, captures)| Box::new(Closure { block_id, captures }));
        prop_oneof![
            (vec(inner.clone(), 0..20), span()).prop_map(|(vals, span)| Value::List(vals, span)),
            (record(inner), span()).prop_map(|(val, span)| Value::Record(val, span)),
            (closure, span()).prop_map(|(val, span)| Value::Closure(val, span)),
        ]
    })
    .boxed()
}

pub(crate) fn opaque() -> BoxedStrategy<Opaque> {
    let leaf = prop_oneof![
        Just(Opaque::Null),
        any::<bool>().prop_map(Opaque::Bool),
        number().prop_map(|number| Opaque::Int(number.into())),
        integer().prop_map(|number| Opaque::Int(number.into())),
        float().prop_map(Opaque::Float),
        text().prop_map(Opaque::String),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Opaque::Array),
            vec((text(), inner), 0..4).prop_map(Opaque::Map),
        ]
    })
    .boxed()
}
