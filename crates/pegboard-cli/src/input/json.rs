//! JSON as it arrives: a document, several one after the other, or an array of any length.

use std::io::{self, BufReader, Read};

use pegboard_host::protocol::from_json;
use pegboard_host::{Error, Flow, LabeledError, ListStream, Value};
use serde::de::Deserialize;
use serde_json::Value as Json;

use super::{InputError, unreadable};

/// An array of up to this many items is one value; a longer one becomes a stream, so that it never is in memory whole.
const ARRAY: usize = 1024;

/// Reads JSON: nothing for an empty input, a value for one document, a stream for several and for a long array.
///
/// The first document, and what comes directly behind it, is read at once; the rest when it is asked for.
pub(super) fn flow(
    reader: impl Read + Send + 'static,
    trouble: &InputError,
) -> Result<Flow, Error> {
    let mut text = Text::new(reader);
    match text.after_space()? {
        None => Ok(Flow::Empty),
        Some(b'[') => array(text, trouble),
        Some(_) => {
            let first = text.value()?;
            one_or_more(first, text, trouble)
        }
    }
}

fn one_or_more<R: Read + Send + 'static>(
    first: Value,
    mut text: Text<R>,
    trouble: &InputError,
) -> Result<Flow, Error> {
    if text.after_space()?.is_none() {
        return Ok(Flow::value(first));
    }
    let rest = std::iter::from_fn(move || match text.after_space() {
        Ok(None) => None,
        Ok(Some(_)) => Some(text.value()),
        Err(error) => Some(Err(error)),
    });
    Ok(stream(std::iter::once(Ok(first)).chain(rest), trouble))
}

fn array<R: Read + Send + 'static>(mut text: Text<R>, trouble: &InputError) -> Result<Flow, Error> {
    text.open_array()?;
    let mut first = Vec::new();
    while let Some(item) = text.next_item(first.is_empty())? {
        first.push(item);
        if first.len() == ARRAY {
            let mut rest_is_open = true;
            let rest = std::iter::from_fn(move || {
                if !rest_is_open {
                    return None;
                }
                let item = text.next_item(false).and_then(|item| match item {
                    Some(item) => Ok(Some(item)),
                    None => text.nothing_follows().map(|()| None),
                });
                rest_is_open = matches!(item, Ok(Some(_)));
                item.transpose()
            });
            return Ok(stream(first.into_iter().map(Ok).chain(rest), trouble));
        }
    }
    one_or_more(Value::list(first), text, trouble)
}

/// A stream that ends at the first error and keeps it.
fn stream(
    mut items: impl Iterator<Item = Result<Value, Error>> + Send + 'static,
    trouble: &InputError,
) -> Flow {
    let trouble = trouble.clone();
    let mut failed = false;
    Flow::List(ListStream::new(std::iter::from_fn(move || {
        let item = if failed { None } else { items.next() };
        if let Some(Err(error)) = &item {
            trouble.keep(error);
            failed = true;
        }
        item
    })))
}

/// A text of which JSON values are taken one by one.
struct Text<R> {
    bytes: Bytes<R>,
}

impl<R: Read> Text<R> {
    fn new(reader: R) -> Text<R> {
        Text {
            bytes: Bytes {
                reader: BufReader::with_capacity(64 << 10, reader),
                last: None,
                again: false,
                line: 1,
            },
        }
    }

    /// The first byte that is not white space, which stays to be read.
    fn after_space(&mut self) -> Result<Option<u8>, Error> {
        loop {
            match self.bytes.next()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                // Some programs put a record separator before each text.
                Some(0x1e) => {}
                other => {
                    self.bytes.again = other.is_some();
                    return Ok(other);
                }
            }
        }
    }

    fn value(&mut self) -> Result<Value, Error> {
        let line = self.bytes.line;
        let mut deserializer = serde_json::Deserializer::from_reader(&mut self.bytes);
        let json = Json::deserialize(&mut deserializer).map_err(|error| not_json(&error, line))?;
        if json.is_number() && self.bytes.last.is_some() {
            // Only what follows a number tells that it is over.
            self.bytes.again = true;
        }
        from_json(json).map_err(|error| Error::misuse(format!("the input, line {line}: {error}")))
    }

    fn open_array(&mut self) -> Result<(), Error> {
        self.bytes.next().map(drop)
    }

    /// The next item of an array; none when it is closed.
    fn next_item(&mut self, is_first: bool) -> Result<Option<Value>, Error> {
        match self.after_space()? {
            Some(b']') => {
                self.bytes.again = false;
                return Ok(None);
            }
            Some(b',') if !is_first => self.bytes.again = false,
            Some(_) if is_first => {}
            Some(_) => return Err(self.wrong("expected `,` or `]`")),
            None => return Err(self.wrong("the array is not closed")),
        }
        self.value().map(Some)
    }

    fn nothing_follows(&mut self) -> Result<(), Error> {
        match self.after_space()? {
            None => Ok(()),
            Some(_) => Err(self.wrong("there is more behind the array")),
        }
    }

    fn wrong(&self, what: &str) -> Error {
        invalid(what, self.bytes.line)
    }
}

