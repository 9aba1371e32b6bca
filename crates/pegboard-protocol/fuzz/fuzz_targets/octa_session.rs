//! Runs `octa::session` over what the fuzzer makes up; the corpus is in `tests/octa/corpus`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pegboard_protocol_fuzz::octa::session(bytes));
