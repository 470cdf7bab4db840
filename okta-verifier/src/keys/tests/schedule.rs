use std::time::Duration;

use tokio::time::Instant;

use crate::{
    keys::schedule::{Decision, Read, Reason, Schedule},
    time::Now,
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

/// A schedule whose keys came at `now`, fresh for one hour.
pub(super) fn warm(now: Now) -> Schedule {
    let mut schedule = Schedule::new(7);
    land(&mut schedule, Reason::Age, now, true);
    schedule
}

pub(super) fn land(schedule: &mut Schedule, reason: Reason, now: Now, changed: bool) {
    let id = schedule.began(reason, now);
    schedule.fetched(id, changed, HOUR).unwrap();
}

pub(super) fn fail(
    schedule: &mut Schedule,
    now: Now,
    retry_after: Option<Duration>,
) -> Option<bool> {
    let id = schedule.began(Reason::Age, now);
    schedule.failed(id, retry_after, now)
}

/// A request for an unknown `kid` that comes `now`.
pub(super) fn unknown(kid: u64, now: Now) -> Read {
    Read::Unknown {
        kid,
        arrived: now.instant,
    }
}

fn spent(decision: Decision) -> Duration {
    match decision {
        Decision::Unavailable {
            retry_after,
            budget_spent: true,
        } => retry_after,
        other => panic!("{other:?}"),
    }
}

pub(super) fn backed_off(decision: Decision) -> Duration {
    match decision {
        Decision::Unavailable {
            retry_after,
            budget_spent: false,
        } => retry_after,
        other => panic!("{other:?}"),
    }
}

// conformance 148
#[test]
fn a_kid_that_no_fetch_can_have_seen_yet_is_never_refused() {
    let now = start();
    let cold = Schedule::new(7);
    assert_eq!(
        cold.decide(unknown(1, now), now),
        Decision::Fetch(Reason::Age)
    );

    let mut schedule = warm(now);
    let later = now.after(SECOND);
    let read = unknown(1, later);
    assert_eq!(
        schedule.decide(read, later),
        Decision::Fetch(Reason::UnknownKey)
    );
    // A fetch that began before the request proves nothing about it.
    let id = schedule.began(Reason::UnknownKey, later);
    let joined = unknown(1, later.after(MILLI));
    assert_eq!(schedule.decide(joined, later.after(SECOND)), Decision::Wait);
    schedule.fetched(id, false, HOUR).unwrap();
    let landed = later.after(SECOND);
    assert_eq!(schedule.decide(read, landed), Decision::Refuse);
    assert_eq!(
        schedule.decide(joined, landed),
        Decision::Fetch(Reason::UnknownKey)
    );
    // And a failed one proves nothing about anybody.
    assert_eq!(fail(&mut schedule, landed, None), Some(true));
    backed_off(schedule.decide(joined, landed));
}

// conformance 148
#[test]
fn unknown_kids_fetch_three_times_at_once_and_then_every_ten_seconds() {
    let now = start();
    let mut schedule = warm(now);
    let mut clock = now.after(SECOND);
    for kid in 0..3 {
        let decision = schedule.decide(unknown(kid, clock), clock);
        assert_eq!(decision, Decision::Fetch(Reason::UnknownKey));
        land(&mut schedule, Reason::UnknownKey, clock, false);
        clock = clock.after(MILLI);
    }
    // The refill counts from the first draw, however many ask meanwhile.
    let refill = now.after(11 * SECOND);
    let mut kid = 100;
    while clock.instant < refill.instant {
        let left = spent(schedule.decide(unknown(kid, clock), clock));
        assert_eq!(clock.after(left).instant, refill.instant);
        clock = clock.after(333 * MILLI);
        kid += 1;
    }
    let decision = schedule.decide(unknown(kid, clock), clock);
    assert_eq!(decision, Decision::Fetch(Reason::UnknownKey));
    land(&mut schedule, Reason::UnknownKey, clock, false);
    let clock = clock.after(MILLI);
    let left = spent(schedule.decide(unknown(kid + 1, clock), clock));
    assert_eq!(clock.after(left).instant, refill.after(10 * SECOND).instant);
    // An hour later no more than the burst has gathered.
    let mut clock = now.after(40 * MINUTE);
    for kid in 0..3 {
        let decision = schedule.decide(unknown(kid, clock), clock);
        assert_eq!(decision, Decision::Fetch(Reason::UnknownKey));
        land(&mut schedule, Reason::UnknownKey, clock, false);
        clock = clock.after(MILLI);
    }
    spent(schedule.decide(unknown(9, clock), clock));
}

// conformance 148
#[test]
fn a_caller_that_goes_away_gets_no_budget_back() {
    let now = start();
    let mut schedule = warm(now);
    for _ in 0..3 {
        let id = schedule.began(Reason::UnknownKey, now);
        schedule.abandoned(id);
    }
    let now = now.after(SECOND);
    spent(schedule.decide(unknown(1, now), now));
}

// conformance 148
#[test]
fn a_refused_kid_is_remembered_until_the_next_refill_or_a_changed_set() {
    let now = start();
    let mut schedule = warm(now);
    land(&mut schedule, Reason::UnknownKey, now, false);
    schedule.refuse(1, now);
    let soon = now.after(9 * SECOND);
    assert_eq!(schedule.decide(unknown(1, soon), soon), Decision::Refuse);
    // Being refused again does not prolong it.
    schedule.refuse(1, soon);
    let refill = now.after(10 * SECOND);
    let decision = schedule.decide(unknown(1, refill), refill);
    assert_eq!(decision, Decision::Fetch(Reason::UnknownKey));

    schedule.refuse(1, refill);
    for (changed, decision) in [
        (false, Decision::Refuse),
        (true, Decision::Fetch(Reason::UnknownKey)),
    ] {
        land(&mut schedule, Reason::UnknownKey, refill, changed);
        let soon = refill.after(MILLI);
        assert_eq!(schedule.decide(unknown(1, soon), soon), decision);
    }
}

#[test]
fn no_more_than_1024_refused_kids_are_remembered() {
    let now = start();
    let mut schedule = warm(now);
    for kid in 0..5_000 {
        schedule.refuse(kid, now);
    }
    let soon = now.after(MILLI);
    let remembered = (0..5_000)
        .filter(|kid| schedule.decide(unknown(*kid, soon), soon) == Decision::Refuse)
        .count();
    assert_eq!(remembered, 1024);
}

// conformance 134, 138, 144, 150
#[test]
fn freshness_has_a_floor_and_a_cap_and_ends_at_equality() {
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
        schedule.fetched(id, true, fresh_for).unwrap();
        let at = |age| schedule.decide(Read::Known, now.after(age));
        assert_eq!(at(kept * 7 / 10 - SECOND), Decision::Serve, "{fresh_for:?}");
        assert_eq!(at(kept * 8 / 10), Decision::ServeAndFetch);
        assert_eq!(at(kept - SECOND), Decision::ServeAndFetch);
        assert_eq!(at(kept), Decision::Fetch(Reason::Age));
        // Nor is a stale set asked as if it lacked the kid.
        let later = now.after(kept);
        let decision = schedule.decide(unknown(1, later), later);
        assert_eq!(decision, Decision::Fetch(Reason::Age));
    }
}

#[test]
fn young_keys_are_those_that_are_served_without_a_fetch() {
    let now = start();
    let mut schedule = Schedule::new(7);
    let id = schedule.began(Reason::Age, now);
    let trust = schedule.fetched(id, true, HOUR).unwrap();
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
    let at = |age| schedule.decide(Read::Known, now.after(age));
    assert_eq!(at(young), Decision::Serve);
    assert_eq!(at(old), Decision::ServeAndFetch);
}

// conformance 150
#[test]
fn instances_that_start_together_refresh_apart() {
    let now = start();
    let refresh = |jitter| {
        let mut schedule = Schedule::new(jitter);
        land(&mut schedule, Reason::Age, now, true);
        (2500..2900)
            .find(|age| schedule.decide(Read::Known, now.after(*age * SECOND)) != Decision::Serve)
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
