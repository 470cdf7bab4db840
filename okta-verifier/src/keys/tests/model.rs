//! Compares the schedule with a plain model of its rules, over random histories.

mod never;
mod step;

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use self::step::{Step, step};
use super::schedule::{HOUR, start};
use crate::{
    keys::schedule::{Decision, Need, Reason, Schedule, Trust},
    sync::clock::Now,
};

struct Good {
    began: Now,
    fresh_for: Duration,
    trust: Trust,
}

/// The state that the rules need, in the simplest form.
struct Model {
    machine: Schedule,
    now: Now,
    good: Option<Good>,
    in_flight: Option<(u64, Now)>,
    late: Option<u64>,
    failures: u32,
    failed_at: Option<Now>,
    /// When the last fetch that was not abandoned began.
    attempted: Option<Instant>,
    blocked_until: Instant,
    tokens: u32,
    /// When the bucket gets one more unit, while it is not full.
    refill: Instant,
    draws: Vec<Instant>,
    /// Whether a fetch was abandoned since the last successful one.
    abandoned: bool,
}

impl Model {
    fn new(jitter: u64) -> Self {
        let now = start();
        Self {
            machine: Schedule::new(jitter),
            now,
            good: None,
            in_flight: None,
            late: None,
            failures: 0,
            failed_at: None,
            attempted: None,
            blocked_until: now.instant,
            tokens: 3,
            refill: now.instant,
            draws: Vec::new(),
            abandoned: false,
        }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Pass(time) => self.pass(time),
            Step::Known => self.read(Need::Keys),
            Step::Unknown { acceptable, ago } => {
                let arrived = self.now.instant.checked_sub(ago).unwrap();
                self.read(Need::UnknownKey {
                    arrived,
                    acceptable,
                });
            }
            Step::Refresh(ago) => {
                let since = self.now.instant.checked_sub(ago).unwrap();
                self.read(Need::Refresh { since });
            }
            Step::Land(fresh_for) => self.complete(fresh_for),
            Step::Fail(retry_after) => self.fail(retry_after),
            Step::Abandon => {
                if let Some((id, _)) = self.in_flight.take() {
                    self.machine.abandoned(id);
                    self.late = Some(id);
                    self.attempted = None;
                    self.abandoned = true;
                }
            }
            Step::EndLate => self.end_late(),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = Now {
            // The wall clock counts whole seconds, as the real one does.
            unix: self.now.unix + time.as_secs(),
            instant: self.now.instant + time,
        };
        while self.tokens < 3 && self.refill <= self.now.instant {
            self.tokens += 1;
            self.refill += REFILL;
        }
    }

    fn read(&mut self, need: Need) {
        // `decide` takes `&self`, so it changes nothing.
        let decision = self.machine.decide(need, self.now);
        assert_eq!(decision, self.expected(need), "{need:?}");
        self.check(need, decision);
        match decision {
            Decision::Fetch(reason) => self.begin(reason),
            Decision::ServeAndFetch => self.begin(Reason::Age),
            _ => {}
        }
    }

    fn expected(&self, need: Need) -> Decision {
        let fresh = self
            .good
            .as_ref()
            .filter(|good| self.now.since(good.began) < good.fresh_for);
        match (need, &self.good) {
            (Need::Keys, Some(good)) if good.trust.is_young(self.now) => Decision::Serve,
            (Need::Keys, Some(good)) if fresh.is_some() || self.is_stale_only(good) => {
                let idle = self.in_flight.is_none() && self.now.instant >= self.blocked_until;
                if idle {
                    Decision::ServeAndFetch
                } else {
                    Decision::Serve
                }
            }
            (Need::Keys, _) => self.fetch_or_wait(Reason::Age),
            (Need::Refresh { .. }, _) if self.in_flight.is_some() => Decision::Wait,
            (Need::Refresh { since }, Some(good)) if good.began.instant >= since => Decision::Serve,
            (Need::Refresh { since }, _) => match self.attempted {
                Some(attempted) if attempted >= since => Decision::Unavailable {
                    retry_after: self
                        .blocked_until
                        .saturating_duration_since(self.now.instant),
                },
                _ => Decision::Fetch(Reason::Age),
            },
            (Need::UnknownKey { arrived, .. }, Some(good)) if good.began.instant >= arrived => {
                Decision::Reject
            }
            (Need::UnknownKey { .. }, _) if fresh.is_none() => self.fetch_or_wait(Reason::Age),
            (Need::UnknownKey { acceptable, .. }, Some(good)) => {
                let seconds_old = self.now.instant - good.began.instant < REFILL;
                match self.fetch_or_wait(Reason::UnknownKey) {
                    Decision::Fetch(_) if !acceptable => Decision::Reject,
                    Decision::Unavailable { .. } if !self.is_blocked() && seconds_old => {
                        Decision::Reject
                    }
                    decision => decision,
                }
            }
            (Need::UnknownKey { .. }, None) => unreachable!("it is not fresh"),
        }
    }

