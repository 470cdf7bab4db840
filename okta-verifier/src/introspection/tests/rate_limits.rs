//! Rate limits, shares, pauses and reports, with the time as an argument.

use std::{sync::LazyLock, time::Duration};

use super::issuer::{MILLI, SECOND};
use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::UnavailableReason,
    introspection::rate_limits::{
        Admission, Class, Consequence, Failure, RateLimits, StateChange, TokenOwner,
    },
    sync::{clock::Now, token_bucket::Rate},
};

const TRUSTED: [Class; 2] = [Class::Verified, Class::PreviouslyActive];
const CLASSES: [Class; 3] = [Class::Verified, Class::PreviouslyActive, Class::Unverified];

fn rate_limits() -> RateLimits {
    let rate = Rate::per_second(16, 32);
    RateLimits::new(rate, rate, 1)
}

fn status(status: u16, retry_after: Option<Duration>) -> UnavailableReason {
    UnavailableReason::Status {
        status,
        retry_after,
    }
}

fn transport() -> UnavailableReason {
    UnavailableReason::Transport {
        source: std::sync::Arc::new(std::io::Error::other("reset")),
    }
}

fn content_type() -> UnavailableReason {
    UnavailableReason::ContentType {
        fields: 1,
        value: "text/html".into(),
    }
}

fn token(name: &str) -> Fingerprint {
    static KEYS: LazyLock<Fingerprints> = LazyLock::new(|| Fingerprints::new().unwrap());
    KEYS.of(name.as_bytes()).unwrap()
}

/// Returns the owner with these numbers. Owners with different numbers share no cell.
fn owner(client: u64, subject: u64) -> TokenOwner {
    let spread = |number: u64| number << 32 | (1023 - number);
    TokenOwner {
        client: spread(client),
        subject: spread(500 + subject),
    }
}

fn of_class(class: Class) -> Option<TokenOwner> {
    (class != Class::Unverified).then(|| owner(1, 1))
}

fn is_open(limits: &mut RateLimits, class: Class, now: Now) -> bool {
    limits.pause(class, now).is_none()
}

/// Returns how many of a thousand requests are admitted.
fn admitted(limits: &mut RateLimits, class: Class, owner: Option<TokenOwner>, now: Now) -> usize {
    (0..1_000)
        .filter(|_| limits.admit(class, owner, now).is_ok())
        .count()
}

/// The endpoint failed after it received the token.
fn sent(
    limits: &mut RateLimits,
    class: Class,
    name: &str,
    error: &UnavailableReason,
    now: Now,
) -> Consequence {
    failed(limits, class, name, true, error, now)
}

/// The token was not sent.
fn unsent(
    limits: &mut RateLimits,
    class: Class,
    error: &UnavailableReason,
    now: Now,
) -> Consequence {
    failed(limits, class, "unsent", false, error, now)
}

