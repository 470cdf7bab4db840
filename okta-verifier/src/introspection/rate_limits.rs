//! Rate limits, shares and back-off for introspection requests, as a state machine that takes the time as
//! an argument.
//!
//! Strangers can invent opaque tokens, encrypted tokens and tokens with an unknown key, and some
//! authorization servers fail on tokens that they did not issue. Requests about such tokens therefore have
//! a separate budget and a separate failure state, and do not delay requests about tokens whose signature
//! was verified or that were active before.
//!
//! Some servers also fail on revoked tokens, and a client can send a revoked token on purpose. A failure
//! after a token was sent therefore does not delay requests about other tokens. The requests of a class
//! pause only if the endpoint cannot be reached or responds with `Retry-After`. In all other cases the rate
//! limit protects an endpoint that is down.

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

/// What is known about a token before it is introspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Local checks accepted the token, so the issuer has issued it.
    Verified,
    /// The token cannot be verified locally, but an earlier response reported the token as active.
    PreviouslyActive,
    /// Neither local checks nor an earlier response accepted the token. Strangers can invent any number of
    /// such tokens.
    Unverified,
}

/// The client and the subject of a token, as keyed hashes. There is no `TokenOwner` for an unverified
/// token, because its claims are not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenOwner {
    /// The hash of the client.
    pub(super) client: u64,
    /// The hash of the client and the subject.
    pub(super) subject: u64,
}

/// How an admitted request relates to the shares of its client and its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The client and the subject are within their shares.
    WithinShare,
    /// The subject is within its share, but the client has used up its share. The request uses what other
    /// clients leave.
    OverClientShare,
    /// The subject has used up its share. The request uses what all others leave.
    OverSubjectShare,
    Unverified,
}

/// Why a request is not admitted now, and when to retry.
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

/// The effects of a failed request.
#[derive(Debug)]
pub(super) struct Consequence {
    pub(super) change: Option<StateChange>,
    /// How long the class pauses, or `None` if the failure does not pause the class.
    pub(super) pause: Option<Duration>,
}

/// A change of state that must be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StateChange {
    Failed,
    CredentialsRejected,
    Recovered,
    /// Each of the first responses about verified tokens says that the token is inactive.
    OnlyInactive,
}

/// A failure that is reported to the operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage<'g> {
    pub(super) error: &'g UnavailableReason,
    /// How long the class pauses; zero if the class does not pause.
    pub(super) retry_after: Duration,
    /// Whether the issuer rejects this service's credentials. Always false for unverified tokens, because
    /// strangers may have caused the failure.
    pub(super) credentials_rejected: bool,
}

/// The rate limits, shares and failures of all requests to one issuer.
#[derive(Debug)]
pub(super) struct RateLimits {
    verified: ClassLimits,
    previously_active: ClassLimits,
    unverified: ClassLimits,
    shares: Shares,
    /// The start of the latest successful request.
    last_success: Option<Now>,
    /// The start of the latest successful request about a verified or previously active token.
    last_trusted_success: Option<Now>,
    /// The number of responses about verified tokens, all inactive, or `None` once one was active.
    only_inactive: Option<u32>,
}

/// The budget and the failures of one class.
#[derive(Debug)]
struct ClassLimits {
    rate: Rate,
    bucket: TokenBucket,
    back_off: BackOff,
    /// Why the class pauses, or `None` if it does not.
    paused_by: Option<UnavailableReason>,
    failed_at: Option<Now>,
    /// The start of the latest successful request that shows that this class works.
    last_success: Option<Now>,
    reports: Reports,
}

impl RateLimits {
    /// Returns limits with full buckets. `rate` applies to verified tokens and, separately, to tokens that
    /// were active before. `jitter` is a random number.
    pub(super) fn new(rate: Rate, unverified: Rate, jitter: u64) -> Self {
        Self {
            verified: ClassLimits::new(rate, jitter),
            previously_active: ClassLimits::new(rate, jitter.rotate_left(21)),
            unverified: ClassLimits::new(unverified, jitter.rotate_left(42)),
            shares: Shares::default(),
            last_success: None,
            last_trusted_success: None,
            only_inactive: Some(0),
        }
    }

    /// Admits one request, or returns when to retry.
    ///
    /// Each client and each subject has a share of the rate of a class. A request beyond these shares is
    /// admitted only if it leaves a reserve in the bucket. The reserve is kept for requests within their
    /// shares.
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

    /// Returns the remaining pause of the class, or `None` if the class does not pause.
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

    /// Records that a request that began at `began` succeeded. Returns the recovery to log, or `None` if
    /// there is nothing to log.
    ///
    /// A response about an unverified token counts only for the unverified class, because it says nothing
    /// about tokens that the issuer has issued. A response about any other token counts for all classes,
    /// because it shows that the endpoint works and accepts the credentials.
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

