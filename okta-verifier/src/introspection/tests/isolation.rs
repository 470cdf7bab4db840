//! One client or a stranger does not affect the others.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::issuer::{
    Issuer, MILLI, Reply, SECOND, Service, active, every_token, inactive, pass, unavailable,
    verified, with,
};
use crate::{
    error::UnavailableReason,
    health::IntrospectionState,
    introspection::{IntrospectionReason, RequiredResponse},
    sync::clock::Now,
};

fn state(service: &Service) -> IntrospectionState {
    service.introspector.health(Now::read()).state
}

// finding 2: Eve's tokens were active once and are revoked. Some servers fail on such tokens only.
#[tokio::test(start_paused = true)]
async fn revoked_tokens_do_not_delay_others() {
    for failure in [
        Reply::Fail(UnavailableReason::CredentialsRefused),
        Reply::status(404),
        Reply::status(500),
        Reply::Fail(UnavailableReason::Transport {
            source: Arc::new(std::io::Error::other("reset")),
        }),
    ] {
        for (is_verified, eves) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
            let issuer = Issuer::new(Reply::Json(active()));
            let service = issuer.with(every_token().max_age(10 * SECOND));
            let introspect = |token: String, client: &'static str| {
                let service = service.clone();
                async move {
                    match is_verified {
                        true => {
                            service
                                .introspect_verified(&token, &verified(client, &token))
                                .await
                        }
                        false => service.introspect(&token).await,
                    }
                }
            };
            for eve in 0..eves {
                introspect(format!("eve {eve}"), "0oaeve").await.unwrap();
            }
            for number in 0..20 {
                pass(100 * MILLI).await;
                introspect(format!("honest {number}"), "0oahonest")
                    .await
                    .unwrap();
            }
            pass(10 * SECOND).await;
            for tick in 0..600 {
                pass(100 * MILLI).await;
                issuer.reply(failure.clone());
                for eve in 0..eves {
                    unavailable(introspect(format!("eve {eve}"), "0oaeve").await);
                }
                issuer.reply(Reply::Json(active()));
                let honest = format!("honest {}", tick % 20);
                introspect(honest, "0oahonest").await.unwrap();
            }
            assert_eq!(state(&service), IntrospectionState::Available);
        }
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn one_subject_does_not_delay_the_other_subjects_of_its_client() {
    let issuer = Issuer::new(Reply::Slow(20 * MILLI, with(active(), "sub", "ada")));
    let service = issuer.with(every_token().max_age(10 * SECOND));
    let (mut served, mut sent) = (0, 0);
    for tick in 0..1_000_u32 {
        pass(20 * MILLI).await;
        for flood in 0..4 {
            let service = service.clone();
            let name = format!("greedy {}", (tick * 4 + flood) % 400);
            tokio::spawn(async move {
                let token = verified("0oa1spa", "eve");
                let _ = service.introspect_verified(&name, &token).await;
            });
        }
        if tick % 25 < 20 {
            let name = format!("honest {}", tick % 25);
            let token = verified("0oa1spa", &name);
            sent += 1;
            served += usize::from(service.introspect_verified(&name, &token).await.is_ok());
        }
    }
    // Some honest tokens may be rejected, because all of them are renewed at the same time.
    assert!(served * 100 >= sent * 95, "{served} of {sent}");
}

// finding 4: the share of the rate alone would let a client with slow requests hold every permit.
#[tokio::test(start_paused = true)]
async fn client_with_slow_requests_leaves_permits_to_the_others() {
    let issuer = Issuer::new(Reply::Json(active()));
    issuer.invented(Reply::Slow(2_900 * MILLI, active()));
    let service = issuer.introspector();
    let mut honest = Vec::new();
    for tick in 0..600_u32 {
        pass(100 * MILLI).await;
        for number in 0..4 {
            let service = service.clone();
            tokio::spawn(async move {
                let token = verified("0oaeve", &format!("eve {}", tick % 16));
                let name = format!("invented {tick} {number}");
                let _ = service.introspect_verified(&name, &token).await;
            });
        }
        if tick % 5 == 0 {
            let service = service.clone();
            honest.push(tokio::spawn(async move {
                let start = tokio::time::Instant::now();
                let client = ["0oaa", "0oab", "0oac", "0oad"][tick as usize / 5 % 4];
                let token = verified(client, &format!("ada {tick}"));
                let response = service
                    .introspect_verified(&format!("honest {tick}"), &token)
                    .await;
                response.is_ok() && start.elapsed() < SECOND
            }));
        }
    }
    let (sent, mut served) = (honest.len(), 0);
    for task in honest {
        served += usize::from(task.await.unwrap());
    }
    // The hash of each subject has a random key, so a few honest subjects may share both of their cells with
    // eve's.
    assert!(served * 100 >= sent * 95, "{served} of {sent}");
}

