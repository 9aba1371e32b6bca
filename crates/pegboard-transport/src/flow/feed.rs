//! Flows over the wire: what one side gives is fed into a stream, what the other side gives is read lazily.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pegboard_protocol::nu::{Header, StreamItem, StreamKind};
use pegboard_protocol::session::Role;
use pegboard_protocol::{LabeledError, Value};

use super::{ByteStream, Flow, ListStream, Stop};
use crate::{Connection, InStream, OutStream, StreamError};

/// What stands at the way out: it checks and changes each value, and can close.
pub trait Gate: Send + 'static {
    /// Makes a value fit to be sent, or says why it must not be.
    fn value(&mut self, value: &mut Value) -> Result<(), LabeledError>;

    /// Says when nothing more is to be sent; the stream then ends.
    fn open(&self) -> Result<(), Closed>;

    /// The error for a source that panicked, and with it ends its stream.
    fn panicked(&self, message: &str) -> LabeledError {
        LabeledError::new(format!("the source of the stream panicked: {message}"))
    }
}

/// How a stream ends before its source does.
#[derive(Debug)]
pub enum Closed {
    /// As if the source had come to its end.
    Quietly,
    /// With an error in the place of the next item.
    Because(LabeledError),
}

/// A stream that was announced and still has to be fed.
#[must_use = "a stream that is not fed never ends"]
pub struct Feed(Box<dyn FnOnce() + Send>);

impl Feed {
    /// Feeds the stream until its end, or until nobody wants more. Waits for the consumer.
    pub fn run(self) {
        (self.0)();
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

/// Why a stream that is read breaks off.
#[derive(Debug)]
pub enum Broken {
    /// The stream itself failed.
    Stream(StreamError),
    /// The other side could not read further, and says why.
    Said(LabeledError),
}

impl<E: From<LabeledError> + Into<LabeledError> + 'static> Flow<E> {
    /// Makes the header for what flows to the other side, and what has to feed its stream after the header was sent.
    pub fn announce<R: Role + Send + 'static>(
        self,
        connection: &Connection<R>,
        mut gate: impl Gate,
    ) -> Result<(Header, Option<Feed>), LabeledError> {
        let stop = self.stop();
        match self {
            Flow::Empty => Ok((Header::Empty, None)),
            Flow::Value(mut value, metadata) => {
                gate.value(&mut value)?;
                Ok((Header::Value(value, metadata.map(Box::new)), None))
            }
            Flow::List(stream) => {
                let (id, out) = connection.open_stream(StreamKind::List);
                on_unwanted(&out, stop);
                let header = Header::ListStream {
                    id,
                    span: stream.span,
                    metadata: stream.metadata.clone().map(Box::new),
                };
                let error = |error| StreamItem::List(Value::error(error));
                let item = |gate: &mut _, value| StreamItem::List(checked(gate, value));
                Ok((header, Some(feed(stream, out, gate, item, error))))
            }
            Flow::Bytes(stream) => {
                let (id, out) = connection.open_stream(StreamKind::Raw);
                on_unwanted(&out, stop);
                let header = Header::ByteStream {
                    id,
                    span: stream.span,
                    kind: stream.kind,
                    metadata: stream.metadata.clone().map(Box::new),
                };
                let error = |error| StreamItem::RawError(Box::new(error));
                let item = |_: &mut _, chunk| StreamItem::Raw(chunk);
                Ok((header, Some(feed(stream, out, gate, item, error))))
            }
        }
    }