fn failed(
    limits: &mut RateLimits,
    class: Class,
    name: &str,
    sent: bool,
    error: &UnavailableReason,
    now: Now,
) -> Consequence {
    let failure = Failure {
        class,
        token: token(name),
        sent,
        error,
        began: now,
    };
    limits.failed(failure, now)
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn rate_limit_allows_the_burst_and_then_the_rate() {
    let (mut limits, start) = (rate_limits(), Now::read());
    let class = Class::Unverified;
    assert_eq!(admitted(&mut limits, class, None, start), 32);
    let denied = limits.admit(class, None, start).unwrap_err();
    assert!(matches!(
        denied.source,
        UnavailableReason::IntrospectionRateLimit
    ));
    assert!(denied.retry_after <= Duration::from_micros(62_500));
    let later: usize = (1..=1_000)
        .map(|milli| admitted(&mut limits, class, None, start.after(MILLI * milli)))
        .sum();
    assert_eq!(later, 16);
    assert_eq!(
        admitted(&mut limits, class, None, start.after(60 * SECOND)),
        32
    );
}

// conformance 111
// findings 2 and 5
#[tokio::test(start_paused = true)]
async fn rate_limit_is_separate_for_each_class() {
    let (mut limits, now) = (rate_limits(), Now::read());
    for class in [Class::Unverified, Class::PreviouslyActive, Class::Verified] {
        assert!(
            admitted(&mut limits, class, of_class(class), now) >= 8,
            "{class:?}"
        );
        assert!(limits.admit(class, of_class(class), now).is_err());
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn rate_limit_reserves_a_part_for_clients_within_their_share() {
    for class in TRUSTED {
        let (mut limits, now) = (rate_limits(), Now::read());
        // The client gets its share, a sixteenth of the burst of 32, and more until three quarters of the
        // burst are left.
        let greedy = Some(owner(1, 1));
        assert_eq!(
            limits.admit(class, greedy, now).unwrap(),
            Admission::WithinShare
        );
        assert_eq!(1 + admitted(&mut limits, class, greedy, now), 8);
        for client in 2..26 {
            let honest = Some(owner(client, client));
            let admission = limits.admit(class, honest, now).unwrap();
            assert_eq!(admission, Admission::WithinShare, "{client}");
        }
        assert!(limits.admit(class, Some(owner(26, 26)), now).is_err());
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn rate_limit_serves_other_clients_while_one_floods() {
    // One subject of one client, and 400 subjects of one client.
    for subjects in [1, 400] {
        let (mut limits, start) = (rate_limits(), Now::read());
        let mut served = 0;
        for tick in 0..1_000_u32 {
            let now = start.after(10 * MILLI * tick);
            for flood in 0..10 {
                let subject = u64::from(tick * 10 + flood) % subjects;
                let _ = limits.admit(Class::Verified, Some(owner(0, subject)), now);
            }
            // Twenty other clients with a request every two seconds, which is ten per second in all.
            if tick % 10 == 0 {
                let client = u64::from(tick / 10 % 20) + 1;
                let honest = Some(owner(client, 400 + client));
                served += usize::from(limits.admit(Class::Verified, honest, now).is_ok());
            }
        }
        assert_eq!(served, 100);
    }
}

// finding 4: one user does not use up the rate of the other users of the same application.
#[tokio::test(start_paused = true)]
async fn rate_limit_serves_other_subjects_of_a_client_while_one_floods() {
    // Ten and two requests per second of other clients.
    for every in [10, 50] {
        let (mut limits, start) = (rate_limits(), Now::read());
        let (mut served, mut sent) = (0, 0);
        for tick in 0..1_000_u32 {
            let now = start.after(10 * MILLI * tick);
            for _ in 0..10 {
                let _ = limits.admit(Class::Verified, Some(owner(0, 0)), now);
            }
            if tick % every == 0 {
                let subject = u64::from(tick / every % 20) + 1;
                let honest = Some(owner(0, subject));
                sent += 1;
                served += usize::from(limits.admit(Class::Verified, honest, now).is_ok());
            }
        }
        assert_eq!(served, sent);
    }
}

// finding 4: a share is a guarantee and not a limit.
#[tokio::test(start_paused = true)]
async fn rate_limit_gives_a_lone_client_the_whole_rate() {
    let (mut limits, start) = (rate_limits(), Now::read());
    let lone = Some(owner(1, 1));
    admitted(&mut limits, Class::Verified, lone, start);
    let later: usize = (1..=1_000)
        .map(|milli| {
            admitted(
                &mut limits,
                Class::Verified,
                lone,
                start.after(MILLI * milli),
            )
        })
        .sum();
    assert_eq!(later, 16);
}

#[tokio::test(start_paused = true)]
async fn introspection_pause_doubles_with_each_failure() {
    for class in CLASSES {
        let (mut limits, mut now) = (rate_limits(), Now::read());
        for number in 0..12_u32 {
            let full = (Duration::from_millis(250) * 2_u32.pow(number.min(10))).min(30 * SECOND);
            let delay = unsent(&mut limits, class, &UnavailableReason::Timeout, now)
                .pause
                .unwrap();
            assert!(delay >= full / 2 && delay <= full, "{number}: {delay:?}");
            let denied = limits.admit(class, of_class(class), now).unwrap_err();
            assert_eq!(denied.retry_after, delay);
            assert!(matches!(denied.source, UnavailableReason::Timeout));
            now = now.after(delay);
            assert!(limits.admit(class, of_class(class), now).is_ok());
        }
        limits.succeeded(class, now);
        let delay = unsent(&mut limits, class, &UnavailableReason::Timeout, now)
            .pause
            .unwrap();
        assert!(delay <= Duration::from_millis(250));
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_failures_in_flight_together_count_as_one() {
    let (mut limits, now) = (rate_limits(), Now::read());
    for _ in 0..32 {
        let delay = unsent(&mut limits, Class::Verified, &status(503, None), now)
            .pause
            .unwrap();
        assert!(delay <= Duration::from_millis(250));
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_pause_follows_retry_after_up_to_a_limit() {
    for class in CLASSES {
        let (mut limits, now) = (rate_limits(), Now::read());
        // A stranger may have invented the token of the response.
        let most = if class == Class::Unverified { 5 } else { 120 };
        for seconds in [4, 7, 3_600] {
            let error = status(429, Some(SECOND * seconds));
            let pause = sent(&mut limits, class, "a", &error, now).pause;
            assert_eq!(pause, Some(SECOND * seconds.min(most)));
            assert!(!is_open(&mut limits, class, now));
        }
    }
}

/// Every failure after the token was sent, except one with `Retry-After`.
fn failures() -> Vec<UnavailableReason> {
    let statuses = [400, 401, 403, 404, 408, 410, 413, 429, 431, 500, 503];
    let mut failures: Vec<_> = statuses.map(|number| status(number, None)).into();
    failures.extend([
        transport(),
        content_type(),
        UnavailableReason::Timeout,
        UnavailableReason::CredentialsRefused,
        UnavailableReason::TooLarge { limit: 1 },
        UnavailableReason::Malformed {
            document: "introspection response",
        },
    ]);
    failures
}

// finding 2: some servers fail on tokens that they did not issue, or that were revoked.
#[tokio::test(start_paused = true)]
async fn introspection_failure_after_the_token_was_sent_causes_no_pause() {
    for error in failures() {
        for class in CLASSES {
            let (mut limits, start) = (rate_limits(), Now::read());
            for number in 0..1_000 {
                let now = start.after(20 * MILLI * number);
                let name = number.to_string();
                let consequence = sent(&mut limits, class, &name, &error, now);
                assert_eq!(consequence.pause, None, "{error}");
                for class in CLASSES {
                    assert!(is_open(&mut limits, class, now), "{class:?}: {error}");
                }
            }
        }
    }
}

// finding 2
#[tokio::test(start_paused = true)]
async fn introspection_pause_concerns_its_own_class_only() {
    for class in CLASSES {
        let (mut limits, now) = (rate_limits(), Now::read());
        unsent(&mut limits, class, &UnavailableReason::Timeout, now);
        for other in CLASSES {
            assert_eq!(is_open(&mut limits, other, now), other != class);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_failure_of_one_token_is_not_reported() {
    for error in failures() {
        for class in CLASSES {
            let (mut limits, start) = (rate_limits(), Now::read());
            for second in 0..100 {
                let now = start.after(SECOND * second);
                assert_eq!(limits.succeeded(class, now), None);
                let now = now.after(MILLI);
                for name in ["bad", "worse", "bad"] {
                    assert_eq!(sent(&mut limits, class, name, &error, now).change, None);
                }
                assert!(limits.outage(now).is_none());
            }
        }
    }
}

// conformance 107
#[tokio::test(start_paused = true)]
async fn introspection_outage_is_reported_after_two_tokens_or_three_failures() {
    for error in failures() {
        for class in CLASSES {
            for names in [&["one", "other"][..], &["one"; 3]] {
                let (mut limits, start) = (rate_limits(), Now::read());
                limits.succeeded(class, start);
                let now = start.after(10 * SECOND);
                let (last, before) = names.split_last().unwrap();
                for name in before {
                    assert_eq!(sent(&mut limits, class, name, &error, now).change, None);
                    assert!(limits.outage(now).is_none());
                }
                let change = sent(&mut limits, class, last, &error, now).change;
                assert!(change.is_some(), "{class:?}: {error}");
                let outage = limits.outage(now).unwrap();
                assert_eq!(outage.error.to_string(), error.to_string());
                let now = now.after(SECOND);
                assert_eq!(limits.succeeded(class, now), Some(StateChange::Recovered));
                assert!(limits.outage(now).is_none());
            }
        }
    }
}

// finding 2: responses about invented tokens do not hide that requests about the issuer's own tokens fail.
#[tokio::test(start_paused = true)]
async fn introspection_failures_are_not_hidden_by_responses_about_unverified_tokens() {
    for class in TRUSTED {
        let (mut limits, now) = (rate_limits(), Now::read());
        let error = status(500, None);
        sent(&mut limits, class, "one", &error, now);
        assert_eq!(limits.succeeded(Class::Unverified, now.after(SECOND)), None);
        let change = sent(&mut limits, class, "other", &error, now).change;
        assert_eq!(change, Some(StateChange::Failed));
        assert_eq!(limits.succeeded(Class::Unverified, now.after(SECOND)), None);
        assert!(limits.outage(now).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_response_about_a_verified_token_ends_every_pause() {
    for class in TRUSTED {
        for failed in CLASSES {
            let (mut limits, now) = (rate_limits(), Now::read());
            unsent(&mut limits, failed, &UnavailableReason::Timeout, now);
            let change = limits.succeeded(class, now.after(SECOND));
            assert_eq!(change, Some(StateChange::Recovered));
            assert!(is_open(&mut limits, failed, now));
            assert!(limits.outage(now).is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn introspection_failure_older_than_a_response_is_ignored() {
    let (mut limits, start) = (rate_limits(), Now::read());
    limits.succeeded(Class::Verified, start.after(SECOND));
    let late = Failure {
        class: Class::Verified,
        token: token("late"),
        sent: false,
        error: &UnavailableReason::Timeout,
        began: start,
    };
    let now = start.after(3 * SECOND);
    assert_eq!(limits.failed(late, now).change, None);
    assert!(is_open(&mut limits, Class::Verified, now));
    assert!(limits.outage(now).is_none());
}

#[tokio::test(start_paused = true)]
async fn introspection_response_older_than_a_failure_ends_no_pause() {
    let (mut limits, start) = (rate_limits(), Now::read());
    let class = Class::PreviouslyActive;
    limits.succeeded(class, start.after(SECOND));
    let then = start.after(2 * SECOND);
    let error = status(429, Some(7 * SECOND));
    sent(&mut limits, class, "x", &error, then);
    assert_eq!(limits.succeeded(class, start), None);
    assert!(!is_open(&mut limits, class, then));
    assert!(limits.outage(then).is_some());
    let last = limits.last_success().unwrap();
    assert_eq!(last.instant, start.after(SECOND).instant);
    let after = then.after(7 * SECOND);
    assert_eq!(limits.succeeded(class, after), Some(StateChange::Recovered));
}

// conformance 107
#[tokio::test(start_paused = true)]
async fn introspection_changes_are_reported_once() {
    for class in TRUSTED {
        let (mut limits, start) = (rate_limits(), Now::read());
        let change = |limits: &mut RateLimits, second: u32, error: Option<UnavailableReason>| {
            let now = start.after(SECOND * second);
            match error {
                Some(error) => unsent(limits, class, &error, now).change,
                None => limits.succeeded(class, now),
            }
        };
        let rejected = || Some(UnavailableReason::CredentialsRefused);
        let timeout = || Some(UnavailableReason::Timeout);
        for (second, error, expected) in [
            (0, None, None),
            (1, timeout(), Some(StateChange::Failed)),
            (2, timeout(), None),
            (3, rejected(), Some(StateChange::CredentialsRejected)),
            (4, rejected(), None),
            (5, timeout(), None),
            (6, rejected(), None),
            (7, None, Some(StateChange::Recovered)),
            (8, None, None),
            // A new outage is logged at most once per minute.
            (9, rejected(), None),
            (62, rejected(), None),
            (63, rejected(), Some(StateChange::CredentialsRejected)),
            (64, rejected(), None),
            (65, None, Some(StateChange::Recovered)),
            (66, timeout(), None),
            (67, None, None),
        ] {
            assert_eq!(change(&mut limits, second, error), expected, "{second}");
        }
    }
}

// A service that starts with a wrong secret.
#[tokio::test(start_paused = true)]
async fn introspection_rejected_credentials_are_reported_at_once_before_the_first_response() {
    for class in TRUSTED {
        let (mut limits, now) = (rate_limits(), Now::read());
        let error = UnavailableReason::CredentialsRefused;
        let change = sent(&mut limits, class, "one", &error, now).change;
        assert_eq!(change, Some(StateChange::CredentialsRejected));
        assert!(limits.outage(now).unwrap().credentials_rejected);
    }
}

// finding 2: a flood of invented tokens neither fills the log nor raises an alarm that stays.
#[tokio::test(start_paused = true)]
async fn introspection_failures_of_unverified_tokens_are_reported_once_per_minute() {
    let errors = [UnavailableReason::CredentialsRefused, status(500, None)];
    for success_every in [None, Some(500), Some(6_000)] {
        let (mut limits, start) = (rate_limits(), Now::read());
        let mut reports = 0;
        for number in 0..30_000_u32 {
            let now = start.after(2 * MILLI * number);
            if success_every.is_some_and(|every| number % every == 0) {
                reports += usize::from(limits.succeeded(Class::Unverified, now).is_some());
            }
            let error = &errors[number as usize % 2];
            let name = number.to_string();
            let change = sent(&mut limits, Class::Unverified, &name, error, now).change;
            assert_ne!(change, Some(StateChange::CredentialsRejected));
            reports += usize::from(change.is_some());
            let outage = limits.outage(now);
            assert!(outage.is_none_or(|outage| !outage.credentials_rejected));
        }
        assert!(reports <= 2, "{success_every:?}: {reports}");
        let last = start.after(60 * SECOND);
        assert!(limits.outage(last.after(60 * SECOND)).is_none());
    }
}

// finding 2
#[tokio::test(start_paused = true)]
async fn introspection_failures_of_unverified_tokens_are_not_reported_while_others_succeed() {
    let (mut limits, start) = (rate_limits(), Now::read());
    for number in 0..10_000_u32 {
        let now = start.after(2 * MILLI * number);
        if number % 500 == 0 {
            assert_eq!(limits.succeeded(Class::Verified, now), None);
        }
        let name = number.to_string();
        let error = UnavailableReason::CredentialsRefused;
        let change = sent(&mut limits, Class::Unverified, &name, &error, now).change;
        assert_eq!(change, None);
        assert!(limits.outage(now).is_none());
    }
}
