//! Reading: the only thread that waits for bytes, and for nothing else.

use std::io;
use std::sync::Arc;

use pegboard_protocol::codec::Decoder;
use pegboard_protocol::nu::Message;
use pegboard_protocol::session::{Failure, FailureKind, Role};

use super::{READ_BUFFER, Shared, State, hung_up};
use crate::link::Source;
use crate::trace::Direction;

impl<R: Role + Send + 'static> Shared<R> {
    pub(super) fn read_loop(self: Arc<Self>, source: Box<dyn Source>, decoder: Decoder) {
        let failure = self.read_all(source, decoder);
        let mut state = self.lock();
        self.end(&mut state, failure);
        self.settle(state);
    }

    /// Takes in all that comes; gives why no more does.
    fn read_all(self: &Arc<Self>, mut source: Box<dyn Source>, mut decoder: Decoder) -> Failure {
        let mut buffer = vec![0; READ_BUFFER];
        let mut batch = Vec::new();
        loop {
            let decoded = loop {
                match decoder.next() {
                    Ok(Some(frame)) => batch.push(frame),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            if !batch.is_empty() {
                let mut state = self.lock();
                for frame in batch.drain(..) {
                    if let Some(trace) = &self.trace {
                        let dialect = state.session.dialect();
                        trace.message(Direction::Received, R::SENDER, &frame.message, dialect);
                    }
                    if state.may_ask(&frame.message) {
                        state.session.receive(frame.message, frame.size);
                    }
                }
                self.settle(state);
            }
            if let Err(error) = decoded {
                return error.into();
            }
            if let Some(failure) = self.lock().session.failure() {
                return failure.clone();
            }
            match source.read(&mut buffer, None) {
                Ok(0) => {
                    return match decoder.finish() {
                        Ok(()) => Failure::new(FailureKind::Closed, "the connection was closed"),
                        Err(error) => error.into(),
                    };
                }
                Ok(count) => decoder.feed(&buffer[..count]),
                Err(error) => {
                    return match error.kind() {
                        io::ErrorKind::ConnectionAborted => hung_up(),
                        io::ErrorKind::ConnectionReset => {
                            Failure::new(FailureKind::Closed, "the connection was reset")
                        }
                        _ => {
                            let message = format!("reading from it failed: {error}");
                            Failure::new(FailureKind::Link, message)
                        }
                    };
                }
            }
        }
    }
}

impl<R: Role> State<R> {
    /// Fails the session if a peer goes on asking and does not read the answers, which would pile up here.
    fn may_ask(&mut self, message: &Message) -> bool {
        let limit = self.session.limits().engine_calls;
        let may = !matches!(message, Message::EngineCall { .. }) || self.answers < limit;
        if !may {
            let message = format!(
                "makes engine calls without reading the answers, of which {limit} wait, the limit (engine_calls)"
            );
            self.session.fail(Failure::new(FailureKind::Limit, message));
        }
        may
    }
}
