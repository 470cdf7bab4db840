//! The decision about one request: which checks are made, and in which order.
//!
//! The checks do not wait or perform I/O. If a check needs a key, an introspection response or a result of
//! the replay store, it returns a [`Step`] that says so. [`Authentication`](super::Authentication) obtains
//! the missing input and continues from there. Nothing is parsed or verified twice, unless the decision
//! begins again.

mod basis;
mod doubt;
mod unverified;

use std::{sync::Arc, time::Duration};

pub(crate) use self::basis::Verification;
#[cfg(feature = "explain")]
pub(super) use self::unverified::is_signed_with;
pub(super) use self::{basis::Basis, unverified::Unverified};
use self::{
    doubt::{rules_unavailable, unresolved_doubt},
    unverified::Parsed,
};
use super::{
    ActiveIssuer, Verifier,
    decision_error::DecisionError,
    mount::MountSettings,
    sender_constraint::SenderConstraint,
    token_cache::{Digest, Entry},
};
use crate::{
    dpop::AcceptedProof,
    error::{MalformedTokenError, UnavailableReason, VerifyError},
    http::{Scheme, Shown, is_b64token},
    introspection::{IntrospectionReason, IntrospectionResponse, Introspector, RequiredResponse},
    keys::Key,
    revocation::{InDoubt, SharedLog},
    sync::clock::Now,
    token::{
        checks,
        jws::{self, Jws},
    },
    verified_token::{Evidence, VerifiedToken},
};

/// The decision about one request.
#[derive(Clone, Copy)]
pub(super) struct RequestDecision<'r> {
    pub(super) verifier: &'r Verifier,
    pub(super) request: TokenRequest<'r>,
    /// When the request arrived.
    pub(super) arrived: Now,
    /// The key of the token's cache entry, or `None` if the token cannot be cached.
    pub(super) digest: Option<Digest>,
}

/// The parts of a request that the decision needs.
#[derive(Clone, Copy)]
pub(super) struct TokenRequest<'r> {
    pub(super) token: &'r [u8],
    /// The route's maximum age of an introspection response, or `None` if only the settings limit it.
    pub(super) max_age: Option<Duration>,
    /// What the layer requires beyond a verified token, or `None` if it requires nothing.
    pub(super) mount: Option<&'r Arc<MountSettings>>,
    /// Whether the expiry is checked last, by [`Verifier::conclude`]. A token that is rejected as expired then has no
    /// other defect.
    pub(super) may_be_expired: bool,
    /// The evidence that the sender may use the token. `None` if the token was not sent with a request.
    pub(super) sender: Option<Sender<'r>>,
}

/// The evidence in a request that its sender may use the token.
#[derive(Clone, Copy)]
pub(super) struct Sender<'r> {
    pub(super) scheme: Scheme,
    pub(super) shown: &'r Shown<'r>,
}

/// The next step of a decision.
pub(super) enum Step {
    Accepted(VerifiedToken),
    /// The issuer resolver must be called for this unverified `iss`.
    ResolveIssuer(Box<str>),
    /// The keys must be fetched.
    FetchKeys(Unverified),
    /// The token must be introspected.
    Introspect(Introspection),
    /// Rules may be missing, and the decision begins again: after the first load of the shared log, or at once if the
    /// doubt began while the request waited for an introspection response.
    ResolveDoubt(Option<Arc<SharedLog>>),
    /// The token is valid, and the remote replay store has to accept the proof.
    UseProof(PendingUse),
    /// The settings of the token's issuer were replaced, so the decision begins again with the new
    /// settings.
    Restart,
}

/// A token that must be introspected.
pub(super) struct Introspection {
    introspector: Arc<Introspector>,
    reason: IntrospectionReason,
    pub(super) issuer: Arc<ActiveIssuer>,
    /// The token, if local checks accepted it.
    verified: Option<(VerifiedToken, Basis)>,
    /// The audiences of an unverified JWT, which the response cannot widen. `None` if the token has no `aud`
    /// that can be read.
    audiences: Option<u64>,
    /// Whether the token is introspected only because revocation rules may be missing.
    is_doubted: bool,
}

