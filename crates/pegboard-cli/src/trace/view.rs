//! What is to be shown of a trace.

use std::collections::HashSet;

use pegboard_host::trace::{Outline, Part};

use super::file::{TraceText, names};
use super::options::ShowOptions;
use crate::exit::Failure;

/// A trace, its outline, and which parts of it were asked for.
pub(super) struct View {
    pub(super) text: TraceText,
    pub(super) outline: Outline,
    /// What the process of each entry is called.
    pub(super) names: Vec<String>,
    /// The entries that were asked for, by place.
    pub(super) entries: Vec<usize>,
    /// The calls of the engine that were asked for, by place in the outline.
    pub(super) calls: Vec<usize>,
    /// Whether nothing was left out.
    pub(super) is_whole: bool,
    /// By call: the engine calls and the streams that belong to it.
    engine_calls: Vec<Vec<usize>>,
    streams: Vec<Vec<usize>>,
}

impl View {
    pub(super) fn new(text: TraceText, options: &ShowOptions) -> Result<View, Failure> {
        let outline = text.trace.outline();
        let names = names(&text.trace);
        let is_wanted_plugin = |entry: usize| match &options.plugin {
            Some(name) => names[entry] == *name || text.trace.entries[entry].plugin == *name,
            None => true,
        };
        let is_wanted_call = |call: usize| match options.call {
            Some(id) => outline.calls[call].id == id,
            None => true,
        };
        let roots = (0..outline.calls.len()).filter(|call| {
            let one = &outline.calls[*call];
            outline.root(Part::Call(*call)) == Some(*call)
                && is_wanted_plugin(one.asks)
                && is_wanted_call(*call)
        });
        let calls: Vec<usize> = roots.collect();
        let wanted: HashSet<usize> = calls.iter().copied().collect();
        let entries = (0..text.trace.entries.len()).filter(|entry| {
            is_wanted_plugin(*entry)
                && match outline.root(outline.parts[*entry]) {
                    Some(root) => wanted.contains(&root),
                    None => options.call.is_none(),
                }
        });
        let entries: Vec<usize> = entries.collect();
        if let (true, false) = (entries.is_empty(), text.trace.entries.is_empty()) {
            return Err(Failure::misuse(nothing(options, &names)));
        }
        let is_whole = entries.len() == text.trace.entries.len();
        let mut engine_calls = vec![Vec::new(); outline.calls.len()];
        for (place, call) in outline.calls.iter().enumerate() {
            if let Some(outer) = call.within {
                engine_calls[outer].push(place);
            }
        }
        let mut streams = vec![Vec::new(); outline.calls.len()];
        for (place, stream) in outline.streams.iter().enumerate() {
            streams[stream.call].push(place);
        }
        Ok(View {
            text,
            outline,
            names,
            entries,
            calls,
            is_whole,
            engine_calls,
            streams,
        })
    }

    /// The engine calls of a call, by place in the outline.
    pub(super) fn engine_calls(&self, call: usize) -> &[usize] {
        &self.engine_calls[call]
    }

    /// The streams of a call or engine call, by place in the outline.
    pub(super) fn streams(&self, call: usize) -> &[usize] {
        &self.streams[call]
    }

    /// When the recording began, for people.
    pub(super) fn began(&self) -> String {
        let began = i64::try_from(self.text.trace.began)
            .ok()
            .and_then(chrono::DateTime::from_timestamp_millis);
        began.map_or_else(
            || "at a time that is not known".to_owned(),
            |began| began.to_rfc3339(),
        )
    }
}

fn nothing(options: &ShowOptions, names: &[String]) -> String {
    let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    let known = known.join(", ");
    match (&options.plugin, options.call) {
        (Some(plugin), None) => format!("the trace has no plugin {plugin}; it has {known}"),
        (Some(plugin), Some(call)) => {
            format!("the trace has no call {call} of a plugin {plugin}; it has {known}")
        }
        (None, Some(call)) => format!("the trace has no call {call}"),
        (None, None) => "the trace is empty".to_owned(),
    }
}
