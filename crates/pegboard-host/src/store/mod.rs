//! The installed plugins of a directory: what is there is looked up, and nothing is started.
//!
//! The truth is one JSON file for each plugin, `plugins/NAME.json`. The file `index` is made of all of them, so that
//! commands are found without reading them; it is made again whenever it does not fit them. Files are only ever
//! replaced as a whole, by renaming, so readers take no lock and see a state that there was. Writers take turns.

mod describe;
mod files;
mod lock;
mod map;
pub mod registry;
mod rows;
mod snapshot;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pegboard_manifest::Entry;
use pegboard_manifest::index::IndexBuilder;

pub use describe::{Freshness, describe, may_run, signatures, signatures_as_json};
pub use snapshot::{Rebuilt, Snapshot};

use crate::{Error, ErrorKind, LabeledError};
use files::Files;
use lock::Lock;
use snapshot::Found;

/// How long somebody else is waited for who changes the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where plugins are installed. Any number of processes and threads may use one directory at once.
#[derive(Clone, Debug)]
pub struct Store {
    files: Files,
    patience: Duration,
}

/// What adding a plugin did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// There was none of this name.
    New,
    /// It took the place of the one of this name.
    Replaced,
}

impl Store {
    /// The store in this directory. Nothing is read or made before it is needed; a directory that does not exist is a
    /// store without plugins.
    pub fn open(directory: impl Into<PathBuf>) -> Store {
        Store {
            files: Files::new(directory.into()),
            patience: PATIENCE,
        }
    }

    /// Waits so long for somebody else who changes the store, instead of ten seconds.
    pub fn with_patience(self, patience: Duration) -> Store {
        Store { patience, ..self }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.files.directory()
    }

    /// The plugins as they are now. Entries are only looked at, not read, unless the index does not fit them; what was
    /// wrong with it then is in [`Snapshot::rebuilt`].
    pub fn read(&self) -> Result<Snapshot, Error> {
        if let Found::Fresh(snapshot) = self.find()? {
            return Ok(snapshot);
        }
        // Somebody may just be between the entry and the index: then it fits as soon as he is done.
        let mut fresh = None;
        let lock = Lock::take_unless(&self.files, self.patience, || {
            if let Ok(Found::Fresh(snapshot)) = self.find() {
                fresh = Some(snapshot);
            }
            fresh.is_some()
        });
        if let Some(snapshot) = fresh {
            return Ok(snapshot);
        }
        let reason = match self.find()? {
            Found::Fresh(snapshot) => return Ok(snapshot),
            Found::Stale(reason) => reason,
        };
        let bytes = self.made()?;
        let written = lock.and_then(|_lock| self.write(&bytes));
        let unwritten = written.err().map(|error| error.labeled().msg.clone());
        Snapshot::made(&self.files, bytes, Rebuilt::new(reason, unwritten))
    }

    /// Installs a plugin, in the place of any that has the same name.
    pub fn add(&self, entry: &Entry) -> Result<Added, Error> {
        let file = files::name_of(&entry.name)?;
        let listed = rows::listed(&file, entry).map_err(|what| {
            Error::misuse(format!("`{}` cannot be installed: {what}", entry.name))
        })?;
        let failed = |error| self.cannot("install", &entry.name, &error);
        self.files.create().map_err(failed)?;
        let _lock = Lock::take(&self.files, self.patience)?;
        let (mut builder, stamp) = self.current()?;
        let before = self.files.stamp(&file).map_err(failed)?;
        self.files
            .write_entry(&file, entry.print().as_bytes())
            .map_err(failed)?;
        let after = self.files.stamp(&file).map_err(failed)?;
        builder.forget(&file).plugin(&entry.name, listed);
        self.finish(&mut builder, stamp.without(before).with(after));
        Ok(match before {
            Some(_) => Added::Replaced,
            None => Added::New,
        })
    }

    /// Removes a plugin, or a damaged entry by the name of its file. False if there is none.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        let failed = |error| self.cannot("remove", name, &error);
        if !self.files.exist() {
            return Ok(false);
        }
        let _lock = Lock::take(&self.files, self.patience)?;
        let (mut builder, stamp) = self.current()?;
        // A file that people put there may have a name that no plugin's entry would have.
        let spelled = [name.to_owned(), format!("{name}.json")];
        let damaged = spelled
            .into_iter()
            .find(|file| builder.problems().any(|it| it == file));
        for file in files::name_of(name).ok().into_iter().chain(damaged) {
            let before = self.files.stamp(&file).map_err(failed)?;
            if before.is_some() {
                self.files.remove_entry(&file).map_err(failed)?;
                builder.forget(&file);
                self.finish(&mut builder, stamp.without(before));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All that is known about a plugin, from its entry. None if there is no such plugin.
    pub fn entry(&self, name: &str) -> Result<Option<Entry>, Error> {
        let file = files::name_of(name)?;
        let parsed = match self.files.read_entry(&file) {
            Ok((bytes, _)) => rows::parse(&file, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error.to_string()),
        };
        parsed.map(Some).map_err(|what| {
            let place = self.files.plugins().join(&file);
            let error = LabeledError::new(format!("{} is damaged: {what}", place.display()))
                .with_code("pegboard::store::damaged_entry")
                .with_help("add the plugin again, or remove it");
            Error::new(ErrorKind::Refused, error).of(name)
        })
    }

    /// The index, if it fits the entries.
    fn find(&self) -> Result<Found, Error> {
        let listing = self.files.list().map_err(|error| self.unreadable(&error))?;
        Snapshot::find(&self.files, listing.stamp)
    }

    /// What the index has and of which entries: from the index itself if it fits them, else from them. For those who
    /// have the lock.
    fn current(&self) -> Result<(IndexBuilder, files::Stamp), Error> {
        if let Found::Fresh(snapshot) = self.find()?
            && let Ok(builder) = IndexBuilder::of(snapshot.index())
        {
            return Ok((builder, files::Stamp(snapshot.index().stamp())));
        }
        let listing = self.files.list().map_err(|error| self.unreadable(&error))?;
        Ok(rows::read(&self.files, &listing.files))
    }

    /// A new index, from the entries.
    fn made(&self) -> Result<Vec<u8>, Error> {
        let listing = self.files.list().map_err(|error| self.unreadable(&error))?;
        let (mut builder, stamp) = rows::read(&self.files, &listing.files);
        let built = builder.stamp(stamp.0).build();
        built.map_err(|error| Error::refused(format!("the index cannot be made: {error}")))
    }

    /// Writes the index after a change. That itself is safe already: an index that could not be written is found not to
    /// fit by the next reader, who makes it again and says why it cannot be written.
    fn finish(&self, builder: &mut IndexBuilder, stamp: files::Stamp) {
        if let Ok(bytes) = builder.stamp(stamp.0).build() {
            let _ = self.write(&bytes);
        }
    }

    fn write(&self, index: &[u8]) -> Result<(), Error> {
        let place = self.files.index();
        let failed =
            |error| Error::refused(format!("{} cannot be written: {error}", place.display()));
        self.files.write_index(index).map_err(failed)
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        let place = self.files.plugins();
        Error::refused(format!("{} cannot be read: {error}", place.display()))
    }

    fn cannot(&self, what: &str, name: &str, error: &io::Error) -> Error {
        let place = self.directory().display();
        Error::refused(format!("cannot {what} `{name}` in {place}: {error}"))
    }
}