/// A valid token and its proof. The replay store has not recorded the proof yet.
pub(super) struct PendingUse {
    pub(super) token: VerifiedToken,
    pub(super) proof: AcceptedProof,
    basis: Basis,
    /// When the introspection response was requested, if there is one, and when the request arrived.
    introspected: Option<Now>,
    arrived: Now,
    pub(super) may_be_expired: bool,
}

// `#[inline]` marks the functions that every cache hit calls. Without the attribute, the compiler does not
// inline most of these functions, because they are in several modules.
impl<'r> RequestDecision<'r> {
    #[inline]
    pub(super) fn new(verifier: &'r Verifier, request: TokenRequest<'r>, arrived: Now) -> Self {
        let cache = verifier.0.cache.as_ref();
        Self {
            verifier,
            request,
            arrived,
            digest: cache.and_then(|cache| cache.digest(request.token)),
        }
    }

    /// Begins the decision with the token's cache entry, or without it if the token is not cached.
    #[inline]
    pub(super) fn begin(&self) -> Result<Step, DecisionError> {
        match self.find_cached() {
            Some(cached) => self.begin_cached(cached?),
            None => self.begin_new(self.arrived),
        }
    }

    /// Returns the cache entry of a token that is still valid: the issuer's settings have not been
    /// replaced, the key is still trusted, and the dates are valid now. Returns an error if a cached token
    /// is rejected, and `None` if the token must be verified.
    pub(super) fn find_cached(&self) -> Option<Result<Arc<Entry<Verification>>, DecisionError>> {
        let now = self.arrived;
        let (cache, digest) = (self.verifier.0.cache.as_ref()?, self.digest?);
        let entry = cache.find(digest, now)?;
        let Verification { issuer, key } = &entry.verification;
        // Replaced settings and withdrawn keys are marked as retired. A cached token is therefore rejected
        // at once, even if its entry has not been evicted yet.
        let trusted = match self.verifier.is_in_use(issuer, now) {
            false => false,
            true => match issuer.keys.trusts(key, now)? {
                Ok(trusted) => trusted,
                Err(unavailable) => {
                    return Some(Err(
                        DecisionError::of(unavailable, issuer).with_token(&entry.token)
                    ));
                }
            },
        };
        if !trusted {
            cache.evict(digest);
            return None;
        }
        if let Err(error) = entry.token.check_dates(now.unix) {
            cache.evict(digest);
            if self.request.may_be_expired {
                return None;
            }
            return Some(Err(
                DecisionError::of(error, issuer).with_token(&entry.token)
            ));
        }
        Some(Ok(entry))
    }

    #[inline]
    pub(super) fn begin_cached(
        &self,
        entry: Arc<Entry<Verification>>,
    ) -> Result<Step, DecisionError> {
        let token = entry.token.clone();
        self.confirm(token, Basis::Cached(entry), self.arrived)
    }

    /// Begins the decision about a token that is not in the cache. Malformed tokens and tokens of unknown
    /// issuers are rejected before any cryptography.
    pub(super) fn begin_new(&self, now: Now) -> Result<Step, DecisionError> {
        let inner = &*self.verifier.0;
        if let Some(revocations) = &inner.revocations {
            revocations.begin_work();
        }
        match Jws::parse(self.request.token, inner.max_token_size) {
            Ok(jws) => match Parsed::new(jws, self, now)? {
                Parsed::Unverified(unverified, found) => {
                    self.check_signature(unverified, found, now)
                }
                Parsed::UnknownIssuer(iss) => Ok(Step::ResolveIssuer(iss)),
            },
            Err(error) => self.begin_unsigned(error, now),
        }
    }

    /// Introspects a token that is not a signed JWT. Returns `error` if no issuer introspects such tokens.
    fn begin_unsigned(&self, error: VerifyError, now: Now) -> Result<Step, DecisionError> {
        let Some(reason) = reason_of_unsigned(self.request.token, &error) else {
            return Err(error.into());
        };
        let issuers = self.verifier.0.issuers.load();
        let introspection = issuers
            .introspecting(reason)
            .and_then(|issuer| Introspection::of_unverified(reason, issuer))
            .ok_or(error)?;
        self.find_response(introspection, now)
    }

