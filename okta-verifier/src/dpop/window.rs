//! The replay window: how old a DPoP proof may be, and how far its `iat` may be in the future (RFC 9449
//! §4.3 item 11, §11.1). A used proof is stored until its window has passed.

use std::time::Duration;

use crate::error::{ConfigError, ProofError};

/// The accepted range of `iat`, in seconds before and after the current time. The leeway for tokens is not
/// added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) past: u64,
    pub(crate) future: u64,
}

impl Window {
    /// Returns the window of proofs that are at most `past` old and whose `iat` is at most `future` ahead.
    ///
    /// # Errors
    ///
    /// Returns an error if a duration is out of bounds.
    pub(super) fn new(past: Duration, future: Duration) -> Result<Self, ConfigError> {
        let wrong = |problem| Err(ConfigError::Dpop { problem });
        if !(1..=300).contains(&past.as_secs()) {
            return wrong("window: the maximum age of a proof must be 1 s to 300 s");
        }
        if future > Duration::from_secs(60) {
            return wrong("window: `iat` may be at most 60 s in the future");
        }
        Ok(Self {
            past: past.as_secs(),
            future: future.as_secs(),
        })
    }

    /// Returns how many seconds pass between the first and the last second in which a proof is accepted.
    pub(super) fn length(self) -> u64 {
        self.past + self.future
    }

    /// Returns the last second in which a proof with this `iat` is accepted.
    pub(super) fn end(self, iat: u64) -> u64 {
        iat.saturating_add(self.past)
    }

    pub(super) fn check_iat(self, iat: u64, now: u64) -> Result<(), ProofError> {
        if now.saturating_sub(iat) > self.past {
            return Err(ProofError::TooOld { seconds: now - iat });
        }
        if iat.saturating_sub(now) > self.future {
            return Err(ProofError::InFuture { seconds: iat - now });
        }
        Ok(())
    }

    /// Checks `exp` and `nbf`, which a proof may leave out (RFC 7519 §4.1.4 and §4.1.5).
    pub(super) fn check_own_dates(
        self,
        exp: Option<u64>,
        nbf: Option<u64>,
        now: u64,
    ) -> Result<(), ProofError> {
        if exp.is_some_and(|exp| exp <= now) {
            return Err(ProofError::Claim { claim: "exp" });
        }
        if nbf.is_some_and(|nbf| nbf > now.saturating_add(self.future)) {
            return Err(ProofError::Claim { claim: "nbf" });
        }
        Ok(())
    }
}

/// The defaults of [`DpopSettings::window`](super::DpopSettings::window).
pub(super) const DEFAULT_PAST: Duration = Duration::from_secs(60);
pub(super) const DEFAULT_FUTURE: Duration = Duration::from_secs(30);
