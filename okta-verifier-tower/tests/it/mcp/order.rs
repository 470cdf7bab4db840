//! The order of the checks, and that the layers outside see each rejection.

use std::sync::{Arc, Mutex};

use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use okta_verifier::{ProblemDetails, adapter::Outcome, mcp::McpCalls};
use okta_verifier_tower::{
    ProblemDetailsLayer, VerifyLayer,
    mcp::{McpLayer, McpSessions},
};
use tower::{Layer, ServiceBuilder};

use super::support::*;
use crate::support::{okta, verifier};

/// Token, session and body of a request, and status and code of its rejection.
type Step<'a> = (&'a str, Option<&'a str>, &'a [u8], u16, &'static str);

/// A request with every defect. Each step of the table repairs the one that was reported.
// conformance 276
#[tokio::test]
async fn checks_run_in_the_documented_order() {
    let server = Server::with_sessions();
    let layer = McpLayer::new(tools()).sessions(McpSessions::new().max_sessions(1));
    let service = protected(layer, server.clone());
    let begun = send(&service, post(&reader("bob"), None, INITIALIZE)).await;
    let strange = begun.session();
    let no_scope = okta().token("ada").scope("mail:read").sign();
    let (ada, large, broken) = (
        reader("ada"),
        message_of(McpCalls::MAX_BODY + 1),
        b"{".to_vec(),
    );
    let forbidden = call("write_file").into_bytes();
    let begins = format!("[{INITIALIZE},{}]", call("write_file")).into_bytes();
    let steps: [Step<'_>; 8] = [
        ("", Some(strange), &large, 401, "no_credentials"),
        ("a.b.c", Some(strange), &large, 401, "malformed"),
        (&no_scope, Some(strange), &large, 403, "insufficient_scope"),
        (&ada, Some(strange), &large, 413, "body_too_large"),
        (&ada, Some(strange), &broken, 400, "malformed_body"),
        (&ada, Some(strange), &forbidden, 404, "unknown_session"),
        (&ada, None, &begins, 503, "too_many_sessions"),
        (&ada, None, &forbidden, 403, "insufficient_scope"),
    ];
    for (jwt, session, body, status, code) in steps {
        let request = request("POST", jwt, session).map(|_| Full::<Bytes>::from(body.to_vec()));
        send(&service, request).await.assert(status, code);
    }
    assert_eq!(
        server.count(),
        1,
        "only the first `initialize` reached the server"
    );
    send(&service, post(&writer("ada"), None, &call("write_file")))
        .await
        .assert(200, None);
}

#[tokio::test]
async fn request_is_rejected_without_a_layer_that_verifies_tokens() {
    for layer in [
        McpLayer::new(tools()),
        McpLayer::new(tools()).unbound_sessions(),
    ] {
        let server = Server::plain();
        let service = layer.layer(server.clone());
        for method in ["POST", "GET", "DELETE", "OPTIONS"] {
            let request = request(method, &writer("ada"), None).map(|_| Full::<Bytes>::from(LIST));
            send(&service, request).await.assert(500, "missing_layer");
        }
        assert_eq!(server.count(), 0);
    }
}

#[tokio::test]
async fn rejections_are_reported_to_the_hook_and_counted() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (log, verifier) = (lines.clone(), verifier(okta()));
    let verify = VerifyLayer::new(verifier.clone()).on_outcome(move |outcome, _| {
        let code = match outcome {
            Outcome::Rejected(rejection) => rejection.code(),
            _ => "-",
        };
        log.lock().expect("no panic").push(code);
    });
    let service = verify.layer(McpLayer::new(tools()).layer(Server::plain()));
    for (session, body) in [
        (None, "{"),
        (Some("unknown"), LIST),
        (None, &call("write_file")),
        (None, LIST),
    ] {
        send(&service, post(&reader("ada"), session, body)).await;
    }
    let codes = [
        "malformed_body",
        "unknown_session",
        "insufficient_scope",
        "-",
    ];
    assert_eq!(*lines.lock().expect("no panic"), codes);
    let stats = verifier.stats();
    let mut counted: Vec<_> = stats.requests().filter_map(|it| it.code).collect();
    counted.sort_unstable();
    assert_eq!(
        counted,
        ["insufficient_scope", "malformed_body", "unknown_session"]
    );
}

#[tokio::test]
async fn problem_details_do_not_replace_a_json_rpc_error() {
    let service = ServiceBuilder::new()
        .layer(ProblemDetailsLayer::new(ProblemDetails::new()))
        .layer(VerifyLayer::new(verifier(okta())))
        .layer(McpLayer::new(tools()))
        .service(Server::plain());
    let answer = send(&service, post(&reader("ada"), Some("unknown"), LIST)).await;
    answer.assert(404, "unknown_session");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(
        answer.body.starts_with(br#"{"jsonrpc":"2.0","#),
        "{answer:?}"
    );

    // The rejection of the layer outside has no body, so it gets one.
    let answer = send(&service, post("", None, LIST)).await;
    answer.assert(401, "no_credentials");
    assert_eq!(answer.headers["content-type"], "application/problem+json");

    let without = ServiceBuilder::new()
        .layer(ProblemDetailsLayer::new(ProblemDetails::new()))
        .layer(McpLayer::new(tools()))
        .service(Server::plain());
    let answer = send(&without, post("", None, LIST)).await;
    answer.assert(500, "missing_layer");
    assert!(!answer.body.is_empty());
}

#[tokio::test]
async fn credentials_that_are_stripped_leave_the_token_in_the_extensions() {
    let server = Server::plain();
    let service = VerifyLayer::new(verifier(okta()))
        .strip_credentials()
        .layer(McpLayer::new(tools()).layer(server.clone()));
    send(&service, post(&reader("ada"), None, LIST))
        .await
        .assert(200, None);
    let received = &server.received()[0];
    assert!(!received.headers.contains_key("authorization"));
    assert_eq!(received.subject.as_deref(), Some("ada"));
}

#[tokio::test]
async fn rejections_have_neither_a_token_nor_a_session_in_their_response() {
    let service = protected(McpLayer::new(tools()), Server::plain());
    let (jwt, session) = (reader("ada"), "0123456789abcdef-unknown");
    let mut disagreeing: Request<Full<Bytes>> = post(&jwt, Some(session), LIST);
    let version = HeaderValue::from_static("2026-07-28");
    disagreeing
        .headers_mut()
        .insert("mcp-protocol-version", version);
    for request in [
        post(&jwt, Some(session), "{"),
        post(&jwt, Some(session), LIST),
        disagreeing,
    ] {
        let answer = format!("{:?}", send(&service, request).await);
        assert!(
            !answer.contains(&jwt) && !answer.contains(session),
            "{answer}"
        );
    }
}
