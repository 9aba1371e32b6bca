//! Errors as people see them: the message, the words that it is about underlined, and what to do.

mod line;
mod narrow;
#[cfg(test)]
mod tests;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};
use pegboard_protocol::{ErrorLabel, LabeledError};

use crate::{Diagnosis, Error, ErrorKind, Place, Sources};
use line::{cut, line};
use narrow::NARROW;
use pegboard_args::harmless;

/// How an error is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportStyle {
    /// With colours, for a terminal.
    pub colour: bool,
    /// How many columns there are. With less than 60 no source text is shown, and there are no colours.
    pub width: usize,
    /// With the last words of a plugin that ended; needless where its standard error is seen anyway.
    pub last_words: bool,
}

impl Default for ReportStyle {
    fn default() -> ReportStyle {
        ReportStyle {
            colour: false,
            width: 100,
            last_words: true,
        }
    }
}

/// Errors inside errors are shown down to this depth.
const DEPTH: usize = 8;
/// How many errors, and how many labels of each, are shown.
const MOST: usize = 16;
/// How many characters of a text are shown.
const LONGEST: usize = 4_000;
/// How many lines of a plugin's standard error are shown.
const STDERR_LINES: usize = 10;

impl Error {
    /// The error as people are to see it, with a newline at the end: message and code, the places in the source texts
    /// that its labels are about, help, the errors that led to it, and what was found out about the plugin.
    ///
    /// Whatever a plugin has written, nothing in it reaches the terminal but text.
    pub fn report(&self, sources: Option<&Sources>, style: ReportStyle) -> String {
        let prefix = match (self.plugin(), self.kind()) {
            (Some(plugin), kind) if kind != ErrorKind::Plugin => format!("plugin {plugin}: "),
            _ => String::new(),
        };
        let notes = self
            .diagnosis()
            .map(|diagnosis| notes(diagnosis, style.last_words));
        let notes = notes.unwrap_or_default();
        style.show(&prefix, self.labeled(), sources, &notes)
    }
}

impl ReportStyle {
    /// Text of a plugin's, without anything that a terminal would act on: control characters show as pictures,
    /// characters that turn the direction of writing as their code. Newlines stay; tabs become spaces.
    pub fn harmless(text: &str) -> String {
        harmless(text)
    }

    /// An error that came as a value, for one item of a stream for instance, as people are to see it.
    pub fn render(self, error: &LabeledError, sources: Option<&Sources>) -> String {
        self.show("", error, sources, &[])
    }

    fn show(
        self,
        prefix: &str,
        error: &LabeledError,
        sources: Option<&Sources>,
        notes: &[String],
    ) -> String {
        let mut parts = Vec::new();
        collect(error, prefix, sources, 0, &mut parts);
        if self.width < NARROW {
            return narrow::show(&parts, notes, self.width);
        }
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let level = if index == 0 {
                Level::ERROR
            } else {
                Level::ERROR.with_name("caused by")
            };
            let title = level.primary_title(part.title.as_str());
            let title = match &part.code {
                Some(code) => title.id(code.as_str()),
                None => title,
            };
            let mut group = Group::with_title(title).elements(part.snippets());
            group = group.elements(
                part.remarks
                    .iter()
                    .map(|text| Element::from(Level::NOTE.message(text.as_str()))),
            );
            if index == 0 {
                group = group.elements(notes.iter().map(|text| Level::NOTE.message(text.as_str())));
            }
            groups.push(
                group.elements(
                    part.advice
                        .iter()
                        .map(|text| Level::HELP.message(text.as_str())),
                ),
            );
        }
        let renderer = if self.colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = renderer
            .decor_style(DecorStyle::Ascii)
            .term_width(self.width)
            .render(&groups);
        text.push('\n');
        text
    }
}

/// One error, ready to be shown.
#[derive(Default)]
struct Part {
    title: String,
    code: Option<String>,
    texts: Vec<Labelled>,
    remarks: Vec<String>,
    advice: Vec<String>,
}

/// A source text with the labels that are in it.
struct Labelled {
    place: Place,
    labels: Vec<(std::ops::Range<usize>, String)>,
}

