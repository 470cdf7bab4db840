//! Fuzzes the parser of DPoP proofs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::proof(data));
