//! Flows between the application and a plugin, with the custom values in them checked and marked.

use std::sync::Arc;

use pegboard_protocol::nu::Header;
use pegboard_protocol::{LabeledError, Value};
use pegboard_transport::{Broken, Closed, Feed, Gate, InStream, StreamError};

use crate::call::{CancelToken, Waiting};
use crate::custom;
use crate::instance::{Instance, Slot, Talk};
use crate::plugin::PluginCore;
use crate::{Error, ErrorKind, Flow};

/// A stream that is announced and still has to be fed.
#[must_use = "a stream that is not fed never ends"]
pub(crate) struct Pump(Option<Box<dyn FnOnce() + Send>>);

impl Pump {
    pub(crate) fn none() -> Pump {
        Pump(None)
    }

    pub(crate) fn new(feed: impl FnOnce() + Send + 'static) -> Pump {
        Pump(Some(Box::new(feed)))
    }

    /// Feeds the stream from a thread of its own.
    pub(crate) fn start(self) -> Result<(), Error> {
        let Some(feed) = self.0 else { return Ok(()) };
        std::thread::Builder::new()
            .name("pegboard input".into())
            .spawn(feed)
            .map(drop)
            .map_err(|error| Error::refused(format!("no thread could be started: {error}")))
    }
}

/// Lets only values out that their plugin may have, and nothing any more when the call was given up.
struct CallGate {
    plugin: Arc<PluginCore>,
    slot: Arc<Slot>,
}

impl Gate for CallGate {
    fn value(&mut self, value: &mut Value) -> Result<(), LabeledError> {
        let mut keep = Vec::new();
        let released = custom::release(value, &self.plugin, &mut keep);
        self.slot.keep(keep);
        released
    }

    /// A plugin whose call was given up must neither go on with its input nor take it to be complete.
    fn open(&self) -> Result<(), Closed> {
        if self.slot.is_abandoned() {
            return Err(Closed::Because("the call was given up".into()));
        }
        Ok(())
    }
}

/// Makes the header for a flow that goes to a plugin, and what has to feed its stream after it was sent.
pub(crate) fn send_flow(
    instance: &Arc<Instance>,
    slot: &Arc<Slot>,
    flow: Flow,
) -> Result<(Header, Pump), LabeledError> {
    let Some(plugin) = instance.plugin.upgrade() else {
        return Err(LabeledError::new("the plugin is no longer loaded"));
    };
    let connection = match instance.talk() {
        Some(Talk::Nushell(connection)) => connection,
        Some(Talk::Octa(conversation)) => return conversation.announce(instance, slot, flow),
        None => return Err(LabeledError::new("the plugin is not connected")),
    };
    let gate = CallGate {
        plugin,
        slot: slot.clone(),
    };
    let (header, feed) = flow.announce(connection, gate)?;
    let pump = feed.map_or_else(Pump::none, |feed: Feed| Pump::new(|| feed.run()));
    Ok((header, pump))
}

/// Whether a header announces anything.
pub(crate) fn has_input(header: &Header) -> bool {
    !matches!(header, Header::Empty)
}

/// Makes a flow of what a plugin has answered.
pub(crate) fn read_flow(
    instance: &Arc<Instance>,
    header: Header,
    stream: Option<InStream>,
    cancel: Option<&CancelToken>,
) -> Flow {
    if let (Some(stream), Some(cancel)) = (&stream, cancel) {
        cancel.register(Waiting::Stream(stream.stop_handle()));
    }
    let (adopting, asking) = (instance.clone(), instance.clone());
    Flow::read(
        header,
        stream,
        move |value| custom::adopt(value, &adopting),
        move |error| broken(&asking, error),
    )
}

fn broken(instance: &Instance, error: Broken) -> Error {
    let error = match error {
        Broken::Said(error) => Error::new(ErrorKind::Plugin, error),
        Broken::Stream(StreamError::Failed(failure)) => {
            return instance.gone(&failure, "before its output was complete");
        }
        Broken::Stream(StreamError::Stopped) => Error::new(
            ErrorKind::Cancelled,
            "reading the output was cancelled".into(),
        ),
        Broken::Stream(error @ (StreamError::WrongKind | StreamError::TimedOut)) => {
            let message = format!("it broke the rules in its output: {error}");
            Error::new(ErrorKind::Protocol, message.into())
                .help("this is a mistake in the plugin; it goes on running")
        }
    };
    error.of(&instance.name)
}
