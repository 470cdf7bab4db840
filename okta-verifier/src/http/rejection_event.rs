//! The event about a rejection. Each rejected request leaves exactly one, because each constructor of
//! [`Rejection`] logs, and the rejection is then passed on.

use std::fmt;

use tracing::Level;

use super::Rejection;
use crate::{error::VerifyError, token::logged_claims::LoggedClaims};

/// The target of the events, so that one setting shows every rejection and nothing else.
const TARGET: &str = "okta_verifier::rejected";

/// Returns whether the event about a rejection is logged. Values for it are computed only then.
pub(crate) fn logs_rejections() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

impl Rejection {
    /// Logs the rejection. Only its constructors call this method.
    ///
    /// Apart from `claims`, the event has only codes, names of claims and configured texts. `reason` must not
    /// contain a value of a claim.
    pub(super) fn log(
        &self,
        reason_code: Option<&'static str>,
        reason: &dyn fmt::Display,
        claims: Option<&LoggedClaims>,
    ) {
        let error = self.error();
        let audiences = claims.and_then(|claims| claims.audiences.as_ref());
        tracing::debug!(
            target: TARGET,
            code = self.code(),
            reason_code,
            status = self.status().as_u16(),
            issuer = self.issuer(),
            policy = self.unmet_policy().map(display),
            claim = error.and_then(VerifyError::claim),
            aud = audiences.map(|(aud, _)| display(aud)),
            accepted_aud = audiences.map(|(_, accepted)| display(accepted)),
            client_id = claims.and_then(|claims| claims.client_id.as_ref()).map(display),
            claims = claims.and_then(|claims| claims.claims.as_ref()).map(display),
            %reason,
            "request rejected"
        );
    }
}

/// The reason in the log: the text of the error, without the times that a claim of the token determines.
/// For an error that is not the token's, it is the text of its cause.
pub(super) struct Reason<'e>(pub(super) &'e VerifyError);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            VerifyError::Expired { .. } => f.write_str("the token has expired"),
            VerifyError::NotYetValid { .. } => f.write_str("the token is not valid yet"),
            VerifyError::IssuedInFuture { .. } => f.write_str("the token was issued in the future"),
            VerifyError::Unavailable { source, .. } => source.fmt(f),
            error => error.fmt(f),
        }
    }
}
