//! What made-up tokens may cost.

use super::issuer::{
    Issuer, MILLI, Reply, SECOND, active, every_token, inactive, pass, unavailable, verified,
};
use crate::error::UnavailableReason;

// conformance 113
#[tokio::test(start_paused = true)]
async fn made_up_tokens_push_no_good_one_out() {
    let issuer = Issuer::new(Reply::Json(active()));
    let desk = issuer.introspector();
    assert_eq!(desk.verdict("good").await, "ok");
    issuer.reply(Reply::Json(inactive()));
    for number in 0..5_000 {
        // As fast as questions are asked.
        pass(63 * MILLI / 8).await;
        let verdict = desk.verdict(&format!("made up {number}")).await;
        assert!(matches!(verdict, "inactive" | "unavailable"), "{verdict}");
    }
    // 40 s have passed: burst and refill, and no more.
    let calls = issuer.calls();
    assert!((600..=690).contains(&calls), "{calls}");
    assert_eq!(desk.verdict("good").await, "ok");
    assert_eq!(issuer.calls(), calls);
    let (good, refused) = desk.introspector.remembered();
    assert_eq!(good, 1);
    assert!(refused <= 1_024);
}

#[tokio::test(start_paused = true)]
async fn answers_take_room_by_their_length() {
    let mut answer = active();
    answer["pad"] = "x".repeat(60 * 1024).into();
    let issuer = Issuer::new(Reply::Json(answer));
    let desk = issuer.introspector();
    for number in 0..300 {
        pass(SECOND / 8).await;
        assert_eq!(desk.verdict(&format!("token {number}")).await, "ok");
    }
    // 16 MiB, and 61 KiB each.
    let (good, _) = desk.introspector.remembered();
    assert!((200..=268).contains(&good), "{good}");
}

// finding 2
#[tokio::test(start_paused = true)]
async fn invented_tokens_occupy_a_quarter_of_the_requests_in_flight() {
    for (max_in_flight, bound) in [(4, 1), (8, 2), (32, 8)] {
        let issuer = Issuer::new(Reply::Hang);
        let settings = every_token().max_in_flight(max_in_flight);
        let desk = issuer.with(settings.endpoint("https://issuer.test/ask"));
        let callers: Vec<_> = (0..1_000)
            .map(|number| {
                let desk = desk.clone();
                tokio::spawn(async move { desk.ask(&format!("invented {number}")).await })
            })
            .collect();
        pass(SECOND).await;
        assert_eq!(issuer.calls(), bound);
        issuer.reply(Reply::Json(active()));
        let verdict = desk.ask_verified("jwt", &verified("0oa1", "ada")).await;
        assert!(verdict.is_ok(), "a verified token does not wait");
        let mut turned_away = 0;
        for caller in callers {
            if let Err(error) = caller.await.unwrap() {
                let (_, source) = unavailable::<()>(Err(error));
                turned_away +=
                    usize::from(matches!(source, UnavailableReason::IntrospectionRateLimit));
            }
        }
        assert!(turned_away >= 968, "{turned_away}");
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn one_client_does_not_occupy_all_requests_in_flight() {
    for subjects in [1, 100] {
        let issuer = Issuer::new(Reply::Slow(SECOND / 2, active()));
        let desk = issuer.introspector();
        let greedy: Vec<_> = (0..100)
            .map(|number| {
                let desk = desk.clone();
                tokio::spawn(async move {
                    let token = verified("0oa6greedy", &format!("eve {}", number % subjects));
                    desk.ask_verified(&format!("greedy {number}"), &token).await
                })
            })
            .collect();
        pass(MILLI).await;
        // One within its share, and half of all beyond it.
        assert_eq!(issuer.calls(), 5);
        // The greedy client waits in a queue of its own.
        let start = tokio::time::Instant::now();
        let answer = desk.ask_verified("honest", &verified("0oa1", "ada")).await;
        assert!(answer.is_ok() && start.elapsed() <= SECOND / 2);
        greedy.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_all_places_taken_waits_for_one() {
    let issuer = Issuer::new(Reply::Slow(SECOND / 10, active()));
    let desk = issuer.introspector();
    let callers: Vec<_> = (0..32)
        .map(|number| {
            let desk = desk.clone();
            tokio::spawn(async move { desk.verdict(&format!("token {number}")).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "ok");
    }
    assert_eq!(issuer.calls(), 32);
}
