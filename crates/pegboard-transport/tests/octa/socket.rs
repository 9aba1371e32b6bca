//! Over a local socket: the plugin listens, the host connects, whoever is first.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pegboard_protocol::octa::{Features, HostEvent, Outcome};
use pegboard_transport::octa::{Listener, connect};

use super::pair::{Doer, Hosting, deadline};

fn place(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("pb-octa-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn a_host_waits_for_the_socket_and_the_two_talk() {
    let path = place("talk");
    let at = path.clone();
    let connecting = std::thread::spawn(move || connect(&at, deadline(), || false).unwrap());
    let listener = Listener::bind(&path).unwrap();
    let link = listener.accept(deadline()).unwrap();
    let plugin = std::thread::spawn(|| Doer::start(link));
    let hosting = Hosting::start(connecting.join().unwrap(), Features::ALL, None);
    let plugin = plugin.join().unwrap();
    assert_eq!(hosting.run("out hi\n"), ("hi\n".into(), Outcome::Exit(0)));
    let (_, flood) = hosting.execute("flood 100");
    assert_eq!(super::pair::read(flood).len(), 100 << 16);
    hosting.host.session(|session| session.shut_down());
    hosting.await_event(|event| matches!(event, HostEvent::ShutDown { .. }).then_some(()));
    assert!(plugin.is_over());
    drop(listener);
    assert!(!path.exists());
}

#[test]
fn closing_one_direction_of_a_socket_reaches_the_other_side() {
    let path = place("close");
    let listener = Listener::bind(&path).unwrap();
    let link = connect(&path, deadline(), || false).unwrap();
    let accepted = listener.accept(deadline()).unwrap();
    let plugin = std::thread::spawn(|| Doer::start(accepted));
    let hosting = Hosting::start(link, Features::ALL, None);
    let plugin = plugin.join().unwrap();
    hosting.host.close_sink();
    hosting.failure();
    assert!(plugin.failure().is_some());
}

#[test]
fn connecting_ends_at_its_deadline_and_when_the_plugin_is_gone() {
    let path = place("nobody");
    let soon = Instant::now() + Duration::from_millis(20);
    let error = connect(&path, soon, || false).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let error = connect(&path, deadline(), || true).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

/// A socket whose queue is full makes nobody wait without end.
#[test]
fn a_full_queue_is_no_trap() {
    let path = place("full");
    let _listener = UnixListener::bind(&path).unwrap();
    let mut links = Vec::new();
    let error = loop {
        let soon = Instant::now() + Duration::from_millis(20);
        match connect(&path, soon, || false) {
            Ok(link) => links.push(link),
            Err(error) => break error,
        }
        assert!(links.len() < 100_000, "the queue is never full");
        if links.len() > 5000 {
            // This system's queues are longer than there are descriptors.
            return;
        }
    };
    assert!(
        error.kind() == io::ErrorKind::TimedOut || error.raw_os_error() == Some(24),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_path_in_use_or_too_long_is_refused() {
    let path = place("twice");
    let _first = Listener::bind(&path).unwrap();
    assert_eq!(
        Listener::bind(&path).unwrap_err().kind(),
        io::ErrorKind::AddrInUse
    );
    let long = place(&"x".repeat(200));
    assert!(connect(&long, deadline(), || false).is_err());
}
