use std::{sync::LazyLock, time::Duration};

use super::issuer::{MILLI, SECOND};
use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::FetchError,
    introspection::{
        Question,
        gate::{Gate, News},
    },
    time::Now,
};

fn status(status: u16, retry_after: Option<Duration>) -> FetchError {
    FetchError::Status {
        status,
        retry_after,
    }
}

fn token(name: &str) -> Fingerprint {
    static KEYS: LazyLock<Fingerprints> = LazyLock::new(|| Fingerprints::new().unwrap());
    KEYS.of(name.as_bytes()).unwrap()
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn thirty_two_questions_pass_at_once_and_sixteen_a_second_after_them() {
    let (mut gate, start) = (Gate::new(1), Now::read());
    let passed = |gate: &mut Gate, now: Now| {
        (0..1_000)
            .filter(|_| gate.pass(Question::Opaque, now).is_ok())
            .count()
    };
    assert_eq!(passed(&mut gate, start), 32);
    let closed = gate.pass(Question::Opaque, start).unwrap_err();
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
        let delay = gate
            .failed(&FetchError::Timeout, None, now, now)
            .retry_after;
        assert!(delay >= full / 2 && delay <= full, "{number}: {delay:?}");
        let closed = gate.pass(Question::Opaque, now).unwrap_err();
        assert_eq!(closed.retry_after, delay);
        assert!(matches!(closed.source, FetchError::Timeout));
        now = now.after(delay);
        assert!(gate.pass(Question::Opaque, now).is_ok());
    }
    gate.answered(now);
    let delay = gate
        .failed(&FetchError::Timeout, None, now, now)
        .retry_after;
    assert!(delay <= Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn what_fails_together_is_one_failure() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    for _ in 0..32 {
        let delay = gate.failed(&status(503, None), None, now, now).retry_after;
        assert!(delay <= Duration::from_millis(250));
    }
}

#[tokio::test(start_paused = true)]
async fn the_issuer_may_ask_for_a_longer_time_up_to_two_minutes() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    for (asked, granted) in [(7, 7), (3_600, 120)] {
        let error = status(429, Some(SECOND * asked));
        let delay = gate.failed(&error, None, now, now).retry_after;
        assert_eq!(delay, SECOND * granted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_endpoint_chokes_on_closes_it_for_nobody() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    for error in [
        status(400, None),
        status(403, None),
        status(413, None),
        status(431, None),
        FetchError::ContentType {
            fields: 1,
            value: "text/html".into(),
        },
        FetchError::TooLarge { limit: 1 },
        FetchError::Malformed {
            document: "introspection answer",
        },
    ] {
        let failed = gate.failed(&error, Some(token("bad")), now, now);
        assert!(failed.this_token_only && failed.news.is_none(), "{error}");
        assert!(gate.pass(Question::Opaque, now).is_ok(), "{error}");
        assert!(gate.error().is_none());
        let mut gate = Gate::new(1);
        gate.failed(&error, None, now, now);
        assert!(
            gate.pass(Question::Opaque, now).is_err(),
            "of the metadata: {error}"
        );
    }
    for error in [
        status(400, Some(SECOND)),
        status(401, None),
        status(404, None),
        status(408, None),
        status(410, None),
        status(429, None),
        status(500, Some(SECOND)),
        FetchError::CredentialsRefused,
        FetchError::Malformed {
            document: "metadata",
        },
    ] {
        let mut gate = Gate::new(1);
        gate.failed(&error, Some(token("bad")), now, now);
        assert!(gate.pass(Question::Opaque, now).is_err(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_says_nothing_after_a_later_answer() {
    let (mut gate, start) = (Gate::new(1), Now::read());
    gate.answered(start.after(SECOND));
    let failed = gate.failed(&FetchError::Timeout, None, start, start.after(3 * SECOND));
    assert_eq!(failed.news, None);
    assert!(gate.pass(Question::Opaque, start.after(3 * SECOND)).is_ok());
    assert!(gate.error().is_none());
}

// conformance 107
#[tokio::test(start_paused = true)]
async fn each_change_is_news_once() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    let mut news = |error: Option<FetchError>| match error {
        Some(error) => gate.failed(&error, None, now, now).news,
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

// conformance 111
#[tokio::test(start_paused = true)]
async fn made_up_tokens_use_up_no_verified_ones_budget() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    for question in [Question::Opaque, Question::Encrypted, Question::UnknownKey] {
        while gate.pass(question, now).is_ok() {}
    }
    let passed = (0..100).filter(|_| gate.pass(Question::Accepted, now).is_ok());
    assert_eq!(passed.count(), 32);
}

#[tokio::test(start_paused = true)]
async fn two_tokens_that_it_breaks_over_close_it_and_one_does_not() {
    let (mut gate, now) = (Gate::new(1), Now::read());
    let broken = status(500, None);
    for _ in 0..10 {
        let failed = gate.failed(&broken, Some(token("bad")), now, now);
        assert!(failed.this_token_only && gate.pass(Question::Opaque, now).is_ok());
    }
    gate.answered(now);
    assert!(
        gate.failed(&broken, Some(token("other")), now, now)
            .this_token_only
    );
    let failed = gate.failed(&broken, Some(token("bad")), now, now);
    assert_eq!(failed.news, Some(News::Trouble));
    assert!(!failed.this_token_only);
    let now = now.after(failed.retry_after);
    assert!(gate.pass(Question::Opaque, now).is_ok());
    // Until it answers, each is one more failure.
    assert!(
        !gate
            .failed(&broken, Some(token("other")), now, now)
            .this_token_only
    );
    assert!(gate.pass(Question::Opaque, now).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_opens_nothing_that_was_closed_since_it_was_asked_for() {
    let (mut gate, start) = (Gate::new(1), Now::read());
    gate.answered(start.after(SECOND));
    let then = start.after(2 * SECOND);
    gate.failed(&status(429, Some(7 * SECOND)), Some(token("x")), then, then);
    assert_eq!(gate.answered(start), None);
    assert!(gate.pass(Question::Opaque, then).is_err());
    assert!(gate.error().is_some());
    let last = gate.last_success().unwrap();
    assert_eq!(last.instant, start.after(SECOND).instant);
    assert_eq!(gate.answered(then.after(7 * SECOND)), Some(News::Recovered));
}
