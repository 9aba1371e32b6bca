//! Rules about streams that a plugin produces.

use std::time::{Duration, Instant};

use pegboard_protocol::nu::{Call, CallId, Message, StreamId};

use crate::conformance::nushell::conversation::Conversation;
use crate::conformance::nushell::stage::Stage;
use crate::conformance::play::{Converses, Heard, Played, Stop, broken};

/// A stream has stopped when nothing has come of it for this long.
const STILL: Duration = Duration::from_millis(150);

pub(super) fn waits(stage: &mut Stage) -> Played {
    let mut filled = false;
    for command in stage.ending()? {
        filled |= stage.talk(|it| {
            it.acks = false;
            let id = it.run(&command);
            let Some(stream) = until_it_stops(it, id)? else {
                return Ok(false);
            };
            let (sent, credit) = state(it, stream);
            if sent > credit {
                return broken(format!("{sent} items came though none was acked"));
            }
            it.ask(Call::Signature)?;
            it.acks = true;
            (0..sent).for_each(|_| {
                it.say(&Message::Ack(stream));
            });
            it.until(
                &format!("go on with stream {stream}, which was acked,"),
                |it| {
                    let output = it.watch.outputs.get(&stream);
                    output.is_none_or(|output| output.ended || output.sent > sent)
                },
            )?;
            Ok(true)
        })?;
    }
    if filled {
        return Ok(());
    }
    let why = "the streams of the commands that may be run are too short to wait for an ack";
    Err(Stop::NotApplicable(why.to_owned()))
}

pub(super) fn dropped(stage: &mut Stage) -> Played {
    let mut dropped = false;
    for command in stage.streaming()? {
        dropped |= stage.talk(|it| {
            it.acks = false;
            let id = it.run(&command);
            let Some(stream) = until_it_stops(it, id)? else {
                return Ok(false);
            };
            it.say(&Message::Drop(stream));
            it.until(&format!("end stream {stream}, which was dropped,"), |it| {
                it.watch
                    .outputs
                    .get(&stream)
                    .is_none_or(|output| output.ended)
            })?;
            it.goes_on()?;
            Ok(true)
        })?;
    }
    if dropped {
        return Ok(());
    }
    let why = "the streams of the commands that may be run have ended before they can be dropped";
    Err(Stop::NotApplicable(why.to_owned()))
}

/// Listens until a stream gives nothing more, or has given too much. None if it has ended by itself.
fn until_it_stops(it: &mut Conversation, call: CallId) -> Played<Option<StreamId>> {
    it.answer(call)?;
    let Some((stream, _)) = it.watch.output_of(call) else {
        return broken("this time it gives no stream");
    };
    let deadline = it.wire.deadline();
    loop {
        let (sent, credit) = state(it, stream);
        let ended = it.watch.outputs.get(&stream).is_none_or(|it| it.ended);
        if ended {
            return Ok(None);
        }
        if sent > 2 * credit || Instant::now() > deadline {
            return Ok(Some(stream));
        }
        match it.listen(Instant::now() + STILL)? {
            Heard::Message(_) => {}
            Heard::Silence => return Ok(Some(stream)),
            Heard::Closed => return broken("it ends in the middle of a stream"),
        }
    }
}

fn state(it: &Conversation, stream: StreamId) -> (u64, u64) {
    let output = it.watch.outputs.get(&stream);
    output.map_or((0, 0), |output| (output.sent, output.credit()))
}
