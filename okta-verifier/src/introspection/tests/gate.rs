use std::{sync::LazyLock, time::Duration};

use super::issuer::{MILLI, SECOND};
use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::FetchError,
    introspection::gate::{Admission, Caller, Class, Consequence, Failure, Gate, News},
    time::Now,
    token_bucket::Rate,
};

const TRUSTED: [Class; 2] = [Class::Verified, Class::Known];
const CLASSES: [Class; 3] = [Class::Verified, Class::Known, Class::Unverified];

fn gate() -> Gate {
    let rate = Rate::per_second(16, 32);
    Gate::new(rate, rate, 1)
}

fn status(status: u16, retry_after: Option<Duration>) -> FetchError {
    FetchError::Status {
        status,
        retry_after,
    }
}

fn transport() -> FetchError {
    FetchError::Transport {
        source: std::sync::Arc::new(std::io::Error::other("reset")),
    }
}

fn content_type() -> FetchError {
    FetchError::ContentType {
        fields: 1,
        value: "text/html".into(),
    }
}

fn token(name: &str) -> Fingerprint {
    static KEYS: LazyLock<Fingerprints> = LazyLock::new(|| Fingerprints::new().unwrap());
    KEYS.of(name.as_bytes()).unwrap()
}

/// Callers with different numbers have no cell in common.
fn caller(client: u64, subject: u64) -> Caller {
    let spread = |number: u64| number << 32 | (1023 - number);
    Caller {
        client: spread(client),
        subject: spread(500 + subject),
    }
}

fn of_class(class: Class) -> Option<Caller> {
    (class != Class::Unverified).then(|| caller(1, 1))
}

fn is_open(gate: &mut Gate, class: Class, now: Now) -> bool {
    gate.closed(class, now).is_none()
}

/// How many requests are admitted out of a thousand.
fn admitted(gate: &mut Gate, class: Class, caller: Option<Caller>, now: Now) -> usize {
    (0..1_000)
        .filter(|_| gate.admit(class, caller, now).is_ok())
        .count()
}

/// The endpoint failed after it had the token.
fn sent(gate: &mut Gate, class: Class, name: &str, error: &FetchError, now: Now) -> Consequence {
    failed(gate, class, name, true, error, now)
}

/// The token was not sent.
fn unsent(gate: &mut Gate, class: Class, error: &FetchError, now: Now) -> Consequence {
    failed(gate, class, "unsent", false, error, now)
}

fn failed(
    gate: &mut Gate,
    class: Class,
    name: &str,
    sent: bool,
    error: &FetchError,
    now: Now,
) -> Consequence {
    let failure = Failure {
        class,
        token: token(name),
        sent,
        error,
        began: now,
    };
    gate.failed(failure, now)
}

// conformance 111
#[tokio::test(start_paused = true)]
async fn gate_admits_the_burst_at_once_and_the_rate_after_it() {
    let (mut gate, start) = (gate(), Now::read());
    let class = Class::Unverified;
    assert_eq!(admitted(&mut gate, class, None, start), 32);
    let closed = gate.admit(class, None, start).unwrap_err();
    assert!(matches!(closed.source, FetchError::IntrospectionRateLimit));
    assert!(closed.retry_after <= Duration::from_micros(62_500));
    let later: usize = (1..=1_000)
        .map(|milli| admitted(&mut gate, class, None, start.after(MILLI * milli)))
        .sum();
    assert_eq!(later, 16);
    assert_eq!(
        admitted(&mut gate, class, None, start.after(60 * SECOND)),
        32
    );
}

