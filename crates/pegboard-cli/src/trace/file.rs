//! The file of a trace, read as far as it can be.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use pegboard_host::trace::{Trace, TraceError};

use crate::exit::{Exit, Failure, print_error};

/// A file with more unreadable lines than this is no trace.
const BAD_LINES: usize = 16;

/// A trace without the lines that cannot be read.
pub(super) struct TraceText {
    pub(super) trace: Trace,
    /// What is wrong with the others.
    pub(super) unreadable: Vec<TraceError>,
    /// The line of each entry, counted from 1.
    pub(super) lines: Vec<usize>,
    file: String,
}

impl TraceText {
    pub(super) fn read(path: &Path) -> Result<TraceText, Failure> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::misuse(format!("{file} cannot be read: {error}")))?;
        let text = String::from_utf8_lossy(&bytes);
        let (trace, unreadable) =
            parse(&text).map_err(|error| Failure::misuse(format!("{file}, {error}")))?;
        let is_entry = |(index, line): &(usize, &str)| {
            *index > 0 && !line.trim().is_empty() && !is_bad(&unreadable, *index)
        };
        let lines = text.lines().enumerate().filter(is_entry);
        let lines = lines.map(|(index, _)| index + 1).collect();
        Ok(TraceText {
            trace,
            unreadable,
            lines,
            file,
        })
    }

    /// Tells of the lines that cannot be read; how the program ends if it would else end like this.
    pub(super) fn complain(&self, exit: Exit) -> Exit {
        for error in &self.unreadable {
            print_error(&format!("error: {}, {error}\n", self.file));
        }
        match self.unreadable.as_slice() {
            [_, ..] if exit == Exit::Done => Exit::Misused,
            _ => exit,
        }
    }
}

fn is_bad(unreadable: &[TraceError], index: usize) -> bool {
    unreadable.iter().any(|error| error.line == index + 1)
}

fn parse(text: &str) -> Result<(Trace, Vec<TraceError>), TraceError> {
    let mut unreadable: Vec<TraceError> = Vec::new();
    loop {
        let lines = text.split_inclusive('\n').enumerate();
        let good: String = lines
            .map(|(index, line)| {
                if is_bad(&unreadable, index) {
                    "\n"
                } else {
                    line
                }
            })
            .collect();
        match Trace::parse(&good) {
            Ok(trace) => return Ok((trace, unreadable)),
            Err(error) if error.line == 1 || unreadable.len() == BAD_LINES => return Err(error),
            Err(error) => unreadable.push(error),
        }
    }
}

/// What each process is called: the name of its plugin, with its number where the plugin has run as more than one.
pub(super) fn names(trace: &Trace) -> Vec<String> {
    let mut instances: HashMap<&str, HashSet<u64>> = HashMap::new();
    for entry in &trace.entries {
        let known = instances.entry(&entry.plugin).or_default();
        known.extend(entry.instance);
    }
    let name = |plugin: &str, instance: Option<u64>| match instance {
        Some(instance) if instances.get(plugin).is_some_and(|known| known.len() > 1) => {
            format!("{plugin}#{instance}")
        }
        _ => plugin.to_owned(),
    };
    let entries = trace.entries.iter();
    entries
        .map(|entry| name(&entry.plugin, entry.instance))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_know_their_lines() {
        let path = std::env::temp_dir().join(format!("pegboard-lines-{}", std::process::id()));
        let goodbye = r#"{"t":1,"plugin":"x","from":"engine","message":"Goodbye"}"#;
        let head = r#"{"trace":"pegboard","format":1,"began":0}"#;
        let text = format!("{head}\n{goodbye}\nwhat?\n\n{goodbye}\n{{\"t");
        std::fs::write(&path, text).expect("a file");
        let read = TraceText::read(&path);
        std::fs::remove_file(&path).expect("the file");
        let read = read.expect("a trace");
        assert_eq!((read.trace.entries.len(), read.unreadable.len()), (2, 1));
        assert_eq!(read.lines[..2], [2, 5]);
    }
}
