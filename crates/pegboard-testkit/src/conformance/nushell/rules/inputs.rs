//! Rules about streams that a plugin consumes.

use pegboard_protocol::nu::{
    ByteStreamKind, Call, EvaluatedCall, Header, Message, StreamId, StreamItem, StreamKind,
};
use pegboard_protocol::{LabeledError, Span, Value};

use super::calls::{NOBODYS, takes_streams};
use crate::conformance::nushell::conversation::Conversation;
use crate::conformance::nushell::stage::Stage;
use crate::conformance::nushell::watch::credit;
use crate::conformance::play::{Converses, Played};

pub(super) fn list(stage: &mut Stage) -> Played {
    fed(stage, StreamKind::List)
}

pub(super) fn bytes(stage: &mut Stage) -> Played {
    fed(stage, StreamKind::Raw)
}

/// Feeds a command more than may wait to be acked.
fn fed(stage: &mut Stage, kind: StreamKind) -> Played {
    takes_streams(stage, kind)?;
    for command in stage.commands()? {
        let Some(value) = command.item(kind) else {
            continue;
        };
        stage.talk(|it| {
            let stream = it.new_stream();
            let id = it.run_with(&command.name, command.call.clone(), header(stream, kind));
            let many = credit(kind);
            (0..many).for_each(|_| it.send_item(stream, item(kind, &value)));
            it.until(&format!("ack or drop the items of stream {stream}"), |it| {
                let input = it.watch.inputs.get(&stream);
                input.is_some_and(|input| input.dropped || input.acked >= many)
            })?;
            it.send_item(stream, item(kind, &value));
            it.say(&Message::End(stream));
            it.answer(id)?;
            it.finish(id)?;
            it.goes_on()
        })?;
    }
    Ok(())
}

pub(super) fn unwanted(stage: &mut Stage) -> Played {
    stage.talk(|it| {
        for kind in [StreamKind::List, StreamKind::Raw] {
            let stream = it.new_stream();
            let id = it.run_with(NOBODYS, EvaluatedCall::default(), header(stream, kind));
            (0..5).for_each(|_| it.send_item(stream, item(kind, &Value::int(1))));
            it.answer(id)?;
            it.until(
                &format!("drop stream {stream}, which it does not want,"),
                |it| {
                    let input = it.watch.inputs.get(&stream);
                    input.is_some_and(|input| input.dropped || input.acked >= input.sent)
                },
            )?;
            it.send_item(stream, item(kind, &Value::int(1)));
            it.say(&Message::End(stream));
            it.ask(Call::Signature)?;
        }
        it.goes_on()
    })
}

pub(super) fn error(stage: &mut Stage) -> Played {
    let kind = StreamKind::Raw;
    takes_streams(stage, kind)?;
    for command in stage.commands()? {
        if command.item(kind).is_none() {
            continue;
        }
        stage.talk(|it| {
            let stream = it.new_stream();
            let id = it.run_with(&command.name, command.call.clone(), header(stream, kind));
            it.send_item(stream, item(kind, &Value::int(1)));
            let error = LabeledError::new("the file could not be read further");
            it.send_item(stream, StreamItem::RawError(Box::new(error)));
            it.say(&Message::End(stream));
            it.answer(id)?;
            finish(it, id)
        })?;
    }
    Ok(())
}

fn finish(it: &mut Conversation, id: pegboard_protocol::nu::CallId) -> Played {
    it.finish(id)?;
    it.goes_on()
}

fn header(id: StreamId, kind: StreamKind) -> Header {
    let (span, metadata) = (Span::UNKNOWN, None);
    match kind {
        StreamKind::List => Header::ListStream { id, span, metadata },
        StreamKind::Raw => Header::ByteStream {
            id,
            span,
            kind: ByteStreamKind::Unknown,
            metadata,
        },
    }
}

fn item(kind: StreamKind, value: &Value) -> StreamItem {
    match kind {
        StreamKind::List => StreamItem::List(value.clone()),
        StreamKind::Raw => StreamItem::Raw(b"a line of text\n".to_vec()),
    }
}
