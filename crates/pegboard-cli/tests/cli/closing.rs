//! Ends before the end: closed pipes and signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use pegboard_testkit::tree::{processes_with_env, wait_until};
use rustix::process::Signal;

use crate::support::{Cli, Folder, PATIENCE, finish, signal};

const REF: &str = "nu_plugin_reference";

/// Nothing of a run is left; its environment has `PEGBOARD_TEST` with this value.
fn nothing_is_left(mark: &str) {
    let gone = wait_until(Duration::from_secs(10), || {
        processes_with_env("PEGBOARD_TEST", mark).is_empty()
    });
    assert!(gone, "processes of {mark} are left");
}

fn mark(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// Waits for the first line; the pipe stays open with the child.
fn first_line(child: &mut Child) -> String {
    let mut pipe = child.stdout.take().expect("a pipe");
    let (send, receive) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::with_capacity(1, &mut pipe).read_line(&mut line);
        send.send(read.map(|_| (line, pipe)))
    });
    let Ok(read) = receive.recv_timeout(PATIENCE) else {
        signal(child.id(), Signal::KILL);
        panic!("no line comes");
    };
    let (line, pipe) = read.expect("a line");
    child.stdout = Some(pipe);
    line
}

#[test]
fn a_closed_pipe_ends_an_endless_stream_quietly() {
    for line in ["ref endless", "ref endless --sleep 1"] {
        let mark = mark("closed");
        let mut child = Cli::run(REF, line).variable("PEGBOARD_TEST", &mark).start();
        assert_eq!(first_line(&mut child), "0\n");
        drop(child.stdout.take());
        let began = Instant::now();
        let ran = finish(child);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        nothing_is_left(&mark);
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let ran = finish(Cli::run(REF, "ref endless").start_with(None, full));
    let message = "error: writing the output failed: No space left on device (os error 28)\n";
    assert_eq!((ran.code, ran.err.as_str()), (Some(4), message));
    for arguments in [&["--help"][..], &["run", "--help"], &["--version"]] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let cli = Cli::new(arguments);
        let ran = finish(cli.start_with(None, full.expect("/dev/full")));
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (Some(4), message),
            "{arguments:?}"
        );
    }
    let full = std::fs::File::options().write(true).open("/dev/full");
    let cli = Cli::run(REF, "ref args --help");
    let ran = finish(cli.start_with(None, full.expect("/dev/full")));
    assert_eq!((ran.code, ran.err.as_str()), (Some(4), message));
}

#[test]
fn an_interrupt_ends_a_stream() {
    for (sent, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mark = mark("interrupt");
        let mut child = Cli::run(REF, "ref endless --sleep 5")
            .variable("PEGBOARD_TEST", &mark)
            .start();
        assert_eq!(first_line(&mut child), "0\n");
        signal(child.id(), sent);
        let ran = finish(child);
        assert_eq!((ran.code, ran.err.as_str()), (Some(code), ""));
        nothing_is_left(&mark);
    }
}

/// Starts a call and waits until the plugin has been asked.
fn started(folder: &Folder, mark: &str, stdin: Option<Stdio>, line: &str) -> Child {
    let trace = folder.file("trace");
    let options = ["--trace", trace.to_str().expect("a plain path")];
    let cli = Cli::run_with(REF, &options, line).variable("PEGBOARD_TEST", mark);
    let child = cli.start_with(stdin, Stdio::piped());
    let asked = || std::fs::read_to_string(&trace).is_ok_and(|text| text.contains("{\"Run\":"));
    assert!(
        wait_until(Duration::from_secs(30), asked),
        "the call is not made"
    );
    child
}

#[test]
fn an_interrupted_command_may_still_answer() {
    let folder = Folder::new("interrupted");
    let child = started(&folder, &mark("answer"), None, "ref sleep 600000");
    signal(child.id(), Signal::INT);
    let ran = finish(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(130), ""));
    assert!(ran.out.contains("\"interrupted\":true"), "{}", ran.out);
}

