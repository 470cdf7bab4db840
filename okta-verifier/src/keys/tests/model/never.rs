//! The invariants. They hold independently of the model.

use std::time::Duration;

use super::{HOUR, Model, REFILL};
use crate::keys::schedule::{Decision, Need};

impl Model {
    /// Checks what must never happen, whatever the model expects.
    pub(super) fn check(&self, need: Need, decision: Decision) {
        match decision {
            // No key is trusted for longer than its freshness and `stale_if_error`. A withdrawn key is no
            // longer trusted after the first fetch that lacks it, or at this limit.
            Decision::Serve | Decision::ServeAndFetch => {
                let good = self.good.as_ref().expect("served without keys");
                assert!(self.now.since(good.began) < good.fresh_for + HOUR);
                if let Need::Refresh { since } = need {
                    assert!(good.began.instant >= since, "older than required");
                }
            }
            // The budget is never exceeded, there is one fetch at a time, and only an operator bypasses the
            // back-off. Fetches for unknown keys are counted at the end.
            Decision::Fetch(_) => {
                assert!(self.in_flight.is_none(), "one fetch at a time");
                let operator = matches!(need, Need::Refresh { .. });
                assert!(
                    operator || self.now.instant >= self.blocked_until,
                    "within the back-off"
                );
            }
            // A new key is rejected in three cases only: a fetch began after the request, the last fetch is
            // seconds old and the budget is used up, or the token would be rejected whatever its key is.
            Decision::Reject => {
                let Need::UnknownKey {
                    arrived,
                    acceptable,
                } = need
                else {
                    panic!("rejected a known key");
                };
                let began = self.good.as_ref().map(|good| good.began.instant);
                let began = began.expect("rejected without keys");
                let seconds_old = self.now.instant - began < REFILL;
                assert!(began >= arrived || !acceptable || (self.tokens == 0 && seconds_old));
            }
            // Without a failed or abandoned fetch, no request gets `Unavailable`, even during a flood.
            // After `Unavailable`, a request can cause a fetch at the announced time.
            Decision::Unavailable { retry_after } => {
                assert!(self.failed_at.is_some() || self.abandoned);
                match need {
                    Need::Refresh { since } => {
                        assert!(self.attempted.is_some_and(|attempted| attempted >= since));
                    }
                    Need::Keys | Need::UnknownKey { .. } => {
                        let later = self.now.after(retry_after + Duration::from_secs(1));
                        let then = self.machine.decide(acceptable(need), later);
                        assert!(matches!(then, Decision::Fetch(_)), "{then:?} as announced");
                    }
                }
            }
            Decision::Wait => assert!(self.in_flight.is_some(), "waits for nothing"),
        }
        // During an outage, known keys are used without waiting until the limit, while the last failure
        // is recent, and never without an attempt.
        if let (Need::Keys, Some(good)) = (need, &self.good) {
            let age = self.now.since(good.began);
            let served = matches!(decision, Decision::Serve | Decision::ServeAndFetch);
            let lately = |at| self.now.since(at) < Duration::from_secs(240);
            if age >= good.fresh_for {
                let outage = self.failed_at.is_some_and(lately);
                assert_eq!(served, outage && age < good.fresh_for + HOUR);
            }
        }
    }
}

/// The same request with claims that would pass.
fn acceptable(need: Need) -> Need {
    match need {
        Need::UnknownKey { arrived, .. } => Need::UnknownKey {
            arrived,
            acceptable: true,
        },
        need => need,
    }
}
