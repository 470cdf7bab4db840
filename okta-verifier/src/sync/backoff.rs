//! The delay after failed requests, as a pure state machine that takes the time as an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::{crypto::xorshift, sync::clock::Now};

#[derive(Clone, Debug)]
pub(crate) struct BackOff {
    /// The number of failures since the last success.
    failures: u32,
    /// No attempt is made before this time.
    not_before: Option<Instant>,
    jitter: u64,
}

impl BackOff {
    /// Returns a back-off without failures. `jitter` is any number. It makes instances that fail together
    /// retry at different times.
    pub(crate) fn new(jitter: u64) -> Self {
        Self {
            failures: 0,
            not_before: None,
            jitter: jitter.max(1), // xorshift64 never leaves zero
        }
    }

    /// Counts one more failure and returns the delay before the next attempt. The delay is random, between
    /// 50 and 100 % of a base time, which doubles with each failure, up to 30 s. `retry_after` is the
    /// issuer's `Retry-After`, of which at most 120 s are used. If it is longer than the random delay, it
    /// is returned instead.
    pub(crate) fn failed(&mut self, retry_after: Option<Duration>, now: Now) -> Duration {
        let delay = doubled(self.failures);
        self.failures = self.failures.saturating_add(1);
        let delay = delay.mul_f64(0.5 + self.fraction() / 2.0);
        self.wait(delay, retry_after, now)
    }

    /// Allows no attempt for `delay`, or for `retry_after` if it is longer. `retry_after` is the issuer's
    /// `Retry-After`, of which at most 120 s are used. Returns the longer of the two times.
    pub(crate) fn wait(
        &mut self,
        delay: Duration,
        retry_after: Option<Duration>,
        now: Now,
    ) -> Duration {
        let delay = retry_after
            .unwrap_or_default()
            .min(MAX_RETRY_AFTER)
            .max(delay);
        self.not_before = Some(now.instant + delay);
        delay
    }

    /// Ends the back-off after a successful request.
    pub(crate) fn end(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the time until the next attempt, or `None` if it may be made now.
    pub(crate) fn left(&self, now: Now) -> Option<Duration> {
        let left = self.not_before?.saturating_duration_since(now.instant);
        (!left.is_zero()).then_some(left)
    }

    /// Returns a new pseudo-random number in 0..1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.jitter = xorshift(self.jitter);
        (self.jitter >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Returns the base time of the delay after this number of earlier failures: 250 ms, doubled for each
/// failure, up to 30 s.
pub(crate) fn doubled(failures: u32) -> Duration {
    (MIN_BACK_OFF * 2_u32.pow(failures.min(10))).min(MAX_BACK_OFF)
}

const MIN_BACK_OFF: Duration = Duration::from_millis(250);
const MAX_BACK_OFF: Duration = Duration::from_secs(30);
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);
