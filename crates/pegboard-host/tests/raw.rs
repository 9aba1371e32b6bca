//! Programs of plugins that are started and not spoken to.
#![cfg(target_os = "linux")]

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use pegboard_host::{Config, Engine, RawProcess, RawStart, Stderr};
use pegboard_testkit::peers::hostile;
use pegboard_testkit::tree::{is_alive, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

fn with(modes: &str, start: RawStart, test: impl FnOnce(&mut RawProcess)) {
    let environment = [("HOSTILE".into(), modes.into())];
    let path = std::env::var_os("PATH").map(|path| ("PATH".into(), path));
    let mut config = Config::new("/", environment.into_iter().chain(path));
    config.stderr = Stderr::Discard;
    let engine = Engine::new(config).expect("an engine");
    let plugin = engine.load(hostile()).expect("the plugin");
    let mut process = plugin.start_raw(start).expect("it starts");
    test(&mut process);
}

#[test]
fn its_first_bytes_and_its_end() {
    for start in [RawStart::Stdio, RawStart::LocalSocket] {
        with("", start, |process| {
            let mut link = process.connect(soon()).expect("a link");
            let mut first = [0; 5];
            let read = link.source.read(&mut first, Some(soon())).expect("bytes");
            assert_eq!(&first[..read], b"\x04json");
            assert!(process.wait(Instant::now()).is_none());
            drop(link);
            let end = process.wait(soon()).expect("it ends");
            assert_eq!((end.code, end.words.as_str()), (Some(0), "exit code 0"));
        });
    }
}

#[test]
fn a_program_without_arguments() {
    with("", RawStart::Bare, |process| {
        assert_eq!(process.wait(soon()).expect("it ends").code, Some(1));
        let words = process.last_words();
        assert!(words[0].contains("usage: pegboard-hostile"), "{words:?}");
    });
}

#[test]
fn a_program_that_listens() {
    for ask in [RawProcess::terminate, RawProcess::interrupt] {
        with("", RawStart::SocketPath(&["--and", "more"]), |process| {
            let mut link = process.connect(soon()).expect("a link");
            let hello = br#"{"type":"Hello","payload":{"version":"0.2.1","features":[]}}"#;
            let line = [&hello[..], b"\n"].concat();
            let wrote = link.sink.write(&line, Some(soon())).expect("it is read");
            assert_eq!(wrote, line.len());
            let mut first = [0; 16];
            let read = link.source.read(&mut first, Some(soon())).expect("bytes");
            assert_eq!(&first[..read], br#"{"type":"Hello",""#[..read].as_ref());
            // The plugin has taken it away when somebody was there.
            let socket = process.socket().expect("a path");
            assert!(socket.parent().is_some_and(Path::is_dir) && !socket.exists());
            ask(process);
            assert_eq!(process.wait(soon()).expect("it ends").code, None);
        });
    }
}

#[test]
fn a_program_that_never_listens() {
    with("exit-at-start", RawStart::SocketPath(&[]), |process| {
        let error = process.connect(soon()).expect_err("it is gone");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_program_that_does_not_connect() {
    with("local-socket-refuse", RawStart::LocalSocket, |process| {
        let error = process.connect(soon()).expect_err("it refuses");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let again = process.connect(soon()).expect_err("it was taken");
        assert_eq!(again.kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn what_it_started_is_known_and_ends_with_it() {
    let mut offspring = Vec::new();
    with("forks", RawStart::Stdio, |process| {
        drop(process.connect(soon()).expect("a link"));
        process.wait(soon()).expect("it ends");
        offspring = process.offspring(Instant::now());
        assert_eq!(offspring.len(), 2, "{offspring:?}");
    });
    let gone = || !offspring.iter().any(|process| is_alive(*process));
    assert!(wait_until(PATIENCE, gone), "{offspring:?}");
}
