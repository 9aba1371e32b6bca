//! Running the program, with a bound on how long it may take.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pegboard_testkit::peers::peer;

/// Nothing here should take a tenth of this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A run of the program that is being put together.
pub(crate) struct Cli {
    command: Command,
    input: Option<Vec<u8>>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// As a shell tells it: 128 and its number for a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Cli {
    /// Without input; standard input is the null device. Signals do what they do by default, also where whoever runs the
    /// tests ignores some, as `nohup` and shells without job control do.
    pub(crate) fn new<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Cli {
        let mut command = Command::new("/usr/bin/env");
        command
            .args([
                "--default-signal=HUP,INT,QUIT",
                env!("CARGO_BIN_EXE_pegboard"),
            ])
            .args(arguments)
            .env("TERM", "dumb")
            .env("HOME", "/home/nobody")
            .env_remove("PEGBOARD_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("NO_COLOR");
        Cli {
            command,
            input: None,
        }
    }

    /// `pegboard run` with one of the real plugins. The line is split at spaces.
    pub(crate) fn run(plugin: &str, line: &str) -> Cli {
        Cli::run_with(plugin, &[], line)
    }

    /// The same with options of `pegboard run`.
    pub(crate) fn run_with(plugin: &str, options: &[&str], line: &str) -> Cli {
        let path = peer(plugin);
        let mut cli = Cli::new(["run".as_ref(), "--plugin".as_ref(), path.as_os_str()]);
        cli.command.args(options).args(line.split(' '));
        cli
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Cli {
        self.command.arg(argument);
        self
    }

    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Cli {
        self.input = Some(input.into());
        self
    }

    pub(crate) fn directory(mut self, directory: &Path) -> Cli {
        self.command.current_dir(directory);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Cli {
        self.command.env(name, value);
        self
    }

    /// Starts it with pipes for everything but an input that was not given.
    pub(crate) fn start(self) -> Child {
        let input = self.input.as_ref().map(|_| Stdio::piped());
        self.start_with(input, Stdio::piped())
    }

    /// Starts it with this input, or the null device, and this output.
    pub(crate) fn start_with(mut self, stdin: Option<Stdio>, stdout: impl Into<Stdio>) -> Child {
        self.command.stdin(stdin.unwrap_or_else(Stdio::null));
        self.command.stdout(stdout).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program starts");
        if let Some(input) = self.input {
            let mut stdin = child.stdin.take().expect("a pipe");
            // The program may stop reading at any time.
            thread::spawn(move || stdin.write_all(&input));
        }
        child
    }

    /// Runs it to its end.
    pub(crate) fn end(self) -> Ran {
        finish(self.start())
    }

    /// Runs it to a good end, and gives what it wrote.
    pub(crate) fn out(self) -> String {
        let ran = self.end();
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        ran.out
    }

    /// Runs it to a good end, and gives exactly what it wrote.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let ran = ended(self.start());
        assert!(ran.status.success(), "{ran:?}");
        ran.stdout
    }

    /// Runs it to an end with this code, and gives what it wrote on standard error.
    pub(crate) fn fails(self, code: i32) -> String {
        let ran = self.end();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        ran.err
    }
}

/// Waits for the end of a run; kills it and fails if that does not come.
pub(crate) fn finish(child: Child) -> Ran {
    let output = ended(child);
    Ran {
        code: output
            .status
            .code()
            .or_else(|| Some(128 + output.status.signal()?)),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn ended(child: Child) -> Output {
    let pid = child.id();
    let (send, receive) = mpsc::sync_channel(1);
    thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = receive.recv_timeout(PATIENCE) else {
        signal(pid, rustix::process::Signal::KILL);
        panic!("the program does not end");
    };
    output.expect("its output")
}

pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .expect("a process id");
    rustix::process::kill_process(pid, signal).expect("the process is there");
}

/// A directory that is removed at the end of the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("pegboard-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The output as JSON.
pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
