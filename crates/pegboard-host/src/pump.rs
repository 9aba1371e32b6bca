//! Flows over the wire: what the application gives is sent from a thread of its own, what a plugin gives is read lazily.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pegboard_protocol::nu::{Header, StreamItem, StreamKind};
use pegboard_protocol::session::Host;
use pegboard_protocol::{LabeledError, Value};
use pegboard_transport::{InStream, OutStream, StreamError};

use crate::call::{CancelToken, Waiting};
use crate::custom;
use crate::instance::{Instance, Slot};
use crate::{ByteStream, Error, ErrorKind, Flow, ListStream};

/// A stream that is announced and still has to be fed.
#[must_use = "a stream that is not fed never ends"]
pub(crate) struct Pump(Option<Job>);

type Job = Box<dyn FnOnce() + Send>;

impl Pump {
    /// Feeds the stream from a thread of its own.
    pub(crate) fn start(self) -> Result<(), Error> {
        let Some(job) = self.0 else { return Ok(()) };
        std::thread::Builder::new()
            .name("pegboard input".into())
            .spawn(job)
            .map(drop)
            .map_err(|error| Error::refused(format!("no thread could be started: {error}")))
    }
}

/// Makes the header for a flow that goes to a plugin, and what has to feed its stream after it was sent.
pub(crate) fn send_flow(
    instance: &Arc<Instance>,
    slot: &Arc<Slot>,
    flow: Flow,
) -> Result<(Header, Pump), LabeledError> {
    let Some(plugin) = instance.plugin.upgrade() else {
        return Err(LabeledError::new("the plugin is no longer loaded"));
    };
    let Some(connection) = instance.connection() else {
        return Err(LabeledError::new("the plugin is not connected"));
    };
    match flow {
        Flow::Empty => Ok((Header::Empty, Pump(None))),
        Flow::Value(mut value, metadata) => {
            let mut keep = Vec::new();
            custom::release(&mut value, &plugin, &mut keep)?;
            slot.keep(keep);
            Ok((Header::Value(value, metadata), Pump(None)))
        }
        Flow::List(mut stream) => {
            let (id, out) = connection.open_stream(StreamKind::List);
            on_unwanted(&out, stream.stop.clone());
            let header = Header::ListStream {
                id,
                span: stream.span,
                metadata: stream.metadata.clone(),
            };
            let slot = slot.clone();
            let job = move || {
                while let Some(item) = pull(&mut stream, &slot) {
                    let (item, last) = match item {
                        Ok(mut value) => {
                            let mut keep = Vec::new();
                            let span = value.span();
                            let checked = custom::release(&mut value, &plugin, &mut keep);
                            slot.keep(keep);
                            (
                                checked
                                    .map_or_else(|error| Value::error(error).at(span), |()| value),
                                false,
                            )
                        }
                        Err(error) => (Value::error(error.into_labeled()), true),
                    };
                    if out.send(StreamItem::List(item)).is_err() || last {
                        return;
                    }
                }
            };
            Ok((header, Pump(Some(Box::new(job)))))
        }
        Flow::Bytes(mut stream) => {
            let (id, out) = connection.open_stream(StreamKind::Raw);
            on_unwanted(&out, stream.stop.clone());
            let header = Header::ByteStream {
                id,
                span: stream.span,
                kind: stream.kind,
                metadata: stream.metadata.clone(),
            };
            let slot = slot.clone();
            let job = move || {
                while let Some(chunk) = pull(&mut stream, &slot) {
                    let (item, last) = match chunk {
                        Ok(chunk) => (StreamItem::Raw(chunk), false),
                        Err(error) => (StreamItem::RawError(Box::new(error.into_labeled())), true),
                    };
                    if out.send(item).is_err() || last {
                        return;
                    }
                }
            };
            Ok((header, Pump(Some(Box::new(job)))))
        }
    }
}

/// The next item; an error, which ends the stream, when the call was given up or the source panicked, so that the plugin
/// does not take the stream to be complete.
fn pull<T>(
    stream: &mut impl Iterator<Item = Result<T, Error>>,
    slot: &Slot,
) -> Option<Result<T, Error>> {
    let item = catch_unwind(AssertUnwindSafe(|| stream.next())).unwrap_or_else(|_| {
        Some(Err(Error::misuse(
            "the application panicked while it gave the input",
        )))
    });
    if item.is_some() && slot.is_abandoned() {
        let message = "the call was given up".into();
        return Some(Err(Error::new(ErrorKind::Cancelled, message)));
    }
    item
}

/// A stream that nobody wants any more also ends the wait for what would have fed it.
fn on_unwanted(out: &OutStream<Host>, stop: Option<crate::flow::Stop>) {
    if let Some(stop) = stop {
        out.on_unwanted(move || stop());
    }
}

/// Makes a flow of what a plugin has answered.
pub(crate) fn read_flow(
    instance: &Arc<Instance>,
    header: Header,
    stream: Option<InStream>,
    cancel: Option<&CancelToken>,
) -> Flow {
    match (header, stream) {
        (Header::Value(mut value, metadata), _) => {
            custom::adopt(&mut value, instance);
            match value {
                Value::Nothing(_) => Flow::Empty,
                value => Flow::Value(value, metadata),
            }
        }
        (Header::ListStream { span, metadata, .. }, Some(mut items)) => {
            let stop = stop_handle(&items, cancel);
            let instance = instance.clone();
            let items = std::iter::from_fn(move || {
                Some(match items.next_item(None)? {
                    Ok(StreamItem::List(mut value)) => {
                        custom::adopt(&mut value, &instance);
                        Ok(value)
                    }
                    Ok(_) => Err(broken(&instance, &StreamError::WrongKind)),
                    Err(error) => Err(broken(&instance, &error)),
                })
            });
            let mut stream = ListStream::new(items);
            (stream.span, stream.metadata, stream.stop) = (span, metadata, stop);
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
            let stop = stop_handle(&items, cancel);
            let instance = instance.clone();
            let chunks = std::iter::from_fn(move || {
                Some(match items.next_item(None)? {
                    Ok(StreamItem::Raw(chunk)) => Ok(chunk),
                    Ok(StreamItem::RawError(error)) => {
                        Err(Error::new(ErrorKind::Plugin, *error).of(&instance.name))
                    }
                    Ok(StreamItem::List(_)) => Err(broken(&instance, &StreamError::WrongKind)),
                    Err(error) => Err(broken(&instance, &error)),
                })
            });
            let mut stream = ByteStream::from_chunks(chunks, kind);
            (stream.span, stream.metadata, stream.stop) = (span, metadata, stop);
            Flow::Bytes(stream)
        }
        (Header::Empty | Header::ListStream { .. } | Header::ByteStream { .. }, _) => Flow::Empty,
    }
}

fn stop_handle(stream: &InStream, cancel: Option<&CancelToken>) -> Option<crate::flow::Stop> {
    let stop = stream.stop_handle();
    if let Some(cancel) = cancel {
        cancel.register(Waiting::Stream(stop.clone()));
    }
    Some(Arc::new(move || stop.stop()))
}

fn broken(instance: &Instance, error: &StreamError) -> Error {
    match error {
        StreamError::Failed(failure) => instance.gone(failure, "before its output was complete"),
        StreamError::Stopped => Error::new(
            ErrorKind::Cancelled,
            "reading the output was cancelled".into(),
        )
        .of(&instance.name),
        StreamError::WrongKind | StreamError::TimedOut => {
            let message = format!("plugin {}: {error}", instance.name);
            Error::new(ErrorKind::Plugin, message.into()).of(&instance.name)
        }
    }
}
