//! What a connection tells, and whom.

use std::sync::{Arc, PoisonError};

use pegboard_protocol::nu::{
    Call, CallId, EngineCall, EngineCallId, EngineResponse, PluginOption, Response, Signal,
    StreamItem,
};
use pegboard_protocol::session::{Event, Failure, FailureKind, ReaderId, Role, Session};

use super::stream::Inbox;
use super::{InStream, Shared, StreamError};

/// So many items are told at once.
const TOGETHER: usize = 256;

/// Acts on what the other side says. Called from the reader thread and others; must not wait.
pub trait Handler: Send + Sync + 'static {
    /// Something happened.
    fn handle(&self, incoming: Incoming);

    /// Starts, on other threads, the work that has come up in [`handle`](Handler::handle).
    fn start_jobs(&self) {}

    /// The same, but may give one job back, which the calling thread then does: it has nothing else to do.
    fn take_job(&self) -> Option<Job> {
        self.start_jobs();
        None
    }
}

/// Work that may wait.
pub type Job = Box<dyn FnOnce() + Send>;

/// What a connection tells its handler; streams come as objects.
#[derive(Debug)]
#[expect(
    missing_docs,
    reason = "the fields are those of the session's event of the same name"
)]
pub enum Incoming {
    /// To a plugin: the engine asks for something.
    Call {
        id: CallId,
        call: Call,
        input: Option<InStream>,
    },
    /// To a host: a call was answered.
    Response {
        id: CallId,
        response: Response,
        output: Option<InStream>,
    },
    /// To a host: nothing more will come of a call.
    CallClosed { id: CallId },
    /// To a host: the session failed before the call was answered.
    CallFailed { id: CallId },
    /// To a host: a running call needs something.
    EngineCall {
        context: CallId,
        id: EngineCallId,
        call: EngineCall,
        input: Option<InStream>,
    },
    /// To a plugin: an engine call was answered.
    EngineResponse {
        id: EngineCallId,
        response: EngineResponse,
        output: Option<InStream>,
    },
    /// To a plugin: the session failed before the engine call was answered.
    EngineCallFailed { id: EngineCallId },
    /// To a plugin: a signal.
    Signal(Signal),
    /// To a host: a wish of the plugin.
    Option(PluginOption),
    /// To a plugin: finish what runs, then exit.
    Goodbye,
    /// The session is over; said once.
    Failed(Failure),
}

/// What is told at once: items, which only have to be put where they are waited for, and the event behind them.
#[derive(Default)]
pub(super) struct Happened {
    items: Vec<(ReaderId, StreamItem, usize)>,
    event: Option<Event>,
}

impl Happened {
    /// Takes as much as can be told together, in its order.
    pub(super) fn take<R: Role>(session: &mut Session<R>) -> Happened {
        let mut happened = Happened::default();
        while happened.items.len() < TOGETHER {
            match session.poll_event() {
                Some(Event::Item { reader, item, size }) => {
                    happened.items.push((reader, item, size));
                }
                event => {
                    happened.event = event;
                    break;
                }
            }
        }
        happened
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.items.is_empty() && self.event.is_none()
    }
}

impl<R: Role + Send + 'static> Shared<R> {
    pub(super) fn deliver(self: &Arc<Self>, happened: Happened) {
        let mut items = happened.items.into_iter().peekable();
        while let Some(&(reader, ..)) = items.peek() {
            // All that comes for one reader wakes it once.
            let mut own = std::iter::from_fn(|| items.next_if(|(of, ..)| *of == reader));
            self.to_inbox(reader, |inbox| {
                inbox.extend(own.by_ref().map(|(_, item, size)| (item, size)));
            });
            // There may be no inbox any more.
            own.for_each(drop);
        }
        if let Some(event) = happened.event {
            self.tell(event);
        }
    }

    fn tell(self: &Arc<Self>, event: Event) {
        let incoming = match event {
            Event::Item { reader, item, size } => {
                return self.to_inbox(reader, |inbox| inbox.extend([(item, size)]));
            }
            Event::WrongItem { reader } => {
                return self.to_inbox(reader, |inbox| inbox.end(Some(StreamError::WrongKind)));
            }
            Event::Ended { reader } => return self.to_inbox(reader, |inbox| inbox.end(None)),
            Event::ReaderFailed { reader } => {
                let failure = self.lock().session.failure().cloned();
                let failure = failure.unwrap_or_else(|| {
                    Failure::new(FailureKind::Closed, "the connection is closed")
                });
                return self.to_inbox(reader, |inbox| {
                    inbox.end(Some(StreamError::Failed(failure)))
                });
            }
            Event::Writable { .. } => return self.room.ring(),
            Event::Unwanted { stream } => {
                self.room.ring();
                let watcher = self
                    .watchers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&stream);
                if let Some(act) = watcher {
                    act();
                }
                return;
            }
            Event::Call { id, call, input } => Incoming::Call {
                id,
                call,
                input: self.reader(input),
            },
            Event::Response {
                id,
                response,
                output,
            } => Incoming::Response {
                id,
                response,
                output: self.reader(output),
            },
            Event::CallClosed { id } => Incoming::CallClosed { id },
            Event::CallFailed { id } => Incoming::CallFailed { id },
            Event::EngineCall {
                context,
                id,
                call,
                input,
            } => Incoming::EngineCall {
                context,
                id,
                call,
                input: self.reader(input),
            },
            Event::EngineResponse {
                id,
                response,
                output,
            } => Incoming::EngineResponse {
                id,
                response,
                output: self.reader(output),
            },
            Event::EngineCallFailed { id } => Incoming::EngineCallFailed { id },
            Event::Signal(signal) => Incoming::Signal(signal),
            Event::Option(option) => Incoming::Option(option),
            Event::Goodbye => Incoming::Goodbye,
            Event::Failed(failure) => {
                if let Some(trace) = &self.trace {
                    trace.closed(&failure);
                }
                self.room.ring();
                self.stuck.notify_all();
                Incoming::Failed(failure)
            }
        };
        if let Some(handler) = self.handler.get() {
            handler.handle(incoming);
        }
    }

    fn to_inbox(&self, reader: ReaderId, act: impl FnOnce(&Inbox)) {
        let inbox = self
            .inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&reader)
            .cloned();
        if let Some(inbox) = inbox {
            act(&inbox);
        }
    }

    fn reader(self: &Arc<Self>, reader: Option<ReaderId>) -> Option<InStream> {
        let reader = reader?;
        let inbox = Arc::<Inbox>::default();
        self.inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(reader, inbox.clone());
        Some(InStream::new(self.clone(), reader, inbox))
    }
}
