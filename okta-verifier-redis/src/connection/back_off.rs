//! `BackOff`: how long to wait before a connection to a server that failed is attempted again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct BackOff {
    /// Failures since the last success.
    failures: u32,
    not_before: Option<Instant>,
}

impl BackOff {
    /// Records a failure. The next attempt must wait for a random time between half of a delay and the
    /// whole delay. The delay doubles with each failure, up to [`MAX`].
    pub(super) fn failed(&mut self, now: Instant) {
        let delay = (MIN * 2_u32.pow(self.failures.min(10))).min(MAX);
        self.failures = self.failures.saturating_add(1);
        // Jitter, so that instances that fail together do not reconnect together.
        let random = RandomState::new().hash_one(self.failures) >> 11;
        let fraction = random as f64 / (1_u64 << 53) as f64;
        self.not_before = Some(now + delay.mul_f64(0.5 + fraction / 2.0));
    }

    /// Records a success.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// Returns whether an attempt must wait.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|not_before| now < not_before)
    }
}

const MIN: Duration = Duration::from_millis(250);
/// The maximum is short, because requests are rejected during the back-off, and frequent attempts
/// burden only the service's own Redis.
const MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_two_seconds_and_ends_with_a_success() {
        let start = Instant::now();
        let mut back_off = BackOff::default();
        assert!(!back_off.holds(start));
        for most in [250, 500, 1_000, 2_000, 2_000].map(Duration::from_millis) {
            back_off.failed(start);
            assert!(back_off.holds(start + most / 2 - Duration::from_millis(1)));
            assert!(!back_off.holds(start + most));
        }
        back_off.end();
        assert!(!back_off.holds(start));
        back_off.failed(start);
        assert!(!back_off.holds(start + MIN));
    }
}
