//! Rate limits, shares and back-off for introspection requests, as a state machine with an injected
//! clock.
//!
//! Strangers can invent opaque tokens, encrypted tokens and tokens with an unknown key, and some
//! authorization servers fail on tokens that they did not issue. Requests about such tokens therefore
//! have a budget and failures of their own: nothing that happens to them delays a request about a
//! token whose signature was verified, or about one that was active before.
//!
//! A client with a revoked token can make some servers fail on it. A failure after the token was sent
//! therefore says nothing about other tokens. Requests about these pause only if the endpoint cannot be
//! reached or responds with `Retry-After`; the rate limit protects an endpoint that is down.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    crypto::Fingerprint,
    error::UnavailableReason,
    sync::{
        backoff::BackOff,
        clock::Now,
        token_bucket::{Rate, TokenBucket},
    },
};

/// What a token has shown before the issuer responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Local checks accepted the token, which only the issuer can make.
    Verified,
    /// An earlier response reported the token as active.
    PreviouslyActive,
    /// Neither of these. Strangers can invent any number of such tokens.
    Unverified,
}

/// The client and subject of a token, as keyed hashes. An unverified token has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenOwner {
    /// The hash of the client.
    pub(super) client: u64,
    /// The hash of client and subject.
    pub(super) subject: u64,
}

/// The terms on which a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Client and subject are within their shares.
    WithinShare,
    /// The subject is within its share, and its client uses what the others leave.
    OverClientShare,
    /// The subject uses what all others leave.
    OverSubjectShare,
    Unverified,
}

/// A request that is not admitted now, and the reason.
#[derive(Debug)]
pub(super) struct Denied {
    pub(super) retry_after: Duration,
    pub(super) source: UnavailableReason,
}

/// A failed request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'e> {
    pub(super) class: Class,
    pub(super) token: Fingerprint,
    /// Whether the token may have reached the endpoint.
    pub(super) sent: bool,
    pub(super) error: &'e UnavailableReason,
    /// When the request began.
    pub(super) began: Now,
}

/// The consequence of a failure.
#[derive(Debug)]
pub(super) struct Consequence {
    pub(super) change: Option<StateChange>,
    /// How long the class pauses.
    pub(super) pause: Option<Duration>,
}

/// A change of state to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StateChange {
    Failed,
    CredentialsRejected,
    Recovered,
}

/// A failure that is reported to the operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage<'g> {
    pub(super) error: &'g UnavailableReason,
    /// How long the class pauses; zero if it does not.
    pub(super) retry_after: Duration,
    /// Whether the issuer rejects this service's credentials. A failure about a token that a stranger
    /// may have invented does not show that.
    pub(super) credentials_rejected: bool,
}

/// The rate limits, shares and failures of all requests to one issuer.
#[derive(Debug)]
pub(super) struct RateLimits {
    verified: ClassLimits,
    previously_active: ClassLimits,
    unverified: ClassLimits,
    shares: Shares,
    /// When the latest successful request began.
    last_success: Option<Now>,
    /// The same for requests about tokens that are verified or were active before.
    last_trusted_success: Option<Now>,
}

/// The budget and the failures of one class.
#[derive(Debug)]
struct ClassLimits {
    rate: Rate,
    bucket: TokenBucket,
    back_off: BackOff,
    /// Why the class pauses.
    paused_by: Option<UnavailableReason>,
    failed_at: Option<Now>,
    /// When the latest successful request that counts for this class began.
    last_success: Option<Now>,
    reports: Reports,
}

impl RateLimits {
    /// `rate` is for verified tokens, and once more for those that were active before. `jitter` is a random number.
    pub(super) fn new(rate: Rate, unverified: Rate, jitter: u64) -> Self {
        Self {
            verified: ClassLimits::new(rate, jitter),
            previously_active: ClassLimits::new(rate, jitter.rotate_left(21)),
            unverified: ClassLimits::new(unverified, jitter.rotate_left(42)),
            shares: Shares::default(),
            last_success: None,
            last_trusted_success: None,
        }
    }

