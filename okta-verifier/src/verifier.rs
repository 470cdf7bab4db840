mod operate;

use std::{collections::HashMap, fmt, sync::Arc};

use crate::{
    error::VerifyError,
    keys::{Key, KeyStore, Wanted},
    request::{Anonymous, Challenges, Credentials, Presented, Rejection},
    time::Now,
    token::{
        Origin, VerifiedToken,
        cache::{Digest, Entry, TokenCache},
        checks,
        claims::Claims,
        jws::Jws,
    },
};

/// Accepts the access tokens of the configured issuers, and refuses everything else.
///
/// `Clone` is a reference count: build one a process and share it.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::Verifier;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = okta.issuer().client_id("0oatest");
/// let verifier = Verifier::builder().issuer(issuer).build()?;
///
/// # let (jwt, forged) = (okta.token("ada").sign(), okta.token("ada").tampered().sign());
/// assert_eq!(verifier.verify(&jwt).await?.subject(), "ada");
/// assert_eq!(verifier.verify(&forged).await.unwrap_err().code(), "bad_signature");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    tenants: Vec<Tenant>,
    by_issuer: HashMap<Box<str>, usize>,
    /// Keyed by the token; `None` when it is turned off.
    cache: Option<TokenCache<Arc<Key>>>,
    challenges: Arc<Challenges>,
}

/// One issuer at work.
pub(crate) struct Tenant {
    pub(crate) origin: Origin,
    pub(crate) keys: KeyStore,
}

impl Tenant {
    pub(crate) fn issuer(&self) -> &str {
        &self.origin.expected.issuer
    }
}

impl Verifier {
    pub(crate) fn new(
        tenants: Vec<Tenant>,
        cached_tokens: u64,
        challenges: Arc<Challenges>,
    ) -> Self {
        let by_issuer = tenants
            .iter()
            .enumerate()
            .map(|(index, tenant)| (tenant.issuer().into(), index))
            .collect();
        Self(Arc::new(Inner {
            tenants,
            by_issuer,
            cache: TokenCache::new(cached_tokens),
            challenges,
        }))
    }

    /// Verifies a token by itself, without a request around it.
    ///
    /// A sender-constrained token (`cnf`) is always refused here: nothing shows who sends it.
    ///
    /// # Errors
    ///
    /// Why the token is not accepted; [`VerifyError::Unavailable`] when that could not be
    /// decided, because the issuer's keys cannot be had.
    pub async fn verify(&self, jwt: &str) -> Result<VerifiedToken, VerifyError> {
        let arrived = Now::read();
        if let Some(token) = self.verify_now(jwt, arrived)? {
            return Ok(token);
        }
        let jws = Jws::parse(jwt)?;
        let opened = self.open(&jws)?;
        let wanted = opened.wanted(arrived);
        let key = opened.tenant.keys.find_or_fetch(wanted).await?;
        // The clock went on while keys were fetched.
        self.finish(&opened, key, self.digest(jwt), Now::read())
    }

    /// Judges a request, without waiting. `None`: keys must be fetched first, so call
    /// [`authenticate`](Self::authenticate); nothing was changed.
    ///
    /// # Errors
    ///
    /// The refusal to answer with.
    #[must_use]
    pub fn authenticate_now(
        &self,
        presented: &Presented<'_>,
    ) -> Option<Result<VerifiedToken, Rejection>> {
        let jwt = match self.credentials(presented) {
            Ok(jwt) => jwt,
            Err(rejection) => return Some(Err(rejection)),
        };
        self.verify_now(jwt, Now::read())
            .map_err(|error| self.refuse(error))
            .transpose()
    }

    /// Judges a request, and fetches keys where it must.
    ///
    /// # Errors
    ///
    /// The refusal to answer with.
    pub async fn authenticate(
        &self,
        presented: &Presented<'_>,
    ) -> Result<VerifiedToken, Rejection> {
        let jwt = self.credentials(presented)?;
        self.verify(jwt).await.map_err(|error| self.refuse(error))
    }

    /// What an optional layer gives a request without credentials.
    #[must_use]
    pub fn anonymous(&self) -> Anonymous {
        Anonymous::new(self.0.challenges.clone())
    }

