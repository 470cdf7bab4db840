//! Fuzzes the parser of token payloads.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::claims(data));
