//! Who changes a store does it alone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::files::Files;
use crate::{Error, ErrorKind, LabeledError};

/// The first and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

/// The right to change a store, until it is dropped or the process ends, however that comes about.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(files: &Files, patience: Duration) -> Result<Lock, Error> {
        Lock::take_unless(files, patience, || false)
    }

    /// The same, unless it turns out not to be needed while somebody else has it; then it is a matter of chance whether
    /// the lock was refused or taken.
    pub(super) fn take_unless(
        files: &Files,
        patience: Duration,
        mut needless: impl FnMut() -> bool,
    ) -> Result<Lock, Error> {
        let path = files.lock();
        let failed =
            |error| Error::refused(format!("{} cannot be locked: {error}", path.display()));
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(failed)?;
        let deadline = Instant::now() + patience;
        let mut pause = PAUSES.0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || needless() {
                return Err(held(&mut file, files, patience));
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(PAUSES.1);
        }
        // For the message of those who wait in vain, so it does not matter if it fails.
        let _ = file.set_len(0);
        let _ = file.write_all(std::process::id().to_string().as_bytes());
        Ok(Lock { _file: file })
    }
}

fn held(file: &mut File, files: &Files, patience: Duration) -> Error {
    let mut holder = String::new();
    let known = file.take(20).read_to_string(&mut holder).is_ok();
    let holder = match holder.trim().parse::<u32>() {
        Ok(pid) if known => format!("another process ({pid})"),
        _ => "another process".to_owned(),
    };
    let place = files.directory().display();
    let error = LabeledError::new(format!(
        "{holder} has been changing the plugins in {place} for more than {patience:?}"
    ))
    .with_code("pegboard::store::locked")
    .with_help("try again when it is done; if it hangs, end it");
    Error::new(ErrorKind::TimedOut, error)
}
