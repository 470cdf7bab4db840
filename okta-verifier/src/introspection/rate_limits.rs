//! Rate limits, shares and back-off for introspection requests, as a state machine with an injected
//! clock.
//!
//! Strangers can invent opaque tokens, encrypted tokens and tokens with an unknown key, and some
//! authorization servers fail on tokens that they did not issue. Requests about such tokens therefore
//! have a budget and failures of their own: nothing that happens to them delays a request about a
//! token whose signature was verified, or about one that was active before.
//!
//! Whoever holds a revoked token can make some servers fail on it. A failure after the token was sent
//! therefore says nothing about other tokens. Requests about these pause only if the endpoint cannot be
//! reached or asks for a pause; the rate limit protects an endpoint that is down.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    crypto::Fingerprint,
    error::FetchError,
    sync::{
        backoff::BackOff,
        clock::Now,
        token_bucket::{Rate, TokenBucket},
    },
};

/// What is known of a token before the issuer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Local checks accepted it: only the issuer can make such a token.
    Verified,
    /// The issuer called it active before.
    Known,
    /// Neither: strangers can invent any number of such tokens.
    Unverified,
}

/// Whose token it is, as keyed hashes. Known for verified and known tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// Of the client.
    pub(super) client: u64,
    /// Of the client and the subject.
    pub(super) subject: u64,
}

/// A request that may be sent, and what it may occupy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Of a client and a subject within their shares.
    WithinShare,
    /// Of a subject within its share, whose client uses what the others leave.
    OverClientShare,
    /// Of a subject that uses what all others leave.
    OverSubjectShare,
    Unverified,
}

/// Why a request is not sent now.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) retry_after: Duration,
    pub(super) source: FetchError,
}

/// A request that brought no answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'e> {
    pub(super) class: Class,
    pub(super) token: Fingerprint,
    /// Whether the token may have reached the endpoint.
    pub(super) sent: bool,
    pub(super) error: &'e FetchError,
    /// When the request began.
    pub(super) began: Now,
}

/// What follows from a failure.
#[derive(Debug)]
pub(super) struct Consequence {
    pub(super) news: Option<News>,
    /// How long the class pauses.
    pub(super) pause: Option<Duration>,
}

/// A change that the log reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Failed,
    CredentialsRejected,
    Recovered,
}

/// A failure that the operator should know of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage<'g> {
    pub(super) error: &'g FetchError,
    /// How long the class pauses; zero if it does not.
    pub(super) retry_after: Duration,
    /// Whether the issuer rejects this service's credentials. A failure about a token that a stranger
    /// may have invented does not show that.
    pub(super) credentials_rejected: bool,
}

#[derive(Debug)]
pub(super) struct RateLimits {
    verified: ClassLimits,
    known: ClassLimits,
    unverified: ClassLimits,
    shares: Shares,
    /// When the newest answered request began.
    last_success: Option<Now>,
    /// The same of requests about verified and known tokens.
    last_trusted_success: Option<Now>,
}

/// The budget and the failures of one class.
#[derive(Debug)]
struct ClassLimits {
    rate: Rate,
    bucket: TokenBucket,
    back_off: BackOff,
    /// Why the class pauses.
    paused_by: Option<FetchError>,
    failed_at: Option<Now>,
    /// When the newest request whose answer counts for this class began.
    last_success: Option<Now>,
    reports: Reports,
}

impl RateLimits {
    /// `rate` is for verified tokens, and once more for known ones. `jitter` is a random number.
    pub(super) fn new(rate: Rate, unverified: Rate, jitter: u64) -> Self {
        Self {
            verified: ClassLimits::new(rate, jitter),
            known: ClassLimits::new(rate, jitter.rotate_left(21)),
            unverified: ClassLimits::new(unverified, jitter.rotate_left(42)),
            shares: Shares::default(),
            last_success: None,
            last_trusted_success: None,
        }
    }

