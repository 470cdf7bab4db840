//! One token is one question, whoever waits for it.

use std::time::Duration;

use super::issuer::{
    DEADLINE, ENDPOINT, Issuer, MILLI, Reply, SECOND, active, every_token, inactive, pass,
    unavailable, with,
};
use crate::{error::UnavailableReason, introspection::Question};

// conformance 101, 115
#[tokio::test(start_paused = true)]
async fn the_token_travels_in_the_form() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("opaque+1").await, "ok");
    assert_eq!(
        issuer.asked(),
        [format!(
            "{ENDPOINT} token=opaque%2B1&token_type_hint=access_token"
        )]
    );
    assert_eq!(issuer.metadata_calls(), 1);
    assert_eq!(desk.verdict("opaque+2").await, "ok");
    assert_eq!((issuer.calls(), issuer.metadata_calls()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_given_endpoint_needs_no_metadata() {
    let issuer = Issuer::new(Reply::Json(active()));
    issuer.metadata(Reply::Hang);
    let settings = every_token().endpoint("https://other.test/ask");
    let desk = issuer.with(settings);
    assert_eq!(desk.verdict("opaque").await, "ok");
    assert!(issuer.asked()[0].starts_with("https://other.test/ask "));
    assert_eq!(issuer.metadata_calls(), 0);
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn a_thousand_requests_with_one_token_are_one_question() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let desk = issuer.introspector();
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let desk = desk.clone();
            tokio::spawn(async move { desk.verdict("opaque").await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "ok");
    }
    assert_eq!(issuer.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_goes_on_when_its_only_caller_goes_away() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let desk = issuer.introspector();
    let caller = {
        let desk = desk.clone();
        tokio::spawn(async move { desk.verdict("opaque").await })
    };
    pass(MILLI).await;
    caller.abort();
    pass(2 * SECOND).await;
    let found = desk.find("opaque");
    assert!(found.expect("it has landed").verdict.is_ok());
    assert_eq!(issuer.calls(), 1);
}

// The one who begins a question waits for a permit. When he goes away, the others do not wait
// for him.
#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_before_his_question_is_asked_holds_up_nobody() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let desk = issuer.with(every_token().max_in_flight(4));
    let spawn = |token: &'static str| {
        let desk = desk.clone();
        tokio::spawn(async move { desk.verdict(token).await })
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
async fn an_answer_counts_until_max_age_and_is_asked_for_again_then() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.with(every_token().max_age(10 * SECOND));
    assert_eq!(desk.verdict("opaque").await, "ok");
    pass(10 * SECOND - MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "ok");
    assert_eq!(issuer.calls(), 1);
    issuer.reply(Reply::Json(inactive()));
    pass(MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "inactive");
    assert_eq!(issuer.calls(), 2);
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn without_a_cache_each_request_gets_an_answer_that_was_asked_for_after_it() {
    let issuer = Issuer::new(Reply::Slow(SECOND, active()));
    let desk = issuer.with(every_token().max_age(Duration::ZERO));
    let spawn = || {
        let desk = desk.clone();
        tokio::spawn(async move { desk.verdict("opaque").await })
    };
    let early: Vec<_> = (0..100).map(|_| spawn()).collect();
    pass(MILLI).await;
    pass(SECOND / 2).await;
    assert_eq!(issuer.calls(), 1);
    // The question under way was begun before these came: they share another one.
    let late: Vec<_> = (0..100).map(|_| spawn()).collect();
    for caller in early.into_iter().chain(late) {
        assert_eq!(caller.await.unwrap(), "ok");
    }
    assert_eq!(issuer.calls(), 2);
    pass(MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "ok");
    assert_eq!(issuer.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_route_may_want_a_newer_answer_than_the_settings() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("opaque").await, "ok");
    pass(5 * SECOND).await;
    assert_eq!(desk.verdict("opaque").await, "ok");
    assert!(desk.ask_within("opaque", Some(6 * SECOND)).await.is_ok());
    assert_eq!(issuer.calls(), 1);
    assert!(desk.ask_within("opaque", Some(5 * SECOND)).await.is_ok());
    assert_eq!(issuer.calls(), 2);
    // It cannot loosen them.
    pass(61 * SECOND).await;
    assert!(desk.ask_within("opaque", Some(600 * SECOND)).await.is_ok());
    assert_eq!(issuer.calls(), 3);
}

// conformance 113
#[tokio::test(start_paused = true)]
async fn a_refusal_counts_for_five_seconds() {
    let issuer = Issuer::new(Reply::Json(inactive()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("opaque").await, "inactive");
    issuer.reply(Reply::Json(active()));
    pass(5 * SECOND - MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "inactive");
    assert_eq!(issuer.calls(), 1);
    pass(MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "ok");
    assert_eq!(issuer.calls(), 2);
}

// conformance 112, 114
#[tokio::test(start_paused = true)]
async fn another_token_with_the_same_jti_is_another_question() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("opaque").await, "ok");
    issuer.reply(Reply::Json(with(inactive(), "jti", "AT.1")));
    for other in ["opaqu", "opaquf", "Opaque", "opaque=", "opaque.", "xopaque"] {
        assert_eq!(desk.verdict(other).await, "inactive", "{other}");
    }
    assert_eq!(issuer.calls(), 7);
    assert_eq!(desk.verdict("opaque").await, "ok");
    assert_eq!(issuer.calls(), 7);
}

// conformance 112
#[tokio::test(start_paused = true)]
async fn what_one_issuer_said_is_nothing_to_another() {
    let one = Issuer::new(Reply::Json(active()));
    let other = Issuer::new(Reply::Json(inactive()));
    let (one_desk, other_desk) = (one.introspector(), other.introspector());
    assert_eq!(one_desk.verdict("opaque").await, "ok");
    assert!(other_desk.find("opaque").is_none());
    assert_eq!(other_desk.verdict("opaque").await, "inactive");
    assert_eq!(one_desk.verdict("opaque").await, "ok");
    assert_eq!((one.calls(), other.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn looking_has_no_effect() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert!(desk.find("opaque").is_none());
    pass(SECOND).await;
    assert_eq!((issuer.calls(), issuer.metadata_calls()), (0, 0));
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    let mut asking = Box::pin(desk.ask("opaque"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(result) = asking.as_mut().poll(&mut context) else {
        panic!("it waits for a runtime that is not there");
    };
    assert!(matches!(
        unavailable(result).1,
        UnavailableReason::NoRuntime
    ));
    drop(asking);
}

#[test]
fn a_question_that_died_with_its_runtime_is_asked_again_in_the_next() {
    let issuer = Issuer::new(Reply::Hang);
    let desk = issuer.introspector();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let first = runtime();
    first.block_on(async {
        let desk = desk.clone();
        tokio::spawn(async move { desk.verdict("opaque").await });
        pass(MILLI).await;
    });
    assert_eq!(issuer.calls(), 1);
    drop(first);
    issuer.reply(Reply::Json(active()));
    assert_eq!(runtime().block_on(desk.verdict("opaque")), "ok");
    assert_eq!(issuer.calls(), 2);
}

// field kind G: a process that was frozen, as on a serverless platform.
#[tokio::test(start_paused = true)]
async fn suspended_process_records_no_failure_of_the_endpoint() {
    let issuer = Issuer::new(Reply::Hang);
    let desk = issuer.introspector();
    let caller = {
        let desk = desk.clone();
        tokio::spawn(async move { desk.verdict("opaque").await })
    };
    pass(MILLI).await;
    issuer.reply(Reply::Json(active()));
    pass(600 * SECOND).await;
    assert_eq!(caller.await.unwrap(), "ok");
    assert_eq!(issuer.calls(), 2);
    let health = desk.introspector.health(crate::sync::clock::Now::read());
    assert!(health.last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_counts_from_when_it_was_asked_for() {
    let issuer = Issuer::new(Reply::Slow(2 * SECOND, active()));
    let desk = issuer.with(every_token().max_age(10 * SECOND));
    assert!(2 * SECOND < DEADLINE);
    assert_eq!(desk.verdict("opaque").await, "ok");
    pass(8 * SECOND - MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "ok");
    pass(MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "ok");
    assert_eq!(issuer.calls(), 2);
}

// What stood on a signature does not stand without it.
#[tokio::test(start_paused = true)]
async fn an_answer_over_a_verified_token_does_not_stand_in_for_its_key() {
    use Question::{Accepted, UnknownKey};
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert!(desk.ask_as(Accepted, "jwt").await.is_ok());
    assert!(desk.find_as(UnknownKey, "jwt").is_none());
    assert!(desk.find_as(Accepted, "jwt").is_some());
    assert!(desk.ask_as(UnknownKey, "jwt").await.is_ok());
    assert_eq!(issuer.calls(), 2);
    for question in [UnknownKey, Accepted] {
        assert!(desk.find_as(question, "jwt").is_some());
        assert!(desk.ask_as(question, "jwt").await.is_ok());
    }
    assert_eq!(issuer.calls(), 2);
}
