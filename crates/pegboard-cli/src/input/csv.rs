//! Comma-separated values as a stream of records.

use std::collections::HashMap;
use std::io;

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use pegboard_host::{Error, Flow, LabeledError, Value};

use super::quotes::Quotes;
use super::stdin::Source;
use super::{Trouble, stream, unreadable};

/// Reads rows as they arrive. The first line has the names of the columns. Cells that are written like a number are
/// numbers, empty ones are nothing, all others are text.
pub(super) fn flow(source: impl Source, trouble: &Trouble) -> Flow {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .from_reader(Quotes::new(source));
    let mut columns: Option<StringRecord> = None;
    let rows = std::iter::from_fn(move || {
        let columns = match &columns {
            Some(columns) => columns,
            None => match reader.headers() {
                Ok(names) => match different(names) {
                    Ok(()) => columns.insert(names.clone()),
                    Err(error) => return Some(Err(error)),
                },
                Err(error) => return Some(Err(wrong(error))),
            },
        };
        let mut row = StringRecord::new();
        match reader.read_record(&mut row) {
            Ok(false) => None,
            Ok(true) => Some(record(columns, &row)),
            Err(error) => Some(Err(wrong(error))),
        }
    });
    stream(rows, trouble)
}

/// Fails if two columns have the same name: one would take the place of the other.
fn different(columns: &StringRecord) -> Result<(), Error> {
    let mut known = HashMap::new();
    for (column, name) in (1..).zip(columns) {
        if let Some(before) = known.insert(name, column) {
            let line = columns.position().map_or(1, csv::Position::line);
            return Err(not_csv(format!(
                "line {line}: the columns {before} and {column} have the same name, `{name}`"
            )));
        }
    }
    Ok(())
}

fn record(columns: &StringRecord, row: &StringRecord) -> Result<Value, Error> {
    if row.len() != columns.len() {
        let line = row.position().map_or(0, csv::Position::line);
        let (cells, columns) = (row.len(), columns.len());
        return Err(not_csv(format!(
            "line {line}: {cells} cells for {columns} columns"
        )));
    }
    Ok(Value::record(columns.iter().zip(row.iter().map(cell))))
}

fn cell(text: &str) -> Value {
    if text.is_empty() {
        return Value::nothing();
    }
    // 007 and +1 are names of something: written as numbers they would not come back as they were.
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => return Value::int(number),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_decimal = digits
        .split_once('.')
        .is_some_and(|(whole, _)| whole == "0" || !whole.starts_with('0') && !whole.is_empty())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    match text.parse::<f64>() {
        Ok(number) if is_decimal && number.is_finite() => Value::float(number),
        _ => Value::string(text),
    }
}

fn wrong(error: csv::Error) -> Error {
    match error.into_kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            not_csv(error.to_string())
        }
        ErrorKind::Io(error) => unreadable(&error),
        ErrorKind::Utf8 { pos, err } => {
            let line = pos.map_or(0, |position| position.line());
            let column = err.field() + 1;
            not_csv(format!("line {line}, cell {column}: it is not UTF-8"))
        }
        other => not_csv(format!("{other:?}")),
    }
}

fn not_csv(what: String) -> Error {
    let error = LabeledError::new(format!("the input is not CSV: {what}"));
    Error::misuse(error.with_code("pegboard::input::not_csv"))
}

#[cfg(test)]
mod tests {
    use super::super::stdin::tests::Pieces;
    use super::*;

    fn check(text: &str, expected: &str) {
        let Flow::List(items) = flow(Pieces::new([text]), &Trouble::default()) else {
            panic!("no stream");
        };
        let rows = items.map(|item| match item {
            Ok(row) => pegboard_host::protocol::to_json(&row)
                .expect("JSON")
                .to_string(),
            Err(error) => error.labeled().msg.clone(),
        });
        assert_eq!(rows.collect::<Vec<_>>().join("\n"), expected, "{text:?}");
    }

    #[test]
    fn rows_are_records_with_numbers_where_there_are_numbers() {
        check("", "");
        check("a,b\n", "");
        check(
            "a,b\n1,x\n-2.5,\n",
            "{\"a\":1,\"b\":\"x\"}\n{\"a\":-2.5,\"b\":null}",
        );
        check(
            "a\n007\n+1\n1e5\n0.5\n1.5e3\n.5\ninf\n9223372036854775808\n",
            "{\"a\":\"007\"}\n{\"a\":\"+1\"}\n{\"a\":\"1e5\"}\n{\"a\":0.5}\n{\"a\":1500.0}\n{\"a\":\".5\"}\n\
             {\"a\":\"inf\"}\n{\"a\":\"9223372036854775808\"}",
        );
        check(
            "a,b\r\n\"x, \"\"y\"\"\nz\",2\r\n",
            "{\"a\":\"x, \\\"y\\\"\\nz\",\"b\":2}",
        );
    }

    #[test]
    fn columns_of_one_name_are_an_error() {
        let wrong = |columns: &str, name: &str| {
            format!(
                "the input is not CSV: line 1: the columns {columns} have the same name, `{name}`"
            )
        };
        check("a,b,a\n1,2,3\n", &wrong("1 and 3", "a"));
        check("a,,\n", &wrong("2 and 3", ""));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_an_error_with_its_line() {
        let open = |line: u32| {
            format!(
                "the input is not CSV: line {line}: a quote is opened here that is never closed"
            )
        };
        check("a\n1\n\"2\n3\n4\n", &format!("{{\"a\":1}}\n{}", open(3)));
        check("\"a\n1\n", &open(1));
        check("\u{feff}\"a\n1\n", &open(1));
        check("a\r\n\r\n\"x\"\"", &open(3));
        check("a,b\n\"x\ny\",\"z\n", &open(3));
        // Quotes inside of text open nothing.
        check(
            "a\nx\"y\n\"x\"y\"\n",
            "{\"a\":\"x\\\"y\"}\n{\"a\":\"xy\\\"\"}",
        );
        check("a\n\"x\"", "{\"a\":\"x\"}");
    }

    #[test]
    fn a_row_that_does_not_fit_is_an_error_with_its_line() {
        check(
            "a,b\n1,2\n1\n3,4\n",
            "{\"a\":1,\"b\":2}\nthe input is not CSV: line 3: 1 cells for 2 columns",
        );
    }
}
