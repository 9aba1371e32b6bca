//! What a plugin says when it is started by hand.

use std::fmt::Write;

use pegboard_protocol::nu::PluginSignature;

/// The text of `--help`.
pub(crate) fn text(name: &str, version: &str, signatures: &[PluginSignature]) -> String {
    let mut text = format!(
        "{name} {version}: a plugin\n\n\
         Use it in Nushell:         plugin add PATH; plugin use {name}\n\
         Use it from any shell:     pegboard run --plugin PATH COMMAND [ARGS]...\n\n\
         Commands:\n"
    );
    let width = signatures
        .iter()
        .map(|signature| signature.sig.name.chars().count())
        .max()
        .unwrap_or(0);
    for signature in signatures {
        let sig = &signature.sig;
        let _ = writeln!(text, "  {:width$}  {}", sig.name, sig.description);
    }
    text
}
