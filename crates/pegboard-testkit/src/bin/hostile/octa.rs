//! The plugin as one of Octa's, of its first generation: fields beside `type`.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::thread;
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
    let lifetime = env::var("HOSTILE_LIFETIME_MS").ok();
    let lifetime = lifetime.and_then(|text| text.parse().ok());
    limit_lifetime(Duration::from_millis(lifetime.unwrap_or(120_000)));
    if mode == Some(Mode::IgnoresSigterm) {
        ignore_sigterm();
    }
    match mode {
        Some(Mode::ExitAtStart) => die("no mood for listening"),
        Some(Mode::NeverListens) => wait_for_ever(),
        _ => {}
    }
    let listener = UnixListener::bind(path).unwrap_or_else(|error| complain(&error.to_string()));
    if mode == Some(Mode::NeverAccepts) {
        wait_for_ever();
    }
    let (stream, _) = listener
        .accept()
        .unwrap_or_else(|error| complain(&error.to_string()));
    if mode == Some(Mode::ClosesAtOnce) {
        drop(stream);
        wait_for_ever();
    }
    let reader = BufReader::new(
        stream
            .try_clone()
            .unwrap_or_else(|error| complain(&error.to_string())),
    );
    let mut talk = Talk {
        stream,
        reader,
        mode,
        next: 0,
    };
    talk.greet();
    talk.serve()
}

struct Talk {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    mode: Option<Mode>,
    next: u64,
}

impl Talk {
    fn is(&self, mode: Mode) -> bool {
        self.mode == Some(mode)
    }

    /// Says something exactly. A host that has gone hears nothing.
    fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    fn message(&mut self, message: &Value) {
        self.say(format!("{message}\n"));
    }

    fn of(&mut self, kind: &str, id: &str, more: Value) {
        let mut message = json!({ "type": kind, "id": id });
        if let (Some(fields), Value::Object(more)) = (message.as_object_mut(), more) {
            fields.extend(more);
        }
        self.message(&message);
    }

    fn out(&mut self, id: &str, text: &str) {
        self.of("Stdout", id, json!({ "line": format!("{text}\n") }));
    }

    fn exit(&mut self, id: &str, code: i64) {
        self.of("ExitStatus", id, json!({ "code": code }));
    }

