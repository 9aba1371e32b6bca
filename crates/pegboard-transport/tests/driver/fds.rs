//! The driver over real pipes and sockets.
#![cfg(unix)]

use std::os::unix::net::UnixStream;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{StreamItem, StreamKind};
use pegboard_transport::Link;

use super::pair::{check_over, output_of, sum, value_of};

fn pipes() -> (Link, Link) {
    let (one_reads, two_writes) = std::io::pipe().unwrap();
    let (two_reads, one_writes) = std::io::pipe().unwrap();
    (
        Link::from_fds(one_reads.into(), one_writes.into()).unwrap(),
        Link::from_fds(two_reads.into(), two_writes.into()).unwrap(),
    )
}

/// Two sockets, each used in one direction, as plugins connect.
fn sockets() -> (Link, Link) {
    let (one_reads, two_writes) = UnixStream::pair().unwrap();
    let (two_reads, one_writes) = UnixStream::pair().unwrap();
    (
        Link::from_fds(one_reads.into(), one_writes.into()).unwrap(),
        Link::from_fds(two_reads.into(), two_writes.into()).unwrap(),
    )
}

/// Blocking pipes, which nothing but their other end can wake.
fn blocking() -> (Link, Link) {
    let (one_reads, two_writes) = std::io::pipe().unwrap();
    let (two_reads, one_writes) = std::io::pipe().unwrap();
    (
        Link::blocking(one_reads, one_writes, || {}),
        Link::blocking(two_reads, two_writes, || {}),
    )
}

fn check(link: fn() -> (Link, Link)) {
    check_over(link, |pair| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for number in thread * 100..(thread + 1) * 100 {
                        assert_eq!(
                            value_of(&pair.run("echo", Value::int(number))),
                            Value::int(number)
                        );
                    }
                });
            }
            let (call, out) = pair.feed("pass", StreamKind::Raw);
            let output = output_of(&call);
            scope.spawn(move || {
                (0..200).all(|_| out.send(StreamItem::Raw(vec![1; 8 << 10])).is_ok());
            });
            assert_eq!(sum(output), 200 * (8 << 10));
        });
        let large = Value::string("x".repeat(1 << 20));
        assert_eq!(value_of(&pair.run("echo", large.clone())), large);
    });
}

#[test]
fn over_pipes() {
    check(pipes);
}

#[test]
fn over_sockets() {
    check(sockets);
}

#[test]
fn over_blocking_pipes() {
    check(blocking);
}
