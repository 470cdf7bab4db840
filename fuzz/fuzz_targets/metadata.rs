//! Fuzzes the parser of metadata documents.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::metadata(data));
