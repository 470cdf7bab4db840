//! Fuzzes the parser of compact JWS.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::jws(data));
