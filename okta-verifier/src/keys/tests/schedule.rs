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
fn warm(now: Now) -> Schedule {
    let mut schedule = Schedule::new(7);
    land(&mut schedule, Reason::Age, now, true);
    schedule
}

fn land(schedule: &mut Schedule, reason: Reason, now: Now, changed: bool) {
    let id = schedule.began(reason, now);
    schedule.fetched(id, changed, HOUR).unwrap();
}

fn fail(schedule: &mut Schedule, now: Now, retry_after: Option<Duration>) -> Option<bool> {
    let id = schedule.began(Reason::Age, now);
    schedule.failed(id, retry_after, now)
}

/// A request for an unknown `kid` that comes `now`.
fn unknown(kid: u64, now: Now) -> Read {
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

fn backed_off(decision: Decision) -> Duration {
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
    }
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

// conformance 140, 143
#[test]
fn stale_keys_serve_after_a_failure_only_and_for_one_hour_only() {
    let now = start();
    let mut schedule = warm(now);
    let stale = now.after(HOUR + SECOND);
    assert_eq!(
        schedule.decide(Read::Known, stale),
        Decision::Fetch(Reason::Age)
    );
    fail(&mut schedule, stale, None);
    assert_eq!(schedule.decide(Read::Known, stale), Decision::Serve);
    let last = now.after(2 * HOUR - SECOND);
    assert_eq!(schedule.decide(Read::Known, last), Decision::ServeAndFetch);
    let over = now.after(2 * HOUR);
    assert_eq!(
        schedule.decide(Read::Known, over),
        Decision::Fetch(Reason::Age)
    );
    fail(&mut schedule, over, None);
    backed_off(schedule.decide(Read::Known, over));
    // A machine that slept, or whose clock was set back, has aged by the larger of both clocks.
    for (unix, instant) in [(7200, SECOND), (0, 2 * HOUR)] {
        let aged = Now {
            unix: now.unix + unix,
            instant: over.instant + instant,
        };
        let decision = schedule.decide(Read::Known, aged);
        assert!(
            !matches!(decision, Decision::Serve | Decision::ServeAndFetch),
            "{decision:?}"
        );
    }
}

// conformance 24, 132
#[test]
fn failures_back_off_from_a_quarter_second_to_half_a_minute() {
    let now = start();
    let mut schedule = Schedule::new(7);
    for failure in 0..20 {
        let full = (250 * MILLI * 2_u32.pow(failure.min(10))).min(30 * SECOND);
        assert_eq!(fail(&mut schedule, now, None), Some(failure == 0));
        for read in [Read::Known, unknown(1, now)] {
            let left = backed_off(schedule.decide(read, now));
            assert!((full / 2..=full).contains(&left), "{failure}: {left:?}");
            let after = now.after(left);
            assert_eq!(schedule.decide(read, after), Decision::Fetch(Reason::Age));
        }
    }
    land(&mut schedule, Reason::Age, now, true);
    assert_eq!(fail(&mut schedule, now, None), Some(true), "counts anew");
}

// conformance 24
#[test]
fn what_the_issuer_asks_us_to_wait_is_honoured_within_bounds() {
    let now = start();
    for (asked, least, most) in [
        (Duration::ZERO, 125 * MILLI, 250 * MILLI),
        (20 * SECOND, 20 * SECOND, 20 * SECOND),
        (24 * HOUR, 120 * SECOND, 120 * SECOND),
        (Duration::MAX, 120 * SECOND, 120 * SECOND),
    ] {
        let mut schedule = Schedule::new(7);
        fail(&mut schedule, now, Some(asked));
        let left = backed_off(schedule.decide(Read::Known, now));
        assert!((least..=most).contains(&left), "{asked:?}: {left:?}");
    }
}

#[test]
fn an_answer_that_comes_too_late_counts_for_nothing() {
    let now = start();
    let mut schedule = Schedule::new(7);
    let late = schedule.began(Reason::Age, now);
    schedule.abandoned(late);
    let id = schedule.began(Reason::Age, now);
    let before = format!("{schedule:?}");
    assert!(schedule.fetched(late, true, HOUR).is_none());
    assert!(schedule.failed(late, None, now).is_none());
    schedule.abandoned(late);
    assert_eq!(format!("{schedule:?}"), before);
    assert!(schedule.fetched(id, true, HOUR).is_some());
    assert!(schedule.fetched(id, true, HOUR).is_none());
}