    /// Admits one request, or says when to try again.
    ///
    /// Every client and every subject has a share of its class's rate. Beyond it a caller gets what the
    /// others leave: it may empty the bucket down to a reserve only, so that a caller within its share
    /// always finds tokens there.
    pub(super) fn admit(
        &mut self,
        class: Class,
        caller: Option<Caller>,
        now: Now,
    ) -> Result<Admission, Closed> {
        if let Some(closed) = self.closed(class, now) {
            return Err(closed);
        }
        let now = now.instant;
        let rate = self.class(class).rate;
        let admission = caller.map_or(Admission::Unverified, |caller| {
            self.shares.admission(caller, rate, now)
        });
        let reserve = match admission {
            Admission::OverSubjectShare => rate.burst * 3 / 4,
            Admission::OverClientShare => rate.burst / 2,
            Admission::WithinShare | Admission::Unverified => 0,
        };
        let limits = self.class_mut(class);
        if let Some(retry_after) = limits.bucket.wait(rate, reserve, now) {
            return Err(Closed {
                retry_after,
                source: FetchError::IntrospectionRateLimit,
            });
        }
        limits.bucket.take(rate, now);
        if let Some(caller) = caller {
            self.shares.take(caller, admission, rate, now);
        }
        Ok(admission)
    }

    /// Whether the class pauses.
    pub(super) fn closed(&self, class: Class, now: Now) -> Option<Closed> {
        let limits = self.class(class);
        let retry_after = limits.back_off.left(now)?;
        let source = limits.paused_by.clone().unwrap_or(FetchError::Abandoned);
        Some(Closed {
            retry_after,
            source,
        })
    }

    /// The issuer answered a request that began at `began`. Returns whether a class has recovered.
    ///
    /// An answer about an invented token says nothing about those that the issuer made; an answer
    /// about one of these shows that the endpoint and our credentials are in order.
    pub(super) fn answered(&mut self, class: Class, began: Now) -> Option<News> {
        self.last_success = newest(self.last_success, began);
        if class == Class::Unverified {
            return self.unverified.answered(began);
        }
        self.last_trusted_success = newest(self.last_trusted_success, began);
        let classes = [&mut self.verified, &mut self.known, &mut self.unverified];
        let news = classes.map(|limits| limits.answered(began));
        news.into_iter().flatten().next()
    }

    /// A request failed.
    pub(super) fn failed(&mut self, failure: Failure<'_>, now: Now) -> Consequence {
        let last_success = match failure.class {
            Class::Verified | Class::Known => self.last_trusted_success,
            Class::Unverified => self.last_success,
        };
        self.class_mut(failure.class)
            .failed(failure, last_success, now)
    }

    pub(super) fn last_success(&self) -> Option<Now> {
        self.last_success
    }