    fn is_blocked(&self) -> bool {
        self.now.instant < self.blocked_until
    }

    fn is_stale_only(&self, good: &Good) -> bool {
        let lately = |at| self.now.since(at) < Duration::from_secs(240);
        self.failed_at.is_some_and(lately) && self.now.since(good.began) < good.fresh_for + HOUR
    }

    fn fetch_or_wait(&self, reason: Reason) -> Decision {
        let mut until = self.blocked_until;
        if reason == Reason::UnknownKey && self.tokens == 0 {
            until = until.max(self.refill);
        }
        if self.in_flight.is_some() {
            Decision::Wait
        } else if until > self.now.instant {
            Decision::Unavailable {
                retry_after: until - self.now.instant,
            }
        } else {
            Decision::Fetch(reason)
        }
    }

    fn begin(&mut self, reason: Reason) {
        self.attempted = Some(self.now.instant);
        self.in_flight = Some((self.machine.began(reason, self.now), self.now));
        if reason == Reason::UnknownKey {
            if self.tokens == 3 {
                self.refill = self.now.instant + REFILL;
            }
            self.tokens -= 1;
            self.draws.push(self.now.instant);
        }
    }

    fn complete(&mut self, fresh_for: Duration) {
        let Some((id, began)) = self.in_flight.take() else {
            return;
        };
        let trust = self.machine.fetched(id, fresh_for).unwrap();
        let fresh_for = fresh_for.clamp(HOUR / 12, HOUR);
        assert!(trust.is_young(began.after(fresh_for * 7 / 10 - Duration::from_secs(1))));
        assert!(!trust.is_young(began.after(fresh_for * 8 / 10)));
        self.good = Some(Good {
            began,
            fresh_for,
            trust,
        });
        (self.failures, self.blocked_until) = (0, self.now.instant);
        self.failed_at = None;
        self.abandoned = false;
    }

    fn fail(&mut self, retry_after: Option<Duration>) {
        let Some((id, _)) = self.in_flight.take() else {
            return;
        };
        let first = self.machine.failed(id, retry_after, self.now);
        assert_eq!(first, Some(self.failures == 0));
        let full = Duration::from_millis(250) * 2_u32.pow(self.failures.min(10));
        let full = full.min(Duration::from_secs(30));
        let asked = retry_after
            .unwrap_or_default()
            .min(Duration::from_secs(120));
        self.failures += 1;
        self.failed_at = Some(self.now);
        let retry_after = self.machine.back_off(self.now).expect("a back-off");
        assert!(retry_after >= asked.max(full / 2) && retry_after <= asked.max(full));
        self.blocked_until = self.now.instant + retry_after;
    }

    fn end_late(&mut self) {
        let Some(id) = self.late.take() else { return };
        let before = format!("{:?}", self.machine);
        assert!(self.machine.fetched(id, HOUR).is_none());
        assert!(self.machine.failed(id, None, self.now).is_none());
        self.machine.abandoned(id);
        assert_eq!(
            format!("{:?}", self.machine),
            before,
            "an older response has no effect"
        );
    }
}

proptest! {
    // 256 histories of up to 400 steps, some 50,000 in all. PROPTEST_CASES sets another number.
    // conformance 140, 148, 149, 150
    #[test]
    fn schedule_keeps_its_rules_in_every_history(
        jitter in any::<u64>(),
        steps in proptest::collection::vec(step(), 1..400),
    ) {
        let mut model = Model::new(jitter);
        for step in steps {
            model.play(step);
        }
        // Three at once and one more every ten seconds, in every period.
        for (number, draw) in model.draws.iter().enumerate() {
            for (more, later) in model.draws[number..].iter().skip(3).enumerate() {
                let least = REFILL * u32::try_from(more + 1).unwrap();
                prop_assert!(*later - *draw >= least);
            }
        }
    }
}

const REFILL: Duration = Duration::from_secs(10);
