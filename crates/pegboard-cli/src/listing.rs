//! Lists of commands.

use pegboard_host::protocol::nu::PluginSignature;
use pegboard_host::{ReportStyle, Usage};

use crate::terminal;

/// The commands by name, each with how it is used and what it does.
pub(crate) fn commands<'a>(signatures: impl IntoIterator<Item = &'a PluginSignature>) -> String {
    let mut signatures: Vec<_> = signatures.into_iter().collect();
    signatures.sort_by(|a, b| a.sig.name.cmp(&b.sig.name));
    let room = terminal::output_width().max(40) - 6;
    let mut text = String::new();
    for signature in signatures {
        text.push_str(&format!("  {}\n", Usage::new(signature).line()));
        let description = first_line(&signature.sig.description);
        if !description.is_empty() {
            let cut: String = description.chars().take(room).collect();
            let more = if cut == description { "" } else { "..." };
            text.push_str(&format!("      {cut}{more}\n"));
        }
    }
    text
}

/// One line of a plugin's own text, without what a terminal would act on.
pub(crate) fn first_line(text: &str) -> String {
    ReportStyle::harmless(text.lines().next().unwrap_or_default())
}

/// JSON in which characters that a terminal would act on are written as their codes.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    #[test]
    fn json_stays_what_it_is() {
        let json = json!({"a": "x\u{202e}y\u{9b}\u{7f}\u{1b}\u{fc}"});
        let text = escaped(&json.to_string());
        assert_eq!(text, "{\"a\":\"x\\u202ey\\u009b\\u007f\\u001b\u{fc}\"}");
        assert_eq!(serde_json::from_str::<Json>(&text).expect("JSON"), json);
    }
}
