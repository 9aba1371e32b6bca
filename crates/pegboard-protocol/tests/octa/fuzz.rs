//! The fuzz target of conversations, run over its corpus.

use pegboard_protocol::octa::Features;

use super::ops::Op;
use super::pair::Pair;

/// What a fuzzer calls: the first byte chooses the features, every three more are an operation.
pub(crate) fn octa_session(data: &[u8]) {
    let Some((mask, data)) = data.split_first() else {
        return;
    };
    let (ops, _) = data.as_chunks();
    Pair::new(features(*mask)).run(ops.iter().copied().map(Op::from_bytes));
}

/// The features whose bits are set.
pub(crate) fn features(mask: u8) -> Features {
    Features::ALL
        .iter()
        .enumerate()
        .filter(|(bit, _)| mask >> bit & 1 == 1)
        .fold(Features::NONE, |features, (_, feature)| {
            features.with(feature)
        })
}

#[test]
fn corpus() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/octa/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        octa_session(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 10);
}
