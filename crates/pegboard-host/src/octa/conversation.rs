//! What an engine has to do with an Octa plugin that runs: executions for calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_protocol::nu::{Call, CallId, PluginMetadata, Response, RunCall};
use pegboard_protocol::octa::{ExecutionId, Feature, Features, Host, Refusal};
use pegboard_transport::InStream;
use pegboard_transport::octa::Connection;

use super::launch::SocketPlace;
use super::stderr::Said;
use super::{arguments, signature};
use crate::instance::{Instance, Slot, SlotEvent};
use crate::pump::has_input;
use crate::{Error, ErrorKind};

/// A conversation with an Octa plugin, with the executions that are under way.
#[derive(Debug)]
pub(crate) struct Conversation {
    connection: Connection<Host>,
    board: Arc<Board>,
    features: Features,
    key: String,
    /// Plugins that remove their socket when they end find it where they made it.
    _place: SocketPlace,
}

/// What the handler has to know as well.
#[derive(Debug)]
pub(super) struct Board {
    executions: Mutex<Executions>,
    pub(super) said: Said,
}

#[derive(Debug, Default)]
struct Executions {
    next: u64,
    // bounded by: the executions that the session lets be open
    open: HashMap<ExecutionId, Execution>,
}

#[derive(Debug)]
pub(super) struct Execution {
    pub(super) call: CallId,
    /// Until the plugin has begun with it.
    pub(super) output: Option<InStream>,
}

impl Board {
    pub(super) fn new(said: Said) -> Arc<Board> {
        Arc::new(Board {
            executions: Mutex::default(),
            said,
        })
    }

    fn executions(&self) -> MutexGuard<'_, Executions> {
        self.executions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: ExecutionId, output: InStream) -> CallId {
        let mut executions = self.executions();
        let call = CallId(executions.next);
        executions.next += 1;
        let output = Some(output);
        executions.open.insert(id, Execution { call, output });
        call
    }

    /// The plugin has begun: the call that it is for, and what it writes.
    pub(super) fn begun(&self, id: ExecutionId) -> Option<(CallId, InStream)> {
        let mut executions = self.executions();
        let execution = executions.open.get_mut(&id)?;
        Some((execution.call, execution.output.take()?))
    }

    /// The call that an execution is for.
    pub(super) fn call_of(&self, id: ExecutionId) -> Option<CallId> {
        self.executions()
            .open
            .get(&id)
            .map(|execution| execution.call)
    }

    pub(super) fn ended(&self, id: ExecutionId) -> Option<Execution> {
        self.executions().open.remove(&id)
    }

    fn execution_of(&self, call: CallId) -> Option<ExecutionId> {
        let executions = self.executions();
        let mut open = executions.open.iter();
        open.find_map(|(id, execution)| (execution.call == call).then_some(*id))
    }
}

impl Conversation {
    pub(super) fn new(
        connection: Connection<Host>,
        board: Arc<Board>,
        place: SocketPlace,
    ) -> Conversation {
        let (features, key) =
            connection.ask(|session| (session.features(), session.key().to_owned()));
        Conversation {
            connection,
            board,
            features,
            key,
            _place: place,
        }
    }

    pub(crate) fn connection(&self) -> &Connection<Host> {
        &self.connection
    }

    /// The plugin's requirement on the version of its host.
    pub(crate) fn requirement(&self) -> String {
        self.connection
            .ask(|session| session.peer().version.clone())
    }

    /// The abilities beyond Octa's protocol that both sides have.
    pub(crate) fn features(&self) -> Vec<String> {
        self.features
            .iter()
            .map(|feature| feature.name().to_owned())
            .collect()
    }

    /// Whether the plugin can end one execution and leave the others alone.
    pub(crate) fn can_cancel(&self) -> bool {
        self.features.has(Feature::Cancel)
    }

    /// Whether an execution can have an input.
    pub(crate) fn takes_input(&self) -> bool {
        self.features.has(Feature::Input)
    }

    /// Asks the plugin to end what it does for a call, if it can and has not done so.
    pub(crate) fn cancel(&self, call: CallId) {
        if let Some(id) = self.board.execution_of(call) {
            // It may just have ended.
            let _ = self.connection.session(|session| session.cancel(id));
        }
    }

    pub(crate) fn execution_of(&self, call: CallId) -> Option<ExecutionId> {
        self.board.execution_of(call)
    }

    /// Waits, for a moment, until what was told of standard error has been passed on.
    pub(crate) fn wait_for_last_words(&self) {
        self.board.said.wait();
    }

    /// Makes a call whose answer goes to `slot`.
    pub(crate) fn call(
        &self,
        instance: &Instance,
        call: Call,
        slot: &Arc<Slot>,
    ) -> Result<CallId, Error> {
        let response = match call {
            Call::Run(run) => return self.execute(instance, &run, slot),
            Call::Signature => Response::Signature(vec![signature::of(&self.key, self.features)]),
            // The version that it gives is one of its host.
            Call::Metadata => Response::Metadata(PluginMetadata::default()),
            Call::CustomValueOp(..) | Call::Completion(_) | Call::Unknown(_) => {
                let message = "plugins of Octa's only run tasks";
                return Err(Error::refused(message).of(&instance.name));
            }
        };
        slot.push(SlotEvent::Response {
            response,
            output: None,
        });
        // It is over before anybody could ask about it.
        Ok(CallId(u64::MAX))
    }

    fn execute(
        &self,
        instance: &Instance,
        run: &RunCall,
        slot: &Arc<Slot>,
    ) -> Result<CallId, Error> {
        if run.name != self.key {
            let error = Error::misuse(format!("it has no command `{}`", run.name));
            let help = format!("it has `{}`", self.key);
            return Err(error.help(help).of(&instance.name));
        }
        let Some(engine) = instance.engine.upgrade() else {
            return Err(Error::misuse("the engine has been shut down").of(&instance.name));
        };
        let directory = &engine.config.directory;
        let execute = arguments::execute(&run.call, directory, has_input(&run.input))
            .map_err(Error::misuse)?;
        // Under the session's lock, so that nothing is told before it is known whom to tell.
        let begun = self.connection.execute(execute, |id, output| {
            let call = self.board.begin(id, output);
            instance.expect_answer(call, slot);
            call
        });
        begun.map_err(|refusal| match refusal {
            Refusal::Over(failure) => instance.gone(&failure, "before the call was made"),
            refusal => {
                Error::new(ErrorKind::Refused, refusal.to_string().into()).of(&instance.name)
            }
        })
    }
}
