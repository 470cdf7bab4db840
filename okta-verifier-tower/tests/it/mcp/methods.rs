//! Requests that are not a `POST`: their body is not read, and the server's response passes.

use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use okta_verifier::mcp::McpCalls;
use okta_verifier_tower::mcp::McpLayer;

use super::support::*;

const OTHERS: [&str; 6] = ["GET", "DELETE", "OPTIONS", "HEAD", "PUT", "PATCH"];

// conformance 280
#[tokio::test]
async fn methods_other_than_post_need_a_token_and_the_floor() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    for method in OTHERS {
        send(&service, request(method, "", None))
            .await
            .assert(401, "no_credentials");
        let other = crate::support::okta()
            .token("ada")
            .scope("mail:read")
            .sign();
        let answer = send(&service, request(method, &other, None)).await;
        answer.assert(403, "insufficient_scope");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn methods_other_than_post_reach_the_server_with_their_body() {
    let body = Bytes::from(vec![b'{'; McpCalls::MAX_BODY + 1]);
    for method in OTHERS {
        let server = Server::plain();
        let service = protected(McpLayer::new(tools()), server.clone());
        let request = request(method, &reader("ada"), None).map(|_| Full::new(body.clone()));
        send(&service, request).await.assert(200, None);
        let received = &server.received()[0];
        assert_eq!(received.method, method);
        assert!(received.body == body);
    }
}

// conformance 280
#[tokio::test]
async fn methods_that_the_server_rejects_keep_its_response() {
    let server = Server::new(|_| {
        let mut response = Response::new(Full::from("Method Not Allowed"));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response
            .headers_mut()
            .insert("allow", "POST".parse().expect("ASCII"));
        response
    });
    let service = protected(McpLayer::new(tools()), server);
    for method in OTHERS {
        let answer = send(&service, request(method, &reader("ada"), None)).await;
        answer.assert(405, None);
        assert_eq!(answer.headers["allow"], "POST");
        assert_eq!(answer.body, "Method Not Allowed");
    }
}