    /// Admits one request, or returns when to retry.
    ///
    /// Every client and every subject has a share of its class's rate. Beyond it, a request may empty the
    /// bucket down to a reserve only, so that a request within its share always finds tokens there.
    pub(super) fn admit(
        &mut self,
        class: Class,
        owner: Option<TokenOwner>,
        now: Now,
    ) -> Result<Admission, Denied> {
        if let Some(denied) = self.pause(class, now) {
            return Err(denied);
        }
        let now = now.instant;
        let rate = self.class(class).rate;
        let admission = owner.map_or(Admission::Unverified, |owner| {
            self.shares.admission(owner, rate, now)
        });
        let reserve = match admission {
            Admission::OverSubjectShare => rate.burst * 3 / 4,
            Admission::OverClientShare => rate.burst / 2,
            Admission::WithinShare | Admission::Unverified => 0,
        };
        let limits = self.class_mut(class);
        if let Some(retry_after) = limits.bucket.wait(rate, reserve, now) {
            return Err(Denied {
                retry_after,
                source: UnavailableReason::IntrospectionRateLimit,
            });
        }
        limits.bucket.take(rate, now);
        if let Some(owner) = owner {
            self.shares.take(owner, admission, rate, now);
        }
        Ok(admission)
    }

    /// Returns the pause of the class, if it pauses.
    pub(super) fn pause(&self, class: Class, now: Now) -> Option<Denied> {
        let limits = self.class(class);
        let retry_after = limits.back_off.left(now)?;
        let source = limits
            .paused_by
            .clone()
            .unwrap_or(UnavailableReason::Abandoned);
        Some(Denied {
            retry_after,
            source,
        })
    }

    /// Records that a request which began at `began` was successful. Returns whether a class has recovered.
    ///
    /// A response about an invented token says nothing about the issuer's own tokens. A response about
    /// one of these shows that the endpoint works and accepts the credentials.
    pub(super) fn succeeded(&mut self, class: Class, began: Now) -> Option<StateChange> {
        self.last_success = newest(self.last_success, began);
        if class == Class::Unverified {
            return self.unverified.succeeded(began);
        }
        self.last_trusted_success = newest(self.last_trusted_success, began);
        let classes = [
            &mut self.verified,
            &mut self.previously_active,
            &mut self.unverified,
        ];
        let changes = classes.map(|limits| limits.succeeded(began));
        changes.into_iter().flatten().next()
    }

    /// Records a failed request.
    pub(super) fn failed(&mut self, failure: Failure<'_>, now: Now) -> Consequence {
        let last_success = match failure.class {
            Class::Verified | Class::PreviouslyActive => self.last_trusted_success,
            Class::Unverified => self.last_success,
        };
        self.class_mut(failure.class)
            .failed(failure, last_success, now)
    }

    pub(super) fn last_success(&self) -> Option<Now> {
        self.last_success
    }

    /// Returns the reported failure of the first class that has one.
    pub(super) fn outage(&self, now: Now) -> Option<Outage<'_>> {
        [Class::Verified, Class::PreviouslyActive, Class::Unverified]
            .into_iter()
            .find_map(|class| {
                let limits = self.class(class);
                let error = limits.reports.error(class, now)?;
                Some(Outage {
                    error,
                    retry_after: limits.back_off.left(now).unwrap_or_default(),
                    credentials_rejected: class != Class::Unverified && is_rejection(error),
                })
            })
    }

    fn class(&self, class: Class) -> &ClassLimits {
        match class {
            Class::Verified => &self.verified,
            Class::PreviouslyActive => &self.previously_active,
            Class::Unverified => &self.unverified,
        }
    }

    fn class_mut(&mut self, class: Class) -> &mut ClassLimits {
        match class {
            Class::Verified => &mut self.verified,
            Class::PreviouslyActive => &mut self.previously_active,
            Class::Unverified => &mut self.unverified,
        }
    }
}

