//! The reader thread: bytes in, and what they say to the session.

use std::io;
use std::sync::Arc;

use pegboard_protocol::octa::{Decoder, Frame};
use pegboard_protocol::session::{Failure, FailureKind};

use super::{READ_BUFFER, Shared, Side, State};
use crate::driver::hung_up;
use crate::driver::outbox::spawn;
use crate::link::Source;
use crate::trace::Direction;

impl<S: Side> Shared<S> {
    pub(super) fn start_reader(
        self: &Arc<Self>,
        source: Box<dyn Source>,
        decoder: Decoder<S::Incoming>,
    ) {
        let shared = self.clone();
        let read = move || shared.read_loop(source, decoder);
        if let Err(failure) = spawn("pegboard reader", 512 << 10, read) {
            let mut state = self.lock();
            state.session.fail(failure);
            self.settle(state);
        }
    }

    /// Reads until there is nothing more to read.
    fn read_loop(self: Arc<Self>, mut source: Box<dyn Source>, mut decoder: Decoder<S::Incoming>) {
        let mut buffer = vec![0; READ_BUFFER];
        loop {
            // What came with the first messages is seen to before more is waited for.
            self.receive(&mut decoder);
            // Whoever takes something rings, and so does the end of the session.
            self.room.wait(None, || self.has_appetite().then_some(()));
            let deaf_until = {
                let state = self.lock();
                if state.session.is_over() {
                    return;
                }
                state.outbox.deaf_until()
            };
            let end = match source.read(&mut buffer, deaf_until) {
                Ok(0) => Ok(()),
                Ok(count) => {
                    decoder.feed(&buffer[..count]);
                    continue;
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::TimedOut => Err(Failure::new(
                        FailureKind::Closed,
                        "it closed its input and went on running",
                    )),
                    io::ErrorKind::ConnectionReset => Ok(()),
                    io::ErrorKind::ConnectionAborted => Err(hung_up()),
                    _ => Err(Failure::new(
                        FailureKind::Link,
                        format!("reading from it failed: {error}"),
                    )),
                },
            };
            let mut state = self.lock();
            match end {
                Ok(()) => {
                    if let Err(error) = decoder.finish() {
                        state.session.receive(Err(error));
                    }
                    state.session.closed();
                }
                Err(failure) => state.session.fail(failure),
            }
            self.settle(state);
            return;
        }
    }

    /// Takes in what is complete.
    fn receive(self: &Arc<Self>, decoder: &mut Decoder<S::Incoming>) {
        loop {
            let frames = batch(decoder);
            if frames.is_empty() {
                return;
            }
            let mut state = self.lock();
            for frame in frames {
                self.take(&mut state, frame);
            }
            let over = state.session.is_over();
            self.settle(state);
            if over {
                return;
            }
        }
    }

    fn take(&self, state: &mut State<S>, frame: Frame<S::Incoming>) {
        if let (Some(trace), Ok(message)) = (&self.trace, &frame.content) {
            let form = state.session.form();
            trace.octa(Direction::Received, S::SENDER, S::heard(message), form);
        }
        state.session.receive(frame.content);
    }
}

/// Decodes without the state's lock, as much as is told at once.
fn batch<S>(decoder: &mut Decoder<S>) -> Vec<Frame<S>>
where
    S: pegboard_protocol::octa::Incoming,
{
    const TOGETHER: usize = 64;
    let mut frames = Vec::new();
    while frames.len() < TOGETHER {
        let Some(frame) = decoder.next() else { break };
        let last = matches!(&frame.content, Err(error) if error.is_final());
        frames.push(frame);
        if last {
            break;
        }
    }
    frames
}
