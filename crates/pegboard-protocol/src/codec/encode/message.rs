//! Writes the outermost layer of messages.

use super::call::{call, engine_call};
use super::header::stream_item;
use super::response::{engine_response, response};
use crate::codec::writer::{Result, Writer, unknown};
use crate::codec::{EncodeError, EncodeErrorKind, Sender};
use crate::nu::{Change, Hello, Message, PluginOption, Signal};

/// A message that `sender` writes.
pub(in crate::codec) fn message<W: Writer>(w: &mut W, message: &Message, sender: Sender) -> Result {
    let (name, only) = match message {
        Message::Hello(hello) => return one(w, "Hello", |w| write_hello(w, hello)),
        Message::Data(id, item) => return pair(w, "Data", id.0, |w| stream_item(w, item)),
        Message::End(id) => return number(w, "End", id.0),
        Message::Drop(id) => return number(w, "Drop", id.0),
        Message::Ack(id) => return number(w, "Ack", id.0),
        Message::Unknown(name) => return Err(unknown(name, "message")),
        Message::Call(..) => ("Call", Sender::Engine),
        Message::EngineCallResponse(..) => ("EngineCallResponse", Sender::Engine),
        Message::Signal(_) => ("Signal", Sender::Engine),
        Message::Goodbye => ("Goodbye", Sender::Engine),
        Message::CallResponse(..) => ("CallResponse", Sender::Plugin),
        Message::EngineCall { .. } => ("EngineCall", Sender::Plugin),
        Message::Option(_) => ("Option", Sender::Plugin),
    };
    if only != sender {
        return Err(EncodeError::new(
            EncodeErrorKind::WrongSender,
            format!("`{name}` comes from {only}, so {sender} cannot send it"),
        ));
    }
    match message {
        Message::Call(id, inner) => pair(w, name, id.0, |w| call(w, inner)),
        Message::CallResponse(id, inner) => pair(w, name, id.0, |w| response(w, inner)),
        Message::EngineCallResponse(id, inner) => {
            pair(w, name, id.0, |w| engine_response(w, inner))
        }
        Message::EngineCall { context, id, call } => one(w, name, |w| {
            w.map(3)?;
            w.key("context");
            w.unsigned(context.0);
            w.key("id");
            w.unsigned(id.0);
            w.key("call");
            engine_call(w, call)?;
            w.end_map();
            Ok(())
        }),
        Message::Signal(signal) => {
            w.require(Change::Signals, "`Signal`")?;
            one(w, name, |w| {
                w.text(match signal {
                    Signal::Interrupt => "Interrupt",
                    Signal::Reset => "Reset",
                });
                Ok(())
            })
        }
        Message::Option(PluginOption::GcDisabled(disabled)) => one(w, name, |w| {
            one(w, "GcDisabled", |w| {
                w.bool(*disabled);
                Ok(())
            })
        }),
        _ => {
            w.text(name);
            Ok(())
        }
    }
}

/// A map with one key.
pub(super) fn one<W: Writer>(
    w: &mut W,
    name: &str,
    content: impl FnOnce(&mut W) -> Result,
) -> Result {
    w.tag(name)?;
    content(w)?;
    w.end_map();
    Ok(())
}

pub(super) fn number<W: Writer>(w: &mut W, name: &str, number: u64) -> Result {
    one(w, name, |w| {
        w.unsigned(number);
        Ok(())
    })
}

pub(super) fn text<W: Writer>(w: &mut W, name: &str, text: &str) -> Result {
    one(w, name, |w| {
        w.text(text);
        Ok(())
    })
}

fn pair<W: Writer>(
    w: &mut W,
    name: &str,
    id: u64,
    content: impl FnOnce(&mut W) -> Result,
) -> Result {
    one(w, name, |w| {
        w.array(2)?;
        w.unsigned(id);
        content(w)?;
        w.end_array();
        Ok(())
    })
}

fn write_hello<W: Writer>(w: &mut W, hello: &Hello) -> Result {
    w.map(3)?;
    w.key("protocol");
    w.text(&hello.protocol);
    w.key("version");
    w.text(&hello.version);
    w.key("features");
    w.list(&hello.features, |w, feature| {
        text(w, "name", feature.name())
    })?;
    w.end_map();
    Ok(())
}
