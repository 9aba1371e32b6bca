//! The files of the repository, without build output.

use std::fs;
use std::path::Path;

/// A file below the root.
pub(super) struct RepoFile {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) size: u64,
    /// Absent for files that are not UTF-8.
    pub(super) text: Option<String>,
}

const SKIPPED: &[&str] = &[".git", "target", "node_modules", "__pycache__"];

pub(super) fn walk(root: &Path) -> Result<Vec<RepoFile>, String> {
    let mut files = Vec::new();
    descend(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn descend(directory: &Path, prefix: &str, files: &mut Vec<RepoFile>) -> Result<(), String> {
    let describe = |error: std::io::Error| format!("{}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(describe)? {
        let entry = entry.map_err(describe)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(describe)?;
        if kind.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                descend(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() {
            // Another program may remove a file between listing and reading.
            if let Ok(bytes) = fs::read(entry.path()) {
                let size = bytes.len() as u64;
                files.push(RepoFile {
                    path,
                    size,
                    text: String::from_utf8(bytes).ok(),
                });
            }
        }
    }
    Ok(())
}
