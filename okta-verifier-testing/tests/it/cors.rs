//! Cross-origin requests of browsers.

use okta_verifier_testing::MockOkta;

use crate::http::{AUTHORIZE, KEYS, OPENID, TOKEN, get, send};

#[tokio::test]
async fn cors_is_not_for_the_authorization_endpoint() {
    let okta = MockOkta::start().await;
    let call =
        format!("GET {AUTHORIZE} HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n\r\n");
    let reply = send(&okta, &call).await;
    assert_eq!(
        (reply.status, reply.header("access-control-allow-origin")),
        (400, None)
    );
}

#[tokio::test]
async fn cors_lets_every_origin_read() {
    let okta = MockOkta::start().await;
    for path in [OPENID, KEYS, TOKEN, "/_mock/token?sub=ada"] {
        let call = format!("GET {path} HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n\r\n");
        let reply = send(&okta, &call).await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some("*"),
            "{path}"
        );
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        let same_origin = get(&okta, path).await;
        assert_eq!(same_origin.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn cors_preflight_is_answered_and_not_counted() {
    let okta = MockOkta::start().await;
    let call = format!(
        "OPTIONS {TOKEN} HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n\
         Access-Control-Request-Method: POST\r\n\r\n"
    );
    let reply = send(&okta, &call).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("content-length"), None);
    assert_eq!(
        reply.header("access-control-allow-methods"),
        Some("GET, POST")
    );
    let allowed = reply.header("access-control-allow-headers").unwrap();
    for field in ["dpop", "mcp-protocol-version"] {
        assert!(allowed.contains(field), "{field}");
    }
    assert_eq!(okta.hits().token, 0);
    let plain = send(
        &okta,
        &format!("OPTIONS {TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n"),
    )
    .await;
    assert_eq!(plain.status, 405);
}
