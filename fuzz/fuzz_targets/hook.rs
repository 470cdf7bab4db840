//! Fuzzes the reader of deliveries of event hooks.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::hook(data));
