//! The modes of an execution.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use pegboard_testkit::hostile::octa::Mode;
use serde_json::json;

use super::{Talk, die};
use crate::complain;
use crate::endings::wait_for_ever;

impl Talk {
    /// What it does about any other text.
    pub(super) fn behave(&mut self, id: &str, text: &str) {
        self.of("Started", id, json!({}));
        self.out(id, text);
        self.exit(id, 0);
    }

    /// What it does if it is not to do anything.
    pub(super) fn rehearse(&mut self, id: &str) {
        self.of("Started", id, json!({}));
        self.exit(id, 0);
    }

    /// What a mode is about.
    pub(super) fn misbehave(&mut self, id: &str) {
        let Some(mode) = self.mode else {
            return self.behave(id, "misbehave");
        };
        match mode {
            Mode::NeverStarts => return,
            Mode::RefusesExecution => return self.error("parse_error", "too hard"),
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
                self.message("Shutdown", json!({ "message": "enough" }));
                wait_for_ever();
            }
            Mode::MissingLine => self.of("Stderr", id, json!({})),
            Mode::BadUtf8 => {
                self.say(format!("{{\"type\":\"Stdout\",\"id\":\"{id}\",\"line\":\""));
                self.say(b"\xff\"}\n");
            }
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
                for _ in 0..self.lines {
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
                sleep_beside(Command::new("sleep").process_group(0));
                self.out(id, "works");
                // The end of the child would be that of the execution.
                return;
            }
            Mode::LeavesChild => {
                sleep_beside(
                    Command::new("sleep")
                        .stdout(Stdio::null())
                        .stderr(Stdio::null()),
                );
            }
            Mode::Forks => {
                sleep_beside(&mut Command::new("sleep"));
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

/// Starts a program that sleeps for longer than any test takes.
fn sleep_beside(program: &mut Command) {
    match program.arg("1000").stdin(Stdio::null()).spawn() {
        Ok(mut child) => drop(thread::spawn(move || child.wait())),
        Err(error) => complain(&format!("no child could be started: {error}")),
    }
}
