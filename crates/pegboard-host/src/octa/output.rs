//! The answer to a run: when the execution begins, and its output as a flow that ends as the execution did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_protocol::nu::{Header, Response, StreamItem};
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_transport::{InStream, StreamError};

use crate::call::{Waiting, await_answer, cancelled};
use crate::instance::{End, Instance, Slot};
use crate::pump::read_flow;
use crate::{ByteStream, CancelToken, Error, ErrorKind, Flow};

/// Waits until the plugin has begun with an execution. One that does not is stopped: it would not begin with any other.
pub(crate) fn await_begin(
    instance: &Arc<Instance>,
    slot: &Arc<Slot>,
    patience: Option<(Instant, Duration)>,
    what: &str,
) -> Result<(Response, Option<InStream>), Error> {
    let engine = instance.engine.upgrade();
    let most = engine.map_or(Duration::ZERO, |engine| engine.config.deadlines.begin);
    let begin = Instant::now() + most;
    let ours = patience.is_none_or(|(until, _)| begin < until);
    let patience = if ours { Some((begin, most)) } else { patience };
    await_answer(instance, slot, patience, what).map_err(|error| {
        if !ours || error.kind() != ErrorKind::TimedOut {
            return error;
        }
        let message = format!("did not begin with an execution within {most:?}");
        let failure = Failure::new(FailureKind::Violation, message);
        if let Some(talk) = instance.talk() {
            talk.fail(failure.clone());
        }
        instance.gone(&failure, &format!("while {what}"))
    })
}

/// A run that the plugin has begun with.
pub(crate) struct Answered<'a> {
    pub(crate) instance: &'a Arc<Instance>,
    pub(crate) slot: &'a Arc<Slot>,
    pub(crate) cancel: Option<&'a CancelToken>,
}

impl Answered<'_> {
    /// The output as a flow that ends with the error that the run ends with, and the run ends when nobody reads on.
    ///
    /// Within the caller's patience something has to come of it, be it the end: that it has begun is no answer to him.
    pub(crate) fn flow(
        &self,
        header: Header,
        mut output: InStream,
        patience: Option<(Instant, Duration)>,
        what: &str,
    ) -> Result<Flow, Error> {
        let first = match patience {
            Some(patience) => self.first(&mut output, patience, what)?,
            None => None,
        };
        let flow = read_flow(self.instance, header, Some(output), self.cancel);
        let stop = flow.stop();
        let Flow::Bytes(chunks) = flow else {
            return Ok(flow);
        };
        let (kind, span) = (chunks.kind, chunks.span);
        let chunks = Chunks {
            first,
            chunks: Some(chunks),
            instance: self.instance.clone(),
            slot: self.slot.clone(),
        };
        let mut stream = ByteStream::from_chunks(chunks, kind);
        stream.span = span;
        let flow = Flow::Bytes(stream);
        Ok(match stop {
            Some(stop) => flow.stopped_by(stop),
            None => flow,
        })
    }

    /// Waits for the first output; none if there is none up to the end.
    fn first(
        &self,
        output: &mut InStream,
        (until, whole): (Instant, Duration),
        what: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(cancel) = self.cancel {
            cancel.register(Waiting::Stream(output.stop_handle()));
        }
        let name = &self.instance.name;
        let error = match output.next_item(Some(until)) {
            Some(Ok(StreamItem::Raw(chunk))) => return Ok(Some(chunk)),
            Some(Err(StreamError::TimedOut)) => Error::timed_out(what, whole)
                .of(name)
                .diagnosed(self.instance.provisional_diagnosis()),
            Some(Err(StreamError::Stopped)) => cancelled(name),
            // What ended it is told at the end.
            Some(_) | None => return Ok(None),
        };
        // Whoever gives up has got hold of the instance.
        self.instance.abandon(self.slot, 1);
        Err(error)
    }
}

struct Chunks {
    first: Option<Vec<u8>>,
    /// None at the end.
    chunks: Option<ByteStream>,
    instance: Arc<Instance>,
    slot: Arc<Slot>,
}

impl Iterator for Chunks {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        match self.chunks.as_mut()?.next() {
            Some(chunk) => Some(chunk),
            None => {
                self.chunks = None;
                if let Some(conversation) = self.instance.octa() {
                    conversation.wait_for_last_words();
                }
                let error = match self.slot.ending()? {
                    End::Failed(error) => error,
                    End::Gone(failure) => self
                        .instance
                        .gone(&failure, "before its output was complete"),
                };
                Some(Err(error))
            }
        }
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        if self.chunks.take().is_some() {
            self.instance.abandon(&self.slot, 0);
        }
    }
}