// finding 2
#[tokio::test(start_paused = true)]
async fn invented_token_that_is_not_found_causes_no_metadata_fetch() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("warm").await, "ok");
    issuer.metadata(Reply::Hang);
    for number in 0..60 {
        pass(SECOND).await;
        issuer.reply(Reply::status(404));
        unavailable(service.introspect(&format!("invented {number}")).await);
        issuer.reply(Reply::Json(active()));
        let token = verified("0oa1", "ada@example.com");
        let response = service
            .introspect_verified(&format!("jwt {number}"), &token)
            .await;
        assert!(response.is_ok());
    }
    assert_eq!(issuer.metadata_calls(), 1);
}

// finding 2: the endpoint, or a firewall in front of it, responds to an invented token with `Retry-After`.
#[tokio::test(start_paused = true)]
async fn retry_after_about_an_invented_token_delays_new_opaque_tokens_for_five_seconds() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("warm").await, "ok");
    issuer.reply(Reply::Fail(UnavailableReason::Status {
        status: 503,
        retry_after: Some(120 * SECOND),
    }));
    assert_eq!(
        unavailable(service.introspect("invented").await).0,
        120 * SECOND
    );
    issuer.reply(Reply::Json(active()));
    assert_eq!(service.result("warm").await, "ok");
    pass(5 * SECOND - MILLI).await;
    assert_eq!(service.result("new").await, "unavailable");
    pass(MILLI).await;
    assert_eq!(service.result("new").await, "ok");
    assert_eq!(service.result("invented").await, "unavailable");
    assert_eq!(state(&service), IntrospectionState::Available);
}

// finding 5
#[tokio::test(start_paused = true)]
async fn introspection_failure_does_not_evict_a_rejection() {
    let issuer = Issuer::new(Reply::Json(inactive()));
    let service = issuer.introspector();
    let token = verified("0oa1", "ada@example.com");
    let response = service.introspect_verified("jwt", &token).await.unwrap();
    assert!(response.result.is_err());
    let is_inactive = || service.introspector.reported_inactive(b"jwt", Now::read());
    assert!(is_inactive());
    pass(SECOND).await;
    issuer.reply(Reply::status(500));
    let required = RequiredResponse {
        reason: IntrospectionReason::Accepted,
        verified: Some(&token),
        max_age: Some(Duration::ZERO),
        newer_than: None,
        arrived: Now::read(),
    };
    unavailable(service.introspector.introspect(b"jwt", required).await);
    assert!(is_inactive());
}

// finding 5
#[tokio::test(start_paused = true)]
async fn invented_tokens_evict_no_rejection_of_a_verified_token() {
    let issuer = Issuer::new(Reply::Json(inactive()));
    let service = issuer.with(every_token().unverified_rate_limit(1_000, 1_000));
    for round in 0..5 {
        let name = format!("jwt {round}");
        let token = verified("0oa1", "ada@example.com");
        let response = service.introspect_verified(&name, &token).await.unwrap();
        assert!(response.result.is_err());
        for number in 0..1_500 {
            pass(MILLI).await;
            // Twice, because the cache prefers entries that are used again.
            for _ in 0..2 {
                let _ = service
                    .introspect(&format!("invented {round} {number}"))
                    .await;
            }
        }
        assert!(
            service
                .introspector
                .reported_inactive(name.as_bytes(), Now::read())
        );
    }
}

// finding 9: an outage is reported, whatever the endpoint sends instead of a response.
#[tokio::test(start_paused = true)]
async fn introspection_outage_is_shown_by_health_until_a_response_about_a_trusted_token() {
    for reply in [
        Reply::status(403),
        Reply::status(400),
        Reply::status(405),
        Reply::Text("<html>"),
        Reply::Json(json!({})),
        Reply::Hang,
    ] {
        for tokens in [1, 100] {
            let issuer = Issuer::new(Reply::Json(active()));
            let service = issuer.introspector();
            let token = verified("0oa1", "ada@example.com");
            service.introspect_verified("first", &token).await.unwrap();
            issuer.reply(reply.clone());
            pass(60 * SECOND).await;
            for number in 0..100 {
                pass(SECOND).await;
                let name = format!("token {}", number % tokens);
                unavailable(service.introspect_verified(&name, &token).await);
            }
            let unavailable = IntrospectionState::Unavailable {
                retry_after: Duration::ZERO,
            };
            assert_eq!(state(&service), unavailable);
            issuer.reply(Reply::Json(active()));
            service.introspect("opaque").await.unwrap();
            assert_eq!(state(&service), unavailable, "the token may be invented");
            pass(61 * SECOND).await;
            service.introspect("opaque").await.unwrap(); // The token was active before.
            assert_eq!(state(&service), IntrospectionState::Available);
        }
    }
}
