//! Bytes as text: whole characters and whole lines, whatever the chunks.

use pegboard_protocol::nu::ByteStreamKind;
use pegboard_protocol::{LabeledError, Value};

use super::{ByteStream, Flow};

/// The pieces of a stream of bytes, as they come.
pub(super) fn pieces<E: From<LabeledError> + 'static>(
    mut stream: ByteStream<E>,
) -> impl Iterator<Item = Result<Value, E>> + Send {
    let span = stream.span;
    let mut decoder = Decoder {
        kind: stream.kind,
        held: Vec::new(),
    };
    std::iter::from_fn(move || {
        loop {
            let chunk = match stream.next() {
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(chunk)) => Some(chunk),
                None => None,
            };
            let is_over = chunk.is_none();
            match decoder.decode(chunk) {
                Ok(Some(piece)) => return Some(Ok(piece.at(span))),
                Ok(None) if is_over => return None,
                Ok(None) => {}
                Err(error) => return Some(Err(error.into())),
            }
        }
    })
}

struct Decoder {
    kind: ByteStreamKind,
    /// The beginning of a character, at most three bytes between chunks.
    held: Vec<u8>,
}

impl Decoder {
    /// What can be given of a chunk, or at the end of what was held back.
    fn decode(&mut self, chunk: Option<Vec<u8>>) -> Result<Option<Value>, LabeledError> {
        let is_over = chunk.is_none();
        self.held.extend(chunk.unwrap_or_default());
        if self.held.is_empty() {
            return Ok(None);
        }
        let mut bytes = std::mem::take(&mut self.held);
        if self.kind == ByteStreamKind::Binary {
            return Ok(Some(Value::binary(bytes)));
        }
        if let Err(error) = std::str::from_utf8(&bytes) {
            if error.error_len().is_some() || is_over {
                if self.kind == ByteStreamKind::String {
                    return Err(no_text());
                }
                self.kind = ByteStreamKind::Binary;
                return Ok(Some(Value::binary(bytes)));
            }
            self.held = bytes.split_off(error.valid_up_to());
        }
        let text = String::from_utf8(bytes).map_err(|_| no_text())?;
        Ok(Some(text)
            .filter(|text| !text.is_empty())
            .map(Value::string))
    }
}

/// The lines of what flows.
pub(super) fn lines<E: From<LabeledError> + Send + 'static>(
    flow: Flow<E>,
) -> Box<dyn Iterator<Item = Result<String, E>> + Send> {
    match flow {
        Flow::Bytes(chunks) => Box::new(Lines {
            chunks,
            held: Vec::new(),
            begin: 0,
            seen: 0,
        }),
        Flow::Value(Value::String(text, _), _) => {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            Box::new(lines.into_iter().map(Ok))
        }
        other => Box::new(other.into_items().map(|item| match item? {
            Value::String(line, _) => Ok(line),
            Value::Error(error, _) => Err(E::from(*error)),
            other => Err(needed(&other).into()),
        })),
    }
}

struct Lines<E> {
    chunks: ByteStream<E>,
    held: Vec<u8>,
    /// Where in `held` the next line begins.
    begin: usize,
    /// Up to where there is no end of a line.
    seen: usize,
}

impl<E: From<LabeledError> + 'static> Iterator for Lines<E> {
    type Item = Result<String, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(end) = self.held[self.seen..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let end = self.seen + end;
                let line = &self.held[self.begin..end];
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                self.begin = end + 1;
                self.seen = self.begin;
                return Some(text(line));
            }
            self.held.drain(..self.begin);
            (self.begin, self.seen) = (0, self.held.len());
            match self.chunks.next() {
                Some(Ok(chunk)) => self.held.extend(chunk),
                Some(Err(error)) => {
                    self.held.clear();
                    self.seen = 0;
                    return Some(Err(error));
                }
                None if self.held.is_empty() => return None,
                None => {
                    self.seen = 0;
                    return Some(text(std::mem::take(&mut self.held)));
                }
            }
        }
    }
}

fn text<E: From<LabeledError>>(line: Vec<u8>) -> Result<String, E> {
    String::from_utf8(line).map_err(|_| no_text().into())
}

fn no_text() -> LabeledError {
    LabeledError::new("the input is not UTF-8 text")
}

/// The error for a value that is not text.
pub(super) fn needed(value: &Value) -> LabeledError {
    let message = format!("text is needed, not a value of type {}", value.type_name());
    LabeledError::new(message).with_label("this", value.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestFlow = Flow<LabeledError>;

    fn chunked(bytes: &[u8], size: usize, kind: ByteStreamKind) -> TestFlow {
        let chunks: Vec<_> = bytes.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
        Flow::try_bytes(chunks, kind)
    }

    #[test]
    fn characters_are_never_cut() {
        let whole = "aß€😀z😀€ß";
        for size in 1..20 {
            for kind in [ByteStreamKind::String, ByteStreamKind::Unknown] {
                let items = chunked(whole.as_bytes(), size, kind).into_items();
                let text: String = items
                    .map(|item| match item {
                        Ok(Value::String(text, _)) => text,
                        other => panic!("{other:?}"),
                    })
                    .collect();
                assert_eq!(text, whole, "{size}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_bytes_or_an_error() {
        let items = |kind| -> Result<Vec<Value>, LabeledError> {
            chunked(b"ab\xc3\xc3c", 2, kind).into_items().collect()
        };
        let bytes = [&b"ab"[..], b"\xc3\xc3", b"c"].map(Value::binary);
        assert_eq!(items(ByteStreamKind::Binary), Ok(bytes.to_vec()));
        let [_, second, third] = bytes;
        let mixed = vec![Value::string("ab"), second, third];
        assert_eq!(items(ByteStreamKind::Unknown), Ok(mixed));
        assert_eq!(items(ByteStreamKind::String), Err(no_text()));
        let cut: Vec<_> = chunked(b"a\xc3", 9, ByteStreamKind::Unknown)
            .into_items()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(cut, [Value::string("a"), Value::binary(*b"\xc3")]);
    }

    #[test]
    fn lines_of_any_chunks() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n", &[""]),
            ("a", &["a"]),
            ("a\nb\r\n\nc\r", &["a", "b", "", "c\r"]),
            ("ä\nö\n", &["ä", "ö"]),
        ] {
            for size in 1..8 {
                for kind in [ByteStreamKind::String, ByteStreamKind::Unknown] {
                    let lines = chunked(text.as_bytes(), size, kind).into_lines();
                    let lines: Result<Vec<_>, _> = lines.collect();
                    assert_eq!(lines.unwrap(), expected, "{text:?} {size}");
                }
            }
        }
    }

    #[test]
    fn lines_of_every_form_of_text() {
        let lines = |flow: TestFlow| flow.into_lines().collect::<Result<Vec<_>, _>>();
        let expected = Ok(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(lines("a\nb\n".into()), expected);
        assert_eq!(lines(["a", "b"].into()), expected);
        assert_eq!(lines(Flow::list(["a", "b"].map(Value::string))), expected);
        assert_eq!(lines(Flow::Empty), Ok(Vec::new()));
        let error = lines(5.into()).unwrap_err();
        assert_eq!(error.msg, "text is needed, not a value of type int");
        let error = lines(chunked(b"a\n\xff", 9, ByteStreamKind::Unknown)).unwrap_err();
        assert_eq!(error, no_text());
    }
}
