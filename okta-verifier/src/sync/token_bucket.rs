//! A token bucket: it allows a burst of requests at once and then a steady rate. It has no clock; the time
//! is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// How many requests a bucket allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// The number of requests that are allowed at once.
    pub(crate) burst: u32,
    /// The time after which one more request is allowed.
    pub(crate) interval: Duration,
}

impl Rate {
    /// Returns a rate of `per_second` requests per second, with `burst` requests at once. A `per_second`
    /// of 0 counts as 1.
    pub(crate) fn per_second(per_second: u32, burst: u32) -> Self {
        Self {
            burst,
            interval: Duration::from_secs(1) / per_second.max(1),
        }
    }

    /// Returns one `part`-th of this rate. The burst is at least 1.
    pub(crate) fn share(self, part: u32) -> Self {
        Self {
            burst: (self.burst / part).max(1),
            interval: self.interval * part,
        }
    }
}

/// The level of one bucket, which starts full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenBucket {
    /// When the bucket will be full again.
    full_at: Option<Instant>,
}

impl TokenBucket {
    /// Returns the time until a request may take a unit and leave `reserve` units in the bucket, or `None`
    /// if the request may take the unit now. The bucket does not change, so a flood of rejected requests
    /// does not delay the refill.
    pub(crate) fn wait(self, rate: Rate, reserve: u32, now: Instant) -> Option<Duration> {
        let taken = self.full_at(now).duration_since(now) + rate.interval;
        let allowed = rate.interval * rate.burst.saturating_sub(reserve);
        let wait = taken.saturating_sub(allowed);
        (!wait.is_zero()).then_some(wait)
    }

    /// Takes one unit from the bucket.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) {
        self.full_at = Some(self.full_at(now) + rate.interval);
    }

    fn full_at(self, now: Instant) -> Instant {
        self.full_at.map_or(now, |full_at| full_at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 4,
        interval: Duration::from_millis(500),
    };

    /// Returns how many requests are allowed at `now`.
    fn taken(bucket: &mut TokenBucket, reserve: u32, now: Instant) -> usize {
        (0..100)
            .filter(|_| {
                let allowed = bucket.wait(RATE, reserve, now).is_none();
                if allowed {
                    bucket.take(RATE, now);
                }
                allowed
            })
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn token_bucket_allows_the_burst_and_then_the_rate() {
        let (mut bucket, now) = (TokenBucket::default(), Instant::now());
        assert_eq!(taken(&mut bucket, 0, now), 4);
        assert_eq!(bucket.wait(RATE, 0, now), Some(RATE.interval));
        let refilled: usize = (1..=2_000)
            .map(|milli| taken(&mut bucket, 0, now + Duration::from_millis(milli)))
            .sum();
        assert_eq!(refilled, 4);
        assert_eq!(taken(&mut bucket, 0, now + Duration::from_secs(60)), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn token_bucket_keeps_its_reserve() {
        let (mut bucket, now) = (TokenBucket::default(), Instant::now());
        assert_eq!(taken(&mut bucket, 3, now), 1);
        assert_eq!(taken(&mut bucket, 0, now), 3);
        // The bucket refills the reserve before it allows a request that must leave the reserve.
        assert_eq!(bucket.wait(RATE, 3, now), Some(RATE.interval * 4));
        assert_eq!(taken(&mut bucket, 4, now + Duration::from_secs(60)), 0);
    }

    #[test]
    fn token_bucket_share_allows_one_request_at_least() {
        let share = RATE.share(8);
        assert_eq!((share.burst, share.interval), (1, Duration::from_secs(4)));
        assert_eq!(
            Rate::per_second(16, 32).interval,
            Duration::from_micros(62_500)
        );
    }
}
