//! The very first bytes of a plugin, which name its encoding.

use super::error::printable;
use super::{DecodeError, DecodeErrorKind, Encoding};

/// The longest name that is waited for. Known ones have 4 and 7 bytes; programs that print text instead of announcing
/// an encoding begin with a letter, which taken as a length would be far more.
const LONGEST: u8 = 31;

/// Reads which encoding a plugin announces, and in how many bytes. None if more bytes are needed.
///
/// The error for a program that is no plugin shows what it printed, so call this once a little output has gathered.
pub fn parse_announcement(bytes: &[u8]) -> Result<Option<(Encoding, usize)>, DecodeError> {
    let Some(&length) = bytes.first() else {
        return Ok(None);
    };
    if length == 0 || length > LONGEST {
        return Err(no_plugin(bytes));
    }
    let used = 1 + usize::from(length);
    let name = &bytes[1..used.min(bytes.len())];
    for encoding in [Encoding::Json, Encoding::MsgPack] {
        if name == encoding.name().as_bytes() {
            return Ok(Some((encoding, used)));
        }
        if bytes.len() < used && encoding.announcement().starts_with(bytes) {
            return Ok(None);
        }
    }
    if name.iter().any(|byte| !byte.is_ascii_graphic()) {
        return Err(no_plugin(bytes));
    }
    if bytes.len() < used {
        return Ok(None);
    }
    let name = printable(name);
    Err(error(
        format!(
            "the plugin announces the encoding `{name}`, which is not known: use `json` or `msgpack`"
        ),
        name,
    ))
}

fn no_plugin(bytes: &[u8]) -> DecodeError {
    let shown = printable(&bytes[..bytes.len().min(80)]);
    error(
        format!(
            "the program does not announce an encoding, so it is not a plugin, or it prints before it speaks the \
             protocol; it wrote: {}",
            shown.trim()
        ),
        shown,
    )
}

fn error(what: String, excerpt: String) -> DecodeError {
    DecodeError::new(DecodeErrorKind::Announcement, 0, what).with_text(excerpt)
}
