//! The public methods of [`Verifier`].

mod active_issuer;
mod authentication;
mod builder;
mod decision;
mod decision_error;
#[cfg(feature = "explain")]
mod explain;
mod issuer_resolver;
mod issuers;
mod mount;
mod outcome;
mod resolved_issuers;
mod resources;
mod sender_constraint;
#[cfg(test)]
mod tests;
mod token_cache;
mod transmitters;
mod validity;

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use arc_swap::ArcSwap;

use self::{
    active_issuer::ActiveIssuer,
    decision::{RequestDecision, Step, TokenRequest, Verification},
    decision_error::DecisionError,
    issuers::Issuers,
    mount::MountSettings,
    resolved_issuers::ResolvedIssuers,
    resources::Resources,
    sender_constraint::SenderConstraint,
    token_cache::TokenCache,
};
pub use self::{
    authentication::Authentication,
    builder::VerifierBuilder,
    issuer_resolver::IssuerResolver,
    mount::Mount,
    outcome::{Outcome, PendingOutcome},
    validity::VoidReason,
};
use crate::{
    error::{ConfigError, FetchKeysError, VerifyError},
    health::IssuerHealth,
    http::{
        Anonymous, CODES, Challenges, HeaderName, HeaderValue, RequestCredentials, nonce_headers,
    },
    keys::KeySnapshot,
    net::Clients,
    prometheus_text,
    revocation::Revocations,
    stats::{Counters, Stats},
    sync::clock::Now,
    verified_token::VerifiedToken,
};

/// Verifies the access tokens of the configured issuers, and rejects everything else.
///
/// Build one verifier per process and share it. Cloning a verifier only increments a reference count.
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
    // Requests read the list without a lock, also while it is replaced.
    issuers: ArcSwap<Issuers>,
    /// `None` without an issuer resolver.
    resolved: Option<Arc<ResolvedIssuers>>,
    /// `None` if the cache is disabled.
    cache: Option<TokenCache<Verification>>,
    challenges: Arc<Challenges>,
    resources: Resources,
    /// What a request needs if its layer has no settings. `None` without a resource.
    mount: Option<Arc<MountSettings>>,
    sender_constraint: SenderConstraint,
    /// The maximum size of a token in bytes.
    max_token_size: usize,
    /// `None` if no rules revoke tokens.
    revocations: Option<Revocations>,
    /// The HTTP clients for issuers that are added later. The lock is held while the issuers are replaced or
    /// a resolved issuer is stored, so that these changes are made one after the other.
    clients: Mutex<Clients>,
    counters: Arc<Counters>,
}

