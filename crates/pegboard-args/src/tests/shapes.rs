//! One word of each simple shape, right and wrong.

use pegboard_protocol::nu::SyntaxShape as S;
use pegboard_protocol::{Span, Value};

use super::caller;
use crate::shape;

const SPAN: Span = Span::new(7, 9);

/// A word read as a shape: `type text`, or `! label`.
fn read(shape: &S, word: &str) -> String {
    match shape::value(shape, word, SPAN, &caller()) {
        Ok(value) => {
            assert_eq!(value.span(), SPAN, "{word}");
            format!("{} {}", value.type_name(), show(&value))
        }
        Err(label) => format!("! {label}"),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Filesize(bytes, _) => bytes.to_string(),
        Value::Duration(nanoseconds, _) => nanoseconds.to_string(),
        Value::String(text, _) => text.clone(),
        Value::Glob(glob, _) => glob.pattern.clone(),
        Value::Custom(..) | Value::Closure(..) | Value::Error(..) => {
            unreachable!("words make plain values only")
        }
        other => crate::literal::literal(other, 200),
    }
}

pub(super) fn check(shape: &S, rows: &[(&str, &str)]) {
    for (word, result) in rows {
        assert_eq!(read(shape, word), *result, "{word:?} as {shape:?}");
    }
}

#[test]
fn integers() {
    check(
        &S::Int,
        &[
            ("5", "int 5"),
            ("-5", "int -5"),
            ("+5", "int 5"),
            ("1_000", "int 1000"),
            ("0x1F", "int 31"),
            ("0o17", "int 15"),
            ("0b101", "int 5"),
            ("-0x10", "int -16"),
            ("9223372036854775807", "int 9223372036854775807"),
            ("-9223372036854775808", "int -9223372036854775808"),
            (
                "9223372036854775808",
                "! too large: integers go from -9223372036854775808 to 9223372036854775807",
            ),
            (
                "99999999999999999999999999999999999999999999",
                "! too large: integers go from -9223372036854775808 to 9223372036854775807",
            ),
            ("1.5", "! expected an integer, such as 5 or 0x1f"),
            ("abc", "! expected an integer, such as 5 or 0x1f"),
            ("", "! expected an integer, such as 5 or 0x1f"),
            ("_1", "! expected an integer, such as 5 or 0x1f"),
            ("0x", "! expected an integer, such as 5 or 0x1f"),
            ("+-5", "! expected an integer, such as 5 or 0x1f"),
            ("\u{661}", "! expected an integer, such as 5 or 0x1f"),
            ("é1", "! expected an integer, such as 5 or 0x1f"),
        ],
    );
}

#[test]
fn floats_and_numbers() {
    check(
        &S::Float,
        &[
            ("1e400", "! too large: floats go up to about 1.8e308"),
            ("-1e400", "! too large: floats go up to about 1.8e308"),
            ("1.5", "float 1.5"),
            ("5", "float 5.0"),
            ("1e3", "float 1000.0"),
            (".5", "float 0.5"),
            ("5.", "float 5.0"),
            ("-inf", "float -inf"),
            ("NaN", "float NaN"),
            ("1_0.5", "float 10.5"),
            ("infinite", "! expected a number, such as 1.5"),
            ("x", "! expected a number, such as 1.5"),
        ],
    );
    check(
        &S::Number,
        &[
            ("1e400", "! too large: floats go up to about 1.8e308"),
            ("5", "int 5"),
            ("5.0", "float 5.0"),
            ("0x10", "int 16"),
            ("five", "! expected a number, such as 1.5"),
        ],
    );
}

#[test]
fn booleans_text_and_null() {
    check(
        &S::Boolean,
        &[
            ("true", "bool true"),
            ("false", "bool false"),
            ("yes", "! expected true or false"),
        ],
    );
    check(
        &S::String,
        &[
            ("5", "string 5"),
            ("", "string "),
            ("\"quoted\"", "string \"quoted\""),
        ],
    );
    check(&S::ExternalArgument, &[("5", "string 5")]);
    check(
        &S::Nothing,
        &[("null", "nothing null"), ("0", "! expected null")],
    );
}

#[test]
fn sizes() {
    check(
        &S::Filesize,
        &[
            ("10b", "filesize 10"),
            ("10kb", "filesize 10000"),
            ("10KB", "filesize 10000"),
            ("1.5MiB", "filesize 1572864"),
            ("1_000kb", "filesize 1000000"),
            ("-1.5kb", "filesize -1500"),
            (".5kb", "filesize 500"),
            ("1.9b", "filesize 1"),
            (
                "8eib",
                "! too large: sizes go up to 9223372036854775807 bytes",
            ),
            ("10", "! expected a size, such as 10kb or 1.5MiB"),
            ("kb", "! expected a size, such as 10kb or 1.5MiB"),
            ("1.2.3kb", "! expected a size, such as 10kb or 1.5MiB"),
        ],
    );
}