    /// Verifies the signature, and then the claims. `found` is the result of the look-up of the key, or `None` if
    /// the keys must be fetched first.
    pub(super) fn check_signature(
        &self,
        mut unverified: Unverified,
        mut found: Option<Result<Arc<Key>, VerifyError>>,
        now: Now,
    ) -> Result<Step, DecisionError> {
        // A token without `kid` may be signed with the successor of the only key, so a second key is tried.
        let unavailable = loop {
            match found {
                Some(Ok(key)) => {
                    if unverified.is_signed_with(&key, self.request.token) {
                        return self.check_claims(unverified, key, now);
                    }
                    if unverified.header.kid.is_some() || unverified.tried.is_some() {
                        return Err(unverified.error(VerifyError::BadSignature));
                    }
                    unverified.tried = Some(key);
                }
                Some(Err(
                    error @ (VerifyError::UnknownKeyId | VerifyError::Unavailable { .. }),
                )) => break Some(error),
                Some(Err(error)) => return Err(unverified.error(error)),
                None => break None,
            }
            found = unverified.find_key(self.arrived, now);
        };
        let reason = IntrospectionReason::UnknownKey;
        if let Ok(token) = &unverified.claims
            && let Some(introspection) = Introspection::of_unverified(reason, &unverified.issuer)
        {
            let introspection = Introspection {
                audiences: token.own_audiences(),
                ..introspection
            };
            // If the introspection response is cached, no key is needed.
            if let Some(response) = introspection.find(self, now) {
                return self.apply(introspection, &response, now);
            }
            // A token is not introspected if its own claims would reject it, or if it has `cnf`: the
            // response may leave `cnf` out, and the token would then be treated as unbound. The same applies
            // to a token that leaves its audience to the response: without a signature, nothing shows that
            // the token is for this API.
            let acceptable = !unverified.has_confirmation
                && unverified.is_acceptable(now)
                && !unverified.is_lightweight();
            if acceptable && matches!(unavailable, Some(VerifyError::UnknownKeyId)) {
                return Ok(Step::Introspect(introspection));
            }
        }
        match unavailable {
            Some(error) => Err(unverified.error(error)),
            None => Ok(Step::FetchKeys(unverified)),
        }
    }

    /// Checks the claims of a token that `key` has signed, and caches an accepted token.
    fn check_claims(
        &self,
        unverified: Unverified,
        key: Arc<Key>,
        now: Now,
    ) -> Result<Step, DecisionError> {
        let issuer = unverified.issuer;
        if issuer.is_retired() {
            return Ok(Step::Restart);
        }
        let verification = Verification { issuer, key };
        let basis = Basis::Verified(verification.clone());
        let typ = unverified.header.typ;
        let leeway = verification.issuer.origin.expected.leeway;
        let dates = unverified.dates;
        let mut is_expired = false;
        let token = basis
            .check_key()
            .and_then(|()| match checks::check_dates(dates, leeway, now.unix) {
                Err(VerifyError::Expired { .. }) if self.request.may_be_expired => {
                    is_expired = true;
                    checks::check_beginning(dates, leeway, now.unix)
                }
                checked => checked,
            })
            .and(unverified.claims)
            .map_err(|error| {
                basis
                    .error(error)
                    .with_signed(self.request.token, Some(typ), basis.issuer())
            })?;
        let evidence = Evidence::Key(verification.key.retirement.clone());
        let token = token.with_evidence(evidence);
        if let (Some(cache), Some(digest)) = (&self.verifier.0.cache, self.digest)
            && !is_expired
        {
            cache.insert(digest, token.clone(), verification, now);
        }
        self.confirm(token, basis, now)
    }

