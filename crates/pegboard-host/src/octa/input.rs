//! The input of an execution: bytes as they are, values as lines.

use std::sync::Arc;

use pegboard_protocol::nu::{ByteStreamKind, Header, StreamId};
use pegboard_protocol::octa::SendError;
use pegboard_protocol::{LabeledError, Span, Value};

use super::Conversation;
use crate::instance::{End, Instance, Slot};
use crate::pump::Pump;
use crate::{Error, ErrorKind, Flow};

impl Conversation {
    /// Announces an input, to be fed when the execution was sent. Fails if the plugin takes none.
    pub(crate) fn announce(
        &self,
        instance: &Arc<Instance>,
        slot: &Arc<Slot>,
        flow: Flow,
    ) -> Result<(Header, Pump), LabeledError> {
        if matches!(flow, Flow::Empty) {
            return Ok((Header::Empty, Pump::none()));
        }
        if !self.takes_input() {
            return Err(
                LabeledError::new("this plugin cannot give its tasks an input").with_help(
                    "plugins of Octa's own never can; those of Pegboard's SDK take one from hosts like this one",
                ),
            );
        }
        let header = Header::ByteStream {
            id: StreamId(0),
            span: Span::UNKNOWN,
            kind: ByteStreamKind::Unknown,
            metadata: None,
        };
        let (instance, slot) = (instance.clone(), slot.clone());
        let pump = Pump::new(move || feed(&instance, &slot, flow));
        Ok((header, pump))
    }
}

fn feed(instance: &Arc<Instance>, slot: &Arc<Slot>, flow: Flow) {
    let Some(conversation) = instance.octa() else {
        return;
    };
    let Some(id) = instance
        .call_of(slot)
        .and_then(|call| conversation.execution_of(call))
    else {
        return;
    };
    let connection = conversation.connection();
    let mut send = |bytes: &[u8]| match connection.input(id, bytes, None) {
        Ok(()) => Ok(()),
        Err(SendError::Closed | SendError::Full) => Err(None),
    };
    let fed = send_all(flow, &mut send);
    match fed {
        // What is given up is never complete.
        Ok(()) if slot.is_abandoned() => {}
        Ok(()) | Err(None) => connection.session(|session| session.end_input(id)),
        // The plugin must neither go on without the rest nor take what it has to be complete.
        Err(Some(error)) => {
            slot.end_with(End::Failed(error));
            instance.end_early(slot);
        }
    }
}

/// Sends everything; the error is that of the source, or none if nobody wants more.
fn send_all(
    flow: Flow,
    send: &mut impl FnMut(&[u8]) -> Result<(), Option<Error>>,
) -> Result<(), Option<Error>> {
    match flow {
        Flow::Bytes(chunks) => {
            for chunk in chunks {
                send(&chunk.map_err(Some)?)?;
            }
        }
        Flow::Value(Value::String(text, _), _) => send(text.as_bytes())?,
        Flow::Value(Value::Binary(bytes, _), _) => send(&bytes)?,
        other => {
            for line in other.into_lines() {
                let mut line = line.map_err(|error| Some(of_items(error)))?;
                line.push('\n');
                send(line.as_bytes())?;
            }
        }
    }
    Ok(())
}

fn of_items(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Misuse => error.help(
            "an input of values goes to the plugin as lines of text, so they have to be text",
        ),
        _ => error,
    }
}
