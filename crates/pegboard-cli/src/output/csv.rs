//! Rows as comma-separated values.

use pegboard_host::{Error, Flow, LabeledError, Value};

use super::{Stop, Writer, json};

/// The column of rows that are no records.
const ONLY: &str = "value";

impl Writer<'_> {
    /// A line with the names of the columns, then a line for each row, as it arrives. In a stream the first row says
    /// which columns there are; a list is looked through for all of them.
    pub(super) fn csv(&mut self, flow: Flow) -> Result<(), Stop> {
        match flow {
            Flow::Empty => Ok(()),
            Flow::List(items) => {
                let mut table = None;
                self.items(items, |writer, item| {
                    let table = table.get_or_insert_with(|| Columns::of([&item]));
                    writer.csv_row(table, &item)
                })
            }
            other => {
                let Some(value) = self.plain(other.into_value()?)? else {
                    return Ok(());
                };
                let rows = match &value {
                    Value::List(rows, _) => rows.as_slice(),
                    Value::Nothing(_) => &[],
                    row => std::slice::from_ref(row),
                };
                let mut table = Columns::of(rows);
                rows.iter()
                    .try_for_each(|row| self.csv_row(&mut table, row))
            }
        }
    }

    fn csv_row(&mut self, table: &mut Columns, row: &Value) -> Result<(), Stop> {
        if table.rows == 0 {
            let names = table.names.clone();
            self.csv_line(&names)?;
        }
        table.rows += 1;
        let cells = table.cells(row)?;
        self.csv_line(&cells)
    }

    fn csv_line(&mut self, cells: &[String]) -> Result<(), Stop> {
        let mut line = csv::Writer::from_writer(&mut self.out);
        line.write_record(cells)
            .map_err(|error| Error::misuse(error.to_string()))?;
        Ok(line.flush()?)
    }
}

/// The columns of a table, and how many rows were written.
struct Columns {
    names: Vec<String>,
    rows: u64,
}

impl Columns {
    fn of<'a>(rows: impl IntoIterator<Item = &'a Value>) -> Columns {
        let mut names: Vec<String> = Vec::new();
        for row in rows {
            let of_row: Vec<&str> = match row {
                Value::Record(record, _) => record.iter().map(|(name, _)| name).collect(),
                _ => vec![ONLY],
            };
            for name in of_row {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        Columns { names, rows: 0 }
    }

    fn cells(&self, row: &Value) -> Result<Vec<String>, Error> {
        let Value::Record(record, _) = row else {
            self.knows(ONLY)?;
            let cell = |name: &String| {
                if name == ONLY {
                    cell(row)
                } else {
                    Ok(String::new())
                }
            };
            return self.names.iter().map(cell).collect();
        };
        record.iter().try_for_each(|(name, _)| self.knows(name))?;
        let cell = |name: &String| record.get(name).map_or(Ok(String::new()), cell);
        self.names.iter().map(cell).collect()
    }

    fn knows(&self, name: &str) -> Result<(), Error> {
        if self.names.iter().any(|known| known == name) {
            return Ok(());
        }
        let error = LabeledError::new(format!(
            "row {} has the column `{name}`, which the first row does not have",
            self.rows
        ))
        .with_code("pegboard::output::new_column")
        .with_help(
            "a stream of CSV has the columns of its first row; `--to ndjson` has no such limit",
        );
        Err(Error::misuse(error))
    }
}

/// Nothing as nothing, and everything else as JSON; what is text there without its quotes.
fn cell(value: &Value) -> Result<String, Error> {
    match value {
        Value::String(text, _) => Ok(text.clone()),
        Value::Glob(glob, _) => Ok(glob.pattern.clone()),
        Value::Nothing(_) => Ok(String::new()),
        other => {
            let line = json::line(other)?;
            Ok(serde_json::from_str::<String>(&line).unwrap_or(line))
        }
    }
}