    /// Introspects a locally verified token if the settings or the route require it.
    #[inline]
    fn confirm(&self, token: VerifiedToken, basis: Basis, now: Now) -> Result<Step, DecisionError> {
        let is_lightweight = token.is_lightweight();
        let expired = match self.request.may_be_expired {
            true => token.check_dates(now.unix).err(),
            false => None,
        };
        let required = match expired {
            None => basis
                .issuer()
                .must_introspect(self.request.max_age, is_lightweight),
            // Without the response, the claims of a lightweight token are not known.
            Some(expired) if is_lightweight => Err(expired),
            Some(_) => Ok(None),
        };
        match required {
            Ok(None) => self.confirm_unasked(token, basis, now),
            Ok(Some(introspector)) => {
                let introspector = introspector.clone();
                self.introspect(introspector, token, basis, now)
            }
            Err(error) => Err(basis.reject(error, &token)),
        }
    }

    /// Introspects a locally verified token. No request is sent about a token that is rejected anyway.
    fn introspect(
        &self,
        introspector: Arc<Introspector>,
        token: VerifiedToken,
        basis: Basis,
        now: Now,
    ) -> Result<Step, DecisionError> {
        // What rules say about a lightweight token is not known before the response.
        if !token.is_lightweight() {
            self.check_audience(&token, &basis)?;
            check_revocation(&token, &basis, now)?;
        }
        let introspection = Introspection {
            introspector,
            reason: IntrospectionReason::Accepted,
            issuer: basis.issuer().clone(),
            verified: Some((token, basis)),
            audiences: None,
            is_doubted: false,
        };
        self.find_response(introspection, now)
    }

    /// Continues without an introspection response about this request, for a token that need not be
    /// introspected, or that has expired and is therefore inactive.
    #[inline]
    fn confirm_unasked(
        &self,
        token: VerifiedToken,
        basis: Basis,
        now: Now,
    ) -> Result<Step, DecisionError> {
        if let Some(doubt) = token.doubt(now) {
            return self.confirm_in_doubt(token, basis, doubt, now);
        }
        self.confirm_known(token, basis, now)
    }

    /// Continues with a token that no introspection response is needed for.
    #[inline]
    fn confirm_known(
        &self,
        token: VerifiedToken,
        basis: Basis,
        now: Now,
    ) -> Result<Step, DecisionError> {
        // Introspection for another route may have reported the token as inactive.
        let introspector = basis.issuer().introspection.as_ref();
        if introspector.is_some_and(|it| it.reported_inactive(self.request.token, now)) {
            self.evict();
            if introspector.is_some_and(|it| it.has_accepted_any()) {
                token.revoke_inactive(now);
            }
            return Err(basis.reject(VerifyError::Inactive, &token));
        }
        self.check_sender(token, basis, None, now)
    }

    fn find_response(&self, introspection: Introspection, now: Now) -> Result<Step, DecisionError> {
        match introspection.find(self, now) {
            Some(response) => self.apply(introspection, &response, now),
            None => Ok(Step::Introspect(introspection)),
        }
    }

    /// Continues the decision with the introspection response.
    pub(super) fn apply(
        &self,
        introspection: Introspection,
        response: &IntrospectionResponse,
        now: Now,
    ) -> Result<Step, DecisionError> {
        let Introspection {
            introspector,
            reason,
            issuer,
            verified,
            audiences,
            is_doubted,
        } = introspection;
        if issuer.is_retired() {
            return Ok(Step::Restart);
        }
        if let Some((token, basis)) = verified {
            // In doubt, only an active response decides: the client must not discard a token because the log is down.
            if is_doubted
                && response.token(now).is_err()
                && let Some(doubt) = token.doubt(now)
            {
                return Err(basis.error(rules_unavailable(doubt)).with_token(&token));
            }
            // Its signature was verified, so the response is about this token and not about an invented one. The rule
            // holds longer than the response, and for every encoding of the token.
            if response.is_inactive() && introspector.has_accepted_any() {
                token.revoke_inactive(now);
            }
            let confirmed = basis
                .check_key()
                .and_then(|()| response.confirm(token, now));
            let token = confirmed.map_err(|error| {
                self.evict();
                basis
                    .error(error)
                    .with_signed(self.request.token, None, basis.issuer())
            })?;
            return self.check_sender(token, basis, Some(response.requested_at), now);
        }
        let basis = Basis::Introspection(issuer);
        // Every claim comes from the response. A server may find a token by its `jti` alone, so the claims of
        // an unverified token may have been edited.
        let token = response.token(now).and_then(|token| match audiences {
            Some(audiences) => token.within_audiences(audiences),
            None => Ok(token.clone()),
        });
        let token = token.map_err(|error| basis.error(error))?;
        // The signature was not verified, so the absence of `cnf` in the token cannot be trusted. If the
        // verifier accepts bound tokens, the response must have a `cnf`.
        if reason == IntrospectionReason::UnknownKey
            && token.confirmation().is_none()
            && self.sender_constraint().accepts_bound_tokens()
        {
            return Err(basis.reject(VerifyError::BindingUnchecked, &token));
        }
        self.check_sender(token, basis, Some(response.requested_at), now)
    }

