//! The files of a store: their names, reading them, and replacing them as a whole.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Error;

/// The longest entry that is read. Real ones have some hundred kilobytes at most.
const LONGEST_ENTRY: u64 = 64 << 20;
/// The longest file name that all usual file systems take.
const LONGEST_NAME: usize = 255;
const ENDING: &str = ".json";

#[derive(Clone, Debug)]
pub(super) struct Files {
    directory: PathBuf,
}

/// The files of all entries, and what tells whether they are still the same.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Their names, sorted.
    pub(super) files: Vec<String>,
    pub(super) stamp: Stamp,
}

/// Tells whether files are the same as before: the sum of a number for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) u64);

impl Stamp {
    pub(super) fn with(self, file: Option<u64>) -> Stamp {
        Stamp(self.0.wrapping_add(file.unwrap_or(0)))
    }

    pub(super) fn without(self, file: Option<u64>) -> Stamp {
        Stamp(self.0.wrapping_sub(file.unwrap_or(0)))
    }
}

/// The name of the file of a plugin's entry. Different plugins have different files, also where file names do not
/// differ by case: what is not a small letter, digit, `-`, `_` or a dot inside is written as its bytes, `%41`.
pub(super) fn name_of(plugin: &str) -> Result<String, Error> {
    let stem = plugin.split('.').next().unwrap_or_default();
    let mut file = String::with_capacity(plugin.len() + ENDING.len());
    for (at, byte) in plugin.bytes().enumerate() {
        let plain = match byte {
            b'.' => at > 0,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => at > 0 || !is_device(stem),
            _ => false,
        };
        if plain {
            file.push(char::from(byte));
        } else {
            file.push_str(&format!("%{byte:02x}"));
        }
    }
    file.push_str(ENDING);
    if plugin.is_empty() || file.len() > LONGEST_NAME {
        let what = if plugin.is_empty() {
            "empty"
        } else {
            "too long"
        };
        return Err(Error::misuse(format!(
            "the name of the plugin is {what}: `{plugin}`"
        )));
    }
    Ok(file)
}

/// Whether a file of this name is an entry. Others may lie there and are left alone.
pub(super) fn is_entry(file: &str) -> bool {
    file.ends_with(ENDING) && !file.starts_with('.') && !file.contains(['/', '\\'])
}

/// Names that are devices on Windows, whatever their ending.
fn is_device(stem: &str) -> bool {
    let numbered = |prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    matches!(stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

impl Files {
    pub(super) fn new(directory: PathBuf) -> Files {
        Files { directory }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the entries are.
    pub(super) fn plugins(&self) -> PathBuf {
        self.directory.join("plugins")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.directory.join("index")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.directory.join("lock")
    }

    /// Whether there is a place for entries yet.
    pub(super) fn exist(&self) -> bool {
        self.plugins().is_dir()
    }

    pub(super) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.plugins())
    }

    pub(super) fn list(&self) -> io::Result<Listing> {
        let entries = match fs::read_dir(self.plugins()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
            Err(error) => return Err(error),
        };
        let mut listing = Listing::default();
        for entry in entries {
            let entry = entry?;
            // Names that are no text are none that were given here.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !is_entry(&name) {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) => {
                    listing.stamp = listing.stamp.with(Some(number(&name, &metadata)));
                    listing.files.push(name);
                }
                // Removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        listing.files.sort_unstable();
        Ok(listing)
    }

    /// What the file of an entry adds to the stamp; none if there is no such file.
    pub(super) fn stamp(&self, file: &str) -> io::Result<Option<u64>> {
        match fs::symlink_metadata(self.plugins().join(file)) {
            Ok(metadata) => Ok(Some(number(file, &metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The content of an entry's file, and what this very content adds to the stamp.
    pub(super) fn read_entry(&self, file: &str) -> io::Result<(Vec<u8>, u64)> {
        let path = self.plugins().join(file);
        // Reading a pipe could take for ever.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let opened = File::open(path)?;
        let metadata = opened.metadata()?;
        let mut bytes = Vec::new();
        opened.take(LONGEST_ENTRY + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST_ENTRY {
            return Err(io::Error::other("it is longer than any entry"));
        }
        Ok((bytes, number(file, &metadata)))
    }

    pub(super) fn write_entry(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let plugins = self.plugins();
        self.replace("entry.new", &plugins.join(file), bytes)?;
        sync(&plugins)
    }

    pub(super) fn remove_entry(&self, file: &str) -> io::Result<()> {
        let plugins = self.plugins();
        fs::remove_file(plugins.join(file))?;
        sync(&plugins)
    }

    pub(super) fn write_index(&self, bytes: &[u8]) -> io::Result<()> {
        self.replace("index.new", &self.index(), bytes)
    }

    /// Writes beside and renames. Only who has the lock writes, so the name is always the same, and what somebody left
    /// there who was killed is written over.
    fn replace(&self, beside: &str, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let beside = self.directory.join(beside);
        // Not over what is there: a name may have come to mean another file.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::create_new(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(beside, path)
    }
}

/// Makes a renaming survive a power failure, where directories can be opened.
fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// A number that hardly any other state of a file has: from its name, size, times and identity.
fn number(name: &str, metadata: &Metadata) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| sum = (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    name.bytes().for_each(&mut add);
    for part in identity(metadata) {
        part.to_le_bytes().into_iter().for_each(&mut add);
    }
    // Sums of such numbers are compared, so every bit has to depend on all of it.
    sum = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    sum = (sum ^ (sum >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    sum ^ (sum >> 31)
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> [u64; 6] {
    use std::os::unix::fs::MetadataExt;
    [
        metadata.ino(),
        metadata.size(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    ]
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> [u64; 3] {
    let at =
        |time: io::Result<SystemTime>| time.map_or(0, |time| nanoseconds(time).cast_unsigned());
    [
        metadata.len(),
        at(metadata.modified()),
        at(metadata.created()),
    ]
}

/// A time in nanoseconds since 1970, or the nearest that there is.
pub(super) fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |after| -after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_different() {
        for (plugin, file) in [
            ("inc", "inc.json"),
            ("a-b_c.d", "a-b_c.d.json"),
            ("Inc", "%49nc.json"),
            ("größe", "gr%c3%b6%c3%9fe.json"),
            ("../x", "%2e.%2fx.json"),
            (".hidden", "%2ehidden.json"),
            ("%41", "%2541.json"),
            ("A", "%41.json"),
            ("a b", "a%20b.json"),
            ("con", "%63on.json"),
            ("com1.x", "%63om1.x.json"),
            ("console", "console.json"),
        ] {
            let name = name_of(plugin).expect("a name");
            assert_eq!(name, file);
            assert!(is_entry(&name), "{name}");
        }
        for (plugin, why) in [("", "empty"), (&*"x".repeat(251), "too long")] {
            let error = name_of(plugin).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(name_of(&"x".repeat(250)).is_ok());
    }

    #[test]
    fn other_files_are_no_entries() {
        for file in [
            "x",
            ".x.json",
            "x.json.swp",
            "a/b.json",
            "..\\b.json",
            "json",
        ] {
            assert!(!is_entry(file), "{file}");
        }
    }
}
