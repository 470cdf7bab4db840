//! What the layer writes to the log, beside the event of each rejection.

use http::{HeaderValue, Response};
use http_body_util::Full;
use okta_verifier::mcp::McpSessions;
use okta_verifier_tower::mcp::McpLayer;
use tokio::runtime::Builder;

use super::support::*;

/// Sends requests one after the other, and returns the messages of the events about sessions.
fn messages(layer: McpLayer, server: Server, subjects: &[&str]) -> Vec<String> {
    let service = protected(layer, server);
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let lines = secret_scan::logged(|| {
        for subject in subjects {
            let request = post(&reader(subject), None, INITIALIZE);
            runtime.block_on(send(&service, request));
        }
    });
    let lines = lines
        .into_iter()
        .filter(|line| line.text.contains("MCP ses") || line.text.contains("MCP server"));
    let text = |line: secret_scan::Line| format!("{} {}", line.level, line.text.trim_end());
    lines
        .map(text)
        .filter(|text| !text.starts_with("DEBUG"))
        .collect()
}

#[test]
fn full_session_store_leaves_one_warning() {
    let layer = McpLayer::new(tools()).sessions(McpSessions::new().max_sessions(1));
    let seen = messages(
        layer,
        Server::with_sessions(),
        &["ada", "bob", "eve", "bob"],
    );
    let [warning] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert!(warning.starts_with("WARN "), "{warning}");
    assert!(warning.contains("MCP session store is full"), "{warning}");
}

#[test]
fn session_that_cannot_be_bound_leaves_an_error_without_its_id() {
    let server = Server::new(|_| {
        let mut response = Response::new(Full::default());
        let id = HeaderValue::from_static("0123456789abcdef");
        response.headers_mut().insert(SESSION, id);
        response
    });
    let seen = messages(McpLayer::new(tools()), server, &["ada", "bob"]);
    let [error] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert!(error.starts_with("ERROR "), "{error}");
    assert!(!error.contains("0123456789abcdef"), "{error}");
}
