//! The schedule: unknown keys, freshness and refreshes.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    keys::schedule::{Decision, Need, Reason, Schedule},
    sync::clock::Now,
};

pub(super) const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

pub(super) fn start() -> Now {
    Now {
        unix: 1_700_000_000,
        instant: Instant::now(),
    }
}

/// Returns a schedule whose keys were fetched at `now` and are fresh for one hour.
pub(super) fn warm(now: Now) -> Schedule {
    let mut schedule = Schedule::new(7);
    land(&mut schedule, Reason::Age, now);
    schedule
}

pub(super) fn land(schedule: &mut Schedule, reason: Reason, now: Now) {
    let id = schedule.began(reason, now);
    schedule.fetched(id, HOUR).unwrap();
}

pub(super) fn fail(
    schedule: &mut Schedule,
    now: Now,
    retry_after: Option<Duration>,
) -> Option<bool> {
    let id = schedule.began(Reason::Age, now);
    schedule.failed(id, retry_after, now)
}

/// A request at `now` with an unknown key and claims that would pass.
pub(super) fn unknown(now: Now) -> Need {
    Need::UnknownKey {
        arrived: now.instant,
        acceptable: true,
    }
}

/// The same request with claims that would not pass.
fn unacceptable(now: Now) -> Need {
    Need::UnknownKey {
        arrived: now.instant,
        acceptable: false,
    }
}

pub(super) fn retry_after(decision: Decision) -> Duration {
    match decision {
        Decision::Unavailable { retry_after } => retry_after,
        other => panic!("{other:?}"),
    }
}

/// Uses up the budget with successful fetches, one per millisecond, and returns when the last began.
fn spend(schedule: &mut Schedule, now: Now) -> Now {
    let mut clock = now;
    for _ in 0..3 {
        clock = clock.after(MILLI);
        let decision = schedule.decide(unknown(clock), clock);
        assert_eq!(decision, Decision::Fetch(Reason::UnknownKey));
        land(schedule, Reason::UnknownKey, clock);
    }
    clock
}

// conformance 148
#[test]
fn unknown_key_with_budget_left_is_rejected_after_a_later_fetch_only() {
    let now = start();
    let cold = Schedule::new(7);
    assert_eq!(cold.decide(unknown(now), now), Decision::Fetch(Reason::Age));

    let mut schedule = warm(now);
    let later = now.after(SECOND);
    let need = unknown(later);
    assert_eq!(
        schedule.decide(need, later),
        Decision::Fetch(Reason::UnknownKey)
    );
    // A fetch that began before the request shows nothing about it.
    let id = schedule.began(Reason::UnknownKey, later);
    let joined = unknown(later.after(MILLI));
    assert_eq!(schedule.decide(joined, later.after(SECOND)), Decision::Wait);
    schedule.fetched(id, HOUR).unwrap();
    let completed = later.after(SECOND);
    assert_eq!(schedule.decide(need, completed), Decision::Reject);
    assert_eq!(
        schedule.decide(joined, completed),
        Decision::Fetch(Reason::UnknownKey)
    );
    // A failed fetch shows nothing either.
    assert_eq!(fail(&mut schedule, completed, None), Some(true));
    retry_after(schedule.decide(joined, completed));
}

// conformance 148
// finding 11
#[test]
fn unknown_key_budget_is_three_fetches_and_one_every_ten_seconds() {
    let now = start();
    let mut schedule = warm(now);
    spend(&mut schedule, now);
    // The refill counts from the first fetch, however many requests come meanwhile.
    let refill = now.after(10 * SECOND + MILLI);
    let mut clock = now.after(2 * MILLI);
    while clock.instant < refill.instant {
        assert_eq!(schedule.decide(unknown(clock), clock), Decision::Reject);
        clock = clock.after(333 * MILLI);
    }
    let decision = schedule.decide(unknown(clock), clock);
    assert_eq!(decision, Decision::Fetch(Reason::UnknownKey));
    land(&mut schedule, Reason::UnknownKey, clock);
    let before = refill.after(10 * SECOND - MILLI);
    assert_eq!(schedule.decide(unknown(before), before), Decision::Reject);
    let after = refill.after(10 * SECOND);
    let decision = schedule.decide(unknown(after), after);
    assert_eq!(decision, Decision::Fetch(Reason::UnknownKey));
    // After an hour the budget is not above its burst.
    let last = spend(&mut schedule, now.after(40 * MINUTE));
    let then = last.after(MILLI);
    assert_eq!(schedule.decide(unknown(then), then), Decision::Reject);
}

// finding 11
#[test]
fn unknown_key_with_the_budget_spent_is_rejected_at_every_moment_while_fetches_succeed() {
    let now = start();
    let mut schedule = warm(now);
    // A continuous flood of ten minutes.
    let mut clock = now;
    while clock.instant < now.after(10 * MINUTE).instant {
        clock = clock.after(97 * MILLI);
        match schedule.decide(unknown(clock), clock) {
            Decision::Reject => {}
            Decision::Fetch(reason) => land(&mut schedule, reason, clock),
            other => panic!("{other:?} after {:?}", clock.since(now)),
        }
    }
}

