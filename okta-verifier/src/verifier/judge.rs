//! From a token to the verdict over it.

use std::{sync::Arc, time::Duration};

use super::{Tenant, Verifier, question::answered};
use crate::{
    error::VerifyError,
    introspection::{Question, Want},
    keys::{Key, Wanted},
    sync::clock::Now,
    token::{checks, claims::Claims, jws::Jws},
    verified_token::VerifiedToken,
    verifier::token_cache::{Digest, Entry},
};

/// A token to judge.
#[derive(Clone, Copy)]
pub(super) struct Asked<'t> {
    pub(super) token: &'t [u8],
    /// How old the issuer's word about it may be; `None`: as old as the settings say.
    pub(super) max_age: Option<Duration>,
    pub(super) arrived: Now,
}

impl Asked<'_> {
    /// `verified` is the token, if local checks have accepted it.
    pub(super) fn want<'v>(
        &self,
        question: Question,
        verified: Option<&'v VerifiedToken>,
    ) -> Want<'v> {
        Want {
            question,
            verified,
            max_age: self.max_age,
            arrived: self.arrived,
        }
    }
}

/// What a remembered token was accepted by.
#[derive(Debug)]
pub(crate) struct Proof {
    tenant: Arc<Tenant>,
    key: Arc<Key>,
}

impl Proof {
    /// The settings that it was accepted under are gone: refused at its next request, it need not
    /// hold them in memory until then.
    pub(super) fn is_void(&self) -> bool {
        self.tenant.is_retired()
    }
}

/// A token that is well-formed and names a configured issuer. Nothing of it is trusted yet.
pub(super) struct Opened<'j> {
    pub(super) jws: &'j Jws<'j>,
    pub(super) claims: Claims<'j>,
    pub(super) tenant: Arc<Tenant>,
}

impl Verifier {
    /// `None`: a request to the issuer is needed first.
    pub(super) fn judge_now(&self, asked: Asked<'_>) -> Result<Option<VerifiedToken>, VerifyError> {
        let digest = self.digest(asked.token);
        match self.remembered(asked, digest) {
            Some(verdict) => verdict,
            None => self.judge_unseen(asked, digest),
        }
    }

