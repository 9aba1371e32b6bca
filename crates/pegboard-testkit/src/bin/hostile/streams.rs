//! The family of modes that produce streams, a few items at a time.

use pegboard_testkit::hostile::Mode;
use std::sync::atomic::Ordering;

use crate::endings::die;
use crate::messages::{self, STREAM, UNKNOWN_ID};
use crate::plugin::{Plugin, Reaction};

/// How many list items a producer may have sent without an ack.
const CREDIT: u64 = 100;
/// How many items come after a Drop.
const LATE_ITEMS: u64 = 5;

/// A list stream without end that keeps to its credit.
pub(crate) struct Producer {
    sent: u64,
}

pub(crate) fn on_run(plugin: &mut Plugin, call: u64, mode: Mode) -> Reaction {
    let wire = &plugin.wire;
    let items = || (0..plugin.settings.items).map(|n| messages::item(STREAM, n));
    match mode {
        Mode::DiesMidStream => {
            wire.send(&messages::list_stream(call));
            items().for_each(|item| wire.send(&item));
            die(&plugin.settings, "exiting in the middle of a stream")
        }
        Mode::LateDataAfterDrop | Mode::IgnoresDrop => {
            wire.send(&messages::list_stream(call));
            plugin.producer = Some(Producer { sent: 0 });
            (0..CREDIT).for_each(|_| acked(plugin));
        }
        Mode::NeverEnds => {
            wire.send(&messages::list_stream(call));
            items().for_each(|item| wire.send(&item));
            plugin.open = true;
        }
        Mode::DataAfterEnd => {
            wire.send(&messages::list_stream(call));
            items().for_each(|item| wire.send(&item));
            wire.send(&messages::end(STREAM));
            wire.send(&messages::item(STREAM, UNKNOWN_ID));
        }
        Mode::EndsTwice => {
            wire.send(&messages::list_stream(call));
            items().for_each(|item| wire.send(&item));
            wire.send(&messages::end(STREAM));
            wire.send(&messages::end(STREAM));
        }
        Mode::ListItemInByteStream => {
            wire.send(&messages::byte_stream(call));
            wire.send(&messages::chunk(STREAM, b"before"));
            wire.send(&messages::item(STREAM, 1));
            wire.send(&messages::chunk(STREAM, b"after"));
            wire.send(&messages::end(STREAM));
        }
        Mode::RawInListStream => {
            wire.send(&messages::list_stream(call));
            wire.send(&messages::item(STREAM, 1));
            wire.send(&messages::chunk(STREAM, b"bytes"));
            wire.send(&messages::item(STREAM, 2));
            wire.send(&messages::end(STREAM));
        }
        Mode::GluedWrites => {
            let mut all = vec![messages::list_stream(call)];
            all.extend(items());
            all.push(messages::end(STREAM));
            wire.send_together(&all);
        }
        Mode::EndWithoutStart => {
            wire.send(&messages::end(UNKNOWN_ID));
            return Reaction::GoOn;
        }
        _ => return Reaction::GoOn,
    }
    Reaction::Done
}

/// The engine has taken an item, so there is room for another one.
pub(crate) fn acked(plugin: &mut Plugin) {
    if let Some(producer) = &mut plugin.producer {
        plugin.wire.send(&messages::item(STREAM, producer.sent));
        producer.sent += 1;
    }
}

/// The engine wants no more items.
pub(crate) fn dropped(plugin: &mut Plugin) {
    plugin.flood_is_dropped.store(true, Ordering::Relaxed);
    if plugin.settings.has(Mode::IgnoresDrop) {
        return;
    }
    if std::mem::take(&mut plugin.open) {
        plugin.wire.send(&messages::end(STREAM));
    }
    if plugin.producer.is_some() {
        (0..LATE_ITEMS).for_each(|_| acked(plugin));
        plugin.wire.send(&messages::end(STREAM));
        plugin.producer = None;
    }
}
