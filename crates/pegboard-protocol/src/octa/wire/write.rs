//! Writes the fields of a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::Outgoing;
use crate::octa::dialect::Form;
use crate::octa::message::{Execute, FromHost, FromPlugin, Hello};

/// Writes the fields of a message.
#[derive(Debug)]
pub struct Writer<'o> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) form: Form,
    /// No field has been written since the last bracket.
    pub(super) first: bool,
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

pub(super) fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // A buffer takes everything, and all keys of what is written are strings.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}
