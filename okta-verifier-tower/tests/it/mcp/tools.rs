//! The policies of what a body calls. The scanner itself is tested in the core; here, nothing that it rejects reaches the
//! server.

use okta_verifier_tower::mcp::{McpLayer, Tools};

use super::support::*;

#[tokio::test]
async fn tool_that_needs_more_than_the_floor_is_rejected_before_the_server() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    for body in [
        call("write_file"),
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"rewrite"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///secret/key"}}"#.to_owned(),
        // A batch needs what its messages need.
        format!("[{LIST},{}]", call("write_file")),
        format!("[{},{}]", call("write_file"), call("read_file")),
        // Escapes are read.
        call("write\\u005ffile"),
    ] {
        let first = send(&service, post(&reader("ada"), None, &body)).await;
        first.assert(403, "insufficient_scope");
        let challenge = first.headers["www-authenticate"].to_str().expect("ASCII");
        // The scopes of the floor and of the tool, because a client replaces the scopes of its token.
        assert!(challenge.contains(r#"scope="files:read files:write""#), "{challenge}");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        let again = send(&service, post(&reader("ada"), None, &body)).await;
        assert_eq!(again, first, "the same rejection has the same bytes");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn tool_reaches_the_server_with_its_scope() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    let batch = format!("[{LIST},{}]", call("write_file"));
    for body in [
        &call("write_file"),
        &call("read_file"),
        &call("unlisted"),
        &batch,
    ] {
        send(&service, post(&writer("ada"), None, body))
            .await
            .assert(200, None);
    }
    for body in [&call("read_file"), LIST] {
        send(&service, post(&reader("ada"), None, body))
            .await
            .assert(200, None);
    }
    assert_eq!(server.count(), 6);
}

#[tokio::test]
async fn tool_that_is_not_listed_is_rejected_by_a_closed_table() {
    let server = Server::plain();
    let closed = Tools::closed().tool("read_file", READ);
    let service = protected(McpLayer::new(closed), server.clone());
    let answer = send(&service, post(&writer("ada"), None, &call("write_file"))).await;
    answer.assert(403, "forbidden");
    assert!(!answer.headers.contains_key("www-authenticate"));
    send(&service, post(&reader("ada"), None, &call("read_file")))
        .await
        .assert(200, None);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn tool_that_is_smuggled_past_the_policy_is_rejected() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    let with =
        |params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call",{params}}}"#);
    for body in [
        with(r#""params":{"name":"read_file","name":"write_file"}"#),
        with(r#""params":{"name":"write_file","name":"read_file"}"#),
        with(r#""params":{"name":"read_file","n\u0061me":"write_file"}"#),
        with(r#""params":{"name":"read_file"},"params":{"name":"write_file"}"#),
        with(r#""method":"tools/list","params":{"name":"write_file"}"#),
        with(r#""params":{"$serde_json::private::RawValue":"{\"name\":\"write_file\"}"}"#),
        with(r#""params":{"name":"read_file","arguments":{"$serde_json::private::Number":"1"}}"#),
        format!(
            "[{},{}]",
            call("read_file"),
            with(r#""params":{"name":"read_file","name":"write_file"}"#)
        ),
        format!("{}{}", call("read_file"), call("write_file")),
    ] {
        let answer = send(&service, post(&reader("ada"), None, &body)).await;
        answer.assert(400, "malformed_body");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn tool_of_the_header_decides_nothing_for_an_old_version_and_must_agree_for_a_new_one() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    let lying = |version: Option<&'static str>| {
        let mut request = post(&reader("ada"), None, &call("write_file"));
        let headers = request.headers_mut();
        headers.insert("mcp-method", "tools/call".parse().expect("ASCII"));
        headers.insert("mcp-name", "read_file".parse().expect("ASCII"));
        if let Some(version) = version {
            headers.insert("mcp-protocol-version", version.parse().expect("ASCII"));
        }
        request
    };
    send(&service, lying(None))
        .await
        .assert(403, "insufficient_scope");
    send(&service, lying(Some("2025-11-25")))
        .await
        .assert(403, "insufficient_scope");
    let answer = send(&service, lying(Some("2026-07-28"))).await;
    answer.assert(400, "header_mismatch");
    let text = std::str::from_utf8(&answer.body).expect("UTF-8");
    assert!(text.contains(r#""code":-32020"#), "{text}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn tool_of_an_anonymous_caller_gets_the_challenge_of_a_401() {
    let server = Server::plain();
    let service = optional(McpLayer::new(tools()), server.clone());
    let answer = send(&service, post("", None, &call("write_file"))).await;
    answer.assert(401, "no_credentials");
    assert!(answer.headers.contains_key("www-authenticate"));
    send(&service, post("", None, LIST)).await.assert(200, None);
    assert_eq!(server.count(), 1);
}
