//! Rows as a table for people, of which the first rows show while others are still to come.

mod batches;
mod cell;
mod layout;

use std::io::Write;

use pegboard_host::{Flow, Value};

use super::{Stop, Writer, plain};
use crate::terminal::TableStyle;
use batches::batches;
use layout::{Layout, Row};

impl Writer<'_> {
    /// Records as rows with a header, a single record as names and values, everything else as text.
    pub(super) fn table(&mut self, flow: Flow, style: TableStyle) -> Result<(), Stop> {
        let mut table = Table {
            style,
            layout: None,
        };
        match flow {
            Flow::Empty => Ok(()),
            Flow::List(items) => {
                for batch in batches(items) {
                    let mut rows = Vec::new();
                    let mut end = Ok(());
                    for item in batch {
                        match item {
                            Ok(item) => rows.extend(self.plain(item)?),
                            Err(error) => end = Err(Stop::from(error)),
                        }
                    }
                    self.table_rows(&mut table, &rows)?;
                    self.flush()?;
                    end?;
                }
                Ok(())
            }
            Flow::Bytes(bytes) if self.is_terminal => {
                let kind = bytes.kind;
                self.screen_bytes(bytes, kind)
            }
            Flow::Bytes(bytes) => {
                let ended = self.bytes(bytes)?;
                self.end_line(ended, true)
            }
            Flow::Value(value, _) => match self.plain(value)? {
                None | Some(Value::Nothing(_)) => Ok(()),
                Some(Value::List(rows, _)) => self.table_rows(&mut table, &rows),
                Some(Value::Record(record, _)) => {
                    let rows: Vec<Row> = record
                        .iter()
                        .map(|(name, value)| Row::pair(name, value))
                        .collect();
                    let layout = Layout::new(None, &rows, style);
                    self.out.write_all(layout.body(&rows).as_bytes())?;
                    Ok(())
                }
                Some(other) => self.screen_line(&plain::text(&other)?),
            },
        }
    }

    /// Rows below those that came before: under the same header if they fit there.
    fn table_rows(&mut self, table: &mut Table, values: &[Value]) -> Result<(), Stop> {
        for rows in values.chunk_by(|a, b| columns(a) == columns(b)) {
            let Some(columns) = rows.first().and_then(columns) else {
                table.layout = None;
                for row in rows {
                    self.screen_line(&plain::text(row)?)?;
                }
                continue;
            };
            let rows: Vec<Row> = rows.iter().filter_map(Row::of_record).collect();
            let layout = table
                .layout
                .take()
                .filter(|layout| layout.has_columns(&columns))
                .and_then(|layout| layout.with_room_for(&rows));
            let layout = match layout {
                Some(layout) => layout,
                None => {
                    let layout = Layout::new(Some(&columns), &rows, table.style);
                    self.out.write_all(layout.header().as_bytes())?;
                    layout
                }
            };
            self.out.write_all(layout.body(&rows).as_bytes())?;
            table.layout = Some(layout);
        }
        Ok(())
    }
}

/// A table that is being written.
struct Table {
    style: TableStyle,
    /// Of the rows that were written last, if they were records.
    layout: Option<Layout>,
}

/// The names of the columns of a row; none if it is no record with columns.
fn columns(row: &Value) -> Option<Vec<&str>> {
    match row {
        Value::Record(record, _) if !record.is_empty() => {
            Some(record.iter().map(|(name, _)| name).collect())
        }
        _ => None,
    }
}

/// Rows of texts below the names of their columns, for lists of the program's own.
pub(crate) fn text_table<const N: usize>(names: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<Row> = rows.iter().map(|row| Row::of_texts(row)).collect();
    let layout = Layout::new(Some(&names), &rows, crate::terminal::table_style());
    layout.header() + &layout.body(&rows)
}
