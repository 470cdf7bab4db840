//! Rate limits, shares and back-off for introspection requests, as a state machine with an injected
//! clock.
//!
//! Strangers can invent opaque tokens, encrypted tokens and tokens with an unknown key, and some
//! authorization servers fail on tokens that they did not issue. Requests about such tokens therefore
//! have a budget and failures of their own: nothing that happens to them delays a request about a
//! token whose signature was verified, or about one that was active before.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    back_off::{BackOff, MIN_BACK_OFF},
    crypto::Fingerprint,
    error::FetchError,
    time::Now,
    token_bucket::{Rate, TokenBucket},
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
    /// Of a caller within its share.
    WithinShare,
    /// Of a caller that uses what the others leave.
    OverShare,
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
    pub(super) retry_after: Duration,
    /// Requests about other tokens of the class may still be sent.
    pub(super) this_token_only: bool,
}

/// A change that the log reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Failed,
    CredentialsRejected,
    Recovered,
}

#[derive(Debug)]
pub(super) struct Gate {
    verified: Lane,
    known: Lane,
    unverified: Lane,
    shares: Shares,
    /// When the newest answered request began.
    last_success: Option<Now>,
}

/// The budget and the failures of one class.
#[derive(Debug)]
struct Lane {
    rate: Rate,
    bucket: TokenBucket,
    back_off: BackOff,
    failed_at: Option<Now>,
    /// When the newest request whose answer counts for this class began.
    last_success: Option<Now>,
    /// The token of the first failure since the last answer.
    suspect: Option<Fingerprint>,
    /// The last failure that was reported, if no answer has come since.
    error: Option<FetchError>,
}

impl Gate {
    /// `rate` is for verified tokens, and once more for known ones. `jitter` is a random number.
    pub(super) fn new(rate: Rate, unverified: Rate, jitter: u64) -> Self {
        Self {
            verified: Lane::new(rate, jitter),
            known: Lane::new(rate, jitter.rotate_left(21)),
            unverified: Lane::new(unverified, jitter.rotate_left(42)),
            shares: Shares::default(),
            last_success: None,
        }
    }

    /// Admits one request, or says when to try again.
    ///
    /// Every caller has a share of its class's rate. Beyond it a caller gets what the others leave: it
    /// may empty the bucket down to half of the burst only, so that a caller within its share always
    /// finds tokens there.
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
        let rate = self.lane(class).rate;
        let admission = match caller {
            None => Admission::Unverified,
            Some(caller) if self.shares.allow(caller, rate, now) => Admission::WithinShare,
            Some(_) => Admission::OverShare,
        };
        let reserve = match admission {
            Admission::OverShare => rate.burst / 2,
            Admission::WithinShare | Admission::Unverified => 0,
        };
        let lane = self.lane_mut(class);
        if let Some(retry_after) = lane.bucket.wait(rate, reserve, now) {
            return Err(Closed {
                retry_after,
                source: FetchError::IntrospectionRateLimit,
            });
        }
        lane.bucket.take(rate, now);
        if let Some(caller) = caller {
            self.shares.take(caller, rate, now);
        }
        Ok(admission)
    }

    /// Whether the class backs off after a failure.
    pub(super) fn closed(&self, class: Class, now: Now) -> Option<Closed> {
        let lane = self.lane(class);
        let retry_after = lane.back_off.left(now)?;
        let source = lane.error.clone().unwrap_or(FetchError::Abandoned);
        Some(Closed {
            retry_after,
            source,
        })
    }

    /// The issuer answered a request that began at `began`. Returns the news if a class has
    /// recovered.
    ///
    /// An answer about an invented token says nothing about those that the issuer made; an answer
    /// about one of these shows that the endpoint and our credentials are in order.
    pub(super) fn answered(&mut self, class: Class, began: Now) -> Option<News> {
        self.last_success = newest(self.last_success, began);
        let own = self.lane_mut(class).answered(began);
        let others = match class {
            Class::Verified | Class::Known => self.unverified.answered(began),
            Class::Unverified => None,
        };
        own.or(others)
    }

    /// A request failed.
    pub(super) fn failed(&mut self, failure: Failure<'_>, now: Now) -> Consequence {
        if self.lane(failure.class).answered_since(failure.began) {
            return Consequence::of_token(None);
        }
        let quiet = self
            .last_success
            .is_none_or(|last| now.since(last) >= QUIET_FOR);
        match failure.class {
            Class::Unverified => self.unverified.failed_unverified(failure, quiet, now),
            Class::Verified => self.verified.failed(failure, now),
            Class::Known => self.known.failed(failure, now),
        }
    }

    pub(super) fn last_success(&self) -> Option<Now> {
        self.last_success
    }

    /// The reported failure of the first class that has one, and how long that class backs off.
    pub(super) fn error(&self, now: Now) -> Option<(&FetchError, Duration)> {
        [&self.verified, &self.known, &self.unverified]
            .into_iter()
            .find_map(|lane| {
                let error = lane.error.as_ref()?;
                Some((error, lane.back_off.left(now).unwrap_or_default()))
            })
    }

    fn lane(&self, class: Class) -> &Lane {
        match class {
            Class::Verified => &self.verified,
            Class::Known => &self.known,
            Class::Unverified => &self.unverified,
        }
    }

    fn lane_mut(&mut self, class: Class) -> &mut Lane {
        match class {
            Class::Verified => &mut self.verified,
            Class::Known => &mut self.known,
            Class::Unverified => &mut self.unverified,
        }
    }
}

