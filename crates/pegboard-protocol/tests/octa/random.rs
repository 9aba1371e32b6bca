//! Random conversations of two sessions, as bytes cut anywhere, with all features, with some and with none.

use pegboard_protocol::octa::{Feature, Features};
use proptest::collection::vec;
use proptest::prelude::*;

use super::fuzz::features;
use super::ops::Op;
use super::pair::Pair;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    vec(any::<[u8; 3]>().prop_map(Op::from_bytes), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_real_peers_can(ops in ops()) {
        Pair::new(Features::NONE).run(ops);
    }

    #[test]
    fn with_all_features(ops in ops()) {
        Pair::new(Features::ALL).run(ops);
    }

    #[test]
    fn with_some_features(mask in any::<u8>(), ops in ops()) {
        Pair::new(features(mask)).run(ops);
    }
}

#[test]
fn a_mask_stands_for_features() {
    assert_eq!(features(0), Features::NONE);
    assert_eq!(features(255), Features::ALL);
    assert!(features(2).has(Feature::Ids));
}
