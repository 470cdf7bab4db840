//! Fuzzes the reader of security events: the payload of a token whose signature was verified.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::event(data));
