//! A host made of lines: it starts the plugin, says what a test wants, and looks for what is left behind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pegboard_testkit::tree::{processes_with_env, wait_until};
use serde_json::{Value, json};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// What everything that a test starts has in its environment.
const MARK: &str = "OCTA_SHELL_TEST";

/// A plugin that was started.
pub(crate) struct Plugin {
    pub(crate) child: Child,
    directory: PathBuf,
    mark: String,
}

impl Plugin {
    pub(crate) fn start() -> Plugin {
        Plugin::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Plugin {
        let program = Path::new(env!("CARGO_BIN_EXE_octa_plugin_shell"));
        Plugin::start_program(program, arguments)
    }

    /// Starts another plugin than the shell.
    pub(crate) fn start_program(program: &Path, arguments: &[&str]) -> Plugin {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}.{number}", std::process::id());
        let directory = std::env::temp_dir().join(format!("octa-shell-{mark}"));
        fs::create_dir_all(&directory).unwrap();
        let child = Command::new(program)
            .arg("--socket-path")
            .arg(directory.join("s"))
            .args(arguments)
            .current_dir(&directory)
            .env("HOME", "/home")
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Plugin {
            child,
            directory,
            mark,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("s")
    }

    /// Connects, as soon as the plugin listens.
    pub(crate) fn connect(&self) -> Host {
        let mut stream = None;
        wait_until(PATIENCE, || {
            stream = UnixStream::connect(self.socket()).ok();
            stream.is_some()
        });
        let stream = stream.expect("a plugin that listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Host {
            reader: BufReader::new(stream.try_clone().unwrap()),
            stream,
            ids: Vec::new(),
        }
    }

    /// Connects and says Hello.
    pub(crate) fn greet(&self) -> Host {
        let mut host = self.connect();
        host.say(&json!({"type": "Hello", "payload": {"version": "0.2.1", "features": []}}));
        assert_eq!(host.hear(), "Hello");
        host.say(&json!({"type": "Schema"}));
        assert_eq!(host.hear(), "Schema shell");
        host
    }

    /// The processes that were started with the plugin, and it.
    pub(crate) fn processes(&self) -> Vec<u32> {
        processes_with_env(MARK, &self.mark)
    }

    /// Waits for the end of the plugin, after which nothing may be left.
    pub(crate) fn end(mut self) -> ExitStatus {
        let mut status = None;
        wait_until(PATIENCE, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let status = status.expect("a plugin that ends");
        assert!(!self.socket().exists(), "the socket was left behind");
        // What was killed may take a moment to vanish.
        let gone = wait_until(Duration::from_secs(2), || self.processes().is_empty());
        assert!(gone, "left behind: {:?}", self.processes());
        status
    }

    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("it is read once");
        stderr.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// One connection to a plugin.
pub(crate) struct Host {
    pub(crate) stream: UnixStream,
    reader: BufReader<UnixStream>,
    /// Those of executions, in their order.
    ids: Vec<String>,
}

impl Host {
    pub(crate) fn say(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes());
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn execute(&mut self, text: &str) {
        self.say(&json!({"type": "Execute", "payload": {
            "params": text, "args": [], "dir": "/tmp", "envs": {}, "vars": {}, "dry": false,
        }}));
    }

    pub(crate) fn shut_down(&mut self) {
        self.say(&json!({"type": "Shutdown"}));
    }

    /// The next message, in short: `0 Stdout "hi\n"`. Nothing at the end.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(_) => short(&line, &mut self.ids),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => String::new(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for these messages, one after the other.
    pub(crate) fn expect(&mut self, messages: &[&str]) {
        for message in messages {
            assert_eq!(self.hear(), *message);
        }
    }

    /// All messages up to one that begins like this, and that one.
    pub(crate) fn hear_until(&mut self, start: &str) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        loop {
            let message = self.hear();
            assert!(
                !message.is_empty(),
                "the end came before {start}: {heard:?}"
            );
            assert!(Instant::now() < deadline, "no {start}");
            let found = message.starts_with(start);
            heard.push(message);
            if found {
                return heard;
            }
        }
    }
}

/// A message in short. What executions are called is in `ids`, in their order.
pub(crate) fn short(line: &str, ids: &mut Vec<String>) -> String {
    if line.is_empty() {
        return String::new();
    }
    let message: Value = serde_json::from_str(line).expect(line);
    let payload = &message["payload"];
    let kind = message["type"].as_str().expect("a type");
    let id = payload["id"].as_str().unwrap_or_default().to_owned();
    if kind == "Started" {
        ids.push(id.clone());
    }
    let id = match ids.iter().position(|known| *known == id) {
        Some(number) => number.to_string(),
        None => id,
    };
    match kind {
        "Hello" => kind.to_owned(),
        "Schema" => format!("Schema {}", payload["key"].as_str().expect("a key")),
        "Shutdown" => format!("Shutdown {}", payload["message"].as_str().expect("a text")),
        "Started" => format!("{id} Started"),
        "Stdout" | "Stderr" => format!("{id} {kind} {}", payload["line"]),
        "ExitStatus" => format!("{id} ExitStatus {}", payload["code"]),
        "Error" => format!("{id} Error {}", payload["message"]),
        other => panic!("{other} is for nobody"),
    }
}