#[test]
fn durations() {
    check(
        &S::Duration,
        &[
            ("5sec", "duration 5000000000"),
            ("1hr", "duration 3600000000000"),
            ("250ms", "duration 250000000"),
            ("1.5hr", "duration 5400000000000"),
            ("1day", "duration 86400000000000"),
            ("1wk", "duration 604800000000000"),
            ("3ns", "duration 3"),
            ("4us", "duration 4000"),
            ("4\u{b5}s", "duration 4000"),
            ("4\u{3bc}s", "duration 4000"),
            ("-2min", "duration -120000000000"),
            ("0.123456789sec", "duration 123456789"),
            ("20000wk", "! too long: durations go up to 292 years"),
            ("5", "! expected a duration, such as 5sec, 1.5hr or 250ms"),
            (
                "5SEC",
                "! expected a duration, such as 5sec, 1.5hr or 250ms",
            ),
            (
                "1month",
                "! expected a duration, such as 5sec, 1.5hr or 250ms",
            ),
        ],
    );
}

#[test]
fn bytes() {
    check(
        &S::Binary,
        &[
            ("0x[ff 00]", "binary 0x[ff 00]"),
            ("0x[ff,00]", "binary 0x[ff 00]"),
            ("0x[fff]", "binary 0x[0f ff]"),
            ("0b[1010 1]", "binary 0x[15]"),
            ("0o[377]", "binary 0x[ff]"),
            ("0x[]", "binary 0x[]"),
            ("ff00", "binary 0x[ff 00]"),
            ("0xff00", "binary 0x[ff 00]"),
            ("fff", "! expected bytes, such as 0x[ff 00]"),
            ("0x[zz]", "! expected bytes, such as 0x[ff 00]"),
            ("é[00]", "! expected bytes, such as 0x[ff 00]"),
        ],
    );
}

#[test]
fn dates() {
    check(
        &S::DateTime,
        &[
            ("2024-01-02", "datetime 2024-01-02T00:00:00+00:00"),
            ("2024-01-02 03:04", "datetime 2024-01-02T03:04:00+00:00"),
            ("2024-01-02T03:04:05", "datetime 2024-01-02T03:04:05+00:00"),
            (
                "2024-01-02T03:04:05.25Z",
                "datetime 2024-01-02T03:04:05.250+00:00",
            ),
            (
                "2024-01-02T03:04:05+02:00",
                "datetime 2024-01-02T03:04:05+02:00",
            ),
            (
                "2024-01-02 03:04-05:30",
                "datetime 2024-01-02T03:04:00-05:30",
            ),
            (
                "2024-02-30",
                "! expected a date, such as 2024-01-02 or 2024-01-02T03:04:05Z",
            ),
            (
                "2024-01-02T",
                "! expected a date, such as 2024-01-02 or 2024-01-02T03:04:05Z",
            ),
            (
                "2024-01-02x03:04",
                "! expected a date, such as 2024-01-02 or 2024-01-02T03:04:05Z",
            ),
            (
                "tomorrow",
                "! expected a date, such as 2024-01-02 or 2024-01-02T03:04:05Z",
            ),
            (
                "2024-01-0é2",
                "! expected a date, such as 2024-01-02 or 2024-01-02T03:04:05Z",
            ),
        ],
    );
}

#[test]
fn ranges() {
    check(
        &S::Range,
        &[
            ("1..5", "range 1..5"),
            ("1..=5", "range 1..5"),
            ("1..<5", "range 1..<5"),
            ("1..3..9", "range 1..3..9"),
            ("5..1", "range 5..4..1"),
            ("-1..3", "range -1..3"),
            ("1..", "range 1.."),
            ("..5", "range 0..5"),
            ("1.0..2", "range 1.0..2.0"),
            ("0..0.5..2", "range 0.0..0.5..2.0"),
            ("5..1..9", "! the second number leads away from the end"),
            ("1..1..9", "! the second number must differ from the first"),
            ("..", "! expected a range, such as 1..5, 1..<5 or 1..3..9"),
            (
                "1....9",
                "! expected a range, such as 1..5, 1..<5 or 1..3..9",
            ),
            ("a..b", "! expected a range, such as 1..5, 1..<5 or 1..3..9"),
            ("5", "! expected a range, such as 1..5, 1..<5 or 1..3..9"),
        ],
    );
}

#[test]
fn cell_paths_paths_and_patterns() {
    for shape in [S::CellPath, S::FullCellPath] {
        check(
            &shape,
            &[
                ("a.0?.b", "cell-path $.a.0?.b"),
                ("$.a", "cell-path $.a"),
                ("a..b", "! expected a cell path, such as a.0.b"),
                ("", "! expected a cell path, such as a.0.b"),
                ("a.\"b c\"!", "cell-path $.a.\"b c\"!"),
            ],
        );
    }
    for shape in [S::Filepath, S::Directory] {
        check(
            &shape,
            &[
                ("file.txt", "string /srv/here/file.txt"),
                ("./a/../b", "string /srv/here/b"),
                ("../b/", "string /srv/b/"),
                ("/../x", "string /x"),
                ("/absolute", "string /absolute"),
                ("~", "string /home/someone"),
                ("~/x", "string /home/someone/x"),
                ("~other/x", "string /srv/here/~other/x"),
                ("", "! a path cannot be empty"),
            ],
        );
    }
    check(&S::GlobPattern, &[("*.rs", "glob *.rs")]);
}
