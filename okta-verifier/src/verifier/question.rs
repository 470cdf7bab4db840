//! What the issuer must be asked about, and what is made of its answer.

use std::sync::Arc;

use super::{
    Tenant, Verifier,
    judge::{Asked, Opened},
};
use crate::{
    error::{MalformedToken, VerifyError},
    http::is_b64token,
    introspection::{Checked, Introspector, Question},
    sync::clock::Now,
    token::jws,
    verified_token::VerifiedToken,
    verifier::token_cache::Digest,
};

impl Verifier {
    /// Who can read a token that is no JWT to us; else `error` stands. Three parts are a JWT,
    /// and never asked about because they do not parse.
    pub(super) fn reader(
        &self,
        token: &[u8],
        error: VerifyError,
    ) -> Result<(Arc<Introspector>, Question), VerifyError> {
        let question = match error {
            VerifyError::Encrypted if jws::is_jwe(token) => Question::Encrypted,
            VerifyError::Malformed(MalformedToken::Parts | MalformedToken::Alphabet)
                if !matches!(jws::parts(token), 3 | 5) && is_b64token(token) =>
            {
                Question::Opaque
            }
            error => return Err(error),
        };
        let tenants = self.0.tenants.load();
        let introspector = tenants.asks(question).cloned();
        introspector.map(|it| (it, question)).ok_or(error)
    }

    /// A token that local checks accepted: it is, unless settings or route want the issuer asked.
    pub(super) fn settle_now(
        &self,
        tenant: &Tenant,
        token: VerifiedToken,
        asked: Asked<'_>,
        digest: Option<Digest>,
    ) -> Result<Option<VerifiedToken>, VerifyError> {
        let Some(introspector) = tenant.must_ask(asked.max_age)? else {
            self.heed(tenant, asked.token, digest, asked.arrived)?;
            return Ok(Some(token));
        };
        match introspector.find(asked.token, asked.want(Question::Accepted, Some(&token))) {
            None => Ok(None),
            Some(checked) => self
                .confirm(&checked, token, digest, asked.arrived)
                .map(Some),
        }
    }

    pub(super) async fn settle(
        &self,
        tenant: &Tenant,
        token: VerifiedToken,
        asked: Asked<'_>,
        digest: Option<Digest>,
    ) -> Result<VerifiedToken, VerifyError> {
        let Some(introspector) = tenant.must_ask(asked.max_age)? else {
            self.heed(tenant, asked.token, digest, Now::read())?;
            return Ok(token);
        };
        let checked = introspector
            .ask(asked.token, asked.want(Question::Accepted, Some(&token)))
            .await?;
        self.confirm(&checked, token, digest, Now::read())
    }

    /// Nobody need ask now. But where another route has, and the issuer said no, this one does not
    /// accept what is known to be revoked.
    fn heed(
        &self,
        tenant: &Tenant,
        token: &[u8],
        digest: Option<Digest>,
        now: Now,
    ) -> Result<(), VerifyError> {
        let introspection = tenant.introspection.as_ref();
        if !introspection.is_some_and(|introspector| introspector.forbids(token, now)) {
            return Ok(());
        }
        self.forget(digest);
        Err(VerifyError::Inactive)
    }

    /// What the issuer refuses is not remembered as accepted.
    fn confirm(
        &self,
        checked: &Checked,
        token: VerifiedToken,
        digest: Option<Digest>,
        now: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let confirmed = checked.confirm(token, now);
        if confirmed.is_err() {
            self.forget(digest);
        }
        confirmed
    }

    /// Accepts the answer about a token whose key is unknown. The token's own `cnf` cannot be
    /// believed, absent or not: if the verifier accepts bound tokens, the answer has to say what this
    /// one is bound to.
    pub(super) fn accept_answer(
        &self,
        answered: &VerifiedToken,
    ) -> Result<VerifiedToken, VerifyError> {
        if answered.confirmation().is_none() && self.0.binding.accepts_bound_tokens() {
            return Err(VerifyError::BindingUnchecked);
        }
        Ok(answered.clone())
    }

    fn forget(&self, digest: Option<Digest>) {
        if let (Some(cache), Some(digest)) = (&self.0.cache, digest) {
            cache.forget(digest);
        }
    }
}

impl Opened<'_> {
    /// Returns the introspector for a token whose key the issuer does not publish.
    ///
    /// # Errors
    ///
    /// Such tokens are not introspected; or the token says that it is bound, or that it is not for
    /// this API. An answer must not make a token valid that excludes itself, and it may leave out
    /// what a token is bound to.
    pub(super) fn must_ask(&self, now: Now) -> Result<Arc<Introspector>, VerifyError> {
        let acceptable = !self.claims.contains("cnf") && self.is_acceptable(now);
        match self.tenant.asks(Question::UnknownKey) {
            Some(introspector) if acceptable => Ok(introspector.clone()),
            _ => Err(VerifyError::UnknownKeyId),
        }
    }
}

/// What a remembered answer says now.
pub(super) fn answered(
    checked: Option<Arc<Checked>>,
    now: Now,
) -> Result<Option<VerifiedToken>, VerifyError> {
    checked
        .map(|checked| checked.token(now).cloned())
        .transpose()
}
