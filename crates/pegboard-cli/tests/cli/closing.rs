//! Ends before the end: closed pipes and signals.

use std::io::{BufRead, BufReader, Read};
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
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), message));
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
    let mut child = started(&folder, &mark, Some(Stdio::piped()), "ref collect-bytes");
    let stdin = child.stdin.take();
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
    drop(stdin);
    nothing_is_left(&mark);
}

#[test]
fn a_command_that_ignores_interrupts_is_cancelled() {
    let (folder, mark) = (Folder::new("stubborn"), mark("stubborn"));
    let child = started(&folder, &mark, None, "ref stubborn 600000");
    signal(child.id(), Signal::INT);
    let ran = finish(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(130), ""));
    nothing_is_left(&mark);
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
