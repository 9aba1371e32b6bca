//! The answer to a run: when the execution begins, and its output as a flow that ends as the execution did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_protocol::nu::Response;
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_transport::InStream;

use crate::call::await_answer;
use crate::instance::{End, Instance, Slot};
use crate::{ByteStream, Error, ErrorKind, Flow};

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

/// Makes a flow end with the error that its call ended with, and the call end when nobody reads on.
pub(crate) fn to_its_end(flow: Flow, instance: &Arc<Instance>, slot: &Arc<Slot>) -> Flow {
    let stop = flow.stop();
    let Flow::Bytes(chunks) = flow else {
        return flow;
    };
    let (kind, span, metadata) = (chunks.kind, chunks.span, chunks.metadata.clone());
    let chunks = Chunks {
        chunks: Some(chunks),
        instance: instance.clone(),
        slot: slot.clone(),
    };
    let mut stream = ByteStream::from_chunks(chunks, kind);
    (stream.span, stream.metadata) = (span, metadata);
    let flow = Flow::Bytes(stream);
    match stop {
        Some(stop) => flow.stopped_by(stop),
        None => flow,
    }
}

struct Chunks {
    /// None at the end.
    chunks: Option<ByteStream>,
    instance: Arc<Instance>,
    slot: Arc<Slot>,
}

impl Iterator for Chunks {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
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
