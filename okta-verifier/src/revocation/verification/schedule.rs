//! [`Schedule`]: when a verification event is requested, and whether the stream is silent. A state machine that takes
//! the time as an argument.

use std::time::Duration;

use crate::{
    revocation::currency::Overdue,
    sync::{backoff::BackOff, clock::Now},
};

pub(super) struct Schedule {
    interval: Duration,
    silent_after: Duration,
    /// The time from one request, or from one verification event, to the next request. It is random, so that the
    /// instances of a service do not send their requests together.
    delay: Duration,
    began: Option<Now>,
    requested: Option<Now>,
    /// The latest time at which the stream was alive, as a verification event shows.
    verified: Option<Now>,
    back_off: BackOff,
    is_silent: bool,
    silences: u64,
}

impl Schedule {
    /// `jitter` is a random number.
    pub(super) fn new(interval: Duration, silent_after: Duration, jitter: u64) -> Self {
        let mut schedule = Self {
            interval,
            silent_after,
            delay: Duration::ZERO,
            began: None,
            requested: None,
            verified: None,
            back_off: BackOff::new(jitter),
            is_silent: false,
            silences: 0,
        };
        let fraction = schedule.back_off.fraction();
        schedule.delay = FIRST.mul_f64(fraction);
        schedule
    }

    /// Begins the schedule. The time before it does not count as silence.
    pub(super) fn begin(&mut self, now: Now) {
        self.began.get_or_insert(now);
    }

    /// Returns the time until the next request. A request is put off by a verification event that another instance
    /// has requested.
    pub(super) fn due_in(&self, now: Now) -> Duration {
        let has_failed = self.back_off.failures() > 0;
        let requested = self.requested.filter(|_| !has_failed);
        let last = [requested, self.verified].into_iter().flatten();
        let since = last.map(|last| now.since(last)).min();
        let since = since.or_else(|| Some(now.since(self.began?)).filter(|_| !has_failed));
        let left = since.map_or(Duration::ZERO, |since| self.delay.saturating_sub(since));
        left.max(self.back_off.left(now).unwrap_or_default())
    }

    /// Records that a request begins. It counts as sent, whatever becomes of it.
    pub(super) fn request(&mut self, now: Now) {
        self.requested = Some(now);
        self.renew_delay();
    }

    /// Records that the transmitter has accepted a request. Returns whether requests failed before.
    pub(super) fn succeed(&mut self) -> bool {
        let has_failed = self.back_off.failures() > 0;
        self.back_off.end();
        has_failed
    }

    /// Records a failed request. Returns whether it is the first one since the last success.
    pub(super) fn fail(&mut self, retry_after: Option<Duration>, now: Now) -> bool {
        self.back_off.failed(retry_after, now);
        self.back_off.failures() == 1
    }

    /// Records that the transmitter allows no request now, because there was one a moment ago: its event will arrive.
    pub(super) fn limit(&mut self, retry_after: Option<Duration>, now: Now) {
        self.back_off.wait(Duration::ZERO, retry_after, now);
    }

    /// Records that the stream was alive at this time.
    pub(super) fn verify(&mut self, at: Now, now: Now) {
        let is_later = |last: Now| now.since(at) < now.since(last);
        if self.verified.is_none_or(is_later) {
            self.verified = Some(at);
            self.renew_delay();
        }
    }

    /// Returns whether no verification event has arrived for too long.
    pub(super) fn is_silent(&self, now: Now) -> bool {
        self.silent_in(now).is_some_and(|left| left.is_zero())
    }

    /// Returns the time until the stream is silent unless an event arrives, or `None` before the schedule begins.
    pub(super) fn silent_in(&self, now: Now) -> Option<Duration> {
        let since = now.since(self.began?);
        let verified = self.verified.map(|last| now.since(last));
        let since = verified.map_or(since, |verified| verified.min(since));
        Some(self.silent_after.saturating_sub(since))
    }

    /// Returns for how long the stream has been silent, or `None` if it is not.
    pub(super) fn silent_for(&self, now: Now) -> Option<Overdue> {
        let alive = [Some(self.began?), self.verified].into_iter().flatten();
        let monotonic = |last: Now| now.instant.saturating_duration_since(last.instant);
        let at_most = alive.clone().map(|last| now.since(last)).min()?;
        let at_least = alive.map(monotonic).min()?;
        Some(Overdue {
            at_most: at_most.checked_sub(self.silent_after)?,
            at_least: at_least.saturating_sub(self.silent_after),
        })
    }

    /// Returns whether the stream has become silent, or is no longer silent, since the last call. `None` if nothing has
    /// changed.
    pub(super) fn change(&mut self, now: Now) -> Option<bool> {
        let is_silent = self.is_silent(now);
        if std::mem::replace(&mut self.is_silent, is_silent) == is_silent {
            return None;
        }
        self.silences = self.silences.saturating_add(u64::from(is_silent));
        Some(is_silent)
    }

