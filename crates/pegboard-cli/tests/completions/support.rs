//! A user with plugins, and shells on a terminal.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use pegboard_host::manifest::{Entry, FileStamp};
use pegboard_host::protocol::nu::{
    Completion, Flag, PluginSignature, PositionalArg, Signature, SyntaxShape,
};
use pegboard_host::store::{Store, signatures_as_json};
use pegboard_testkit::peers::peer;
use pegboard_testkit::terminal::{self, Terminal};

/// Nothing here should take a tenth of this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Values that need quotes in one shell or another.
pub(crate) const ODD: [&str; 6] = ["plain", "a b", "it's", "$HOME", "d\"q", "e!*;e"];

/// The home of a user, which goes away with the test. The program `pegboard` of this user completes as it does, but instead
/// of anything else it shows its arguments, each on a line between `<` and `>`, and a line `<>` behind them.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(name: &str) -> Home {
        let name = format!("pegboard-completions-{name}-{}", std::process::id());
        let home = Home(std::env::temp_dir().join(name));
        let bin = home.file("bin");
        fs::create_dir_all(&bin).expect("a directory");
        let script = format!(
            "#!/bin/sh\ncase $1 in\ncomplete|completions) exec '{}' \"$@\";;\nesac\nprintf '<%s>\\n' \"$@\" ''\n",
            env!("CARGO_BIN_EXE_pegboard")
        );
        home.program("bin/pegboard", &script);
        fs::create_dir(home.file("work")).expect("a directory");
        fs::write(home.file("work/a file"), "").expect("a file");
        fs::create_dir(home.file("work/folder")).expect("a directory");
        home
    }

    /// A home with plugins that have no file: nothing could start them.
    pub(crate) fn with_plugins(name: &str) -> Home {
        let home = Home::new(name);
        home.install(
            "words",
            "/nowhere/nu_plugin_words",
            &[freq(), command("words lines")],
        );
        home
    }

    pub(crate) fn install(&self, plugin: &str, path: &str, commands: &[Signature]) {
        let mut entry = Entry::new(plugin, path, FileStamp::default());
        let commands: Vec<PluginSignature> = commands
            .iter()
            .map(|sig| PluginSignature {
                sig: sig.clone(),
                examples: Vec::new(),
            })
            .collect();
        entry.signatures = signatures_as_json(&commands).expect("signatures");
        entry.protocol = Some("0.115.1".to_owned());
        let store = Store::open(self.file("store"));
        store.add(&entry).expect("installed");
    }

    /// Installs a real plugin, which completes `ref complete` itself.
    pub(crate) fn install_reference(&self) {
        let mut command = self.command(env!("CARGO_BIN_EXE_pegboard"));
        run(command.arg("add").arg(peer("nu_plugin_reference")));
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
        path
    }

    /// A program in this home.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.inhabit(&mut command);
        command.stdin(Stdio::null());
        command
    }

    /// Makes a program start in this home, with nothing of the developer's own.
    fn inhabit(&self, command: &mut Command) {
        let mut path = self.file("bin").into_os_string();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.0)
            .env("PEGBOARD_HOME", self.file("store"))
            .env("TMPDIR", std::env::temp_dir())
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.file("work"));
    }

    /// What `pegboard complete` says to a shell: the values, and what it says about files.
    pub(crate) fn complete(&self, arguments: &[&str]) -> String {
        let mut command = self.command(env!("CARGO_BIN_EXE_pegboard"));
        let out = run(command.arg("complete").args(arguments));
        let values = out.lines().map(|line| match line.strip_prefix('\t') {
            Some(files) => files.trim_end(),
            None => line.split('\t').next().unwrap_or_default(),
        });
        values.collect::<Vec<_>>().join(",")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A command that does not exist.
pub(crate) fn command(name: &str) -> Signature {
    Signature {
        name: name.to_owned(),
        description: format!("Does {name}."),
        ..Signature::default()
    }
}

fn freq() -> Signature {
    let list = |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned());
        Some(Completion::List(words.collect()))
    };
    Signature {
        required_positional: vec![PositionalArg {
            name: "how".to_owned(),
            completion: list(&ODD),
            shape: SyntaxShape::String,
            ..PositionalArg::default()
        }],
        optional_positional: vec![PositionalArg {
            name: "file".to_owned(),
            shape: SyntaxShape::Filepath,
            ..PositionalArg::default()
        }],
        named: vec![Flag {
            long: "colour".to_owned(),
            short: Some('c'),
            arg: Some(SyntaxShape::String),
            completion: list(&["red", "green"]),
            desc: "Which one".to_owned(),
            ..Flag::default()
        }],
        ..command("words freq")
    }
}

/// Runs a program to a good end without complaints, and gives what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{command:?}: {error}; `cargo xtask shells` installs shells")
        });
    let pid = child.id();
    let (send, receive) = sync_channel(1);
    thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = receive.recv_timeout(PATIENCE) else {
        end(pid);
        panic!("{command:?} does not end");
    };
    let output = output.expect("its output");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(
        output.status.success() && err.is_empty(),
        "{command:?}: {err}{out}"
    );
    out
}

fn end(pid: u32) {
    let pid = i32::try_from(pid).ok();
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// A shell on a terminal.
pub(crate) struct Shell(Terminal);

impl Shell {
    pub(crate) fn new<const N: usize>(home: &Home, shell: [&str; N]) -> Shell {
        let [program, arguments @ ..] = &shell[..] else {
            panic!("a shell");
        };
        let mut command = terminal::command(program);
        home.inhabit(&mut command);
        command.args(arguments);
        // Wide enough for no line to be broken.
        Shell(Terminal::start(command, 400).patience(PATIENCE))
    }

    /// Types keys: `\t` for Tab, `\r` for Enter.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.0.type_keys(keys);
    }

    /// Types a line, which is to run pegboard with these arguments.
    pub(crate) fn check(&mut self, keys: &str, arguments: &[&str]) {
        self.keys(keys);
        self.keys("\r");
        let shown = arguments.iter().chain(&[""]);
        let shown: Vec<String> = shown.map(|argument| format!("<{argument}>\r\n")).collect();
        self.0.expect(&shown.concat());
    }
}

/// Writes the script of a shell into a file.
pub(crate) fn script(home: &Home, shell: &str) -> PathBuf {
    let mut command = home.command(env!("CARGO_BIN_EXE_pegboard"));
    let text = run(command.args(["completions", shell]));
    let path = home.file(shell);
    fs::write(&path, text).expect("a file");
    path
}

pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
