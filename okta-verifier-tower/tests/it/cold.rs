//! The slow path: a verifier that has yet to fetch the issuer's keys.

use std::time::{Duration, Instant};

use http::Response;
use okta_verifier::Verifier;
use okta_verifier_testing::{Endpoint, Fault, MockOkta};
use okta_verifier_tower::VerifyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    AUDIENCE, INVALID, MALFORMED, PLAIN, assert_refused, assert_served, bearer, get, lines, who,
};

pub(crate) async fn mock() -> MockOkta {
    let okta = MockOkta::start().await;
    okta.set_audience(AUDIENCE);
    okta
}

/// A new verifier: it knows where to ask, and has not asked.
pub(crate) fn verifier(okta: &MockOkta) -> Verifier {
    let issuer = okta.issuer(AUDIENCE).any_client_id();
    Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings")
}

pub(crate) fn token(okta: &MockOkta) -> String {
    okta.token("ada").sign()
}

/// An issuer whose keys endpoint takes the request and never answers.
pub(crate) struct HangingIssuer(MockOkta);

impl HangingIssuer {
    pub(crate) async fn start() -> Self {
        let okta = mock().await;
        okta.fault(Endpoint::Keys, Fault::Hang);
        Self(okta)
    }

    pub(crate) fn verifier(&self, fetch_timeout: Duration) -> Verifier {
        let issuer = self.0.issuer(AUDIENCE).any_client_id();
        let builder = Verifier::builder()
            .issuer(issuer)
            .fetch_timeout(fetch_timeout);
        builder.build().expect("valid settings")
    }

    pub(crate) fn token(&self) -> String {
        token(&self.0)
    }
}

/// RFC 9110 §15.6.4: a 503 says when to come back; a 401 would make clients throw good tokens away.
fn assert_unavailable(answer: &Response<String>) {
    let lines = lines(answer);
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
async fn the_first_request_fetches_the_keys_and_is_served() {
    let okta = mock().await;
    let service = VerifyLayer::new(verifier(&okta)).layer(service_fn(who::<()>));
    for _ in 0..3 {
        let Ok(answer) = service.clone().oneshot(bearer(&token(&okta))).await;
        assert_served("cold, then warm", &answer, "ada");
    }
    assert_eq!(okta.hits().keys, 1);
}

#[tokio::test]
async fn a_bad_token_is_refused_on_the_slow_path_too() {
    let okta = mock().await;
    let service = VerifyLayer::new(verifier(&okta)).layer(service_fn(who::<()>));
    let forged = okta.token("ada").foreign_key().sign();
    let Ok(answer) = service.oneshot(bearer(&forged)).await;
    assert_refused("forged", &answer, 401, Some(INVALID));
}

/// Nothing that is refused anyway is a reason to ask the issuer.
#[tokio::test]
async fn refusals_that_need_no_key_fetch_nothing() {
    let okta = mock().await;
    let service = VerifyLayer::new(verifier(&okta)).layer(service_fn(who::<()>));
    let Ok(answer) = service.clone().oneshot(get("/orders", &[])).await;
    assert_refused("no token", &answer, 401, Some(PLAIN));

    let with_both = format!("Bearer {}", token(&okta));
    let request = get("/orders?access_token=x", &[with_both.as_bytes()]);
    let Ok(answer) = service.clone().oneshot(request).await;
    assert_refused("query beside header", &answer, 400, Some(MALFORMED));

    let Ok(answer) = service.oneshot(bearer("a.b.c")).await;
    assert_refused("not a JWT", &answer, 401, Some(INVALID));
    assert_eq!((okta.hits().discovery, okta.hits().keys), (0, 0));
}

#[tokio::test]
async fn keys_that_never_come_are_503_in_time() {
    let issuer = HangingIssuer::start().await;
    let layer = VerifyLayer::new(issuer.verifier(Duration::from_millis(100)));
    let service = layer.layer(service_fn(who::<()>));

    let began = Instant::now();
    let Ok(answer) = service.oneshot(bearer(&issuer.token())).await;
    assert_unavailable(&answer);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

/// An optional layer gives nobody a way around an issuer that is down.
#[tokio::test]
async fn an_optional_layer_answers_503_too() {
    let issuer = HangingIssuer::start().await;
    let layer = VerifyLayer::new(issuer.verifier(Duration::from_millis(100))).optional();
    let service = layer.layer(service_fn(who::<()>));

    let Ok(answer) = service.clone().oneshot(bearer(&issuer.token())).await;
    assert_unavailable(&answer);
    let Ok(answer) = service.oneshot(get("/news", &[])).await;
    assert_served("no field", &answer, "anonymous");
}
