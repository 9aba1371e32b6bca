//! Values as MessagePack documents.

use std::io::Write;

use pegboard_host::protocol::to_json;
use pegboard_host::{Error, Flow, LabeledError, Value};
use rmpv::Value as Pack;
use rmpv::encode::write_value;

use super::{Stop, Writer};
use crate::msgpack::timestamp;

impl Writer<'_> {
    /// One document for a value, and for nothing; one after the other for the items of a stream, as they arrive.
    pub(super) fn msgpack(&mut self, flow: Flow) -> Result<(), Stop> {
        match flow {
            Flow::List(items) => self.items(items, |writer, item| writer.pack(&item)),
            other => match self.plain(other.into_value()?)? {
                Some(value) => self.pack(&value),
                None => Ok(()),
            },
        }
    }

    fn pack(&mut self, value: &Value) -> Result<(), Stop> {
        let mut document = Vec::new();
        write_value(&mut document, &pack(value)?)
            .map_err(|error| Error::misuse(error.to_string()))?;
        Ok(self.out.write_all(&document)?)
    }
}

fn pack(value: &Value) -> Result<Pack, Error> {
    Ok(match value {
        Value::Nothing(_) => Pack::Nil,
        Value::Bool(value, _) => (*value).into(),
        Value::Int(value, _) | Value::Filesize(value, _) | Value::Duration(value, _) => {
            (*value).into()
        }
        Value::Float(value, _) => (*value).into(),
        Value::String(text, _) => text.as_str().into(),
        Value::Glob(glob, _) => glob.pattern.as_str().into(),
        Value::Binary(bytes, _) => Pack::Binary(bytes.clone()),
        Value::Date(date, _) => timestamp(date),
        Value::List(items, _) => Pack::Array(items.iter().map(pack).collect::<Result<_, _>>()?),
        Value::Record(record, _) => {
            let fields = record
                .iter()
                .map(|(name, field)| Ok((name.into(), pack(field)?)));
            Pack::Map(fields.collect::<Result<_, Error>>()?)
        }
        // What MessagePack has no form for is what it is in JSON: numbers of a range, text of a path.
        other => {
            let json = to_json(other).map_err(|error| {
                let message = format!("the output has no form in MessagePack: {error}");
                Error::misuse(LabeledError::new(message).with_help("try `--to text`"))
            })?;
            let plain = pegboard_host::protocol::from_json(json);
            pack(&plain.map_err(|error| Error::misuse(error.to_string()))?)?
        }
    })
}
