//! Each fault of `MockOkta` does what its name says, byte for byte.

use std::time::{Duration, Instant};

use okta_verifier_testing::{Endpoint, Fault, MockOkta};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::http::{KEYS, OAUTH, OPENID, Reply, connect, get, post};

#[tokio::test]
async fn status_faults_have_okta_errors() {
    let okta = MockOkta::start().await;
    let rows = [
        (404, "E0000007"),
        (429, "E0000047"),
        (500, "E0000009"),
        (503, "E0000047"),
    ];
    for (status, code) in rows {
        let reply = keys_with(&okta, Fault::Status(status)).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.json()["errorCode"], code);
        let later = matches!(status, 429 | 503).then_some("2");
        assert_eq!(reply.header("retry-after"), later);
        assert_eq!(reply.header("x-rate-limit-reset").is_some(), status == 429);
        assert_eq!(reply.header("cache-control"), None);
    }
}

#[tokio::test]
async fn fault_affects_its_endpoint_only_and_ends() {
    let okta = MockOkta::start().await;
    okta.fault_times(Endpoint::Keys, Fault::Status(503), 2);
    assert_eq!(get(&okta, OPENID).await.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(get(&okta, KEYS).await.status);
    }
    assert_eq!(statuses, [503, 503, 200]);
    assert_eq!(okta.hits().keys, 3, "a request with a fault is counted");
    okta.fault(Endpoint::Discovery, Fault::Status(500));
    for path in [OPENID, OAUTH, OPENID] {
        assert_eq!(get(&okta, path).await.status, 500);
    }
    okta.clear_faults();
    assert_eq!(get(&okta, OPENID).await.status, 200);
    okta.fault_times(Endpoint::Keys, Fault::Drop, 0);
    assert_eq!(get(&okta, KEYS).await.status, 200);
    okta.fault(Endpoint::Token, Fault::Status(429));
    assert_eq!(post(&okta, "", "").await.status, 429);
}

#[tokio::test]
async fn hang_keeps_the_connection_open() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Hang);
    let mut stream = connect(&okta).await.unwrap();
    stream
        .write_all(format!("GET {KEYS} HTTP/1.1\r\n\r\n").as_bytes())
        .await
        .unwrap();
    okta.wait_for_hits(Endpoint::Keys, 1).await;
    let mut byte = [0];
    let response = tokio::time::timeout(Duration::from_millis(80), stream.read(&mut byte)).await;
    assert!(
        response.is_err(),
        "no response and no end of the connection"
    );
    drop(okta);
    let end = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut byte)).await;
    assert!(
        matches!(end.unwrap(), Ok(0) | Err(_)),
        "a hanging connection ends with the server"
    );
}

