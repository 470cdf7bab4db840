//! The difference between the clocks of this machine and of an issuer, from the `Date` of its responses
//! (RFC 9110 §6.6.1). It is information for operators only, and decides about no token.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use super::cache_control::delta_seconds;
use crate::{health::ClockDifference, sync::clock::Now};

/// The last difference between the clocks, and whether the log has a warning about it.
#[derive(Debug)]
pub(crate) struct IssuerClock {
    issuer: Box<str>,
    /// In seconds. Entries of one issuer share its keys and therefore this clock.
    leeway: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Observation>,
    /// Whether the last event in the log was a warning.
    is_off: bool,
    /// When the last event was logged.
    logged: Option<Now>,
}

/// The difference that one response shows, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// How far the clock of this machine is ahead of the issuer's. Negative if it is behind.
    ahead: i64,
    /// The maximum error of `ahead`: half the time that the response took, and half a second because `Date`
    /// has whole seconds.
    error: i64,
}

/// The event that an observation causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    IsOff,
    IsGood,
}

impl Observation {
    /// Returns what a response shows that was requested at `sent` and arrived at `received`, both since 1970.
    /// `dates` and `ages` are the values of `Date` and `Age`.
    ///
    /// Returns `None` without exactly one valid `Date`, with an `Age` that is not a number, and if the clock of
    /// this machine was set back meanwhile.
    pub(crate) fn new<'h>(
        mut dates: impl Iterator<Item = &'h str>,
        ages: impl Iterator<Item = &'h str>,
        sent: Duration,
        received: Duration,
    ) -> Option<Self> {
        let (date, None) = (dates.next()?, dates.next()) else {
            return None;
        };
        let date = httpdate::parse_http_date(date.trim()).ok()?;
        let mut date = date.duration_since(UNIX_EPOCH).ok()?;
        // The response left the issuer that long ago (RFC 9111 §5.1).
        let mut aged = false;
        for age in ages {
            date = date.checked_add(Duration::from_secs(delta_seconds(age.trim())?))?;
            // Of a list, no member is known to be the right one.
            if std::mem::replace(&mut aged, true) {
                return None;
            }
        }
        let took = millis(received.checked_sub(sent)?)?;
        let middle = millis(received)?.checked_sub(took / 2)?;
        Some(Self {
            // On average the clock of the issuer has moved on by half a second since the second began.
            ahead: middle.checked_sub(millis(date)?)?.checked_sub(500)?,
            error: took / 2 + 500,
        })
    }
}

