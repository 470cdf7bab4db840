//! The invariants, apart from the model: they hold whatever it expects.

use std::time::Duration;

use super::{HOUR, Model, REFILL};
use crate::keys::schedule::{Decision, Read};

impl Model {
    /// What may never happen, whatever the model says.
    pub(super) fn check(&self, read: Read, decision: Decision) {
        match decision {
            // No key is trusted for longer than its freshness and the outage that is borne: so a
            // key that is absent ends with the first fetch that lacks it, or here.
            Decision::Serve | Decision::ServeAndFetch => {
                let good = self.good.as_ref().expect("served without keys");
                assert!(self.now.since(good.began) < good.fresh_for + HOUR);
                if let Read::Refresh { since } = read {
                    assert!(good.began.instant >= since, "older than wanted");
                }
            }
            // Never above the budget: one at a time, and only an operator goes before the
            // back-off. The draws for unknown kids are counted at the end.
            Decision::Fetch(_) => {
                assert!(self.flight.is_none(), "one fetch at a time");
                let operator = matches!(read, Read::Refresh { .. });
                assert!(
                    operator || self.now.instant >= self.blocked_until,
                    "within the back-off"
                );
            }
            // A really new key is not refused: only a fetch that began after the request came,
            // or the live memory of one, says no.
            Decision::Refuse => {
                let Read::Unknown { kid, arrived } = read else {
                    panic!("refused a known key");
                };
                let began = self.good.as_ref().map(|good| good.began.instant);
                assert!(self.remembers(kid) || began.is_some_and(|began| began >= arrived));
            }
            // ... and it is put off for one refill at most, whatever flood there is; then its own
            // fetch begins.
            Decision::Unavailable {
                retry_after,
                budget_spent,
            } => {
                assert!(!budget_spent || retry_after <= REFILL);
                if let Read::Refresh { since } = read {
                    assert!(self.attempted.is_some_and(|attempted| attempted >= since));
                    return;
                }
                let later = self.now.after(retry_after + Duration::from_secs(1));
                let then = self.machine.decide(read, later);
                assert!(matches!(then, Decision::Fetch(_)), "{then:?} as announced");
            }
            Decision::Wait => assert!(self.flight.is_some(), "waits for nothing"),
        }
        // Through an outage: what is known serves without a wait until the ceiling, as long as
        // the last failure is young; and never because nobody asked.
        if let (Read::Known, Some(good)) = (read, &self.good) {
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