    /// `None`: a request to the issuer is needed first.
    pub(super) fn judge_unseen(
        &self,
        asked: Asked<'_>,
        digest: Option<Digest>,
    ) -> Result<Option<VerifiedToken>, VerifyError> {
        let now = asked.arrived;
        let jws = match Jws::parse(asked.token, self.0.max_token_size) {
            Ok(jws) => jws,
            Err(error) => {
                let (introspector, question) = self.reader(asked.token, error)?;
                return answered(
                    introspector.find(asked.token, asked.want(question, None)),
                    now,
                );
            }
        };
        let opened = self.open(&jws)?;
        let tenant = opened.tenant.clone();
        let unknown = match opened.signer(now) {
            Some(Ok(key)) => {
                let token = self.finish(opened, key, digest, now)?;
                return self.settle_now(&tenant, token, asked, digest);
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        // What the issuer said of a token whose key it does not publish is known without keys.
        let found = match (&unknown, tenant.asks(Question::UnknownKey)) {
            (
                None | Some(VerifyError::UnknownKeyId | VerifyError::Unavailable { .. }),
                Some(introspector),
            ) => introspector.find(asked.token, asked.want(Question::UnknownKey, None)),
            _ => None,
        };
        match (found, unknown) {
            (Some(checked), _) => self.accept_answer(checked.token(now)?).map(Some),
            (None, Some(VerifyError::UnknownKeyId)) => {
                opened.must_ask(now)?;
                Ok(None)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }

    pub(super) async fn judge_with_fetch(
        &self,
        asked: Asked<'_>,
    ) -> Result<VerifiedToken, VerifyError> {
        let Asked { token, arrived, .. } = asked;
        let digest = self.digest(token);
        if let Some(entry) = self.known(digest, Now::read()) {
            let entry = entry?;
            let tenant = &entry.proof.tenant;
            return self
                .settle(tenant, entry.token.clone(), asked, digest)
                .await;
        }
        let jws = match Jws::parse(token, self.0.max_token_size) {
            Ok(jws) => jws,
            Err(error) => {
                let (introspector, question) = self.reader(token, error)?;
                let checked = introspector.ask(token, asked.want(question, None)).await?;
                return checked.token(Now::read()).cloned();
            }
        };
        let opened = self.open(&jws)?;
        let tenant = opened.tenant.clone();
        match opened.signer_or_fetch(arrived).await {
            Ok(key) => {
                // The clock went on while keys were fetched.
                let verified = self.finish(opened, key, digest, Now::read())?;
                self.settle(&tenant, verified, asked, digest).await
            }
            // Keys that were fetched for this request do not have it.
            Err(VerifyError::UnknownKeyId) => {
                let introspector = opened.must_ask(Now::read())?;
                let want = asked.want(Question::UnknownKey, None);
                let checked = introspector.ask(token, want).await?;
                self.accept_answer(checked.token(Now::read())?)
            }
            Err(error) => Err(error),
        }
    }

    /// `None`: this token is not remembered.
    pub(super) fn digest(&self, jwt: &[u8]) -> Option<Digest> {
        self.0.cache.as_ref()?.digest(jwt)
    }

    /// The verdict over a token that was verified before: the same that judging it anew would
    /// give. `Some(Ok(None))`: it is good, and the issuer must be asked first all the same.
    pub(super) fn remembered(
        &self,
        asked: Asked<'_>,
        digest: Option<Digest>,
    ) -> Option<Result<Option<VerifiedToken>, VerifyError>> {
        let entry = match self.known(digest, asked.arrived)? {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error)),
        };
        Some(self.settle_now(&entry.proof.tenant, entry.token.clone(), asked, digest))
    }

    /// A token that was verified before and is still good: settings and key must be the very
    /// ones they were, and time is checked.
    fn known(
        &self,
        digest: Option<Digest>,
        now: Now,
    ) -> Option<Result<Arc<Entry<Proof>>, VerifyError>> {
        let (cache, digest) = (self.0.cache.as_ref()?, digest?);
        let entry = cache.find(digest, now)?;
        let Proof { tenant, key } = &entry.proof;
        // Of settings that are gone not even the keys are asked.
        let trusted = match tenant.is_retired() {
            true => false,
            false => match tenant.keys.trusts(key, now)? {
                Ok(trusted) => trusted,
                Err(unavailable) => return Some(Err(unavailable)),
            },
        };
        if !trusted {
            cache.forget(digest);
            return None;
        }
        let valid = entry.token.check_dates(now.unix);
        if valid.is_err() {
            cache.forget(digest);
        }
        Some(valid.map(|()| entry))
    }

    /// Header, claims and issuer: no cryptography and no I/O, so that what is malformed or
    /// foreign costs neither.
    fn open<'j>(&self, jws: &'j Jws<'_>) -> Result<Opened<'j>, VerifyError> {
        let claims = Claims::parse(&jws.payload)?;
        let tenant = self.0.tenants.load().find(&claims.iss)?.clone();
        checks::check_header(&jws.header, &tenant.origin.expected)?;
        Ok(Opened {
            jws,
            claims,
            tenant,
        })
    }

    /// What the claims say, after the signature. Only what passes both is remembered. `key` has
    /// verified the signature.
    fn finish(
        &self,
        opened: Opened<'_>,
        key: Arc<Key>,
        digest: Option<Digest>,
        now: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let token = opened.accept(&key, now)?;
        if let (Some(cache), Some(digest)) = (&self.0.cache, digest) {
            let proof = Proof {
                tenant: opened.tenant,
                key,
            };
            cache.remember(digest, token.clone(), proof, now);
        }
        Ok(token)
    }
}

impl Opened<'_> {
    /// The key that signed the token, without waiting; `None` if the keys must be fetched first.
    ///
    /// A token without `kid` may be signed with the successor of the only key: then `tried` is the
    /// key that did not verify the signature, and another one is tried once.
    fn signer(&self, now: Now) -> Option<Result<Arc<Key>, VerifyError>> {
        let acceptable = || self.is_acceptable(now);
        let mut tried = None;
        loop {
            let wanted = self.wanted(tried.as_ref(), now, &acceptable);
            let found = self.tenant.keys.find(wanted, now)?;
            if let Some(result) = self.check_signature(found, &mut tried) {
                return Some(result);
            }
        }
    }

    /// The same, with a fetch of the keys where they must be fetched.
    async fn signer_or_fetch(&self, arrived: Now) -> Result<Arc<Key>, VerifyError> {
        let acceptable = || self.is_acceptable(arrived);
        let mut tried = None;
        loop {
            let wanted = self.wanted(tried.as_ref(), arrived, &acceptable);
            let found = self.tenant.keys.find_or_fetch(wanted).await;
            if let Some(result) = self.check_signature(found, &mut tried) {
                return result;
            }
        }
    }

    fn wanted<'a>(
        &'a self,
        tried: Option<&'a Arc<Key>>,
        arrived: Now,
        acceptable: &'a (dyn Fn() -> bool + Sync),
    ) -> Wanted<'a> {
        let header = &self.jws.header;
        Wanted {
            kid: header.kid.as_deref(),
            algorithm: header.algorithm,
            arrived,
            acceptable,
            tried,
        }
    }

    /// `None`: the signature is not the one of `found`, and another key may be tried.
    fn check_signature(
        &self,
        found: Result<Arc<Key>, VerifyError>,
        tried: &mut Option<Arc<Key>>,
    ) -> Option<Result<Arc<Key>, VerifyError>> {
        let key = match found {
            Ok(key) => key,
            Err(error) => return Some(Err(error)),
        };
        let Jws { header, signed, .. } = self.jws;
        if key.verify(signed, self.jws.signature()).is_ok() {
            return Some(Ok(key));
        }
        if header.kid.is_some() || tried.is_some() {
            return Some(Err(VerifyError::BadSignature));
        }
        *tried = Some(key);
        None
    }

    /// Whether the claims would pass if the signature verified. They are not verified yet: this may
    /// decide whether a fetch is spent on the token, and must never choose an answer.
    pub(super) fn is_acceptable(&self, now: Now) -> bool {
        let typ = self.jws.header.typ;
        checks::check(&self.claims, typ, &self.tenant.origin.expected, now.unix).is_ok()
    }

    fn accept(&self, key: &Key, now: Now) -> Result<VerifiedToken, VerifyError> {
        let Self {
            jws,
            claims,
            tenant,
        } = self;
        if key.is_retired() {
            return Err(VerifyError::UnknownKeyId); // withdrawn since it was looked up
        }
        let typ = jws.header.typ;
        let confirmation = checks::check(claims, typ, &tenant.origin.expected, now.unix)?;
        Ok(VerifiedToken::new(
            claims,
            typ,
            confirmation,
            &jws.payload,
            &tenant.origin,
        ))
    }
}