#[tokio::test]
async fn slow_and_drip_delay_the_regular_response() {
    let okta = MockOkta::start().await;
    let slow = keys_with(&okta, Fault::Slow(Duration::from_millis(70))).await;
    assert!(slow.took >= Duration::from_millis(70));
    assert_eq!(slow.body, okta.jwks().into_bytes());
    okta.fault_times(Endpoint::Keys, Fault::Drip(Duration::from_millis(20)), 1);
    let mut stream = connect(&okta).await.unwrap();
    stream
        .write_all(format!("GET {KEYS} HTTP/1.1\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let (started, mut bytes) = (Instant::now(), Vec::new());
    let three = b"\r\n\r\n{\"k".as_slice();
    while !bytes.windows(three.len()).any(|it| it == three) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
    assert!(
        started.elapsed() >= Duration::from_millis(60),
        "three bytes of the body"
    );
}

#[tokio::test]
async fn truncate_and_half_cut_the_body() {
    let okta = MockOkta::start().await;
    let full = okta.jwks().len();
    let cut = keys_with(&okta, Fault::Truncate).await;
    assert_eq!(
        cut.header("content-length"),
        Some(full.to_string().as_str())
    );
    assert_eq!(cut.body.len(), full / 2);
    let half = keys_with(&okta, Fault::Half).await;
    assert_eq!(
        half.header("content-length"),
        Some((full / 2).to_string().as_str())
    );
    assert_eq!(half.body.len(), full / 2);
    assert!(serde_json::from_slice::<Value>(&half.body).is_err());
}

#[tokio::test]
async fn huge_has_no_content_length() {
    let okta = MockOkta::start().await;
    let reply = keys_with(&okta, Fault::Huge(2)).await;
    assert_eq!((reply.status, reply.header("content-length")), (200, None));
    assert!(reply.body.len() > 2 << 20);
    let keys = reply.json()["keys"].as_array().unwrap().len();
    assert_eq!(keys, 4, "the body is valid apart from its length");
}

#[tokio::test]
async fn body_faults_replace_the_body() {
    let okta = MockOkta::start().await;
    let html = keys_with(&okta, Fault::Html).await;
    assert_eq!(
        (html.status, html.header("content-type")),
        (200, Some("text/html"))
    );
    let typed = keys_with(&okta, Fault::ContentType("text/plain")).await;
    assert_eq!(typed.header("content-type"), Some("text/plain"));
    assert_eq!(typed.body, okta.jwks().into_bytes());
    assert_eq!(
        keys_with(&okta, Fault::EmptyKeys).await.body,
        br#"{"keys":[]}"#
    );
    assert_eq!(keys_with(&okta, Fault::NoKeys).await.body, b"{}");
    let raw = keys_with(&okta, Fault::Body(b"\xff".to_vec())).await;
    assert_eq!((raw.status, raw.body.as_slice()), (200, &b"\xff"[..]));
    assert_eq!(raw.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn mixed_contains_every_regular_key() {
    let okta = MockOkta::start().await;
    let set = keys_with(&okta, Fault::Mixed).await.json();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 9 + 4);
    for kid in okta.key_ids() {
        assert_eq!(keys.iter().filter(|key| key["kid"] == kid).count(), 1);
    }
    for kty in ["FUTURE", "AKP", "oct"] {
        assert!(keys.iter().any(|key| key["kty"] == kty), "{kty}");
    }
    assert!(keys.contains(&42.into()) && keys.iter().any(|key| key["kid"] == 7));
}

#[tokio::test]
async fn drop_sends_nothing() {
    let okta = MockOkta::start().await;
    let reply = keys_with(&okta, Fault::Drop).await;
    assert_eq!((reply.status, reply.body.len()), (0, 0));
    assert_eq!(okta.hits().keys, 1);
}

#[tokio::test]
async fn redirect_is_302() {
    let okta = MockOkta::start().await;
    let reply = keys_with(&okta, Fault::Redirect("https://evil.test/keys".into())).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (302, Some("https://evil.test/keys"))
    );
}

#[tokio::test]
async fn metadata_faults_change_issuer_and_jwks_uri() {
    let okta = MockOkta::start().await;
    okta.fault_times(Endpoint::Discovery, Fault::OtherIssuer, 1);
    let other = get(&okta, OPENID).await.json();
    assert_eq!(other["issuer"], "https://evil.test/oauth2/default");
    okta.fault_times(
        Endpoint::Discovery,
        Fault::JwksUri("https://evil.test/keys".into()),
        1,
    );
    let other = get(&okta, OAUTH).await.json();
    assert_eq!(other["issuer"], okta.issuer_url());
    assert_eq!(other["jwks_uri"], "https://evil.test/keys");
}

#[tokio::test]
#[should_panic(expected = "OtherIssuer is a fault of metadata; inject it at `Endpoint::Discovery`")]
async fn metadata_fault_at_another_endpoint_panics() {
    MockOkta::start()
        .await
        .fault(Endpoint::Keys, Fault::OtherIssuer);
}

#[tokio::test]
#[should_panic(expected = "`yes` is not valid JSON")]
async fn member_with_invalid_json_panics() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Introspection, Fault::Member("active", "yes"));
}

async fn keys_with(okta: &MockOkta, fault: Fault) -> Reply {
    okta.fault_times(Endpoint::Keys, fault, 1);
    get(okta, KEYS).await
}
