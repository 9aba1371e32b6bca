//! What can stand at the cursor, and how it is told to a shell.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::PathBuf;

use pegboard_args::harmless;
use pegboard_host::protocol::nu::CompletionTarget;

use super::Asker;
use super::quote::quoted;
use super::typed::Typed;

/// What can stand at the cursor.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// The beginning of the word that belongs to no candidate, such as `--to=`.
    pub(super) prefix: String,
    pub(super) candidates: Vec<Candidate>,
    /// Names of files fit too, which the shell itself knows best.
    pub(super) files: Option<Files>,
    /// Only a plugin knows more.
    pub(super) question: Option<Question>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) value: String,
    pub(super) about: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    Any,
    Directories,
}

/// A plugin that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Whom {
    /// By its name.
    Installed(String),
    /// The one in this file, which the line names.
    Given(PathBuf),
}

/// An argument that a plugin completes itself.
#[derive(Debug, PartialEq)]
pub(super) struct Question {
    pub(super) plugin: Whom,
    pub(super) command: String,
    pub(super) target: CompletionTarget,
}

impl Answer {
    pub(super) fn offer(&mut self, value: impl Into<String>, about: impl Into<String>) {
        self.candidates.push(Candidate {
            value: value.into(),
            about: about.into(),
        });
    }

    /// A line for each candidate that goes on with what was typed, once; then one about files.
    pub(super) fn print(&self, asker: Asker, typed: &Typed) -> String {
        let mut text = String::new();
        let mut seen = HashSet::new();
        for candidate in &self.candidates {
            let word = format!("{}{}", self.prefix, candidate.value);
            let fits = !candidate.value.is_empty() && word.starts_with(&typed.current);
            // What cannot be shown cannot be typed.
            if !fits || word.contains(['\n', '\t']) || harmless(&word) != word {
                continue;
            }
            let value = quoted(asker, typed, &word);
            if seen.insert(value.clone()) {
                let _ = writeln!(text, "{value}\t{}", one_line(&candidate.about));
            }
        }
        if let Some(files) = self.files {
            let what = match files {
                Files::Any => "files",
                Files::Directories => "directories",
            };
            let _ = writeln!(text, "\t{what}\t{}", self.prefix);
        }
        text
    }
}

/// The first line of a description, safe to show.
fn one_line(about: &str) -> String {
    let first = about.trim_start().lines().next().unwrap_or_default();
    harmless(first).trim_end().to_owned()
}
