mod bind;
mod builder;
mod judge;
mod once;
mod operate;
mod question;
mod tenants;
mod token_cache;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

pub(crate) use self::bind::Binding;
pub use self::builder::VerifierBuilder;
pub(crate) use self::tenants::{Tenant, Tenants};
use self::{
    bind::Sent,
    judge::{Asked, Proof},
};
use crate::{
    error::{ConfigError, VerifyError},
    http::{
        Anonymous, Challenges, Credentials, Malformed, Presented, Rejection, Scheme, is_b64token,
    },
    net::Clients,
    sync::clock::Now,
    verified_token::VerifiedToken,
    verifier::token_cache::TokenCache,
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
    tenants: ArcSwap<Tenants>,
    /// Keyed by the token; `None` when it is turned off.
    cache: Option<TokenCache<Proof>>,
    challenges: Arc<Challenges>,
    binding: Binding,
    /// Bytes.
    max_token_size: usize,
    /// For issuers that come later. Held while issuers are replaced, so one after the other.
    clients: Mutex<Clients>,
}

impl Verifier {
    pub(crate) fn new(
        tenants: Tenants,
        cache: Option<TokenCache<Proof>>,
        challenges: Arc<Challenges>,
        binding: Binding,
        max_token_size: usize,
        clients: Clients,
    ) -> Self {
        Self(Arc::new(Inner {
            tenants: ArcSwap::from_pointee(tenants),
            cache,
            challenges,
            binding,
            max_token_size,
            clients: Mutex::new(clients),
        }))
    }

    /// Puts other issuers to work; when `make` fails, nothing changes.
    pub(crate) fn replace(
        &self,
        make: impl FnOnce(&Tenants, &mut Clients, &Arc<Challenges>) -> Result<Tenants, ConfigError>,
    ) -> Result<(), ConfigError> {
        let mut clients = self
            .0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let former = self.0.tenants.load_full();
        let next = Arc::new(make(&former, &mut clients, &self.0.challenges)?);
        self.0.tenants.store(next.clone());
        former.give_way_to(&next);
        if let Some(cache) = &self.0.cache {
            cache.forget_all(Proof::is_void);
        }
        Ok(())
    }

    /// Verifies a token by itself, without a request around it.
    ///
    /// A sender-constrained token (`cnf`) is always refused here: nothing shows who sends it.
    ///
    /// # Errors
    ///
    /// Why the token is not accepted; [`VerifyError::Unavailable`] when that could not be
    /// decided, because the issuer cannot be asked.
    pub async fn verify(&self, jwt: &str) -> Result<VerifiedToken, VerifyError> {
        let asked = Asked {
            token: jwt.as_bytes(),
            max_age: None,
            arrived: Now::read(),
        };
        let token = match self.judge_now(asked)? {
            Some(token) => token,
            None => self.judge_with_fetch(asked).await?,
        };
        match token.confirmation() {
            None => Ok(token),
            Some(_) => Err(VerifyError::BindingUnchecked),
        }
    }

    /// Judges a request, without waiting. `None`: the issuer must be asked first, for keys or
    /// about the token, or a [`ReplayStore`](crate::ReplayStore) about its proof, so call
    /// [`authenticate`](Self::authenticate); nothing was changed.
    ///
    /// ```
    /// # use okta_verifier_testing::MockOkta;
    /// # use okta_verifier::{Presented, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
    /// let authorization = format!("Bearer {}", okta.token("ada").sign());
    /// let presented = Presented::new([authorization.as_bytes()]);
    ///
    /// assert!(verifier.authenticate_now(&presented).is_none()); // no keys yet
    /// assert_eq!(verifier.authenticate(&presented).await?.subject(), "ada"); // fetches them
    /// assert!(verifier.authenticate_now(&presented).unwrap().is_ok());
    /// assert_eq!(verifier.authenticate_now(&Presented::new([])).unwrap().unwrap_err().status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The refusal to answer with.
    #[must_use]
    pub fn authenticate_now(
        &self,
        presented: &Presented<'_>,
    ) -> Option<Result<VerifiedToken, Rejection>> {
        let sent = match self.credentials(presented) {
            Ok(sent) => sent,
            Err(rejection) => return Some(Err(rejection)),
        };
        let now = Now::read();
        let asked = Asked {
            token: sent.token,
            max_age: presented.max_age(),
            arrived: now,
        };
        let digest = self.digest(sent.token);
        let verdict = match self.remembered(asked, digest) {
            Some(verdict) => verdict,
            // A remembered token was well-formed, to the byte.
            None if !is_b64token(sent.token) => {
                let malformed = Malformed::under(sent.scheme, sent.token);
                return Some(Err(Rejection::malformed(&self.0.challenges, malformed)));
            }
            None => self.judge_unseen(asked, digest),
        };
        let bound = verdict.and_then(|token| match token {
            Some(token) => self.bind_now(token, sent, now),
            None => Ok(None),
        });
        bound
            .map_err(|error| self.refuse(sent.scheme, error))
            .transpose()
    }

