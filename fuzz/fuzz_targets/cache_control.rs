//! Fuzzes the parser of `Cache-Control` values.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::cache_control(data));
