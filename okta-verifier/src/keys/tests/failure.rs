//! The schedule while the issuer fails.

use std::time::Duration;

use super::schedule::{HOUR, fail, land, retry_after, start, unknown, warm};
use crate::{
    keys::schedule::{Decision, Need, Reason, Schedule},
    sync::clock::Now,
};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

// conformance 140, 143
#[test]
fn schedule_serves_stale_keys_after_a_failure_for_one_hour() {
    let now = start();
    let mut schedule = warm(now);
    let stale = now.after(HOUR + SECOND);
    assert_eq!(
        schedule.decide(Need::Keys, stale),
        Decision::Fetch(Reason::Age)
    );
    fail(&mut schedule, stale, None);
    assert_eq!(schedule.decide(Need::Keys, stale), Decision::Serve);
    // Four minutes after a failure, a request waits for a new attempt.
    let soon = stale.after(239 * SECOND);
    assert_eq!(schedule.decide(Need::Keys, soon), Decision::ServeAndFetch);
    let quiet = stale.after(240 * SECOND);
    assert_eq!(
        schedule.decide(Need::Keys, quiet),
        Decision::Fetch(Reason::Age)
    );
    let last = now.after(2 * HOUR - SECOND);
    fail(&mut schedule, last, None);
    assert_eq!(schedule.decide(Need::Keys, last), Decision::Serve);
    let over = now.after(2 * HOUR);
    assert_eq!(
        schedule.decide(Need::Keys, over),
        Decision::Fetch(Reason::Age)
    );
    fail(&mut schedule, over, None);
    retry_after(schedule.decide(Need::Keys, over));
    // A suspended machine and a clock that was set back age by the larger of both clocks.
    for (unix, instant) in [(7200, SECOND), (0, 2 * HOUR)] {
        let aged = Now {
            unix: now.unix + unix,
            instant: over.instant + instant,
        };
        let decision = schedule.decide(Need::Keys, aged);
        assert!(
            !matches!(decision, Decision::Serve | Decision::ServeAndFetch),
            "{decision:?}"
        );
    }
}

// conformance 24, 132
#[test]
fn schedule_backs_off_from_250_ms_to_30_s() {
    let now = start();
    let mut schedule = Schedule::new(7);
    for failure in 0..20 {
        let full = (250 * MILLI * 2_u32.pow(failure.min(10))).min(30 * SECOND);
        assert_eq!(fail(&mut schedule, now, None), Some(failure == 0));
        for need in [Need::Keys, unknown(now)] {
            let left = retry_after(schedule.decide(need, now));
            assert!((full / 2..=full).contains(&left), "{failure}: {left:?}");
            let after = now.after(left);
            assert_eq!(schedule.decide(need, after), Decision::Fetch(Reason::Age));
        }
    }
    land(&mut schedule, Reason::Age, now);
    assert_eq!(
        fail(&mut schedule, now, None),
        Some(true),
        "counts from one again"
    );
}

// conformance 24
#[test]
fn schedule_honours_retry_after_within_bounds() {
    let now = start();
    for (sent, least, most) in [
        (Duration::ZERO, 125 * MILLI, 250 * MILLI),
        (20 * SECOND, 20 * SECOND, 20 * SECOND),
        (24 * HOUR, 120 * SECOND, 120 * SECOND),
        (Duration::MAX, 120 * SECOND, 120 * SECOND),
    ] {
        let mut schedule = Schedule::new(7);
        fail(&mut schedule, now, Some(sent));
        let left = retry_after(schedule.decide(Need::Keys, now));
        assert!((least..=most).contains(&left), "{sent:?}: {left:?}");
    }
}

#[test]
fn schedule_ignores_a_late_response() {
    let now = start();
    let mut schedule = Schedule::new(7);
    let late = schedule.began(Reason::Age, now);
    schedule.abandoned(late);
    let id = schedule.began(Reason::Age, now);
    let before = format!("{schedule:?}");
    assert!(schedule.fetched(late, HOUR).is_none());
    assert!(schedule.failed(late, None, now).is_none());
    schedule.abandoned(late);
    assert_eq!(format!("{schedule:?}"), before);
    assert!(schedule.fetched(id, HOUR).is_some());
    assert!(schedule.fetched(id, HOUR).is_none());
}
