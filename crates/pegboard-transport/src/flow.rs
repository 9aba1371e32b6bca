//! What flows into and out of a command: nothing, a value, a stream of values or a stream of bytes.

mod feed;
mod text;

pub use feed::{Broken, Closed, Feed, Gate, panic_message};

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use pegboard_protocol::nu::{ByteStreamKind, Metadata};
use pegboard_protocol::{LabeledError, Span, Value};

/// What flows into or out of a command. Streams are lazy: nothing is read before it is asked for.
///
/// `E` is what can go wrong while a stream is read.
#[derive(Debug, Default)]
pub enum Flow<E> {
    /// Nothing.
    #[default]
    Empty,
    /// A single value.
    Value(Value, Option<Metadata>),
    /// Values, one after the other.
    List(ListStream<E>),
    /// Bytes, chunk after chunk.
    Bytes(ByteStream<E>),
}

impl<E: From<LabeledError> + 'static> Flow<E> {
    /// A single value without metadata.
    pub fn value(value: Value) -> Flow<E> {
        Flow::Value(value, None)
    }

    /// A stream of values, taken from `values` when they are asked for, on another thread.
    pub fn list<I>(values: I) -> Flow<E>
    where
        I: IntoIterator<Item = Value>,
        I::IntoIter: Send + 'static,
    {
        Flow::List(ListStream::new(values.into_iter().map(Ok)))
    }

    /// The same for values that may fail to come: an error ends the stream.
    pub fn try_list<I>(values: I) -> Flow<E>
    where
        I: IntoIterator<Item = Result<Value, E>>,
        I::IntoIter: Send + 'static,
    {
        Flow::List(ListStream::new(values))
    }

    /// A stream of bytes, taken from `chunks` when they are asked for, on another thread. An error ends it.
    pub fn try_bytes<I>(chunks: I, kind: ByteStreamKind) -> Flow<E>
    where
        I: IntoIterator<Item = Result<Vec<u8>, E>>,
        I::IntoIter: Send + 'static,
    {
        Flow::Bytes(ByteStream::from_chunks(chunks, kind))
    }

    /// A stream of bytes, read when they are asked for, on another thread.
    pub fn bytes(reader: impl Read + Send + 'static, kind: ByteStreamKind) -> Flow<E> {
        Flow::Bytes(ByteStream::new(reader, kind))
    }

    /// Waits for everything and gives it as one value: a list for a stream of values; for a stream of bytes a string
    /// if it is UTF-8 and not declared binary, else binary.
    pub fn into_value(self) -> Result<Value, E> {
        match self {
            Flow::Empty => Ok(Value::nothing()),
            Flow::Value(value, _) => Ok(value),
            Flow::List(stream) => {
                let span = stream.span;
                Ok(Value::List(stream.collect::<Result<_, _>>()?, span))
            }
            Flow::Bytes(stream) => stream.into_value(),
        }
    }

    /// Waits for everything and gives it as text. Values that are not text are an error.
    pub fn into_text(self) -> Result<String, E> {
        match self.into_value()? {
            Value::String(text, _) => Ok(text),
            other => Err(text::needed(&other).into()),
        }
    }

    /// The items one after the other: of a stream of values, of a list or range, or the single value.
    ///
    /// A stream of bytes is given in pieces as they come: as text, never cut inside a character, as long as it is text,
    /// and as binaries if it is declared binary or is no text. For lines, see [`Flow::into_lines`].
    pub fn into_items(self) -> ListStream<E>
    where
        E: Send,
    {
        let (span, metadata) = (Span::UNKNOWN, self.metadata().cloned());
        let mut stream = match self {
            Flow::Empty => ListStream::new([]),
            Flow::Value(Value::List(values, _), _) => ListStream::new(values.into_iter().map(Ok)),
            Flow::Value(Value::Range(range, span), _) => {
                ListStream::new(range.numbers().map(move |value| Ok(value.at(span))))
            }
            Flow::Value(value, _) => ListStream::new([Ok(value)]),
            Flow::List(stream) => return stream,
            Flow::Bytes(stream) => ListStream::new(text::pieces(stream)),
        };
        (stream.span, stream.metadata) = (span, metadata);
        stream
    }

    /// The lines of text one after the other, without their ends: those of a string or a stream of bytes, and each item
    /// of a list or a stream of values. What is no text is an error.
    pub fn into_lines(self) -> impl Iterator<Item = Result<String, E>> + Send + use<E>
    where
        E: Send,
    {
        text::lines(self)
    }

    /// Calls `look` with the error at which a stream ends, if it ends with one, before whoever reads the stream sees it.
    #[must_use]
    pub fn on_error(self, look: impl FnOnce(&E) + Send + 'static) -> Flow<E> {
        match self {
            Flow::Empty | Flow::Value(..) => self,
            Flow::List(mut stream) => {
                stream.items = stream.items.on_error(look);
                Flow::List(stream)
            }
            Flow::Bytes(mut stream) => {
                stream.chunks = stream.chunks.on_error(look);
                Flow::Bytes(stream)
            }
        }
    }

    /// Ends the wait inside a stream from another thread.
    pub fn stop(&self) -> Option<Stop> {
        match self {
            Flow::Empty | Flow::Value(..) => None,
            Flow::List(stream) => stream.stop.clone(),
            Flow::Bytes(stream) => stream.stop.clone(),
        }
    }

    /// Has a function called when nobody wants more of a stream that is being fed: it ends the wait for the next item.
    #[must_use]
    pub fn stopped_by(mut self, stop: Stop) -> Flow<E> {
        match &mut self {
            Flow::Empty | Flow::Value(..) => {}
            Flow::List(stream) => stream.stop = Some(stop),
            Flow::Bytes(stream) => stream.stop = Some(stop),
        }
        self
    }

    /// What is known about the data beside the data itself.
    pub fn metadata(&self) -> Option<&Metadata> {
        match self {
            Flow::Empty => None,
            Flow::Value(_, metadata) => metadata.as_ref(),
            Flow::List(stream) => stream.metadata.as_ref(),
            Flow::Bytes(stream) => stream.metadata.as_ref(),
        }
    }
}

