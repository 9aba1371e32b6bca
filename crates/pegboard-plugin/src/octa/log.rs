//! The plugin's log: a file for each plugin, if there is to be one.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a plugin writes down what happens. Copies write to the same file.
///
/// There is a file when the plugin was started with `--log-dir DIRECTORY`: `NAME.log` in it, to which lines are added.
/// Octa never asks for one. Without it, what is logged goes nowhere.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<Mutex<File>>>);

impl Log {
    /// Opens a plugin's file, and creates the directory if it has to.
    pub(crate) fn open(directory: &Path, name: &str) -> io::Result<Log> {
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{name}.log"));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Log(Some(Arc::new(Mutex::new(file)))))
    }

    /// Adds a line, with the time (UTC) before it. What cannot be written is lost: a full disk ends no execution.
    pub fn say(&self, text: impl fmt::Display) {
        if let Some(file) = &self.0 {
            let line = format!("[{}] {text}\n", stamp(SystemTime::now()));
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(line.as_bytes());
        }
    }
}

fn stamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let time = chrono::DateTime::from_timestamp(seconds, since.subsec_nanos()).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({})", self.0.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_stamp_looks_like_octas() {
        let time = UNIX_EPOCH + Duration::from_millis(1_763_753_071_375);
        assert_eq!(stamp(time), "2025-11-21 19:24:31.375");
        assert_eq!(stamp(UNIX_EPOCH), "1970-01-01 00:00:00.000");
    }
}