fn not_json(error: &serde_json::Error, first_line: usize) -> Error {
    if let Some(kind) = error.io_error_kind() {
        return unreadable(&kind.into());
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    invalid(message, first_line + error.line().saturating_sub(1))
}

fn invalid(what: &str, line: usize) -> Error {
    let error = LabeledError::new(format!("the input is not JSON: line {line}: {what}"));
    Error::misuse(error.with_code("pegboard::input::not_json"))
}

/// Bytes of which the last one can be read again.
struct Bytes<R> {
    reader: BufReader<R>,
    /// The last byte that was read; none at the beginning and the end.
    last: Option<u8>,
    again: bool,
    /// The line of the next byte, from 1.
    line: usize,
}

impl<R: Read> Bytes<R> {
    fn next(&mut self) -> Result<Option<u8>, Error> {
        let mut byte = [0];
        match self.read(&mut byte) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(byte[0])),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

impl<R: Read> Read for Bytes<R> {
    /// Gives one byte at a time, since whoever parses a value must not take more than it.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(place) = buffer.first_mut() else {
            return Ok(0);
        };
        if let (true, Some(last)) = (std::mem::take(&mut self.again), self.last) {
            *place = last;
            return Ok(1);
        }
        let mut byte = [0];
        let count = loop {
            match self.reader.read(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.last = (count == 1).then_some(byte[0]);
        self.line += usize::from(self.last == Some(b'\n'));
        *place = byte[0];
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of flow and its values as JSON, or the error.
    fn check(text: &str, expected: &str) {
        let trouble = InputError::default();
        let shown = match flow(io::Cursor::new(text.to_owned()), &trouble) {
            Ok(Flow::Empty) => "empty".to_owned(),
            Ok(Flow::Value(value, _)) => format!("value {}", json(&value)),
            Ok(Flow::List(stream)) => {
                let items = stream.map(|item| {
                    item.map_or_else(|error| format!("! {error}"), |value| json(&value))
                });
                format!("stream {}", items.collect::<Vec<_>>().join(" "))
            }
            Ok(Flow::Bytes(_)) => unreachable!("JSON is no bytes"),
            Err(error) => format!("! {error}"),
        };
        assert_eq!(shown, expected, "{text:?}");
        assert_eq!(
            shown.starts_with("stream") && shown.contains('!'),
            trouble.take().is_some(),
            "{text:?}"
        );
    }

    fn json(value: &Value) -> String {
        pegboard_host::protocol::to_json(value)
            .expect("plain values")
            .to_string()
    }

    #[test]
    fn documents() {
        for (text, expected) in [
            ("", "empty"),
            (" \n", "empty"),
            ("5", "value 5"),
            ("5\n", "value 5"),
            ("{\"a\": [1]}\n", "value {\"a\":[1]}"),
            ("[]", "value []"),
            ("[1, 2 ,3]", "value [1,2,3]"),
            (
                "[[1], {\"a\": null}, -1.5]",
                "value [[1],{\"a\":null},-1.5]",
            ),
            ("1 2\n3", "stream 1 2 3"),
            ("1\n-2 \"x\"true", "stream 1 -2 \"x\" true"),
            ("{\"a\":1}\n{\"a\":2}\n", "stream {\"a\":1} {\"a\":2}"),
            ("{\"a\":1}{\"a\":2}", "stream {\"a\":1} {\"a\":2}"),
            ("[1]\n[2]\n", "stream [1] [2]"),
            ("[1,2][3]", "stream [1,2] [3]"),
            ("\u{1e}1\n\u{1e}2\n", "stream 1 2"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_is_not_json() {
        for (text, expected) in [
            ("nope", "! the input is not JSON: line 1: expected ident"),
            (
                "\n\n{\"a\":\n ?}",
                "! the input is not JSON: line 4: expected value",
            ),
            (
                "[1, 2",
                "! the input is not JSON: line 1: the array is not closed",
            ),
            (
                "[1\n 2]",
                "! the input is not JSON: line 2: expected `,` or `]`",
            ),
            ("[,1]", "! the input is not JSON: line 1: expected value"),
            ("[1,]", "! the input is not JSON: line 1: expected value"),
            (
                "1\n2\n{",
                "stream 1 2 ! the input is not JSON: line 3: EOF while parsing an object",
            ),
            (
                "1\n?\n3",
                "stream 1 ! the input is not JSON: line 2: expected value",
            ),
        ] {
            check(text, expected);
        }
        check(
            "18446744073709551615",
            "! the input, line 1: the number 18446744073709551615 does not fit into a signed 64-bit integer",
        );
    }

    #[test]
    fn a_long_array_is_a_stream() {
        let numbers: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
        check(
            &format!("[{}]\n", numbers.join(",")),
            &format!("stream {}", numbers.join(" ")),
        );
        let cut = format!("[{}", numbers.join(","));
        check(
            &cut,
            &format!(
                "stream {} ! the input is not JSON: line 1: the array is not closed",
                numbers.join(" ")
            ),
        );
        let more = format!("[{}] 5", numbers.join(","));
        let message = "! the input is not JSON: line 1: there is more behind the array";
        check(&more, &format!("stream {} {message}", numbers.join(" ")));
    }
}
