//! The fuzz target of sessions, run over its corpus.

use pegboard_protocol::codec::Encoding;
use pegboard_protocol::nu::Feature;

use super::ops::Op;
use super::pair::Pair;

/// What a fuzzer calls: the first byte chooses how messages travel and what both sides can do, every three more are an operation.
pub(crate) fn session(data: &[u8]) {
    let Some((mode, data)) = data.split_first() else {
        return;
    };
    let encoding = match mode % 3 {
        0 => None,
        1 => Some(Encoding::Json),
        _ => Some(Encoding::MsgPack),
    };
    let features: &[Feature] = match mode / 3 % 2 {
        0 => &[],
        _ => &Feature::EXTENSIONS,
    };
    let (ops, _) = data.as_chunks();
    Pair::new(encoding, features).run(ops.iter().copied().map(Op::from_bytes));
}

#[test]
fn corpus() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/session/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        session(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 10);
}
