//! The ends of custom values: when every flavour of the reference plugin is told, and what is kept running for it.

mod common;

use std::time::Duration;

use common::custom::{base, make, noted};
use common::{NEWEST, PATIENCE, Reference, for_each_flavour, int, items, list, value};
use pegboard_host::{Flow, Idle, PluginConfig, State, Value};
use pegboard_testkit::tree::wait_until;

fn drops(reference: &Reference) -> i64 {
    int(&reference.value("custom drops"))
}

#[track_caller]
fn drops_become(reference: &Reference, wanted: i64) {
    let mut got = -1;
    let reached = wait_until(PATIENCE, || {
        got = drops(reference);
        got >= wanted
    });
    assert!(
        reached && got == wanted,
        "{got} drop notices instead of {wanted}"
    );
}

#[test]
fn the_end_of_the_last_copy_is_told_once() {
    for_each_flavour(|reference| {
        let item = noted(reference, "cat");
        let copies = vec![item.clone(); 10];
        drop(item);
        assert_eq!(
            value(reference.run("custom get").input(copies[3].clone())),
            base("cat", 0, true)
        );
        assert_eq!(drops(reference), 0);
        drop(copies);
        drops_become(reference, 1);
        // Each value that the plugin sends is one of its own.
        let all = value(
            reference
                .run("custom list")
                .argument(Value::int(5))
                .switch("notify"),
        );
        drop(all.clone());
        assert_eq!(drops(reference), 1);
        let first = items(all.clone())[0].clone();
        drop(all);
        drops_become(reference, 5);
        drop(first);
        drops_become(reference, 6);
        // One that does not ask for it is not told of.
        drop(make(reference, "quiet", 1));
        assert_eq!(drops(reference), 6);
        // What comes back counts again.
        let there = noted(reference, "again");
        let back = value(reference.run("echo").input(there.clone()));
        drop(there);
        drops_become(reference, 7);
        drop(back);
        drops_become(reference, 8);
    });
}

#[test]
fn a_value_in_use_is_not_dropped_before_its_call_ends() {
    for_each_flavour(|reference| {
        let started = list(
            reference
                .run("endless")
                .argument(noted(reference, "argument")),
        );
        let streaming = list(reference.run("endless").input(noted(reference, "input")));
        let inside = Value::list([Value::record([("deep", noted(reference, "deep"))])]);
        let nested = list(reference.run("endless").argument(inside));
        let (give, take) = std::sync::mpsc::channel();
        let mut fed = list(reference.run("echo").input(Flow::list(take)));
        give.send(noted(reference, "item"))
            .expect("somebody who waits");
        let back = fed.next().expect("an item").expect("a custom value");
        assert_eq!(drops(reference), 0);
        for (stream, wanted) in [started, streaming, nested].into_iter().zip(1..) {
            drop(stream);
            drops_become(reference, wanted);
        }
        drop(give);
        assert!(fed.next().is_none());
        drops_become(reference, 4);
        // The copy that came back is one of its own.
        drop(back);
        drops_become(reference, 5);
        assert_eq!(reference.plugin.status().starts, 1);
    });
}

#[test]
fn values_outlive_the_process_that_made_them() {
    for_each_flavour(|reference| {
        let (item, noted) = (make(reference, "cat", 2), noted(reference, "dog"));
        reference.plugin.stop();
        assert_eq!(reference.plugin.status().state, State::Stopped);
        assert_eq!(
            reference
                .rig
                .engine
                .to_base_value(item.clone())
                .expect("a record"),
            base("cat", 2, false)
        );
        assert_eq!(reference.plugin.status().starts, 2);
        reference.plugin.stop();
        assert_eq!(
            value(reference.run("custom get").input(item)),
            base("cat", 2, false)
        );
        // The new process never made it, and hears nothing of its end.
        drop(noted);
        assert_eq!(drops(reference), 0);
        assert_eq!(reference.plugin.status().starts, 3);
    });
}

#[test]
fn a_value_that_waits_for_its_end_keeps_its_plugin_running() {
    let config = PluginConfig {
        idle: Idle::After(Duration::from_millis(50)),
        ..PluginConfig::default()
    };
    let reference = Reference::with(NEWEST, config, |_| {});
    let stops = |within| wait_until(within, || reference.plugin.status().state == State::Stopped);
    let item = noted(&reference, "cat");
    assert!(
        !stops(Duration::from_millis(400)),
        "it was stopped although a value is alive"
    );
    drop(item);
    assert!(stops(PATIENCE), "it was not stopped");
    // One that does not care holds nothing.
    let item = make(&reference, "quiet", 1);
    assert!(stops(PATIENCE), "it was not stopped");
    assert_eq!(
        reference.rig.engine.to_base_value(item).expect("a record"),
        base("quiet", 1, false)
    );
}

#[test]
fn a_loop_of_updates_in_many_threads_ends_with_every_value_dropped() {
    let reference = Reference::new(NEWEST);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let reference = &reference;
            scope.spawn(move || {
                for _ in 0..10 {
                    let mut item = noted(reference, "cat");
                    for _ in 0..4 {
                        item = value(reference.run("custom update").input(item));
                    }
                    assert_eq!(
                        value(reference.run("custom get").input(item)),
                        base("cat", 4, true),
                        "{thread}"
                    );
                }
            });
        }
    });
    drops_become(&reference, 8 * 10 * 5);
}
