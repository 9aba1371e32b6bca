//! The text of an execution as real hosts send it, made plain again.

use std::borrow::Cow;

/// The text that the user wrote, from what a real host (up to Octa 0.2.1) sends of it.
///
/// Such a host writes the text as a JSON string, takes all quotes off both of its ends, and sends the rest as if it were
/// the text. So a line feed arrives as `\n` in two characters, and a quote as `\"`; of a quote at the very end only the
/// backslash is left. What no such host can have sent comes back as it is. What any other host sends must not go
/// through here: its backslashes would be lost.
pub fn plain_text(params: &str) -> Cow<'_, str> {
    if !params.contains('\\') {
        return Cow::Borrowed(params);
    }
    let backslashes = params.bytes().rev().take_while(|&byte| byte == b'\\');
    let lost = if backslashes.count() % 2 == 1 {
        "\""
    } else {
        ""
    };
    match serde_json::from_str(&format!("\"{params}{lost}\"")) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(params),
    }
}
