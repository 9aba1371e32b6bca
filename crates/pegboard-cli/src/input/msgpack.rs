//! MessagePack as it arrives: a document, or several one after the other.

use std::io::{self, BufRead, BufReader, Read};

use pegboard_host::{Error, Flow, LabeledError, Value};
use rmpv::Value as Pack;
use rmpv::decode::{Error as PackError, read_value_with_max_depth};

use super::stdin::Source;
use super::unassigned::Unassigned;
use super::{DEEPEST, Trouble, stream, unreadable};
use crate::msgpack::date;

/// What is read at all. The library counts a list or record as two levels and what is in it as up to two more.
const READ_DEPTH: usize = 2 * DEEPEST + 2;

/// Reads MessagePack: nothing for an empty input, a value for one document, a stream for several.
pub(super) fn flow(source: impl Source, trouble: &Trouble) -> Result<Flow, Error> {
    let mut documents = Documents {
        reader: Counted {
            reader: BufReader::with_capacity(64 << 10, source),
            read: 0,
            unassigned: Unassigned::default(),
        },
    };
    let Some(first) = documents.next().transpose()? else {
        return Ok(Flow::Empty);
    };
    if documents.reader.is_over().map_err(|e| unreadable(&e))? {
        return Ok(Flow::value(first));
    }
    Ok(stream(std::iter::once(Ok(first)).chain(documents), trouble))
}

struct Documents<R> {
    reader: Counted<R>,
}

impl<R: Source> Iterator for Documents<R> {
    type Item = Result<Value, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.is_over() {
            Ok(true) => return None,
            Ok(false) => {}
            Err(error) => return Some(Err(unreadable(&error))),
        }
        let start = self.reader.read;
        let wrong = |at: u64, what: &str| {
            let message = format!("the input is not MessagePack: byte {at}: {what}");
            Error::misuse(LabeledError::new(message).with_code("pegboard::input::not_msgpack"))
        };
        Some(
            match read_value_with_max_depth(&mut self.reader, READ_DEPTH) {
                Ok(document) => value(document, DEEPEST).map_err(|what| wrong(start, &what)),
                Err(_) if self.reader.unassigned.place().is_some() => {
                    let at = self.reader.unassigned.place().unwrap_or(start);
                    Err(wrong(at, "c1 begins no value"))
                }
                Err(PackError::DepthLimitExceeded) => Err(wrong(start, &too_deep())),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(wrong(
                    self.reader.read,
                    &format!("it ends inside the value that began at byte {start}"),
                )),
                Err(PackError::InvalidMarkerRead(error) | PackError::InvalidDataRead(error)) => {
                    Err(unreadable(&error))
                }
            },
        )
    }
}

/// Counts what is read, and fails where the library would take what begins no value for nothing.
struct Counted<R> {
    reader: BufReader<R>,
    read: u64,
    unassigned: Unassigned,
}

impl<R: Read> Counted<R> {
    fn is_over(&mut self) -> io::Result<bool> {
        Ok(self.reader.fill_buf()?.is_empty())
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read += count as u64;
        self.unassigned.check(&buffer[..count])?;
        Ok(count)
    }
}

/// The value of a document, or what is wrong with it.
fn value(pack: Pack, levels: usize) -> Result<Value, String> {
    let inner = || levels.checked_sub(1).ok_or_else(too_deep);
    Ok(match pack {
        Pack::Nil => Value::nothing(),
        Pack::Boolean(value) => Value::bool(value),
        Pack::Integer(number) => Value::int(
            number
                .as_i64()
                .ok_or_else(|| format!("the number {number} is too large"))?,
        ),
        Pack::F32(number) => Value::float(number.into()),
        Pack::F64(number) => Value::float(number),
        Pack::String(text) => Value::string(
            text.into_str()
                .ok_or_else(|| "a text is not UTF-8".to_owned())?,
        ),
        Pack::Binary(bytes) => Value::binary(bytes),
        Pack::Array(items) => {
            let inner = inner()?;
            let items = items.into_iter().map(|item| value(item, inner));
            Value::list(items.collect::<Result<Vec<_>, _>>()?)
        }
        Pack::Map(fields) => {
            let inner = inner()?;
            let fields = fields
                .into_iter()
                .map(|(name, field)| Ok((key(name)?, value(field, inner)?)));
            Value::record(fields.collect::<Result<Vec<_>, String>>()?)
        }
        Pack::Ext(kind, bytes) => match date(kind, &bytes) {
            Some(date) => Value::Date(date, pegboard_host::Span::UNKNOWN),
            None => return Err(format!("there is no value for the extension type {kind}")),
        },
    })
}