impl<E> From<Value> for Flow<E> {
    fn from(value: Value) -> Flow<E> {
        Flow::Value(value, None)
    }
}

macro_rules! flow_of_a_value {
    ($($type:ty),*) => {$(
        impl<E> From<$type> for Flow<E> {
            fn from(value: $type) -> Flow<E> {
                Flow::Value(value.into(), None)
            }
        }
    )*};
}

flow_of_a_value!(bool, i64, f64, &str, String);

impl<E, T: Into<Value>> From<Vec<T>> for Flow<E> {
    fn from(values: Vec<T>) -> Flow<E> {
        Flow::Value(values.into(), None)
    }
}

impl<E, T: Into<Value>, const N: usize> From<[T; N]> for Flow<E> {
    fn from(values: [T; N]) -> Flow<E> {
        Flow::Value(values.into(), None)
    }
}

/// What a stream takes its items from. Let go of at its end and at the first error, so that it is asked no further.
struct Items<T, E>(Option<Box<dyn Iterator<Item = Result<T, E>> + Send>>);

impl<T, E> Items<T, E> {
    fn new<I>(items: I) -> Items<T, E>
    where
        I: IntoIterator<Item = Result<T, E>>,
        I::IntoIter: Send + 'static,
    {
        Items(Some(Box::new(items.into_iter())))
    }

    fn on_error(self, look: impl FnOnce(&E) + Send + 'static) -> Items<T, E>
    where
        T: 'static,
        E: 'static,
    {
        let mut look = Some(look);
        Items(self.0.map(|items| {
            let items = items.inspect(move |item| {
                if let Err(error) = item
                    && let Some(look) = look.take()
                {
                    look(error);
                }
            });
            Box::new(items) as Box<_>
        }))
    }

    fn next(&mut self) -> Option<Result<T, E>> {
        let next = self.0.as_mut()?.next();
        if !matches!(next, Some(Ok(_))) {
            self.0 = None;
        }
        next
    }
}

/// A stream of values. Dropping it tells the producer to stop.
pub struct ListStream<E> {
    items: Items<Value, E>,
    stop: Option<Stop>,
    /// Where it came from.
    pub span: Span,
    /// What is known about the values.
    pub metadata: Option<Metadata>,
}

/// Ends a wait inside a stream from another thread.
pub type Stop = Arc<dyn Fn() + Send + Sync>;

impl<E> ListStream<E> {
    /// A stream of these values. An error ends it.
    pub fn new<I>(items: I) -> ListStream<E>
    where
        I: IntoIterator<Item = Result<Value, E>>,
        I::IntoIter: Send + 'static,
    {
        ListStream {
            items: Items::new(items),
            stop: None,
            span: Span::UNKNOWN,
            metadata: None,
        }
    }
}

impl<E> Iterator for ListStream<E> {
    type Item = Result<Value, E>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next()
    }
}

