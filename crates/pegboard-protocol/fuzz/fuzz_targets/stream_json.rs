//! Runs `stream_json` over what the fuzzer makes up.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pegboard_protocol_fuzz::stream_json(bytes));