impl Verifier {
    /// Replaces the issuers. If `make` fails, nothing changes.
    fn replace(
        &self,
        make: impl FnOnce(&mut Clients, &Arc<Challenges>) -> Result<Issuers, ConfigError>,
    ) -> Result<(), ConfigError> {
        let mut clients = self.clients();
        let former = self.0.issuers.load_full();
        let next = Arc::new(make(&mut clients, &self.0.challenges)?);
        // The list is replaced before the old settings are retired: a request that finds its settings retired
        // begins again, and must then find the new ones.
        self.0.issuers.store(next.clone());
        let mut retired = former.retire_all_but(&next);
        if let Some(resolved) = &self.0.resolved {
            retired.extend(resolved.remove_configured(&next));
        }
        self.evict_retired();
        // The lock is released first, because wakers are foreign code.
        drop(clients);
        for issuer in retired {
            issuer.retirement.wake();
        }
        Ok(())
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn challenges(&self) -> &Arc<Challenges> {
        &self.0.challenges
    }

    /// Removes the tokens of replaced settings from the cache.
    fn evict_retired(&self) {
        if let Some(cache) = &self.0.cache {
            cache.evict_if(Verification::is_retired);
        }
    }

    /// Verifies a token that did not come with a request.
    ///
    /// A sender-constrained token (one with a `cnf` claim) is always rejected here, because there is no
    /// evidence of its sender.
    ///
    /// # Errors
    ///
    /// Returns the reason why the token is rejected, or [`VerifyError::Unavailable`] if something that the
    /// verification needs, such as the issuer's keys, is unavailable.
    pub async fn verify(&self, jwt: &str) -> Result<VerifiedToken, VerifyError> {
        let request = TokenRequest {
            token: jwt.as_bytes(),
            max_age: None,
            mount: None,
            may_be_expired: false,
            sender: None,
        };
        let decision = RequestDecision::new(self, request, Now::read());
        // The first step decides nearly every call. This step is matched in place and the rest is boxed, so
        // that neither a large step nor a large future is moved.
        match decision.begin() {
            Ok(Step::Accepted(token)) => Ok(token),
            Ok(step) => Box::pin(decision.resume(step)).await.map_err(|it| it.error),
            Err(DecisionError { error, .. }) => Err(error),
        }
    }

    /// Authenticates a request: verifies the token, and checks that the sender may use the token. With one
    /// [`Resource`](crate::Resource), the token must be for this resource. With several, use a
    /// [`Mount`](crate::adapter::Mount), which names one of them: without it, each request is rejected with 500.
    ///
    /// The result is ready unless keys have to be fetched, the token has to be introspected, or a remote
    /// [`ReplayStore`](crate::dpop::ReplayStore) has to accept a DPoP proof. Awaiting the result always
    /// works. Code that cannot wait calls [`Authentication::into_ready`].
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use http::{HeaderMap, Response, header::AUTHORIZATION};
    /// use okta_verifier::{adapter::RequestCredentials, Verifier};
    ///
    /// /// Returns the subject of the token, or the response that rejects the request.
    /// async fn subject(verifier: &Verifier, headers: &HeaderMap) -> Result<String, Response<String>> {
    ///     let lines = headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes());
    ///     match verifier.authenticate(&RequestCredentials::new(lines)).await {
    ///         Ok(token) => Ok(token.subject().to_owned()),
    ///         Err(rejection) => Err(rejection.into_response()),
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let mut headers = HeaderMap::new();
    /// let response = subject(&verifier, &headers).await.unwrap_err();
    /// assert_eq!(response.status(), 401);
    /// assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
    ///
    /// headers.insert(AUTHORIZATION, format!("Bearer {}", okta.token("ada").sign()).parse()?);
    /// assert_eq!(subject(&verifier, &headers).await.unwrap(), "ada");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the [`Rejection`](crate::Rejection) to respond with.
    pub fn authenticate(&self, credentials: &RequestCredentials<'_>) -> Authentication {
        self.authenticate_at(self.0.mount.as_ref(), credentials)
    }

    /// Adds the headers that the settings for bound tokens require to `credentials`: the DPoP proof, and the
    /// headers that a trusted proxy sends. `lines` receives the name of a header in lower case, and returns
    /// the raw bytes of every field line with this name.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
    /// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    /// # let dpop = DpopSettings::base_url("https://api.example.com");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).dpop(dpop).build()?;
    /// # let jwt = client.bind(okta.token("ada")).sign();
    /// # let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
    /// let request = http::Request::get("/orders")
    ///     .header("authorization", format!("DPoP {jwt}"))
    ///     .header("dpop", proof)
    ///     .body(())?;
    /// let lines = |name: &str| request.headers().get_all(name).iter().map(|value| value.as_bytes());
    /// let credentials = RequestCredentials::new(lines("authorization")).request("GET", "/orders");
    ///
    /// let with_proof = verifier.read_sender_headers(credentials, lines);
    /// assert!(verifier.authenticate(&with_proof).into_ready().unwrap().is_ok());
    /// let rejection = verifier.authenticate(&credentials).into_ready().unwrap().unwrap_err();
    /// assert_eq!(rejection.status(), 401);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read_sender_headers<'r, I>(
        &self,
        mut credentials: RequestCredentials<'r>,
        lines: impl Fn(&str) -> I,
    ) -> RequestCredentials<'r>
    where
        I: IntoIterator<Item = &'r [u8]>,
    {
        let constraint = &self.0.sender_constraint;
        if let Some(dpop) = &constraint.dpop {
            credentials = credentials.dpop(lines("dpop"));
            if let Some(name) = dpop.external.header() {
                credentials = credentials.forwarded(lines(name));
            }
        }
        if let Some(name) = &constraint.client_cert_header {
            credentials = credentials.client_cert(lines(name));
        }
        credentials
    }

