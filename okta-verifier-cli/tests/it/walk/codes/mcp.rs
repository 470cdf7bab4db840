//! The cases of requests to an MCP server. The token of each of them is valid.

use super::{Case, Issuer, NO_ROUTE, Request};

pub(super) fn cases(issuer: &Issuer) -> Vec<Case> {
    let token = issuer.user_token().sign();
    let case = |code, status, body: &str| {
        let request = Request::bearer(&token).at("/mcp").body(body);
        Case::request(code, status, request, &token, NO_ROUTE)
    };
    let with = |mut case: Case, name, value: &str| {
        case.request = case.request.field(name, value);
        case
    };
    let malformed = |reason, body: &str| case("malformed_body", 400, body).reason(reason);
    let mismatch = |reason, name, value| {
        let case = case("header_mismatch", 400, &call(r#""name":"read""#)).reason(reason);
        with(case, name, value)
    };
    // From this version on, header fields repeat what the body calls.
    let new = |case| with(case, "MCP-Protocol-Version", "2026-07-28");
    let named = |case| with(case, "Mcp-Method", "tools/call");
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#;
    let mut full = case("too_many_sessions", 503, initialize);
    full.request = full.request.at("/mcp/full");
    let deep = format!(
        r#""name":"read","x":{}1{}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    vec![
        malformed("json", "{"),
        malformed("too_deep", &call(&deep)),
        with(
            malformed("encoding", &call(r#""name":"read""#)),
            "Content-Encoding",
            "gzip",
        ),
        malformed("message", "7"),
        malformed("batch", "[]"),
        malformed("duplicate_member", &call(r#""name":"read","name":"write""#)),
        malformed("similar_member", &call(r#""name":"read","Name":"write""#)),
        malformed(
            "reserved_member",
            &call(r#""name":"read","x":{"$serde_json::private::Number":"1"}"#),
        ),
        mismatch("protocol_version", "MCP-Protocol-Version", "latest"),
        new(mismatch("mcp_method", "Mcp-Method", "tools/list")),
        new(named(mismatch("mcp_name", "Mcp-Name", "write"))),
        mismatch("mcp_session_id", "Mcp-Session-Id", "one two"),
        case("body_too_large", 413, &" ".repeat((4 << 20) + 1)),
        with(
            case("unknown_session", 404, &call(r#""name":"read""#)),
            "Mcp-Session-Id",
            "unknown",
        ),
        full,
    ]
}

fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params}}}}}"#)
}
