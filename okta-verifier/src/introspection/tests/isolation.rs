//! What one caller or a stranger can do to all others.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::issuer::{
    Desk, Issuer, MILLI, Reply, SECOND, active, every_token, inactive, pass, unavailable, verified,
    with,
};
use crate::{
    error::UnavailableReason,
    health::IntrospectionState,
    introspection::{Question, Want},
    sync::clock::Now,
};

fn state(desk: &Desk) -> IntrospectionState {
    desk.introspector.health(Now::read()).state
}

// finding 2: Eve's tokens were active once and are revoked. Some servers fail on such tokens, and are
// well for all others.
#[tokio::test(start_paused = true)]
async fn revoked_tokens_hold_up_no_others() {
    for gone in [
        Reply::Fail(UnavailableReason::CredentialsRefused),
        Reply::status(404),
        Reply::status(500),
        Reply::Fail(UnavailableReason::Transport {
            source: Arc::new(std::io::Error::other("reset")),
        }),
    ] {
        for (is_verified, eves) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
            let issuer = Issuer::new(Reply::Json(active()));
            let desk = issuer.with(every_token().max_age(10 * SECOND));
            let ask = |token: String, client: &'static str| {
                let desk = desk.clone();
                async move {
                    match is_verified {
                        true => desk.ask_verified(&token, &verified(client, &token)).await,
                        false => desk.ask(&token).await,
                    }
                }
            };
            for eve in 0..eves {
                ask(format!("eve {eve}"), "0oaeve").await.unwrap();
            }
            for number in 0..20 {
                pass(100 * MILLI).await;
                ask(format!("honest {number}"), "0oahonest").await.unwrap();
            }
            pass(10 * SECOND).await;
            for tick in 0..600 {
                pass(100 * MILLI).await;
                issuer.reply(gone.clone());
                for eve in 0..eves {
                    unavailable(ask(format!("eve {eve}"), "0oaeve").await);
                }
                issuer.reply(Reply::Json(active()));
                let honest = format!("honest {}", tick % 20);
                ask(honest, "0oahonest").await.unwrap();
            }
            assert_eq!(state(&desk), IntrospectionState::Available);
        }
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn one_subject_does_not_hold_up_the_other_subjects_of_its_client() {
    let issuer = Issuer::new(Reply::Slow(20 * MILLI, with(active(), "sub", "whoever")));
    let desk = issuer.with(every_token().max_age(10 * SECOND));
    let (mut served, mut asked) = (0, 0);
    for tick in 0..1_000_u32 {
        pass(20 * MILLI).await;
        for flood in 0..4 {
            let desk = desk.clone();
            let name = format!("greedy {}", (tick * 4 + flood) % 400);
            tokio::spawn(async move {
                let token = verified("0oa1spa", "eve");
                let _ = desk.ask_verified(&name, &token).await;
            });
        }
        if tick % 25 < 20 {
            let name = format!("honest {}", tick % 25);
            let token = verified("0oa1spa", &name);
            asked += 1;
            served += usize::from(desk.ask_verified(&name, &token).await.is_ok());
        }
    }
    // The honest tokens are renewed at the same time, and some wait for a moment.
    assert!(served * 100 >= asked * 95, "{served} of {asked}");
}

// finding 4: the share of the rate alone would let a client whose requests take long hold every place.
#[tokio::test(start_paused = true)]
async fn a_client_whose_requests_take_long_leaves_places_to_the_others() {
    let issuer = Issuer::new(Reply::Json(active()));
    issuer.invented(Reply::Slow(2_900 * MILLI, active()));
    let desk = issuer.introspector();
    let mut honest = Vec::new();
    for tick in 0..600_u32 {
        pass(100 * MILLI).await;
        for number in 0..4 {
            let desk = desk.clone();
            tokio::spawn(async move {
                let token = verified("0oaeve", &format!("eve {}", tick % 16));
                let name = format!("invented {tick} {number}");
                let _ = desk.ask_verified(&name, &token).await;
            });
        }
        if tick % 5 == 0 {
            let desk = desk.clone();
            honest.push(tokio::spawn(async move {
                let start = tokio::time::Instant::now();
                let client = ["0oaa", "0oab", "0oac", "0oad"][tick as usize / 5 % 4];
                let token = verified(client, &format!("ada {tick}"));
                let answer = desk.ask_verified(&format!("honest {tick}"), &token).await;
                answer.is_ok() && start.elapsed() < SECOND
            }));
        }
    }
    for task in honest {
        assert!(task.await.unwrap());
    }
}

