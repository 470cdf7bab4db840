//! Fuzzes the parser of introspection responses.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::introspection(data));
