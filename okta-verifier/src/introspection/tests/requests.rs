//! Introspection requests: shared by token, independent of dropped futures, and cached.

use std::time::Duration;

use super::issuer::{
    DEADLINE, ENDPOINT, Issuer, MILLI, Reply, SECOND, active, every_token, inactive, pass,
    unavailable, with,
};
use crate::{error::UnavailableReason, introspection::IntrospectionReason};

// conformance 101, 115
#[tokio::test(start_paused = true)]
async fn introspection_request_has_the_token_in_its_form() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("opaque+1").await, "ok");
    assert_eq!(
        issuer.requests(),
        [format!(
            "{ENDPOINT} token=opaque%2B1&token_type_hint=access_token"
        )]
    );
    assert_eq!(issuer.metadata_calls(), 1);
    assert_eq!(service.result("opaque+2").await, "ok");
    assert_eq!((issuer.calls(), issuer.metadata_calls()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn introspection_endpoint_of_the_settings_needs_no_metadata() {
    let issuer = Issuer::new(Reply::Json(active()));
    issuer.metadata(Reply::Hang);
    let settings = every_token().endpoint("https://other.test/ask");
    let service = issuer.with(settings);
    assert_eq!(service.result("opaque").await, "ok");
    assert!(issuer.requests()[0].starts_with("https://other.test/ask "));
    assert_eq!(issuer.metadata_calls(), 0);
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn introspection_request_is_shared_by_concurrent_requests_with_one_token() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let service = issuer.introspector();
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.result("opaque").await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "ok");
    }
    assert_eq!(issuer.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn introspection_request_goes_on_when_its_only_waiter_is_dropped() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let service = issuer.introspector();
    let caller = {
        let service = service.clone();
        tokio::spawn(async move { service.result("opaque").await })
    };
    pass(MILLI).await;
    caller.abort();
    pass(2 * SECOND).await;
    let found = service.find("opaque");
    assert!(found.expect("the request is complete").result.is_ok());
    assert_eq!(issuer.calls(), 1);
}

// The first waiter begins the request and waits for a permit. If this waiter is dropped, another one begins
// the request.
#[tokio::test(start_paused = true)]
async fn introspection_request_dropped_before_it_is_sent_does_not_delay_others() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let service = issuer.with(every_token().max_in_flight(4));
    let spawn = |token: &'static str| {
        let service = service.clone();
        tokio::spawn(async move { service.result(token).await })
    };
    let busy = spawn("first");
    pass(MILLI).await;
    let leads = spawn("second");
    pass(MILLI).await;
    let follows = spawn("second");
    pass(MILLI).await;
    leads.abort();
    assert_eq!(follows.await.unwrap(), "ok");
    assert_eq!(busy.await.unwrap(), "ok");
    assert_eq!(issuer.calls(), 2);
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn introspection_response_is_used_until_max_age() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.with(every_token().max_age(10 * SECOND));
    assert_eq!(service.result("opaque").await, "ok");
    pass(10 * SECOND - MILLI).await;
    assert_eq!(service.result("opaque").await, "ok");
    assert_eq!(issuer.calls(), 1);
    issuer.reply(Reply::Json(inactive()));
    pass(MILLI).await;
    assert_eq!(service.result("opaque").await, "inactive");
    assert_eq!(issuer.calls(), 2);
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn introspection_without_a_cache_uses_responses_requested_after_arrival() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let service = issuer.with(every_token().max_age(Duration::ZERO));
    let spawn = || {
        let service = service.clone();
        tokio::spawn(async move { service.result("opaque").await })
    };
    let early: Vec<_> = (0..100).map(|_| spawn()).collect();
    pass(MILLI).await;
    pass(SECOND / 2).await;
    assert_eq!(issuer.calls(), 1);
    // The request in flight began before these waiters arrived, so they share a new one.
    let late: Vec<_> = (0..100).map(|_| spawn()).collect();
    for caller in early.into_iter().chain(late) {
        assert_eq!(caller.await.unwrap(), "ok");
    }
    assert_eq!(issuer.calls(), 2);
    pass(MILLI).await;
    assert_eq!(service.result("opaque").await, "ok");
    assert_eq!(issuer.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn introspection_response_may_be_too_old_for_a_route() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("opaque").await, "ok");
    pass(5 * SECOND).await;
    assert_eq!(service.result("opaque").await, "ok");
    assert!(
        service
            .introspect_within("opaque", Some(6 * SECOND))
            .await
            .is_ok()
    );
    assert_eq!(issuer.calls(), 1);
    assert!(
        service
            .introspect_within("opaque", Some(5 * SECOND))
            .await
            .is_ok()
    );
    assert_eq!(issuer.calls(), 2);
    // A route cannot extend the maximum age in the settings.
    pass(61 * SECOND).await;
    assert!(
        service
            .introspect_within("opaque", Some(600 * SECOND))
            .await
            .is_ok()
    );
    assert_eq!(issuer.calls(), 3);
}

