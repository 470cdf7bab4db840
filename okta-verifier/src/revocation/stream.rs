//! The state of a transmitter's stream, and the counters of its events.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use crate::sync::{
    clock::Now,
    token_bucket::{Rate, TokenBucket},
};

/// What one transmitter has sent since the receiver was built, and the state of its stream, from
/// [`Revocations::transmitters`](super::Revocations::transmitters). Each number only grows, and is that of this instance.
/// With a [shared log](super::RevocationLog), all instances have the same `stream` and `last_verified`.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Verifier, revocation::{Revocations, StreamStatus, Transmitter}};
/// # let okta = TestIssuer::new("api://orders");
/// let transmitter = Transmitter::new(okta.issuer_url()).audience("https://api.acme.test");
/// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
///
/// let state = revocations.transmitters().remove(0);
/// assert_eq!((state.stream, state.last_received), (StreamStatus::Unknown, None));
/// assert!(state.applied.is_empty() && state.ignored.is_empty() && state.rejected.is_empty());
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransmitterState {
    /// The issuer of the events, as configured.
    pub issuer: String,
    /// Whether the row is about logout tokens of a [`BackChannelLogout`](super::BackChannelLogout).
    pub is_logout: bool,
    /// What the last `stream-updated` event said.
    pub stream: StreamStatus,
    /// When the last event arrived whose signature was verified.
    pub last_received: Option<SystemTime>,
    /// When the last verification event arrived, with a valid `state` or without one.
    pub last_verified: Option<SystemTime>,
    /// The events that were applied, by [`Event::name`](super::Event::name). `verification`, `stream-updated`
    /// and `logout` are counted too.
    pub applied: Vec<(&'static str, u64)>,
    /// The events that were accepted but have no effect, by their name, or `unknown`, and the reason.
    pub ignored: Vec<(&'static str, &'static str, u64)>,
    /// The rejected requests, by the code of the response.
    pub rejected: Vec<(&'static str, u64)>,
}

/// The status of a stream (SSF 1.0 §8.1.2).
///
/// ```
/// use okta_verifier::revocation::StreamStatus;
///
/// assert!(StreamStatus::Paused.is_degraded() && StreamStatus::Disabled.is_degraded());
/// assert!(!StreamStatus::Unknown.is_degraded() && !StreamStatus::Enabled.is_degraded());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamStatus {
    /// No event has said anything yet.
    #[default]
    Unknown,
    /// Events are delivered.
    Enabled,
    /// The transmitter holds events back, and may deliver them later.
    Paused,
    /// The transmitter neither delivers nor keeps events.
    Disabled,
}

impl StreamStatus {
    /// Returns whether events are missing, so that revoked tokens may be accepted.
    #[must_use]
    pub const fn is_degraded(self) -> bool {
        matches!(self, Self::Paused | Self::Disabled)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "enabled" => Some(Self::Enabled),
            "paused" => Some(Self::Paused),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }

    /// Returns a larger number for a status in which more events are missing.
    const fn severity(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Enabled => 1,
            Self::Paused => 2,
            Self::Disabled => 3,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// Why an accepted event has no effect. The names of the events and of the reasons are constants, so the number of
/// counters is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    /// The default or the settings say so.
    Reaction,
    UnknownEvent,
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
            Self::NoEvent => "no_event",
            Self::NoSubject => "no_subject",
            Self::UnknownSubject => "unknown_subject",
            Self::UnmatchableSubject => "unmatchable_subject",
            Self::OtherIssuer => "other_issuer",
            Self::OtherStream => "other_stream",
            Self::Status => "status",
        }
    }

    /// Returns whether an operator should know of it. An event that the settings ignore is none of these.
    pub(super) const fn is_unexpected(self) -> bool {
        !matches!(self, Self::Reaction)
    }
}

/// The state and the counters of one transmitter.
#[derive(Debug, Default)]
pub(super) struct Stream(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    status: StreamStatus,
    /// The time of the event that said the status, in seconds since 1970.
    status_said: u64,
    last_received: Option<SystemTime>,
    last_verified: Option<SystemTime>,
    applied: BTreeMap<&'static str, u64>,
    ignored: BTreeMap<(&'static str, &'static str), u64>,
    rejected: BTreeMap<&'static str, u64>,
    warnings: TokenBucket,
}

impl Stream {
    pub(super) fn snapshot(&self, issuer: &str, is_logout: bool) -> TransmitterState {
        let state = self.lock();
        let flat = |(key, count): (&&'static str, &u64)| (*key, *count);
        let ignored = state.ignored.iter();
        TransmitterState {
            issuer: issuer.to_owned(),
            is_logout,
            stream: state.status,
            last_received: state.last_received,
            last_verified: state.last_verified,
            applied: state.applied.iter().map(flat).collect(),
            ignored: ignored
                .map(|((event, reason), count)| (*event, *reason, *count))
                .collect(),
            rejected: state.rejected.iter().map(flat).collect(),
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
    pub(super) fn set_status(&self, status: StreamStatus, said: u64) -> Option<bool> {
        let mut state = self.lock();
        if said < state.status_said {
            return None;
        }
        state.status_said = said;
        Some(std::mem::replace(&mut state.status, status) != status)
    }

    /// Sets the status that another instance was told at this time. The later time wins, and of two equal times the status
    /// in which more events are missing, so that all instances agree. Returns whether the status has changed, or `None`
    /// if it was not set.
    pub(super) fn merge_status(&self, status: StreamStatus, said: u64) -> Option<bool> {
        let mut state = self.lock();
        if (said, status.severity()) <= (state.status_said, state.status.severity()) {
            return None;
        }
        state.status_said = said;
        Some(std::mem::replace(&mut state.status, status) != status)
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

    /// Returns whether another warning may be logged. The rest is logged at debug, so that a sender cannot fill the
    /// log.
    pub(super) fn may_warn(&self, now: Now) -> bool {
        let mut state = self.lock();
        let may = state.warnings.wait(WARNINGS, 0, now.instant).is_none();
        if may {
            state.warnings.take(WARNINGS, now.instant);
        }
        may
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn increment(count: &mut u64) {
    *count = count.saturating_add(1);
}

const WARNINGS: Rate = Rate {
    burst: 10,
    interval: Duration::from_secs(60),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_status_of_an_older_event_does_not_replace_a_newer_one() {
        let stream = Stream::default();
        assert_eq!(stream.set_status(StreamStatus::Enabled, 20), Some(true));
        assert_eq!(stream.set_status(StreamStatus::Paused, 19), None);
        assert_eq!(stream.snapshot("", false).stream, StreamStatus::Enabled);
        assert_eq!(stream.set_status(StreamStatus::Paused, 20), Some(true));
        assert_eq!(stream.set_status(StreamStatus::Paused, 30), Some(false));
    }

    #[tokio::test(start_paused = true)]
    async fn stream_warnings_are_limited() {
        let (stream, now) = (Stream::default(), Now::read());
        assert_eq!((0..100).filter(|_| stream.may_warn(now)).count(), 10);
        assert!(stream.may_warn(now.after(Duration::from_secs(60))));
    }

    #[test]
    fn stream_counts_by_event_and_reason() {
        let stream = Stream::default();
        stream.apply("session-revoked");
        stream.apply("session-revoked");
        stream.ignore("unknown", Ignored::UnknownEvent);
        stream.reject("invalid_key");
        let state = stream.snapshot("https://a.test", false);
        assert_eq!(state.applied, [("session-revoked", 2)]);
        assert_eq!(state.ignored, [("unknown", "unknown_event", 1)]);
        assert_eq!(state.rejected, [("invalid_key", 1)]);
    }
}
