//! From a token to the verdict over it.

use std::sync::Arc;

use super::{Tenant, Verifier};
use crate::{
    error::VerifyError,
    keys::{Key, Wanted},
    time::Now,
    token::{VerifiedToken, cache::Digest, checks, claims::Claims, jws::Jws},
};

/// What a remembered token was accepted by.
#[derive(Debug)]
pub(crate) struct Proof {
    tenant: Arc<Tenant>,
    key: Arc<Key>,
}

/// A token that is well-formed and names a configured issuer. Nothing of it is trusted yet.
struct Opened<'j> {
    jws: &'j Jws<'j>,
    claims: Claims<'j>,
    tenant: Arc<Tenant>,
}

impl Verifier {
    /// `None`: keys must be fetched first.
    pub(super) fn judge_now(
        &self,
        jwt: &[u8],
        now: Now,
    ) -> Result<Option<VerifiedToken>, VerifyError> {
        let digest = self.digest(jwt);
        match self.remembered(digest, now) {
            Some(verdict) => verdict.map(Some),
            None => self.judge_unseen(jwt, digest, now),
        }
    }

    /// `None`: keys must be fetched first.
    pub(super) fn judge_unseen(
        &self,
        jwt: &[u8],
        digest: Option<Digest>,
        now: Now,
    ) -> Result<Option<VerifiedToken>, VerifyError> {
        let jws = Jws::parse(jwt)?;
        let opened = self.open(&jws)?;
        match opened.tenant.keys.find(opened.wanted(now), now) {
            Some(key) => self.finish(opened, key?, digest, now).map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn judge_with_fetch(
        &self,
        jwt: &[u8],
        arrived: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let jws = Jws::parse(jwt)?;
        let opened = self.open(&jws)?;
        let wanted = opened.wanted(arrived);
        let key = opened.tenant.keys.find_or_fetch(wanted).await?;
        // The clock went on while keys were fetched.
        self.finish(opened, key, self.digest(jwt), Now::read())
    }

    /// `None`: this token is not remembered.
    pub(super) fn digest(&self, jwt: &[u8]) -> Option<Digest> {
        self.0.cache.as_ref()?.digest(jwt)
    }

    /// The verdict over a token that was verified before: the same that judging it anew would
    /// give, because settings and key must still be the very ones, and time is checked.
    pub(super) fn remembered(
        &self,
        digest: Option<Digest>,
        now: Now,
    ) -> Option<Result<VerifiedToken, VerifyError>> {
        let (cache, digest) = (self.0.cache.as_ref()?, digest?);
        let entry = cache.find(digest, now)?;
        let Proof { tenant, key } = &entry.proof;
        match tenant.keys.trusts(key, now)? {
            Ok(true) if !tenant.is_retired() => {}
            Ok(_) => {
                cache.forget(digest);
                return None;
            }
            Err(unavailable) => return Some(Err(unavailable)),
        }
        let valid = entry.token.check_dates(now.unix);
        if valid.is_err() {
            cache.forget(digest);
        }
        Some(valid.map(|()| entry.token.clone()))
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

    /// The signature, and then what the claims say. Only what passes both is remembered.
    fn finish(
        &self,
        opened: Opened<'_>,
        key: Arc<Key>,
        digest: Option<Digest>,
        now: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let token = opened.verify(&key, now)?;
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
    fn wanted(&self, arrived: Now) -> Wanted<'_> {
        let header = &self.jws.header;
        Wanted {
            kid: &header.kid,
            algorithm: header.algorithm,
            arrived,
        }
    }

    fn verify(&self, key: &Key, now: Now) -> Result<VerifiedToken, VerifyError> {
        let Self {
            jws,
            claims,
            tenant,
        } = self;
        key.verify(jws.signed, jws.signature())
            .map_err(|_| VerifyError::BadSignature)?;
        if key.is_retired() {
            return Err(VerifyError::UnknownKeyId); // withdrawn since it was looked up
        }
        let typ = jws.header.typ;
        checks::check(claims, typ, &tenant.origin.expected, now.unix)?;
        Ok(VerifiedToken::new(
            claims,
            typ,
            &jws.payload,
            &tenant.origin,
        ))
    }
}
