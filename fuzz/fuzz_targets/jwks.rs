//! Fuzzes the parser of key sets.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::jwks(data));
