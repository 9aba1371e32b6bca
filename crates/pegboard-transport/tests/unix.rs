//! Links over pipes and sockets, and the local socket that a plugin connects to.
#![cfg(unix)]

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pegboard_transport::{Link, LocalListener};

const SOON: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// Two links that are joined by pipes.
fn pipes() -> (Link, Link) {
    let (one_reads, two_writes) = std::io::pipe().unwrap();
    let (two_reads, one_writes) = std::io::pipe().unwrap();
    (
        Link::from_fds(one_reads.into(), one_writes.into()).unwrap(),
        Link::from_fds(two_reads.into(), two_writes.into()).unwrap(),
    )
}

/// Two links that are joined by one socket.
fn sockets() -> (Link, Link) {
    let (one, two) = UnixStream::pair().unwrap();
    let link = |stream: UnixStream| {
        let again: OwnedFd = stream.try_clone().unwrap().into();
        Link::from_fds(stream.into(), again).unwrap()
    };
    (link(one), link(two))
}

/// Runs a case over every kind of link; memory has to behave as the others do.
fn check(case: impl Fn(Link, Link)) {
    for link in [pipes, sockets, Link::memory] {
        let (one, two) = link();
        case(one, two);
    }
}

fn deadline() -> Option<Instant> {
    Some(Instant::now() + PATIENCE)
}

