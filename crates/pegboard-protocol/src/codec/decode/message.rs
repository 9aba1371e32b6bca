//! Reads the outermost layer of messages.

use super::call::{call, engine_call};
use super::header::stream_item;
use super::response::{engine_response, response};
use crate::codec::DecodeErrorKind::WrongSender;
use crate::codec::Sender;
use crate::codec::reader::{Fields, Kind, Reader, Result, Tag};
use crate::nu::{CallId, EngineCallId, Feature, Hello, Message, PluginOption, Signal, StreamId};

/// A message that `sender` wrote.
pub(in crate::codec) fn message<'a, R: Reader<'a>>(r: &mut R, sender: Sender) -> Result<Message> {
    if let Some(message) = r.quick_message(sender) {
        return Ok(message);
    }
    let tag = r.tag("a message")?;
    let name = &*tag.name;
    if let Some(only) = only_sender(name)
        && only != sender
    {
        return r.fail(
            WrongSender,
            format!("`{name}` comes from {only}, never from {sender}"),
        );
    }
    let message = content(r, &tag).map_err(|error| error.inside(name))?;
    tag.close(r)?;
    Ok(message)
}

/// Who alone may send a message, if it is not both.
fn only_sender(name: &str) -> Option<Sender> {
    match name {
        "Call" | "EngineCallResponse" | "Goodbye" | "Signal" => Some(Sender::Engine),
        "CallResponse" | "EngineCall" | "Option" => Some(Sender::Plugin),
        _ => None,
    }
}

fn content<'a, R: Reader<'a>>(r: &mut R, tag: &Tag<'a>) -> Result<Message> {
    if tag.name == "Goodbye" {
        tag.skip(r)?;
        return Ok(Message::Goodbye);
    }
    match &*tag.name {
        "Hello" | "Call" | "CallResponse" | "EngineCall" | "EngineCallResponse" | "Data"
        | "End" | "Drop" | "Ack" | "Signal" | "Option" => tag.body(r)?,
        name => {
            tag.skip(r)?;
            return Ok(Message::Unknown(name.to_owned()));
        }
    }
    Ok(match &*tag.name {
        "Hello" => Message::Hello(hello(r)?),
        "Call" => {
            let (id, call) = pair(r, "a call", call)?;
            Message::Call(CallId(id), call)
        }
        "CallResponse" => {
            let (id, response) = pair(r, "a response", response)?;
            Message::CallResponse(CallId(id), response)
        }
        "EngineCall" => engine_call_message(r)?,
        "EngineCallResponse" => {
            let (id, response) = pair(r, "a response", engine_response)?;
            Message::EngineCallResponse(EngineCallId(id), response)
        }
        "Data" => {
            let (id, item) = pair(r, "a stream item", stream_item)?;
            Message::Data(StreamId(id), item)
        }
        "End" => Message::End(StreamId(r.unsigned()?)),
        "Drop" => Message::Drop(StreamId(r.unsigned()?)),
        "Ack" => Message::Ack(StreamId(r.unsigned()?)),
        "Signal" => signal(r)?,
        _ => option(r)?,
    })
}

/// A number and what belongs to it.
fn pair<'a, R: Reader<'a>, T>(
    r: &mut R,
    what: &str,
    read: impl Fn(&mut R) -> Result<T>,
) -> Result<(u64, T)> {
    if r.kind()? != Kind::Array {
        return r.expected(&format!("an array with an id and {what}"));
    }
    let mut cursor = r.array()?;
    r.next(&mut cursor, what)?;
    let id = r.unsigned()?;
    r.next(&mut cursor, what)?;
    let content = read(r)?;
    r.close(cursor)?;
    Ok((id, content))
}

fn engine_call_message<'a, R: Reader<'a>>(r: &mut R) -> Result<Message> {
    const SHAPE: Fields = Fields::new("EngineCall", &["context", "id", "call"]);
    let (mut context, mut id, mut inner) = (None, None, None);
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => context = Some(CallId(r.unsigned()?)),
            1 => id = Some(EngineCallId(r.unsigned()?)),
            _ => inner = Some(engine_call(r)?),
        }
        Ok(())
    })?;
    Ok(Message::EngineCall {
        context: r.need(context, "context", &SHAPE)?,
        id: r.need(id, "id", &SHAPE)?,
        call: r.need(inner, "call", &SHAPE)?,
    })
}

fn hello<'a, R: Reader<'a>>(r: &mut R) -> Result<Hello> {
    const SHAPE: Fields = Fields::new("Hello", &["protocol", "version", "features"]);
    let (mut protocol, mut version, mut features) = (None, None, Vec::new());
    r.fields(&SHAPE, |r, index| {
        match index {
            0 => protocol = Some(r.string()?),
            1 => version = Some(r.string()?),
            _ => features = r.or_default(|r| r.list(feature))?,
        }
        Ok(())
    })?;
    Ok(Hello {
        protocol: r.need(protocol, "protocol", &SHAPE)?,
        version: r.need(version, "version", &SHAPE)?,
        features,
    })
}

fn feature<'a, R: Reader<'a>>(r: &mut R) -> Result<Feature> {
    const SHAPE: Fields = Fields::new("a feature", &["name"]);
    let mut name = None;
    if r.kind()? == Kind::Text {
        name = Some(r.text()?);
    } else {
        r.fields(&SHAPE, |r, _| {
            name = Some(r.text()?);
            Ok(())
        })?;
    }
    let name = r.need(name, "name", &SHAPE)?;
    Ok(Feature::named(&name))
}

fn signal<'a, R: Reader<'a>>(r: &mut R) -> Result<Message> {
    let tag = r.tag("Interrupt or Reset")?;
    let message = match &*tag.name {
        "Interrupt" => Message::Signal(Signal::Interrupt),
        "Reset" => Message::Signal(Signal::Reset),
        name => Message::Unknown(format!("Signal.{name}")),
    };
    tag.skip(r)?;
    tag.close(r)?;
    Ok(message)
}

fn option<'a, R: Reader<'a>>(r: &mut R) -> Result<Message> {
    let tag = r.tag("an option, such as {\"GcDisabled\": true}")?;
    let message = match &*tag.name {
        "GcDisabled" if tag.has_body() => Message::Option(PluginOption::GcDisabled(r.bool()?)),
        name => {
            tag.skip(r)?;
            Message::Unknown(format!("Option.{name}"))
        }
    };
    tag.close(r)?;
    Ok(message)
}
