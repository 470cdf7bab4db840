//! Fuzzes the parser of URLs of DPoP proofs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::htu(data));