    fn credentials<'a>(&self, presented: &Presented<'a>) -> Result<&'a str, Rejection> {
        match presented.credentials() {
            Ok(Credentials::Bearer(jwt)) => Ok(jwt),
            Ok(Credentials::Absent | Credentials::OtherScheme) => {
                Err(Rejection::unauthenticated(&self.0.challenges))
            }
            Err(_) => Err(Rejection::malformed(&self.0.challenges)),
        }
    }

    /// `None`: keys must be fetched first.
    fn verify_now(&self, jwt: &str, now: Now) -> Result<Option<VerifiedToken>, VerifyError> {
        let digest = self.digest(jwt);
        if let Some(verdict) = self.remembered(digest, now) {
            return verdict.map(Some);
        }
        let jws = Jws::parse(jwt)?;
        let opened = self.open(&jws)?;
        match opened.tenant.keys.find(opened.wanted(now), now) {
            Some(key) => self.finish(&opened, key?, digest, now).map(Some),
            None => Ok(None),
        }
    }

    /// `None`: this token is not remembered.
    fn digest(&self, jwt: &str) -> Option<Digest> {
        self.0.cache.as_ref()?.digest(jwt)
    }

    /// The verdict over a token that was verified before: the same that judging it anew would
    /// give, because the key is looked up as ever and must be the very one, and time is checked.
    fn remembered(
        &self,
        digest: Option<Digest>,
        now: Now,
    ) -> Option<Result<VerifiedToken, VerifyError>> {
        let (cache, digest) = (self.0.cache.as_ref()?, digest?);
        let entry = cache.find(digest)?;
        let Entry { token, key } = &*entry;
        let wanted = Wanted {
            kid: &key.kid,
            algorithm: key.algorithm,
            arrived: now,
        };
        match self.tenant(token.issuer()).ok()?.keys.find(wanted, now)? {
            Ok(found) if Arc::ptr_eq(&found, key) => {}
            // Nothing is known of the key now; it may be the same again.
            Err(unavailable @ VerifyError::Unavailable { .. }) => return Some(Err(unavailable)),
            _ => {
                cache.forget(digest); // withdrawn, or replaced under its name
                return None;
            }
        }
        let valid = token.check_dates(now.unix);
        if valid.is_err() {
            cache.forget(digest);
        }
        Some(valid.map(|()| token.clone()))
    }

    /// The signature, and then what the claims say. Only what passes both is remembered.
    fn finish(
        &self,
        opened: &Opened<'_, '_>,
        key: Arc<Key>,
        digest: Option<Digest>,
        now: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let token = opened.judge(&key, now)?;
        if let (Some(cache), Some(digest)) = (&self.0.cache, digest) {
            cache.remember(digest, token.clone(), key);
        }
        Ok(token)
    }

    /// Header, claims and issuer: no cryptography and no I/O, so that what is malformed or
    /// foreign costs neither.
    fn open<'j>(&self, jws: &'j Jws<'_>) -> Result<Opened<'j, '_>, VerifyError> {
        let claims = Claims::parse(&jws.payload)?;
        let tenant = self.tenant(&claims.iss)?;
        checks::check_header(&jws.header, &tenant.origin.expected)?;
        Ok(Opened {
            jws,
            claims,
            tenant,
        })
    }

    /// By the exact, unverified `iss`: an unknown one is refused without a word to the network,
    /// and no other issuer's keys are tried (RFC 8725 §3.8).
    fn tenant(&self, iss: &str) -> Result<&Tenant, VerifyError> {
        if let Some(index) = self.0.by_issuer.get(iss) {
            return Ok(&self.0.tenants[*index]);
        }
        let org_server = |tenant: &Tenant| {
            tenant
                .issuer()
                .strip_prefix(iss)
                .is_some_and(|rest| rest.starts_with("/oauth2/"))
        };
        if self.0.tenants.iter().any(org_server) {
            return Err(VerifyError::OrgAuthorizationServer);
        }
        Err(VerifyError::UnknownIssuer)
    }

    fn refuse(&self, error: VerifyError) -> Rejection {
        tracing::debug!(error = error.code(), "refused a token");
        Rejection::refused(&self.0.challenges, error)
    }
}

/// A token that is well-formed and names a configured issuer. Nothing of it is trusted yet.
struct Opened<'j, 'v> {
    jws: &'j Jws<'j>,
    claims: Claims<'j>,
    tenant: &'v Tenant,
}

impl Opened<'_, '_> {
    fn wanted(&self, arrived: Now) -> Wanted<'_> {
        let header = &self.jws.header;
        Wanted {
            kid: &header.kid,
            algorithm: header.algorithm,
            arrived,
        }
    }

    fn judge(&self, key: &Key, now: Now) -> Result<VerifiedToken, VerifyError> {
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
        checks::check(claims, jws.header.typ, &tenant.origin.expected, now.unix)?;
        Ok(VerifiedToken::new(claims, jws, &tenant.origin))
    }
}

/// Shows the issuers only.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.0.tenants.iter().map(Tenant::issuer).collect();
        f.debug_struct("Verifier")
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}
