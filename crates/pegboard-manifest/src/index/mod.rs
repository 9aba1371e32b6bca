//! The index: all installed plugins and their commands in one file that is read where it lies.
//!
//! [`Index::parse`] checks everything but the signatures once, in a time that does not depend on how large they are;
//! those of a plugin are checked when they are asked for. All numbers are little-endian.

mod build;
mod layout;

use std::fmt;

use crate::FileStamp;
pub use build::{IndexBuilder, Listed, TooLarge};
pub use layout::Shape;
use layout::{COMMAND_ROW, PLUGIN_ROW, PROBLEM_ROW};

/// A checked view of the bytes of an index.
#[derive(Clone, Copy)]
pub struct Index<'a> {
    bytes: &'a [u8],
    shape: Shape,
}

/// An installed plugin.
#[derive(Clone, Copy, Debug)]
pub struct Plugin<'a> {
    index: Index<'a>,
    number: usize,
}

/// A command of an installed plugin.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    index: Index<'a>,
    number: usize,
}

/// An entry that could not be read when the index was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem<'a> {
    /// The name of the entry's file.
    pub file: &'a str,
    /// What is wrong with it.
    pub what: &'a str,
}

/// Why bytes are no index, or no longer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It does not begin as an index does.
    Foreign,
    /// It has a format that this version does not read.
    Format(u32),
    /// It has another length than it says.
    Length {
        /// The length that it says.
        said: u64,
        /// The length that it has.
        found: u64,
    },
    /// Its bytes are not those that were written.
    Checksum,
    /// Its parts do not fit together; it was written wrongly.
    Inconsistent(&'static str),
}

impl<'a> Index<'a> {
    /// Checks bytes, and finds the parts.
    pub fn parse(bytes: &'a [u8]) -> Result<Index<'a>, Damage> {
        let shape = Shape::parse(bytes)?;
        let index = Index { bytes, shape };
        index.check()?;
        Ok(index)
    }

    /// Where the parts are: to look at the same bytes again with [`Shape::over`] without checking them again.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// What the maker of the index gave it, to tell whether it is still up to date.
    pub fn stamp(&self) -> u64 {
        self.shape.stamp
    }

    /// All plugins, sorted by name.
    pub fn plugins(self) -> impl ExactSizeIterator<Item = Plugin<'a>> {
        (0..self.shape.plugins).map(move |number| self.plugin_at(number))
    }

    /// The plugin of this name.
    pub fn plugin(self, name: &str) -> Option<Plugin<'a>> {
        let number = partition(self.shape.plugins, |number| {
            self.plugin_at(number).name() < name
        });
        (number < self.shape.plugins)
            .then(|| self.plugin_at(number))
            .filter(|plugin| plugin.name() == name)
    }

    /// All commands, sorted by name, and by plugin where several have one of the same name.
    pub fn commands(self) -> impl ExactSizeIterator<Item = Command<'a>> {
        (0..self.shape.commands).map(move |number| self.command_at(number))
    }

    /// The command of this name; the first one, if several plugins have one.
    pub fn command(self, name: &str) -> Option<Command<'a>> {
        self.named(name).next()
    }

    /// All commands of this name, sorted by plugin.
    pub fn named(self, name: &str) -> impl Iterator<Item = Command<'a>> {
        self.commands_from(name)
            .take_while(move |command| command.name() == name)
    }

    /// All commands whose name begins like this, sorted by name.
    pub fn starting_with(self, prefix: &str) -> impl Iterator<Item = Command<'a>> {
        self.commands_from(prefix)
            .take_while(move |command| command.name().starts_with(prefix))
    }

    /// The command with the longest name that these words begin with, and how many of the words are its name.
    ///
    /// The first word may be several, as it is where somebody quoted a whole name.
    pub fn longest(self, words: &[impl AsRef<str>]) -> Option<(Command<'a>, usize)> {
        // What has spaces in it, or nothing, is an argument. No name has more words than this.
        let plain = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
        let rest = words.iter().skip(1);
        let usable = 1 + rest.take_while(|word| plain(word.as_ref())).count();
        let most = usable.min(self.shape.most_words).min(words.len());
        let mut name = String::new();
        let mut ends = Vec::with_capacity(most);
        for word in &words[..most] {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(word.as_ref());
            ends.push(name.len());
        }
        ends.iter().enumerate().rev().find_map(|(last, end)| {
            let command = self.command(&name[..*end])?;
            Some((command, last + 1))
        })
    }

    /// Entries that could not be read when the index was made, sorted by file.
    pub fn problems(self) -> impl ExactSizeIterator<Item = Problem<'a>> {
        (0..self.shape.problems).map(move |number| {
            let row = self.shape.problem_rows() + number * PROBLEM_ROW;
            Problem {
                file: self.text(row),
                what: self.text(row + 8),
            }
        })
    }

    fn plugin_at(self, number: usize) -> Plugin<'a> {
        let index = self;
        Plugin { index, number }
    }

    fn command_at(self, number: usize) -> Command<'a> {
        let index = self;
        Command { index, number }
    }

    fn commands_from(self, name: &str) -> impl Iterator<Item = Command<'a>> {
        let first = partition(self.shape.commands, |number| {
            self.command_at(number).name() < name
        });
        (first..self.shape.commands).map(move |number| self.command_at(number))
    }
}