    /// Returns how often the stream has become silent.
    pub(super) fn silences(&self) -> u64 {
        self.silences
    }

    fn renew_delay(&mut self) {
        let fraction = self.back_off.fraction();
        self.delay = self.interval.mul_f64(1.0 + JITTER * fraction);
    }
}

/// The longest time before the first request.
const FIRST: Duration = Duration::from_secs(2);
/// The largest part of an interval by which a request is put off at random.
const JITTER: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const INTERVAL: Duration = Duration::from_secs(600);

    fn begun(now: Now) -> Schedule {
        let mut schedule = Schedule::new(INTERVAL, 3 * INTERVAL, 7);
        assert_eq!(schedule.silent_in(now), None);
        schedule.begin(now);
        schedule
    }

    #[tokio::test(start_paused = true)]
    async fn schedule_requests_soon_and_then_once_per_interval() {
        let now = Now::read();
        let mut schedule = begun(now);
        assert!(schedule.due_in(now) <= FIRST);
        let mut now = now.after(FIRST);
        for _ in 0..100 {
            assert_eq!(schedule.due_in(now), Duration::ZERO);
            schedule.request(now);
            schedule.succeed();
            let due = schedule.due_in(now);
            assert!((INTERVAL..=INTERVAL.mul_f64(1.2)).contains(&due), "{due:?}");
            assert!(schedule.due_in(now.after(INTERVAL - MINUTE)) >= MINUTE);
            now = now.after(INTERVAL.mul_f64(1.2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn schedule_puts_a_request_off_after_an_event_that_another_instance_requested() {
        let start = Now::read();
        let mut schedule = begun(start);
        schedule.verify(start, start);
        assert!(schedule.due_in(start.after(FIRST)) > INTERVAL - MINUTE);
        schedule.request(start.after(FIRST));
        schedule.fail(None, start.after(FIRST));
        let later = start.after(2 * INTERVAL);
        assert_eq!(schedule.due_in(later), Duration::ZERO);
        schedule.verify(later, later);
        assert!(schedule.due_in(later) >= INTERVAL);
        // An older event changes nothing.
        let before = schedule.due_in(later);
        schedule.verify(start, later);
        assert_eq!(schedule.due_in(later), before);
    }

    #[tokio::test(start_paused = true)]
    async fn schedule_backs_off_after_failures_and_obeys_retry_after() {
        let mut now = Now::read().after(FIRST);
        let mut schedule = begun(now);
        for failure in 1..20 {
            schedule.request(now);
            assert_eq!(schedule.fail(None, now), failure == 1);
            let due = schedule.due_in(now);
            assert!(due > Duration::from_millis(100) && due <= Duration::from_secs(30));
            now = now.after(Duration::from_secs(31));
            assert_eq!(schedule.due_in(now), Duration::ZERO);
        }
        schedule.request(now);
        schedule.fail(Some(Duration::from_secs(90)), now);
        assert_eq!(schedule.due_in(now), Duration::from_secs(90));
        now = now.after(Duration::from_secs(90));
        schedule.request(now);
        assert!(schedule.succeed() && !schedule.succeed());
        assert!(schedule.due_in(now) >= INTERVAL);
        // A rate limit is not a failure.
        schedule.request(now);
        schedule.limit(Some(Duration::from_secs(3_600)), now);
        assert!(schedule.due_in(now) >= INTERVAL);
        assert!(!schedule.succeed());
    }

    #[tokio::test(start_paused = true)]
    async fn schedule_notices_silence_once_and_its_end_once() {
        let start = Now::read();
        let mut schedule = begun(start);
        assert_eq!(schedule.change(start.after(3 * INTERVAL - MINUTE)), None);
        let silent = start.after(3 * INTERVAL);
        assert!(schedule.is_silent(silent));
        assert_eq!(schedule.change(silent), Some(true));
        assert_eq!(schedule.change(silent.after(MINUTE)), None);
        // An event of long ago, such as a replayed one, does not end the silence.
        schedule.verify(start, silent);
        assert_eq!(schedule.change(silent), None);
        schedule.verify(silent, silent);
        assert_eq!(schedule.change(silent), Some(false));
        assert_eq!(schedule.change(silent.after(3 * INTERVAL)), Some(true));
        assert_eq!(schedule.silences(), 2);
    }

    #[test]
    fn schedule_counts_the_time_for_which_the_machine_was_suspended() {
        let start = Now::read();
        let mut schedule = begun(start);
        schedule.verify(start, start);
        let resumed = Now {
            unix: start.unix + 7_200,
            ..start
        };
        assert!(schedule.is_silent(resumed));
        assert_eq!(schedule.due_in(resumed), Duration::ZERO);
    }
}