impl ClassLimits {
    fn new(rate: Rate, jitter: u64) -> Self {
        Self {
            rate,
            bucket: TokenBucket::default(),
            back_off: BackOff::new(jitter),
            paused_by: None,
            failed_at: None,
            last_success: None,
            reports: Reports::default(),
        }
    }

    fn succeeded(&mut self, began: Now) -> Option<StateChange> {
        self.last_success = newest(self.last_success, began);
        if self
            .failed_at
            .is_some_and(|failed_at| failed_at.instant > began.instant)
        {
            return None; // The response says nothing about the time since the failure.
        }
        self.back_off.end();
        self.paused_by = None;
        self.failed_at = None;
        self.reports.succeeded()
    }

    /// `last_success` is that of all classes whose responses show that the failure of this one is not
    /// general.
    fn failed(&mut self, failure: Failure<'_>, last_success: Option<Now>, now: Now) -> Consequence {
        let succeeded_since = |began: Now| {
            self.last_success
                .is_some_and(|last| last.instant > began.instant)
        };
        if succeeded_since(failure.began) {
            return Consequence {
                change: None,
                pause: None,
            };
        }
        let pause = self.begin_pause(failure, now);
        let is_general = match failure.class {
            Class::Verified | Class::PreviouslyActive => pause.is_some(),
            // A stranger may have caused the `Retry-After`.
            Class::Unverified => !failure.sent,
        };
        let counts = is_general || self.reports.is_general(failure, last_success, now);
        if counts || pause.is_some() {
            self.failed_at = Some(now);
        }
        let change = counts.then(|| self.reports.failed(failure, now));
        Consequence {
            change: change.flatten(),
            pause,
        }
    }

    /// Pauses the class if nothing was sent or if the response has a `Retry-After`, because then no token is
    /// at fault. After an invented token the pause is limited to a few seconds, because a stranger may
    /// have caused the response.
    fn begin_pause(&mut self, failure: Failure<'_>, now: Now) -> Option<Duration> {
        let mut retry_after = failure.error.retry_after();
        if failure.class == Class::Unverified {
            retry_after = retry_after.map(|pause| pause.min(LONGEST_UNVERIFIED_PAUSE));
        }
        if failure.sent && retry_after.is_none() {
            return None;
        }
        self.paused_by = Some(failure.error.clone());
        Some(match self.back_off.left(now) {
            // Requests that were in flight together fail together, which counts as one failure.
            Some(left) => self.back_off.wait(left, retry_after, now),
            None => self.back_off.failed(retry_after, now),
        })
    }
}

/// Which failures of one class are reported.
///
/// The failure of one token is not, because the token may be the reason. Nor are the failures of several
/// while the issuer responds to other requests. A class is reported once per minute at most, because
/// strangers may choose what fails.
#[derive(Debug, Default)]
struct Reports {
    /// The token of the first failure since the last response, and how often it has failed.
    suspect: Option<(Fingerprint, u32)>,
    /// The last failure that counted, and its time.
    error: Option<(UnavailableReason, Now)>,
    /// The change that was logged.
    logged: Option<StateChange>,
    logged_at: Option<Now>,
}

impl Reports {
    fn succeeded(&mut self) -> Option<StateChange> {
        self.suspect = None;
        self.error = None;
        self.logged.take().map(|_| StateChange::Recovered)
    }

    /// Records a failure that counts, and returns the change to log.
    fn failed(&mut self, failure: Failure<'_>, now: Now) -> Option<StateChange> {
        self.error = Some((failure.error.clone(), now));
        let rejected = failure.class != Class::Unverified && is_rejection(failure.error);
        let change = match rejected {
            true => StateChange::CredentialsRejected,
            false => StateChange::Failed,
        };
        let is_new = self.logged.is_none() || (rejected && self.logged != Some(change));
        let is_late = self
            .logged_at
            .is_none_or(|last| now.since(last) >= REPORT_INTERVAL);
        if !is_new || !(is_late || self.logged.is_some()) {
            return None;
        }
        self.logged = Some(change);
        self.logged_at = Some(now);
        Some(change)
    }

