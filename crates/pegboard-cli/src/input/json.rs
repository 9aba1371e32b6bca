//! JSON as it arrives: a document, several one after the other, or an array of any length.

use std::io::{self, BufReader, Read};

use pegboard_host::protocol::from_json;
use pegboard_host::{Error, Flow, LabeledError, ReportStyle, Value};
use serde::de::Deserialize;
use serde_json::Value as Json;

use super::stdin::Source;
use super::{DEEPEST, MORE_COMES, Trouble, stream, unreadable};

/// An array of up to this many items is one value; a longer one becomes a stream, so that it never is in memory whole.
const ARRAY: usize = 1024;

/// How many bytes are quoted in front of a mistake.
const QUOTED: usize = 24;

/// Reads JSON: nothing for an empty input, a value for one document, a stream for several and for a long array.
///
/// The first document, and what comes directly behind it, is read at once; the rest when it is asked for. If it takes
/// its time, a first document is the first of several, for a command that `streams`.
pub(super) fn flow(source: impl Source, streams: bool, trouble: &Trouble) -> Result<Flow, Error> {
    let mut text = Text::new(source);
    match text.after_space()? {
        None => Ok(Flow::Empty),
        Some(b'[') => array(text, trouble),
        Some(_) => {
            let first = text.value()?;
            one_or_more(first, text, streams, trouble)
        }
    }
}

/// Reads documents as a stream, whether there is one or several.
pub(super) fn documents(source: impl Source, trouble: &Trouble) -> Flow {
    stream(rest(Text::new(source)), trouble)
}

fn rest<R: Source>(mut text: Text<R>) -> impl Iterator<Item = Result<Value, Error>> + Send {
    std::iter::from_fn(move || match text.after_space() {
        Ok(None) => None,
        Ok(Some(_)) => Some(text.value()),
        Err(error) => Some(Err(error)),
    })
}

fn one_or_more<R: Source>(
    first: Value,
    mut text: Text<R>,
    streams: bool,
    trouble: &Trouble,
) -> Result<Flow, Error> {
    if !(streams && text.is_slow()?) && text.after_space()?.is_none() {
        return Ok(Flow::value(first));
    }
    let all = std::iter::once(Ok(first)).chain(rest(text));
    Ok(stream(all, trouble))
}

fn array<R: Source>(mut text: Text<R>, trouble: &Trouble) -> Result<Flow, Error> {
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
    // A list that stands alone is far more often the whole than the first of many lists.
    one_or_more(Value::list(first), text, false, trouble)
}

/// A text of which JSON values are taken one by one.
struct Text<R> {
    bytes: Bytes<R>,
}

impl<R: Source> Text<R> {
    fn new(reader: R) -> Text<R> {
        Text {
            bytes: Bytes {
                reader: BufReader::with_capacity(64 << 10, reader),
                last: None,
                again: false,
                line: 1,
                column: 0,
                recent: Vec::new(),
                failed: None,
            },
        }
    }

    /// True if a newline stands behind what was read, and nothing else comes for a while.
    fn is_slow(&mut self) -> Result<bool, Error> {
        let mut newline = false;
        loop {
            if newline && !self.bytes.is_ready()? {
                return Ok(true);
            }
            match self.bytes.next()? {
                Some(b'\n') => newline = true,
                Some(b' ' | b'\t' | b'\r' | 0x1e) => {}
                other => {
                    self.bytes.again = other.is_some();
                    return Ok(false);
                }
            }
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
        self.value_of(DEEPEST)
    }

    /// A value that is at most so many levels deep.
    fn value_of(&mut self, levels: usize) -> Result<Value, Error> {
        let line = self.bytes.line;
        let mut deserializer = serde_json::Deserializer::from_reader(&mut self.bytes);
        let json = match Json::deserialize(&mut deserializer) {
            Ok(json) => json,
            Err(error) => return Err(self.not_json(&error)),
        };
        if json.is_number() && self.bytes.last.is_some() {
            // Only what follows a number tells that it is over.
            self.bytes.again = true;
        }
        if is_deeper(&json, levels) {
            return Err(too_deep(line));
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
        self.value_of(DEEPEST - 1).map(Some)
    }

    fn nothing_follows(&mut self) -> Result<(), Error> {
        match self.after_space()? {
            None => Ok(()),
            Some(_) => Err(self.wrong("there is more behind the array")),
        }
    }

    fn wrong(&self, what: &str) -> Error {
        let (line, column, text) = self.bytes.place();
        let place = format!("line {line}, column {column}");
        let text = if text.is_empty() {
            String::new()
        } else {
            format!(", at `{}`", ReportStyle::harmless(&text))
        };
        let error = LabeledError::new(format!("the input is not JSON: {place}: {what}{text}"));
        Error::misuse(error.with_code("pegboard::input::not_json"))
    }

    fn not_json(&self, error: &serde_json::Error) -> Error {
        if error.is_io() {
            let cause = self.bytes.failed.clone();
            return cause.unwrap_or_else(|| Error::misuse(error.to_string()));
        }
        let message = error.to_string();
        match message.split(" at line ").next() {
            // What the parser itself allows is more than what can be sent.
            Some("recursion limit exceeded") => too_deep(self.bytes.line),
            Some("expected ident") | None => self.wrong("expected value"),
            Some(message) if error.is_eof() => self.wrong(&message.replace("EOF", "it ends")),
            Some(message) => self.wrong(message),
        }
    }
}

fn is_deeper(json: &Json, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else {
        return json.is_array() || json.is_object();
    };
    match json {
        Json::Array(items) => items.iter().any(|item| is_deeper(item, left)),
        Json::Object(fields) => fields.values().any(|field| is_deeper(field, left)),
        _ => false,
    }
}

fn too_deep(line: usize) -> Error {
    let message = format!("the input, line {line}: the value is nested too deeply");
    let help = format!("lists and records can be {DEEPEST} levels deep at most");
    let error = LabeledError::new(message).with_help(help);
    Error::misuse(error.with_code("pegboard::input::too_deep"))
}

/// Bytes of which the last one can be read again.
struct Bytes<R> {
    reader: BufReader<R>,
    /// The last byte that was read; none at the beginning and the end.
    last: Option<u8>,
    again: bool,
    /// The line of the last byte that was read, from 1.
    line: usize,
    /// How many bytes of that line were read.
    column: usize,
    /// The last bytes of the line, and perhaps some more before them.
    recent: Vec<u8>,
    /// Why nothing can be read.
    failed: Option<Error>,
}

impl<R: Source> Bytes<R> {
    /// False if something has to be waited for.
    fn is_ready(&self) -> Result<bool, Error> {
        if self.again || !self.reader.buffer().is_empty() {
            return Ok(true);
        }
        let ready = self.reader.get_ref().is_ready(MORE_COMES);
        ready.map_err(|error| unreadable(&error))
    }

    /// Line and column of the last byte that was read, and the text around it.
    fn place(&self) -> (usize, usize, String) {
        let start = self.recent.len().saturating_sub(self.column.min(QUOTED));
        let mut text = self.recent[start..].to_vec();
        if self.last.is_some_and(|last| last != b'\n') {
            let rest = self.reader.buffer().split(|byte| *byte == b'\n').next();
            text.extend(rest.unwrap_or_default().iter().take(QUOTED / 2));
        }
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        (self.line, self.column.max(1), text)
    }

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
                Err(error) => {
                    self.failed = Some(unreadable(&error));
                    return Err(error);
                }
                Ok(count) => break count,
            }
        };
        if self.last == Some(b'\n') && count == 1 {
            self.line += 1;
            self.column = 0;
        }
        self.last = (count == 1).then_some(byte[0]);
        if count == 1 {
            self.column += 1;
            if self.recent.len() == 4 * QUOTED {
                self.recent.drain(..3 * QUOTED);
            }
            self.recent.push(byte[0]);
        }
        *place = byte[0];
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stdin::tests::Pieces;
    use super::*;

