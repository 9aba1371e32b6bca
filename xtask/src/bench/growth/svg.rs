//! A chart as SVG that can be read on light and on dark pages.

use std::fmt::Write;

use super::axis::Axis;
use super::quantity::{Quantity, size};

/// What is drawn.
pub(super) struct Drawing<'a> {
    pub(super) title: &'a str,
    pub(super) x_axis: &'a str,
    pub(super) x_in_bytes: bool,
    pub(super) sizes: &'a [u64],
    pub(super) y_axis: &'a str,
    pub(super) y: Quantity,
    pub(super) y_log: bool,
    pub(super) lines: Vec<Drawn<'a>>,
}

/// One line of a chart.
pub(super) struct Drawn<'a> {
    pub(super) label: &'a str,
    /// Whether it is dashed and grey: something to be compared with.
    pub(super) other: bool,
    pub(super) points: Vec<(u64, f64)>,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 400.0;
/// Of the field in which lines are drawn.
const LEFT: f64 = 92.0;
const RIGHT: f64 = 772.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 340.0;

/// Colours for eyes that see colours otherwise too (Okabe and Ito's), darker on light pages and lighter on dark ones.
const STYLE: &str = "\
    .page{fill:#fff}.field{fill:none;stroke:#8c959f}.grid{stroke:#d8dee4}\
    text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2328}\
    .title{font-size:16px;font-weight:600}.tick{font-size:12px;fill:#57606a}\
    .line{fill:none;stroke-width:2.25;stroke-linejoin:round}\
    .c0{stroke:#0072b2;fill:#0072b2}.c1{stroke:#b34700;fill:#b34700}.c2{stroke:#007a55;fill:#007a55}\
    .c3{stroke:#a0448a;fill:#a0448a}.c9{stroke:#6e7781;fill:#6e7781}.dot{stroke:none}\
    .c9 .line{stroke-dasharray:6 4}text{stroke:none}\
    @media(prefers-color-scheme:dark){\
    .page{fill:#0d1117}.field{stroke:#6e7681}.grid{stroke:#2a313a}text{fill:#e6edf3}.tick{fill:#9da7b1}\
    .c0{stroke:#56b4e9;fill:#56b4e9}.c1{stroke:#f0a04b;fill:#f0a04b}.c2{stroke:#3fc79a;fill:#3fc79a}\
    .c3{stroke:#d98fc4;fill:#d98fc4}.c9{stroke:#9198a1;fill:#9198a1}}";

/// The whole file.
pub(super) fn draw(drawing: &Drawing<'_>) -> String {
    let sizes: Vec<f64> = drawing.sizes.iter().map(|size| *size as f64).collect();
    let numbers: Vec<f64> = drawing
        .lines
        .iter()
        .flat_map(|line| line.points.iter().map(|(_, number)| *number))
        .collect();
    let x = Axis::of_sizes(&sizes);
    let y = match drawing.y_log {
        true => Axis::log(&numbers),
        false => Axis::linear(&numbers, drawing.y.base()),
    };
    let at = |size: f64, number: f64| {
        let across = LEFT + x.position(size) * (RIGHT - LEFT);
        let down = BOTTOM - y.position(number) * (BOTTOM - TOP);
        (across, down)
    };

    let mut svg = String::new();
    let mut put = |line: String| {
        svg += &line;
        svg.push('\n');
    };
    put(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(drawing.title)
    ));
    put(format!("<style>{STYLE}</style>"));
    put(format!(
        "<rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>"
    ));
    put(text("title", LEFT, 28.0, "start", drawing.title));

    for number in &y.ticks {
        let (_, down) = at(sizes[0], *number);
        put(format!(
            "<path class=\"grid\" d=\"M{LEFT} {down:.1}H{RIGHT}\"/>"
        ));
        let label = drawing.y.show(*number);
        put(text("tick", LEFT - 8.0, down + 4.0, "end", &label));
    }
    let mut free = 0.0;
    for number in &x.ticks {
        let (across, _) = at(*number, 1.0);
        put(format!(
            "<path class=\"grid\" d=\"M{across:.1} {TOP}V{BOTTOM}\"/>"
        ));
        let label = size(*number as u64, drawing.x_in_bytes);
        // Labels that would touch the one before are left out.
        let half = width(&label) / 2.0;
        if across - half >= free {
            put(text("tick", across, BOTTOM + 18.0, "middle", &label));
            free = across + half + 6.0;
        }
    }
    put(format!(
        "<rect class=\"field\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/>",
        RIGHT - LEFT,
        BOTTOM - TOP
    ));
    let middle = f64::midpoint(LEFT, RIGHT);
    put(text("", middle, BOTTOM + 44.0, "middle", drawing.x_axis));
    put(format!(
        "<text text-anchor=\"middle\" transform=\"translate(20 {:.1}) rotate(-90)\">{}</text>",
        f64::midpoint(TOP, BOTTOM),
        escaped(drawing.y_axis)
    ));

    let mut across = LEFT;
    for (number, line) in drawing.lines.iter().enumerate() {
        let class = if line.other { 9 } else { number };
        put(format!("<g class=\"c{class}\">"));
        put(format!(
            "<path class=\"line\" d=\"M{across:.1} 51H{:.1}\"/>",
            across + 24.0
        ));
        put(text("", across + 30.0, 55.0, "start", line.label));
        across += 30.0 + width(line.label) + 14.0;
        let mut path = String::new();
        for (step, (size, number)) in line.points.iter().enumerate() {
            let (across, down) = at(*size as f64, *number);
            let letter = if step == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{letter}{across:.1} {down:.1}");
        }
        put(format!("<path class=\"line\" d=\"{path}\"/>"));
        for (size, number) in &line.points {
            let (across, down) = at(*size as f64, *number);
            put(format!(
                "<circle class=\"dot\" cx=\"{across:.1}\" cy=\"{down:.1}\" r=\"3.5\"/>"
            ));
        }
        put("</g>".to_owned());
    }
    put("</svg>".to_owned());
    svg
}

fn text(class: &str, x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!(
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(text)
    )
}

/// About as wide as most fonts make it.
fn width(text: &str) -> f64 {
    text.chars().count() as f64 * 7.7
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lie_inside_the_field_and_labels_are_there() {
        let svg = draw(&Drawing {
            title: "Calls & <more>",
            x_axis: "calls",
            x_in_bytes: false,
            sizes: &[1, 10, 100],
            y_axis: "time",
            y: Quantity::Seconds,
            y_log: true,
            lines: vec![
                Drawn {
                    label: "ours",
                    other: false,
                    points: vec![(1, 1e-6), (10, 1e-5), (100, 1e-3)],
                },
                Drawn {
                    label: "theirs",
                    other: true,
                    points: vec![(1, 2e-6)],
                },
            ],
        });
        for part in [
            "Calls &amp; &lt;more>",
            ">ours<",
            ">theirs<",
            ">100<",
            ">1 ms<",
            "class=\"c9\"",
            &format!("cx=\"{LEFT:.1}\" cy=\"{BOTTOM:.1}\""),
            &format!("cx=\"{RIGHT:.1}\" cy=\"{TOP:.1}\""),
        ] {
            assert!(svg.contains(part), "{part} is missing in\n{svg}");
        }
    }
}
