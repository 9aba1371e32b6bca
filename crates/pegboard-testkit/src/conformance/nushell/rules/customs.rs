//! Rules about custom values.

use pegboard_protocol::nu::{Call, CustomValueOp, Header, Response, StreamItem};
use pegboard_protocol::{CustomValue, Span, Spanned, Value};

use crate::conformance::nushell::conversation::Conversation;
use crate::conformance::nushell::stage::Stage;
use crate::conformance::play::{Played, Stop, broken};

pub(super) fn customs(stage: &mut Stage) -> Played {
    let mut seen = false;
    for command in stage.commands()? {
        seen |= stage.talk(|it| {
            let id = it.run(&command);
            let response = it.answer(id)?;
            it.finish(id)?;
            let found = match response {
                Response::Data(Header::Value(value, _)) => first_custom(value),
                _ => it.watch.output_of(id).and_then(|(_, output)| {
                    let item = output.items.first()?.clone();
                    match item {
                        StreamItem::List(value) => first_custom(value),
                        StreamItem::Items(_) | StreamItem::Raw(_) | StreamItem::RawError(_) => None,
                    }
                }),
            };
            let Some(custom) = found else {
                return Ok(false);
            };
            judge(it, custom)?;
            Ok(true)
        })?;
    }
    if seen {
        return Ok(());
    }
    let why = "no command that may be run gives a custom value";
    Err(Stop::NotApplicable(why.to_owned()))
}

fn judge(it: &mut Conversation, custom: CustomValue) -> Played {
    let notice = custom.notify_on_drop;
    let spanned = Box::new(Spanned {
        item: custom,
        span: Span::UNKNOWN,
    });
    match it.ask(Call::CustomValueOp(
        spanned.clone(),
        CustomValueOp::ToBaseValue,
    ))? {
        Response::Data(Header::Value(value, _)) if first_custom(value.clone()).is_some() => {
            return broken("the plain form of its custom value holds a custom value");
        }
        Response::Data(Header::Value(..)) => {}
        Response::Error(error) => {
            return broken(format!("its custom value has no plain form: {error}"));
        }
        _ => return broken("the plain form of its custom value is no value"),
    }
    if notice {
        it.ask(Call::CustomValueOp(spanned, CustomValueOp::Dropped))?;
    }
    it.goes_on()
}

fn first_custom(mut value: Value) -> Option<CustomValue> {
    value
        .visit_custom(&mut |custom, _| Err(custom.clone()))
        .err()
}
