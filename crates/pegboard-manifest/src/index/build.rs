//! Makes the bytes of an index. The same plugins give the same bytes, in whatever order they come.

use std::collections::BTreeMap;
use std::fmt;

use super::layout::{COMMAND_ROW, FORMAT, HEADER, MAGIC, NOTHING, PLUGIN_ROW, PROBLEM_ROW};
use super::{Damage, Index};
use crate::FileStamp;

/// What goes into an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexBuilder {
    plugins: BTreeMap<String, Listed>,
    problems: BTreeMap<String, String>,
    stamp: u64,
}

/// What the index says about one plugin besides its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The name of the file of its entry.
    pub entry: String,
    /// The plugin's file, as an absolute path.
    pub path: String,
    /// The program that runs the file, with the arguments that come before it. No part may contain a zero byte, which
    /// no argument of a program can. Nothing at all is none.
    pub interpreter: Option<Vec<String>>,
    /// What it speaks: `nushell`.
    pub kind: String,
    /// The plugin's file as it was when the plugin was added.
    pub file: FileStamp,
    /// The plugin's own version.
    pub version: Option<String>,
    /// The version of the protocol that it speaks.
    pub protocol: Option<String>,
    /// Name and description of each command.
    pub commands: Vec<(String, String)>,
    /// All its signatures, in any encoding.
    pub signatures: Vec<u8>,
}

