//! What is answered when the issuer cannot be asked: 503, and a time to come back.

use std::time::Duration;

use serde_json::json;

use super::issuer::{
    ENDPOINT, Issuer, MILLI, Reply, SECOND, active, every_token, inactive, pass, unavailable,
    verified,
};
use crate::{error::FetchError, health::IntrospectionState, time::Now};

// conformance 105, 107
#[tokio::test(start_paused = true)]
async fn trouble_of_the_issuer_is_never_the_tokens_fault() {
    for reply in [
        Reply::status(500),
        Reply::status(503),
        Reply::status(429),
        Reply::status(403),
        Reply::status(404),
        Reply::status(400),
        Reply::status(302),
        Reply::Fail(FetchError::ContentType {
            fields: 1,
            value: "text/html".into(),
        }),
        Reply::Fail(FetchError::TooLarge { limit: 65_536 }),
        Reply::Fail(FetchError::CredentialsRefused),
        Reply::Hang,
        Reply::Text(""),
        Reply::Text("<html>"),
        Reply::Json(json!({ "active": "true" })),
        Reply::Json(json!({ "active": 1 })),
        Reply::Json(json!({})),
        Reply::Slow(4 * SECOND, active()),
    ] {
        let issuer = Issuer::new(reply);
        let desk = issuer.introspector();
        let (retry_after, _) = unavailable(desk.ask("opaque").await);
        assert!(retry_after <= Duration::from_secs(120));
        assert_eq!(issuer.calls(), 1);
        // It recovers by itself.
        issuer.reply(Reply::Json(active()));
        pass(retry_after).await;
        assert_eq!(desk.verdict("opaque").await, "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_endpoint_is_not_hammered_and_known_tokens_are_served_all_the_while() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.with(every_token().max_age(3_600 * SECOND));
    assert_eq!(desk.verdict("known").await, "ok");
    issuer.reply(Reply::status(500));
    for number in 0..600 {
        pass(100 * MILLI).await;
        let name = format!("new {number}");
        let token = verified("0oa1", &name);
        let (retry_after, source) = unavailable(desk.ask_verified(&name, &token).await);
        assert!(retry_after <= 30 * SECOND);
        assert!(matches!(source, FetchError::Status { status: 500, .. }));
        assert_eq!(desk.verdict("known").await, "ok");
    }
    // In one minute: after 0.25, 0.5, 1, 2, 4, 8, 16, 30 s at most, and half of these at least; the
    // first failure may have been the token's own.
    let calls = issuer.calls() - 1;
    assert!((8..=11).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_endpoint_chokes_on_is_asked_about_once_and_others_are_answered() {
    let issuer = Issuer::new(Reply::Text(r#"{"active":"true"}"#));
    let desk = issuer.introspector();
    let (retry_after, _) = unavailable(desk.ask("bad").await);
    issuer.reply(Reply::Json(active()));
    pass(retry_after - MILLI).await;
    assert_eq!(desk.verdict("bad").await, "unavailable");
    assert_eq!(issuer.calls(), 1);
    assert_eq!(desk.verdict("good").await, "ok");
    pass(MILLI).await;
    assert_eq!(desk.verdict("bad").await, "ok");
    assert_eq!(issuer.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_one_token_meets_shuts_the_endpoint_for_no_other() {
    for reply in [
        Reply::status(403),
        Reply::status(500),
        Reply::Fail(FetchError::ContentType {
            fields: 1,
            value: "text/html".into(),
        }),
    ] {
        let issuer = Issuer::new(reply);
        let desk = issuer.introspector();
        let state = || desk.introspector.health(Now::read()).state;
        for _ in 0..3 {
            let (retry_after, _) = unavailable(desk.ask("bad").await);
            assert_eq!(state(), IntrospectionState::NotAsked);
            pass(retry_after).await;
        }
        issuer.reply(Reply::Json(active()));
        assert_eq!(desk.verdict("good").await, "ok");
        assert_eq!(issuer.calls(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn the_issuer_is_left_alone_for_as_long_as_it_asks() {
    let issuer = Issuer::new(Reply::Fail(FetchError::Status {
        status: 429,
        retry_after: Some(40 * SECOND),
    }));
    let desk = issuer.introspector();
    assert_eq!(unavailable(desk.ask("opaque").await).0, 40 * SECOND);
    issuer.reply(Reply::Json(active()));
    pass(40 * SECOND - MILLI).await;
    assert_eq!(unavailable(desk.ask("opaque").await).0, MILLI);
    assert_eq!(issuer.calls(), 1);
    pass(MILLI).await;
    assert_eq!(desk.verdict("opaque").await, "ok");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_leaves_the_last_one_alone() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("opaque").await, "ok");
    issuer.reply(Reply::Text(r#"{"active":"false"}"#));
    pass(SECOND).await;
    unavailable(desk.ask_within("opaque", Some(SECOND)).await);
    assert_eq!(desk.verdict("opaque").await, "ok");
    issuer.reply(Reply::Json(inactive()));
    pass(SECOND).await;
    assert!(desk.ask_within("opaque", Some(SECOND)).await.is_ok());
    assert_eq!(desk.verdict("opaque").await, "inactive");
}

// conformance 107
#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_shown_by_health() {
    let issuer = Issuer::new(Reply::Fail(FetchError::CredentialsRefused));
    let desk = issuer.introspector();
    let state = || desk.introspector.health(Now::read()).state;
    assert_eq!(state(), IntrospectionState::NotAsked);
    let ask = || async { desk.ask_verified("jwt", &verified("0oa1", "ada")).await };
    let (_, source) = unavailable(ask().await);
    assert!(matches!(source, FetchError::CredentialsRefused));
    let IntrospectionState::CredentialsRefused { retry_after } = state() else {
        panic!("{:?}", state());
    };
    issuer.reply(Reply::status(500));
    pass(retry_after).await;
    unavailable(ask().await);
    let IntrospectionState::Unavailable { retry_after } = state() else {
        panic!("{:?}", state());
    };
    issuer.reply(Reply::Json(inactive()));
    pass(retry_after).await;
    assert!(ask().await.unwrap().verdict.is_err());
    assert_eq!(state(), IntrospectionState::Available);
    let health = desk.introspector.health(Now::read());
    assert!(health.last_error.is_none() && health.last_success.is_some());
    assert_eq!(health.in_flight, 0);
}

// finding 2: with opaque tokens only, two of them show that it is not the one.
#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_shown_by_health_after_two_opaque_tokens() {
    let issuer = Issuer::new(Reply::Fail(FetchError::CredentialsRefused));
    let desk = issuer.introspector();
    let state = || desk.introspector.health(Now::read()).state;
    unavailable(desk.ask("one").await);
    assert_eq!(state(), IntrospectionState::NotAsked);
    unavailable(desk.ask("other").await);
    let expected = IntrospectionState::CredentialsRefused {
        retry_after: std::time::Duration::ZERO,
    };
    assert_eq!(state(), expected);
    issuer.reply(Reply::Json(active()));
    assert_eq!(desk.verdict("third").await, "ok");
    assert_eq!(state(), IntrospectionState::Available);
}

#[tokio::test(start_paused = true)]
async fn the_metadata_must_name_an_endpoint_of_its_own() {
    let document = |issuer: &str, endpoint: &str| json!({ "issuer": issuer, "introspection_endpoint": endpoint });
    for (metadata, expected) in [
        (
            json!({ "issuer": "https://issuer.test" }),
            "no introspection_endpoint",
        ),
        (
            document("https://other.test", ENDPOINT),
            "does not exactly match",
        ),
        (
            document("https://issuer.test", "https://other.test/ask"),
            "introspection_endpoint",
        ),
        (
            document("https://issuer.test", "https://keys.test/ask"),
            "introspection_endpoint",
        ),
        (
            document("https://issuer.test", "http://issuer.test/ask"),
            "introspection_endpoint",
        ),
        (json!([]), "malformed"),
    ] {
        let issuer = Issuer::new(Reply::Json(active()));
        issuer.metadata(Reply::Json(metadata));
        let (_, source) = unavailable(issuer.introspector().ask("opaque").await);
        assert!(source.to_string().contains(expected), "{source}");
        assert_eq!(issuer.calls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_moved_is_found_again() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("one").await, "ok");
    issuer.reply(Reply::status(404));
    let (retry_after, _) = unavailable(desk.ask("two").await);
    issuer.reply(Reply::Json(active()));
    issuer.metadata(Reply::Json(json!({
        "issuer": "https://issuer.test",
        "introspection_endpoint": "https://issuer.test/moved",
    })));
    pass(retry_after).await;
    assert_eq!(desk.verdict("two").await, "ok");
    assert!(issuer.asked()[2].starts_with("https://issuer.test/moved "));
    // Once known it outlives the metadata.
    issuer.metadata(Reply::status(500));
    pass(25 * 3_600 * SECOND).await;
    assert_eq!(desk.verdict("three").await, "ok");
    assert!(issuer.asked()[3].starts_with("https://issuer.test/moved "));
}