fn too_deep() -> String {
    format!("lists and records can be {DEEPEST} levels deep at most")
}

/// The name of a field, for which other programs use numbers too.
fn key(name: Pack) -> Result<String, String> {
    match name {
        Pack::String(text) => text
            .into_str()
            .ok_or_else(|| "the name of a field is not UTF-8".to_owned()),
        Pack::Integer(number) => Ok(number.to_string()),
        other => Err(format!("{other} cannot be the name of a field")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stdin::tests::Pieces;
    use super::*;

    fn check(pieces: &[&[u8]], expected: &str) {
        let trouble = Trouble::default();
        let shown = match flow(Pieces::new(pieces), &trouble) {
            Ok(Flow::Empty) => "empty".to_owned(),
            Ok(Flow::Value(value, _)) => format!("value {}", plain(&value)),
            Ok(Flow::List(items)) => {
                let items = items.map(|item| match item {
                    Ok(item) => plain(&item),
                    Err(error) => error.labeled().msg.clone(),
                });
                format!("stream {}", items.collect::<Vec<_>>().join(" "))
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => error.labeled().msg.clone(),
        };
        assert_eq!(shown, expected, "{pieces:?}");
    }

    fn plain(value: &Value) -> String {
        pegboard_host::protocol::to_json(value)
            .expect("JSON")
            .to_string()
    }

    #[test]
    fn documents_are_values_and_several_are_a_stream() {
        check(&[], "empty");
        check(&[b"\x05"], "value 5");
        check(&[b"\x92", b"\x01", b"\xa1", b"x"], r#"value [1,"x"]"#);
        check(&[b"\x81\x01\xc0"], r#"value {"1":null}"#);
        check(&[b"\x01\x02"], "stream 1 2");
        check(&[b"\xd6\xff\0\0\0\x01"], r#"value "1970-01-01T00:00:01Z""#);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let wrong = |what: &str| format!("the input is not MessagePack: byte {what}");
        check(
            &[b"\x92\x01"],
            &wrong("2: it ends inside the value that began at byte 0"),
        );
        check(
            &[b"\x01\xc4\x05a"],
            &format!(
                "stream 1 {}",
                wrong("4: it ends inside the value that began at byte 1")
            ),
        );
        for (pieces, place) in [
            (&[&b"\xc1"[..]][..], 0),
            (&[b"\x92\x01", b"\xc1"], 2),
            (&[b"\x81\xa1\xc1\xc1"], 3),
            (&[b"\x92\xc4\x02\xc1", b"\xc1\xc1"], 5),
            (&[b"\x92\xd5\x05\xc1", b"\xc1\xc1"], 5),
            (&[b"\x92\xcd\xc1", b"\xc1\xc1"], 4),
        ] {
            check(pieces, &wrong(&format!("{place}: c1 begins no value")));
        }
        check(&[b"\x92\xc4\x01\xc1\xcc\xc1"], "value [[193],193]");
        check(&[b"\xa1\xff"], &wrong("0: a text is not UTF-8"));
        check(
            &[b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"],
            &wrong("0: the number 18446744073709551615 is too large"),
        );
        check(
            &[b"\xd4\x05\x00"],
            &wrong("0: there is no value for the extension type 5"),
        );
        let deep = |levels| [vec![0x91; levels], vec![0x05]].concat();
        for levels in [81, 200] {
            check(
                &[&deep(levels)],
                &wrong("0: lists and records can be 80 levels deep at most"),
            );
        }
        let fits = [&"[".repeat(80), "5", &"]".repeat(80)].concat();
        check(&[&deep(80)], &format!("value {fits}"));
        // A length without anything behind it reserves nothing.
        check(
            &[b"\xdd\xff\xff\xff\xff"],
            &wrong("5: it ends inside the value that began at byte 0"),
        );
    }
}
