//! What a plugin's session tells its driver.

use crate::octa::{Execute, ExecutionId};
use crate::session::Failure;

/// Something that happened to a plugin.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginEvent {
    /// An execution is to be run. The host has been told that it started; exactly one end is owed.
    Execute {
        /// Its number.
        id: ExecutionId,
        /// What is to be done. The text is as the user wrote it, whichever host sent it.
        execute: Box<Execute>,
    },
    /// An execution is to be ended. Its end is still owed.
    Cancel {
        /// The execution.
        id: ExecutionId,
    },
    /// An execution gets input. Its size is to be given back to [`super::Plugin::consumed`].
    Input {
        /// The execution.
        id: ExecutionId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// An execution gets no more input.
    InputEnded {
        /// The execution.
        id: ExecutionId,
    },
    /// More output of an execution may be sent.
    Writable {
        /// The execution.
        id: ExecutionId,
    },
    /// End everything that runs, then call [`super::Plugin::goodbye`]. A real host waits 5 seconds for that.
    ShutDown,
    /// The session failed: all executions are over, and nobody hears of them any more.
    Failed(Failure),
}
