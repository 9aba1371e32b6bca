//! The columns of a table: how wide each is, so that a row has one line of the terminal.

use pegboard_host::Value;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::cell::{cell, is_number};
use crate::terminal::TableStyle;

/// Between two columns.
const GAP: usize = 2;
/// A column is not made narrower than this, rather are the last columns left out.
const NARROWEST: usize = 6;

/// The cells of a row, each with whether it is a number.
pub(super) struct Row(Vec<(String, bool)>);

impl Row {
    /// None if the value is no record.
    pub(super) fn of_record(value: &Value) -> Option<Row> {
        let Value::Record(record, _) = value else {
            return None;
        };
        let cells = record
            .iter()
            .map(|(_, field)| (cell(field), is_number(field)));
        Some(Row(cells.collect()))
    }

    pub(super) fn of_texts(texts: &[String]) -> Row {
        let cells = texts.iter().map(|text| {
            let is_number = text.parse::<i64>().is_ok();
            (cell(&Value::string(text)), is_number)
        });
        Row(cells.collect())
    }

    /// A field of a record that has the table for itself. Its value has nothing to be aligned with.
    pub(super) fn pair(name: &str, value: &Value) -> Row {
        let name = Value::string(name);
        Row(vec![(cell(&name), false), (cell(value), false)])
    }
}

struct Column {
    name: String,
    width: usize,
    /// Numbers only: they stand on the right.
    numbers: bool,
}

/// The columns of a table that fit into the width there is.
pub(super) struct Layout {
    names: Vec<String>,
    columns: Vec<Column>,
    /// How many there are behind those.
    left_out: usize,
    style: TableStyle,
}

impl Layout {
    pub(super) fn new(names: Option<&[&str]>, rows: &[Row], style: TableStyle) -> Layout {
        let names: Vec<String> = names
            .unwrap_or_default()
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let count = rows.iter().map(|row| row.0.len()).max();
        let columns = (0..names.len().max(count.unwrap_or(0))).map(|index| {
            let name = names
                .get(index)
                .map_or(String::new(), |name| cell(&Value::string(name)));
            let mut width = name.width();
            let mut numbers = true;
            for (text, number) in rows.iter().filter_map(|row| row.0.get(index)) {
                width = width.max(text.width());
                numbers &= number;
            }
            Column {
                name,
                width,
                numbers,
            }
        });
        let mut columns: Vec<Column> = columns.collect();
        let left_out = style.width.map_or(0, |width| fit(&mut columns, width));
        Layout {
            names,
            columns,
            left_out,
            style,
        }
    }

    pub(super) fn has_columns(&self, names: &[&str]) -> bool {
        self.names == names
    }

    /// Itself, if the rows fit no worse than a layout of their own would let them.
    pub(super) fn with_room_for(self, rows: &[Row]) -> Option<Layout> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let own = Layout::new(Some(&names), rows, self.style);
        let fits = self
            .columns
            .iter()
            .zip(&own.columns)
            .all(|(column, own)| own.width <= column.width);
        let full = |width| self.width() + GAP > width;
        (fits || self.style.width.is_some_and(full)).then_some(self)
    }

    fn width(&self) -> usize {
        let columns = self.columns.iter().map(|column| column.width + GAP);
        columns.sum::<usize>().saturating_sub(GAP)
    }

    /// The line with the names, and a line below it.
    pub(super) fn header(&self) -> String {
        let names = self
            .columns
            .iter()
            .map(|column| (column.name.clone(), column.numbers));
        let names = self.line(&Row(names.collect()));
        let fill = if self.style.plain { "-" } else { "\u{2500}" };
        let rule = self
            .columns
            .iter()
            .map(|column| (fill.repeat(column.width), false));
        let rule = self.line(&Row(rule.collect()));
        if self.style.colour {
            format!(
                "\x1b[1m{}\x1b[0m\n\x1b[2m{}\x1b[0m\n",
                names.trim_end(),
                rule.trim_end()
            )
        } else {
            names + &rule
        }
    }

    /// A line for each row.
    pub(super) fn body(&self, rows: &[Row]) -> String {
        rows.iter().map(|row| self.line(row)).collect()
    }

    fn line(&self, row: &Row) -> String {
        let mut line = String::new();
        for (column, (text, _)) in self.columns.iter().zip(&row.0) {
            let text = self.cut(text, column.width);
            let pad = " ".repeat(column.width.saturating_sub(text.width()));
            if column.numbers {
                line.push_str(&pad);
                line.push_str(&text);
            } else {
                line.push_str(&text);
                line.push_str(&pad);
            }
            line.push_str(&" ".repeat(GAP));
        }
        if self.left_out > 0 {
            line.push_str(self.more());
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }

    /// As much of a text as has room, with a mark if that is not all.
    fn cut(&self, text: &str, width: usize) -> String {
        if text.width() <= width {
            return text.to_owned();
        }
        let more = self.more();
        let room = width.saturating_sub(more.width());
        let mut cut = String::new();
        for cluster in text.graphemes(true) {
            if cut.width() + cluster.width() > room {
                break;
            }
            cut.push_str(cluster);
        }
        cut + more
    }

    fn more(&self) -> &'static str {
        if self.style.plain { "..." } else { "\u{2026}" }
    }
}

