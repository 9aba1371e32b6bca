//! Candidates for an argument, from the plugin itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pegboard_protocol::Opaque;
use pegboard_protocol::nu::{Call, Change, CompletionCall, CompletionTarget, Response, Suggestion};
use serde_json::json;

use crate::call::{await_answer, instance_within, unexpected_response};
use crate::instance::{Bounds, Slot};
use crate::{Context, Error, Plugin};

impl Plugin {
    /// Asks the plugin for candidates for an argument of one of its commands, which starts it if it does not run. None
    /// if it leaves that to the application, as plugins from before Nushell 0.109 always do.
    ///
    /// What has been typed so far is not passed on: a plugin offers all that it has. Gives up after the deadline, with
    /// an error of the kind [`crate::ErrorKind::TimedOut`].
    pub fn complete(
        &self,
        command: &str,
        target: CompletionTarget,
        context: Arc<dyn Context>,
        deadline: Duration,
    ) -> Result<Option<Vec<Suggestion>>, Error> {
        let until = Instant::now() + deadline;
        let patience = Some((until, deadline));
        let instance = instance_within(&self.core, patience, None)?;
        let known = instance.connection().is_some_and(|connection| {
            connection.ask(|session| session.dialect().has(Change::DynamicCompletion))
        });
        if !known {
            return Ok(None);
        }
        let slot = Slot::new(String::new(), context);
        slot.bind(Bounds {
            until: Some(until),
            cancel: None,
        });
        // A call as Nushell's parser has it, of which nothing is known but that it is a call.
        let call = json!({
            "decl_id": 0,
            "head": { "start": 0, "end": 0 },
            "arguments": [],
            "parser_info": {},
        });
        let completion = CompletionCall {
            name: command.to_owned(),
            target,
            call: Opaque::from(call),
            strip: false,
            pos: 0,
        };
        instance.call(Call::Completion(Box::new(completion)), &slot)?;
        let what = format!("completing `{command}`");
        match await_answer(&instance, &slot, patience, &what)? {
            (Response::Completions(suggestions), _) => Ok(suggestions),
            (other, _) => Err(unexpected_response(&other, &what, &instance.name)),
        }
    }
}
