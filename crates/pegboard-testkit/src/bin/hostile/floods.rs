//! The family of modes that write without end, on a thread of their own so that the plugin still hears the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pegboard_testkit::hostile::Mode;
use serde_json::Value;

use crate::messages::{self, STREAM, UNKNOWN_ID};
use crate::plugin::{Plugin, Reaction};

/// How many messages are written at once.
const BATCH: usize = 64;
/// The size of a chunk of bytes, as real plugins have it.
const CHUNK: usize = 8192;

pub(crate) fn on_run(plugin: &mut Plugin, call: u64, mode: Mode) -> Reaction {
    match mode {
        Mode::FloodsStream => {
            plugin.wire.send(&messages::list_stream(call));
            flood(plugin, messages::item(STREAM, 1), Some(STREAM));
        }
        Mode::FloodsBytes => {
            plugin.wire.send(&messages::byte_stream(call));
            flood(
                plugin,
                messages::chunk(STREAM, &[b'x'; CHUNK]),
                Some(STREAM),
            );
        }
        Mode::FloodsUnknownStream => flood(plugin, messages::item(UNKNOWN_ID, 1), None),
        Mode::FloodsEngineCalls => {
            let message = messages::engine_call(call, 0, "GetCurrentDir");
            flood(plugin, message, None);
        }
        _ => return Reaction::GoOn,
    }
    Reaction::Done
}

/// Repeats a message for ever, or until the engine drops the stream that it belongs to.
fn flood(plugin: &mut Plugin, message: Value, stream: Option<u64>) {
    plugin.flood_is_dropped = Arc::new(AtomicBool::new(false));
    let is_dropped = plugin.flood_is_dropped.clone();
    let wire = plugin.wire.clone();
    let batch = wire.encode(&message).repeat(BATCH);
    thread::spawn(move || {
        let Some(stream) = stream else {
            wire.forever(&batch)
        };
        while !is_dropped.load(Ordering::Relaxed) {
            wire.bytes(&batch);
            // A lock is not fair: others who write get their turn.
            thread::yield_now();
        }
        wire.send(&messages::end(stream));
    });
}
