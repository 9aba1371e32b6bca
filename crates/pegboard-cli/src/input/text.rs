//! Text as an input: the newline behind a single line is left out, as shells do for `$(...)`.

use std::io::{self, BufRead, BufReader, Read};

use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{ByteStream, Error, Flow, LabeledError, Value};

use super::stdin::Source;
use super::{MORE_COMES, Trouble, unreadable};

/// A line of up to this many bytes is a value.
const LINE: usize = 64 << 10;

/// A single line as a string, so that plugins that know no streams can read it; more than that as a stream of text.
/// Bytes that are not text are a stream of the kind `otherwise`, and nothing at all is what `nothing` says.
///
/// Waits until it knows which, but not long behind a whole line: then more will come.
pub(super) fn line_or_stream(
    mut source: impl Source,
    otherwise: ByteStreamKind,
    nothing: Flow,
    trouble: &Trouble,
) -> Result<Flow, Error> {
    let mut begin = Vec::new();
    let mut is_text = true;
    while is_text && begin.len() < LINE {
        let failed = |error: io::Error| unreadable(&error);
        if begin.ends_with(b"\n") && !source.is_ready(MORE_COMES).map_err(failed)? {
            break;
        }
        let Some(chunk) = read(&mut source).map_err(failed)? else {
            return Ok(match String::from_utf8(begin) {
                Ok(line) if line.is_empty() => nothing,
                Ok(mut line) => {
                    line.truncate(line.strip_suffix('\n').map_or(line.len(), str::len));
                    Flow::value(Value::string(line))
                }
                Err(error) => stream(error.into_bytes(), source, otherwise, trouble),
            });
        };
        begin.extend_from_slice(&chunk);
        is_text = !has_controls(&chunk);
        // The end of a first line that is not the end of all.
        let newline = begin.iter().position(|byte| *byte == b'\n');
        if newline.is_some_and(|at| at + 1 < begin.len()) {
            break;
        }
    }
    let is_text = is_text && is_utf8(&begin);
    let kind = if is_text {
        ByteStreamKind::String
    } else {
        otherwise
    };
    Ok(stream(begin, source, kind, trouble))
}

/// The most that is taken for one text: what engines and plugins let a message be long.
const WHOLE: usize = 64 << 20;

/// Everything, up to the end, as one text.
pub(super) fn whole(source: impl Read) -> Result<String, Error> {
    let mut bytes = Vec::new();
    source
        .take(WHOLE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() > WHOLE {
        let message = format!("standard input is longer than {} MiB", WHOLE >> 20);
        let error = LabeledError::new(message).with_code("pegboard::input::too_long");
        return Err(Error::misuse(
            error.with_help("no text of a task can be; have the task read a file"),
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        let message = format!("standard input is not UTF-8: byte {at} fits nothing");
        let error = LabeledError::new(message).with_code("pegboard::input::not_text");
        Error::misuse(error.with_help("the text of a task has to be UTF-8"))
    })
}

/// Each line as a string, without what ends it.
pub(super) fn lines(source: impl Source, trouble: &Trouble) -> Flow {
    let mut reader = BufReader::new(source);
    let mut number = 0_u64;
    let lines = std::iter::from_fn(move || {
        let mut line = Vec::new();
        number += 1;
        match reader.read_until(b'\n', &mut line) {
            Err(error) => return Some(Err(unreadable(&error))),
            Ok(0) => return None,
            Ok(_) => {}
        }
        let end = line.strip_suffix(b"\n").unwrap_or(&line);
        let end = end.strip_suffix(b"\r").unwrap_or(end).len();
        line.truncate(end);
        Some(String::from_utf8(line).map(Value::string).map_err(|_| {
            let error = LabeledError::new(format!("the input, line {number}: it is not UTF-8"));
            Error::misuse(error.with_code("pegboard::input::not_text"))
        }))
    });
    super::stream(lines, trouble)
}

/// All bytes as they are.
pub(super) fn bytes(source: impl Source, kind: ByteStreamKind, trouble: &Trouble) -> Flow {
    stream(Vec::new(), source, kind, trouble)
}

fn stream(
    begin: Vec<u8>,
    mut source: impl Source,
    kind: ByteStreamKind,
    trouble: &Trouble,
) -> Flow {
    let trouble = trouble.clone();
    let rest = std::iter::from_fn(move || {
        let chunk = read(&mut source).map_err(|error| unreadable(&error));
        if let Err(error) = &chunk {
            trouble.keep(error);
        }
        chunk.transpose()
    });
    let begin = Some(begin).filter(|begin| !begin.is_empty()).map(Ok);
    Flow::Bytes(ByteStream::from_chunks(begin.into_iter().chain(rest), kind))
}

/// What is there, after waiting for something; none at the end.
fn read(source: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut chunk = vec![0; 8192];
    loop {
        match source.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok(None),
            Ok(count) => {
                chunk.truncate(count);
                return Ok(Some(chunk));
            }
        }
    }
}

/// True if there are characters that no text has.
fn has_controls(chunk: &[u8]) -> bool {
    chunk.iter().any(|byte| *byte < 7)
}

/// True for UTF-8, the last character of which may be cut off.
fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

#[cfg(test)]
mod tests {
    use super::super::stdin::tests::Pieces;
    use super::*;

    /// What becomes of pieces; behind an empty one the next takes its time.
    fn check(pieces: &[&[u8]], expected: &str) {
        let trouble = Trouble::default();
        let flow = line_or_stream(
            Pieces::new(pieces),
            ByteStreamKind::Unknown,
            Flow::Empty,
            &trouble,
        );
        let shown = match flow.expect("readable") {
            Flow::Empty => "empty".to_owned(),
            Flow::Value(Value::String(text, _), _) => format!("value {text:?}"),
            Flow::Bytes(stream) => {
                let kind = stream.kind;
                let chunks: Vec<Vec<u8>> = stream.map(|chunk| chunk.expect("readable")).collect();
                let begin = String::from_utf8_lossy(&chunks[0]).into_owned();
                assert_eq!(chunks.concat(), pieces.concat());
                format!("{kind:?} {begin:?}")
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(shown, expected, "{pieces:?}");
    }

    #[test]
    fn a_single_line_is_a_string_without_its_newline() {
        check(&[], "empty");
        check(&[b"1.2.3\n"], r#"value "1.2.3""#);
        check(&[b"1.2", b".3", b"\n"], r#"value "1.2.3""#);
        check(&[b"a"], r#"value "a""#);
        check(&[b"\n"], r#"value """#);
        check(
            "gr\u{fc}\u{df}e\n"
                .as_bytes()
                .chunks(1)
                .collect::<Vec<_>>()
                .as_slice(),
            "value \"gr\u{fc}\u{df}e\"",
        );
        // A line that comes slowly is a line all the same.
        check(&[b"a", b"", b"b\n"], r#"value "ab""#);
    }

    #[test]
    fn everything_else_is_a_stream() {
        check(&[b"a\nb\n"], r#"String "a\nb\n""#);
        check(&[b"a\n", b"b\n"], r#"String "a\nb\n""#);
        check(&[b"\n", b"\n"], r#"String "\n\n""#);
        // The first line is not kept back until the second comes.
        check(&[b"a\n", b"", b"b\n"], r#"String "a\n""#);
        check(&[b"a\0", b"b"], r#"Unknown "a\0""#);
        check(&[b"\xff\xfe\n"], "Unknown \"\u{fffd}\u{fffd}\\n\"");
        let long = "x".repeat(70_000);
        check(
            &[long.as_bytes()],
            &format!("String {:?}", "x".repeat(65_536)),
        );
    }
}
