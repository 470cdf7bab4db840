//! Fuzzes the normal form of the URIs of resources.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::resource_uri(data));
