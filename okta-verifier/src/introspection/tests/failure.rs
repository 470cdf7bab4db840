//! Failures of introspection: 503 with a time to retry.

use std::time::Duration;

use serde_json::json;

use super::issuer::{
    ENDPOINT, Issuer, MILLI, Reply, SECOND, active, every_token, inactive, pass, unavailable,
    verified,
};
use crate::{error::UnavailableReason, health::IntrospectionState, sync::clock::Now};

// conformance 105, 107
#[tokio::test(start_paused = true)]
async fn introspection_failure_is_never_a_401() {
    for reply in [
        Reply::status(500),
        Reply::status(503),
        Reply::status(429),
        Reply::status(403),
        Reply::status(404),
        Reply::status(400),
        Reply::status(302),
        Reply::Fail(UnavailableReason::ContentType {
            fields: 1,
            value: "text/html".into(),
        }),
        Reply::Fail(UnavailableReason::TooLarge { limit: 65_536 }),
        Reply::Fail(UnavailableReason::CredentialsRefused),
        Reply::Hang,
        Reply::Text(""),
        Reply::Text("<html>"),
        Reply::Json(json!({ "active": "true" })),
        Reply::Json(json!({ "active": 1 })),
        Reply::Json(json!({})),
        Reply::Slow(4 * SECOND, active()),
    ] {
        let issuer = Issuer::new(reply);
        let service = issuer.introspector();
        let (retry_after, _) = unavailable(service.introspect("opaque").await);
        assert!(retry_after <= Duration::from_secs(120));
        assert_eq!(issuer.calls(), 1);
        // It recovers without a restart.
        issuer.reply(Reply::Json(active()));
        pass(retry_after).await;
        assert_eq!(service.result("opaque").await, "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_outage_keeps_accepting_introspected_tokens() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.with(every_token().max_age(3_600 * SECOND));
    assert_eq!(service.result("active").await, "ok");
    issuer.reply(Reply::status(500));
    for number in 0..6_000 {
        pass(10 * MILLI).await;
        let name = format!("new {number}");
        let token = verified(&name, &name);
        unavailable(service.introspect_verified(&name, &token).await);
        assert_eq!(service.result("active").await, "ok");
    }
    // In one minute, at 16 per second and 32 at once.
    let calls = issuer.calls() - 1;
    assert!((960..=992).contains(&calls), "{calls}");
    let health = service.introspector.health(Now::read());
    assert!(matches!(
        health.state,
        IntrospectionState::Unavailable { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn introspection_failure_of_one_token_backs_off() {
    let hangs = Reply::Fail(UnavailableReason::Timeout);
    for reply in [Reply::status(500), Reply::status(401), hangs] {
        for is_verified in [false, true] {
            let issuer = Issuer::new(reply.clone());
            let service = issuer.introspector();
            let token = verified("0oa1", "ada");
            // Independent of the maximum age.
            let introspect = || async {
                match is_verified {
                    true => service.introspect_verified("bad", &token).await,
                    false => service.introspect_within("bad", Some(Duration::ZERO)).await,
                }
            };
            for _ in 0..12_000 {
                pass(10 * MILLI).await;
                let (retry_after, _) = unavailable(introspect().await);
                assert!(retry_after <= 30 * SECOND);
            }
            // At 0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 31.75, 61.75, 91.75 s.
            assert_eq!(issuer.calls(), 10);
            issuer.reply(Reply::Json(active()));
            pass(30 * SECOND).await;
            assert!(introspect().await.is_ok());
            issuer.reply(reply.clone());
            pass(60 * SECOND).await;
            assert_eq!(unavailable(introspect().await).0, SECOND / 4);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_failure_of_one_token_is_not_repeated_at_once() {
    let issuer = Issuer::new(Reply::Text(r#"{"active":"true"}"#));
    let service = issuer.introspector();
    let (retry_after, _) = unavailable(service.introspect("bad").await);
    issuer.reply(Reply::Json(active()));
    pass(retry_after - MILLI).await;
    assert_eq!(service.result("bad").await, "unavailable");
    assert_eq!(issuer.calls(), 1);
    assert_eq!(service.result("good").await, "ok");
    pass(MILLI).await;
    assert_eq!(service.result("bad").await, "ok");
    assert_eq!(issuer.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn introspection_failure_of_one_token_does_not_delay_others() {
    for reply in [
        Reply::status(403),
        Reply::status(500),
        Reply::Fail(UnavailableReason::ContentType {
            fields: 1,
            value: "text/html".into(),
        }),
    ] {
        let issuer = Issuer::new(reply);
        let service = issuer.introspector();
        let state = || service.introspector.health(Now::read()).state;
        for _ in 0..2 {
            let (retry_after, _) = unavailable(service.introspect("bad").await);
            assert_eq!(state(), IntrospectionState::Unused);
            pass(retry_after).await;
        }
        issuer.reply(Reply::Json(active()));
        assert_eq!(service.result("good").await, "ok");
        assert_eq!(issuer.calls(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_honours_retry_after() {
    let issuer = Issuer::new(Reply::Fail(UnavailableReason::Status {
        status: 429,
        retry_after: Some(40 * SECOND),
    }));
    let service = issuer.introspector();
    assert_eq!(
        unavailable(service.introspect("opaque").await).0,
        40 * SECOND
    );
    issuer.reply(Reply::Json(active()));
    pass(40 * SECOND - MILLI).await;
    assert_eq!(unavailable(service.introspect("opaque").await).0, MILLI);
    assert_eq!(issuer.calls(), 1);
    pass(MILLI).await;
    assert_eq!(service.result("opaque").await, "ok");
}

#[tokio::test(start_paused = true)]
async fn introspection_malformed_response_keeps_the_last_one() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("opaque").await, "ok");
    issuer.reply(Reply::Text(r#"{"active":"false"}"#));
    pass(SECOND).await;
    unavailable(service.introspect_within("opaque", Some(SECOND)).await);
    assert_eq!(service.result("opaque").await, "ok");
    issuer.reply(Reply::Json(inactive()));
    pass(SECOND).await;
    assert!(
        service
            .introspect_within("opaque", Some(SECOND))
            .await
            .is_ok()
    );
    assert_eq!(service.result("opaque").await, "inactive");
}

// conformance 107
#[tokio::test(start_paused = true)]
async fn introspection_health_shows_rejected_credentials() {
    let issuer = Issuer::new(Reply::Fail(UnavailableReason::CredentialsRefused));
    let service = issuer.introspector();
    let state = || service.introspector.health(Now::read()).state;
    assert_eq!(state(), IntrospectionState::Unused);
    let introspect = || async {
        service
            .introspect_verified("jwt", &verified("0oa1", "ada"))
            .await
    };
    let (_, source) = unavailable(introspect().await);
    assert!(matches!(source, UnavailableReason::CredentialsRefused));
    let IntrospectionState::CredentialsRejected { retry_after } = state() else {
        panic!("{:?}", state());
    };
    assert_eq!(retry_after, Duration::ZERO);
    issuer.reply(Reply::status(500));
    for _ in 0..2 {
        pass(SECOND).await;
        unavailable(introspect().await);
    }
    let IntrospectionState::Unavailable { retry_after } = state() else {
        panic!("{:?}", state());
    };
    assert_eq!(retry_after, Duration::ZERO);
    issuer.reply(Reply::Json(inactive()));
    pass(SECOND).await;
    assert!(introspect().await.unwrap().result.is_err());
    assert_eq!(state(), IntrospectionState::Available);
    let health = service.introspector.health(Now::read());
    assert!(health.last_error.is_none() && health.last_success.is_some());
    assert_eq!(health.in_flight, 0);
}

// finding 2: with opaque tokens only, two of them show that a single token is not the reason.
#[tokio::test(start_paused = true)]
async fn introspection_health_forgets_failures_of_opaque_tokens() {
    let issuer = Issuer::new(Reply::Fail(UnavailableReason::CredentialsRefused));
    let service = issuer.introspector();
    let state = || service.introspector.health(Now::read()).state;
    unavailable(service.introspect("one").await);
    assert_eq!(state(), IntrospectionState::Unused);
    unavailable(service.introspect("other").await);
    // Strangers may have invented the tokens, so the credentials need not be wrong.
    let expected = IntrospectionState::Unavailable {
        retry_after: Duration::ZERO,
    };
    assert_eq!(state(), expected);
    let last_error = service.introspector.health(Now::read()).last_error;
    assert!(matches!(
        last_error,
        Some(UnavailableReason::CredentialsRefused)
    ));
    pass(60 * SECOND).await;
    assert_eq!(state(), IntrospectionState::Unused);
    unavailable(service.introspect("another").await);
    assert_eq!(state(), expected);
    issuer.reply(Reply::Json(active()));
    assert_eq!(service.result("third").await, "ok");
    assert_eq!(state(), IntrospectionState::Available);
}

#[tokio::test(start_paused = true)]
async fn introspection_endpoint_of_another_origin_is_rejected() {
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
            document("https://issuer.test", "https://allowed.test:8443/ask"),
            "introspection_endpoint",
        ),
        (
            document("https://issuer.test", "http://issuer.test/ask"),
            "introspection_endpoint",
        ),
        (
            document("https://issuer.test", "http://allowed.test/ask"),
            "introspection_endpoint",
        ),
        (
            document("https://issuer.test", "http://127.0.0.1/ask"),
            "introspection_endpoint",
        ),
        (json!([]), "malformed"),
    ] {
        let issuer = Issuer::new(Reply::Json(active()));
        issuer.metadata(Reply::Json(metadata));
        let (_, source) = unavailable(issuer.introspector().introspect("opaque").await);
        assert!(source.to_string().contains(expected), "{source}");
        assert_eq!(issuer.calls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_endpoint_of_an_allowed_origin_is_used() {
    let endpoint = "https://allowed.test/ask";
    let issuer = Issuer::new(Reply::Json(active()));
    issuer.metadata(Reply::Json(json!({
        "issuer": "https://issuer.test",
        "introspection_endpoint": endpoint,
    })));
    assert_eq!(issuer.introspector().result("opaque").await, "ok");
    assert_eq!(issuer.last_url().as_deref(), Some(endpoint));
}

#[tokio::test(start_paused = true)]
async fn introspection_endpoint_that_moved_is_found_again() {
    let moved = "https://issuer.test/moved";
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("one").await, "ok");
    issuer.reply(Reply::status(404));
    // A failure about an invented token does not show that the endpoint has moved.
    unavailable(service.introspect("invented").await);
    assert_eq!(issuer.metadata_calls(), 1);
    let two = verified("0oa1", "ada");
    let (retry_after, _) = unavailable(service.introspect_verified("two", &two).await);
    issuer.reply(Reply::Json(active()));
    issuer.metadata(Reply::Json(json!({
        "issuer": "https://issuer.test",
        "introspection_endpoint": moved,
    })));
    pass(retry_after).await;
    assert_eq!(service.result("four").await, "ok");
    assert_eq!(issuer.last_url().as_deref(), Some(moved));
    // The last endpoint is used while the metadata is unavailable.
    issuer.metadata(Reply::status(500));
    pass(25 * 3_600 * SECOND).await;
    assert_eq!(service.result("four").await, "ok");
    assert_eq!(issuer.last_url().as_deref(), Some(moved));
}