    fn is_general(&mut self, failure: Failure<'_>, last_success: Option<Now>, now: Now) -> bool {
        let (suspect, failures) = self.suspect.get_or_insert((failure.token, 0));
        let is_another = *suspect != failure.token;
        if !is_another {
            *failures = failures.saturating_add(1);
        }
        let is_first = last_success.is_none()
            && failure.class != Class::Unverified
            && is_rejection(failure.error);
        let is_quiet = last_success.is_none_or(|last| now.since(last) >= QUIET_FOR);
        is_first || (is_quiet && (is_another || *failures >= FAILURES_OF_ONE_TOKEN))
    }

    /// Returns the reported failure. One that strangers may have caused expires.
    fn error(&self, class: Class, now: Now) -> Option<&UnavailableReason> {
        let (error, at) = self.error.as_ref()?;
        let is_over = class == Class::Unverified && now.since(*at) >= REPORT_INTERVAL;
        (!is_over).then_some(error)
    }
}

fn is_rejection(error: &UnavailableReason) -> bool {
    matches!(error, UnavailableReason::CredentialsRefused)
}

fn newest(last: Option<Now>, began: Now) -> Option<Now> {
    last.filter(|last| last.instant > began.instant)
        .or(Some(began))
}

/// The used share of each client and of each subject of a client.
///
/// Each has two cells, at places that a keyed hash selects, and is within its share if either cell says
/// so. The memory is fixed, and a client only loses its share if heavy users have both of its cells.
#[derive(Debug, Default)]
struct Shares {
    /// Empty until the first request.
    cells: [Vec<TokenBucket>; 2],
}

impl Shares {
    fn admission(&self, owner: TokenOwner, rate: Rate, now: Instant) -> Admission {
        let has_left = |key: u64, part: u32| {
            let share = rate.share(part);
            places(key)
                .into_iter()
                .zip(&self.cells)
                .any(|(place, cells)| {
                    let cell = cells.get(place).copied().unwrap_or_default();
                    cell.wait(share, 0, now).is_none()
                })
        };
        if !has_left(owner.subject, SUBJECT_PART) {
            return Admission::OverSubjectShare;
        }
        match has_left(owner.client, CLIENT_PART) {
            true => Admission::WithinShare,
            false => Admission::OverClientShare,
        }
    }

    fn take(&mut self, owner: TokenOwner, admission: Admission, rate: Rate, now: Instant) {
        let client = (owner.client, CLIENT_PART);
        let subject = (owner.subject, SUBJECT_PART);
        // A subject beyond its share leaves the client's share to the client's other subjects.
        let drawn = match admission {
            Admission::WithinShare => &[client, subject][..],
            Admission::OverClientShare => &[subject],
            Admission::OverSubjectShare | Admission::Unverified => &[],
        };
        for &(key, part) in drawn {
            let share = rate.share(part);
            for (place, cells) in places(key).into_iter().zip(&mut self.cells) {
                cells.resize(CELLS, TokenBucket::default());
                let cell = &mut cells[place];
                // A used-up cell stays as it is: what is used beyond the share is not counted.
                if cell.wait(share, 0, now).is_none() {
                    cell.take(share, now);
                }
            }
        }
    }
}

fn places(key: u64) -> [usize; 2] {
    [key as usize % CELLS, (key >> 32) as usize % CELLS]
}

/// A client is guaranteed an eighth of the rate, each of its subjects a sixteenth.
const CLIENT_PART: u32 = 8;
const SUBJECT_PART: u32 = 16;
const CELLS: usize = 1024;
/// Failures are reported if no request has succeeded for this long.
const QUIET_FOR: Duration = Duration::from_secs(10);
/// If one token fails this often, without a response about any other, the token is not the reason.
const FAILURES_OF_ONE_TOKEN: u32 = 3;
/// The minimum time between two reports of a class.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
const LONGEST_UNVERIFIED_PAUSE: Duration = Duration::from_secs(5);
