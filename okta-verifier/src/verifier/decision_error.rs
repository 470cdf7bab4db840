//! [`DecisionError`]: why a decision ended without an accepted token, and what its rejection says in the log.

use std::sync::Arc;

use super::active_issuer::ActiveIssuer;
use crate::{
    error::VerifyError,
    http::logs_rejections,
    stats::IssuerCounters,
    token::{
        jws::{self, Typ},
        logged_claims::LoggedClaims,
    },
    verified_token::VerifiedToken,
};

/// Why a decision ended without an accepted token.
pub(super) struct DecisionError {
    pub(super) error: VerifyError,
    /// The issuer that decided, or the pattern of the issuer resolver. `None` if neither was selected.
    pub(super) issuer: Option<Arc<IssuerCounters>>,
    /// `None` before the signature was verified, and if the rejection is not logged.
    pub(super) claims: Option<Box<LoggedClaims>>,
}

// `#[cold]`: an accepted token has no error.
impl DecisionError {
    /// Returns an error about a token that selected this issuer.
    #[cold]
    pub(super) fn of(error: VerifyError, issuer: &ActiveIssuer) -> Self {
        Self {
            error,
            issuer: Some(issuer.origin.counters.clone()),
            claims: None,
        }
    }

    /// Returns an error about a verified token.
    #[cold]
    pub(super) fn of_token(error: VerifyError, token: &VerifiedToken) -> Self {
        let issuer = Some(token.counters().clone());
        let claims = None;
        Self {
            error,
            issuer,
            claims,
        }
        .with_token(token)
    }

    /// Adds what the log may show of a verified token.
    #[cold]
    pub(super) fn with_token(self, token: &VerifiedToken) -> Self {
        let claims = token.logged_claims().map(Box::new);
        Self { claims, ..self }
    }

    /// Adds the audiences of a verified token, beside the only one that the route accepts.
    #[cold]
    pub(super) fn with_audiences(self, token: &VerifiedToken, accepted: &str) -> Self {
        let claims = token.logged_audiences(accepted).map(Box::new);
        Self { claims, ..self }
    }

    /// Adds the claims that may be logged, for a token that this issuer has signed. `typ` is the one in its header.
    #[cold]
    pub(super) fn with_signed(
        mut self,
        token: &[u8],
        typ: Option<Typ>,
        issuer: &ActiveIssuer,
    ) -> Self {
        if !logs_rejections() {
            return self;
        }
        let origin = &issuer.origin;
        if let Some(payload) = jws::payload(token) {
            let claims = LoggedClaims::read(&payload, &origin.challenges.logged_claims);
            let claims = match (&self.error, typ) {
                (VerifyError::WrongAudience, Some(_)) => {
                    let accepted = origin.expected.audiences.iter().map(String::as_str);
                    claims.audience(&payload, accepted)
                }
                (VerifyError::ClientNotAllowed, Some(typ)) => {
                    claims.client(&payload, typ, &origin.expected)
                }
                _ => claims,
            };
            self.claims = Some(Box::new(claims));
        }
        self
    }
}

/// An error before an issuer was selected.
impl From<VerifyError> for DecisionError {
    #[cold]
    fn from(error: VerifyError) -> Self {
        Self {
            error,
            issuer: None,
            claims: None,
        }
    }
}