    /// The next thing that the host says.
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(1..) => serde_json::from_str(&line).unwrap_or_default(),
            _ if self.is(Mode::IgnoresShutdown) || self.is(Mode::IgnoresSigterm) => wait_for_ever(),
            _ => process::exit(0),
        }
    }

    fn greet(&mut self) {
        self.hear();
        let mut hello = json!({ "type": "Hello", "version": ">=0.2.0", "features": [] });
        match self.mode {
            Some(Mode::Silent) => wait_for_ever(),
            Some(Mode::GarbageHello) => self.say("hello there\n"),
            Some(Mode::RefusesHello) => self.of("Error", "x", json!({ "message": "not with you" })),
            Some(Mode::WrongHello) => self.of("Started", "x", json!({})),
            Some(Mode::UnfinishedHello) => {
                self.say("{\"type\":\"Hello\",\"version\":\"*\",\"features\":[]");
                wait_for_ever();
            }
            Some(Mode::HelloWithoutFeatures) => {
                self.message(&json!({ "type": "Hello", "version": "*" }));
            }
            mode => {
                if mode == Some(Mode::BadRequirement) {
                    hello["version"] = "not-a-version".into();
                }
                if mode == Some(Mode::UnmetRequirement) {
                    hello["version"] = ">=9.0.0".into();
                }
                self.message(&hello);
            }
        }
        if self.is(Mode::ExitsAfterHello) {
            die("said enough");
        }
        self.hear();
        match self.mode {
            Some(Mode::NoSchema) => wait_for_ever(),
            Some(Mode::EmptyKey) => self.message(&json!({ "type": "Schema", "key": "" })),
            _ => self.message(&json!({ "type": "Schema", "key": "hostile" })),
        }
    }

    fn serve(&mut self) -> ! {
        loop {
            let message = self.hear();
            match message["type"].as_str() {
                Some("Execute") => {
                    self.next += 1;
                    let id = format!("e{}", self.next);
                    match message["payload"]["command"].as_str().unwrap_or_default() {
                        "misbehave" => self.misbehave(&id),
                        "wait" => self.of("Started", &id, json!({})),
                        text => self.behave(&id, text),
                    }
                }
                Some("Shutdown")
                    if !self.is(Mode::IgnoresShutdown) && !self.is(Mode::IgnoresSigterm) =>
                {
                    self.message(&json!({ "type": "Shutdown", "message": "bye" }));
                    process::exit(0);
                }
                _ => {}
            }
        }
    }

    fn behave(&mut self, id: &str, text: &str) {
        self.of("Started", id, json!({}));
        self.out(id, text);
        self.exit(id, 0);
    }

    fn misbehave(&mut self, id: &str) {
        let Some(mode) = self.mode else {
            return self.behave(id, "misbehave");
        };
        match mode {
            Mode::NeverStarts => return,
            Mode::RefusesExecution => {
                return self.of("Error", "parse_error", json!({ "message": "too hard" }));
            }
            Mode::OutputBeforeStarted => self.out(id, "early"),
            Mode::DiesBeforeStarted => die("no mood for starting"),
            _ => {}
        }
        if mode == Mode::SlowDrip {
            return self.drip(id);
        }
        if mode == Mode::Glued {
            return self.say(format!(
                "{{\"type\":\"Started\",\"id\":\"{id}\"}}{{\"type\":\"Stdout\",\"id\":\"{id}\",\"line\":\"done\\n\"}}\
                 {{\"type\":\"ExitStatus\",\"id\":\"{id}\",\"code\":0}}\n"
            ));
        }
        self.of("Started", id, json!({}));
        match mode {
            Mode::DiesInExecution => {
                self.out(id, "so far");
                die("dead in the middle");
            }
            Mode::ClosesInExecution => {
                let _ = self.stream.shutdown(Shutdown::Both);
                wait_for_ever();
            }
            Mode::HalfALine => {
                self.say("{\"type\":\"Stdout\",\"id\":");
                die("out of words");
            }
            Mode::ShutsDownInExecution => {
                self.message(&json!({ "type": "Shutdown", "message": "enough" }));
                wait_for_ever();
            }
            Mode::BadUtf8 => self.say(b"{\"type\":\"Stdout\",\"id\":\"\xff\",\"line\":\"\"}\n"),
            Mode::BadLine => self.say("what is this?\n"),
            Mode::UnknownMessage => self.of("Progress", id, json!({ "percent": 50 })),
            Mode::UnknownExecution => self.out("nobody", "lost"),
            Mode::StartedTwice => self.of("Started", id, json!({})),
            Mode::HugeCode => return self.exit(id, 1 << 40),
            Mode::MissingField => return self.of("ExitStatus", id, json!({})),
            Mode::EndlessLine => {
                self.say(format!("{{\"type\":\"Stdout\",\"id\":\"{id}\",\"line\":\""));
                self.endless(&[b'x'; 1 << 16]);
            }
            Mode::Floods => {
                let message =
                    json!({ "type": "Stdout", "id": id, "line": "y".repeat(1 << 13) + "\n" });
                self.endless(format!("{message}\n").as_bytes());
            }
            Mode::FloodsStderr => {
                let line = "e".repeat((1 << 10) - 1) + "\n";
                for _ in 0..64 << 10 {
                    self.of("Stderr", id, json!({ "line": line }));
                }
            }
            Mode::NeverEnds => return,
            Mode::StopsReading => wait_for_ever(),
            Mode::Prints => {
                let text = "n".repeat(1 << 10);
                for _ in 0..1 << 10 {
                    println!("{text}");
                    eprintln!("{text}");
                }
            }
            Mode::Works => {
                let mut child = Command::new("sleep");
                let child = child.arg("1000").stdin(Stdio::null()).process_group(0);
                let Ok(mut child) = child.spawn() else {
                    complain("no child could be started");
                };
                self.out(id, "works");
                // Its end would be that of the execution.
                thread::spawn(move || child.wait());
                return;
            }
            Mode::Forks => {
                let mut child = Command::new("sleep");
                if child.arg("1000").stdin(Stdio::null()).spawn().is_err() {
                    complain("no child could be started");
                }
                die("leaves a child");
            }
            _ => {}
        }
        self.out(id, "done");
        self.exit(id, 0);
        if mode == Mode::LateOutput {
            self.out(id, "late");
        }
        if mode == Mode::TwoEnds {
            self.exit(id, 1);
        }
    }

    /// Says something until nobody listens.
    fn endless(&mut self, bytes: &[u8]) -> ! {
        while self.stream.write_all(bytes).is_ok() {}
        wait_for_ever()
    }

    fn drip(&mut self, id: &str) {
        let messages = [
            json!({ "type": "Started", "id": id }),
            json!({ "type": "Stdout", "id": id, "line": "done\n" }),
            json!({ "type": "ExitStatus", "id": id, "code": 0 }),
        ];
        for message in messages {
            for byte in format!("{message}\n").bytes() {
                self.say([byte]);
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

fn die(last_words: &str) -> ! {
    eprintln!("hostile: {last_words}");
    process::exit(42)
}

/// Starts this program over in a process that ignores the signal.
fn ignore_sigterm() {
    const DONE: &str = "HOSTILE_IGNORES_SIGTERM_NOW";

    if env::var_os(DONE).is_none() {
        let error = Command::new("sh")
            .args(["-c", r#"trap '' TERM; exec "$0" "$@""#])
            .arg(env::current_exe().expect("the path of this program"))
            .args(env::args_os().skip(1))
            .env(DONE, "1")
            .exec();
        complain(&format!("cannot start sh: {error}"));
    }
}
