//! The output of a command, on standard output as it arrives.

mod csv;
mod json;
mod msgpack;
mod plain;
mod screen;
mod table;

pub(crate) use table::text_table;

use std::io::{self, IsTerminal, StdoutLock, Write};

use pegboard_host::protocol::nu::ByteStreamKind;
use pegboard_host::protocol::{Bound, Range};
use pegboard_host::{ByteStream, Engine, Error, Flow, LabeledError, ListStream, Sources, Value};

use crate::exit::print_error;
use crate::input::Trouble;
use crate::options::To;
use crate::terminal;

/// What became of the output.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All of it was written, but for so many items that were errors.
    Written { errors: usize },
    /// It cannot be written, perhaps only because whoever read it has had enough.
    Unwritable(io::Error),
}

/// What values and errors are shown with.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) sources: &'a Sources,
    /// What is wrong with an input, which is shown at the end.
    pub(crate) trouble: &'a Trouble,
}

/// Why the output ended before its end.
pub(super) enum Stop {
    Unwritable(io::Error),
    Failed(Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Unwritable(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// Writes everything. Errors that come as values are shown on standard error instead.
pub(crate) fn write(flow: Flow, to: Option<To>, shown: Shown<'_>) -> Result<Outcome, Error> {
    let stdout = io::stdout().lock();
    let is_terminal = stdout.is_terminal();
    let mut writer = Writer {
        out: io::BufWriter::new(stdout),
        shown,
        errors: 0,
        is_terminal,
    };
    let result = match to {
        Some(To::Json) => writer.json(flow),
        Some(To::Ndjson) => writer.rows(flow),
        Some(To::Text) => writer.text(flow),
        Some(To::Raw) => writer.raw(flow),
        Some(To::Csv) => writer.csv(flow),
        Some(To::Msgpack) => writer.msgpack(flow),
        Some(To::Table) => writer.table(flow, terminal::table_style()),
        None => writer.usual(flow),
    };
    match result.and_then(|()| writer.flush()) {
        Ok(()) => Ok(Outcome::Written {
            errors: writer.errors,
        }),
        Err(Stop::Unwritable(error)) => Ok(Outcome::Unwritable(error)),
        Err(Stop::Failed(error)) => {
            // What came before the error counts.
            let _ = writer.flush();
            Err(error)
        }
    }
}

struct Writer<'a> {
    out: io::BufWriter<StdoutLock<'static>>,
    shown: Shown<'a>,
    errors: usize,
    is_terminal: bool,
}

impl Writer<'_> {
    fn flush(&mut self) -> Result<(), Stop> {
        Ok(self.out.flush()?)
    }

    /// A value as it can be written: without custom values, and without errors, which are shown. None for a value
    /// that is an error itself.
    fn plain(&mut self, value: Value) -> Result<Option<Value>, Stop> {
        let mut value = self.shown.engine.to_base_value(value)?;
        if let Value::Error(error, _) = value {
            self.error(&error);
            return Ok(None);
        }
        self.simplify(&mut value);
        Ok(Some(value))
    }

    /// Shows errors inside a value and puts nothing in their place; ranges without an end become their text.
    fn simplify(&mut self, value: &mut Value) {
        match value {
            Value::Error(error, span) => {
                self.error(error);
                *value = Value::Nothing(*span);
            }
            Value::Range(range, span) if is_endless(range) => {
                *value = Value::String(range.to_string(), *span)
            }
            Value::List(items, _) => items.iter_mut().for_each(|item| self.simplify(item)),
            Value::Record(record, _) => record.values_mut().for_each(|field| self.simplify(field)),
            _ => {}
        }
    }

    fn error(&mut self, error: &LabeledError) {
        // What was written before it is to be seen before it.
        let _ = self.out.flush();
        self.errors += 1;
        if !self.shown.trouble.is_behind(error) {
            print_error(&terminal::report_style().render(error, Some(self.shown.sources)));
        }
    }

    /// Calls `each` for every item that is no error, and flushes behind it.
    fn items(
        &mut self,
        items: ListStream,
        mut each: impl FnMut(&mut Self, Value) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for item in items {
            if let Some(item) = self.plain(item?)? {
                each(self, item)?;
                self.flush()?;
            }
        }
        Ok(())
    }

    fn json(&mut self, flow: Flow) -> Result<(), Stop> {
        match flow {
            Flow::List(items) => {
                let mut count = 0_u64;
                self.out.write_all(b"[")?;
                self.items(items, |writer, item| {
                    let text = json::pretty(&item)?.replace('\n', "\n  ");
                    write!(
                        writer.out,
                        "{}\n  {text}",
                        if count == 0 { "" } else { "," }
                    )?;
                    count += 1;
                    Ok(())
                })?;
                self.out
                    .write_all(if count == 0 { b"]\n" } else { b"\n]\n" })?;
            }
            Flow::Bytes(bytes) if bytes.kind == ByteStreamKind::Binary => {
                self.numbers(bytes, "\n  ", "\n")?;
            }
            other => match self.plain(other.into_value()?)? {
                Some(Value::Binary(bytes, _)) => {
                    self.numbers(std::iter::once(Ok(bytes)), "\n  ", "\n")?;
                }
                Some(value) => writeln!(self.out, "{}", json::pretty(&value)?)?,
                None => {}
            },
        }
        Ok(())
    }

    /// Bytes as an array of numbers, as they come.
    fn numbers(
        &mut self,
        chunks: impl Iterator<Item = Result<Vec<u8>, Error>>,
        before_each: &str,
        at_end: &str,
    ) -> Result<(), Stop> {
        let mut comma = "";
        self.out.write_all(b"[")?;
        for chunk in chunks {
            for byte in chunk? {
                write!(self.out, "{comma}{before_each}{byte}")?;
                comma = ",";
            }
            self.flush()?;
        }
        let at_end = if comma.is_empty() { "" } else { at_end };
        Ok(writeln!(self.out, "{at_end}]")?)
    }

    /// A line of JSON for each item.
    fn rows(&mut self, flow: Flow) -> Result<(), Stop> {
        match flow {
            Flow::Empty => Ok(()),
            Flow::List(items) => self.items(items, |writer, item| writer.row(&item)),
            Flow::Bytes(bytes) if bytes.kind == ByteStreamKind::Binary => {
                self.numbers(bytes, "", "")
            }
            other => match self.plain(other.into_value()?)? {
                Some(Value::List(items, _)) => items.iter().try_for_each(|item| self.row(item)),
                Some(Value::Binary(bytes, _)) => self.numbers(std::iter::once(Ok(bytes)), "", ""),
                Some(value) => self.row(&value),
                None => Ok(()),
            },
        }
    }

    fn row(&mut self, value: &Value) -> Result<(), Stop> {
        Ok(writeln!(self.out, "{}", json::line(value)?)?)
    }

    fn text(&mut self, flow: Flow) -> Result<(), Stop> {
        match flow {
            Flow::Empty => Ok(()),
            Flow::List(items) => self.items(items, |writer, item| writer.lines(&item)),
            Flow::Bytes(bytes) => self.bytes(bytes).map(drop),
            Flow::Value(value, _) => match self.plain(value)? {
                Some(Value::List(items, _)) => items.iter().try_for_each(|item| self.lines(item)),
                Some(value) => self.lines(&value),
                None => Ok(()),
            },
        }
    }

    fn lines(&mut self, value: &Value) -> Result<(), Stop> {
        let text = plain::text(value)?;
        self.out.write_all(text.as_bytes())?;
        self.end_line(text.ends_with('\n'), true)
    }

    fn raw(&mut self, flow: Flow) -> Result<(), Stop> {
        match flow {
            Flow::Empty => Ok(()),
            Flow::List(items) => self.items(items, |writer, item| writer.exact_item(&item)),
            Flow::Bytes(bytes) => self.bytes(bytes).map(drop),
            Flow::Value(value, _) => match self.plain(value)? {
                Some(Value::List(items, _)) => {
                    items.iter().try_for_each(|item| self.exact_item(item))
                }
                Some(value) => self.exact(&value),
                None => Ok(()),
            },
        }
    }

    /// What is neither text nor bytes would run together with its neighbours.
    fn exact_item(&mut self, value: &Value) -> Result<(), Stop> {
        self.exact(value)?;
        let exact = matches!(
            value,
            Value::String(..) | Value::Glob(..) | Value::Binary(..)
        );
        self.end_line(exact, true)
    }

    fn exact(&mut self, value: &Value) -> Result<(), Stop> {
        match value {
            Value::Binary(bytes, _) => Ok(self.out.write_all(bytes)?),
            other => Ok(self.out.write_all(plain::text(other)?.as_bytes())?),
        }
    }

    /// Text and bytes as they are, or harmless on a terminal, other single values as text, everything else as a table for people and as JSON, a
    /// line each, for programs.
    fn usual(&mut self, flow: Flow) -> Result<(), Stop> {
        match flow {
            Flow::Empty => Ok(()),
            Flow::Bytes(_) | Flow::List(_) if self.is_terminal => {
                self.table(flow, terminal::table_style())
            }
            Flow::Bytes(bytes) => self.bytes(bytes).map(drop),
            Flow::List(_) => self.rows(flow),
            Flow::Value(value, _) => match self.plain(value)? {
                None | Some(Value::Nothing(_)) => Ok(()),
                Some(Value::Binary(bytes, _)) if self.is_terminal => {
                    self.screen_bytes(std::iter::once(Ok(bytes)), ByteStreamKind::Unknown)
                }
                Some(value) if self.is_terminal => {
                    self.table(Flow::value(value), terminal::table_style())
                }
                Some(value @ (Value::String(..) | Value::Binary(..))) => self.exact(&value),
                Some(value @ (Value::List(..) | Value::Record(..))) => {
                    self.rows(Flow::value(value))
                }
                Some(value) => self.lines(&value),
            },
        }
    }

    fn end_line(&mut self, ended: bool, wanted: bool) -> Result<(), Stop> {
        if wanted && !ended {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Writes bytes as they come, and says whether the last one was a newline.
    fn bytes(&mut self, bytes: ByteStream) -> Result<bool, Stop> {
        let mut ended = true;
        for chunk in bytes {
            let chunk = chunk?;
            self.out.write_all(&chunk)?;
            self.flush()?;
            ended = chunk.last().map_or(ended, |last| *last == b'\n');
        }
        Ok(ended)
    }
}

fn is_endless(range: &Range) -> bool {
    match range {
        Range::Int { end, .. } => *end == Bound::Unbounded,
        Range::Float { end, .. } => *end == Bound::Unbounded,
    }
}