    /// The reported failure of the first class that has one.
    pub(super) fn trouble(&self, now: Now) -> Option<Outage<'_>> {
        [Class::Verified, Class::Known, Class::Unverified]
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
            Class::Known => &self.known,
            Class::Unverified => &self.unverified,
        }
    }

    fn class_mut(&mut self, class: Class) -> &mut ClassLimits {
        match class {
            Class::Verified => &mut self.verified,
            Class::Known => &mut self.known,
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

    fn answered(&mut self, began: Now) -> Option<News> {
        self.last_success = newest(self.last_success, began);
        if self
            .failed_at
            .is_some_and(|failed_at| failed_at.instant > began.instant)
        {
            return None; // The answer says nothing about the time since the failure.
        }
        self.back_off.end();
        self.paused_by = None;
        self.failed_at = None;
        self.reports.answered()
    }

    /// `last_success` is that of all classes whose answers show that this one's failure is not
    /// general.
    fn failed(&mut self, failure: Failure<'_>, last_success: Option<Now>, now: Now) -> Consequence {
        let answered_since = |began: Now| {
            self.last_success
                .is_some_and(|last| last.instant > began.instant)
        };
        if answered_since(failure.began) {
            return Consequence {
                news: None,
                pause: None,
            };
        }
        let pause = self.pause(failure, now);
        let holds_up_all = match failure.class {
            Class::Verified | Class::Known => pause.is_some(),
            // A stranger may have chosen that the issuer asks for a pause.
            Class::Unverified => !failure.sent,
        };
        let counts = holds_up_all || self.reports.is_general(failure, last_success, now);
        if counts || pause.is_some() {
            self.failed_at = Some(now);
        }
        let news = counts.then(|| self.reports.failed(failure, now));
        Consequence {
            news: news.flatten(),
            pause,
        }
    }

    /// No token is at fault if nothing was sent, or if the issuer asks for a pause. What it asks after
    /// an invented token counts for a few seconds only: a stranger may have chosen the answer.
    fn pause(&mut self, failure: Failure<'_>, now: Now) -> Option<Duration> {
        let mut asked_for = failure.error.retry_after();
        if failure.class == Class::Unverified {
            asked_for = asked_for.map(|pause| pause.min(LONGEST_UNVERIFIED_PAUSE));
        }
        if failure.sent && asked_for.is_none() {
            return None;
        }
        self.paused_by = Some(failure.error.clone());
        Some(match self.back_off.left(now) {
            // Requests that were in flight together fail together: that is one failure.
            Some(left) => self.back_off.wait(left, asked_for, now),
            None => self.back_off.failed(asked_for, now),
        })
    }
}

/// Which failures of one class the operator hears of.
///
/// One token that fails is no news, because the token may be the reason. Nor are many of them while
/// the issuer answers other requests. However often the answers change, a class is reported once a
/// minute at most, because strangers may choose what fails.
#[derive(Debug, Default)]
struct Reports {
    /// The token of the first failure since the last answer, and how often it has failed.
    suspect: Option<(Fingerprint, u32)>,
    /// The last failure that counted, and when it was.
    error: Option<(FetchError, Now)>,
    /// What the log says of it.
    logged: Option<News>,
    logged_at: Option<Now>,
}

impl Reports {
    fn answered(&mut self) -> Option<News> {
        self.suspect = None;
        self.error = None;
        self.logged.take().map(|_| News::Recovered)
    }

    /// A failure that counts. Returns what the log says of it.
    fn failed(&mut self, failure: Failure<'_>, now: Now) -> Option<News> {
        self.error = Some((failure.error.clone(), now));
        let rejected = failure.class != Class::Unverified && is_rejection(failure.error);
        let news = match rejected {
            true => News::CredentialsRejected,
            false => News::Failed,
        };
        let is_new = self.logged.is_none() || (rejected && self.logged != Some(news));
        let is_late = self
            .logged_at
            .is_none_or(|last| now.since(last) >= REPORT_INTERVAL);
        if !is_new || !(is_late || self.logged.is_some()) {
            return None;
        }
        self.logged = Some(news);
        self.logged_at = Some(now);
        Some(news)
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

    /// What strangers brought about ends by itself.
    fn error(&self, class: Class, now: Now) -> Option<&FetchError> {
        let (error, at) = self.error.as_ref()?;
        let is_over = class == Class::Unverified && now.since(*at) >= REPORT_INTERVAL;
        (!is_over).then_some(error)
    }
}

fn is_rejection(error: &FetchError) -> bool {
    matches!(error, FetchError::CredentialsRefused)
}

fn newest(last: Option<Now>, began: Now) -> Option<Now> {
    last.filter(|last| last.instant > began.instant)
        .or(Some(began))
}

/// What each client, and each subject of a client, has used of its share.
///
/// Two cells per caller, at places that a keyed hash chooses: a caller is within its share if either
/// cell says so. The memory is fixed, and a caller would have to meet heavy users at both of its
/// places to lose its share.
#[derive(Debug, Default)]
struct Shares {
    /// Empty until the first request.
    cells: [Vec<TokenBucket>; 2],
}

impl Shares {
    fn admission(&self, caller: Caller, rate: Rate, now: Instant) -> Admission {
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
        if !has_left(caller.subject, SUBJECT_PART) {
            return Admission::OverSubjectShare;
        }
        match has_left(caller.client, CLIENT_PART) {
            true => Admission::WithinShare,
            false => Admission::OverClientShare,
        }
    }

    fn take(&mut self, caller: Caller, admission: Admission, rate: Rate, now: Instant) {
        let client = (caller.client, CLIENT_PART);
        let subject = (caller.subject, SUBJECT_PART);
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
                // An empty cell stays as it is: what a caller uses beyond its share is not counted.
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
/// Failures are reported if the issuer has answered nothing for this long.
const QUIET_FOR: Duration = Duration::from_secs(10);
/// One token that fails so often, with no answer about any other, shows that it is not the token.
const FAILURES_OF_ONE_TOKEN: u32 = 3;
/// A class is reported once in this time at most.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
const LONGEST_UNVERIFIED_PAUSE: Duration = Duration::from_secs(5);