// conformance 113
#[tokio::test(start_paused = true)]
async fn introspection_rejection_is_used_for_five_seconds() {
    let issuer = Issuer::new(Reply::Json(inactive()));
    let service = issuer.introspector();
    assert_eq!(service.result("opaque").await, "inactive");
    issuer.reply(Reply::Json(active()));
    pass(5 * SECOND - MILLI).await;
    assert_eq!(service.result("opaque").await, "inactive");
    assert_eq!(issuer.calls(), 1);
    pass(MILLI).await;
    assert_eq!(service.result("opaque").await, "ok");
    assert_eq!(issuer.calls(), 2);
}

// conformance 112, 114
#[tokio::test(start_paused = true)]
async fn introspection_of_another_token_with_the_same_jti_is_another_request() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("opaque").await, "ok");
    issuer.reply(Reply::Json(with(inactive(), "jti", "AT.1")));
    for other in ["opaqu", "opaquf", "Opaque", "opaque=", "opaque.", "xopaque"] {
        assert_eq!(service.result(other).await, "inactive", "{other}");
    }
    assert_eq!(issuer.calls(), 7);
    assert_eq!(service.result("opaque").await, "ok");
    assert_eq!(issuer.calls(), 7);
}

// conformance 112
#[tokio::test(start_paused = true)]
async fn introspection_response_of_one_issuer_is_not_used_for_another() {
    let one = Issuer::new(Reply::Json(active()));
    let other = Issuer::new(Reply::Json(inactive()));
    let (first, second) = (one.introspector(), other.introspector());
    assert_eq!(first.result("opaque").await, "ok");
    assert!(second.find("opaque").is_none());
    assert_eq!(second.result("opaque").await, "inactive");
    assert_eq!(first.result("opaque").await, "ok");
    assert_eq!((one.calls(), other.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn introspection_look_up_has_no_effect() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert!(service.find("opaque").is_none());
    pass(SECOND).await;
    assert_eq!((issuer.calls(), issuer.metadata_calls()), (0, 0));
}

#[test]
fn introspection_without_a_runtime_is_an_error() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    let mut request = Box::pin(service.introspect("opaque"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(result) = request.as_mut().poll(&mut context) else {
        panic!("it waits for a runtime that is not there");
    };
    assert!(matches!(
        unavailable(result).1,
        UnavailableReason::NoRuntime
    ));
    drop(request);
}

#[test]
fn introspection_request_that_ended_with_its_runtime_is_sent_again() {
    let issuer = Issuer::new(Reply::Hang);
    let service = issuer.introspector();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let first = runtime();
    first.block_on(async {
        let service = service.clone();
        tokio::spawn(async move { service.result("opaque").await });
        pass(MILLI).await;
    });
    assert_eq!(issuer.calls(), 1);
    drop(first);
    issuer.reply(Reply::Json(active()));
    assert_eq!(runtime().block_on(service.result("opaque")), "ok");
    assert_eq!(issuer.calls(), 2);
}

// field kind G: a process that was suspended, as on a serverless platform.
#[tokio::test(start_paused = true)]
async fn suspended_process_records_no_failure_of_the_endpoint() {
    let issuer = Issuer::new(Reply::Hang);
    let service = issuer.introspector();
    let caller = {
        let service = service.clone();
        tokio::spawn(async move { service.result("opaque").await })
    };
    pass(MILLI).await;
    issuer.reply(Reply::Json(active()));
    pass(600 * SECOND).await;
    assert_eq!(caller.await.unwrap(), "ok");
    assert_eq!(issuer.calls(), 2);
    let health = service.introspector.health(crate::sync::clock::Now::read());
    assert!(health.last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn introspection_response_ages_from_the_beginning_of_its_request() {
    let issuer = Issuer::new(Reply::Slow(2 * SECOND, active()));
    let service = issuer.with(every_token().max_age(10 * SECOND));
    assert!(2 * SECOND < DEADLINE);
    assert_eq!(service.result("opaque").await, "ok");
    pass(8 * SECOND - MILLI).await;
    assert_eq!(service.result("opaque").await, "ok");
    pass(MILLI).await;
    assert_eq!(service.result("opaque").await, "ok");
    assert_eq!(issuer.calls(), 2);
}

// A response about a verified token is not enough once the token's key is unknown.
#[tokio::test(start_paused = true)]
async fn introspection_response_about_a_verified_token_does_not_replace_its_key() {
    use IntrospectionReason::{Accepted, UnknownKey};
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert!(service.introspect_as(Accepted, "jwt").await.is_ok());
    assert!(service.find_as(UnknownKey, "jwt").is_none());
    assert!(service.find_as(Accepted, "jwt").is_some());
    assert!(service.introspect_as(UnknownKey, "jwt").await.is_ok());
    assert_eq!(issuer.calls(), 2);
    for reason in [UnknownKey, Accepted] {
        assert!(service.find_as(reason, "jwt").is_some());
        assert!(service.introspect_as(reason, "jwt").await.is_ok());
    }
    assert_eq!(issuer.calls(), 2);
}
