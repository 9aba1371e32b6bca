//! The file of `--trace`, which is not touched before there is something to trace.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pegboard_host::Recorder;
use serde_json::Value as Json;

use crate::exit::Failure;

/// A trace that is kept in memory until its file is opened.
pub(super) struct TraceFile {
    path: PathBuf,
    shared: Shared,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Target>>);

enum Target {
    Memory(Vec<u8>),
    File(File),
}

impl TraceFile {
    /// Refuses a file that is there and is no trace: it was probably named by mistake.
    pub(super) fn new(path: &Path) -> Result<TraceFile, Failure> {
        if holds_something_else(path).unwrap_or(false) {
            let shown = path.display();
            return Err(Failure::misuse(format!(
                "{shown} is there already and is not a Pegboard trace, so it is not overwritten"
            )));
        }
        Ok(TraceFile {
            path: path.to_owned(),
            shared: Shared(Arc::new(Mutex::new(Target::Memory(Vec::new())))),
        })
    }

    pub(super) fn recorder(&self) -> Recorder {
        Recorder::new(self.shared.clone())
    }

    /// Writes down what has been said so far, and from now on everything as it comes.
    pub(super) fn open(&self) -> Result<(), Failure> {
        let mut target = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Target::Memory(said) = &*target else {
            return Ok(());
        };
        let written = File::create(&self.path).and_then(|mut file| {
            file.write_all(said)?;
            Ok(file)
        });
        let file = written.map_err(|error| {
            Failure::unwritten(format!(
                "{} cannot be written: {error}",
                self.path.display()
            ))
        })?;
        *target = Target::File(file);
        Ok(())
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Memory(said) => said.write(bytes),
            Target::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn holds_something_else(path: &Path) -> io::Result<bool> {
    // A pipe or a device is there to be written to.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut first = Vec::new();
    let file = BufReader::new(File::open(path)?);
    file.take(4096).read_until(b'\n', &mut first)?;
    let header = serde_json::from_slice::<Json>(&first);
    let is_trace = header.is_ok_and(|header| header["trace"] == "pegboard");
    Ok(!first.is_empty() && !is_trace)
}
