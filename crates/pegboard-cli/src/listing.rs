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