    /// Makes a flow of what the other side has sent.
    ///
    /// `adopt` is shown each value that arrives, `broken` makes the error for a stream that breaks off.
    pub fn read(
        header: Header,
        stream: Option<InStream>,
        mut adopt: impl FnMut(&mut Value) + Send + 'static,
        broken: impl Fn(Broken) -> E + Send + 'static,
    ) -> Flow<E> {
        match (header, stream) {
            (Header::Value(Value::Nothing(_), _), _) => Flow::Empty,
            (Header::Value(mut value, metadata), _) => {
                adopt(&mut value);
                Flow::Value(value, metadata.map(|about| *about))
            }
            (Header::ListStream { span, metadata, .. }, Some(mut items)) => {
                let stop = stop_of(&items);
                let items = std::iter::from_fn(move || {
                    Some(match items.next_item(None)? {
                        Ok(StreamItem::List(mut value)) => {
                            adopt(&mut value);
                            Ok(value)
                        }
                        Ok(_) => Err(broken(Broken::Stream(StreamError::WrongKind))),
                        Err(error) => Err(broken(Broken::Stream(error))),
                    })
                });
                let mut stream = ListStream::new(items);
                (stream.span, stream.stop) = (span, stop);
                stream.metadata = metadata.map(|about| *about);
                Flow::List(stream)
            }
            (
                Header::ByteStream {
                    span,
                    kind,
                    metadata,
                    ..
                },
                Some(mut items),
            ) => {
                let stop = stop_of(&items);
                let chunks = std::iter::from_fn(move || {
                    Some(match items.next_item(None)? {
                        Ok(StreamItem::Raw(chunk)) => Ok(chunk),
                        Ok(StreamItem::RawError(error)) => Err(broken(Broken::Said(*error))),
                        Ok(StreamItem::List(_) | StreamItem::Items(_)) => {
                            Err(broken(Broken::Stream(StreamError::WrongKind)))
                        }
                        Err(error) => Err(broken(Broken::Stream(error))),
                    })
                });
                let mut stream = ByteStream::from_chunks(chunks, kind);
                (stream.span, stream.stop) = (span, stop);
                stream.metadata = metadata.map(|about| *about);
                Flow::Bytes(stream)
            }
            (Header::Empty | Header::ListStream { .. } | Header::ByteStream { .. }, _) => {
                Flow::Empty
            }
        }
    }
}

/// Feeds items into a stream, and an error in the place of the first that cannot be had. What is fed belongs to whoever
/// gave it and may panic; the stream must then not look complete.
fn feed<T, E, G, R>(
    items: impl Iterator<Item = Result<T, E>> + Send + 'static,
    out: OutStream<R>,
    mut gate: G,
    item: impl Fn(&mut G, T) -> StreamItem + Send + 'static,
    error: impl Fn(LabeledError) -> StreamItem + Send + 'static,
) -> Feed
where
    E: Into<LabeledError>,
    G: Gate,
    R: Role + Send + 'static,
{
    Feed(Box::new(move || {
        let fed = catch_unwind(AssertUnwindSafe(|| -> Result<(), Closed> {
            for next in items {
                gate.open()?;
                let next = next.map_err(|error| Closed::Because(error.into()))?;
                if out.send(item(&mut gate, next)).is_err() {
                    return Ok(());
                }
            }
            Ok(())
        }));
        let failed = match fed {
            Ok(Ok(()) | Err(Closed::Quietly)) => return,
            Ok(Err(Closed::Because(failed))) => failed,
            Err(panic) => gate.panicked(panic_message(&*panic)),
        };
        // Whoever no longer wants items wants no error either.
        let _ = out.send(error(failed));
    }))
}

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

fn checked(gate: &mut impl Gate, mut value: Value) -> Value {
    let span = value.span();
    match gate.value(&mut value) {
        Ok(()) => value,
        Err(error) => Value::error(error).at(span),
    }
}

/// A stream that nobody wants any more also ends the wait for what would have fed it.
fn on_unwanted<R: Role + Send + 'static>(out: &OutStream<R>, stop: Option<Stop>) {
    if let Some(stop) = stop {
        out.on_unwanted(move || stop());
    }
}

fn stop_of(stream: &InStream) -> Option<Stop> {
    let stop = stream.stop_handle();
    Some(Arc::new(move || stop.stop()))
}
