//! Messages as JSON objects: reading tolerates every known form, writing follows the table of dialects.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::dialect::{Form, Layout, TABLE};
use super::error::{LineError, LineErrorKind};
use super::message::{Execute, FromHost, FromPlugin, Hello, Stream};

/// A message that a [`super::Decoder`] can read.
pub trait Incoming: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn read(fields: &Fields<'_>) -> Result<Self, LineError>;
}

/// A message that [`encode`] can write.
pub trait Outgoing: sealed::Sealed {
    #[doc(hidden)]
    const IS_REPLY: bool;
    #[doc(hidden)]
    fn kind(&self) -> &str;
    #[doc(hidden)]
    fn write(&self, out: &mut Writer<'_>);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::FromHost {}
    impl Sealed for super::FromPlugin {}
}

/// Appends a message to `out`: one line with its line feed.
pub fn encode<M: Outgoing>(message: &M, form: Form, out: &mut Vec<u8>) {
    let layouts = |wanted: Layout| match M::IS_REPLY {
        true => form.rows().any(|row| row.replies == wanted),
        false => wanted == Layout::Nested,
    };
    out.extend_from_slice(b"{\"type\":");
    json(out, message.kind());
    let mut writer = Writer {
        out,
        form,
        first: false,
    };
    if layouts(Layout::Flat) {
        message.write(&mut writer);
    }
    if layouts(Layout::Nested) {
        let before = writer.out.len();
        writer.out.extend_from_slice(b",\"payload\":{");
        writer.first = true;
        message.write(&mut writer);
        if writer.first {
            writer.out.truncate(before);
        } else {
            writer.out.push(b'}');
        }
    }
    out.extend_from_slice(b"}\n");
}

/// Reads one JSON object that is a message.
pub(super) fn decode<M: Incoming>(text: &str) -> Result<M, LineError> {
    let top: Object<'_> = serde_json::from_str(text).map_err(|error| {
        let offset = error.column().saturating_sub(1);
        LineError::new(LineErrorKind::Syntax, offset, said(&error))
    })?;
    let mut fields = Fields {
        text,
        name: String::new(),
        payload: Object(Vec::new()),
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

/// Writes the fields of a message.
#[derive(Debug)]
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    form: Form,
    first: bool,
}

impl Writer<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        json(self.out, key);
        self.out.push(b':');
        json(self.out, value);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.field("line", text),
            Err(_) => self.field("bytes", &BASE64.encode(bytes)),
        }
    }

    fn hello(&mut self, hello: &Hello) {
        self.field("version", &hello.version);
        self.field("features", &hello.features);
    }

    fn execute(&mut self, execute: &Execute) {
        for row in self.form.rows() {
            self.field(row.text, &execute.text);
        }
        self.field("args", &execute.args);
        self.field("dir", &execute.dir);
        self.field("envs", &execute.envs);
        self.field("vars", &execute.vars);
        self.field("dry", &execute.dry);
        if let Some(id) = &execute.id {
            self.field("id", id);
        }
        if execute.input {
            self.field("input", &true);
        }
        if let Some(credit) = execute.credit {
            self.field("credit", &credit);
        }
    }
}

impl Outgoing for FromHost {
    const IS_REPLY: bool = false;

    fn kind(&self) -> &str {
        self.name()
    }

    fn write(&self, out: &mut Writer<'_>) {
        match self {
            FromHost::Hello(hello) => out.hello(hello),
            FromHost::Execute(execute) => out.execute(execute),
            FromHost::Schema | FromHost::Shutdown | FromHost::Unknown { .. } => {}
            FromHost::Cancel { id } | FromHost::StdinEnd { id } => out.field("id", id),
            FromHost::Stdin { id, bytes } => {
                out.field("id", id);
                out.bytes(bytes);
            }
            FromHost::Credit { id, bytes } => {
                out.field("id", id);
                out.field("bytes", bytes);
            }
        }
    }
}

impl Outgoing for FromPlugin {
    const IS_REPLY: bool = true;

    fn kind(&self) -> &str {
        self.name()
    }

    fn write(&self, out: &mut Writer<'_>) {
        match self {
            FromPlugin::Hello(hello) => out.hello(hello),
            FromPlugin::Schema { key } => out.field("key", key),
            FromPlugin::Started { id, credit } => {
                out.field("id", id);
                if let Some(credit) = credit {
                    out.field("credit", credit);
                }
            }
            FromPlugin::Output { id, bytes, .. } => {
                out.field("id", id);
                out.bytes(bytes);
            }
            FromPlugin::Result { id, value } => {
                out.field("id", id);
                out.field("value", value);
            }
            FromPlugin::ExitStatus { id, code } => {
                out.field("id", id);
                out.field("code", code);
            }
            FromPlugin::Error { id, message } => {
                out.field("id", id);
                out.field("message", message);
            }
            FromPlugin::Credit { id, bytes } => {
                out.field("id", id);
                out.field("bytes", bytes);
            }
            FromPlugin::Shutdown { message } => out.field("message", message),
            FromPlugin::Unknown { id, .. } => {
                if let Some(id) = id {
                    out.field("id", id);
                }
            }
        }
    }
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // A buffer takes everything, and all keys of what is written are strings.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}

/// What the JSON reader says, without the place, which it counts from elsewhere.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// The entries of a JSON object, none of them looked into: what nobody asks for may be anything.
#[derive(Debug)]
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, raw)| *raw)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<'a>, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key_seed(Key)? {
                    entries.push((key, map.next_value()?));
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(Entries).map(Object)
    }
}

/// A key, borrowed where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