impl<'a> Plugin<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        self.text(0)
    }

    /// The name of the file of its entry.
    pub fn entry(self) -> &'a str {
        self.text(8)
    }

    /// The plugin's file, as an absolute path.
    pub fn path(self) -> &'a str {
        self.text(16)
    }

    /// The program that runs the file, with the arguments that come before it, if it is not to go by the extension.
    pub fn interpreter(self) -> Option<impl Iterator<Item = &'a str>> {
        Some(self.maybe(24)?.split('\0'))
    }

    /// What it speaks: `nushell`.
    pub fn kind(self) -> &'a str {
        self.text(32)
    }

    /// The plugin's own version.
    pub fn version(self) -> Option<&'a str> {
        self.maybe(40)
    }

    /// The version of the protocol that it speaks.
    pub fn protocol(self) -> Option<&'a str> {
        self.maybe(48)
    }

    /// The plugin's file as it was when the plugin was added.
    pub fn file(self) -> FileStamp {
        FileStamp {
            size: self.index.u64(self.row() + 56),
            modified: self.index.u64(self.row() + 64).cast_signed(),
        }
    }

    /// Its commands, sorted by name. Looks at all commands of the index.
    pub fn commands(self) -> impl Iterator<Item = Command<'a>> {
        let own = move |command: &Command<'_>| command.plugin_number() == self.number;
        self.index.commands().filter(own)
    }

    /// Its signatures, in the encoding of whoever made the index, if they are still what was written.
    pub fn signatures(self) -> Result<&'a [u8], Damage> {
        let (start, length) = self.blob();
        let bytes = self.index.slice(start, length).unwrap_or_default();
        let whole =
            bytes.len() == length && crc32fast::hash(bytes) == self.index.u32(self.row() + 84);
        whole.then_some(bytes).ok_or(Damage::Checksum)
    }

    fn blob(self) -> (usize, usize) {
        let start = self.index.u64(self.row() + 72);
        let length = self.index.u32(self.row() + 80);
        (
            usize::try_from(start).unwrap_or(usize::MAX),
            length as usize,
        )
    }

    fn row(self) -> usize {
        layout::HEADER + self.number * PLUGIN_ROW
    }

    fn text(self, field: usize) -> &'a str {
        self.index.text(self.row() + field)
    }

    fn maybe(self, field: usize) -> Option<&'a str> {
        self.index.maybe(self.row() + field)
    }
}

impl<'a> Command<'a> {
    /// Its full name; words are separated by single spaces.
    pub fn name(self) -> &'a str {
        self.index.text(self.row())
    }

    /// One sentence about it.
    pub fn description(self) -> &'a str {
        self.index.text(self.row() + 8)
    }

    /// The plugin that has it.
    pub fn plugin(self) -> Plugin<'a> {
        self.index.plugin_at(self.plugin_number())
    }

    fn plugin_number(self) -> usize {
        self.index.u32(self.row() + 16) as usize
    }

    fn row(self) -> usize {
        self.index.shape.command_rows() + self.number * COMMAND_ROW
    }
}

/// The first number of `0..count` for which `before` is false, if it is true for all the numbers below.
fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

impl fmt::Debug for Index<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Index").field(&self.shape).finish()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Foreign => f.write_str("it does not begin as an index does"),
            Damage::Format(format) => write!(
                f,
                "it has format {format}, another one than this version writes"
            ),
            Damage::Length { said, found } => {
                write!(f, "it is {found} bytes long and should be {said}")
            }
            Damage::Checksum => f.write_str("its checksum does not match its bytes"),
            Damage::Inconsistent(what) => write!(f, "its parts do not fit together: {what}"),
        }
    }
}

impl std::error::Error for Damage {}