// conformance 111
// findings 2 and 5
#[tokio::test(start_paused = true)]
async fn gate_gives_each_class_a_budget_of_its_own() {
    let (mut gate, now) = (gate(), Now::read());
    for class in [Class::Unverified, Class::Known, Class::Verified] {
        assert!(
            admitted(&mut gate, class, of_class(class), now) >= 16,
            "{class:?}"
        );
        assert!(gate.admit(class, of_class(class), now).is_err());
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn gate_leaves_half_of_the_burst_to_callers_within_their_share() {
    for class in TRUSTED {
        let (mut gate, now) = (gate(), Now::read());
        // An eighth of the burst of 32 as its share, and then down to the half.
        let greedy = Some(caller(1, 1));
        assert_eq!(
            gate.admit(class, greedy, now).unwrap(),
            Admission::WithinShare
        );
        assert_eq!(1 + admitted(&mut gate, class, greedy, now), 16);
        for client in 2..18 {
            let honest = Some(caller(client, client));
            let admission = gate.admit(class, honest, now).unwrap();
            assert_eq!(admission, Admission::WithinShare, "{client}");
        }
        assert!(gate.admit(class, Some(caller(18, 18)), now).is_err());
    }
}

// finding 4
#[tokio::test(start_paused = true)]
async fn gate_serves_others_first_while_one_caller_floods() {
    // One subject of one client, and 400 subjects of one client.
    for subjects in [1, 400] {
        let (mut gate, start) = (gate(), Now::read());
        let mut served = 0;
        for tick in 0..1_000_u32 {
            let now = start.after(10 * MILLI * tick);
            for flood in 0..10 {
                let subject = u64::from(tick * 10 + flood) % subjects;
                let _ = gate.admit(Class::Verified, Some(caller(0, subject)), now);
            }
            // Twenty other clients, each once in two seconds: ten requests per second in all.
            if tick % 10 == 0 {
                let client = u64::from(tick / 10 % 20) + 1;
                let honest = Some(caller(client, 400 + client));
                served += usize::from(gate.admit(Class::Verified, honest, now).is_ok());
            }
        }
        assert_eq!(served, 100);
    }
}

// finding 4: a share is what a caller is guaranteed, not what it is limited to.
#[tokio::test(start_paused = true)]
async fn gate_lets_a_lone_client_use_the_whole_rate() {
    let (mut gate, start) = (gate(), Now::read());
    let lone = Some(caller(1, 1));
    admitted(&mut gate, Class::Verified, lone, start);
    let later: usize = (1..=1_000)
        .map(|milli| admitted(&mut gate, Class::Verified, lone, start.after(MILLI * milli)))
        .sum();
    assert_eq!(later, 16);
}

#[tokio::test(start_paused = true)]
async fn gate_closes_after_a_failure_for_a_time_that_doubles() {
    for class in CLASSES {
        let (mut gate, mut now) = (gate(), Now::read());
        for number in 0..12_u32 {
            let full = (Duration::from_millis(250) * 2_u32.pow(number.min(10))).min(30 * SECOND);
            let delay = unsent(&mut gate, class, &FetchError::Timeout, now).retry_after;
            assert!(delay >= full / 2 && delay <= full, "{number}: {delay:?}");
            let closed = gate.admit(class, of_class(class), now).unwrap_err();
            assert_eq!(closed.retry_after, delay);
            assert!(matches!(closed.source, FetchError::Timeout));
            now = now.after(delay);
            assert!(gate.admit(class, of_class(class), now).is_ok());
        }
        gate.answered(class, now);
        let delay = unsent(&mut gate, class, &FetchError::Timeout, now).retry_after;
        assert!(delay <= Duration::from_millis(250));
    }
}

#[tokio::test(start_paused = true)]
async fn gate_counts_what_fails_together_as_one_failure() {
    let (mut gate, now) = (gate(), Now::read());
    for _ in 0..32 {
        let delay = unsent(&mut gate, Class::Verified, &status(503, None), now).retry_after;
        assert!(delay <= Duration::from_millis(250));
    }
}

#[tokio::test(start_paused = true)]
async fn gate_closes_for_as_long_as_the_issuer_asks_up_to_two_minutes() {
    for class in CLASSES {
        let (mut gate, now) = (gate(), Now::read());
        for (asked, granted) in [(7, 7), (3_600, 120)] {
            let error = status(429, Some(SECOND * asked));
            let delay = sent(&mut gate, class, "a", &error, now).retry_after;
            assert_eq!(delay, SECOND * granted);
            assert!(!is_open(&mut gate, class, now));
        }
    }
}

// finding 2
#[tokio::test(start_paused = true)]
async fn gate_failures_of_unverified_tokens_close_nothing() {
    for error in [
        status(400, None),
        status(401, None),
        status(404, None),
        status(429, None),
        status(500, None),
        transport(),
        FetchError::Timeout,
        FetchError::CredentialsRefused,
        content_type(),
    ] {
        let (mut gate, start) = (gate(), Now::read());
        for number in 0..1_000 {
            let now = start.after(20 * MILLI * number);
            let name = number.to_string();
            let consequence = sent(&mut gate, Class::Unverified, &name, &error, now);
            assert!(consequence.this_token_only, "{error}");
            for class in CLASSES {
                assert!(is_open(&mut gate, class, now), "{class:?}: {error}");
            }
        }
    }
}

// finding 2
#[tokio::test(start_paused = true)]
async fn gate_failures_close_their_own_class_only() {
    for class in CLASSES {
        let (mut gate, now) = (gate(), Now::read());
        unsent(&mut gate, class, &FetchError::Timeout, now);
        for other in CLASSES {
            assert_eq!(is_open(&mut gate, other, now), other != class);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn gate_stays_open_for_other_tokens_when_one_token_fails() {
    for class in TRUSTED {
        for error in [
            status(400, None),
            status(403, None),
            status(413, None),
            status(431, None),
            status(500, None),
            transport(),
            FetchError::Timeout,
            content_type(),
            FetchError::TooLarge { limit: 1 },
            FetchError::Malformed {
                document: "introspection answer",
            },
        ] {
            let (mut gate, now) = (gate(), Now::read());
            for _ in 0..10 {
                let consequence = sent(&mut gate, class, "bad", &error, now);
                assert!(consequence.this_token_only && consequence.news.is_none());
                assert!(is_open(&mut gate, class, now), "{error}");
                assert!(gate.error(now).is_none());
            }
            unsent(&mut gate, class, &error, now);
            assert!(!is_open(&mut gate, class, now), "of the metadata: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn gate_closes_when_the_endpoint_itself_fails() {
    for class in TRUSTED {
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
            let (mut gate, now) = (gate(), Now::read());
            sent(&mut gate, class, "bad", &error, now);
            assert!(!is_open(&mut gate, class, now), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn gate_closes_when_two_tokens_fail_with_no_answer_between() {
    for class in TRUSTED {
        for error in [status(500, None), transport(), FetchError::Timeout] {
            let (mut gate, now) = (gate(), Now::read());
            assert!(sent(&mut gate, class, "one", &error, now).this_token_only);
            gate.answered(class, now);
            assert!(sent(&mut gate, class, "other", &error, now).this_token_only);
            let consequence = sent(&mut gate, class, "one", &error, now);
            assert_eq!(consequence.news, Some(News::Failed));
            assert!(!consequence.this_token_only);
            let now = now.after(consequence.retry_after);
            assert!(is_open(&mut gate, class, now));
            // Until the issuer answers, each failure counts.
            assert!(!sent(&mut gate, class, "other", &error, now).this_token_only);
            assert!(!is_open(&mut gate, class, now));
        }
    }
}

// finding 2: strangers who are answered do not hide that the issuer's own tokens fail.
#[tokio::test(start_paused = true)]
async fn gate_answers_about_unverified_tokens_do_not_open_the_other_classes() {
    for class in TRUSTED {
        let (mut gate, now) = (gate(), Now::read());
        let error = status(500, None);
        assert!(sent(&mut gate, class, "one", &error, now).this_token_only);
        assert_eq!(gate.answered(Class::Unverified, now.after(SECOND)), None);
        assert!(!sent(&mut gate, class, "other", &error, now).this_token_only);
        assert_eq!(gate.answered(Class::Unverified, now.after(SECOND)), None);
        assert!(!is_open(&mut gate, class, now) && gate.error(now).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn gate_answers_about_the_issuers_tokens_open_the_way_for_unverified_ones() {
    for class in TRUSTED {
        let (mut gate, now) = (gate(), Now::read());
        unsent(&mut gate, Class::Unverified, &FetchError::Timeout, now);
        assert_eq!(
            gate.answered(class, now.after(SECOND)),
            Some(News::Recovered)
        );
        assert!(is_open(&mut gate, Class::Unverified, now));
    }
}

#[tokio::test(start_paused = true)]
async fn gate_ignores_a_late_failure_after_a_later_answer() {
    let (mut gate, start) = (gate(), Now::read());
    gate.answered(Class::Verified, start.after(SECOND));
    let late = Failure {
        class: Class::Verified,
        token: token("late"),
        sent: false,
        error: &FetchError::Timeout,
        began: start,
    };
    let now = start.after(3 * SECOND);
    assert_eq!(gate.failed(late, now).news, None);
    assert!(is_open(&mut gate, Class::Verified, now));
    assert!(gate.error(now).is_none());
}

#[tokio::test(start_paused = true)]
async fn gate_ignores_a_late_answer_after_a_later_failure() {
    let (mut gate, start) = (gate(), Now::read());
    let class = Class::Known;
    gate.answered(class, start.after(SECOND));
    let then = start.after(2 * SECOND);
    let error = status(429, Some(7 * SECOND));
    sent(&mut gate, class, "x", &error, then);
    assert_eq!(gate.answered(class, start), None);
    assert!(!is_open(&mut gate, class, then));
    assert!(gate.error(then).is_some());
    let last = gate.last_success().unwrap();
    assert_eq!(last.instant, start.after(SECOND).instant);
    let after = then.after(7 * SECOND);
    assert_eq!(gate.answered(class, after), Some(News::Recovered));
}

// conformance 107
#[tokio::test(start_paused = true)]
async fn gate_reports_each_change_once() {
    for class in TRUSTED {
        let (mut gate, now) = (gate(), Now::read());
        let mut news = |error: Option<FetchError>| match error {
            Some(error) => unsent(&mut gate, class, &error, now).news,
            None => gate.answered(class, now),
        };
        assert_eq!(news(None), None);
        assert_eq!(news(Some(FetchError::Timeout)), Some(News::Failed));
        assert_eq!(news(Some(FetchError::Timeout)), None);
        let rejected = || Some(FetchError::CredentialsRefused);
        assert_eq!(news(rejected()), Some(News::CredentialsRejected));
        assert_eq!(news(rejected()), None);
        assert_eq!(news(None), Some(News::Recovered));
        assert_eq!(news(None), None);
        assert_eq!(news(rejected()), Some(News::CredentialsRejected));
        assert_eq!(news(rejected()), None);
    }
}

// finding 2: a flood of invented tokens neither fills the log nor raises an alarm.
#[tokio::test(start_paused = true)]
async fn gate_reports_failures_of_unverified_tokens_only_while_nothing_is_answered() {
    let (mut gate, start) = (gate(), Now::read());
    let error = FetchError::CredentialsRefused;
    let mut reports = 0;
    for number in 0..10_000_u32 {
        let now = start.after(2 * MILLI * number);
        if number % 500 == 0 {
            reports += usize::from(gate.answered(Class::Verified, now).is_some());
        }
        let consequence = sent(
            &mut gate,
            Class::Unverified,
            &number.to_string(),
            &error,
            now,
        );
        reports += usize::from(consequence.news.is_some());
    }
    assert_eq!(reports, 0);
    let now = start.after(60 * SECOND);
    let consequence = sent(&mut gate, Class::Unverified, "one", &error, now);
    assert_eq!(consequence.news, Some(News::CredentialsRejected));
    let consequence = sent(&mut gate, Class::Unverified, "other", &error, now);
    assert_eq!(consequence.news, None);
    assert!(gate.error(now).is_some());
    assert_eq!(gate.answered(Class::Unverified, now), Some(News::Recovered));
}

#[tokio::test(start_paused = true)]
async fn gate_does_not_report_one_unverified_token_that_fails() {
    let (mut gate, now) = (gate(), Now::read());
    for _ in 0..10 {
        let consequence = sent(&mut gate, Class::Unverified, "bad", &status(500, None), now);
        assert!(consequence.news.is_none() && gate.error(now).is_none());
    }
}
