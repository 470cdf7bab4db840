//! The clock, read once a request: every check and every schedule takes its result as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// One moment on both clocks: claims are judged by `unix`, waiting by `instant`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Seconds since 1970.
    pub(crate) unix: u64,
    pub(crate) instant: Instant,
}

/// When something ends, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    unix: u64,
    instant: Instant,
}

impl Now {
    pub(crate) fn read() -> Self {
        // A clock before 1970 is broken. As the far future it expires every token: closed.
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(u64::MAX, |since| since.as_secs());
        Self {
            unix,
            instant: Instant::now(),
        }
    }

    /// The time since `earlier`: the larger of what the two clocks say, because trust must end
    /// neither later for a machine that slept (no monotonic time) nor for a clock set back.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let monotonic = self.instant.saturating_duration_since(earlier.instant);
        let wall = Duration::from_secs(self.unix.saturating_sub(earlier.unix));
        monotonic.max(wall)
    }

    /// The end of a time that begins now; a century at most, as not every clock reaches farther.
    pub(crate) fn plus(self, time: Duration) -> End {
        let time = time.min(CENTURY);
        let part = u64::from(time.subsec_nanos() > 0); // of a second
        let whole = time.as_secs().saturating_add(part);
        End {
            unix: self.unix.saturating_add(whole),
            instant: self.instant.checked_add(time).unwrap_or(self.instant),
        }
    }

    /// Whether less than the time until then has passed: the same as comparing
    /// [`since`](Self::since) with it, without its divisions. Whichever clock says that it ended
    /// is believed.
    pub(crate) fn is_before(self, end: End) -> bool {
        self.instant < end.instant && self.unix < end.unix
    }

    /// Whether a task with this deadline, which began at `began`, still runs so late that the process
    /// must have been suspended, as between two invocations of a serverless function.
    pub(crate) fn shows_suspension(self, began: Self, deadline: Duration) -> bool {
        self.since(began) > deadline + LATE
    }

    /// The moment on the wall clock.
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

/// No timer of a running process fires so late, even on a busy machine.
const LATE: Duration = Duration::from_secs(2);
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspended_machine_and_a_clock_set_back_both_age() {
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
    fn a_time_ends_when_as_much_has_passed_on_either_clock() {
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
}
