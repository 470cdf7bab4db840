//! How long keys are trusted, from one good fetch.

use std::time::Duration;

use crate::time::{End, Now};

/// The last good fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust {
    /// When it began: the time an answer travels counts as age (RFC 9111 §4.2.3).
    pub(super) began: Now,
    pub(super) fresh_for: Duration,
    pub(super) refresh_after: Duration,
    young_until: End,
}

impl Trust {
    /// `jitter` in 0..1.
    pub(crate) fn new(began: Now, fresh_for: Duration, jitter: f64) -> Self {
        let fresh_for = fresh_for.clamp(MIN_FRESH, MAX_FRESH);
        // 70 to 80 % of it: ahead of the end, and not all instances at once.
        let refresh_after = fresh_for * 7 / 10 + fresh_for.mul_f64(jitter / 10.0);
        Self {
            began,
            fresh_for,
            refresh_after,
            young_until: began.plus(refresh_after),
        }
    }

    pub(crate) fn age(&self, now: Now) -> Duration {
        now.since(self.began)
    }

    pub(crate) fn began(&self) -> Now {
        self.began
    }

    pub(crate) fn fresh_for(&self) -> Duration {
        self.fresh_for
    }

    /// RFC 9111 §4.2: equality is stale.
    pub(crate) fn is_fresh(&self, now: Now) -> bool {
        self.age(now) < self.fresh_for
    }

    /// Young enough that there is nothing to decide.
    pub(crate) fn is_young(&self, now: Now) -> bool {
        now.is_before(self.young_until)
    }
}

const MIN_FRESH: Duration = Duration::from_secs(5 * 60);
const MAX_FRESH: Duration = Duration::from_secs(60 * 60);
