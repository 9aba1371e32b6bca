//! The plugin as one of Octa's: its fields stand beside `type` and in `payload`, so that hosts of either generation find them.

mod executions;
mod narrow;
mod script;
mod starts;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{self, Command};
use std::time::Duration;

use pegboard_testkit::hostile::octa::Mode;
use serde_json::{Value, json};

use crate::complain;
use crate::endings::{limit_lifetime, wait_for_ever};

/// Listens and talks as the environment says.
pub(crate) fn run(path: &str) -> ! {
    let mode = match env::var("HOSTILE") {
        Ok(name) if !name.is_empty() => Some(
            name.parse()
                .unwrap_or_else(|error: String| complain(&error)),
        ),
        _ => None,
    };
    limit_lifetime(Duration::from_millis(number(
        "HOSTILE_LIFETIME_MS",
        120_000,
    )));
    if let Ok(file) = env::var("HOSTILE_SCRIPT") {
        script::play(path, &file);
    }
    match mode {
        Some(Mode::IgnoresSigterm | Mode::BearsSigterm) => ignore("TERM"),
        Some(Mode::BearsSigint) => ignore("INT"),
        _ => {}
    }
    let stream = starts::accept(mode, path);
    // Nobody else may come, and so nothing has to be done about it at any of the ends.
    let _ = fs::remove_file(path);
    let reader = stream.try_clone();
    let reader = reader.unwrap_or_else(|error| complain(&error.to_string()));
    let mut talk = Talk {
        path: path.to_owned(),
        stream,
        reader: BufReader::new(reader),
        mode,
        executions: 0,
        lines: number("HOSTILE_ITEMS", 64 << 10),
    };
    talk.greet();
    talk.serve()
}

/// One conversation with a host.
struct Talk {
    path: String,
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    mode: Option<Mode>,
    /// So many were asked for.
    executions: u64,
    /// So many lines are a flood that ends.
    lines: u64,
}

impl Talk {
    fn is(&self, mode: Mode) -> bool {
        self.mode == Some(mode)
    }

    /// Says something exactly. A host that has gone hears nothing.
    fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Says a message of this kind with these fields.
    fn message(&mut self, kind: &str, fields: Value) {
        let mut message = json!({ "type": kind });
        if let (Some(beside), Value::Object(fields)) = (message.as_object_mut(), &fields)
            && !self.is(Mode::LaterForm)
        {
            beside.extend(fields.clone());
        }
        if !self.is(Mode::ReleasedForm) {
            message["payload"] = fields;
        }
        self.say(format!("{message}\n"));
    }

    /// Says a message about an execution.
    fn of(&mut self, kind: &str, id: &str, mut fields: Value) {
        fields["id"] = id.into();
        self.message(kind, fields);
    }

    fn out(&mut self, id: &str, text: &str) {
        self.of("Stdout", id, json!({ "line": format!("{text}\n") }));
    }

    fn exit(&mut self, id: &str, code: i64) {
        self.of("ExitStatus", id, json!({ "code": code }));
    }

    fn error(&mut self, id: &str, message: &str) {
        self.of("Error", id, json!({ "message": message }));
    }

    /// The next thing that the host says. What is no message is answered by itself.
    fn hear(&mut self) -> Value {
        loop {
            let mut line = String::new();
            if self.is(Mode::HalfLines) {
                narrow::look_for_half_a_line(&mut self.reader);
            }
            match self.reader.read_line(&mut line) {
                Ok(1..) => {}
                _ if self.bears_the_end() => wait_for_ever(),
                _ => process::exit(0),
            }
            if let Some(mode) = self.mode {
                narrow::look_at_line(mode, &line);
            }
            match serde_json::from_str(&line) {
                Ok(message) => return message,
                Err(error) => self.error("parse_error", &error.to_string()),
            }
        }
    }

    fn bears_the_end(&self) -> bool {
        self.is(Mode::IgnoresShutdown)
            || self.is(Mode::IgnoresSigterm)
            || self.is(Mode::StaysWithoutHost)
    }

    fn serve(&mut self) -> ! {
        loop {
            let message = self.hear();
            let more = !self.reader.buffer().is_empty();
            if let Some(mode) = self.mode {
                narrow::look_at_message(mode, &message, more);
            }
            match message["type"].as_str() {
                Some("Execute") => self.execute(&message["payload"]),
                Some("Shutdown") => self.shutdown(),
                Some("Hello" | "Schema") => {
                    self.error("protocol_error", "Hello and Schema come once");
                }
                _ => self.error("parse_error", "this message is of no known kind"),
            }
        }
    }

    fn execute(&mut self, request: &Value) {
        let text = request["command"].as_str().or(request["params"].as_str());
        let Some(text) = text.or(self.is(Mode::TakesMissingText).then_some("")) else {
            return self.error("parse_error", "missing field `params`");
        };
        if self.is(Mode::DiesOfDry) && request["dry"] == true {
            die("no mood for a rehearsal");
        }
        self.executions += 1;
        let id = format!("e{}", self.executions);
        match text {
            "misbehave" => self.misbehave(&id),
            "wait" => self.of("Started", &id, json!({})),
            _ if request["dry"] == true => self.rehearse(&id),
            text => self.behave(&id, text),
        }
    }

    fn shutdown(&mut self) {
        match self.mode {
            Some(Mode::IgnoresShutdown | Mode::IgnoresSigterm) => return,
            Some(Mode::DiesOfShutdown) if self.executions == 0 => die("no mood for leaving"),
            Some(Mode::DiesOfLaterShutdown) if self.executions > 0 => die("no mood for leaving"),
            Some(Mode::LeavesSocket) if UnixListener::bind(&self.path).is_err() => {
                complain("no socket could be left");
            }
            _ => {}
        }
        self.message("Shutdown", json!({ "message": "bye" }));
        process::exit(0);
    }
}

fn number(name: &str, default: u64) -> u64 {
    crate::settings::number(name, default).unwrap_or_else(|error| complain(&error))
}

fn die(last_words: &str) -> ! {
    eprintln!("hostile: {last_words}");
    process::exit(42)
}

/// Starts this program over in a process that ignores a signal.
fn ignore(signal: &str) {
    const DONE: &str = "HOSTILE_IGNORES_A_SIGNAL_NOW";

    if env::var_os(DONE).is_none() {
        let script = format!(r#"trap '' {signal}; exec "$0" "$@""#);
        let error = Command::new("sh")
            .args(["-c", &script])
            .arg(env::current_exe().expect("the path of this program"))
            .args(env::args_os().skip(1))
            .env(DONE, "1")
            .exec();
        complain(&format!("cannot start sh: {error}"));
    }
}
