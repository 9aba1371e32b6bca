//! What a session tells its driver.

use super::Failure;
use crate::nu::{
    Call, CallId, EngineCall, EngineCallId, EngineResponse, PluginOption, Response, Signal,
    StreamId, StreamItem,
};

/// A session's own number for a stream that it reads.
///
/// Unlike the producer's [`StreamId`], it is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub(super) u64);

/// Something that happened in the conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// To a plugin: the engine asks for something. Exactly one response is owed.
    Call {
        /// The engine's number for the call.
        id: CallId,
        /// What is asked.
        call: Call,
        /// The stream that the input header announced.
        input: Option<ReaderId>,
    },
    /// To a host: a call was answered.
    Response {
        /// The call.
        id: CallId,
        /// The answer.
        response: Response,
        /// The stream that the answer announced.
        output: Option<ReaderId>,
    },
    /// To a host: nothing more will come of a call; its streams have ended too.
    CallClosed {
        /// The call.
        id: CallId,
    },
    /// To a host: the session failed before the call was answered.
    CallFailed {
        /// The call.
        id: CallId,
    },
    /// To a host: a running call needs something. Exactly one answer is owed.
    EngineCall {
        /// The call that needs it.
        context: CallId,
        /// The plugin's number for it.
        id: EngineCallId,
        /// What is needed.
        call: EngineCall,
        /// The stream that the input header announced.
        input: Option<ReaderId>,
    },
    /// To a plugin: an engine call was answered.
    EngineResponse {
        /// The engine call.
        id: EngineCallId,
        /// The answer.
        response: EngineResponse,
        /// The stream that the answer announced.
        output: Option<ReaderId>,
    },
    /// To a plugin: the session failed before the engine call was answered.
    EngineCallFailed {
        /// The engine call.
        id: EngineCallId,
    },
    /// A stream that is read has another item, or several in one message.
    Item {
        /// The stream.
        reader: ReaderId,
        /// What the message brought.
        item: StreamItem,
        /// Its size on the wire in bytes; to be given back to [`super::Session::consumed`] once all of it is consumed.
        size: usize,
    },
    /// A stream that is read got an item of the wrong kind. Nothing more will come of it.
    WrongItem {
        /// The stream.
        reader: ReaderId,
    },
    /// A stream that is read has come to its end.
    Ended {
        /// The stream.
        reader: ReaderId,
    },
    /// The session failed before a stream that is read came to its end.
    ReaderFailed {
        /// The stream.
        reader: ReaderId,
    },
    /// A stream that is written has room again.
    Writable {
        /// The stream.
        stream: StreamId,
    },
    /// Nobody wants more of a stream that is written, or the session failed. It is over.
    Unwanted {
        /// The stream.
        stream: StreamId,
    },
    /// To a plugin: a signal.
    Signal(Signal),
    /// To a host: a wish of the plugin.
    Option(PluginOption),
    /// To a plugin: finish what runs, then exit.
    Goodbye,
    /// The session failed; said once, before all that follows from it.
    Failed(Failure),
}