    /// Checks that the sender of the request may use the token, cached or not. `introspected` is when the introspection
    /// response was requested, if there is one.
    #[inline]
    fn check_sender(
        &self,
        token: VerifiedToken,
        basis: Basis,
        introspected: Option<Now>,
        now: Now,
    ) -> Result<Step, DecisionError> {
        self.check_audience(&token, &basis)?;
        // A doubt about a token without a response has been decided before.
        let doubt =
            introspected.and_then(|it| unresolved_doubt(&token, Some(it), self.arrived, now));
        check_revocation(&token, &basis, now)?;
        if let Some(doubt) = doubt {
            let rules = token.revocations();
            // A response to another introspection request would be new enough.
            let is_new = rules.is_some_and(|rules| rules.doubt_began_after(self.arrived, now));
            return match doubt.is_loading() || is_new {
                true => Ok(Step::ResolveDoubt(
                    rules.and_then(|rules| rules.log()).cloned(),
                )),
                false => Err(basis.error(rules_unavailable(doubt)).with_token(&token)),
            };
        }
        // Without a request there is no proof and no certificate, so a binding cannot be checked.
        let Some(sender) = self.request.sender else {
            return match token.confirmation() {
                Some(_) => Err(basis.reject(VerifyError::BindingUnchecked, &token)),
                None if token.requires_dpop() => {
                    Err(basis.reject(VerifyError::BindingRequired, &token))
                }
                None => Ok(Step::Accepted(token)),
            };
        };
        let constraint = self.sender_constraint();
        let checked = constraint.check(&token, self.request.token, sender, now);
        let Some(proof) = checked.map_err(|error| basis.reject(error, &token))? else {
            return Ok(Step::Accepted(token));
        };
        // The proof is recorded last, so that a request that another check rejects does not use it up.
        match constraint.use_proof_here(&proof, &token, now) {
            Some(Ok(())) => Ok(Step::Accepted(token)),
            Some(Err(error)) => Err(basis.reject(error, &token)),
            None => Ok(Step::UseProof(PendingUse {
                token,
                proof,
                basis,
                introspected,
                arrived: self.arrived,
                may_be_expired: self.request.may_be_expired,
            })),
        }
    }

    /// Checks that the token is for the only audience that the route accepts, if there is one.
    #[inline]
    fn check_audience(&self, token: &VerifiedToken, basis: &Basis) -> Result<(), DecisionError> {
        match self.request.mount.and_then(|mount| mount.audience()) {
            Some(audience) if !token.has_audience(audience) => Err(basis
                .error(VerifyError::WrongAudience)
                .with_audiences(token, audience)),
            _ => Ok(()),
        }
    }

    fn sender_constraint(&self) -> &SenderConstraint {
        &self.verifier.0.sender_constraint
    }

    /// Removes the token from the cache.
    fn evict(&self) {
        if let (Some(cache), Some(digest)) = (&self.verifier.0.cache, self.digest) {
            cache.evict(digest);
        }
    }
}

