//! Random conversations of two sessions, as messages and as bytes cut anywhere.

use pegboard_protocol::codec::Encoding;
use pegboard_protocol::nu::Feature;
use proptest::collection::vec;
use proptest::prelude::*;

use super::ops::Op;
use super::pair::Pair;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    vec(any::<[u8; 3]>().prop_map(Op::from_bytes), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages(ops in ops()) {
        Pair::new(None, &[]).run(ops);
    }

    #[test]
    fn messages_with_extensions(ops in ops()) {
        Pair::new(None, &Feature::EXTENSIONS).run(ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json(ops in ops()) {
        Pair::new(Some(Encoding::Json), &[]).run(ops);
    }

    #[test]
    fn json_with_extensions(ops in ops()) {
        Pair::new(Some(Encoding::Json), &Feature::EXTENSIONS).run(ops);
    }

    #[test]
    fn msgpack(ops in ops()) {
        Pair::new(Some(Encoding::MsgPack), &[]).run(ops);
    }

    #[test]
    fn msgpack_with_extensions(ops in ops()) {
        Pair::new(Some(Encoding::MsgPack), &Feature::EXTENSIONS).run(ops);
    }
}
