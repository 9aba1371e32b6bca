//! Copies blocks of bytes.

/// How much is copied at a time. Above some 4 KiB the C library copies with a single instruction, which on AMD's Zen 3 and
/// later is ten times slower when source and target do not begin at the same place of a cache line, as they seldom do here.
const BLOCK: usize = 1 << 10;

/// Appends bytes to a buffer.
pub(super) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len());
    for block in bytes.chunks(BLOCK) {
        out.extend_from_slice(block);
    }
}

/// The same bytes in a buffer of their own.
pub(super) fn to_vec(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    append(&mut out, bytes);
    out
}