/// Waits until as much was written as fits, and gives how much that was.
fn fill(link: &mut Link) -> usize {
    let mut count = 0;
    loop {
        match link.sink.try_write(&[7; 10_000]) {
            Ok(written) => count += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn what_is_written_is_read() {
    check(|mut one, mut two| {
        let count = fill(&mut one);
        assert!(count > 10_000);
        let reader = std::thread::spawn(move || {
            let (mut read, mut buffer) = (0, [0; 3_000]);
            while read < count + 5 {
                read += two.source.read(&mut buffer, deadline()).unwrap();
            }
            (read, buffer[0], two)
        });
        let mut rest: &[u8] = &[7; 5];
        while !rest.is_empty() {
            let written = one.sink.write(rest, deadline()).unwrap();
            rest = &rest[written..];
        }
        let (read, byte, mut two) = reader.join().unwrap();
        assert_eq!((read, byte), (count + 5, 7));
        two.sink.write(b"back", deadline()).unwrap();
        let mut buffer = [0; 10];
        assert_eq!(one.source.read(&mut buffer, deadline()).unwrap(), 4);
        assert_eq!(&buffer[..4], b"back");
    });
}

#[test]
fn deadlines_end_waits() {
    check(|mut one, _two| {
        let soon = || Some(Instant::now() + SOON);
        let error = one.source.read(&mut [0; 10], soon()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        fill(&mut one);
        assert_eq!(
            one.sink.write(b"more", soon()).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
    });
}

#[test]
fn what_is_there_is_read_although_the_deadline_has_passed() {
    check(|mut one, mut two| {
        two.sink.write(b"x", deadline()).unwrap();
        let past = Some(Instant::now());
        assert_eq!(one.source.read(&mut [0; 10], past).unwrap(), 1);
        assert_eq!(
            one.source.read(&mut [0; 10], past).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        assert_eq!(one.sink.write(b"x", past).unwrap(), 1);
    });
}

#[test]
fn a_hangup_ends_the_waits_on_its_side() {
    check(|mut one, _two| {
        fill(&mut one);
        let Link {
            mut source,
            mut sink,
            hangup,
        } = one;
        let (started, waiting) = mpsc::channel();
        let ready = started.clone();
        let reader = std::thread::spawn(move || {
            started.send(()).unwrap();
            source.read(&mut [0; 10], None).unwrap_err().kind()
        });
        let writer = std::thread::spawn(move || {
            ready.send(()).unwrap();
            sink.write(b"more", None).unwrap_err().kind()
        });
        waiting.recv_timeout(PATIENCE).unwrap();
        waiting.recv_timeout(PATIENCE).unwrap();
        hangup.hang_up();
        hangup.hang_up();
        assert_eq!(reader.join().unwrap(), ErrorKind::ConnectionAborted);
        assert_eq!(writer.join().unwrap(), ErrorKind::ConnectionAborted);
    });
}

#[test]
fn the_other_side_finds_a_link_closed_that_was_hung_up_and_dropped() {
    check(|one, mut two| {
        one.hangup.hang_up();
        drop(one);
        assert_eq!(two.source.read(&mut [0; 10], deadline()).unwrap(), 0);
        assert_eq!(
            two.sink.write(b"x", deadline()).unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    });
}

#[test]
fn a_closed_side_is_the_end_for_the_other() {
    check(|mut one, two| {
        let Link {
            source,
            mut sink,
            hangup: _hangup,
        } = two;
        sink.write(b"last", deadline()).unwrap();
        drop((source, sink));
        // A socket is closed when both halves are.
        let error = one.sink.write(b"x", deadline()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let mut buffer = [0; 10];
        assert_eq!(one.source.read(&mut buffer, deadline()).unwrap(), 4);
        assert_eq!(one.source.read(&mut buffer, deadline()).unwrap(), 0);
        assert_eq!(one.source.read(&mut buffer, deadline()).unwrap(), 0);
    });
}

#[test]
fn a_blocked_writer_learns_that_the_reader_has_gone() {
    check(|mut one, two| {
        fill(&mut one);
        let writer = std::thread::spawn(move || one.sink.write(b"x", None).unwrap_err().kind());
        drop(two);
        assert_eq!(writer.join().unwrap(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn half_a_link_for_standard_error() {
    let (reading, mut writing) = std::io::pipe().unwrap();
    let (mut source, hangup) = Link::source_from_fd(reading.into()).unwrap();
    writing.write_all(b"oh").unwrap();
    let mut buffer = [0; 10];
    assert_eq!(source.read(&mut buffer, deadline()).unwrap(), 2);
    hangup.hang_up();
    let error = source.read(&mut buffer, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}

#[test]
fn blocking_streams_carry_bytes() {
    let (reading, mut theirs) = std::io::pipe().unwrap();
    let (mut answers, writing) = std::io::pipe().unwrap();
    let mut link = Link::blocking(reading, writing, || {});
    assert_eq!(
        link.sink.try_write(b"x").unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(link.sink.write(b"question", None).unwrap(), 8);
    let mut buffer = [0; 8];
    answers.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"question");
    theirs.write_all(b"answer").unwrap();
    assert_eq!(link.source.read(&mut buffer, None).unwrap(), 6);
    drop(theirs);
    assert_eq!(link.source.read(&mut buffer, None).unwrap(), 0);
}

/// A path that does not exist, for one test.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("pegboard-test-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

#[test]
fn a_plugin_connects_twice() {
    let directory = directory("twice");
    let listener = LocalListener::bind(&directory).unwrap();
    let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let path = listener.path().to_owned();
    assert_eq!(path.parent(), Some(directory.as_path()));
    let plugin = std::thread::spawn(move || {
        let mut reads = UnixStream::connect(&path).unwrap();
        let mut writes = UnixStream::connect(&path).unwrap();
        writes.write_all(b"from the plugin").unwrap();
        let mut buffer = [0; 15];
        reads.read_exact(&mut buffer).unwrap();
        buffer
    });
    let mut link = listener
        .accept(Instant::now() + PATIENCE, || false)
        .unwrap();
    drop(listener);
    assert!(!directory.exists());
    assert_eq!(link.sink.write(b"from the engine", deadline()).unwrap(), 15);
    let mut buffer = [0; 100];
    assert_eq!(link.source.read(&mut buffer, deadline()).unwrap(), 15);
    assert_eq!(&buffer[..15], b"from the plugin");
    assert_eq!(&plugin.join().unwrap(), b"from the engine");
}

#[test]
fn nobody_connects() {
    let listener = LocalListener::bind(&directory("nobody")).unwrap();
    let error = listener
        .accept(Instant::now() + SOON, || false)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn a_plugin_connects_once_only() {
    let listener = LocalListener::bind(&directory("once")).unwrap();
    let _reads = UnixStream::connect(listener.path()).unwrap();
    let error = listener
        .accept(Instant::now() + SOON, || false)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn a_plugin_that_has_gone_is_not_waited_for() {
    let listener = LocalListener::bind(&directory("gone")).unwrap();
    let mut asked = 0;
    let gone = || {
        asked += 1;
        asked == 3
    };
    let error = listener
        .accept(Instant::now() + PATIENCE, gone)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(asked, 3);
}

#[test]
fn a_directory_that_exists_is_refused_and_left_alone() {
    let directory = directory("exists");
    std::fs::create_dir(&directory).unwrap();
    let error = LocalListener::bind(&directory).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(directory.exists());
    std::fs::remove_dir(&directory).unwrap();
}

#[test]
fn a_path_that_is_too_long_leaves_nothing_behind() {
    let directory = directory(&"long".repeat(40));
    LocalListener::bind(&directory).unwrap_err();
    assert!(!directory.exists());
}
