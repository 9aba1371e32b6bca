//! Links that take and give a little at a time.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{StreamItem, StreamKind};
use pegboard_transport::{Link, Sink, Source};

use super::pair::{check_over, deadline, output_of, sum, value_of};

/// Numbers that are the same in every run of a test.
pub(crate) struct Random(AtomicU64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(AtomicU64::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1))
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        let mut state = self.0.load(Ordering::Relaxed);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0.store(state, Ordering::Relaxed);
        state % bound
    }
}

/// Gives one byte at a time, or a few.
struct Drip {
    source: Box<dyn Source>,
    most: usize,
}

impl Source for Drip {
    fn read(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        self.source.read(&mut buffer[..most], deadline)
    }
}

/// Takes a few bytes, and now and then none.
struct Choke {
    sink: Box<dyn Sink>,
    random: Random,
    most: usize,
}

impl Sink for Choke {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.random.below(3) == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = self.most.min(bytes.len());
        self.sink.try_write(&bytes[..most])
    }

    fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<usize> {
        let most = self.most.min(bytes.len());
        self.sink.write(&bytes[..most], deadline)
    }
}

fn slow(link: Link, most: usize) -> Link {
    static SEED: Mutex<u64> = Mutex::new(1);
    let mut seed = SEED.lock().unwrap();
    *seed += 1;
    Link {
        source: Box::new(Drip {
            source: link.source,
            most,
        }),
        sink: Box::new(Choke {
            sink: link.sink,
            random: Random::new(*seed),
            most,
        }),
        hangup: link.hangup,
    }
}

fn byte_by_byte() -> (Link, Link) {
    let (one, two) = Link::memory();
    (slow(one, 1), slow(two, 1))
}

pub(crate) fn in_pieces() -> (Link, Link) {
    let (one, two) = Link::memory();
    (slow(one, 100), slow(two, 100))
}

/// Whatever the link does, calls and streams come through.
fn check(link: fn() -> (Link, Link), items: i64) {
    check_over(link, move |pair| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for number in 0..items / 10 {
                        let number = Value::int(thread * items + number);
                        assert_eq!(value_of(&pair.run("echo", number.clone())), number);
                    }
                });
            }
            scope.spawn(|| {
                assert_eq!(
                    sum(output_of(&pair.run("count", Value::int(items)))),
                    items * (items - 1) / 2
                );
            });
            let (call, out) = pair.feed("pass", StreamKind::List);
            let mut output = output_of(&call);
            scope.spawn(move || {
                (0..items).all(|number| out.send(StreamItem::List(Value::int(number))).is_ok())
            });
            for number in 0..items {
                let item = StreamItem::List(Value::int(number));
                assert_eq!(output.next_item(deadline()), Some(Ok(item)));
            }
            assert_eq!(output.next_item(deadline()), None);
        });
    });
}

#[test]
fn one_byte_at_a_time() {
    check(byte_by_byte, 300);
}

#[test]
fn a_few_bytes_at_a_time() {
    check(in_pieces, 3_000);
}
