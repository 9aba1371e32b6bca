//! The page with all tables and charts.

use std::fmt::Write;

use super::Grown;
use super::plan::Chart;
use super::quantity::size;
use super::svg::{Drawing, Drawn, draw};
use crate::bench::machine::Machine;

const HEAD: &str = "\
# What it costs when there is more

Written by `cargo xtask bench --report`, on the machine below; do not edit. [How fast it is](../performance.md) tells how to
read such figures. Each is the median of three runs, taken by turns, or of one run where it took more than two seconds. All is
between our host and our plugin over pipes, unless it says otherwise. On most charts equal steps are equal factors, on both
axes: what is proportional to the size is a straight line there.
";

/// Names of files and what is in them.
pub(super) fn write(machine: &Machine, grown: &[Grown]) -> Vec<(String, String)> {
    let mut page = HEAD.to_owned();
    let mut files = Vec::new();
    page += "\n```\n";
    for (name, value) in &machine.facts {
        // Rounds are those of the comparison.
        if *name != "rounds" {
            line(&mut page, &format!("{name:10} {value}"));
        }
    }
    page += "```\n";
    for grown in grown {
        let series = grown.series;
        line(
            &mut page,
            &format!("\n## {}\n\n{}", series.title, wrapped(series.about)),
        );
        for chart in series.charts {
            let file = format!("{}.svg", chart.file);
            line(&mut page, &format!("\n![{}]({file})", chart.title));
            page.push('\n');
            page += &table(grown, chart);
            files.push((file, draw(&drawing(grown, chart))));
        }
    }
    files.push(("scaling.md".to_owned(), page));
    files
}

fn drawing<'a>(grown: &'a Grown, chart: &'a Chart) -> Drawing<'a> {
    let lines = chart.lines.iter().map(|line| Drawn {
        label: line.label,
        other: line.other,
        points: grown
            .sizes
            .iter()
            .filter_map(|size| Some((*size, grown.figure(line.side, *size, line.figure)?)))
            .collect(),
    });
    Drawing {
        title: chart.title,
        x_axis: grown.series.axis,
        x_in_bytes: grown.series.in_bytes,
        sizes: grown.sizes,
        y_axis: chart.axis,
        y: chart.quantity,
        y_log: chart.log,
        lines: lines.filter(|line| !line.points.is_empty()).collect(),
    }
}

fn table(grown: &Grown, chart: &Chart) -> String {
    let mut text = format!("| {} |", grown.series.axis);
    for line in chart.lines {
        let _ = write!(text, " {} |", line.label);
    }
    if chart.base.is_some() {
        text += " ratio |";
    }
    let columns = chart.lines.len() + 1 + usize::from(chart.base.is_some());
    line(&mut text, &format!("\n|{}", "---:|".repeat(columns)));
    for at in grown.sizes {
        let _ = write!(text, "| {} |", size(*at, grown.series.in_bytes));
        let figures: Vec<Option<f64>> = chart
            .lines
            .iter()
            .map(|line| grown.figure(line.side, *at, line.figure))
            .collect();
        for figure in &figures {
            let shown = figure.map_or("–".to_owned(), |figure| chart.quantity.show(figure));
            let _ = write!(text, " {shown} |");
        }
        if let Some(base) = chart.base {
            let ratio = figures[0]
                .zip(figures[base])
                .map(|(first, base)| first / base);
            let shown = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2} x"));
            let _ = write!(text, " {shown} |");
        }
        text.push('\n');
    }
    text
}

/// In lines that are no longer than others in the documentation.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].len() + 1 + word.len() > 120 {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last] += word;
        }
    }
    lines.join("\n")
}

fn line(text: &mut String, line: &str) {
    *text += line.trim_end();
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::plan::SERIES;
    use super::*;
    use crate::bench::programs::Figures;

    /// The series with chunks, in which something is compared.
    fn grown() -> Grown {
        let series = SERIES
            .iter()
            .find(|series| series.charts.iter().any(|chart| chart.file == "chunks"))
            .expect("there is one");
        let figures = |number: f64| vec![Figures::from([("per_second".to_owned(), number)])];
        Grown {
            series,
            sizes: &[64, 8192],
            figures: [
                (("chunks", 64), figures(1e6)),
                (("chunks", 8192), figures(2e8)),
                (("blocks", 8192), figures(4e8)),
            ]
            .into(),
        }
    }

    #[test]
    fn a_table_has_every_size_and_the_ratio() {
        let grown = grown();
        let expected = "\
| bytes in a chunk | our host and plugin | bare pipe | ratio |
|---:|---:|---:|---:|
| 64 B | 1 MB/s | – | – |
| 8 KiB | 200 MB/s | 400 MB/s | 0.50 x |
";
        assert_eq!(table(&grown, &grown.series.charts[0]), expected);
    }

    #[test]
    fn every_chart_of_the_page_is_a_file() {
        let machine = Machine { facts: Vec::new() };
        let files = write(&machine, &[grown()]);
        let (name, page) = files.last().expect("the page");
        assert_eq!(name, "scaling.md");
        assert!(page.contains("](chunks.svg)"), "{page}");
        assert!(
            files
                .iter()
                .any(|(name, svg)| name == "chunks.svg" && svg.contains("bare pipe"))
        );
    }

    #[test]
    fn long_lines_are_broken() {
        let text = wrapped(&"word ".repeat(60));
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= 120));
    }
}
