//! What flows into and out of a command: nothing, a value, a stream of values or a stream of bytes.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use pegboard_protocol::nu::{ByteStreamKind, Metadata};
use pegboard_protocol::{Span, Value};

use crate::Error;

/// What flows into or out of a command. Streams are lazy: nothing is read before it is asked for.
#[derive(Debug, Default)]
pub enum Flow {
    /// Nothing.
    #[default]
    Empty,
    /// A single value.
    Value(Value, Option<Metadata>),
    /// Values, one after the other.
    List(ListStream),
    /// Bytes, chunk after chunk.
    Bytes(ByteStream),
}

impl Flow {
    /// A single value without metadata.
    pub fn value(value: Value) -> Flow {
        Flow::Value(value, None)
    }

    /// A stream of values, taken from `values` when they are asked for, on another thread.
    pub fn list<I>(values: I) -> Flow
    where
        I: IntoIterator<Item = Value>,
        I::IntoIter: Send + 'static,
    {
        Flow::List(ListStream::new(values.into_iter().map(Ok)))
    }

    /// A stream of bytes, read when they are asked for, on another thread.
    pub fn bytes(reader: impl Read + Send + 'static, kind: ByteStreamKind) -> Flow {
        Flow::Bytes(ByteStream::new(reader, kind))
    }

    /// Waits for everything and gives it as one value: a list for a stream of values; for a stream of bytes a string
    /// if it is UTF-8 and not declared binary, else binary.
    pub fn into_value(self) -> Result<Value, Error> {
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

    /// Ends the wait inside a stream from another thread.
    pub(crate) fn stop(&self) -> Option<Stop> {
        match self {
            Flow::Empty | Flow::Value(..) => None,
            Flow::List(stream) => stream.stop.clone(),
            Flow::Bytes(stream) => stream.stop.clone(),
        }
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

impl From<Value> for Flow {
    fn from(value: Value) -> Flow {
        Flow::value(value)
    }
}

/// What a stream takes its items from. Let go of at its end and at the first error, so that it is asked no further.
struct Items<T>(Option<Box<dyn Iterator<Item = Result<T, Error>> + Send>>);

impl<T> Items<T> {
    fn new<I>(items: I) -> Items<T>
    where
        I: IntoIterator<Item = Result<T, Error>>,
        I::IntoIter: Send + 'static,
    {
        Items(Some(Box::new(items.into_iter())))
    }

    fn next(&mut self) -> Option<Result<T, Error>> {
        let next = self.0.as_mut()?.next();
        if !matches!(next, Some(Ok(_))) {
            self.0 = None;
        }
        next
    }
}

/// A stream of values. Dropping it tells the producer to stop.
pub struct ListStream {
    items: Items<Value>,
    pub(crate) stop: Option<Stop>,
    /// Where it came from.
    pub span: Span,
    /// What is known about the values.
    pub metadata: Option<Metadata>,
}

/// Ends a wait inside a stream from another thread.
pub(crate) type Stop = Arc<dyn Fn() + Send + Sync>;

impl ListStream {
    /// A stream of these values. An error ends it.
    pub fn new<I>(items: I) -> ListStream
    where
        I: IntoIterator<Item = Result<Value, Error>>,
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

impl Iterator for ListStream {
    type Item = Result<Value, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next()
    }
}

impl fmt::Debug for ListStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListStream")
    }
}

/// A stream of bytes. Dropping it tells the producer to stop.
pub struct ByteStream {
    chunks: Items<Vec<u8>>,
    /// The part of the last chunk that [`Read::read`] has not given out.
    rest: io::Cursor<Vec<u8>>,
    pub(crate) stop: Option<Stop>,
    /// Where it came from.
    pub span: Span,
    /// Whether the bytes are text.
    pub kind: ByteStreamKind,
    /// What is known about the bytes.
    pub metadata: Option<Metadata>,
}

/// Chunks are read in pieces of this size, as Nushell does.
const CHUNK: usize = 8192;

impl ByteStream {
    /// A stream of what `reader` gives. An error of the reader ends it.
    pub fn new(mut reader: impl Read + Send + 'static, kind: ByteStreamKind) -> ByteStream {
        let chunks = std::iter::from_fn(move || {
            let mut chunk = vec![0; CHUNK];
            loop {
                return match reader.read(&mut chunk) {
                    Ok(0) => None,
                    Ok(count) => {
                        chunk.truncate(count);
                        Some(Ok(chunk))
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Some(Err(Error::misuse(format!(
                        "reading the input failed: {error}"
                    )))),
                };
            }
        });
        ByteStream::from_chunks(chunks, kind)
    }

    /// A stream of these chunks. An error ends it.
    pub fn from_chunks<I>(chunks: I, kind: ByteStreamKind) -> ByteStream
    where
        I: IntoIterator<Item = Result<Vec<u8>, Error>>,
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

    fn into_value(self) -> Result<Value, Error> {
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
                Err(Error::misuse(format!(
                    "the text is not UTF-8 from byte {at} on"
                )))
            }
            (_, Err(error)) => Ok(Value::Binary(error.into_bytes(), span)),
        }
    }
}

impl Iterator for ByteStream {
    type Item = Result<Vec<u8>, Error>;

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

impl Read for ByteStream {
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

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByteStream")
    }
}