    /// The kind of flow and its values as JSON, or the error.
    fn check(text: &str, expected: &str) {
        check_pieces(&[text], true, expected);
    }

    /// The same for pieces; behind an empty one the next takes its time.
    fn check_pieces(text: &[&str], streams: bool, expected: &str) {
        let trouble = Trouble::default();
        let shown = match flow(Pieces::new(text), streams, &trouble) {
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
    fn a_first_document_is_not_kept_back() {
        for (pieces, expected) in [
            (&["{\"a\":1}\n", "", "2"][..], "stream {\"a\":1} 2"),
            (&["1\n", "", ""], "stream 1"),
            // A list is not taken for the first of several so easily.
            (&["[1]\n", "", ""], "value [1]"),
            (&["[1]\n", "", "[2]"], "stream [1] [2]"),
            // What has not come to the end of its line may be the whole.
            (&["{\"a\":1}", "", "\n"], "value {\"a\":1}"),
            (&["{\"a\":", "", "1}\n"], "value {\"a\":1}"),
        ] {
            check_pieces(pieces, true, expected);
        }
        // A command that takes no streams gets one only if there is no other way.
        check_pieces(&["1\n", "", ""], false, "value 1");
        check_pieces(&["1\n", "", "2"], false, "stream 1 2");
    }

    #[test]
    fn what_is_not_json() {
        for (text, expected) in [
            ("nope", "line 1, column 2: expected value, at `nope`"),
            (
                "\n\n{\"a\":\n ?}",
                "line 4, column 2: expected value, at `?}`",
            ),
            (
                "[1, 2",
                "line 1, column 5: the array is not closed, at `[1, 2`",
            ),
            ("[1\n 2]", "line 2, column 2: expected `,` or `]`, at `2]`"),
            ("[,1]", "line 1, column 2: expected value, at `[,1]`"),
            ("[1,]", "line 1, column 4: expected value, at `[1,]`"),
            (
                "[\"\n\"]",
                "line 1, column 3: control character (\\u0000-\\u001F) found while parsing a string, at `[\"`",
            ),
        ] {
            check(text, &format!("! the input is not JSON: {expected}"));
        }
        check(
            "1\n2\n{",
            "stream 1 2 ! the input is not JSON: line 3, column 1: it ends while parsing an object, at `{`",
        );
        check(
            "1\n?\n3",
            "stream 1 ! the input is not JSON: line 2, column 1: expected value, at `?`",
        );
        check(
            "18446744073709551615",
            "! the input, line 1: the number 18446744073709551615 does not fit into a signed 64-bit integer",
        );
    }

    #[test]
    fn what_is_nested_too_deeply() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let fits = nested(DEEPEST);
        check(&fits, &format!("value {fits}"));
        for levels in [DEEPEST + 1, 90, 10_000] {
            let text = format!("{{\"a\": {}}}", nested(levels - 1));
            check(&text, "! the input, line 1: the value is nested too deeply");
        }
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
                "stream {} ! the input is not JSON: line 1, column 13890: the array is not closed, at `2995,2996,2997,2998,2999`",
                numbers.join(" ")
            ),
        );
        let more = format!("[{}] 5", numbers.join(","));
        let message = "! the input is not JSON: line 1, column 13893: there is more behind the array, at `5,2996,2997,2998,2999] 5`";
        check(&more, &format!("stream {} {message}", numbers.join(" ")));
    }
}
