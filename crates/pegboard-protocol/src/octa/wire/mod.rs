//! Messages as JSON objects: reading tolerates every known form, writing follows the table of dialects.

mod object;
mod quick;
mod read;
mod write;

use super::dialect::{Form, Layout};
use super::error::LineError;
use super::message::{FromHost, FromPlugin};

use read::Fields;
pub(super) use read::decode;
use write::{Writer, json};

/// A message that a [`super::Decoder`] can read.
pub trait Incoming: sealed::Sealed + Sized {
    /// Reads what comes most often; none where that is left to [`read`](Incoming::read).
    #[doc(hidden)]
    fn quick(_text: &str) -> Option<Self> {
        None
    }
    #[doc(hidden)]
    fn read(fields: &Fields<'_>) -> Result<Self, LineError>;
}

/// A message that [`encode`] can write.
pub trait Outgoing: sealed::Sealed {
    #[doc(hidden)]
    const IS_REPLY: bool;
    #[doc(hidden)]
    fn kind(&self) -> &str;
    #[doc(hidden)]
    fn write(&self, out: &mut Writer<'_>);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::FromHost {}
    impl Sealed for super::FromPlugin {}
}

/// Appends a message to `out`: one line with its line feed.
pub fn encode<M: Outgoing>(message: &M, form: Form, out: &mut Vec<u8>) {
    let layouts = |wanted: Layout| match M::IS_REPLY {
        true => form.rows().any(|row| row.replies == wanted),
        false => wanted == Layout::Nested,
    };
    out.extend_from_slice(b"{\"type\":");
    json(out, message.kind());
    let mut writer = Writer {
        out,
        form,
        first: false,
    };
    if layouts(Layout::Flat) {
        message.write(&mut writer);
    }
    if layouts(Layout::Nested) {
        let before = writer.out.len();
        writer.out.extend_from_slice(b",\"payload\":{");
        writer.first = true;
        message.write(&mut writer);
        if writer.first {
            writer.out.truncate(before);
        } else {
            writer.out.push(b'}');
        }
    }
    out.extend_from_slice(b"}\n");
}
