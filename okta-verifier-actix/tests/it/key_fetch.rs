//! The slow path: a verifier that must still fetch the issuer's keys.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use actix_web::{dev::Service, web};
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::{Endpoint, Fault};

use crate::support::{
    INVALID, MALFORMED, PLAIN, app, bearer, get,
    mock_issuer::{HangingIssuer, cold, mock},
    okta, read, send, strict, whoami,
};

#[tokio::test]
async fn first_request_fetches_the_keys_and_is_served() {
    let okta = mock().await;
    let app = app(web::resource("/me").wrap(cold(&okta)).get(whoami)).await;
    for _ in 0..3 {
        let response = send(&app, bearer("/me", &okta.token("ada").sign())).await;
        response.assert_served("cold, then warm", "ada");
    }
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}

#[tokio::test]
async fn invalid_token_is_rejected_on_the_slow_path_too() {
    let okta = mock().await;
    let app = app(web::resource("/me").wrap(cold(&okta)).get(whoami)).await;
    let forged = okta.token("ada").foreign_key().sign();
    let response = send(&app, bearer("/me", &forged)).await;
    response.assert_rejected("forged", 401, Some(INVALID));
    assert_eq!(okta.hits().keys, 1);
}

/// A request that is rejected in any case does not cause a fetch.
#[tokio::test]
async fn rejections_without_a_key_do_not_fetch() {
    let okta = mock().await;
    let app = app(web::resource("/me").wrap(cold(&okta)).get(whoami)).await;
    let response = send(&app, get("/me", &[])).await;
    response.assert_rejected("no token", 401, Some(PLAIN));

    let jwt = okta.token("ada").sign();
    let response = send(&app, bearer("/me?access_token=x", &jwt)).await;
    response.assert_rejected("query and header", 400, Some(MALFORMED));

    let response = send(&app, bearer("/me", "a.b.c")).await;
    response.assert_rejected("not a JWT", 401, Some(INVALID));
    assert_eq!((okta.hits().discovery, okta.hits().keys), (0, 0));
}

#[tokio::test]
async fn keys_that_never_arrive_are_503_after_the_timeout() {
    let issuer = HangingIssuer::start().await;
    let verify = VerifyMiddleware::new(issuer.verifier(Duration::from_millis(100)));
    let app = app(web::resource("/me").wrap(verify).get(whoami)).await;

    let began = Instant::now();
    let response = send(&app, bearer("/me", &issuer.token())).await;
    response.assert_unavailable();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

/// An optional middleware does not accept tokens of an unavailable issuer.
#[tokio::test]
async fn optional_middleware_responds_503_too() {
    let issuer = HangingIssuer::start().await;
    let verify = VerifyMiddleware::new(issuer.verifier(Duration::from_millis(100)));
    let app = app(web::resource("/news").wrap(verify.optional()).get(whoami)).await;

    let response = send(&app, bearer("/news", &issuer.token())).await;
    response.assert_unavailable();
    let response = send(&app, get("/news", &[])).await;
    response.assert_served("no field", "anonymous");
}

/// Dropped requests do not cancel the fetch, whose result the next request uses.
#[tokio::test]
async fn dropped_requests_do_not_cancel_the_fetch() {
    let okta = mock().await;
    let slow = Fault::Slow(Duration::from_millis(200));
    okta.fault_times(Endpoint::Keys, slow, 1);
    let app = app(web::resource("/me").wrap(cold(&okta)).get(whoami)).await;
    let jwt = okta.token("ada").sign();

    for _ in 0..3 {
        let waiting = pin!(app.call(bearer("/me", &jwt).to_request()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(
            waiting.poll(&mut cx).is_pending(),
            "the keys are being fetched"
        );
    }
    okta.wait_for_hits(Endpoint::Keys, 1).await;

    let response = send(&app, bearer("/me", &jwt)).await;
    response.assert_served("after the dropped requests", "ada");
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}

/// The fast path: a request that needs no fetch gets its response at the first poll.
#[tokio::test]
async fn request_that_needs_no_fetch_completes_at_the_first_poll() {
    let app = app(web::resource("/me").wrap(strict()).get(whoami)).await;
    let valid = okta().token("ada").sign();
    for (request, status) in [
        (bearer("/me", &valid), 200),
        (bearer("/me", "a.b.c"), 401),
        (get("/me", &[]), 401),
    ] {
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(response) = pin!(app.call(request.to_request())).poll(&mut cx) else {
            panic!("{status} needed a second poll");
        };
        let response = read(response.expect("a response")).await;
        assert_eq!(response.status, status);
    }
}
