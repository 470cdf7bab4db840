//! The slow path: a verifier that must still fetch the issuer's keys.

use std::time::{Duration, Instant};

use http::Response;
use okta_verifier_tower::VerifyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    INVALID, MALFORMED, PLAIN, assert_rejected, assert_served, bearer, get, lines,
    mock_issuer::{HangingIssuer, mock, token, verifier},
    whoami,
};

/// RFC 9110 §15.6.4: a 503 says when to retry. A 401 would make clients discard valid tokens.
fn assert_unavailable(response: &Response<String>) {
    let lines = lines(response);
    let [status, no_store, retry_after, body] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(
        [status, no_store, body],
        ["503", "cache-control: no-store", ""]
    );
    let seconds: u32 = retry_after
        .strip_prefix("retry-after: ")
        .and_then(|seconds| seconds.parse().ok())
        .expect("whole seconds");
    assert!((1..=120).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn first_request_fetches_the_keys_and_is_served() {
    let okta = mock().await;
    let service = VerifyLayer::new(verifier(&okta)).layer(service_fn(whoami::<()>));
    for _ in 0..3 {
        let Ok(response) = service.clone().oneshot(bearer(&token(&okta))).await;
        assert_served("cold, then warm", &response, "ada");
    }
    assert_eq!(okta.hits().keys, 1);
}

#[tokio::test]
async fn invalid_token_is_rejected_on_the_slow_path_too() {
    let okta = mock().await;
    let service = VerifyLayer::new(verifier(&okta)).layer(service_fn(whoami::<()>));
    let forged = okta.token("ada").foreign_key().sign();
    let Ok(response) = service.oneshot(bearer(&forged)).await;
    assert_rejected("forged", &response, 401, Some(INVALID));
}

/// A request that is rejected in any case does not cause a fetch.
#[tokio::test]
async fn rejections_without_a_key_do_not_fetch() {
    let okta = mock().await;
    let service = VerifyLayer::new(verifier(&okta)).layer(service_fn(whoami::<()>));
    let Ok(response) = service.clone().oneshot(get("/orders", &[])).await;
    assert_rejected("no token", &response, 401, Some(PLAIN));

    let with_both = format!("Bearer {}", token(&okta));
    let request = get("/orders?access_token=x", &[with_both.as_bytes()]);
    let Ok(response) = service.clone().oneshot(request).await;
    assert_rejected("query and header", &response, 400, Some(MALFORMED));

    let Ok(response) = service.oneshot(bearer("a.b.c")).await;
    assert_rejected("not a JWT", &response, 401, Some(INVALID));
    assert_eq!((okta.hits().discovery, okta.hits().keys), (0, 0));
}

#[tokio::test]
async fn keys_that_never_arrive_are_503_after_the_timeout() {
    let issuer = HangingIssuer::start().await;
    let layer = VerifyLayer::new(issuer.verifier(Duration::from_millis(100)));
    let service = layer.layer(service_fn(whoami::<()>));

    let began = Instant::now();
    let Ok(response) = service.oneshot(bearer(&issuer.token())).await;
    assert_unavailable(&response);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

/// An optional layer does not accept tokens of an unavailable issuer.
#[tokio::test]
async fn optional_layer_responds_503_too() {
    let issuer = HangingIssuer::start().await;
    let layer = VerifyLayer::new(issuer.verifier(Duration::from_millis(100))).optional();
    let service = layer.layer(service_fn(whoami::<()>));

    let Ok(response) = service.clone().oneshot(bearer(&issuer.token())).await;
    assert_unavailable(&response);
    let Ok(response) = service.oneshot(get("/news", &[])).await;
    assert_served("no field", &response, "anonymous");
}
