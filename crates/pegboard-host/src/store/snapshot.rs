//! The installed plugins at one moment.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Deref;

use pegboard_manifest::index::{Index, IndexBuilder, Shape};
use pegboard_protocol::codec::{Encoding, decode_signatures};
use pegboard_protocol::nu::PluginSignature;

use super::describe::signatures;
use super::files::{Files, Stamp};
use super::map::Map;
use super::rows;
use crate::Error;

/// The installed plugins as they were when [`Store::read`](super::Store::read) was called; what happens later does not
/// change it.
#[derive(Debug)]
pub struct Snapshot {
    files: Files,
    bytes: Bytes,
    shape: Shape,
    rebuilt: Option<Rebuilt>,
}

/// Why the index was made again. Shown, it is one sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    reason: String,
    unwritten: Option<String>,
}

pub(super) enum Found {
    Fresh(Snapshot),
    /// Why it cannot be used.
    Stale(String),
}

enum Bytes {
    Mapped(Map),
    Owned(Vec<u8>),
}

impl Snapshot {
    /// The index, in which everything is found.
    pub fn index(&self) -> Index<'_> {
        self.shape.over(&self.bytes)
    }

    /// Why the index was made again for this snapshot, if it was.
    pub fn rebuilt(&self) -> Option<&Rebuilt> {
        self.rebuilt.as_ref()
    }

    /// All commands of a plugin, as it gave them when it was added. None if there is no such plugin.
    pub fn signatures(&self, plugin: &str) -> Result<Option<Vec<PluginSignature>>, Error> {
        let Some(plugin) = self.index().plugin(plugin) else {
            return Ok(None);
        };
        if let Ok(bytes) = plugin.signatures()
            && let Ok(signatures) = decode_signatures(bytes, Encoding::MsgPack)
        {
            return Ok(Some(signatures));
        }
        // That part of the index is damaged; the entry is the truth anyway.
        let read = self.files.read_entry(plugin.entry());
        let bytes = read
            .map(|(bytes, _)| bytes)
            .map_err(|error| error.to_string());
        let entry = bytes.and_then(|bytes| rows::parse(plugin.entry(), &bytes));
        let entry = entry.map_err(|what| {
            let place = self.files.plugins().join(plugin.entry());
            Error::refused(format!("{} is damaged: {what}", place.display())).of(plugin.name())
        })?;
        signatures(&entry).map(Some)
    }

    pub(super) fn find(files: &Files, entries: Stamp) -> Result<Found, Error> {
        let stale = |what: String| Ok(Found::Stale(what));
        let mapped = fs::metadata(files.index()).and_then(|there| match there.is_file() {
            // Opening anything else may wait for ever.
            false => Err(io::Error::other("it is no file")),
            true => Map::of(&File::open(files.index())?),
        });
        let map = match mapped {
            Ok(map) => map,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if entries != Stamp::default() {
                    return stale("there was none".to_owned());
                }
                let empty = IndexBuilder::new().build().unwrap_or_default();
                return Snapshot::of(files, Bytes::Owned(empty), None).map(Found::Fresh);
            }
            Err(error) => return stale(format!("it could not be read: {error}")),
        };
        let index = match Index::parse(&map) {
            Ok(index) => index,
            Err(damage) => return stale(damage.to_string()),
        };
        if Stamp(index.stamp()) != entries {
            return stale("the entries have changed since".to_owned());
        }
        Ok(Found::Fresh(Snapshot {
            files: files.clone(),
            shape: index.shape(),
            bytes: Bytes::Mapped(map),
            rebuilt: None,
        }))
    }

    pub(super) fn made(files: &Files, bytes: Vec<u8>, rebuilt: Rebuilt) -> Result<Snapshot, Error> {
        Snapshot::of(files, Bytes::Owned(bytes), Some(rebuilt))
    }

    fn of(files: &Files, bytes: Bytes, rebuilt: Option<Rebuilt>) -> Result<Snapshot, Error> {
        let shape = Index::parse(&bytes).map(|index| index.shape());
        Ok(Snapshot {
            files: files.clone(),
            shape: shape
                .map_err(|damage| Error::refused(format!("a new index is wrong: {damage}")))?,
            bytes,
            rebuilt,
        })
    }
}

impl Rebuilt {
    pub(super) fn new(reason: String, unwritten: Option<String>) -> Rebuilt {
        Rebuilt { reason, unwritten }
    }

    /// What was wrong with the index.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Why the new index could not be written, and will have to be made again the next time.
    pub fn unwritten(&self) -> Option<&str> {
        self.unwritten.as_deref()
    }
}

impl fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the index of installed plugins was made again: {}",
            self.reason
        )?;
        if let Some(why) = &self.unwritten {
            write!(f, "; it was not kept: {why}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Bytes::Mapped(_) => "mapped",
            Bytes::Owned(_) => "owned",
        };
        write!(f, "{} bytes, {kind}", self.len())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
