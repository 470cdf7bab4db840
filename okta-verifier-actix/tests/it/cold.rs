//! The slow path: a verifier that has yet to fetch the issuer's keys.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use actix_web::{dev::Service, web};
use okta_verifier::Verifier;
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::{Endpoint, Fault, MockOkta};

use crate::support::{
    AUDIENCE, INVALID, MALFORMED, PLAIN, app, bearer, get, okta, read, send, strict, who,
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

pub(crate) fn cold(okta: &MockOkta) -> VerifyMiddleware {
    VerifyMiddleware::new(verifier(okta))
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
        self.0.token("ada").sign()
    }
}

#[tokio::test]
async fn the_first_request_fetches_the_keys_and_is_served() {
    let okta = mock().await;
    let app = app(web::resource("/me").wrap(cold(&okta)).get(who)).await;
    for _ in 0..3 {
        let answer = send(&app, bearer("/me", &okta.token("ada").sign())).await;
        answer.served("cold, then warm", "ada");
    }
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}

#[tokio::test]
async fn a_bad_token_is_refused_on_the_slow_path_too() {
    let okta = mock().await;
    let app = app(web::resource("/me").wrap(cold(&okta)).get(who)).await;
    let forged = okta.token("ada").foreign_key().sign();
    let answer = send(&app, bearer("/me", &forged)).await;
    answer.refused("forged", 401, Some(INVALID));
    assert_eq!(okta.hits().keys, 1);
}

/// Nothing that is refused anyway is a reason to ask the issuer.
#[tokio::test]
async fn refusals_that_need_no_key_fetch_nothing() {
    let okta = mock().await;
    let app = app(web::resource("/me").wrap(cold(&okta)).get(who)).await;
    let answer = send(&app, get("/me", &[])).await;
    answer.refused("no token", 401, Some(PLAIN));

    let jwt = okta.token("ada").sign();
    let answer = send(&app, bearer("/me?access_token=x", &jwt)).await;
    answer.refused("query beside header", 400, Some(MALFORMED));

    let answer = send(&app, bearer("/me", "a.b.c")).await;
    answer.refused("not a JWT", 401, Some(INVALID));
    assert_eq!((okta.hits().discovery, okta.hits().keys), (0, 0));
}

#[tokio::test]
async fn keys_that_never_come_are_503_in_time() {
    let issuer = HangingIssuer::start().await;
    let verify = VerifyMiddleware::new(issuer.verifier(Duration::from_millis(100)));
    let app = app(web::resource("/me").wrap(verify).get(who)).await;

    let began = Instant::now();
    let answer = send(&app, bearer("/me", &issuer.token())).await;
    answer.unavailable();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

/// An optional middleware gives nobody a way around an issuer that is down.
#[tokio::test]
async fn an_optional_middleware_answers_503_too() {
    let issuer = HangingIssuer::start().await;
    let verify = VerifyMiddleware::new(issuer.verifier(Duration::from_millis(100)));
    let app = app(web::resource("/news").wrap(verify.optional()).get(who)).await;

    let answer = send(&app, bearer("/news", &issuer.token())).await;
    answer.unavailable();
    let answer = send(&app, get("/news", &[])).await;
    answer.served("no field", "anonymous");
}

/// Each dropped request leaves the fetch alone, which the next one then profits from.
#[tokio::test]
async fn dropped_requests_do_not_cancel_the_fetch() {
    let okta = mock().await;
    let slow = Fault::Slow(Duration::from_millis(200));
    okta.fault_times(Endpoint::Keys, slow, 1);
    let app = app(web::resource("/me").wrap(cold(&okta)).get(who)).await;
    let jwt = okta.token("ada").sign();

    for _ in 0..3 {
        let waiting = pin!(app.call(bearer("/me", &jwt).to_request()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.poll(&mut cx).is_pending(), "keys are under way");
    }
    okta.wait_for_hits(Endpoint::Keys, 1).await;

    let answer = send(&app, bearer("/me", &jwt)).await;
    answer.served("after the dropped ones", "ada");
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}

/// The fast path: whatever can be decided without the issuer is answered at the first poll.
#[tokio::test]
async fn a_request_that_can_be_decided_waits_for_nothing() {
    let app = app(web::resource("/me").wrap(strict()).get(who)).await;
    let good = okta().token("ada").sign();
    for (request, status) in [
        (bearer("/me", &good), 200),
        (bearer("/me", "a.b.c"), 401),
        (get("/me", &[]), 401),
    ] {
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(answer) = pin!(app.call(request.to_request())).poll(&mut cx) else {
            panic!("{status} needed a second poll");
        };
        let answer = read(answer.expect("a response")).await;
        assert_eq!(answer.status, status);
    }
}
