//! Where two values differ first, and how.

use pegboard_args::literal;
use pegboard_protocol::{CustomValue, Span, Value};

/// How many characters of a value are shown.
const LONGEST: usize = 200;

/// How a custom value, and what stands in its place, differ; the place is the last.
pub(crate) type Customs<'a> = &'a dyn Fn(&CustomValue, &Value, &Value, &str) -> Option<String>;

/// Where two values differ first and how, seen from this place; none if they are the same. Places in the source do not
/// count, nor does the order of a record's fields.
pub(crate) fn differ(
    expected: &Value,
    got: &Value,
    path: &str,
    customs: Customs<'_>,
) -> Option<String> {
    let at = |part: &str| match path {
        "" => part.to_owned(),
        path => format!("{path}.{part}"),
    };
    let here = |what: String| match path {
        "" => what,
        path => format!("at {path}: {what}"),
    };
    match (expected, got) {
        (Value::Custom(a, _), Value::Custom(b, _)) if a.name != b.name => {
            Some(here(format!("a {} is expected, not a {}", a.name, b.name)))
        }
        (Value::Custom(a, _), Value::Custom(b, _)) if a.data == b.data => None,
        (Value::Custom(custom, _), _) | (_, Value::Custom(custom, _)) => {
            customs(custom, expected, got, path)
        }
        (Value::List(a, _), Value::List(b, _)) => {
            let mut items = a.iter().zip(b).enumerate();
            let differs = |(place, (a, b)): (usize, (&Value, &Value))| {
                differ(a, b, &at(&place.to_string()), customs)
            };
            items.find_map(differs).or_else(|| {
                let (expected, got) = (a.len(), b.len());
                (expected != got).then(|| here(format!("{expected} items are expected, not {got}")))
            })
        }
        (Value::Record(a, _), Value::Record(b, _)) => {
            let mut fields = a.iter();
            let differs = fields.find_map(|(name, a)| match b.get(name) {
                Some(b) => differ(a, b, &at(name), customs),
                None => Some(here(format!("the field `{name}` is missing"))),
            });
            differs.or_else(|| {
                let (extra, _) = b.iter().find(|(name, _)| a.get(name).is_none())?;
                Some(here(format!("the field `{extra}` is not expected")))
            })
        }
        (Value::Float(a, _), Value::Float(b, _)) if a.is_nan() && b.is_nan() => None,
        (Value::Error(a, _), Value::Error(b, _)) if a.msg == b.msg => None,
        (Value::CellPath(a, _), Value::CellPath(b, _)) if a.to_string() == b.to_string() => None,
        (a, b) if a.clone().at(Span::UNKNOWN) == b.clone().at(Span::UNKNOWN) => None,
        (a, b) => {
            let (shown, other) = (literal(a, LONGEST), literal(b, LONGEST));
            let (expected, got) = if a.type_name() == b.type_name() {
                (shown, other)
            } else {
                let typed = |text: String, value: &Value| format!("{text} ({})", value.type_name());
                (typed(shown, a), typed(other, b))
            };
            Some(here(format!("{expected} is expected, not {got}")))
        }
    }
}
