//! Tests of the policies for MCP servers.

mod body;
mod headers;
mod model;
mod resource_uri;

use super::{McpCalls, McpRejection};
use crate::http::HeaderMap;

fn read<'b>(fields: &[(&'static str, &str)], body: &'b [u8]) -> Result<McpCalls<'b>, McpRejection> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().expect("a header value"));
    }
    McpCalls::read(&headers, body, None)
}

/// Returns status, code and body of a rejection.
fn parts(rejection: McpRejection) -> (u16, &'static str, String) {
    let (rejection, body) = rejection.into_parts();
    assert!(
        rejection
            .headers()
            .all(|(name, _)| name != "www-authenticate"),
        "a request that cannot be read gets no challenge"
    );
    let body = String::from_utf8(body).expect("a text");
    (rejection.status().as_u16(), rejection.code(), body)
}

/// Returns the JSON-RPC error of the rejection of a malformed body.
fn error(body: &[u8]) -> i64 {
    let shown = String::from_utf8_lossy(body).into_owned();
    let Err(rejection) = read(&[], body) else {
        panic!("accepted: {shown}");
    };
    let (status, code, body) = parts(rejection);
    assert_eq!((status, code), (400, "malformed_body"), "{shown}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    body["error"]["code"].as_i64().expect("a code")
}

/// Returns what a body calls, such as `tool read_file`.
fn calls(body: &str) -> Vec<String> {
    let calls = read(&[], body.as_bytes()).unwrap_or_else(|_| panic!("rejected: {body}"));
    let shown = |call: &super::message::Call<'_>| format!("{:?} {}", call.kind, call.target);
    calls.iter().map(shown).collect()
}
