//! Limits on invented tokens and on single clients.

use super::issuer::{
    Issuer, MILLI, Reply, SECOND, active, every_token, inactive, pass, unavailable, verified,
};
use crate::error::UnavailableReason;

// conformance 113
#[tokio::test(start_paused = true)]
async fn invented_tokens_do_not_evict_active_ones() {
    let issuer = Issuer::new(Reply::Json(active()));
    let service = issuer.introspector();
    assert_eq!(service.result("good").await, "ok");
    issuer.reply(Reply::Json(inactive()));
    for number in 0..5_000 {
        // Slightly faster than the rate limit allows.
        pass(63 * MILLI / 8).await;
        let result = service.result(&format!("invented {number}")).await;
        assert!(matches!(result, "inactive" | "unavailable"), "{result}");
    }
    // After 40 s: the burst and the refill, and no more.
    let calls = issuer.calls();
    assert!((600..=690).contains(&calls), "{calls}");
    assert_eq!(service.result("good").await, "ok");
    assert_eq!(issuer.calls(), calls);
    let (active, rejected) = service.introspector.cached();
    assert_eq!(active, 1);
    assert!(rejected <= 1_024);
}

#[tokio::test(start_paused = true)]
async fn introspection_cache_is_limited_by_the_size_of_its_responses() {
    let mut response = active();
    response["pad"] = "x".repeat(60 * 1024).into();
    let issuer = Issuer::new(Reply::Json(response));
    let service = issuer.introspector();
    for number in 0..300 {
        pass(SECOND / 8).await;
        assert_eq!(service.result(&format!("token {number}")).await, "ok");
    }
    // 16 MiB at 61 KiB each.
    let (active, _) = service.introspector.cached();
    assert!((200..=268).contains(&active), "{active}");
}

// finding 2
#[tokio::test(start_paused = true)]
async fn invented_tokens_occupy_a_quarter_of_the_requests_in_flight() {
    for (max_in_flight, bound) in [(4, 1), (8, 2), (32, 8)] {
        let issuer = Issuer::new(Reply::Hang);
        let settings = every_token().max_in_flight(max_in_flight);
        let service = issuer.with(settings.endpoint("https://issuer.test/ask"));
        let callers: Vec<_> = (0..1_000)
            .map(|number| {
                let service = service.clone();
                tokio::spawn(async move { service.introspect(&format!("invented {number}")).await })
            })
            .collect();
        pass(SECOND).await;
        assert_eq!(issuer.calls(), bound);
        issuer.reply(Reply::Json(active()));
        let result = service
            .introspect_verified("jwt", &verified("0oa1", "ada"))
            .await;
        assert!(result.is_ok(), "a verified token does not wait");
        let mut over_limit = 0;
        for caller in callers {
            if let Err(error) = caller.await.unwrap() {
                let (_, source) = unavailable::<()>(Err(error));
                over_limit +=
                    usize::from(matches!(source, UnavailableReason::IntrospectionRateLimit));
            }
        }
        assert!(over_limit >= 968, "{over_limit}");
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn one_client_does_not_occupy_all_requests_in_flight() {
    for subjects in [1, 100] {
        let issuer = Issuer::new(Reply::Slow(SECOND / 2, active()));
        let service = issuer.introspector();
        let greedy: Vec<_> = (0..100)
            .map(|number| {
                let service = service.clone();
                tokio::spawn(async move {
                    let token = verified("0oa6greedy", &format!("eve {}", number % subjects));
                    service
                        .introspect_verified(&format!("greedy {number}"), &token)
                        .await
                })
            })
            .collect();
        pass(MILLI).await;
        // The greedy client has one request within its share and half of all permits beyond it.
        assert_eq!(issuer.calls(), 5);
        // Further requests of the greedy client wait in a queue of their own.
        let start = tokio::time::Instant::now();
        let response = service
            .introspect_verified("honest", &verified("0oa1", "ada"))
            .await;
        assert!(response.is_ok() && start.elapsed() <= SECOND / 2);
        greedy.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_request_without_a_permit_waits_for_one() {
    let issuer = Issuer::new(Reply::Slow(SECOND / 10, active()));
    let service = issuer.introspector();
    let callers: Vec<_> = (0..32)
        .map(|number| {
            let service = service.clone();
            tokio::spawn(async move { service.result(&format!("token {number}")).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "ok");
    }
    assert_eq!(issuer.calls(), 32);
}
