//! [`Doubt`]: what happens to tokens while rules may be missing.

use std::time::Duration;

use tokio::time::Instant;

use crate::{error::UnavailableReason, revocation::currency::Overdue, sync::clock::Now};

/// What happens to a token that no known rule matches while rules may be missing: because the shared
/// [`RevocationLog`](super::RevocationLog) has not been read for longer than
/// [`max_lag`](crate::revocation::RevocationsBuilder::max_lag), or because a stream of security events is degraded and
/// [`doubt_when_degraded`](crate::revocation::Transmitter::doubt_when_degraded) is set. A token that a known rule matches
/// is rejected with 401 as ever.
///
/// ```
/// # use okta_verifier_testing::{MemoryRevocationLog, TestIssuer};
/// use okta_verifier::{Verifier, revocation::{Doubt, Revocations}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = || okta.issuer().any_client_id();
/// let jwt = okta.token("ada").sign();
/// let log = MemoryRevocationLog::new();
/// let revocations = Revocations::builder().log(log.clone()).in_doubt(Doubt::Reject).build()?;
/// let verifier = Verifier::builder().issuer(issuer()).revocations(revocations).build()?;
/// assert!(verifier.verify(&jwt).await.is_ok());
///
/// // A new instance that cannot read the log does not know what was revoked.
/// log.fail(true);
/// let revocations = Revocations::builder().log(log).in_doubt(Doubt::Reject).build()?;
/// let verifier = Verifier::builder().issuer(issuer()).revocations(revocations).build()?;
/// assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "unavailable"); // 503
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// The token is introspected at its issuer (RFC 7662), and accepted if a response that was requested after the
    /// doubt began reports it as active. Otherwise, and if the issuer has no
    /// [`introspection`](crate::Issuer::introspection), the request is rejected with 503. This is the default.
    #[default]
    AskIssuer,
    /// The request is rejected with 503.
    Reject,
    /// The token is accepted until this time after the doubt began, and the request is rejected with 503 afterwards.
    /// A token that was revoked in this time is accepted.
    AcceptFor(Duration),
}

/// A moment in which rules may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InDoubt {
    pub(in crate::revocation) doubt: Doubt,
    pub(in crate::revocation) overdue: Overdue,
    /// Whether the first load of the log may end within a moment.
    pub(in crate::revocation) is_loading: bool,
    /// Whether the log is not current. Otherwise a stream of security events is degraded.
    pub(in crate::revocation) is_about_log: bool,
}

impl InDoubt {
    /// Returns whether a token is accepted although rules may be missing.
    pub(crate) fn accepts(&self) -> bool {
        matches!(self.doubt, Doubt::AcceptFor(time) if self.overdue.at_most < time)
    }

    /// Returns whether the issuer decides.
    pub(crate) fn asks_issuer(&self) -> bool {
        self.doubt == Doubt::AskIssuer
    }

    /// Returns whether the request should wait for the first load.
    pub(crate) fn is_loading(&self) -> bool {
        self.is_loading
    }

    /// Returns why a request with the token is rejected.
    pub(crate) fn reason(&self) -> UnavailableReason {
        match self.is_about_log {
            true => UnavailableReason::RevocationLog,
            false => UnavailableReason::EventStream,
        }
    }

    /// Returns a moment at which the doubt had begun. `now` is the time at which the doubt was found.
    pub(crate) fn began_before(&self, now: Now) -> Instant {
        let began = now.instant.checked_sub(self.overdue.at_least);
        began.unwrap_or(now.instant)
    }
}
