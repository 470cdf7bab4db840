//! [`Currency`]: until when the rules are known to be complete, by the shared log or by a stream of security events.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::sync::clock::Now;

/// The end of the time for which this instance is known to have learned everything, on both clocks, in one number: a
/// request loads it once.
///
/// The upper half has seconds on the wall clock, the lower half tenths of a second on the monotonic clock. Both count
/// from a beginning, and are limited to the range of the half: the end is then too early, which is safe.
#[derive(Debug)]
pub(super) struct Currency {
    beginning: Now,
    end: AtomicU64,
}

/// The time since the rules were known to be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overdue {
    /// On the monotonic clock. It is never longer than the true time.
    pub(super) at_least: Duration,
    /// On the clock that shows the longer time.
    pub(super) at_most: Duration,
}

impl Overdue {
    /// Returns the time for two reasons together. A response must be newer than the later one, and tokens are accepted for a
    /// while after the earlier one.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.min(other.at_least),
            at_most: self.at_most.max(other.at_most),
        }
    }
}

impl Currency {
    /// Returns a currency that ends now.
    pub(super) fn ended(now: Now) -> Self {
        let currency = Self {
            beginning: now,
            end: AtomicU64::new(0),
        };
        currency
            .end
            .store(currency.pack(now, Duration::ZERO), Ordering::Release);
        currency
    }

    /// Returns whether everything was read that had been stored until `max_lag` ago.
    #[inline]
    pub(super) fn holds(&self, now: Now) -> bool {
        let end = self.end.load(Ordering::Acquire);
        let (wall, tenths) = self.halves(now);
        wall < end >> 32 && tenths < end & HALF
    }

    /// Extends the currency to `max_lag` after `asked`. It never becomes shorter on the monotonic clock, because another
    /// reader may have proved a later end. The wall clock may have been set back, and its last time counts.
    pub(super) fn extend(&self, asked: Now, max_lag: Duration) {
        let end = self.pack(asked, max_lag);
        if end & HALF >= self.end.load(Ordering::Relaxed) & HALF {
            // The rules were applied before: a request that loads this end finds them.
            self.end.store(end, Ordering::Release);
        }
    }

    /// Ends the currency now on each clock on which it has not ended: the wall clock may be set back afterwards.
    pub(super) fn end(&self, now: Now) {
        let (end, ended) = (
            self.end.load(Ordering::Relaxed),
            self.pack(now, Duration::ZERO),
        );
        let wall = (end >> 32).min(ended >> 32);
        let tenths = (end & HALF).min(ended & HALF);
        self.end.store(wall << 32 | tenths, Ordering::Release);
    }

    /// Returns how long ago the currency ended.
    pub(super) fn overdue(&self, now: Now) -> Overdue {
        let end = self.end.load(Ordering::Acquire);
        let (wall, tenths) = self.halves(now);
        let tenths = tenths.saturating_sub(end & HALF);
        let wall = Duration::from_secs(wall.saturating_sub(end >> 32));
        Overdue {
            // Both tenths were rounded down, so that the difference may be too long by one.
            at_least: Duration::from_millis(tenths.saturating_sub(1) * TENTH),
            at_most: Duration::from_millis(tenths * TENTH).max(wall),
        }
    }

    fn pack(&self, from: Now, time: Duration) -> u64 {
        let (wall, tenths) = self.halves(from);
        // The wall clock is read in whole seconds, so it may advance by one second within a moment.
        let part = u64::from(!time.is_zero());
        let wall = wall.saturating_add(time.as_secs() + part).min(HALF);
        let tenths = tenths.saturating_add(whole_tenths(time)).min(HALF);
        wall << 32 | tenths
    }

    /// Returns the times on both clocks since the beginning. That of the wall clock counts from 68 years before the
    /// beginning, because the clock may be set back.
    #[inline]
    fn halves(&self, now: Now) -> (u64, u64) {
        let origin = self.beginning.unix.saturating_sub(HALF / 2);
        let wall = now.unix.saturating_sub(origin).min(HALF);
        let passed = now
            .instant
            .saturating_duration_since(self.beginning.instant);
        (wall, whole_tenths(passed).min(HALF))
    }
}

#[inline]
fn whole_tenths(time: Duration) -> u64 {
    time.as_secs().saturating_mul(10) + u64::from(time.subsec_millis()) / TENTH
}

/// The largest number of one half.
const HALF: u64 = u32::MAX as u64;
/// The unit of the monotonic clock, in milliseconds.
const TENTH: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Now, wall: i64, millis: u64) -> Now {
        Now {
            unix: start.unix.saturating_add_signed(wall),
            instant: start.instant + Duration::from_millis(millis),
        }
    }

    #[test]
    fn currency_has_ended_at_first_and_ends_on_the_earlier_of_both_clocks() {
        let start = Now::read();
        let currency = Currency::ended(start);
        assert!(!currency.holds(start));
        currency.extend(start, Duration::from_secs(10));
        for (wall, millis, holds) in [
            (0, 0, true),
            (10, 9_900, true),
            (11, 0, false),
            (0, 10_000, false),
            (-3_600, 9_000, true), // set back
            (-3_600, 10_000, false),
            (3_600, 0, false), // set forward, or the machine was suspended
            (i64::MAX, 0, false),
        ] {
            assert_eq!(
                currency.holds(at(start, wall, millis)),
                holds,
                "{wall} {millis}"
            );
        }
    }

    #[test]
    fn currency_with_a_clock_before_1970_does_not_hold() {
        let start = Now::read();
        let currency = Currency::ended(start);
        currency.extend(start, Duration::from_secs(300));
        let broken = Now {
            unix: u64::MAX, // as `Now::read` returns it
            instant: start.instant,
        };
        assert!(!currency.holds(broken));
        currency.extend(broken, Duration::from_secs(300));
        assert!(!currency.holds(broken));
    }

    #[test]
    fn currency_is_not_shortened_by_an_earlier_proof() {
        let start = Now::read();
        let currency = Currency::ended(start);
        let lag = Duration::from_secs(2);
        currency.extend(at(start, 5, 5_000), lag);
        currency.extend(start, lag);
        assert!(currency.holds(at(start, 6, 6_500)));
        // A later proof counts also if the wall clock was set back.
        currency.extend(at(start, -1_000, 6_500), lag);
        assert!(currency.holds(at(start, -1_000, 8_000)));
        assert!(!currency.holds(at(start, -1_000, 8_500)));
    }

    #[test]
    fn currency_that_is_ended_does_not_hold_until_the_next_proof() {
        let start = Now::read();
        let currency = Currency::ended(start);
        currency.extend(start, Duration::from_secs(10));
        currency.end(at(start, 1, 1_000));
        assert!(!currency.holds(at(start, 1, 1_000)));
        currency.extend(at(start, 1, 1_100), Duration::from_secs(10));
        assert!(currency.holds(at(start, 1, 1_200)));
        // It has ended on the wall clock only, which is set back later.
        currency.end(at(start, 3_600, 1_300));
        assert!(!currency.holds(at(start, 1, 1_400)));
    }

    #[test]
    fn currency_is_overdue_from_its_end_on_both_clocks() {
        let start = Now::read();
        let currency = Currency::ended(start);
        currency.extend(start, Duration::from_secs(2));
        let overdue = currency.overdue(at(start, 13, 7_000));
        assert_eq!(overdue.at_least, Duration::from_millis(4_900));
        assert_eq!(overdue.at_most, Duration::from_secs(10));
        let overdue = currency.overdue(at(start, 1, 1_000));
        assert_eq!(overdue.at_most, Duration::ZERO);
    }
}
