//! Ends: how the plugin exits, refuses to, or leaves something behind.

use std::io::{self, Write};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::Duration;

use pegboard_testkit::hostile::Mode;

use crate::settings::Settings;

/// The exit code of a plugin that nobody ended.
const OUTLIVED: i32 = 99;

/// Ends the process after this time whatever happens, so that a failed test leaves nothing for long.
pub(crate) fn limit_lifetime(lifetime: Duration) {
    thread::spawn(move || {
        thread::sleep(lifetime);
        process::exit(OUTLIVED)
    });
}

/// Exits with a last line on stderr.
pub(crate) fn die(settings: &Settings, last_words: &str) -> ! {
    eprintln!("hostile: {last_words}");
    process::exit(settings.exit_code)
}

/// The engine has closed the plugin's input.
pub(crate) fn end_of_input(settings: &Settings) -> ! {
    if settings.has(Mode::IgnoresGoodbyeAndEof) {
        wait_for_ever();
    }
    process::exit(0)
}

pub(crate) fn wait_for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// With `ignores-sigterm`, starts this program over in a process that ignores the signal, which safe code cannot ask
/// for in another way. The process stays the same one.
#[cfg(unix)]
pub(crate) fn ignore_sigterm(settings: &Settings) {
    use std::os::unix::process::CommandExt;
    const DONE: &str = "HOSTILE_IGNORES_SIGTERM_NOW";

    if settings.has(Mode::IgnoresSigterm) && std::env::var_os(DONE).is_none() {
        let error = Command::new("sh")
            .args(["-c", r#"trap '' TERM; exec "$0" "$@""#])
            .arg(std::env::current_exe().expect("the path of this program"))
            .args(std::env::args_os().skip(1))
            .env(DONE, "1")
            .exec();
        die(settings, &format!("cannot start sh: {error}"));
    }
}

#[cfg(not(unix))]
pub(crate) fn ignore_sigterm(_: &Settings) {}

/// Starts the programs that the plugin leaves behind.
pub(crate) fn fork(settings: &Settings) {
    if settings.has(Mode::Forks) {
        spawn(settings, &mut sleeper(settings, "setsid", &["sleep"]));
        spawn(settings, &mut sleeper(settings, "sleep", &[]));
    }
    if settings.has(Mode::ForksHoldingStdout) {
        let mut command = sleeper(settings, "sleep", &[]);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        spawn(settings, command.stdout(Stdio::inherit()));
    }
}

fn sleeper(settings: &Settings, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .arg(settings.lifetime.as_secs().max(1).to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn spawn(settings: &Settings, command: &mut Command) {
    if let Err(error) = command.spawn() {
        die(settings, &format!("cannot start {command:?}: {error}"));
    }
}

/// Writes what the noisy modes write to stderr.
pub(crate) fn make_noise(settings: &Settings) {
    let mut stderr = io::stderr().lock();
    if settings.has(Mode::NoisyStderr) {
        let line = format!("hostile: {}\n", "noise ".repeat(20));
        let noise = line.repeat(2 * 1024 * 1024 / line.len());
        // The noise is lost when nobody listens, which is not this plugin's problem.
        let _ = stderr.write_all(noise.as_bytes());
    }
    if settings.has(Mode::NonUtf8Stderr) {
        let _ = stderr.write_all(b"hostile: \xff\xfe is not UTF-8\n");
    }
}
