//! Input of any form as pieces of text, cut between characters.

use pegboard_plugin::{Input, LabeledError, Value};

/// The text that flows in, piece by piece. Each item of a list is a line; bytes that are no UTF-8 are replaced.
pub(crate) fn pieces(
    input: Input,
) -> Box<dyn Iterator<Item = Result<String, LabeledError>> + Send> {
    match input {
        Input::Bytes(chunks) => Box::new(decoded(chunks)),
        Input::Value(Value::String(text, _), _) => Box::new(std::iter::once(Ok(text))),
        Input::Value(Value::Binary(bytes, _), _) => Box::new(decoded(std::iter::once(Ok(bytes)))),
        other => Box::new(other.into_items().map(|item| match item? {
            Value::String(mut text, _) => {
                text.push('\n');
                Ok(text)
            }
            Value::Error(error, _) => Err(*error),
            other => Err(LabeledError::new("text is needed").with_label(
                format!("this is a value of type {}", other.type_name()),
                other.span(),
            )),
        })),
    }
}

/// Chunks of bytes as text; a character that is cut in two goes with the chunk that has its end.
fn decoded<E>(
    mut chunks: impl Iterator<Item = Result<Vec<u8>, E>>,
) -> impl Iterator<Item = Result<String, E>> {
    let mut held = Vec::new();
    let mut over = false;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        match chunks.next() {
            Some(Ok(chunk)) => {
                held.extend_from_slice(&chunk);
                let rest = held.split_off(complete(&held));
                let whole = std::mem::replace(&mut held, rest);
                Some(Ok(into_text(whole)))
            }
            Some(Err(error)) => {
                over = true;
                Some(Err(error))
            }
            None => {
                over = true;
                (!held.is_empty()).then(|| Ok(into_text(std::mem::take(&mut held))))
            }
        }
    })
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Where the last character ends that is not cut off.
fn complete(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    for start in (tail..bytes.len()).rev() {
        if bytes[start] & 0xC0 == 0x80 {
            continue;
        }
        return match std::str::from_utf8(&bytes[start..]) {
            Err(error) if error.error_len().is_none() => start,
            _ => bytes.len(),
        };
    }
    bytes.len()
}

/// Complete lines without their ends.
pub(crate) fn lines<E>(
    mut pieces: impl Iterator<Item = Result<String, E>> + Send,
) -> impl Iterator<Item = Result<String, E>> + Send {
    let mut held = String::new();
    // Where in `held` the next line begins, and up to where there is no line end.
    let (mut begin, mut seen) = (0, 0);
    let mut over = false;
    std::iter::from_fn(move || {
        loop {
            if let Some(end) = held[seen..].find('\n') {
                let line = &held[begin..seen + end];
                let line = line.strip_suffix('\r').unwrap_or(line).to_owned();
                begin = seen + end + 1;
                seen = begin;
                return Some(Ok(line));
            }
            held.drain(..begin);
            (begin, seen) = (0, held.len());
            if over {
                return (!held.is_empty()).then(|| {
                    seen = 0;
                    Ok(std::mem::take(&mut held))
                });
            }
            match pieces.next() {
                Some(Ok(piece)) => held.push_str(&piece),
                Some(Err(error)) => {
                    over = true;
                    held.clear();
                    seen = 0;
                    return Some(Err(error));
                }
                None => over = true,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(text: &[u8], size: usize) -> impl Iterator<Item = Result<Vec<u8>, ()>> + Send {
        let chunks: Vec<_> = text.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
        chunks.into_iter()
    }

    #[test]
    fn characters_are_never_cut() {
        let text = "aß€😀z😀€ß";
        for size in 1..20 {
            let pieces: Result<Vec<_>, ()> = decoded(chunked(text.as_bytes(), size)).collect();
            assert_eq!(pieces.unwrap().concat(), text, "{size}");
        }
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        for (bytes, expected) in [
            (&b"a\xffb"[..], "a\u{fffd}b"),
            (b"a\xe2\x82", "a\u{fffd}"),
            (b"\x80\x80\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            let pieces: Result<Vec<_>, ()> = decoded(chunked(bytes, 100)).collect();
            assert_eq!(pieces.unwrap().concat(), expected);
        }
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
                let pieces = decoded(chunked(text.as_bytes(), size));
                let lines: Result<Vec<_>, ()> = lines(pieces).collect();
                assert_eq!(lines.unwrap(), expected, "{text:?} {size}");
            }
        }
    }
}
