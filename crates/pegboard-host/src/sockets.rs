//! The directory of an engine's sockets, and those that engines have left that were killed together with their guard.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the names of these directories begin.
const PREFIX: &str = "pegboard.";
/// The file that an engine has locked for as long as it lives. Whoever can lock it has found that there is no such engine.
const OWNER: &str = "owner";
/// How long an engine may take between making the directory and locking the file.
const YOUNG: Duration = Duration::from_secs(60);

/// A directory that only this user can enter. It is made when it is first needed.
#[derive(Debug)]
pub(crate) struct SocketDirectory {
    path: PathBuf,
    owner: Mutex<Option<File>>,
}

impl SocketDirectory {
    pub(crate) fn new(runtime_directory: &Path, mark: &str) -> SocketDirectory {
        SocketDirectory {
            path: runtime_directory.join(format!("{PREFIX}{mark}")),
            owner: Mutex::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, unless it is there.
    pub(crate) fn make(&self) -> io::Result<()> {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(error),
        }
        // Without it the directory works as well; it is only that nobody else may then remove it.
        *owner = self.lock().ok();
        Ok(())
    }

    /// Nobody sees the file before it is locked.
    fn lock(&self) -> io::Result<File> {
        let new = self.path.join("owner.new");
        let file = File::create_new(&new)?;
        file.try_lock()?;
        fs::rename(new, self.path.join(OWNER))?;
        Ok(file)
    }

    pub(crate) fn remove(&self) {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = fs::remove_dir_all(&self.path);
        *owner = None;
    }
}

/// Removes the directories of sockets of this user's engines that were killed together with everything that could have
/// removed them, as far as that can be done in so much time. Gives what was removed.
///
/// An engine does so when it first starts a plugin. `runtime_directory` is that of [`crate::Config`]. Directories of engines
/// that live, wherever they run, and of other users are left alone.
pub fn remove_stale_sockets(runtime_directory: &Path, patience: Duration) -> Vec<PathBuf> {
    let deadline = Instant::now() + patience;
    let entries = fs::read_dir(runtime_directory).into_iter().flatten();
    entries
        .take_while(|_| Instant::now() < deadline)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(is_ours_by_name))
        .map(|entry| entry.path())
        .filter(|path| is_ours(path) && remove(path).is_some())
        .collect()
}

/// `pegboard.PROCESS.HEX`
fn is_ours_by_name(name: &str) -> bool {
    let parts = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(process, unique)| {
        process.parse::<u32>().is_ok()
            && unique.len() == 16
            && unique.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[cfg(unix)]
fn is_ours(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(path).is_ok_and(|found| {
        found.is_dir()
            && found.uid() == rustix::process::geteuid().as_raw()
            && found.mode() & 0o777 == 0o700
    })
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> bool {
    false
}

/// Removes a directory whose owner is gone. None if it is not, or if that is not known.
fn remove(path: &Path) -> Option<()> {
    let owner = path.join(OWNER);
    let Ok(lock) = File::open(&owner) else {
        // Whoever removed it before did not come to the end, or somebody is about to lock it.
        let made = fs::metadata(path).and_then(|found| found.modified()).ok()?;
        return (made.elapsed().ok()? > YOUNG).then(|| fs::remove_dir(path).ok())?;
    };
    lock.try_lock().ok()?;
    // The owner goes last: as long as there is one, what is left can be found again.
    for entry in fs::read_dir(path).ok()?.flatten() {
        let inside = entry.path();
        if inside != owner {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match is_directory {
                true => fs::remove_dir_all(inside).ok()?,
                false => fs::remove_file(inside).ok()?,
            }
        }
    }
    fs::remove_file(owner).ok()?;
    fs::remove_dir(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_engines_give() {
        assert!(is_ours_by_name("pegboard.17.0123456789abcdef"));
        for other in [
            "pegboard.17",
            "pegboard.17.0123",
            "pegboard.x.0123456789abcdef",
            "pegboard.17.0123456789abcdeg",
            "pegboard-doctor-17",
            "pegboard.17.0123456789abcdef.sock",
        ] {
            assert!(!is_ours_by_name(other), "{other}");
        }
    }
}
