//! The status of a transmitter's stream, and the counters of its events.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use super::currency::{Currency, Overdue};
use crate::{
    stats::transmitters::{Signal, StreamStatus, TransmitterState},
    sync::{
        clock::Now,
        token_bucket::{Rate, TokenBucket},
    },
};

/// Why an accepted event has no effect. The names of the events and of the reasons are constants, so the number of
/// counters is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    /// The default or the settings say so.
    Reaction,
    UnknownEvent,
    /// What the event tells of has failed.
    Outcome,
    /// The token has no event.
    NoEvent,
    /// There is no subject, or it has no format.
    NoSubject,
    UnknownSubject,
    /// No claim of an access token has what the subject names.
    UnmatchableSubject,
    /// The subject belongs to another issuer.
    OtherIssuer,
    /// The event is about another stream.
    OtherStream,
    /// The status of the stream is unknown, or older than the last one.
    Status,
}

impl Ignored {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Reaction => "reaction",
            Self::UnknownEvent => "unknown_event",
            Self::Outcome => "outcome",
            Self::NoEvent => "no_event",
            Self::NoSubject => "no_subject",
            Self::UnknownSubject => "unknown_subject",
            Self::UnmatchableSubject => "unmatchable_subject",
            Self::OtherIssuer => "other_issuer",
            Self::OtherStream => "other_stream",
            Self::Status => "status",
        }
    }

    /// Returns whether an operator should know of it. An event that the settings ignore, or about something that has
    /// failed, is none of these.
    pub(super) const fn is_unexpected(self) -> bool {
        !matches!(self, Self::Reaction | Self::Outcome)
    }
}

/// The state and the counters of one transmitter.
#[derive(Debug)]
pub(super) struct Stream {
    /// What the transmitter sends.
    pub(super) signal: Signal,
    state: Mutex<State>,
    /// Until when the stream is known not to be degraded. A later request looks at the state, and extends this time.
    currency: Currency,
}

/// The kinds of warnings. Each has its own limit, because strangers can cause the first two as often as they want.
#[derive(Clone, Copy)]
pub(super) enum Warning {
    /// An event is rejected.
    Rejected,
    /// The keys of the transmitter are unavailable.
    Keys,
    /// An event of the transmitter is ignored.
    Ignored,
}

#[derive(Debug, Default)]
struct State {
    status: StreamStatus,
    /// The time of the event that said the status, in seconds since 1970.
    status_said: u64,
    /// When the stream was paused or disabled, until it is enabled: on the wall clock when the event says, on the monotonic
    /// clock when this instance learned of it.
    degraded_since: Option<Now>,
    is_doubt_logged: bool,
    last_received: Option<SystemTime>,
    last_verified: Option<SystemTime>,
    applied: BTreeMap<&'static str, u64>,
    ignored: BTreeMap<(&'static str, &'static str), u64>,
    rejected: BTreeMap<&'static str, u64>,
    /// One limit for each [`Warning`].
    warnings: [TokenBucket; 3],
}

impl Stream {
    pub(super) fn new(signal: Signal) -> Arc<Self> {
        Arc::new(Self {
            signal,
            state: Mutex::default(),
            currency: Currency::ended(Now::read()),
        })
    }

    /// Returns whether the stream is known not to be degraded. Otherwise [`doubt`](Self::doubt) decides.
    #[inline]
    pub(super) fn is_current(&self, now: Now) -> bool {
        self.currency.holds(now)
    }

    /// Returns whether the stream is paused or disabled, and this instance already knew it at this time.
    pub(super) fn was_degraded(&self, at: Now) -> bool {
        let since = self.lock().degraded_since;
        since.is_some_and(|since| since.instant <= at.instant)
    }