impl Introspection {
    /// Returns the introspection of a token that was not verified, or `None` if the issuer does not
    /// introspect tokens for this reason.
    fn of_unverified(reason: IntrospectionReason, issuer: &Arc<ActiveIssuer>) -> Option<Self> {
        Some(Self {
            introspector: issuer.introspector_for(reason)?.clone(),
            reason,
            issuer: issuer.clone(),
            verified: None,
            audiences: None,
            is_doubted: false,
        })
    }

    fn find(&self, decision: &RequestDecision<'_>, now: Now) -> Option<Arc<IntrospectionResponse>> {
        let (token, required) = (decision.request.token, self.required(decision, now));
        self.introspector.find(token, required, now)
    }

    /// Sends an introspection request, or waits for the request in flight about this token.
    pub(super) async fn fetch(
        &self,
        decision: &RequestDecision<'_>,
    ) -> Result<Arc<IntrospectionResponse>, DecisionError> {
        let required = self.required(decision, Now::read());
        let token = decision.request.token;
        let response = self.introspector.introspect(token, required).await;
        response.map_err(|error| DecisionError::of(error, &self.issuer))
    }

    fn required(&self, decision: &RequestDecision<'_>, now: Now) -> RequiredResponse<'_> {
        let rules = self.issuer.origin.revocations.as_ref();
        let doubt = rules.and_then(|rules| rules.doubt(now));
        let doubt = doubt.filter(InDoubt::asks_issuer);
        RequiredResponse {
            reason: self.reason,
            verified: self.verified.as_ref().map(|(token, _)| token),
            max_age: decision.request.max_age,
            newer_than: doubt.map(|doubt| doubt.began_before(now)),
            arrived: decision.arrived,
        }
    }
}

impl PendingUse {
    /// Ends the decision after the remote replay store has accepted the proof.
    pub(super) fn finish(
        self,
        verifier: &Verifier,
        now: Now,
    ) -> Result<VerifiedToken, DecisionError> {
        match self.check(verifier, now) {
            Ok(()) => Ok(self.token),
            Err(error) => Err(self.error(error)),
        }
    }

    fn check(&self, verifier: &Verifier, now: Now) -> Result<(), VerifyError> {
        self.basis.check_key()?;
        let issuer = self.basis.issuer();
        if issuer.is_retired() {
            // The proof was used, so the decision cannot begin again. If the issuer is still configured or
            // may be resolved, the client can retry with a new proof, and the new settings decide.
            verifier.check_url(issuer.url(), now)?;
            return Err(unavailable_now());
        }
        let doubt = unresolved_doubt(&self.token, self.introspected, self.arrived, now);
        self.token.check_revocation(now.unix)?;
        if let Some(doubt) = doubt {
            return Err(rules_unavailable(doubt));
        }
        match self.token.check_dates(now.unix) {
            Err(VerifyError::Expired { .. }) if self.may_be_expired => Ok(()),
            checked => checked,
        }
    }

    pub(super) fn error(&self, error: VerifyError) -> DecisionError {
        self.basis.reject(error, &self.token)
    }
}

/// Checks that no revocation rule matches the token.
#[inline]
fn check_revocation(token: &VerifiedToken, basis: &Basis, now: Now) -> Result<(), DecisionError> {
    token
        .check_revocation(now.unix)
        .map_err(|error| basis.reject(error, token))
}

/// Returns why a token that is not a signed JWT may be introspected, or `None` if it must not be. A malformed
/// text of three or five parts is never sent to an issuer, because it is a malformed JWT.
pub(super) fn reason_of_unsigned(token: &[u8], error: &VerifyError) -> Option<IntrospectionReason> {
    match error {
        VerifyError::Encrypted if jws::is_jwe(token) => Some(IntrospectionReason::Encrypted),
        VerifyError::Malformed(MalformedTokenError::Parts | MalformedTokenError::Alphabet)
            if !matches!(jws::parts(token), 3 | 5) && is_b64token(token) =>
        {
            Some(IntrospectionReason::Opaque)
        }
        _ => None,
    }
}

/// Returns the error for a request that the client can repeat at once.
pub(super) fn unavailable_now() -> VerifyError {
    VerifyError::unavailable(Duration::ZERO, UnavailableReason::Abandoned)
}
