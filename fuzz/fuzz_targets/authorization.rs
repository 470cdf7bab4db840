//! Fuzzes the parser of `Authorization` field lines.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::authorization(data));