/// The errors in the order in which they are shown.
fn collect(
    error: &LabeledError,
    prefix: &str,
    sources: Option<&Sources>,
    depth: usize,
    parts: &mut Vec<Part>,
) {
    let mut part = Part {
        title: text(&format!("{prefix}{}", error.msg)),
        ..Part::default()
    };
    if part.title.is_empty() {
        part.title = "an error without a message".to_owned();
    }
    part.code = error
        .code
        .as_deref()
        .map(line)
        .filter(|code| !code.is_empty())
        .map(|code| cut(&code, 200));
    for label in error.labels.iter().take(MOST) {
        part.label(label, sources);
    }
    if let Some(more @ 1..) = error.labels.len().checked_sub(MOST) {
        part.remarks.push(format!("there are {more} more remarks"));
    }
    part.advice.extend(
        error
            .help
            .as_deref()
            .map(text)
            .filter(|help| !help.is_empty()),
    );
    part.advice.extend(
        error
            .url
            .as_deref()
            .map(|url| format!("see {}", cut(&line(url), 500))),
    );
    parts.push(part);
    let mut hidden = 0;
    for inner in &error.inner {
        if depth + 1 < DEPTH && parts.len() < MOST {
            collect(inner, "", sources, depth + 1, parts);
        } else {
            hidden += 1;
        }
    }
    if let (Some(part), 1..) = (parts.last_mut(), hidden) {
        part.remarks
            .push(format!("further causes are not shown ({hidden} or more)"));
    }
}

fn text(text: &str) -> String {
    cut(harmless(text).trim(), LONGEST)
}

impl Part {
    fn label(&mut self, label: &ErrorLabel, sources: Option<&Sources>) {
        let text = cut(&line(&label.text), LONGEST);
        let place = sources
            .and_then(|sources| sources.place(label.span))
            .filter(|_| !label.span.is_unknown());
        let Some(mut place) = place else {
            if !text.is_empty() {
                self.remarks.push(text);
            }
            return;
        };
        let range = place.range.clone();
        place.name = line(&place.name);
        let same = |known: &&mut Labelled| {
            known.place.name == place.name && known.place.text == place.text
        };
        match self.texts.iter_mut().find(same) {
            Some(known) => known.labels.push((range, text)),
            None => self.texts.push(Labelled {
                place,
                labels: vec![(range, text)],
            }),
        }
    }

    fn snippets(&self) -> impl Iterator<Item = Element<'_>> {
        self.texts.iter().map(|Labelled { place, labels }| {
            let annotations = labels.iter().map(|(range, text)| {
                let annotation = AnnotationKind::Primary.span(range.clone());
                if text.is_empty() {
                    annotation
                } else {
                    annotation.label(text.as_str())
                }
            });
            let one_line = !place.text.trim_end_matches('\n').contains('\n');
            let snippet = Snippet::source(place.text.as_str()).line_numbering(!one_line);
            let snippet = if place.name.is_empty() {
                snippet
            } else {
                snippet.path(place.name.as_str())
            };
            Element::from(snippet.annotations(annotations))
        })
    }
}

fn notes(diagnosis: &Diagnosis, last_words: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(exit) = &diagnosis.exit {
        notes.push(format!("its process ended: {}", line(exit)));
    }
    if last_words && !diagnosis.stderr.is_empty() {
        let first = diagnosis.stderr.len().saturating_sub(STDERR_LINES);
        let lines = diagnosis.stderr[first..]
            .iter()
            .map(|text| cut(&line(text), 500));
        notes.push(format!(
            "its last words on standard error:\n{}",
            lines.collect::<Vec<_>>().join("\n")
        ));
    }
    match (&diagnosis.plugin_version, &diagnosis.engine_version) {
        (Some(plugin), Some(engine)) if plugin == engine => {}
        (Some(plugin), Some(engine)) => notes.push(format!(
            "it announced version {} and was told {}",
            line(plugin),
            line(engine)
        )),
        (Some(plugin), None) => notes.push(format!("it announced version {}", line(plugin))),
        (None, Some(engine)) => notes.push(format!(
            "it was told version {} and announced none",
            line(engine)
        )),
        (None, None) => {}
    }
    notes
}