// finding 2
#[tokio::test(start_paused = true)]
async fn a_404_about_an_invented_token_makes_nobody_fetch_the_metadata() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("warm").await, "ok");
    issuer.metadata(Reply::Hang);
    for number in 0..60 {
        pass(SECOND).await;
        issuer.reply(Reply::status(404));
        unavailable(desk.ask(&format!("invented {number}")).await);
        issuer.reply(Reply::Json(active()));
        let token = verified("0oa1", "ada@example.com");
        let answer = desk.ask_verified(&format!("jwt {number}"), &token).await;
        assert!(answer.is_ok());
    }
    assert_eq!(issuer.metadata_calls(), 1);
}

// finding 2: the endpoint, or a firewall in front of it, asks for a pause after an invented token.
#[tokio::test(start_paused = true)]
async fn retry_after_about_an_invented_token_holds_up_new_opaque_tokens_for_five_seconds() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("warm").await, "ok");
    issuer.reply(Reply::Fail(UnavailableReason::Status {
        status: 503,
        retry_after: Some(120 * SECOND),
    }));
    assert_eq!(unavailable(desk.ask("invented").await).0, 120 * SECOND);
    issuer.reply(Reply::Json(active()));
    assert_eq!(desk.verdict("warm").await, "ok");
    pass(5 * SECOND - MILLI).await;
    assert_eq!(desk.verdict("new").await, "unavailable");
    pass(MILLI).await;
    assert_eq!(desk.verdict("new").await, "ok");
    assert_eq!(desk.verdict("invented").await, "unavailable");
    assert_eq!(state(&desk), IntrospectionState::Available);
}

// finding 5
#[tokio::test(start_paused = true)]
async fn a_failure_takes_the_place_of_no_refusal() {
    let issuer = Issuer::new(Reply::Json(inactive()));
    let desk = issuer.introspector();
    let token = verified("0oa1", "ada@example.com");
    let answer = desk.ask_verified("jwt", &token).await.unwrap();
    assert!(answer.verdict.is_err());
    let forbids = || desk.introspector.forbids(b"jwt", Now::read());
    assert!(forbids());
    pass(SECOND).await;
    issuer.reply(Reply::status(500));
    let want = Want {
        question: Question::Accepted,
        verified: Some(&token),
        max_age: Some(Duration::ZERO),
        arrived: Now::read(),
    };
    unavailable(desk.introspector.ask(b"jwt", want).await);
    assert!(forbids());
}

// finding 5
#[tokio::test(start_paused = true)]
async fn invented_tokens_evict_no_refusal_of_a_verified_token() {
    let issuer = Issuer::new(Reply::Json(inactive()));
    let desk = issuer.with(every_token().unverified_rate_limit(1_000, 1_000));
    for round in 0..5 {
        let name = format!("jwt {round}");
        let token = verified("0oa1", "ada@example.com");
        let answer = desk.ask_verified(&name, &token).await.unwrap();
        assert!(answer.verdict.is_err());
        for number in 0..1_500 {
            pass(MILLI).await;
            // Twice: the cache keeps what is asked for again.
            for _ in 0..2 {
                let _ = desk.ask(&format!("invented {round} {number}")).await;
            }
        }
        assert!(desk.introspector.forbids(name.as_bytes(), Now::read()));
    }
}

// finding 9: an outage is reported, whatever the endpoint answers in place of an answer.
#[tokio::test(start_paused = true)]
async fn an_outage_is_shown_by_health_until_an_answer_of_either_kind() {
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
            let desk = issuer.introspector();
            let token = verified("0oa1", "ada@example.com");
            desk.ask_verified("first", &token).await.unwrap();
            issuer.reply(reply.clone());
            pass(60 * SECOND).await;
            for number in 0..100 {
                pass(SECOND).await;
                let name = format!("token {}", number % tokens);
                unavailable(desk.ask_verified(&name, &token).await);
            }
            let unavailable = IntrospectionState::Unavailable {
                retry_after: Duration::ZERO,
            };
            assert_eq!(state(&desk), unavailable);
            issuer.reply(Reply::Json(active()));
            desk.ask("opaque").await.unwrap();
            assert_eq!(state(&desk), unavailable, "a stranger's may be answered");
            pass(61 * SECOND).await;
            desk.ask("opaque").await.unwrap(); // It is known now.
            assert_eq!(state(&desk), IntrospectionState::Available);
        }
    }
}
