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
}
