//! The decision while revocation rules may be missing, because the shared log was not read in time or because a stream
//! of security events is degraded.

use std::time::Duration;

use super::{Basis, Introspection, RequestDecision, Step, check_revocation};
use crate::{
    error::VerifyError, introspection::IntrospectionReason, revocation::InDoubt, sync::clock::Now,
    verified_token::VerifiedToken, verifier::decision_error::DecisionError,
};

impl RequestDecision<'_> {
    /// Continues with a token that no introspection response is needed for while revocation rules may be missing. A
    /// token that a known rule matches is rejected as ever.
    #[cold]
    pub(super) fn confirm_in_doubt(
        &self,
        token: VerifiedToken,
        basis: Basis,
        doubt: InDoubt,
        now: Now,
    ) -> Result<Step, DecisionError> {
        self.check_audience(&token, &basis)?;
        check_revocation(&token, &basis, now)?;
        if doubt.is_loading()
            && let Some(log) = token.revocations().and_then(|rules| rules.log())
        {
            return Ok(Step::ResolveDoubt(Some(log.clone())));
        }
        if doubt.accepts() {
            return self.confirm_known(token, basis, now);
        }
        let is_expired = token.check_dates(now.unix).is_err();
        let introspector = basis.issuer().introspection.as_ref();
        match introspector.filter(|_| doubt.asks_issuer() && !is_expired) {
            Some(introspector) => {
                let introspection = Introspection {
                    introspector: introspector.clone(),
                    reason: IntrospectionReason::Accepted,
                    issuer: basis.issuer().clone(),
                    verified: Some((token, basis)),
                    audiences: None,
                    is_doubted: true,
                };
                self.find_response(introspection, now)
            }
            None => Err(basis.error(rules_unavailable(doubt)).with_token(&token)),
        }
    }
}

/// Returns the doubt if revocation rules may be missing, unless the introspection response is newer than the doubt or the
/// settings accept the token in spite of it. Called before [`check_revocation`], whose error comes first.
pub(super) fn unresolved_doubt(
    token: &VerifiedToken,
    introspected: Option<Now>,
    arrived: Now,
    now: Now,
) -> Option<InDoubt> {
    let rules = token.revocations()?;
    let doubt = rules.doubt(now)?;
    let is_newer = |requested| rules.is_newer(doubt, requested, arrived, now);
    let is_resolved = doubt.accepts() || doubt.asks_issuer() && introspected.is_some_and(is_newer);
    (!is_resolved).then_some(doubt)
}

/// Returns the error for a token that a revocation rule may reject which is not known here.
pub(super) fn rules_unavailable(doubt: InDoubt) -> VerifyError {
    VerifyError::unavailable(RETRY_IN_DOUBT, doubt.reason())
}

/// The reader of the shared log recovers within a second or two.
const RETRY_IN_DOUBT: Duration = Duration::from_secs(2);