impl IssuerClock {
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.into(),
            leeway: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
        }
    }

    /// Sets the leeway, in seconds. There is no warning before it is set.
    pub(crate) fn set_leeway(&self, leeway: u64) {
        self.leeway.store(leeway, Ordering::Relaxed);
    }

    /// Returns the last difference, or `None` if no response has shown one.
    pub(crate) fn difference(&self, leeway: u64) -> Option<ClockDifference> {
        let last = self.lock().last?;
        Some(ClockDifference {
            // Rounded to the nearest second: `Date` is no more exact.
            ahead: last.ahead.saturating_add(500 * last.ahead.signum()) / 1000,
            leeway: Duration::from_secs(leeway),
        })
    }

    /// Records an observation, and logs a change.
    pub(crate) fn observe(&self, observation: Observation, now: Now) {
        let leeway = self.leeway.load(Ordering::Relaxed);
        let change = self.lock().observe(observation, leeway, now);
        // The lock is released first, because a tracing subscriber is foreign code.
        let Some(difference) = change.and_then(|_| self.difference(leeway)) else {
            return;
        };
        let (issuer, ahead) = (&*self.issuer, difference.ahead);
        match change {
            Some(Change::IsOff) => tracing::warn!(
                issuer,
                ahead,
                leeway,
                "the clocks of this machine and of the issuer differ by more than half the leeway"
            ),
            Some(Change::IsGood) => tracing::info!(
                issuer,
                ahead,
                leeway,
                "the clocks of this machine and of the issuer agree again"
            ),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An observation changes the state only if its error leaves no doubt. Servers behind one name may have
    /// different clocks, so there is at most one change per [`INTERVAL`].
    fn observe(&mut self, observation: Observation, leeway: u64, now: Now) -> Option<Change> {
        self.last = Some(observation);
        let half = i64::try_from(leeway.saturating_mul(500)).unwrap_or(i64::MAX);
        let Observation { ahead, error } = observation;
        let distance = ahead.saturating_abs();
        let change = match self.is_off {
            false if distance.saturating_sub(error) > half => Change::IsOff,
            true if distance <= half.max(error) => Change::IsGood,
            _ => return None,
        };
        if (self.logged).is_some_and(|logged| now.since(logged) < INTERVAL) {
            return None;
        }
        self.logged = Some(now);
        self.is_off = change == Change::IsOff;
        Some(change)
    }
}

fn millis(time: Duration) -> Option<i64> {
    i64::try_from(time.as_millis()).ok()
}

const INTERVAL: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// 15 November 2023, 06:13:20 GMT.
    const NOW: u64 = 1_700_028_800;
    const DATE: &str = "Wed, 15 Nov 2023 06:13:20 GMT";
    const SECOND: Duration = Duration::from_secs(1);

    fn observed(
        dates: &[&str],
        ages: &[&str],
        sent: Duration,
        took: Duration,
    ) -> Option<Observation> {
        let (dates, ages) = (dates.iter().copied(), ages.iter().copied());
        Observation::new(dates, ages, sent, sent + took)
    }

    /// Returns the difference in milliseconds that a response at once shows.
    fn ahead(dates: &[&str], ages: &[&str], unix: u64) -> Option<i64> {
        let observed = observed(dates, ages, Duration::from_secs(unix), Duration::ZERO);
        observed.map(|it| it.ahead)
    }

    #[test]
    fn clock_difference_of_a_hostile_date_is_ignored() {
        let long = "9".repeat(10_000);
        for dates in [
            &[][..],
            &[""],
            &["now"],
            &["-1"],
            &["1700028800"],
            &[&long],
            &["Wed, 31 Dec 1969 23:59:59 GMT"],
            &["Wed, 15 Nov -2023 06:13:20 GMT"],
            &["Wed, 15 Nov 10000 06:13:20 GMT"],
            &["Wed, 99 Nov 2023 06:13:20 GMT"],
            &["Wed, 15 Nov 2023 06:13:20 +0100"],
            // Of two dates, neither is known to be the issuer's.
            &[DATE, DATE],
            &["Wed, 15 Nov 2023 06:13:20 GMT, Wed, 15 Nov 2023 06:13:20 GMT"],
        ] {
            assert_eq!(ahead(dates, &[], NOW), None, "{dates:?}");
        }
        for ages in [
            &["-1"][..],
            &[""],
            &["soon"],
            &["1, 2"],
            &["1", "2"],
            &["1e9"],
        ] {
            assert_eq!(ahead(&[DATE], ages, NOW), None, "{ages:?}");
        }
        // The clock of this machine was set back during the request.
        let sent = Duration::from_secs(NOW);
        let received = sent - SECOND;
        assert_eq!(
            Observation::new([DATE].into_iter(), [].into_iter(), sent, received),
            None
        );
    }

    #[test]
    fn clock_difference_of_an_absurd_date_or_clock_does_not_overflow() {
        let last = "Fri, 31 Dec 9999 23:59:59 GMT";
        let first = "Thu, 01 Jan 1970 00:00:00 GMT";
        let large = u64::MAX.to_string();
        for date in [DATE, first, last] {
            for ages in [&[][..], &["0"], &[&large]] {
                for unix in [0, 1, NOW, u64::MAX / 1000, u64::MAX] {
                    for took in [Duration::ZERO, Duration::from_secs(u64::MAX / 2)] {
                        let sent = Duration::from_secs(unix);
                        let Some(received) = sent.checked_add(took) else {
                            continue;
                        };
                        let (dates, ages) = ([date].into_iter(), ages.iter().copied());
                        let observed = Observation::new(dates, ages, sent, received);
                        let Some(observed) = observed else { continue };
                        let clock = IssuerClock::new("https://a.test");
                        clock.set_leeway(60);
                        clock.observe(observed, Now::read());
                        assert!(clock.difference(60).is_some());
                    }
                }
            }
        }
        // The whole difference is shown: a machine without a battery starts in 1970.
        assert_eq!(ahead(&[DATE], &[], 0), Some(-1_700_028_800_500));
        assert!(ahead(&[last], &[], NOW).unwrap() < -250_000_000_000_000);
    }

    #[test]
    fn clock_difference_is_the_middle_of_the_request_less_date_and_age() {
        assert_eq!(ahead(&[DATE], &[], NOW), Some(-500));
        assert_eq!(ahead(&[DATE], &[], NOW + 90), Some(89_500));
        assert_eq!(ahead(&[DATE], &["30"], NOW + 90), Some(59_500));
        assert_eq!(ahead(&[DATE], &["90"], NOW), Some(-90_500));
        assert_eq!(
            ahead(&[" Wed, 15 Nov 2023 06:13:20 GMT "], &[" 1 "], NOW),
            Some(-1_500)
        );
        let slow = observed(&[DATE], &[], Duration::from_secs(NOW), 3 * SECOND);
        let expected = Observation {
            ahead: 1_000,
            error: 2_000,
        };
        assert_eq!(slow, Some(expected));
    }

    fn shown(ahead: i64) -> i64 {
        let clock = IssuerClock::new("https://a.test");
        let observation = Observation { ahead, error: 500 };
        clock.observe(observation, Now::read());
        clock.difference(60).unwrap().ahead
    }

    #[test]
    fn clock_difference_is_shown_in_whole_seconds() {
        for (millis, seconds) in [
            (0, 0),
            (499, 0),
            (-499, 0),
            (500, 1),
            (-500, -1),
            (89_500, 90),
        ] {
            assert_eq!(shown(millis), seconds, "{millis}");
        }
    }

    #[test]
    fn clock_difference_within_its_error_is_not_reported() {
        let mut state = State::default();
        let now = Now::read();
        for (ahead, error) in [
            (0, 500),
            (30_000, 500),
            (-30_000, 500),
            (30_500, 500),
            (600_000, 600_000), // a request that took twenty minutes
        ] {
            assert_eq!(
                state.observe(Observation { ahead, error }, 60, now),
                None,
                "{ahead}"
            );
        }
        // Without a leeway, a whole second is in doubt.
        assert_eq!(
            state.observe(
                Observation {
                    ahead: 500,
                    error: 500
                },
                0,
                now
            ),
            None
        );
        assert_eq!(
            state.observe(
                Observation {
                    ahead: 30_501,
                    error: 500
                },
                60,
                now
            ),
            Some(Change::IsOff)
        );
    }

    #[test]
    fn clock_difference_is_reported_once_per_change_and_at_most_once_per_minute() {
        let mut state = State::default();
        let start = Now::read();
        let mut at = |seconds: u64, ahead: i64| {
            let observation = Observation {
                ahead: ahead * 1_000,
                error: 500,
            };
            state.observe(observation, 60, start.after(Duration::from_secs(seconds)))
        };
        assert_eq!(at(0, 1), None);
        assert_eq!(at(1, -90), Some(Change::IsOff));
        assert_eq!(at(2, -90), None);
        // A server with another clock behind the same name.
        assert_eq!(at(3, 0), None);
        assert_eq!(at(4, -90), None);
        assert_eq!(at(60, 0), None);
        assert_eq!(at(61, 0), Some(Change::IsGood));
        assert_eq!(at(62, 31), None);
        assert_eq!(at(121, 31), Some(Change::IsOff));
        assert_eq!(at(300, 31), None);
        assert_eq!(at(301, 30), Some(Change::IsGood));
        assert_eq!(at(400, 20), None);
    }
}