#[test]
fn an_interrupt_ends_the_wait_for_input() {
    let (folder, mark) = (Folder::new("waiting"), mark("waiting"));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    (&writer).write_all(b"a line\n").expect("room in the pipe");
    let child = started(&folder, &mark, Some(reader.into()), "ref collect-bytes");
    let began = Instant::now();
    signal(child.id(), Signal::INT);
    let ran = finish(child);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (Some(130), "", "")
    );
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    drop(writer);
    nothing_is_left(&mark);
}

#[test]
fn a_command_that_ignores_interrupts_is_cancelled() {
    let (folder, mark) = (Folder::new("stubborn"), mark("stubborn"));
    let child = started(&folder, &mark, None, "ref stubborn 600000");
    signal(child.id(), Signal::INT);
    let ran = finish(child);
    let message = "waiting for the plugin to end; Ctrl-C again ends it at once\n";
    assert_eq!((ran.code, ran.err.as_str()), (Some(130), message));
    nothing_is_left(&mark);
}

#[test]
fn a_signal_is_what_it_dies_of() {
    use std::os::unix::process::ExitStatusExt;
    for (sent, number) in [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)] {
        let mut child = Cli::run(REF, "ref endless --sleep 5").start();
        assert_eq!(first_line(&mut child), "0\n");
        signal(child.id(), sent);
        let status = child.wait_with_output().expect("its end").status;
        assert_eq!(status.signal(), Some(number), "{status}");
    }
}

#[test]
fn ignored_signals_stay_ignored() {
    let plugin = pegboard_testkit::peers::peer(REF);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "trap '' HUP INT; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_pegboard"))
        .args(["run", "--plugin"])
        .arg(plugin)
        .args(["ref", "endless", "--sleep", "5"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = shell.spawn().expect("a shell");
    assert_eq!(first_line(&mut child), "0\n");
    signal(child.id(), Signal::HUP);
    signal(child.id(), Signal::INT);
    let mut pipe = child.stdout.take().expect("a pipe");
    let mut later = [0; 2000];
    pipe.read_exact(&mut later).expect("more output");
    child.stdout = Some(pipe);
    signal(child.id(), Signal::TERM);
    assert_eq!(finish(child).code, Some(143));
}

#[test]
fn a_call_has_as_long_as_it_is_given() {
    let cli = Cli::run_with(REF, &["--timeout", "200ms"], "ref sleep 600000");
    let error = cli.fails(3);
    assert!(error.contains("took longer than 200ms"), "{error}");
    let cli = Cli::run_with(REF, &["--timeout", "1min"], "ref values int");
    assert_eq!(cli.out(), "42\n");
    assert!(
        Cli::run_with(REF, &["--timeout", "5"], "ref values int")
            .fails(2)
            .contains("10s")
    );
}

#[test]
fn a_second_interrupt_ends_everything_at_once() {
    let (folder, mark) = (Folder::new("second"), mark("second"));
    let child = started(&folder, &mark, None, "ref stubborn 600000");
    let trace = folder.file("trace");
    signal(child.id(), Signal::INT);
    let interrupted =
        || std::fs::read_to_string(&trace).is_ok_and(|text| text.contains("Interrupt"));
    assert!(
        wait_until(Duration::from_secs(30), interrupted),
        "the interrupt is not passed on"
    );
    let began = Instant::now();
    signal(child.id(), Signal::INT);
    assert_eq!(finish(child).code, Some(130));
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    nothing_is_left(&mark);
}

#[test]
fn input_that_nobody_reads_does_not_keep_it_waiting() {
    let mut child = Cli::run(REF, "ref ignore")
        .input(vec![b'x'; 10_000_000])
        .start();
    let mut out = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut out)
        .expect("text");
    assert_eq!((out.as_str(), finish(child).code), ("ignored", Some(0)));
}