    /// Judges a request, and asks the issuer where it must.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use http::{HeaderMap, Response, header::AUTHORIZATION};
    /// use okta_verifier::{Presented, Verifier};
    ///
    /// /// A gateway: who calls, or the answer to give.
    /// async fn caller(verifier: &Verifier, headers: &HeaderMap) -> Result<String, Response<String>> {
    ///     let lines = headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes());
    ///     match verifier.authenticate(&Presented::new(lines)).await {
    ///         Ok(token) => Ok(token.subject().to_owned()),
    ///         Err(rejection) => Err(rejection.into_response()),
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let mut headers = HeaderMap::new();
    /// let answer = caller(&verifier, &headers).await.unwrap_err();
    /// assert_eq!(answer.status(), 401);
    /// assert_eq!(answer.headers()["www-authenticate"], r#"Bearer realm="api""#);
    ///
    /// headers.insert(AUTHORIZATION, format!("Bearer {}", okta.token("ada").sign()).parse()?);
    /// assert_eq!(caller(&verifier, &headers).await.unwrap(), "ada");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The refusal to answer with.
    pub async fn authenticate(
        &self,
        presented: &Presented<'_>,
    ) -> Result<VerifiedToken, Rejection> {
        let arrived = Now::read();
        if let Some(verdict) = self.authenticate_now(presented) {
            return verdict;
        }
        let sent = self.credentials(presented)?;
        let asked = Asked {
            token: sent.token,
            max_age: presented.max_age(),
            arrived,
        };
        let verdict = match self.judge_with_fetch(asked).await {
            Ok(token) => self.bind(token, sent).await,
            Err(error) => Err(error),
        };
        verdict.map_err(|error| self.refuse(sent.scheme, error))
    }

    /// What an optional layer gives a request without credentials.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Policy, Verifier};
    /// # let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// let mut request = http::Request::new(());
    /// if !request.headers().contains_key("authorization") {
    ///     request.extensions_mut().insert(verifier.anonymous());
    /// }
    ///
    /// // Further in, a route wants a token after all.
    /// let refusal = Policy::any_token().admit(None, request.extensions().get()).unwrap_err();
    /// assert_eq!(refusal.status(), 401); // 500, had nobody looked
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn anonymous(&self) -> Anonymous {
        Anonymous::new(self.0.challenges.clone())
    }

    fn credentials<'a>(&self, presented: &'a Presented<'_>) -> Result<Sent<'a>, Rejection> {
        let dpop = self.dpop_header().is_some();
        let (scheme, token) = match presented.credentials(dpop, self.0.max_token_size) {
            Ok(Credentials::Token(scheme, token)) => (scheme, token),
            Ok(Credentials::Absent | Credentials::OtherScheme) => {
                return Err(Rejection::unauthenticated(&self.0.challenges));
            }
            Err(malformed) => {
                let rejection = Rejection::malformed(&self.0.challenges, malformed);
                if let Some(error) = rejection.error() {
                    tracing::debug!(error = error.code(), "refused a token");
                }
                return Err(rejection);
            }
        };
        Ok(Sent {
            token,
            scheme,
            shown: &presented.shown,
        })
    }

    fn refuse(&self, scheme: Scheme, error: VerifyError) -> Rejection {
        tracing::debug!(error = error.code(), "refused a token");
        let nonce = match error {
            VerifyError::NonceRequired => self.nonce_value(),
            _ => None,
        };
        Rejection::refused(&self.0.challenges, scheme, error).with_nonce(nonce)
    }
}

/// Shows the issuers only.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenants = self.0.tenants.load();
        let issuers: Vec<_> = tenants.iter().map(|tenant| tenant.issuer()).collect();
        f.debug_struct("Verifier")
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}
