//! `nu_plugin_reference`: every behaviour the plugin protocol allows, written with the real SDK.
//!
//! The same sources are built against several SDK releases; `since-*` features name the Nushell
//! release that brought an ability. `REF_ENCODING=json|msgpack` picks the encoding.

mod args;
mod command;
mod custom;
mod engine_calls;
mod errors;
mod process;
mod streams;
mod values;

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use command::Command;
use nu_plugin::{
    EngineInterface, JsonSerializer, MsgPackSerializer, Plugin, PluginCommand, serve_plugin,
};
use nu_protocol::{CustomValue, HandlerGuard, LabeledError, SignalAction};

/// The plugin and the little state its commands share.
pub struct Reference {
    /// Custom values whose last copy the engine has dropped.
    drops: AtomicUsize,
    interrupts: Arc<AtomicUsize>,
    handler: OnceLock<Option<HandlerGuard>>,
}

impl Reference {
    fn new() -> Self {
        Self {
            drops: AtomicUsize::new(0),
            interrupts: Arc::new(AtomicUsize::new(0)),
            handler: OnceLock::new(),
        }
    }

    /// Counts interrupts from the first command on; the SDK offers no earlier place to register.
    fn watch_signals(&self, engine: &EngineInterface) {
        self.handler.get_or_init(|| {
            let interrupts = self.interrupts.clone();
            engine
                .register_signal_handler(Box::new(move |action| {
                    if action == SignalAction::Interrupt {
                        interrupts.fetch_add(1, Ordering::SeqCst);
                    }
                }))
                .ok()
        });
    }
}

impl Plugin for Reference {
    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn commands(&self) -> Vec<Box<dyn PluginCommand<Plugin = Self>>> {
        [
            values::COMMANDS,
            args::COMMANDS,
            streams::COMMANDS,
            engine_calls::COMMANDS,
            custom::COMMANDS,
            errors::COMMANDS,
            process::COMMANDS,
        ]
        .into_iter()
        .flatten()
        .map(|command: &Command| Box::new(*command) as _)
        .collect()
    }

    fn custom_value_dropped(
        &self,
        _engine: &EngineInterface,
        value: Box<dyn CustomValue>,
    ) -> Result<(), LabeledError> {
        self.drops.fetch_add(1, Ordering::SeqCst);
        eprintln!("ref: dropped {}", custom::label_of(value.as_ref()));
        Ok(())
    }
}

fn main() {
    let plugin = Reference::new();
    match std::env::var("REF_ENCODING").as_deref() {
        Ok("json") => serve_plugin(&plugin, JsonSerializer {}),
        Ok("msgpack") | Err(_) => serve_plugin(&plugin, MsgPackSerializer {}),
        Ok(other) => {
            eprintln!("ref: REF_ENCODING is `{other}`, but only json and msgpack exist");
            std::process::exit(2);
        }
    }
}