// finding 11
#[test]
fn unknown_key_with_the_budget_spent_is_unavailable_until_the_refill_if_no_fetch_succeeded() {
    let minute = start().after(MINUTE);
    for abandoned in [false, true] {
        let mut schedule = warm(start());
        for _ in 0..3 {
            let id = schedule.began(Reason::UnknownKey, minute);
            if abandoned {
                schedule.abandoned(id);
            } else {
                schedule.failed(id, None, minute).unwrap();
            }
        }
        // After the back-off, which ends sooner.
        let later = minute.after(5 * SECOND);
        for need in [unknown(later), unacceptable(later)] {
            assert_eq!(retry_after(schedule.decide(need, later)), 5 * SECOND);
        }
        let refill = minute.after(10 * SECOND);
        assert_eq!(
            schedule.decide(unknown(refill), refill),
            Decision::Fetch(Reason::UnknownKey)
        );
    }
}

// finding 11
#[test]
fn unknown_key_with_the_budget_spent_is_rejected_if_a_fetch_succeeded_seconds_ago() {
    let minute = start().after(MINUTE);
    let mut schedule = warm(start());
    land(&mut schedule, Reason::UnknownKey, minute);
    for _ in 0..2 {
        let id = schedule.began(Reason::UnknownKey, minute.after(SECOND));
        schedule.failed(id, None, minute.after(SECOND)).unwrap();
    }
    // During the back-off no newer key set can be fetched.
    let soon = minute.after(SECOND + MILLI);
    retry_after(schedule.decide(unknown(soon), soon));
    // After the back-off, the last successful fetch is still young enough.
    let later = minute.after(9 * SECOND);
    assert_eq!(schedule.decide(unknown(later), later), Decision::Reject);
}

// finding 11
#[test]
fn unknown_key_of_an_unacceptable_token_has_the_same_result_but_begins_no_fetch() {
    let now = start();
    let cold = Schedule::new(7);
    let mut failed = warm(now);
    fail(&mut failed, now.after(SECOND), None);
    let mut flying = warm(now);
    flying.began(Reason::UnknownKey, now.after(SECOND));
    let mut spent = warm(now);
    spend(&mut spent, now);
    let later = now.after(SECOND + MILLI);
    for schedule in [&cold, &failed, &flying, &spent] {
        let same = schedule.decide(unacceptable(later), later);
        assert_eq!(schedule.decide(unknown(later), later), same);
    }
    let warm = warm(now);
    assert_eq!(warm.decide(unacceptable(later), later), Decision::Reject);
    // A fetch that is due by age is not charged to the token.
    let stale = now.after(HOUR);
    let decision = warm.decide(unacceptable(stale), stale);
    assert_eq!(decision, Decision::Fetch(Reason::Age));
}

// conformance 148
#[test]
fn unknown_key_budget_is_not_refunded_when_the_request_is_dropped() {
    let minute = start().after(MINUTE);
    let mut schedule = warm(start());
    for _ in 0..3 {
        let id = schedule.began(Reason::UnknownKey, minute);
        schedule.abandoned(id);
    }
    let later = minute.after(SECOND);
    let left = retry_after(schedule.decide(unknown(later), later));
    assert_eq!(left, 9 * SECOND);
}

// conformance 134, 138, 144, 150
#[test]
fn freshness_is_5_minutes_to_1_hour_and_ends_at_equality() {
    let now = start();
    for (fresh_for, kept) in [
        (Duration::ZERO, 5 * MINUTE),
        (SECOND, 5 * MINUTE),
        (30 * MINUTE, 30 * MINUTE),
        (Duration::from_secs(3_832_304), HOUR),
        (Duration::MAX, HOUR),
    ] {
        let mut schedule = Schedule::new(7);
        let id = schedule.began(Reason::Age, now);
        schedule.fetched(id, fresh_for).unwrap();
        let at = |age| schedule.decide(Need::Keys, now.after(age));
        assert_eq!(at(kept * 7 / 10 - SECOND), Decision::Serve, "{fresh_for:?}");
        assert_eq!(at(kept * 8 / 10), Decision::ServeAndFetch);
        assert_eq!(at(kept - SECOND), Decision::ServeAndFetch);
        assert_eq!(at(kept), Decision::Fetch(Reason::Age));
        // A stale set does not show that the `kid` is absent.
        let later = now.after(kept);
        let decision = schedule.decide(unknown(later), later);
        assert_eq!(decision, Decision::Fetch(Reason::Age));
    }
}

#[test]
fn young_keys_are_served_without_a_fetch() {
    let now = start();
    let mut schedule = Schedule::new(7);
    let id = schedule.began(Reason::Age, now);
    let trust = schedule.fetched(id, HOUR).unwrap();
    let (mut young, mut old) = (HOUR * 7 / 10 - SECOND, HOUR * 8 / 10);
    let nano = Duration::from_nanos(1);
    while old - young > nano {
        let middle = young + (old - young) / 2;
        if trust.is_young(now.after(middle)) {
            young = middle;
        } else {
            old = middle;
        }
    }
    let at = |age| schedule.decide(Need::Keys, now.after(age));
    assert_eq!(at(young), Decision::Serve);
    assert_eq!(at(old), Decision::ServeAndFetch);
}

// conformance 150
#[test]
fn refresh_times_of_instances_differ() {
    let now = start();
    let refresh = |jitter| {
        let mut schedule = Schedule::new(jitter);
        land(&mut schedule, Reason::Age, now);
        (2500..2900)
            .find(|age| schedule.decide(Need::Keys, now.after(*age * SECOND)) != Decision::Serve)
            .unwrap()
    };
    let mut ages: Vec<u32> = (1..50_u64).map(|n| refresh(n << 40)).collect();
    assert!(
        ages.iter().all(|age| (2520..=2880).contains(age)),
        "{ages:?}"
    );
    ages.sort_unstable();
    ages.dedup();
    assert!(ages.len() > 10, "{ages:?}");
}
