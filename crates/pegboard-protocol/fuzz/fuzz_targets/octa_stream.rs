//! Runs `octa::stream` over what the fuzzer makes up; the corpus is in `fuzz/corpus/octa_stream`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pegboard_protocol_fuzz::octa::stream(bytes));
