//! The timeline: a lane for each call, with its streams and engine calls below it.

use std::io::{self, Write};
use std::time::Duration;

use pegboard_host::trace::Part;

use super::super::text::{CallTimes, short, stream_took};
use super::super::view::View;
use super::{cut, said, text};

/// Where the lanes begin, how wide they are, and how high.
const LEFT: f64 = 330.0;
const WIDTH: f64 = 1000.0;
const LANE: f64 = 20.0;
const TOP: f64 = 26.0;
/// How many characters of a name fit in front of a lane.
const NAME: usize = 42;
/// More lanes are not drawn.
const LANES: usize = 1_500;
/// About as many dots are drawn in all. Items that come closer to each other than they allow share one.
const DOTS: usize = 6_000;

pub(super) fn write(view: &View, calls: &[usize], out: &mut impl Write) -> io::Result<()> {
    let times = view.entries.iter();
    let times = times.map(|entry| view.text.trace.entries[*entry].time);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        return Ok(());
    };
    let scale = Scale {
        first,
        span: last.saturating_sub(first).as_secs_f64().max(1e-6),
    };
    let mut lanes = Vec::new();
    for call in calls {
        add(view, *call, 0, &mut lanes);
    }
    let left_out = lanes.len().saturating_sub(LANES);
    lanes.truncate(LANES);
    let streams = lanes
        .iter()
        .filter(|lane| matches!(lane.part, Part::Stream(_)));
    let columns = (DOTS / (streams.count() + 1)).clamp(10, 500);
    // One lane more, for what belongs to no call.
    let height = TOP + LANE * (lanes.len() + 1) as f64;
    let width = LEFT + WIDTH + 20.0;
    writeln!(
        out,
        "<h2>Timeline</h2>\n<div class=\"scroll\">\n<svg width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"Timeline of calls and streams\">"
    )?;
    grid(&scale, height, out)?;
    rest(view, &scale, columns, out)?;
    let items = items(view);
    for (place, lane) in lanes.iter().enumerate() {
        let y = TOP + LANE * (place + 1) as f64;
        let indent = 10.0 * lane.depth as f64;
        let name: String = lane.name.chars().take(NAME).collect();
        let more = if name.len() < lane.name.len() {
            "..."
        } else {
            ""
        };
        writeln!(
            out,
            "<text x=\"{indent}\" y=\"{:.1}\">{}{more}</text>",
            y + 13.0,
            text(&name)
        )?;
        match lane.part {
            Part::Call(call) => draw_call(view, call, &scale, y, out)?,
            Part::Stream(stream) => {
                draw_stream(view, stream, &scale, y, out)?;
                let class = class(view, stream);
                dots(view, &items[stream], (&scale, columns), (class, y), out)?;
            }
            Part::None => {}
        }
    }
    writeln!(out, "</svg>\n</div>")?;
    if left_out > 0 {
        writeln!(out, "<p>{left_out} more lanes are not drawn.</p>")?;
    }
    Ok(())
}

struct Scale {
    first: Duration,
    span: f64,
}

impl Scale {
    fn x(&self, time: Duration) -> f64 {
        let part = time.saturating_sub(self.first).as_secs_f64() / self.span;
        LEFT + WIDTH * part.clamp(0.0, 1.0)
    }
}

struct Lane {
    part: Part,
    name: String,
    depth: usize,
}

/// The lanes of a call: its own, those of its streams, and those of its engine calls.
fn add(view: &View, place: usize, depth: usize, lanes: &mut Vec<Lane>) {
    let call = &view.outline.calls[place];
    let name = match call.within {
        None => format!("{} {} {}", view.names[call.asks], call.id, call.name),
        Some(_) => format!("{} {}", call.id, call.name),
    };
    lanes.push(Lane {
        part: Part::Call(place),
        name,
        depth,
    });
    for stream in view.streams(place) {
        let one = &view.outline.streams[*stream];
        lanes.push(Lane {
            part: Part::Stream(*stream),
            name: format!("{} {}", class(view, *stream), one.id),
            depth: depth + 1,
        });
    }
    for engine_call in view.engine_calls(place) {
        add(view, *engine_call, depth + 1, lanes);
    }
}

fn class(view: &View, stream: usize) -> &'static str {
    if view.outline.streams[stream].is_input(&view.outline) {
        "input"
    } else {
        "output"
    }
}

