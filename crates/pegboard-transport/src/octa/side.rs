//! What the driver needs of a session, and how the two roles tell what happens.

use std::collections::VecDeque;
use std::sync::Arc;

use pegboard_protocol::codec::Sender;
use pegboard_protocol::octa::{
    self, ExecutionId, FromHost, FromPlugin, Host, HostEvent, LineError, Plugin, PluginEvent,
    Stream,
};
use pegboard_protocol::session::Failure;

use super::Shared;
use crate::trace::Shown;

/// Acts on what the other side says. Called from the reader thread and others; must not wait.
pub trait Handler<E>: Send + Sync + 'static {
    /// Something happened.
    fn handle(&self, event: E);
}

/// A role in a conversation: [`Host`] or [`Plugin`].
pub trait Side: sealed::Driven {}

impl Side for Host {}
impl Side for Plugin {}

pub(super) mod sealed {
    use super::*;

    pub trait Driven: Send + Sized + 'static {
        const SENDER: Sender;
        type Incoming: octa::Incoming + Send;
        type Outgoing: octa::Outgoing;
        type Event: Send + 'static;

        fn receive(&mut self, message: Result<Self::Incoming, LineError>);
        fn closed(&mut self);
        fn fail(&mut self, failure: Failure);
        fn failure(&self) -> Option<&Failure>;
        fn is_over(&self) -> bool;
        fn form(&self) -> octa::Form;
        fn poll_message(&mut self) -> Option<Self::Outgoing>;
        fn poll_event(&mut self) -> Option<Self::Event>;

        /// How much has come that was not taken.
        fn buffered(&self) -> usize;

        /// Whether the other side owes the beginning of something.
        fn is_owed(&self) -> bool;

        /// Takes the first of the events, and those that go with it, and tells them.
        #[doc(hidden)]
        #[expect(private_interfaces, reason = "the trait cannot be named outside")]
        fn tell(shared: &Arc<Shared<Self>>, events: &mut VecDeque<Self::Event>)
        where
            Self: Side;

        #[expect(private_interfaces, reason = "the trait cannot be named outside")]
        fn shown(message: &Self::Outgoing) -> Shown<'_>;

        #[expect(private_interfaces, reason = "the trait cannot be named outside")]
        fn heard(message: &Self::Incoming) -> Shown<'_>;
    }
}

macro_rules! same_for_both {
    () => {
        fn receive(&mut self, message: Result<Self::Incoming, LineError>) {
            self.receive(message);
        }
        fn closed(&mut self) {
            self.closed();
        }
        fn fail(&mut self, failure: Failure) {
            self.fail(failure);
        }
        fn failure(&self) -> Option<&Failure> {
            self.failure()
        }
        fn is_over(&self) -> bool {
            self.is_over()
        }
        fn form(&self) -> octa::Form {
            self.form()
        }
        fn poll_message(&mut self) -> Option<Self::Outgoing> {
            self.poll_message()
        }
        fn poll_event(&mut self) -> Option<Self::Event> {
            self.poll_event()
        }
    };
}

#[expect(private_interfaces, reason = "the trait cannot be named outside")]
impl sealed::Driven for Host {
    const SENDER: Sender = Sender::Engine;
    type Incoming = FromPlugin;
    type Outgoing = FromHost;
    type Event = HostEvent;

    same_for_both!();

    fn buffered(&self) -> usize {
        self.buffered()
    }

    fn is_owed(&self) -> bool {
        self.unstarted().is_some()
    }

    fn tell(shared: &Arc<Shared<Host>>, events: &mut VecDeque<HostEvent>) {
        let Some(event) = events.pop_front() else {
            return;
        };
        match event {
            HostEvent::Output { id, stream, bytes } => {
                let run = run_of((id, stream), bytes, events);
                shared.arrived(id, run.iter().map(Vec::len).sum());
                match stream {
                    Stream::Stdout => shared.to_output(id, run),
                    Stream::Stderr => {
                        let whole = run.into_iter().map(|bytes| shared.whole(bytes));
                        let bytes = whole.reduce(|mut all, mut next| {
                            all.append(&mut next);
                            all
                        });
                        let bytes = bytes.unwrap_or_default();
                        shared.to_handler(HostEvent::Output { id, stream, bytes });
                    }
                }
            }
            HostEvent::InputWritable { .. } => shared.room.ring(),
            HostEvent::Ended { id, outcome } => {
                shared.to_handler(HostEvent::Ended { id, outcome });
                shared.end_output(id);
            }
            HostEvent::Failed(failure) => {
                shared.note_failure(&failure);
                shared.to_handler(HostEvent::Failed(failure));
                shared.room.ring();
            }
            event => {
                shared.to_handler(event);
                shared.room.ring();
            }
        }
    }

    fn shown(message: &FromHost) -> Shown<'_> {
        Shown::Host(message)
    }

    fn heard(message: &FromPlugin) -> Shown<'_> {
        Shown::Plugin(message)
    }
}

/// What an execution wrote, with all that it wrote next: to wake its reader for each line takes longer than the rest.
fn run_of(
    from: (ExecutionId, Stream),
    first: Vec<u8>,
    events: &mut VecDeque<HostEvent>,
) -> Vec<Vec<u8>> {
    let mut run = vec![first];
    let more = |event: &mut HostEvent| match event {
        HostEvent::Output { id, stream, .. } => (*id, *stream) == from,
        _ => false,
    };
    while let Some(HostEvent::Output { bytes, .. }) = events.pop_front_if(more) {
        run.push(bytes);
    }
    run
}

#[expect(private_interfaces, reason = "the trait cannot be named outside")]
impl sealed::Driven for Plugin {
    const SENDER: Sender = Sender::Plugin;
    type Incoming = FromHost;
    type Outgoing = FromPlugin;
    type Event = PluginEvent;

    same_for_both!();

    /// Hosts that send input keep to the credit that they were given.
    fn buffered(&self) -> usize {
        0
    }

    fn is_owed(&self) -> bool {
        true
    }

    fn tell(shared: &Arc<Shared<Plugin>>, events: &mut VecDeque<PluginEvent>) {
        let Some(event) = events.pop_front() else {
            return;
        };
        match event {
            PluginEvent::Writable { .. } => shared.room.ring(),
            PluginEvent::Failed(failure) => {
                shared.note_failure(&failure);
                shared.to_handler(PluginEvent::Failed(failure));
                shared.room.ring();
            }
            event => shared.to_handler(event),
        }
    }

    fn shown(message: &FromPlugin) -> Shown<'_> {
        Shown::Plugin(message)
    }

    fn heard(message: &FromHost) -> Shown<'_> {
        Shown::Host(message)
    }
}
