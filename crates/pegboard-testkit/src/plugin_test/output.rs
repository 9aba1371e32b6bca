//! Output whose every item has a deadline.

use std::time::{Duration, Instant};

use pegboard_plugin::{LabeledError, Output, Value};
use pegboard_protocol::nu::{Header, StreamItem};
use pegboard_transport::{ByteStream, InStream, ListStream, StreamError};

/// How long items may take.
pub(super) struct Until {
    patience: Duration,
    /// When all of it must have come.
    end: Option<Instant>,
    what: String,
}

impl Until {
    pub(super) fn new(patience: Duration, end: Option<Instant>, what: String) -> Until {
        Until {
            patience,
            end,
            what,
        }
    }

    fn next(&self, stream: &mut InStream) -> Option<Result<StreamItem, LabeledError>> {
        let deadline = self.end.unwrap_or_else(|| Instant::now() + self.patience);
        if self.end.is_some_and(|end| Instant::now() >= end) {
            return Some(Err(self.late()));
        }
        let item = stream.next_item(Some(deadline))?;
        Some(item.map_err(|error| match error {
            StreamError::TimedOut => self.late(),
            other => LabeledError::new(other.to_string()),
        }))
    }

    fn late(&self) -> LabeledError {
        let (what, patience) = (&self.what, self.patience);
        LabeledError::new(match self.end {
            Some(_) => format!("waited {patience:?} for the end of what {what} gives"),
            None => format!("waited {patience:?} for the next item of what {what} gives"),
        })
    }
}

/// What the plugin gives, read lazily.
pub(super) fn read(header: Header, stream: Option<InStream>, until: Until) -> Output {
    match (header, stream) {
        (Header::Value(Value::Nothing(_), _), _) => Output::Empty,
        (Header::Value(value, metadata), _) => Output::Value(value, metadata.map(|about| *about)),
        (Header::ListStream { span, metadata, .. }, Some(mut items)) => {
            let items = std::iter::from_fn(move || {
                Some(match until.next(&mut items)? {
                    Ok(StreamItem::List(value)) => Ok(value),
                    Ok(_) => Err(wrong()),
                    Err(error) => Err(error),
                })
            });
            let mut stream = ListStream::new(items);
            (stream.span, stream.metadata) = (span, metadata.map(|about| *about));
            Output::List(stream)
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
            let chunks = std::iter::from_fn(move || {
                Some(match until.next(&mut items)? {
                    Ok(StreamItem::Raw(chunk)) => Ok(chunk),
                    Ok(StreamItem::RawError(error)) => Err(*error),
                    Ok(StreamItem::List(_) | StreamItem::Items(_)) => Err(wrong()),
                    Err(error) => Err(error),
                })
            });
            let mut stream = ByteStream::from_chunks(chunks, kind);
            (stream.span, stream.metadata) = (span, metadata.map(|about| *about));
            Output::Bytes(stream)
        }
        (Header::Empty | Header::ListStream { .. } | Header::ByteStream { .. }, _) => Output::Empty,
    }
}

fn wrong() -> LabeledError {
    LabeledError::new(StreamError::WrongKind.to_string())
}