impl<E> fmt::Debug for ListStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListStream")
    }
}

/// A stream of bytes. Dropping it tells the producer to stop.
pub struct ByteStream<E> {
    chunks: Items<Vec<u8>, E>,
    /// The part of the last chunk that [`Read::read`] has not given out.
    rest: io::Cursor<Vec<u8>>,
    stop: Option<Stop>,
    /// Where it came from.
    pub span: Span,
    /// Whether the bytes are text.
    pub kind: ByteStreamKind,
    /// What is known about the bytes.
    pub metadata: Option<Metadata>,
}

/// Chunks are read in pieces of this size at first, as Nushell does, and in larger ones while they are filled.
const CHUNK: usize = 8 << 10;
const LARGEST_CHUNK: usize = 16 << 10;

impl<E: From<LabeledError> + 'static> ByteStream<E> {
    /// A stream of what `reader` gives. An error of the reader ends it.
    pub fn new(mut reader: impl Read + Send + 'static, kind: ByteStreamKind) -> ByteStream<E> {
        let mut size = CHUNK;
        let chunks = std::iter::from_fn(move || {
            let mut chunk = vec![0; size];
            loop {
                return match reader.read(&mut chunk) {
                    Ok(0) => None,
                    Ok(count) => {
                        chunk.truncate(count);
                        size = match count == size {
                            true => LARGEST_CHUNK.min(size * 2),
                            false => CHUNK.max(size / 2),
                        };
                        Some(Ok(chunk))
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Some(Err(E::from(LabeledError::new(format!(
                        "reading the input failed: {error}"
                    ))))),
                };
            }
        });
        ByteStream::from_chunks(chunks, kind)
    }

    /// A stream of these chunks. An error ends it.
    pub fn from_chunks<I>(chunks: I, kind: ByteStreamKind) -> ByteStream<E>
    where
        I: IntoIterator<Item = Result<Vec<u8>, E>>,
        I::IntoIter: Send + 'static,
    {
        ByteStream {
            chunks: Items::new(chunks),
            rest: io::Cursor::default(),
            stop: None,
            span: Span::UNKNOWN,
            kind,
            metadata: None,
        }
    }

    fn into_value(self) -> Result<Value, E> {
        let (span, kind) = (self.span, self.kind);
        let mut bytes = Vec::new();
        for chunk in self {
            bytes.extend_from_slice(&chunk?);
        }
        match (kind, String::from_utf8(bytes)) {
            (ByteStreamKind::Binary, Ok(text)) => Ok(Value::Binary(text.into_bytes(), span)),
            (_, Ok(text)) => Ok(Value::String(text, span)),
            (ByteStreamKind::String, Err(error)) => {
                let at = error.utf8_error().valid_up_to();
                Err(E::from(LabeledError::new(format!(
                    "the text is not UTF-8 from byte {at} on"
                ))))
            }
            (_, Err(error)) => Ok(Value::Binary(error.into_bytes(), span)),
        }
    }
}

impl<E> Iterator for ByteStream<E> {
    type Item = Result<Vec<u8>, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = usize::try_from(self.rest.position()).unwrap_or(usize::MAX);
        if at < self.rest.get_ref().len() {
            let rest = self.rest.get_ref()[at..].to_vec();
            self.rest = io::Cursor::default();
            return Some(Ok(rest));
        }
        self.chunks.next()
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> Read for ByteStream<E> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.rest.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.chunks.next() {
                None => return Ok(0),
                Some(Ok(chunk)) => self.rest = io::Cursor::new(chunk),
                Some(Err(error)) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<E> fmt::Debug for ByteStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByteStream")
    }
}
