//! How often an issuer may be asked about tokens: a pure state machine, told the time.

use std::time::Duration;

use tokio::time::Instant;

use super::Question;
use crate::{
    back_off::{BackOff, MIN_BACK_OFF},
    crypto::Fingerprint,
    error::FetchError,
    time::Now,
};

#[derive(Debug)]
pub(super) struct Gate {
    /// For tokens whose signature was verified: nobody can make these up.
    verified: Budget,
    /// For all others, so that a flood of them uses up nobody else's.
    unverified: Budget,
    back_off: BackOff,
    /// When the last failure that closed it came.
    failed_at: Option<Now>,
    /// The token that the issuer failed over, and has not answered since.
    suspect: Option<Fingerprint>,
    /// When the question of the last good answer was begun.
    last_success: Option<Now>,
    /// The last failure, if no answer has come since.
    error: Option<FetchError>,
    credentials_refused: bool,
}

/// Why a question is not asked now.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) retry_after: Duration,
    pub(super) source: FetchError,
}

/// What follows from a failure.
#[derive(Debug)]
pub(super) struct Failed {
    /// What the log should hear of.
    pub(super) news: Option<News>,
    pub(super) retry_after: Duration,
    /// Other tokens can still be asked about.
    pub(super) this_token_only: bool,
}

/// What the log should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Trouble,
    CredentialsRefused,
    Recovered,
}

impl Gate {
    /// `jitter` is a random number.
    pub(super) fn new(jitter: u64) -> Self {
        Self {
            verified: Budget::default(),
            unverified: Budget::default(),
            back_off: BackOff::new(jitter),
            failed_at: None,
            suspect: None,
            last_success: None,
            error: None,
            credentials_refused: false,
        }
    }

    /// Lets one question pass, or says when to come back.
    pub(super) fn pass(&mut self, question: Question, now: Now) -> Result<(), Closed> {
        if let Some(closed) = self.closed(now) {
            return Err(closed);
        }
        let budget = match question.is_verified() {
            true => &mut self.verified,
            false => &mut self.unverified,
        };
        budget.draw(now.instant).map_err(|retry_after| Closed {
            retry_after,
            source: FetchError::TooManyQuestions,
        })
    }

    /// Because of a failure.
    pub(super) fn closed(&self, now: Now) -> Option<Closed> {
        let retry_after = self.back_off(now)?;
        let source = self.error.clone().unwrap_or(FetchError::Abandoned);
        Some(Closed {
            retry_after,
            source,
        })
    }

    /// An answer, to a question that was begun at `asked`.
    pub(super) fn answered(&mut self, asked: Now) -> Option<News> {
        let newest = |last: Now| last.instant > asked.instant;
        self.last_success = self
            .last_success
            .filter(|last| newest(*last))
            .or(Some(asked));
        self.suspect = None;
        if self.failed_at.is_some_and(newest) {
            return None; // it says nothing of the time since the failure
        }
        self.back_off.end();
        self.failed_at = None;
        self.credentials_refused = false;
        self.error.take().map(|_| News::Recovered)
    }

    /// A failure, of a question that was begun at `asked`. `sent`: the token, if it was sent.
    pub(super) fn failed(
        &mut self,
        error: &FetchError,
        sent: Option<Fingerprint>,
        asked: Now,
        now: Now,
    ) -> Failed {
        let overtaken = self
            .last_success
            .is_some_and(|success| success.instant > asked.instant);
        let this_token_only = sent.is_some_and(|token| self.may_be_its_fault(error, token));
        // One that was overtaken: the issuer has answered a later question.
        if overtaken || this_token_only {
            return Failed {
                news: None,
                retry_after: MIN_BACK_OFF,
                this_token_only,
            };
        }
        let first = self.error.replace(error.clone()).is_none();
        let refused = matches!(error, FetchError::CredentialsRefused);
        let news = if refused && !self.credentials_refused {
            Some(News::CredentialsRefused)
        } else {
            (first && !refused).then_some(News::Trouble)
        };
        self.credentials_refused = refused;
        let asked_for = error.retry_after();
        let retry_after = match self.back_off(now) {
            // Questions that were under way together fail together: that is one failure.
            Some(left) => self.back_off.wait(left, asked_for, now),
            None => self.back_off.failed(asked_for, now),
        };
        self.failed_at = Some(now);
        Failed {
            news,
            retry_after,
            this_token_only,
        }
    }

    /// Otherwise whoever finds a token that the endpoint, or what is in front of it, chokes on
    /// could shut it for everybody. Where the endpoint itself breaks, two different tokens show
    /// that it was not the one.
    fn may_be_its_fault(&mut self, error: &FetchError, token: Fingerprint) -> bool {
        match error {
            FetchError::Status {
                status,
                retry_after: None,
            } => match status {
                401 | 404 | 408 | 410 | 429 => false,
                400..=499 => true,
                500..=599 => {
                    let first = self.back_off.failures() == 0 && self.suspect.is_none();
                    if first {
                        self.suspect = Some(token);
                    }
                    first || (self.back_off.failures() == 0 && self.suspect == Some(token))
                }
                _ => false,
            },
            FetchError::ContentType { .. }
            | FetchError::ContentEncoding { .. }
            | FetchError::TooLarge { .. } => true,
            FetchError::Malformed { document } => *document != "metadata",
            _ => false,
        }
    }

    pub(super) fn back_off(&self, now: Now) -> Option<Duration> {
        self.back_off.left(now)
    }

    pub(super) fn last_success(&self) -> Option<Now> {
        self.last_success
    }

    pub(super) fn error(&self) -> Option<&FetchError> {
        self.error.as_ref()
    }
}

/// A token bucket: [`BURST`] questions at once, one more every [`REFILL`].
#[derive(Clone, Copy, Debug, Default)]
struct Budget {
    /// When the bucket is full again.
    full_at: Option<Instant>,
}

impl Budget {
    /// Asking an empty bucket leaves it alone, so that no flood pushes the refill back.
    fn draw(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        let after = full_at + REFILL;
        let wait = (after - now).saturating_sub(REFILL * BURST);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full_at = Some(after);
        Ok(())
    }
}

const BURST: u32 = 32;
/// 16 a second.
const REFILL: Duration = Duration::from_micros(62_500);
