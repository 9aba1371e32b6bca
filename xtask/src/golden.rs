//! `cargo xtask golden`: writes the golden vectors of the wire with the real Nushell crates.

use std::fs;
use std::path::Path;

use crate::peers::{self, Places};
use crate::run;

/// Crate version, and the workspace that builds the generator against it.
const GENERATORS: &[(&str, &str)] = &[
    ("0.115.1", "peers/golden/v115"),
    ("0.109.1", "peers/golden/v109"),
    ("0.105.1", "peers/golden/v105"),
    ("0.98.0", "peers/golden/v098"),
];

/// Regenerates the vectors of these versions (all for none).
pub(crate) fn golden(root: &Path, versions: &[&str]) -> Result<(), String> {
    if let Some(unknown) = versions
        .iter()
        .find(|v| GENERATORS.iter().all(|(known, _)| known != *v))
    {
        let known: Vec<_> = GENERATORS.iter().map(|(version, _)| *version).collect();
        return Err(format!(
            "no generator for `{unknown}`; there are {}",
            known.join(", ")
        ));
    }
    let places = Places::new(root);
    let vectors = root.join("crates/pegboard-protocol/tests/golden");
    for directory in [&places.peers, &places.peers.join("logs"), &vectors] {
        fs::create_dir_all(directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    let _lock = peers::lock(&places)?;
    for (version, workspace) in GENERATORS {
        if !versions.is_empty() && !versions.contains(version) {
            continue;
        }
        let output = vectors.join(format!("{version}.jsonl"));
        eprintln!("golden: writing {version}.jsonl");
        let mut cargo = peers::shared_cargo(&places);
        cargo
            .args(["run", "--locked", "--"])
            .arg(&output)
            .current_dir(root.join(workspace));
        run::logged(&mut cargo, &places.log(&format!("golden-{version}")))?;
    }
    Ok(())
}
