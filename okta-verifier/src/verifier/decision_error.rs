//! [`DecisionError`]: why a decision ended without an accepted token, and the issuer whose settings decided.

use std::sync::Arc;

use super::active_issuer::ActiveIssuer;
use crate::{error::VerifyError, stats::IssuerCounters};

/// Why a decision ended without an accepted token.
#[derive(Debug)]
pub(super) struct DecisionError {
    pub(super) error: VerifyError,
    /// The issuer that decided, or the pattern of the issuer resolver. `None` if neither was selected.
    pub(super) issuer: Option<Arc<IssuerCounters>>,
}

impl DecisionError {
    /// Returns an error about a token that selected this issuer.
    #[cold]
    pub(super) fn of(error: VerifyError, issuer: &ActiveIssuer) -> Self {
        Self {
            error,
            issuer: Some(issuer.origin.counters.clone()),
        }
    }
}

/// An error before an issuer was selected.
impl From<VerifyError> for DecisionError {
    #[cold]
    fn from(error: VerifyError) -> Self {
        Self {
            error,
            issuer: None,
        }
    }
}
