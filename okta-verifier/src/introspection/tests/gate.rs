use std::time::Duration;

use super::issuer::{MILLI, SECOND};
use crate::{
    error::FetchError,
    introspection::gate::{Gate, News},
    time::Now,
};

fn status(status: u16, retry_after: Option<Duration>) -> FetchError {
    FetchError::Status {
        status,
        retry_after,
    }
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn thirty_two_questions_pass_at_once_and_sixteen_a_second_after_them() {
    let (mut gate, start) = (Gate::new(1), Now::read());
    let passed = |gate: &mut Gate, now: Now| (0..1_000).filter(|_| gate.pass(now).is_ok()).count();
    assert_eq!(passed(&mut gate, start), 32);
    let closed = gate.pass(start).unwrap_err();
    assert!(matches!(closed.source, FetchError::TooManyQuestions));
    assert!(closed.retry_after <= Duration::from_micros(62_500));
    // A flood that is turned away does not push the refill back.
    let later: usize = (1..=1_000)
        .map(|milli| passed(&mut gate, start.after(MILLI * milli)))
        .sum();
    assert_eq!(later, 16);
    assert_eq!(passed(&mut gate, start.after(60 * SECOND)), 32);
}

#[tokio::test(start_paused = true)]
async fn a_failure_closes_it_for_a_time_that_doubles() {
    let (mut gate, mut now) = (Gate::new(1), Now::read());
    for number in 0..12_u32 {
        let full = (Duration::from_millis(250) * 2_u32.pow(number.min(10))).min(30 * SECOND);
        let (_, delay) = gate.failed(&FetchError::Timeout, now, now);
        assert!(delay >= full / 2 && delay <= full, "{number}: {delay:?}");
        let closed = gate.pass(now).unwrap_err();
        assert_eq!(closed.retry_after, delay);
        assert!(matches!(closed.source, FetchError::Timeout));
        now = now.after(delay);
        assert!(gate.pass(now).is_ok());
    }
    gate.answered(now);
    let (_, delay) = gate.failed(&FetchError::Timeout, now, now);
    assert!(delay <= Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn what_fails_together_is_one_failure() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    for _ in 0..32 {
        let (_, delay) = gate.failed(&status(500, None), now, now);
        assert!(delay <= Duration::from_millis(250));
    }
}

#[tokio::test(start_paused = true)]
async fn the_issuer_may_ask_for_a_longer_time_up_to_two_minutes() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    for (asked, granted) in [(7, 7), (3_600, 120)] {
        let error = status(429, Some(SECOND * asked));
        let (_, delay) = gate.failed(&error, now, now);
        assert_eq!(delay, SECOND * granted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_endpoint_chokes_on_closes_it_for_nobody() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    for error in [
        status(400, None),
        status(413, None),
        FetchError::TooLarge { limit: 1 },
        FetchError::Malformed {
            document: "introspection answer",
        },
    ] {
        gate.failed(&error, now, now);
        assert!(gate.pass(now).is_ok(), "{error}");
    }
    for error in [
        status(400, Some(SECOND)),
        status(403, None),
        status(404, None),
        FetchError::ContentType,
        FetchError::CredentialsRefused,
        FetchError::Malformed {
            document: "metadata",
        },
    ] {
        let mut gate = Gate::new(1);
        gate.failed(&error, now, now);
        assert!(gate.pass(now).is_err(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_says_nothing_after_a_later_answer() {
    let (mut gate, start) = (Gate::new(1), Now::read());
    gate.answered(start.after(SECOND));
    let (news, _) = gate.failed(&FetchError::Timeout, start, start.after(3 * SECOND));
    assert_eq!(news, None);
    assert!(gate.pass(start.after(3 * SECOND)).is_ok());
    assert!(gate.error().is_none());
}

// conformance 107
#[tokio::test(start_paused = true)]
async fn each_change_is_news_once() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    let mut news = |error: Option<FetchError>| match error {
        Some(error) => gate.failed(&error, now, now).0,
        None => gate.answered(now),
    };
    assert_eq!(news(None), None);
    assert_eq!(news(Some(FetchError::Timeout)), Some(News::Trouble));
    assert_eq!(news(Some(FetchError::Timeout)), None);
    let refused = || Some(FetchError::CredentialsRefused);
    assert_eq!(news(refused()), Some(News::CredentialsRefused));
    assert_eq!(news(refused()), None);
    assert_eq!(news(None), Some(News::Recovered));
    assert_eq!(news(None), None);
    assert_eq!(news(refused()), Some(News::CredentialsRefused));
    assert_eq!(news(refused()), None);
}
