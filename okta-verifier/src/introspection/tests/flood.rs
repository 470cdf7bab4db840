//! What made-up tokens may cost.

use super::issuer::{Issuer, MILLI, Reply, SECOND, active, inactive, pass, unavailable};
use crate::{
    error::FetchError,
    introspection::{Introspection, Question},
};

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

#[tokio::test(start_paused = true)]
async fn made_up_tokens_get_half_of_the_places_and_verified_ones_do_not_wait_for_them() {
    for (settings, bound) in [
        (Introspection::new("0oa1", "secret").max_in_flight(1), 1),
        (Introspection::new("0oa1", "secret"), 4),
        (Introspection::new("0oa1", "secret").max_in_flight(32), 16),
    ] {
        let issuer = Issuer::new(Reply::Hang);
        let desk = issuer.with(settings.endpoint("https://issuer.test/ask"));
        let callers: Vec<_> = (0..1_000)
            .map(|number| {
                let desk = desk.clone();
                tokio::spawn(async move { desk.ask(&format!("made up {number}")).await })
            })
            .collect();
        pass(SECOND).await;
        assert_eq!(issuer.calls(), bound);
        if bound > 1 {
            let verified = desk.clone();
            let verified = async move { verified.ask_as(Question::Accepted, "verified").await };
            let verified = tokio::spawn(verified);
            pass(MILLI).await;
            assert_eq!(issuer.calls(), bound + 1);
            verified.abort();
        }
        let asked = issuer.calls();
        let mut turned_away = 0;
        for caller in callers {
            let (_, source) = unavailable(caller.await.unwrap());
            turned_away += usize::from(matches!(source, FetchError::TooManyQuestions));
        }
        assert!(turned_away >= 968, "{turned_away}");
        // Those who waited for a place find that the endpoint does not answer.
        assert_eq!(issuer.calls(), asked);
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
