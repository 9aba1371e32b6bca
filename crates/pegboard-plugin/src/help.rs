//! What a plugin says when it is started by hand.

use std::fmt::Write;
use std::path::Path;

use pegboard_protocol::nu::PluginSignature;

/// The text of `--help`. `program` is the plugin's own, if it is known; `key` is what it serves in Octa.
pub(crate) fn text(
    name: &str,
    version: &str,
    program: Option<&Path>,
    key: Option<&str>,
    signatures: &[PluginSignature],
) -> String {
    let path = program.map_or("PATH".into(), Path::to_string_lossy);
    let path = match path.contains([' ', '(', ')', '\'', '$', ';', '&']) {
        true => format!("{path:?}").into(),
        false => path,
    };
    // Nushell takes no other names.
    let (nu, note) = match is_octas(program) {
        true => (
            format!("nu_plugin_{name}").into(),
            ", with a copy of that name",
        ),
        false => (path.clone(), ""),
    };
    let mut text = format!(
        "{name} {version}: a plugin\n\n\
         Use it in Nushell:         plugin add {nu}; plugin use {name}{note}\n\
         Use it from any shell:     pegboard run --plugin {path} COMMAND [ARGS]...\n"
    );
    if let Some(key) = key {
        let _ = writeln!(
            text,
            "Use it in Octa:            as octa_plugin_{key}, for tasks with the attribute {key}"
        );
    }
    text.push_str("\nCommands:\n");
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

fn is_octas(program: Option<&Path>) -> bool {
    let name = program.and_then(Path::file_name);
    name.is_some_and(|name| name.to_string_lossy().starts_with("octa_plugin_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_told_with_the_name_that_it_takes() {
        let nu = text("p", "1.0.0", Some(Path::new("/a b/nu_plugin_p")), None, &[]);
        assert!(
            nu.contains("plugin add \"/a b/nu_plugin_p\"; plugin use p\n"),
            "{nu}"
        );
        assert!(!nu.contains("Octa"), "{nu}");
        let octa = text(
            "p",
            "1.0.0",
            Some(Path::new("/octa_plugin_k")),
            Some("k"),
            &[],
        );
        assert!(
            octa.contains("plugin add nu_plugin_p; plugin use p, with a copy"),
            "{octa}"
        );
        assert!(
            octa.contains("as octa_plugin_k, for tasks with the attribute k\n"),
            "{octa}"
        );
    }
}
