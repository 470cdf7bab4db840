//! [`TransmitterState`]: the state and the counters of one transmitter. They are in this module because [`Stats`] has
//! them too; their public path is that of [`revocation`](crate::revocation).
//!
//! [`Stats`]: super::Stats

use std::time::SystemTime;

/// What one transmitter has sent since the receiver was built, and the state of its stream, from
/// [`Revocations::transmitters`](crate::revocation::Revocations::transmitters) and [`Stats`](crate::stats::Stats). Each
/// number only grows, and is that of this instance. With a [shared log](crate::revocation::RevocationLog), all instances
/// have the same `stream` and `last_verified`.
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
    /// What this sender sends.
    pub signal: Signal,
    /// What the last `stream-updated` event said.
    pub stream: StreamStatus,
    /// When the last event arrived whose signature was verified.
    pub last_received: Option<SystemTime>,
    /// When the last verification event arrived, with a valid `state` or without one.
    pub last_verified: Option<SystemTime>,
    /// The events that were applied, by [`Event::name`](crate::revocation::Event::name). `verification`, `stream-updated`
    /// and `logout` are counted too.
    pub applied: Vec<(&'static str, u64)>,
    /// The events that were accepted but have no effect, by their name, or `unknown`, and the reason.
    pub ignored: Vec<(&'static str, &'static str, u64)>,
    /// The rejected requests, by the code of the response.
    pub rejected: Vec<(&'static str, u64)>,
    /// Whether no verification event has arrived for longer than
    /// [`silent_after`](crate::revocation::Transmitter::silent_after), although they are requested. Always `false` without
    /// [`verify_every`](crate::revocation::Transmitter::verify_every).
    pub is_silent: bool,
    /// How often the stream has become silent.
    pub silences: u64,
    /// The requests for verification events. All zero without
    /// [`verify_every`](crate::revocation::Transmitter::verify_every).
    pub verification_requests: VerificationRequestStats,
}

impl TransmitterState {
    /// Returns whether events may be missing, so that revoked tokens may be accepted: the stream is paused, disabled or
    /// silent.
    ///
    /// ```
    /// use okta_verifier::revocation::Revocations;
    ///
    /// /// Returns the transmitters whose events may be missing, for an alert.
    /// fn degraded(revocations: &Revocations) -> Vec<String> {
    ///     let states = revocations.transmitters().into_iter();
    ///     states.filter(|state| state.is_degraded()).map(|state| state.issuer).collect()
    /// }
    /// # let revocations = Revocations::builder().forgets_at_restart().build()?;
    /// assert!(degraded(&revocations).is_empty());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        self.stream.is_degraded() || self.is_silent
    }
}

/// The requests for verification events to one transmitter (SSF 1.0 §8.1.4).
///
/// ```
/// # use okta_verifier::revocation::{Revocations, Transmitter};
/// let transmitter = Transmitter::new("https://sso.example.com").audience("https://api.acme.test");
/// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
/// // The settings do not say that verification events are requested.
/// let requests = &revocations.transmitters()[0].verification_requests;
/// assert_eq!((requests.succeeded, requests.failed.len()), (0, 0));
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerificationRequestStats {
    /// Requests that the transmitter has accepted.
    pub succeeded: u64,
    /// Failed requests, by [`UnavailableReason::code`](crate::error::UnavailableReason::code), or `management_token` if
    /// there was no token for the request.
    pub failed: Vec<(&'static str, u64)>,
}

/// What a sender of signals sends.
///
/// ```
/// use okta_verifier::revocation::{EventHook, Revocations, Signal};
///
/// let hook = EventHook::okta("https://acme.okta.com", "32 random bytes or more, as text");
/// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
/// let signal = revocations.transmitters()[0].signal;
/// assert_eq!((signal, signal.name()), (Signal::EventHook, "event_hook"));
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// The security events of a [`Transmitter`](crate::revocation::Transmitter).
    SecurityEvent,
    /// The logout tokens of a [`BackChannelLogout`](crate::revocation::BackChannelLogout).
    BackChannelLogout,
    /// The events of an [`EventHook`](crate::revocation::EventHook).
    EventHook,
    /// The requests of a [`UniversalLogout`](crate::revocation::UniversalLogout).
    UniversalLogout,
}

impl Signal {
    /// Returns the name for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecurityEvent => "security_event",
            Self::BackChannelLogout => "back_channel_logout",
            Self::EventHook => "event_hook",
            Self::UniversalLogout => "universal_logout",
        }
    }
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

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "enabled" => Some(Self::Enabled),
            "paused" => Some(Self::Paused),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }

    /// Returns a larger number for a status in which more events are missing.
    pub(crate) const fn severity(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Enabled => 1,
            Self::Paused => 2,
            Self::Disabled => 3,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}