    /// Records a failed request and returns its effects.
    pub(super) fn failed(&mut self, failure: Failure<'_>, now: Now) -> Consequence {
        let last_success = match failure.class {
            Class::Verified | Class::PreviouslyActive => self.last_trusted_success,
            Class::Unverified => self.last_success,
        };
        self.class_mut(failure.class)
            .failed(failure, last_success, now)
    }

    /// Records whether a token was active. Returns the change to log if no verified token was active so far.
    ///
    /// Some servers respond so to each request of a client that may not introspect the token, for example
    /// because its audience does not include this client.
    pub(super) fn answered(&mut self, class: Class, is_active: bool) -> Option<StateChange> {
        let count = self.only_inactive.as_mut()?;
        if is_active {
            self.only_inactive = None;
        } else if class == Class::Verified {
            *count = count.saturating_add(1);
            return (*count == SUSPICIOUS).then_some(StateChange::OnlyInactive);
        }
        None
    }

    pub(super) fn last_success(&self) -> Option<Now> {
        self.last_success
    }

    /// Returns the reported failure of the first class that has one, or `None` if no class has one, in the
    /// order verified, previously active, unverified.
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
            return None; // The request began before the failure, so it does not show a recovery.
        }
        self.back_off.end();
        self.paused_by = None;
        self.failed_at = None;
        self.reports.succeeded()
    }

    /// Records a failure of this class. `last_success` is the start of the latest successful request that
    /// speaks against a failure of the endpoint as a whole. This successful request may be of another
    /// class.
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
            // A `Retry-After` does not count, because a stranger may have caused it.
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

    /// Pauses the class if the token was not sent or if the response has a `Retry-After`. Such a failure
    /// usually does not depend on the token. In the unverified class a `Retry-After` is limited to 5 s,
    /// because a stranger may have caused the response. Returns how long the class pauses, or `None` if it
    /// does not.
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
            // Requests that are in flight at the same time fail together. Their failures count as one.
            Some(left) => self.back_off.wait(left, retry_after, now),
            None => self.back_off.failed(retry_after, now),
        })
    }
}

/// Decides which failures of one class are reported.
///
/// A failure that does not depend on the token is always reported. Any other failure is reported only if no
/// request has succeeded within `QUIET_FOR`, and requests about two tokens or several requests about one
/// token have failed. Otherwise the token may be the reason. Rejected credentials are also reported if no
/// request about a verified or previously active token has succeeded yet. A class logs a new outage at most
/// once per minute, because strangers may choose what fails. During an outage, only the first rejection of
/// the credentials is logged.
#[derive(Debug, Default)]
struct Reports {
    /// The token of the first failure since the last successful request, and how many requests about this
    /// token have failed.
    suspect: Option<(Fingerprint, u32)>,
    /// The last failure that was reported, and its time.
    error: Option<(UnavailableReason, Now)>,
    /// The change that was logged last, or `None` after a recovery.
    logged: Option<StateChange>,
    logged_at: Option<Now>,
}

impl Reports {
    fn succeeded(&mut self) -> Option<StateChange> {
        self.suspect = None;
        self.error = None;
        self.logged.take().map(|_| StateChange::Recovered)
    }

    /// Records a failure to report. Returns the change to log, or `None` if there is nothing to log.
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

    /// Returns the reported failure, or `None` if there is none. A failure of the unverified class expires,
    /// because strangers may have caused it.
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

/// Records how much of its share each client, and each subject of a client, has used.
///
/// Each client and each subject has one cell in each of two tables, at places that its keyed hash selects.
/// A request is within the share if at least one of the two cells has room. The memory is fixed, and a
/// client loses its share only if heavy users occupy both of its cells.
#[derive(Debug, Default)]
struct Shares {
    /// The two tables, which are empty until the first request within a share.
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
        // A request beyond the share of its subject is not charged to the client, so that the other
        // subjects of the client can use the client's share.
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
                // Only a cell with room is charged: use beyond the share is not counted.
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

/// The share of a client is 1/8 of the rate, and the share of each subject of a client is 1/16.
const CLIENT_PART: u32 = 8;
const SUBJECT_PART: u32 = 16;
const CELLS: usize = 1024;
/// Failures that the tokens may have caused are reported only if no request has succeeded for this long.
const QUIET_FOR: Duration = Duration::from_secs(10);
/// After this many failures of one token, while no other request succeeds, the endpoint is considered to be
/// at fault, not the token.
const FAILURES_OF_ONE_TOKEN: u32 = 3;
/// The minimum time between two outages of a class that are logged. A failure of the unverified class also
/// expires after this time.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
/// The number of inactive tokens after which the settings are suspected, if none was active.
const SUSPICIOUS: u32 = 20;
const LONGEST_UNVERIFIED_PAUSE: Duration = Duration::from_secs(5);
