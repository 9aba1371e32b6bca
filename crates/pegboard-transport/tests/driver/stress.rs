//! Many threads at random, over links that choke, ended at random: nobody may wait for ever.

use std::time::Duration;

use pegboard_protocol::Value;
use pegboard_protocol::nu::{StreamItem, StreamKind};
use pegboard_protocol::session::{Failure, FailureKind};
use pegboard_transport::Link;

use super::pair::{BOTH, Outcome, PATIENCE, Pair, run, sum, try_call, within};
use super::slow::{Random, in_pieces};

/// How long to hunt.
const HUNT: Duration = Duration::from_secs(4);

#[test]
fn lost_wake_ups() {
    let end = std::time::Instant::now() + HUNT;
    let mut round = 0;
    while std::time::Instant::now() < end {
        round += 1;
        let link = if round % 2 == 0 {
            Link::memory
        } else {
            in_pieces
        };
        let encoding = BOTH[round % 4 / 2];
        within(PATIENCE, move || {
            one_round(Pair::new(link(), encoding, None), round as u64)
        });
    }
}

fn one_round(pair: Pair, seed: u64) {
    let random = Random::new(seed);
    let plan: Vec<(u64, u64)> = (0..6)
        .map(|_| (random.below(6), random.below(400)))
        .collect();
    let fails = random.below(3);
    std::thread::scope(|scope| {
        let pair = &pair;
        for (kind, amount) in plan {
            scope.spawn(move || act(pair, kind, amount));
        }
        if fails > 0 {
            scope.spawn(move || {
                let calls = random.below(20);
                (0..calls).for_each(|_| act(pair, 0, 1));
                let failure = Failure::new(FailureKind::Local, "at random");
                match fails {
                    1 => pair.host.fail(failure),
                    _ => pair.plugin.fail(failure),
                }
            });
        }
    });
    pair.host.fail(Failure::new(FailureKind::Local, "the end"));
    pair.host_side.ended();
    pair.plugin_side.ended();
    pair.plugin_side.held.lock().unwrap().clear();
    assert_eq!(
        pair.host
            .ask(|session| (session.open_calls(), session.open_streams())),
        (0, 0)
    );
    assert_eq!(pair.plugin.ask(|session| session.open_calls()), 0);
}

/// Something that one thread does. It comes to an end, in whatever way.
fn act(pair: &Pair, kind: u64, amount: u64) {
    let call = |name: &str, argument, input| {
        try_call(&pair.host, &pair.host_side, run(name, argument, input)).ok()
    };
    let number = Some(Value::int(amount as i64));
    let send = |out: &pegboard_transport::OutStream<_>, times| {
        (0..times).all(|number| {
            out.send(StreamItem::List(Value::int(number as i64)))
                .is_ok()
        })
    };
    let (outcomes, takes) = match kind {
        0 => (call("echo", number, Default::default()), 0),
        1 => (call("count", number, Default::default()), usize::MAX),
        2 => (
            call("count", number, Default::default()),
            amount as usize / 2,
        ),
        _ => {
            let (id, out) = pair.host.open_stream(StreamKind::List);
            let name = ["drop", "sum", "pass"][kind as usize - 3];
            let made = call(name, None, super::pair::list(id));
            match (made, name) {
                (Some(made), "pass") => {
                    std::thread::scope(|scope| {
                        scope.spawn(move || send(&out, amount));
                        finish(&made, usize::MAX);
                    });
                    return;
                }
                (made, _) => {
                    send(&out, amount);
                    drop(out);
                    (made, 0)
                }
            }
        }
    };
    if let Some(outcomes) = outcomes {
        finish(&outcomes, takes);
    }
}

fn finish(outcomes: &std::sync::mpsc::Receiver<Outcome>, takes: usize) {
    loop {
        match outcomes
            .recv_timeout(PATIENCE)
            .expect("every call comes to an end")
        {
            Outcome::Response(_, Some(output)) if takes == usize::MAX => {
                sum(output);
            }
            Outcome::Response(_, Some(mut output)) => {
                (0..takes)
                    .all(|_| matches!(output.next_item(super::pair::deadline()), Some(Ok(_))));
            }
            Outcome::Response(_, None) => {}
            Outcome::Closed | Outcome::Failed => return,
        }
    }
}
