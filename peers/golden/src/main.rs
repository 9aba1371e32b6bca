//! Writes golden vectors: every message of the plugin protocol, encoded by the real Nushell crates.
//!
//! One JSON object per line: `name`, `side` (`input` goes to the plugin, `output` comes from it),
//! `json` (the exact text, without the line feed that ends a message) and `msgpack` (in hex).

mod inputs;
mod outputs;
mod sample;
mod signatures;
mod values;

use std::fmt::Write as _;
use std::process::ExitCode;

use nu_plugin_core::{Encoder, JsonSerializer, MsgPackSerializer};
use nu_plugin_protocol::{PluginInput, PluginOutput};
use nu_protocol::ShellError;
use serde::Serialize;

/// One message in both encodings.
#[derive(Serialize)]
struct Vector {
    name: String,
    side: &'static str,
    json: String,
    msgpack: String,
}

/// Collects vectors; names are unique.
#[derive(Default)]
pub struct Vectors {
    lines: Vec<Vector>,
}

impl Vectors {
    pub fn input(&mut self, name: impl Into<String>, message: PluginInput) {
        self.add("input", name.into(), &message);
    }

    pub fn output(&mut self, name: impl Into<String>, message: PluginOutput) {
        self.add("output", name.into(), &message);
    }

    fn add<M>(&mut self, side: &'static str, name: String, message: &M)
    where
        JsonSerializer: Encoder<M>,
        MsgPackSerializer: Encoder<M>,
    {
        let taken = self
            .lines
            .iter()
            .any(|line| line.side == side && line.name == name);
        assert!(!taken, "the name {name} is given twice");
        match encode(side, &name, message) {
            Ok(vector) => self.lines.push(vector),
            Err(error) => panic!("{name} cannot be encoded: {error}"),
        }
    }
}

fn encode<M>(side: &'static str, name: &str, message: &M) -> Result<Vector, ShellError>
where
    JsonSerializer: Encoder<M>,
    MsgPackSerializer: Encoder<M>,
{
    let mut json = Vec::new();
    JsonSerializer {}.encode(message, &mut json)?;
    let mut msgpack = Vec::new();
    MsgPackSerializer {}.encode(message, &mut msgpack)?;

    let json = String::from_utf8_lossy(&json);
    let hex = msgpack.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Ok(Vector {
        name: name.to_owned(),
        side,
        json: json.trim_end_matches('\n').to_owned(),
        msgpack: hex,
    })
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: golden FILE");
        return ExitCode::from(2);
    };
    let mut vectors = Vectors::default();
    inputs::add(&mut vectors);
    outputs::add(&mut vectors);
    signatures::add(&mut vectors);
    values::add(&mut vectors);

    let mut text = String::new();
    for line in &vectors.lines {
        match serde_json::to_string(line) {
            Ok(line) => text.push_str(&line),
            Err(error) => {
                eprintln!("{}: {error}", line.name);
                return ExitCode::FAILURE;
            }
        }
        text.push('\n');
    }
    if let Err(error) = std::fs::write(&path, text) {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    println!("{} vectors", vectors.lines.len());
    ExitCode::SUCCESS
}