impl Lane {
    fn new(rate: Rate, jitter: u64) -> Self {
        Self {
            rate,
            bucket: TokenBucket::default(),
            back_off: BackOff::new(jitter),
            failed_at: None,
            last_success: None,
            suspect: None,
            error: None,
        }
    }

    fn answered(&mut self, began: Now) -> Option<News> {
        self.last_success = newest(self.last_success, began);
        self.suspect = None;
        if self
            .failed_at
            .is_some_and(|failed_at| failed_at.instant > began.instant)
        {
            return None; // The answer says nothing about the time since the failure.
        }
        self.back_off.end();
        self.failed_at = None;
        self.error.take().map(|_| News::Recovered)
    }

    /// Whether a request that began later than this has been answered.
    fn answered_since(&self, began: Now) -> bool {
        self.last_success
            .is_some_and(|last| last.instant > began.instant)
    }

    /// A failure of a request about a token that the issuer made.
    fn failed(&mut self, failure: Failure<'_>, now: Now) -> Consequence {
        if failure.sent && self.may_be_fault_of(failure.token, failure.error) {
            return Consequence::of_token(None);
        }
        self.back_off(failure.error, now)
    }

    /// A failure of a request about a token that a stranger may have invented. It holds up that token
    /// only, whatever the endpoint did after it had the token: otherwise two invented tokens would
    /// hold up the new tokens of all others. The rate limit protects an endpoint that is down.
    fn failed_unverified(&mut self, failure: Failure<'_>, quiet: bool, now: Now) -> Consequence {
        let Failure { token, error, .. } = failure;
        if !failure.sent || error.retry_after().is_some() {
            return self.back_off(error, now);
        }
        let another_failed = *self.suspect.get_or_insert(token) != token;
        // Reported only while the issuer answers no request at all: otherwise strangers could fill
        // the log.
        let news = (another_failed && quiet).then(|| self.report(error));
        Consequence::of_token(news.flatten())
    }

    fn back_off(&mut self, error: &FetchError, now: Now) -> Consequence {
        let news = self.report(error);
        let asked_for = error.retry_after();
        let retry_after = match self.back_off.left(now) {
            // Requests that were in flight together fail together: that is one failure.
            Some(left) => self.back_off.wait(left, asked_for, now),
            None => self.back_off.failed(asked_for, now),
        };
        self.failed_at = Some(now);
        Consequence {
            news,
            retry_after,
            this_token_only: false,
        }
    }

    /// Records a failure for the operator. Returns what is new about it.
    fn report(&mut self, error: &FetchError) -> Option<News> {
        let rejected = |error: &FetchError| matches!(error, FetchError::CredentialsRefused);
        let before = self.error.replace(error.clone());
        match (before, rejected(error)) {
            (Some(before), true) if rejected(&before) => None,
            (_, true) => Some(News::CredentialsRejected),
            (Some(_), false) => None,
            (None, false) => Some(News::Failed),
        }
    }

    /// Whether the token may be the reason for the failure. Otherwise a client that finds a token on
    /// which the endpoint, or a firewall in front of it, fails could hold up all others. An endpoint
    /// that is down fails on a second token too, with no answer in between.
    fn may_be_fault_of(&mut self, token: Fingerprint, error: &FetchError) -> bool {
        match error {
            FetchError::Status {
                status,
                retry_after: None,
            } => match status {
                401 | 404 | 408 | 410 | 429 => false,
                400..=499 => true,
                500..=599 => self.is_first_suspect(token),
                _ => false,
            },
            FetchError::Transport { .. } | FetchError::Timeout => self.is_first_suspect(token),
            FetchError::ContentType { .. }
            | FetchError::ContentEncoding { .. }
            | FetchError::TooLarge { .. } => true,
            FetchError::Malformed { document } => *document != "metadata",
            _ => false,
        }
    }

    fn is_first_suspect(&mut self, token: Fingerprint) -> bool {
        self.back_off.failures() == 0 && *self.suspect.get_or_insert(token) == token
    }
}

impl Consequence {
    fn of_token(news: Option<News>) -> Self {
        Self {
            news,
            retry_after: MIN_BACK_OFF,
            this_token_only: true,
        }
    }
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
    fn allow(&self, caller: Caller, rate: Rate, now: Instant) -> bool {
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
        has_left(caller.client, CLIENT_PART) && has_left(caller.subject, SUBJECT_PART)
    }

    fn take(&mut self, caller: Caller, rate: Rate, now: Instant) {
        for (key, part) in [(caller.client, CLIENT_PART), (caller.subject, SUBJECT_PART)] {
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
/// After this long without an answer, failures about invented tokens are reported.
const QUIET_FOR: Duration = Duration::from_secs(10);
