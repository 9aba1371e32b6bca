//! Text as an input: the newline behind a single line is left out, as shells do for `$(...)`.

use std::io::Read;

use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{ByteStream, Error, Flow, Value};

/// A line of up to this many bytes is a value.
const LINE: usize = 64 << 10;

/// A single line as a string, so that plugins that know no streams can read it; more than that as a stream of text.
///
/// Waits until it knows which.
pub(super) fn line_or_stream(reader: impl Read + Send + 'static) -> Result<Flow, Error> {
    let mut chunks = Chunks::new(reader);
    let mut begin = Vec::new();
    while begin.len() < LINE && !chunks.exact {
        match chunks.next() {
            Some(chunk) => begin.extend_from_slice(&chunk?),
            None => match String::from_utf8(begin) {
                Ok(line) => return Ok(Flow::value(Value::string(line))),
                Err(error) => {
                    begin = error.into_bytes();
                    break;
                }
            },
        }
    }
    let chunks = std::iter::once(Ok(begin)).chain(chunks);
    Ok(Flow::Bytes(ByteStream::from_chunks(
        chunks,
        ByteStreamKind::String,
    )))
}

/// A stream of text, at once.
pub(super) fn stream(reader: impl Read + Send + 'static, kind: ByteStreamKind) -> Flow {
    Flow::Bytes(ByteStream::from_chunks(Chunks::new(reader), kind))
}

/// The chunks of an input; exact when it has more than one line, or is not text.
struct Chunks<R> {
    reader: R,
    /// The first newline, while it may turn out to be the end.
    held: bool,
    /// There is more than one line, or something that is not text.
    exact: bool,
    /// Nothing was read yet.
    first: bool,
}

impl<R: Read> Chunks<R> {
    fn new(reader: R) -> Chunks<R> {
        Chunks {
            reader,
            held: false,
            exact: false,
            first: true,
        }
    }
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut chunk = vec![0; 8192];
            let count = match self.reader.read(&mut chunk[1..]) {
                Ok(0) => return None,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Some(Err(super::unreadable(&error))),
            };
            chunk.truncate(1 + count);
            if std::mem::take(&mut self.held) {
                chunk[0] = b'\n';
                self.exact = true;
            } else {
                chunk.remove(0);
            }
            self.exact = self.exact || !is_text(&chunk, std::mem::take(&mut self.first));
            let newline = chunk.iter().position(|byte| *byte == b'\n');
            if newline == Some(chunk.len() - 1) && !self.exact {
                chunk.pop();
                self.held = true;
            } else if newline.is_some() {
                self.exact = true;
            }
            if !chunk.is_empty() {
                return Some(Ok(chunk));
            }
        }
    }
}

/// True for UTF-8 without control characters. A character may be cut off at the end, and at the start of any chunk but
/// the first.
fn is_text(chunk: &[u8], first: bool) -> bool {
    let continues = |byte: &&u8| (0x80..0xc0).contains(*byte);
    let cut = if first {
        0
    } else {
        chunk.iter().take(3).take_while(continues).count()
    };
    let whole = std::str::from_utf8(&chunk[cut..])
        .map_or_else(|error| error.error_len().is_none(), |_| true);
    whole && !chunk.iter().any(|byte| *byte < b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one by one.
    struct Pieces(Vec<&'static str>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0).as_bytes();
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn only_the_newline_of_a_single_line_is_left_out() {
        for (pieces, text) in [
            (vec![], ""),
            (vec!["1.2.3\n"], "1.2.3"),
            (vec!["1.2", ".3", "\n"], "1.2.3"),
            (vec!["a"], "a"),
            (vec!["\n"], ""),
            (vec!["\n", "\n"], "\n\n"),
            (vec!["a\nb\n"], "a\nb\n"),
            (vec!["a\n", "b\n"], "a\nb\n"),
            (vec!["a\n", "b", "\n"], "a\nb\n"),
            (vec!["a\nb", "\n"], "a\nb\n"),
            (vec!["a\0\n"], "a\0\n"),
        ] {
            let chunks = Chunks::new(Pieces(pieces.clone()))
                .collect::<Result<Vec<_>, _>>()
                .expect("no errors");
            assert_eq!(
                String::from_utf8(chunks.concat()).expect("text"),
                text,
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn a_single_line_is_a_string() {
        let long = "x".repeat(70_000);
        for (text, is_value) in [
            ("", true),
            ("one\n", true),
            ("one", true),
            ("one\ntwo\n", false),
            ("a\0b", false),
            (&long, false),
        ] {
            let flow = line_or_stream(std::io::Cursor::new(text.to_owned())).expect("readable");
            assert_eq!(matches!(flow, Flow::Value(..)), is_value, "{text:?}");
            let value = flow.into_value().expect("readable");
            let expected = if is_value { text.trim_end() } else { text };
            assert_eq!(value, Value::string(expected), "{text:?}");
        }
    }
}
