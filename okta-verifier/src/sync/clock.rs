//! The wall clock and the monotonic clock. `now` is passed as an argument, so that every check and every
//! schedule is a pure function of the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// One point in time on both clocks. Claims are compared with `unix`, delays with `instant`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Seconds since 1970.
    pub(crate) unix: u64,
    pub(crate) instant: Instant,
}

/// The end of a period, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    unix: u64,
    instant: Instant,
}

impl End {
    /// Returns the end of a period that begins now and lasts until the wall clock shows `unix`. The period
    /// is limited to a century.
    pub(crate) fn at(unix: u64) -> Self {
        let left = match UNIX_EPOCH.checked_add(Duration::from_secs(unix)) {
            Some(end) => end.duration_since(SystemTime::now()).unwrap_or_default(),
            None => CENTURY,
        };
        let now = Instant::now();
        Self {
            unix,
            instant: now.checked_add(left.min(CENTURY)).unwrap_or(now),
        }
    }

    /// Returns how long a timer may wait before it must check again whether the period has ended: the
    /// shorter one of the times that are left on the two clocks.
    pub(crate) fn left(self, now: Now) -> Duration {
        let monotonic = self.instant.saturating_duration_since(now.instant);
        let wall = Duration::from_secs(self.unix.saturating_sub(now.unix));
        monotonic.min(wall)
    }
}

impl Now {
    #[inline]
    pub(crate) fn read() -> Self {
        // Fail closed: with a clock before 1970, every token is expired.
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(u64::MAX, |since| since.as_secs());
        Self {
            unix,
            instant: Instant::now(),
        }
    }

    /// Returns the time since `earlier`: the larger of the times that the two clocks show. Trust must not
    /// last longer because the machine was suspended (the monotonic clock stood still) or because the wall
    /// clock was set back.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let monotonic = self.instant.saturating_duration_since(earlier.instant);
        let wall = Duration::from_secs(self.unix.saturating_sub(earlier.unix));
        monotonic.max(wall)
    }

    /// Returns the end of a period that begins now. The period is limited to a century, because not every
    /// clock can represent a later time.
    pub(crate) fn plus(self, time: Duration) -> End {
        let time = time.min(CENTURY);
        let part = u64::from(time.subsec_nanos() > 0); // A part of a second is rounded up.
        let whole = time.as_secs().saturating_add(part);
        End {
            unix: self.unix.saturating_add(whole),
            instant: self.instant.checked_add(time).unwrap_or(self.instant),
        }
    }

    /// Returns whether the period has not ended. A period ends as soon as either clock reaches its end. The
    /// result is the same as that of comparing [`since`](Self::since) with the length of the period, but
    /// this method needs no division.
    #[inline]
    pub(crate) fn is_before(self, end: End) -> bool {
        self.instant < end.instant && self.unix < end.unix
    }

    /// Returns whether a task that began at `began` with the timeout `deadline` ends so late that the
    /// process must have been suspended, for example between two invocations of a serverless function.
    pub(crate) fn shows_suspension(self, began: Self, deadline: Duration) -> bool {
        self.since(began) > deadline + LATE
    }

    /// Returns the time on the wall clock.
    pub(crate) fn wall(self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(self.unix))
            .unwrap_or(UNIX_EPOCH)
    }

    #[cfg(test)]
    pub(crate) fn after(self, passed: Duration) -> Self {
        Self {
            unix: self.unix + passed.as_secs(),
            instant: self.instant + passed,
        }
    }
}

/// Returns the time on the wall clock since 1970, with parts of a second. It is zero on a clock before 1970.
pub(crate) fn wall_clock() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A timer of a running process is assumed to be less late than this, even on a busy machine.
const LATE: Duration = Duration::from_secs(2);
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_for_a_suspended_machine_and_a_clock_set_back() {
        let start = Now {
            unix: 1_000,
            instant: Instant::now(),
        };
        let slept = Now {
            unix: 8_200,
            instant: start.instant,
        };
        assert_eq!(slept.since(start), Duration::from_secs(7_200));
        let set_back = Now {
            unix: 10,
            instant: start.instant + Duration::from_secs(60),
        };
        assert_eq!(set_back.since(start), Duration::from_secs(60));
    }

    #[test]
    fn period_ends_on_the_earlier_of_both_clocks() {
        let start = Now {
            unix: 1_000,
            instant: Instant::now(),
        };
        let millis = [0, 1, 999, 1_000, 1_001, 2_500, 3_000];
        for time in millis.map(Duration::from_millis) {
            for passed in millis.map(Duration::from_millis) {
                for unix in 995..1_005 {
                    let now = Now {
                        unix,
                        instant: start.instant + passed,
                    };
                    let expected = now.since(start) < time;
                    assert_eq!(
                        now.is_before(start.plus(time)),
                        expected,
                        "{now:?} {time:?}"
                    );
                }
            }
        }
        assert!(start.is_before(start.plus(Duration::MAX)));
    }

    #[test]
    fn timer_of_a_period_waits_for_the_earlier_end_on_both_clocks() {
        let start = Now {
            unix: 1_000,
            instant: Instant::now(),
        };
        let end = start.plus(Duration::from_secs(100));
        for (unix, passed, left) in [
            (1_000, 0, 100),
            (1_040, 40, 60),
            (400, 40, 60),   // set back
            (1_090, 40, 10), // set forward, or the machine was suspended
            (1_100, 0, 0),
            (9_000, 0, 0),
            (1_000, 200, 0),
        ] {
            let now = Now {
                unix,
                instant: start.instant + Duration::from_secs(passed),
            };
            let left = Duration::from_secs(left);
            assert_eq!(end.left(now), left, "{unix} {passed}");
            assert_eq!(now.is_before(end), !left.is_zero(), "{unix} {passed}");
        }
    }

    #[test]
    fn period_until_a_time_on_the_wall_clock_ends_at_that_time() {
        let now = Now::read();
        let end = End::at(now.unix + 10);
        let left = end.left(now);
        assert!(Duration::from_secs(8) < left && left <= Duration::from_secs(10));
        for past in [0, 1, now.unix - 1, now.unix] {
            assert!(!Now::read().is_before(End::at(past)), "{past}");
        }
        for distant in [now.unix + (1 << 40), u64::MAX] {
            assert!(now.is_before(End::at(distant)), "{distant}");
        }
    }
}
