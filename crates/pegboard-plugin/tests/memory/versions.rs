//! One plugin, every version: the engine's is spoken, and what it does not know is not asked of it.

use std::time::Duration;

use pegboard_plugin::protocol::nu::Call as WireCall;
use pegboard_plugin::protocol::session::EnginePolicy;
use pegboard_plugin::protocol::{Bound, Range};
use pegboard_plugin::{Command, Input, Plugin, SyntaxShape, Type, Value};

use super::bench::{Bench, Did, PATIENCE, none};

const VERSIONS: [&str; 19] = [
    "0.98.0", "0.99.1", "0.100.0", "0.101.0", "0.102.0", "0.103.0", "0.104.1", "0.105.1",
    "0.106.1", "0.107.0", "0.108.0", "0.109.1", "0.110.0", "0.111.0", "0.112.2", "0.113.1",
    "0.114.1", "0.115.1", "0.116.0",
];

fn plugin() -> Plugin {
    Plugin::new("test", "1")
        .command(
            Command::new("echo", "Gives its input back")
                .types(Type::Any, Type::List(Box::new(Type::Int)))
                .optional("word", SyntaxShape::String, "A word")
                .candidates("word", ["one", "two"])
                .run(|call| Ok(call.input())),
        )
        .command(
            Command::new("version", "The engine's version")
                .run(|call| Ok(Value::string(call.engine().version()))),
        )
        .command(
            Command::new("ir", "The code of block 0")
                .run(|call| call.engine().block_ir(0).map(|_| Value::nothing())),
        )
}

fn range() -> Value {
    let (start, step, end) = (1, 2, Bound::Included(9));
    Value::Range(
        Box::new(Range::Int { start, step, end }),
        pegboard_plugin::Span::UNKNOWN,
    )
}

#[test]
fn the_version_of_an_engine_that_speaks_first_is_spoken() {
    for version in VERSIONS {
        for plugin in [plugin(), plugin().json()] {
            let bench = Bench::new(plugin, version);
            assert_eq!(bench.hello().version, version);
            bench.call(WireCall::Signature);
            let value = bench.value("echo", none(), range());
            assert_eq!(value, Ok(range()), "{version}");
            let spoken = bench.value("version", none(), Input::Empty);
            assert_eq!(spoken, Ok(Value::string(version)));
            bench.end();
        }
    }
}

#[test]
fn an_engine_that_waits_is_told_the_newest_version() {
    let policy = EnginePolicy::Mirror {
        wait: PATIENCE,
        otherwise: "0.98.0".parse().unwrap(),
    };
    let bench = Bench::with(plugin(), policy);
    assert_eq!(bench.hello().version, "0.115.1");
    assert_eq!(bench.value("echo", none(), range()), Ok(range()));
    bench.end();
}

#[test]
fn an_engine_that_speaks_late_is_understood() {
    let policy = EnginePolicy::Mirror {
        wait: Duration::from_millis(20),
        otherwise: "0.108.0".parse().unwrap(),
    };
    let bench = Bench::with(plugin(), policy);
    assert_eq!(bench.hello().version, "0.108.0");
    bench.end();
}

#[test]
fn what_the_engine_does_not_know_is_refused_and_not_sent() {
    for version in VERSIONS {
        let bench = Bench::new(plugin(), version);
        let minor: u64 = version.split('.').nth(1).unwrap().parse().unwrap();
        let answer = bench.value("ir", none(), Input::Empty);
        let asked = bench.did().contains(&Did::Asked("GetBlockIR".to_owned()));
        if minor >= 110 {
            assert_eq!(answer, Ok(Value::nothing()), "{version}");
            assert!(asked);
        } else {
            let message = answer.unwrap_err().msg;
            assert!(message.contains("0.110"), "{message}");
            assert!(message.contains(version), "{message}");
            assert!(!asked, "{version}");
        }
        bench.end();
    }
}
