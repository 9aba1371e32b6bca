//! What a plugin says when it is started by hand.

use std::fmt::Write;
use std::path::Path;

use pegboard_protocol::nu::PluginSignature;

/// The text of `--help`. `program` is the plugin's own, if it is known.
pub(crate) fn text(
    name: &str,
    version: &str,
    program: Option<&Path>,
    signatures: &[PluginSignature],
) -> String {
    let path = program.map_or("PATH".into(), Path::to_string_lossy);
    let path = match path.contains([' ', '(', ')', '\'', '$', ';', '&']) {
        true => format!("{path:?}").into(),
        false => path,
    };
    let mut text = format!(
        "{name} {version}: a plugin\n\n\
         Use it in Nushell:         plugin add {path}; plugin use {name}\n\
         Use it from any shell:     pegboard run --plugin {path} COMMAND [ARGS]...\n\n\
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
