//! Fuzzes the reader of bodies and header fields of requests to MCP servers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| okta_verifier::fuzz::mcp_body(data));