    /// Returns for how long the stream has been degraded, or `None` if it is not, and whether to log the change. `silence`
    /// returns an error with the time of the silence, or the time until the stream is silent.
    pub(super) fn doubt(
        &self,
        now: Now,
        silence: impl FnOnce() -> Result<Option<Duration>, Overdue>,
    ) -> (Option<Overdue>, bool) {
        // The lock is held until the currency is extended, so that a status that is set meanwhile ends it afterwards.
        let mut state = self.lock();
        let doubt = match (state.degraded_for(now), silence()) {
            (None, Ok(silent_in)) => {
                if let Some(left) = silent_in {
                    self.currency.extend(now, left.min(LONGEST));
                }
                None
            }
            (Some(of_status), Err(of_silence)) => Some(of_status.and(of_silence)),
            (None, Err(overdue)) | (Some(overdue), Ok(_)) => Some(overdue),
        };
        let was_logged = std::mem::replace(&mut state.is_doubt_logged, doubt.is_some());
        let has_changed = was_logged != doubt.is_some();
        (doubt, has_changed)
    }

    pub(super) fn snapshot(&self, issuer: &str) -> TransmitterState {
        let state = self.lock();
        let flat = |(key, count): (&&'static str, &u64)| (*key, *count);
        let ignored = state.ignored.iter();
        TransmitterState {
            issuer: issuer.to_owned(),
            signal: self.signal,
            stream: state.status,
            last_received: state.last_received,
            last_verified: state.last_verified,
            applied: state.applied.iter().map(flat).collect(),
            ignored: ignored
                .map(|((event, reason), count)| (*event, *reason, *count))
                .collect(),
            rejected: state.rejected.iter().map(flat).collect(),
            is_silent: false,
            silences: 0,
            verification_requests: Default::default(),
        }
    }

    pub(super) fn receive(&self, now: Now) {
        self.lock().last_received = Some(now.wall());
    }

    pub(super) fn apply(&self, event: &'static str) {
        increment(self.lock().applied.entry(event).or_default());
    }

    pub(super) fn ignore(&self, event: &'static str, reason: Ignored) {
        increment(
            self.lock()
                .ignored
                .entry((event, reason.code()))
                .or_default(),
        );
    }

    pub(super) fn reject(&self, code: &'static str) {
        increment(self.lock().rejected.entry(code).or_default());
    }

    pub(super) fn verify(&self, now: Now) {
        self.lock().last_verified = Some(now.wall());
    }

    /// Sets the status that an event said at this time. Returns whether it has changed, or `None` if a later event
    /// has already said something else: transmitters repeat events after newer ones.
    pub(super) fn set_status(&self, status: StreamStatus, said: u64, now: Now) -> Option<bool> {
        let mut state = self.lock();
        if said < state.status_said {
            return None;
        }
        Some(self.replace_status(&mut state, status, said, now))
    }

    /// Sets the status that another instance was told at this time. The later time wins, and of two equal times the status
    /// in which more events are missing, so that all instances agree. Returns whether the status has changed, or `None`
    /// if it was not set.
    pub(super) fn merge_status(&self, status: StreamStatus, said: u64, now: Now) -> Option<bool> {
        let mut state = self.lock();
        if (said, status.severity()) <= (state.status_said, state.status.severity()) {
            return None;
        }
        Some(self.replace_status(&mut state, status, said, now))
    }

    /// Returns whether the status has changed.
    fn replace_status(&self, state: &mut State, status: StreamStatus, said: u64, now: Now) -> bool {
        state.status_said = said;
        state.degraded_since = match status.is_degraded() {
            // What was missed first is still missing after the stream was also disabled.
            true => state.degraded_since.or(Some(Now { unix: said, ..now })),
            false => None,
        };
        if status.is_degraded() {
            self.currency.end(now);
        }
        std::mem::replace(&mut state.status, status) != status
    }

    /// Records that another instance received a verification event at this time.
    pub(super) fn merge_verified(&self, at: SystemTime) {
        let mut state = self.lock();
        state.last_verified = state.last_verified.max(Some(at));
    }

    /// Returns the status and when it was said, and when the last verification event arrived.
    pub(super) fn shared(&self) -> (StreamStatus, u64, Option<SystemTime>) {
        let state = self.lock();
        (state.status, state.status_said, state.last_verified)
    }

    /// Returns whether another warning of this kind may be logged. The rest is logged at debug, so that a sender cannot
    /// fill the log.
    pub(super) fn may_warn(&self, warning: Warning, now: Now) -> bool {
        let bucket = &mut self.lock().warnings[warning as usize];
        let may = bucket.wait(WARNINGS, 0, now.instant).is_none();
        if may {
            bucket.take(WARNINGS, now.instant);
        }
        may
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn degraded_for(&self, now: Now) -> Option<Overdue> {
        let since = self.degraded_since?;
        Some(Overdue {
            at_least: now.instant.saturating_duration_since(since.instant),
            at_most: now.since(since),
        })
    }
}

fn increment(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// The longest time that a currency can represent, more than a decade.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);
const WARNINGS: Rate = Rate {
    burst: 10,
    interval: Duration::from_secs(60),
};

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> (Now, Arc<Stream>) {
        (Now::read(), Stream::new(Signal::SecurityEvent))
    }

    #[test]
    fn stream_status_of_an_older_event_does_not_replace_a_newer_one() {
        let (now, stream) = new();
        assert_eq!(
            stream.set_status(StreamStatus::Enabled, 20, now),
            Some(true)
        );
        assert_eq!(stream.set_status(StreamStatus::Paused, 19, now), None);
        assert_eq!(stream.snapshot("").stream, StreamStatus::Enabled);
        assert_eq!(stream.set_status(StreamStatus::Paused, 20, now), Some(true));
        assert_eq!(
            stream.set_status(StreamStatus::Paused, 30, now),
            Some(false)
        );
    }

    #[test]
    fn stream_that_is_paused_while_a_request_looks_at_it_stays_in_doubt() {
        let (now, stream) = new();
        let (second, never) = (Duration::from_secs(1), || Ok(Some(Duration::MAX)));
        assert!(!stream.is_current(now));
        assert_eq!(stream.doubt(now, never).0, None);
        assert!(stream.is_current(now.after(second)));
        stream.set_status(StreamStatus::Paused, now.unix, now.after(second));
        assert!(!stream.is_current(now.after(second)));
        // The request has read the clock before the stream was paused, and must not extend the currency.
        assert!(stream.doubt(now, never).0.is_some());
        assert!(!stream.is_current(now.after(2 * second)));
        stream.set_status(StreamStatus::Enabled, now.unix, now.after(2 * second));
        assert_eq!(stream.doubt(now.after(2 * second), never), (None, true));
        assert!(stream.is_current(now.after(2 * second)));
    }

    #[test]
    fn stream_doubt_begins_with_the_first_reason_and_needs_a_response_after_the_last() {
        let (now, stream) = new();
        let at = |seconds| now.after(Duration::from_secs(seconds));
        stream.set_status(StreamStatus::Paused, now.unix - 60, at(10));
        let silence = Overdue {
            at_least: Duration::from_secs(5),
            at_most: Duration::from_secs(7),
        };
        let (doubt, has_changed) = stream.doubt(at(30), || Err(silence));
        let expected = Overdue {
            at_least: Duration::from_secs(5),
            at_most: Duration::from_secs(90),
        };
        assert_eq!((doubt, has_changed), (Some(expected), true));
        let (doubt, has_changed) = stream.doubt(at(31), || Ok(None));
        let expected = Overdue {
            at_least: Duration::from_secs(21),
            at_most: Duration::from_secs(91),
        };
        assert_eq!((doubt, has_changed), (Some(expected), false));
    }

    #[tokio::test(start_paused = true)]
    async fn stream_warnings_are_limited() {
        let (now, stream) = new();
        let warned = (0..100).filter(|_| stream.may_warn(Warning::Rejected, now));
        assert_eq!(warned.count(), 10);
        assert!(stream.may_warn(Warning::Ignored, now));
        let later = now.after(Duration::from_secs(60));
        assert!(stream.may_warn(Warning::Rejected, later));
    }

    #[test]
    fn stream_counts_by_event_and_reason() {
        let (_, stream) = new();
        stream.apply("session-revoked");
        stream.apply("session-revoked");
        stream.ignore("unknown", Ignored::UnknownEvent);
        stream.reject("invalid_key");
        let state = stream.snapshot("https://a.test");
        assert_eq!(state.applied, [("session-revoked", 2)]);
        assert_eq!(state.ignored, [("unknown", "unknown_event", 1)]);
        assert_eq!(state.rejected, [("invalid_key", 1)]);
    }
}
