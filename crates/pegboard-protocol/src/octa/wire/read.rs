//! Reads the parts of a message, wherever its dialect puts them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::Object;
use super::{Incoming, quick};
use crate::octa::dialect::TABLE;
use crate::octa::error::{LineError, LineErrorKind};
use crate::octa::message::{Execute, FromHost, FromPlugin, Hello, Stream};

/// Reads one JSON object that is a message.
pub(in crate::octa) fn decode<M: Incoming>(text: &str) -> Result<M, LineError> {
    if let Some(message) = M::quick(text) {
        return Ok(message);
    }
    let top: Object<'_> = serde_json::from_str(text).map_err(|error| {
        let offset = error.column().saturating_sub(1);
        LineError::new(LineErrorKind::Syntax, offset, said(&error))
    })?;
    let mut fields = Fields {
        text,
        name: String::new(),
        payload: Object::default(),
        top,
    };
    fields.name = fields.need("type")?;
    if let Some(raw) = fields.top.get("payload")
        && raw.get().starts_with('{')
    {
        fields.payload = fields.parse("payload", raw)?;
    }
    M::read(&fields).map_err(|error| {
        let id = fields.get("id").ok().flatten();
        error.about(&fields.name, id)
    })
}

/// The parts of a message that is read.
#[derive(Debug)]
pub struct Fields<'a> {
    text: &'a str,
    name: String,
    payload: Object<'a>,
    top: Object<'a>,
}

impl<'a> Fields<'a> {
    fn raw(&self, key: &str) -> Option<&'a RawValue> {
        let raw = self.payload.get(key).or_else(|| self.top.get(key))?;
        (raw.get() != "null").then_some(raw)
    }

    fn get<T: Deserialize<'a>>(&self, key: &str) -> Result<Option<T>, LineError> {
        self.raw(key).map(|raw| self.parse(key, raw)).transpose()
    }

    fn need<T: Deserialize<'a>>(&self, key: &str) -> Result<T, LineError> {
        match self.get(key)? {
            Some(value) => Ok(value),
            None => Err(LineError::new(
                LineErrorKind::MissingField,
                0,
                format!("the field `{key}` is missing"),
            )),
        }
    }

    fn parse<T: Deserialize<'a>>(&self, key: &str, raw: &'a RawValue) -> Result<T, LineError> {
        serde_json::from_str(raw.get()).map_err(|error| {
            // The raw value is a part of the text.
            let offset = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
            let what = format!("the field `{key}`: {}", said(&error));
            LineError::new(LineErrorKind::BadValue, offset, what)
        })
    }

    /// What was written: text as it is, other bytes in base64.
    fn bytes(&self) -> Result<Vec<u8>, LineError> {
        if self.raw("line").is_none()
            && let Some(raw) = self.raw("bytes")
        {
            let text: Cow<'_, str> = self.parse("bytes", raw)?;
            return BASE64.decode(text.as_bytes()).map_err(|error| {
                let what = format!("the field `bytes` is not base64: {error}");
                LineError::new(LineErrorKind::BadValue, 0, what)
            });
        }
        Ok(self.need::<String>("line")?.into_bytes())
    }

    fn hello(&self) -> Result<Hello, LineError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Names {
            Many(Vec<String>),
            One(String),
        }
        Ok(Hello {
            version: self.need("version")?,
            features: match self.get("features")? {
                Some(Names::Many(names)) => names,
                Some(Names::One(name)) => vec![name],
                None => Vec::new(),
            },
        })
    }

    fn execute(&self) -> Result<Execute, LineError> {
        let text = TABLE.iter().find(|row| self.raw(row.text).is_some());
        Ok(Execute {
            text: self.need(text.unwrap_or(&TABLE[0]).text)?,
            args: self.get("args")?.unwrap_or_default(),
            dir: self.need("dir")?,
            envs: self.get::<BTreeMap<_, _>>("envs")?.unwrap_or_default(),
            vars: self.get("vars")?.unwrap_or_default(),
            dry: self.get("dry")?.unwrap_or_default(),
            id: self.get("id")?,
            input: self.get("input")?.unwrap_or_default(),
            credit: self.get("credit")?,
        })
    }
}

impl Incoming for FromHost {
    fn read(fields: &Fields<'_>) -> Result<FromHost, LineError> {
        let id = || fields.need("id");
        Ok(match fields.name.as_str() {
            "Hello" => FromHost::Hello(fields.hello()?),
            "Schema" => FromHost::Schema,
            "Execute" => FromHost::Execute(Box::new(fields.execute()?)),
            "Shutdown" => FromHost::Shutdown,
            "Cancel" => FromHost::Cancel { id: id()? },
            "Stdin" => FromHost::Stdin {
                id: id()?,
                bytes: fields.bytes()?,
            },
            "StdinEnd" => FromHost::StdinEnd { id: id()? },
            "Credit" => FromHost::Credit {
                id: id()?,
                bytes: fields.need("bytes")?,
            },
            name => FromHost::Unknown {
                name: name.to_owned(),
            },
        })
    }
}

impl Incoming for FromPlugin {
    fn quick(text: &str) -> Option<FromPlugin> {
        quick::output(text)
    }

    fn read(fields: &Fields<'_>) -> Result<FromPlugin, LineError> {
        let id = || fields.need("id");
        let output = |stream| {
            Ok(FromPlugin::Output {
                id: id()?,
                stream,
                bytes: fields.bytes()?,
            })
        };
        Ok(match fields.name.as_str() {
            "Hello" => FromPlugin::Hello(fields.hello()?),
            "Schema" => FromPlugin::Schema {
                key: fields.need("key")?,
            },
            "Started" => FromPlugin::Started {
                id: id()?,
                credit: fields.get("credit")?,
            },
            "Stdout" => output(Stream::Stdout)?,
            "Stderr" => output(Stream::Stderr)?,
            "Result" => FromPlugin::Result {
                id: id()?,
                value: fields.get("value")?.unwrap_or_default(),
            },
            "ExitStatus" => FromPlugin::ExitStatus {
                id: id()?,
                code: fields.need("code")?,
            },
            "Error" => FromPlugin::Error {
                id: id()?,
                message: fields.need("message")?,
            },
            "Credit" => FromPlugin::Credit {
                id: id()?,
                bytes: fields.need("bytes")?,
            },
            "Shutdown" => FromPlugin::Shutdown {
                message: fields.get("message")?.unwrap_or_default(),
            },
            name => FromPlugin::Unknown {
                name: name.to_owned(),
                id: fields.get("id").ok().flatten(),
            },
        })
    }
}

/// What the JSON reader says, without the place, which it counts from elsewhere.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