    /// Returns whether a setting accepts tokens that are bound to a key or to a certificate
    /// ([`dpop`](VerifierBuilder::dpop), [`client_certificates`](VerifierBuilder::client_certificates),
    /// [`client_cert_header`](VerifierBuilder::client_cert_header)). If not, an adapter can leave out
    /// everything of the request that is not about the token itself: its method and URL, the peer, the client
    /// certificate and the headers of [`read_sender_headers`](Self::read_sender_headers).
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, dpop::DpopSettings};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let bearer_only = Verifier::builder().issuer(issuer()).build()?;
    /// assert!(!bearer_only.accepts_bound_tokens());
    /// let dpop = DpopSettings::base_url("https://api.example.com");
    /// assert!(Verifier::builder().issuer(issuer()).dpop(dpop).build()?.accepts_bound_tokens());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn accepts_bound_tokens(&self) -> bool {
        self.0.sender_constraint.accepts_bound_tokens()
    }

    /// Returns the extension that an optional layer inserts for requests without credentials.
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
    /// // A route inside the layer requires a token.
    /// let rejection = Policy::any_token().admit(None, request.extensions().get()).unwrap_err();
    /// assert_eq!(rejection.status(), 401); // 500 without the extension
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn anonymous(&self) -> Anonymous {
        Anonymous::new(self.0.challenges.clone())
    }

    /// Returns the headers to add to every response. If nonces are required
    /// ([`DpopNonces`](crate::dpop::DpopNonces)), these are a nonce for the client's next proof and
    /// `Cache-Control: no-store`. Otherwise there are no headers to add. An added header must replace a
    /// header of the same name. The adapters do this themselves.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, dpop::{DpopNonces, DpopSettings}};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let dpop = DpopSettings::base_url("https://api.example.com").nonces(DpopNonces::random());
    /// let verifier = Verifier::builder().issuer(issuer()).dpop(dpop).build()?;
    /// let mut response = http::Response::new("orders");
    /// for (name, value) in verifier.response_headers() {
    ///     response.headers_mut().insert(name, value);
    /// }
    /// assert!(response.headers().contains_key("dpop-nonce"));
    /// assert_eq!(response.headers()["cache-control"], "no-store"); // a response with a nonce must not be cached
    ///
    /// let without_dpop = Verifier::builder().issuer(issuer()).build()?;
    /// assert_eq!(without_dpop.response_headers().count(), 0);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn response_headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        nonce_headers(self.nonce())
    }

    /// Fetches the keys of every configured issuer now, for services that should not start without keys.
    /// The keys of a resolved issuer ([`IssuerResolver`]) are fetched for its first token.
    ///
    /// If the [`Revocations`](crate::revocation::Revocations) have a shared log, this method loads it too.
    /// With [`Transmitter::verify_every`](crate::revocation::Transmitter::verify_every), this method also begins to
    /// request verification events, in the background.
    ///
    /// This method does not contact the introspection endpoint: the first introspection request shows whether
    /// the client credentials are correct and whether the endpoint can be reached.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let issuer = okta.issuer("api://default").any_client_id();
    /// # okta.fault_times(Endpoint::Discovery, Fault::Html, 1);
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// if let Err(error) = verifier.warm_up().await {
    ///     eprintln!("starting without keys: {error:?}"); // `Debug` shows the cause too; a service may also stop here
    /// }
    /// # let error = verifier.health()[0].last_error.as_ref().unwrap().to_string();
    /// # assert_eq!(error, "the issuer's response is not accepted as JSON: it has the Content-Type \"text/html\"");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the error of the first issuer whose keys could not be fetched, or else that of the shared revocation log.
    /// A failure at one issuer does not stop the fetches from the others. The verifier stays usable, and fetches missing
    /// keys when a token of their issuer arrives.
    pub async fn warm_up(&self) -> Result<(), FetchKeysError> {
        if let Some(revocations) = &self.0.revocations {
            revocations.begin_work();
        }
        let issuers = self.0.issuers.load_full();
        let revocations = self.0.revocations.as_ref();
        let log = revocations.and_then(Revocations::log);
        // The log comes last, and is loaded while the keys are fetched.
        let fetch = |issuer: Option<&Arc<ActiveIssuer>>| {
            let issuer = issuer.cloned();
            async move {
                match (issuer, log) {
                    (Some(issuer), _) => named(&issuer, issuer.keys.warm_up().await),
                    (None, Some(log)) => log.warm_up().await.map_err(FetchKeysError::of_log),
                    (None, None) => Ok(()),
                }
            }
        };
        all(issuers.iter().map(Some).chain([None]).map(fetch)).await
    }

    /// Fetches the keys of every issuer again, cached issuers of the [`IssuerResolver`] included, for
    /// operators after an emergency rotation. When this method
    /// returns without an error, keys that the issuer has withdrawn are no longer trusted, and tokens that
    /// were signed with these keys are rejected.
    ///
    /// ```
    /// # use okta_verifier_testing::{MockOkta, Rotation};
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
    /// let stolen = okta.token("ada").sign();
    /// assert!(verifier.verify(&stolen).await.is_ok());
    ///
    /// okta.rotate(Rotation::Hard); // the issuer's administrator withdraws its keys
    /// verifier.refresh().await?;
    /// assert_eq!(verifier.verify(&stolen).await.unwrap_err().code(), "unknown_key_id");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the error of the first issuer whose keys could not be fetched. A failure at one issuer does
    /// not stop the fetches from the others. An issuer whose fetch failed keeps its current keys until they
    /// are no longer trusted.
    pub async fn refresh(&self) -> Result<(), FetchKeysError> {
        let issuers = self.issuers();
        let fetch = |issuer| async move { named(issuer, issuer.keys.refresh().await) };
        all(issuers.iter().map(fetch)).await
    }

    /// Returns the state of every issuer's keys and of its introspection endpoint, in the order of the
    /// settings. Performs no I/O.
    ///
    /// The issuers of the [`IssuerResolver`] that are cached come last, in the order of their URLs, and have
    /// [`is_resolved`](IssuerHealth::is_resolved). Leave them out of a readiness probe, because one tenant's
    /// issuer that is down does not concern the others.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, health::KeyState};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// /// Returns the issuers whose tokens are rejected with 503 now, for an alert.
    /// fn down(verifier: &Verifier) -> Vec<String> {
    ///     let health = verifier.health().into_iter();
    ///     let down = health.filter(|it| matches!(it.state, KeyState::Unavailable { .. }));
    ///     down.map(|it| it.issuer).collect()
    /// }
    ///
    /// let url = "http://127.0.0.1:1/oauth2/default"; // no server listens on this port
    /// let issuer = Issuer::okta(url, "api://default").any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// assert!(down(&verifier).is_empty()); // no fetch was attempted yet
    ///
    /// assert!(verifier.warm_up().await.is_err());
    /// assert_eq!(down(&verifier), [url]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn health(&self) -> Vec<IssuerHealth> {
        let now = Now::read();
        let mut health: Vec<_> = self.issuers().iter().map(|it| it.health(now)).collect();
        if let Some(revocations) = &self.0.revocations {
            for issuer in &mut health {
                if let Some(revocation) = &mut issuer.revocation {
                    revocation.degraded_streams = revocations.degraded_streams(&issuer.issuer, now);
                }
            }
        }
        health
    }

    /// Returns what the verifier did since it was built, as counters that only grow. Performs no I/O. The module
    /// [`stats`](crate::stats) says what is counted.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = Issuer::okta("http://127.0.0.1:1/oauth2/default", "api://default").any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).build()?; // no server listens on this port
    /// assert!(verifier.warm_up().await.is_err());
    ///
    /// let fetches = &verifier.stats().issuers[0].key_fetches;
    /// assert_eq!((fetches.succeeded, fetches.failed.len()), (0, 1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        let replay = self.0.sender_constraint.replay_failures.snapshot();
        let revocation = self.0.revocations.as_ref().map(Revocations::stats);
        let revocation = revocation.unwrap_or_default();
        self.0.counters.snapshot(&CODES, replay, revocation)
    }

    /// Returns the counters of [`stats`](Self::stats) and the states of [`health`](Self::health) in the text format of
    /// Prometheus 0.0.4, for a route that Prometheus scrapes. Performs no I/O. The recipe "Metrics" lists the names and
    /// the labels; each label is a configured issuer or one of a fixed set of words.
    ///
    /// The `Content-Type` is `text/plain; version=0.0.4`. The text ends with a line break, so the text of another
    /// exporter in this format can follow it. It names the issuers: serve it on a port that is not reachable from
    /// outside.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Rejection, Verifier, adapter::PendingOutcome};
    /// # let okta = TestIssuer::new("api://orders");
    /// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// // The layers of the adapters count each request so.
    /// PendingOutcome::new(&verifier).complete(Some(&Rejection::missing_layer()));
    ///
    /// let text = verifier.prometheus_text();
    /// let rejected = r#"okta_verifier_requests_total{issuer="",outcome="rejected",code="missing_layer"} 1"#;
    /// assert!(text.lines().any(|line| line == rejected));
    /// assert!(!text.contains(r#"outcome="accepted""#));
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn prometheus_text(&self) -> String {
        prometheus_text::text(&self.stats(), &self.health())
    }

    /// Returns the keys of every issuer whose keys were fetched, to be saved for
    /// [`Issuer::key_snapshot`](crate::Issuer::key_snapshot). They include those of cached issuers of the
    /// [`IssuerResolver`], which can add them to the settings that it returns.
    ///
    /// ```
    /// # use okta_verifier_testing::MockOkta;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
    /// assert!(verifier.key_snapshots().is_empty()); // no keys were fetched yet
    /// verifier.warm_up().await?;
    /// let text = serde_json::to_string(&verifier.key_snapshots())?; // public keys, no secret
    /// assert!(text.contains("fetched_at"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn key_snapshots(&self) -> Vec<KeySnapshot> {
        let now = Now::read();
        let snapshot = |issuer: &Arc<ActiveIssuer>| issuer.keys.key_snapshot(issuer.url(), now);
        let mut snapshots: Vec<_> = self.issuers().iter().filter_map(snapshot).collect();
        // Entries of one issuer share its keys.
        snapshots.dedup_by(|one, other| one == other);
        snapshots
    }

    fn nonce(&self) -> Option<String> {
        let nonces = self.0.sender_constraint.dpop.as_ref()?.nonces.as_ref()?;
        Some(nonces.current(Now::read().unix))
    }
}

fn named(
    issuer: &Arc<ActiveIssuer>,
    result: Result<(), VerifyError>,
) -> Result<(), FetchKeysError> {
    result.map_err(|error| FetchKeysError::new(issuer.url(), error))
}

/// Polls all futures concurrently, so that a slow issuer does not delay the others. Returns the first error
/// in the order of the futures.
async fn all<F>(fetches: impl Iterator<Item = F>) -> Result<(), FetchKeysError>
where
    F: Future<Output = Result<(), FetchKeysError>>,
{
    let mut fetches: Vec<_> = fetches.map(Box::pin).collect();
    let mut results: Vec<_> = fetches.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in fetches.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(outcome) = Pin::as_mut(future).poll(context)
            {
                *result = Some(outcome);
            }
        }
        if results.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// Shows the issuers only.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = self.0.issuers.load();
        let issuers: Vec<_> = issuers.iter().map(|issuer| issuer.url()).collect();
        f.debug_struct("Verifier")
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}