fn grid(scale: &Scale, height: f64, out: &mut impl Write) -> io::Result<()> {
    for part in 0..=4 {
        let at = f64::from(part) / 4.0;
        let x = LEFT + WIDTH * at;
        let time = short(Duration::from_secs_f64(scale.span * at));
        let anchor = if part == 4 { "end" } else { "start" };
        writeln!(
            out,
            "<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{height}\"/>\
             <text class=\"dim\" x=\"{:.1}\" y=\"12\" text-anchor=\"{anchor}\">{time}</text>",
            if part == 4 { x - 3.0 } else { x + 3.0 }
        )?;
    }
    Ok(())
}

/// From the question to the answer, and on to the end of what came behind it.
fn draw_call(
    view: &View,
    place: usize,
    scale: &Scale,
    y: f64,
    out: &mut impl Write,
) -> io::Result<()> {
    let call = &view.outline.calls[place];
    let class = match (&call.error, call.within) {
        (Some(_), _) => "error",
        (None, Some(_)) => "engine-call",
        (None, None) => "call",
    };
    let CallTimes { answered, over } = CallTimes::of(view, place);
    let title = text(&cut(&format!(
        "{} {}: {answered}{over}",
        call.id, call.name
    )));
    let begin = scale.x(call.began);
    let answer = scale.x(call.answered.unwrap_or(call.last));
    let line = view.text.lines[call.asks];
    writeln!(
        out,
        "<a href=\"#l{line}\"><rect class=\"rest\" x=\"{begin:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"6\" rx=\"2\"/>\
         <rect class=\"{class}\" x=\"{begin:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" rx=\"2\">\
         <title>{title}</title></rect></a>",
        y + 6.0,
        (scale.x(call.last) - begin).max(1.0),
        y + 3.0,
        (answer - begin).max(1.5),
    )
}

fn draw_stream(
    view: &View,
    place: usize,
    scale: &Scale,
    y: f64,
    out: &mut impl Write,
) -> io::Result<()> {
    let stream = &view.outline.streams[place];
    let begin = scale.x(stream.began);
    let end = scale.x(stream.ended.unwrap_or(stream.last));
    let class = class(view, place);
    writeln!(
        out,
        "<rect class=\"bar {class}\" x=\"{begin:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"8\" rx=\"2\">\
         <title>{class} {}: {}</title></rect>",
        y + 5.0,
        (end - begin).max(1.5),
        stream.id,
        text(&stream_took(stream)),
    )
}

/// The entries that are items, by stream.
fn items(view: &View) -> Vec<Vec<usize>> {
    let mut items = vec![Vec::new(); view.outline.streams.len()];
    for entry in &view.entries {
        if let Part::Stream(stream) = view.outline.parts[*entry] {
            let producer = view.outline.streams[stream].from;
            let kind = &view.text.trace.entries[*entry].kind;
            if matches!(kind, pegboard_host::trace::EntryKind::Message { from, .. } if *from == producer)
            {
                items[stream].push(*entry);
            }
        }
    }
    items
}

/// What belongs to no call: greetings, signals, remarks.
fn rest(view: &View, scale: &Scale, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let others = view.entries.iter().copied();
    let others = others.filter(|entry| view.outline.parts[*entry] == Part::None);
    let others: Vec<usize> = others.collect();
    if others.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<text class=\"dim\" x=\"0\" y=\"{:.1}\">beside calls</text>",
        TOP + 13.0
    )?;
    dots(view, &others, (scale, columns), ("note", TOP), out)
}

/// A dot for each entry; those in the same column share one.
fn dots(
    view: &View,
    entries: &[usize],
    (scale, columns): (&Scale, usize),
    (class, y): (&str, f64),
    out: &mut impl Write,
) -> io::Result<()> {
    let column = |entry: usize| {
        let x = scale.x(view.text.trace.entries[entry].time) - LEFT;
        (x / WIDTH * columns as f64) as usize
    };
    for group in entries.chunk_by(|a, b| column(*a) == column(*b)) {
        let first = group[0];
        let (direction, words) = said(view, first);
        let title = format!("{direction} {} {}", words.name, words.content);
        let title = match group.len() {
            1 => cut(&title),
            count => format!("{count} messages, the first is {}", cut(&title)),
        };
        writeln!(
            out,
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{}</title></circle>",
            scale.x(view.text.trace.entries[first].time),
            y + 9.0,
            text(&title)
        )?;
    }
    Ok(())
}
