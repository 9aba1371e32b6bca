//! Text and bytes as people see them: nothing in them changes the terminal.

use std::fmt::Write as _;
use std::io::Write;

use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::{Error, ReportStyle};

use super::{Stop, Writer};

/// How many bytes a line shows.
const LINE: usize = 16;

impl Writer<'_> {
    /// Text with signs in place of its control characters, and a newline at the end.
    pub(super) fn screen_line(&mut self, text: &str) -> Result<(), Stop> {
        self.out.write_all(harmless(text).as_bytes())?;
        self.end_line(text.ends_with('\n'), true)
    }

    /// Bytes as they come: as text if they begin like text, else as lines of hexadecimal numbers.
    pub(super) fn screen_bytes(
        &mut self,
        chunks: impl Iterator<Item = Result<Vec<u8>, Error>>,
        kind: ByteStreamKind,
    ) -> Result<(), Stop> {
        let mut as_text = (kind == ByteStreamKind::String).then_some(true);
        let (mut left, mut offset, mut ended) = (Vec::new(), 0, true);
        let mut failed = None;
        for chunk in chunks {
            match chunk {
                Ok(chunk) if chunk.is_empty() => continue,
                Ok(chunk) => left.extend_from_slice(&chunk),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
            let ready = if *as_text.get_or_insert_with(|| is_text(&left)) {
                whole(&left)
            } else {
                left.len() / LINE * LINE
            };
            let now: Vec<u8> = left.drain(..ready).collect();
            self.screen_part(&now, as_text, &mut offset)?;
            ended = now.last().map_or(ended, |last| *last == b'\n');
            self.flush()?;
        }
        self.screen_part(&left, as_text, &mut offset)?;
        ended = left.last().map_or(ended, |last| *last == b'\n');
        self.end_line(ended || as_text == Some(false), true)?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    fn screen_part(
        &mut self,
        bytes: &[u8],
        as_text: Option<bool>,
        offset: &mut u64,
    ) -> Result<(), Stop> {
        if as_text == Some(false) {
            for line in bytes.chunks(LINE) {
                self.out.write_all(hex(*offset, line).as_bytes())?;
                *offset += line.len() as u64;
            }
            return Ok(());
        }
        let text = String::from_utf8_lossy(bytes);
        Ok(self.out.write_all(harmless(&text).as_bytes())?)
    }
}

/// Tabs stay as they are, as newlines do.
fn harmless(text: &str) -> String {
    let parts: Vec<String> = text.split('\t').map(ReportStyle::harmless).collect();
    parts.join("\t")
}

/// True for UTF-8 without characters that no text has; the last one may be cut off.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte >= 7)
        && std::str::from_utf8(bytes).map_or_else(|e| e.error_len().is_none(), |_| true)
}

/// How much of a text can be shown before more of it is there: neither a part of a character nor one of a line break.
fn whole(bytes: &[u8]) -> usize {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    whole - usize::from(whole == bytes.len() && bytes.ends_with(b"\r"))
}

fn hex(offset: u64, bytes: &[u8]) -> String {
    let mut numbers = String::new();
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(numbers, " {byte:02x}");
        let shown = byte.is_ascii_graphic() || *byte == b' ';
        text.push(if shown { char::from(*byte) } else { '.' });
    }
    format!("{offset:08x} {numbers:<48}  {text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_numbers_have_their_place_and_their_text() {
        assert_eq!(
            hex(16, b"a b\x1b\xff"),
            format!("00000010  61 20 62 1b ff{}  a b..\n", " ".repeat(33))
        );
    }

    #[test]
    fn nothing_is_shown_in_parts() {
        assert_eq!(whole(b"a\xc3"), 1);
        assert_eq!(whole(b"a\r"), 1);
        assert_eq!(whole(b"a\r\n"), 3);
        assert_eq!(whole(b"a\xff"), 2);
        assert_eq!(harmless("a\tb\r\n\u{1b}["), "a\tb\n\u{241b}[");
        assert!(is_text(b"\x1b[1m\xc3") && !is_text(b"\0") && !is_text(b"\xff\n"));
    }
}
