//! One installed plugin as a JSON document.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The newest form of entries that is understood.
const FORMAT: u32 = 1;

/// One installed plugin: where it is, and what it said about itself when it was added.
///
/// The JSON is a promise. Fields that are not known are kept, so that an older Pegboard loses nothing that a newer one
/// wrote, as long as `format` is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The form of the document: 1.
    pub format: u32,
    /// The plugin's name.
    pub name: String,
    /// The plugin's file, as an absolute path.
    pub path: String,
    /// The program that runs the file, with the arguments that come before it. None to go by the file's extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Vec<String>>,
    /// What it speaks: `nushell` or `octa`.
    pub kind: String,
    /// The plugin's file as it was when the plugin said all this.
    pub file: FileStamp,
    /// The plugin's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of the protocol that it speaks; of an Octa plugin, its requirement on the version of Octa.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The encoding that it chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The abilities beyond the common protocol that it announced.
    #[serde(default)]
    pub features: Vec<String>,
    /// When it was added, in milliseconds since 1970.
    pub added: u64,
    /// Its commands, which for an Octa plugin are what Pegboard makes of its key: a list in the form in which Nushell writes signatures as JSON, of the newest version that this
    /// Pegboard knows. Where JSON has no form for something in them, `{"msgpack": "..."}`, the same in MessagePack, in
    /// hexadecimal.
    pub signatures: Json,
    /// Fields that are not known.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// What tells whether a file is still the same, without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified: i64,
}

/// Why something is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError(String);

impl Entry {
    /// An entry about which nothing but this is known yet.
    pub fn new(name: impl Into<String>, path: impl Into<String>, file: FileStamp) -> Entry {
        Entry {
            format: FORMAT,
            name: name.into(),
            path: path.into(),
            interpreter: None,
            kind: "nushell".to_owned(),
            file,
            version: None,
            protocol: None,
            encoding: None,
            features: Vec::new(),
            added: 0,
            signatures: Json::Array(Vec::new()),
            other: Map::new(),
        }
    }

    /// Reads an entry. Fails for what is not JSON, lacks a field, or has a newer format.
    pub fn parse(bytes: &[u8]) -> Result<Entry, EntryError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        // The format first: a newer one may have other fields.
        let Format { format } = from_json(bytes)?;
        if format != FORMAT {
            let message = if format > FORMAT {
                format!(
                    "it has format {format} and comes from a newer Pegboard; this one reads format {FORMAT}"
                )
            } else {
                format!("there is no format {format}")
            };
            return Err(EntryError(message));
        }
        let entry: Entry = from_json(bytes)?;
        if entry.name.is_empty() {
            return Err(EntryError("the name is empty".to_owned()));
        }
        Ok(entry)
    }

    /// The document, with a line feed at its end.
    pub fn print(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).unwrap_or_else(|error| unreachable!("{error}"));
        text.push('\n');
        text
    }
}

fn from_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, EntryError> {
    serde_json::from_slice(bytes).map_err(|error| EntryError(error.to_string()))
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EntryError {}
