//! What `poll_ready` reserved is used or given back, in every way a request can go.
//!
//! Both services here have one reservation to give. They also panic when they are called without
//! one, so every accepted request proves that the right value was called.

use std::{
    future::{pending, ready},
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response};
use okta_verifier::Policy;
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use tower::{
    BoxError, Layer, Service, ServiceExt, buffer::Buffer, limit::ConcurrencyLimit, service_fn,
};

use crate::{
    cold::{self, HangingIssuer},
    support::{bearer, get, okta, verifier},
};

fn ready_now<S: Service<Request<()>>>(service: &mut S) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(())))
}

async fn ok(_: Request<()>) -> Result<Response<()>, BoxError> {
    Ok(Response::new(()))
}

/// Two clones of a service with one reservation: the first holds it, and the second waits.
fn held<S: Service<Request<()>> + Clone>(service: S) -> (S, S) {
    let (mut first, mut second) = (service.clone(), service);
    assert!(ready_now(&mut first), "the reservation is free");
    assert!(!ready_now(&mut second), "and there is only one");
    (first, second)
}

async fn serves_again<S>(mut service: S, jwt: &str)
where
    S: Service<Request<()>, Response = Response<()>, Error: std::fmt::Debug>,
{
    for _ in 0..3 {
        let answer = service
            .ready()
            .await
            .expect("ready")
            .call(bearer(jwt))
            .await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn a_refusal_gives_the_permit_back_before_it_is_sent() {
    let layer = VerifyLayer::new(verifier(okta()));
    let (mut first, mut second) = held(layer.layer(ConcurrencyLimit::new(service_fn(ok), 1)));

    let refused = first.call(get("/orders", &[]));
    assert!(
        ready_now(&mut second),
        "an idle connection holds no permit after a refusal"
    );
    assert_eq!(refused.await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn a_refusal_gives_the_buffer_slot_back_before_it_is_sent() {
    let layer = VerifyLayer::new(verifier(okta()));
    let (mut first, mut second) = held(layer.layer(Buffer::new(service_fn(ok), 1)));

    let refused = first.call(bearer("a.b.c"));
    assert!(
        ready_now(&mut second),
        "an idle connection holds no slot after a refusal"
    );
    assert_eq!(refused.await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn an_unmet_policy_gives_permit_and_slot_back() {
    let layer = RequireLayer::new(Policy::any_token());
    let (mut first, mut second) = held(layer.layer(ConcurrencyLimit::new(service_fn(ok), 1)));
    let refused = first.call(get("/orders", &[]));
    assert!(ready_now(&mut second), "permit");
    assert_eq!(refused.await.expect("an answer").status(), 500);

    let (mut first, mut second) = held(layer.layer(Buffer::new(service_fn(ok), 1)));
    let refused = first.call(get("/orders", &[]));
    assert!(ready_now(&mut second), "slot");
    assert_eq!(refused.await.expect("an answer").status(), 500);
}

#[tokio::test]
async fn an_accepted_request_uses_its_permit_and_gives_it_back() {
    let verifier = verifier(okta());
    let jwt = okta().token("ada").sign();
    let limited =
        VerifyLayer::new(verifier.clone()).layer(ConcurrencyLimit::new(service_fn(ok), 1));
    serves_again(limited, &jwt).await;
    let buffered = VerifyLayer::new(verifier).layer(Buffer::new(service_fn(ok), 1));
    serves_again(buffered, &jwt).await;
}

#[tokio::test]
async fn a_dropped_accepted_request_gives_its_permit_back() {
    let layer = VerifyLayer::new(verifier(okta()));
    let endless = service_fn(|_: Request<()>| pending::<Result<Response<()>, BoxError>>());
    let (mut first, mut second) = held(layer.layer(ConcurrencyLimit::new(endless, 1)));

    let running = first.call(bearer(&okta().token("ada").sign()));
    assert!(!ready_now(&mut second), "the handler runs");
    drop(running);
    assert!(ready_now(&mut second));
}

/// The slow path holds the reservation that it was given, for the call it may yet make.
async fn waits_with_it_and_gives_it_back<S>(inner: S)
where
    S: Service<Request<()>, Response = Response<()>, Error = BoxError> + Clone,
{
    let issuer = HangingIssuer::start().await;
    let layer = VerifyLayer::new(issuer.verifier(Duration::from_millis(100)));
    let (mut first, mut second) = held(layer.layer(inner));

    let waiting = first.call(bearer(&issuer.token()));
    assert!(!ready_now(&mut second), "the wait holds it");
    drop(waiting);
    assert!(ready_now(&mut second), "a client that hangs up frees it");
    drop(second);

    let (mut first, mut second) = held(first);
    let answer = first.call(bearer(&issuer.token())).await;
    assert_eq!(answer.expect("an answer").status(), 503);
    assert!(ready_now(&mut second), "the refusal frees it");
}

#[tokio::test]
async fn a_slow_refusal_and_a_dropped_wait_give_permit_and_slot_back() {
    waits_with_it_and_gives_it_back(ConcurrencyLimit::new(service_fn(ok), 1)).await;
    waits_with_it_and_gives_it_back(Buffer::new(service_fn(ok), 1)).await;
}

#[tokio::test]
async fn a_slow_acceptance_calls_the_service_that_was_ready() {
    let okta = cold::mock().await;
    for _ in 0..2 {
        // Each round has a cold verifier: the first request of a connection goes the slow way.
        let jwt = cold::token(&okta);
        let layer = VerifyLayer::new(cold::verifier(&okta));
        serves_again(layer.layer(ConcurrencyLimit::new(service_fn(ok), 1)), &jwt).await;
        let layer = VerifyLayer::new(cold::verifier(&okta));
        serves_again(layer.layer(Buffer::new(service_fn(ok), 1)), &jwt).await;
    }
}

/// Back-pressure and failure of the inner service are its own affair.
#[tokio::test]
async fn the_inner_services_readiness_and_errors_pass_through() {
    let failing =
        service_fn(|_: Request<()>| ready(Err::<Response<()>, BoxError>("broken".into())));
    let service = VerifyLayer::new(verifier(okta())).layer(failing);
    let error = service.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_eq!(
        error.expect_err("the handler's error").to_string(),
        "broken"
    );
}
