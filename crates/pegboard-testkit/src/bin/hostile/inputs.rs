//! The ordinary answers, which depend on the input, and the family of modes that treat input streams badly.

use pegboard_testkit::hostile::Mode;
use serde_json::Value;

use crate::messages;
use crate::plugin::{Plugin, number};

/// An input stream that is being counted.
pub(crate) struct Consumer {
    /// The Run that it belongs to.
    call: u64,
    /// Items of a list, bytes of a byte stream.
    count: u64,
}

/// Answers a Run, now or when its input stream has ended.
pub(crate) fn take(plugin: &mut Plugin, call: u64, input: &Value) {
    if let Some(value) = input.get("Value") {
        plugin.answer(call, value[0].clone());
    } else if let Some(id) = stream_id(input) {
        plugin.consumers.insert(id, Consumer { call, count: 0 });
    } else {
        plugin.answer(call, messages::string("hostile"));
    }
}

/// Tells the engine that the input of a Run is not wanted.
pub(crate) fn refuse(plugin: &Plugin, input: &Value) {
    if let Some(id) = stream_id(input) {
        plugin.wire.send(&messages::drop_stream(id));
    }
}

/// An item has come. Streams that were dropped may still send some.
pub(crate) fn data(plugin: &mut Plugin, id: u64, item: &Value) {
    let Some(consumer) = plugin.consumers.get_mut(&id) else {
        return;
    };
    consumer.count += item["Raw"]["Ok"].as_array().map_or(1, |it| it.len() as u64);
    if plugin.settings.has(Mode::DropInputEarly) {
        finish(plugin, id);
    } else if !plugin.settings.has(Mode::NoAck) {
        let acks = 1 + 2 * u64::from(plugin.settings.has(Mode::ExtraAcks));
        (0..acks).for_each(|_| plugin.wire.send(&messages::ack(id)));
    }
}

/// A stream has ended.
pub(crate) fn end(plugin: &mut Plugin, id: u64) {
    if plugin.consumers.contains_key(&id) {
        finish(plugin, id);
    }
}

/// Nothing has come for a pause: a plugin that acks nothing makes do with what it has.
pub(crate) fn quiet(plugin: &mut Plugin) {
    let ids: Vec<u64> = plugin.consumers.keys().copied().collect();
    ids.into_iter().for_each(|id| finish(plugin, id));
}

fn finish(plugin: &mut Plugin, id: u64) {
    if let Some(consumer) = plugin.consumers.remove(&id) {
        plugin.wire.send(&messages::drop_stream(id));
        plugin.answer(consumer.call, messages::int(consumer.count));
    }
}

fn stream_id(input: &Value) -> Option<u64> {
    let stream = input
        .get("ListStream")
        .or_else(|| input.get("ByteStream"))?;
    Some(number(&stream["id"]))
}