/// Narrows the widest columns until all fit, and leaves out the last ones where that is not enough: as many as it says.
fn fit(columns: &mut Vec<Column>, width: usize) -> usize {
    let least = |column: &Column| column.width.min(NARROWEST) + GAP;
    let mut needed: usize = columns.iter().map(least).sum();
    let mut left_out = 0;
    // The gap behind the last column has room for the mark of those that are left out.
    while needed > width + GAP && columns.len() > 1 {
        needed -= columns.pop().map_or(0, |column| least(&column));
        left_out += 1;
    }
    let room = width.saturating_sub(if left_out > 0 { GAP + 3 } else { 0 });
    let gaps = GAP * (columns.len() - usize::from(!columns.is_empty()));
    let room = room.saturating_sub(gaps);
    while columns.iter().map(|column| column.width).sum::<usize>() > room {
        let excess = columns.iter().map(|column| column.width).sum::<usize>() - room;
        let widest = columns.iter().map(|column| column.width).max().unwrap_or(0);
        let next = columns
            .iter()
            .map(|column| column.width)
            .filter(|width| *width < widest)
            .max()
            .unwrap_or(0);
        let count = columns
            .iter()
            .filter(|column| column.width == widest)
            .count();
        let less = (widest - next).min(excess.div_ceil(count));
        if widest <= 1 {
            break;
        }
        let narrowed = widest.saturating_sub(less.max(1)).max(1);
        for column in columns.iter_mut().filter(|column| column.width == widest) {
            column.width = narrowed;
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[&str], width: Option<usize>, expected: &str) {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| {
                let json = serde_json::from_str(row).expect("JSON");
                pegboard_host::protocol::from_json(json).expect("a value")
            })
            .collect();
        let style = TableStyle {
            width,
            colour: false,
            plain: true,
        };
        let names = super::super::columns(&rows[0]).expect("a record");
        let cells: Vec<Row> = rows.iter().filter_map(Row::of_record).collect();
        let layout = Layout::new(Some(&names), &cells, style);
        let shown = layout.header() + &layout.body(&cells);
        assert_eq!(shown, expected);
        if let Some(width) = width {
            assert!(shown.lines().all(|line| line.width() <= width), "{shown}");
        }
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        check(
            &[
                r#"{"word": "rose", "count": 2}"#,
                r#"{"word": "a", "count": 10}"#,
            ],
            None,
            "word  count\n----  -----\nrose      2\na        10\n",
        );
        // Each of these takes two columns of a terminal.
        check(
            &["{\"a\": \"\u{65e5}\u{672c}\", \"b\": true}"],
            None,
            "a     b\n----  ----\n\u{65e5}\u{672c}  true\n",
        );
        check(
            &[r#"{"a": "x\ny\u001b[1m", "b": [1, {"c": null}], "d": [{"e": 1}]}"#],
            None,
            "a        b           d\n\
             -------  ----------  -------------\n\
             x y\u{241b}[1m  [1, {c: }]  [table 1 row]\n",
        );
    }

    #[test]
    fn what_is_too_wide_is_cut() {
        check(
            &[r#"{"a": "0123456789", "b": "0123456789012345"}"#],
            Some(20),
            "a          b\n\
             ---------  ---------\n\
             012345...  012345...\n",
        );
        check(
            &[r#"{"a": "0123456789", "b": "0123456789", "c": "0123456789"}"#],
            Some(20),
            "a       b       ...\n\
             ------  ------  ...\n\
             012...  012...  ...\n",
        );
    }
}
