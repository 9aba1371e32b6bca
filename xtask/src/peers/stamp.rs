//! Fingerprints: a peer is rebuilt when its recipe, its version or its sources change.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::recipe::{PROFILE, Peer, Recipe};

/// The directory of sources that all reference plugins share.
const SHARED_SOURCES: &str = "peers/reference";

pub(super) fn fingerprint(root: &Path, peer: &Peer) -> Result<String, String> {
    let mut files = Vec::new();
    match peer.recipe {
        Recipe::Ours { directory, .. } => {
            collect(&root.join(directory), &mut files)?;
            collect(&root.join(SHARED_SOURCES), &mut files)?;
        }
        Recipe::Script { source } => files.push(root.join(source)),
        Recipe::Published { .. } | Recipe::Npm { .. } => {}
    }
    let mut hasher = DefaultHasher::new();
    format!("{peer:?} {PROFILE:?}").hash(&mut hasher);
    for path in files {
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        path.strip_prefix(root).unwrap_or(&path).hash(&mut hasher);
        bytes.hash(&mut hasher);
    }
    Ok(format!(
        "{} {} {:016x}\n",
        peer.name,
        peer.version,
        hasher.finish()
    ))
}

/// All files below `directory`, in a stable order, without build output.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let describe = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .map_err(describe)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(describe)?;
    entries.sort();
    for path in entries {
        if !path.is_dir() {
            files.push(path);
        } else if path.file_name().is_none_or(|name| name != "target") {
            collect(&path, files)?;
        }
    }
    Ok(())
}