/// There is more than an index can hold: 4 GiB of strings, or of signatures of one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl IndexBuilder {
    /// An index of nothing.
    pub fn new() -> IndexBuilder {
        IndexBuilder::default()
    }

    /// All that an index holds; to change a little of it. Fails if some signatures in it are damaged.
    pub fn of(index: Index<'_>) -> Result<IndexBuilder, Damage> {
        let mut builder = IndexBuilder::new();
        builder.stamp = index.stamp();
        for problem in index.problems() {
            builder.problem(problem.file, problem.what);
        }
        let mut commands = vec![Vec::new(); index.plugins().len()];
        for command in index.commands() {
            let named = (command.name().to_owned(), command.description().to_owned());
            if let Some(list) = commands.get_mut(command.plugin_number()) {
                list.push(named);
            }
        }
        for (plugin, commands) in index.plugins().zip(commands) {
            let listed = Listed {
                entry: plugin.entry().to_owned(),
                path: plugin.path().to_owned(),
                interpreter: plugin
                    .interpreter()
                    .map(|words| words.map(str::to_owned).collect()),
                kind: plugin.kind().to_owned(),
                file: plugin.file(),
                version: plugin.version().map(str::to_owned),
                protocol: plugin.protocol().map(str::to_owned),
                commands,
                signatures: plugin.signatures()?.to_vec(),
            };
            builder.plugin(plugin.name(), listed);
        }
        Ok(builder)
    }

    /// Lists a plugin, in the place of any that has the same name.
    pub fn plugin(&mut self, name: impl Into<String>, mut listed: Listed) -> &mut Self {
        listed.commands.sort();
        listed.interpreter = listed.interpreter.filter(|words| !words.is_empty());
        self.plugins.insert(name.into(), listed);
        self
    }

    /// Lists an entry that cannot be read: the name of its file, and what is wrong.
    pub fn problem(&mut self, file: impl Into<String>, what: impl Into<String>) -> &mut Self {
        self.problems.insert(file.into(), what.into());
        self
    }

    /// The names of the files of entries that cannot be read.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.problems.keys().map(String::as_str)
    }

    /// Forgets the plugin or the problem whose entry is in this file.
    pub fn forget(&mut self, entry: &str) -> &mut Self {
        self.plugins.retain(|_, listed| listed.entry != entry);
        self.problems.remove(entry);
        self
    }

    /// Sets what [`Index::stamp`] gives.
    pub fn stamp(&mut self, stamp: u64) -> &mut Self {
        self.stamp = stamp;
        self
    }

    /// The bytes of the index.
    pub fn build(&self) -> Result<Vec<u8>, TooLarge> {
        let mut commands: Vec<(&str, usize, &str)> = Vec::new();
        for (number, listed) in self.plugins.values().enumerate() {
            let own = listed.commands.iter();
            commands.extend(own.map(|(name, text)| (name.as_str(), number, text.as_str())));
        }
        commands.sort_unstable();
        let words = commands.iter().map(|(name, _, _)| name.split(' ').count());
        let most_words = words.max().unwrap_or(0);

        let mut strings = Strings::default();
        let mut rows = Vec::new();
        let mut places = Vec::with_capacity(self.plugins.len());
        for (name, listed) in &self.plugins {
            let interpreter = listed.interpreter.as_ref().map(|words| words.join("\0"));
            for text in [
                Some(name),
                Some(&listed.entry),
                Some(&listed.path),
                interpreter.as_ref(),
                Some(&listed.kind),
                listed.version.as_ref(),
                listed.protocol.as_ref(),
            ] {
                rows.extend(strings.add(text.map(String::as_str))?);
            }
            rows.extend(listed.file.size.to_le_bytes());
            rows.extend(listed.file.modified.to_le_bytes());
            // Where the signatures are is known only when all strings are.
            places.push(HEADER + rows.len());
            rows.extend([0; 8]);
            rows.extend(length(listed.signatures.len())?.to_le_bytes());
            rows.extend(crc32fast::hash(&listed.signatures).to_le_bytes());
        }
        debug_assert_eq!(rows.len(), self.plugins.len() * PLUGIN_ROW);
        for (name, plugin, description) in &commands {
            rows.extend(strings.add(Some(name))?);
            rows.extend(strings.add(Some(description))?);
            rows.extend(length(*plugin)?.to_le_bytes());
        }
        for (file, what) in &self.problems {
            rows.extend(strings.add(Some(file))?);
            rows.extend(strings.add(Some(what))?);
        }
        let counted = self.plugins.len() * PLUGIN_ROW
            + commands.len() * COMMAND_ROW
            + self.problems.len() * PROBLEM_ROW;
        debug_assert_eq!(rows.len(), counted);

        let mut bytes = Vec::with_capacity(HEADER + rows.len() + strings.0.len());
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend([0; 4]);
        let blobs = self.plugins.values().map(|listed| listed.signatures.len());
        let head = HEADER + rows.len() + strings.0.len();
        let total = head + blobs.sum::<usize>();
        bytes.extend((total as u64).to_le_bytes());
        bytes.extend(self.stamp.to_le_bytes());
        for count in [
            self.plugins.len(),
            commands.len(),
            self.problems.len(),
            strings.0.len(),
            most_words,
            0,
        ] {
            bytes.extend(length(count)?.to_le_bytes());
        }
        debug_assert_eq!(bytes.len(), HEADER);
        bytes.extend(rows);
        bytes.extend(strings.0);
        for (listed, at) in self.plugins.values().zip(places) {
            let start = bytes.len() as u64;
            bytes[at..at + 8].copy_from_slice(&start.to_le_bytes());
            bytes.extend(&listed.signatures);
        }
        let checksum = crc32fast::hash(&bytes[super::layout::CHECKED..head]);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }
}

/// The strings of an index, one after the other.
#[derive(Default)]
struct Strings(Vec<u8>);

impl Strings {
    /// Adds a string and gives the eight bytes that name it.
    fn add(&mut self, text: Option<&str>) -> Result<[u8; 8], TooLarge> {
        let mut field = [0; 8];
        let (offset, count) = match text {
            Some(text) => (length(self.0.len())?, length(text.len())?),
            None => (NOTHING, 0),
        };
        self.0.extend(text.unwrap_or_default().as_bytes());
        field[..4].copy_from_slice(&offset.to_le_bytes());
        field[4..].copy_from_slice(&count.to_le_bytes());
        Ok(field)
    }
}

fn length(length: usize) -> Result<u32, TooLarge> {
    u32::try_from(length)
        .ok()
        .filter(|length| *length != NOTHING)
        .ok_or(TooLarge)
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is more than an index can hold (4 GiB)")
    }
}

impl std::error::Error for TooLarge {}
