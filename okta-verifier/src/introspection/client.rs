//! Introspects the tokens of one issuer (RFC 7662 §2.1). At most one request per token is in flight. A
//! request is sent only if the rate limits admit it. The request runs in a separate task, so a dropped
//! future does not cancel it.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, time::timeout};
use tracing::Instrument;

use super::{
    IntrospectionReason, Settings,
    cache::ResponseCache,
    permits::{HeldPermits, Permits},
    rate_limits::{
        Admission, Class, Consequence, Denied, Failure, Outage, RateLimits, StateChange, TokenOwner,
    },
    response::{IntrospectionResponse, RequiredResponse},
};
use crate::{
    crypto::{Fingerprint, Fingerprints, random_u64},
    error::{MalformedTokenError, UnavailableReason, VerifyError, cause},
    health::{IntrospectionHealth, IntrospectionState},
    keys::{Location, Metadata},
    net::{Fetch, FetchSpan},
    stats::Introspections,
    sync::{clock::Now, single_flight::Completion},
    verified_token::{Origin, VerifiedToken},
};

pub(crate) struct Introspector {
    settings: Settings,
    origin: Arc<Origin>,
    endpoint: Endpoint,
    fetch: Fetch,
    /// The timeout of one introspection request, including a fetch of the metadata.
    deadline: Duration,
    /// `None` if the random number generator is unavailable. No request is sent then.
    fingerprints: Option<Fingerprints>,
    responses: ResponseCache,
    permits: Permits,
    /// Locked only briefly, and never across an await.
    state: Mutex<State>,
}

struct State {
    limits: RateLimits,
    in_flight: HashMap<Fingerprint, Request>,
    last_id: u64,
}

/// An introspection request in flight, shared by all HTTP requests that wait for its result.
#[derive(Clone)]
struct Request {
    id: u64,
    reason: IntrospectionReason,
    class: Class,
    completion: Arc<Completion>,
    /// The result for the HTTP requests that wait. They do not read it from the cache, because the cache
    /// may evict a response at any time.
    result: Arc<OnceLock<Result<Arc<IntrospectionResponse>, VerifyError>>>,
}

impl Introspector {
    /// Returns an introspector without cached responses. Sends no request. `jitter` is a random number.
    pub(crate) fn new(
        settings: Settings,
        origin: Arc<Origin>,
        metadata: Metadata,
        fetch: Fetch,
        deadline: Duration,
        jitter: u64,
    ) -> Self {
        Self {
            endpoint: Endpoint::new(settings.endpoint.clone(), metadata),
            fingerprints: Fingerprints::new(),
            responses: ResponseCache::new(settings.max_age),
            permits: Permits::new(settings.max_in_flight),
            state: Mutex::new(State {
                limits: RateLimits::new(settings.rate, settings.unverified_rate, jitter),
                in_flight: HashMap::new(),
                last_id: 0,
            }),
            settings,
            origin,
            fetch,
            deadline,
        }
    }

    /// Returns whether the settings require introspection for this reason.
    pub(crate) fn introspects(&self, reason: IntrospectionReason) -> bool {
        self.settings.introspects(reason)
    }

    /// Returns the cached response about the token, or `None` if there is none that meets the requirement
    /// at `now`. Does not wait and changes nothing.
    pub(crate) fn find(
        &self,
        token: &[u8],
        required: RequiredResponse<'_>,
        now: Now,
    ) -> Option<Arc<IntrospectionResponse>> {
        let fingerprint = self.fingerprints.as_ref()?.of(token)?;
        self.find_by(fingerprint, required, now)
    }

    /// Returns whether a recent response reported the token as inactive, whatever the reason for the
    /// introspection was.
    pub(crate) fn reported_inactive(&self, token: &[u8], now: Now) -> bool {
        let of = |fingerprints: &Fingerprints| fingerprints.of(token);
        self.responses.any_inactive()
            && self
                .fingerprints
                .as_ref()
                .and_then(of)
                .is_some_and(|fingerprint| self.responses.is_inactive(fingerprint, now))
    }

    /// Returns whether the issuer has accepted any token so far. Until then, its settings may be the reason why it
    /// reports every token as inactive, so that this must not have lasting effects.
    pub(crate) fn has_accepted_any(&self) -> bool {
        self.responses.any_active()
    }

    fn find_by(
        &self,
        fingerprint: Fingerprint,
        required: RequiredResponse<'_>,
        now: Now,
    ) -> Option<Arc<IntrospectionResponse>> {
        self.responses
            .find(fingerprint, |response| response.meets(required, now))
    }

    /// Returns a response that meets the requirement, and sends an introspection request if necessary.
    ///
    /// # Errors
    ///
    /// Returns an error if the token is malformed, if no request may be sent because of a rate limit or a
    /// back-off, if the request fails or is abandoned, or if the process has no tokio runtime or no random
    /// number generator.
    pub(crate) async fn introspect(
        self: &Arc<Self>,
        token: &[u8],
        required: RequiredResponse<'_>,
    ) -> Result<Arc<IntrospectionResponse>, VerifyError> {
        let fingerprint = self.fingerprints.as_ref().and_then(|it| it.of(token));
        let fingerprint = fingerprint.ok_or_else(|| retry_now(UnavailableReason::NoRandomness))?;
        // The form is built from a `str`. A token is ASCII, so this fails only for a malformed token.
        let token = std::str::from_utf8(token).map_err(|_| MalformedTokenError::Alphabet)?;
        for _ in 0..MAX_ROUNDS {
            let now = Now::read();
            if let Some(response) = self.find_by(fingerprint, required, now) {
                return Ok(response);
            }
            let request = match self.join(fingerprint, required, now)? {
                Role::Follower(request) => request,
                Role::Leader(leader) => leader.send(token).await?,
            };
            // `timeout` would panic without a runtime, and the caller may be on another executor.
            if Handle::try_current().is_err() {
                return Err(retry_now(UnavailableReason::NoRuntime));
            }
            // The wait for permits and the task each have the timeout `deadline`. This longer timeout is
            // reached only if the runtime of the task is blocked.
            let wait = request.completion.clone().wait();
            if timeout(2 * self.deadline + GRACE, wait).await.is_err() {
                self.abandon(fingerprint, request.id);
            }
            match request.result.get() {
                Some(Ok(response)) if response.meets(required, Now::read()) => {
                    return Ok(response.clone());
                }
                Some(Err(error)) => return Err(error.clone()),
                // The response does not meet the requirement, or the request ended without a result. Try
                // again.
                Some(Ok(_)) | None => {}
            }
        }
        Err(retry_now(UnavailableReason::Abandoned))
    }

    /// Introspects a token that this method invents, whatever the settings say which tokens are introspected.
    ///
    /// # Errors
    ///
    /// Returns an error unless the issuer responds that the token is inactive.
    pub(crate) async fn check(&self) -> Result<(), UnavailableReason> {
        // The timer and the HTTP client would panic without a runtime.
        if Handle::try_current().is_err() {
            return Err(UnavailableReason::NoRuntime);
        }
        let mut span = FetchSpan::nested(self.issuer(), "introspection");
        let introspected = timeout(self.deadline, self.introspect_invented_token());
        let result = introspected.instrument(span.span()).await;
        let result = result.unwrap_or(Err(UnavailableReason::Timeout));
        span.record(&result);
        result
    }

    async fn introspect_invented_token(&self) -> Result<(), UnavailableReason> {
        let (settings, began) = (&self.settings, Now::read());
        let url = self.endpoint.location.locate(&self.fetch, began).await?;
        let token = format!("invented-{:016x}", random_u64());
        let parameters = [("token", &*token), ("token_type_hint", "access_token")];
        let form = settings.auth.form(&url, &parameters, began.unix)?;
        let body = self.fetch.post(&url, &form, MAX_RESPONSE).await?;
        let (origin, reason) = (&self.origin, IntrospectionReason::Opaque);
        let (max_age, now) = (settings.max_age, Now::read());
        match IntrospectionResponse::parse(&body, origin, reason, max_age, began, now)?.result {
            Err(VerifyError::Inactive) => Ok(()),
            // An endpoint that calls any token active protects nothing.
            Ok(_) | Err(_) => Err(UnavailableReason::Malformed {
                document: "introspection response",
            }),
        }
    }

    /// Joins the request in flight about this token, or begins one.
    fn join(
        self: &Arc<Self>,
        fingerprint: Fingerprint,
        required: RequiredResponse<'_>,
        now: Now,
    ) -> Result<Role, VerifyError> {
        let mut state = self.lock();
        if let Some(request) = state.in_flight.get(&fingerprint) {
            return Ok(Role::Follower(request.clone()));
        }
        // A response may have arrived between the look-up and the lock.
        if let Some(response) = self.find_by(fingerprint, required, now) {
            return Ok(Role::Follower(Request::completed(response)));
        }
        if let Some((retry_after, source)) = self.responses.back_off(fingerprint, now) {
            return Err(VerifyError::unavailable(retry_after, source));
        }
        let (class, owner) = self.class(fingerprint, required);
        let admission = state.limits.admit(class, owner, now);
        let admission = admission.inspect_err(|_| self.counters().not_sent())?;
        state.last_id += 1;
        let request = Request {
            id: state.last_id,
            reason: required.reason,
            class,
            completion: Arc::default(),
            result: Arc::default(),
        };
        state.in_flight.insert(fingerprint, request.clone());
        Ok(Role::Leader(Leader {
            introspector: self.clone(),
            fingerprint,
            admission,
            client: owner.map(|owner| owner.client),
            request: Some(request),
        }))
    }

    fn class(
        &self,
        fingerprint: Fingerprint,
        required: RequiredResponse<'_>,
    ) -> (Class, Option<TokenOwner>) {
        if let Some(token) = required.verified {
            return (Class::Verified, Some(self.owner(token)));
        }
        match self.responses.owner(fingerprint) {
            Some(owner) => (Class::PreviouslyActive, Some(owner)),
            None => (Class::Unverified, None),
        }
    }

    fn owner(&self, token: &VerifiedToken) -> TokenOwner {
        let client = token.client_id().unwrap_or_default();
        let hash = |names: &[&str]| {
            let fingerprint = self.fingerprints.as_ref().and_then(|it| it.of_all(names));
            u128::from_ne_bytes(fingerprint.unwrap_or_default()) as u64
        };
        TokenOwner {
            client: hash(&[client]),
            subject: hash(&[client, &token.owner()]),
        }
    }

    /// Removes the request from those in flight, so that the next look-up begins another one.
    fn abandon(&self, fingerprint: Fingerprint, id: u64) {
        self.lock().end(fingerprint, id);
    }

    fn counters(&self) -> &Introspections {
        self.origin.counters.introspections()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the issuer, as configured.
    fn issuer(&self) -> &str {
        &self.origin.expected.issuer
    }

    /// Returns the state of introspection. Performs no I/O.
    pub(crate) fn health(&self, now: Now) -> IntrospectionHealth {
        let state = self.lock();
        let limits = &state.limits;
        let outage = limits.outage(now);
        IntrospectionHealth {
            state: match outage {
                Some(Outage {
                    retry_after,
                    credentials_rejected: true,
                    ..
                }) => IntrospectionState::CredentialsRejected { retry_after },
                Some(Outage { retry_after, .. }) => IntrospectionState::Unavailable { retry_after },
                None if limits.last_success().is_some() => IntrospectionState::Available,
                None => IntrospectionState::Unused,
            },
            in_flight: self.permits.in_use(),
            last_success: limits.last_success().map(Now::wall),
            last_error: outage.map(|outage| outage.error.clone()),
        }
    }
}

/// The role of an HTTP request in a shared introspection request.
enum Role {
    Follower(Request),
    Leader(Leader),
}

/// The HTTP request that begins the introspection request. If it is dropped before the task is spawned, the
/// followers are woken, and one of them begins another introspection request.
struct Leader {
    introspector: Arc<Introspector>,
    fingerprint: Fingerprint,
    admission: Admission,
    /// The hash of the token's client.
    client: Option<u64>,
    request: Option<Request>,
}

impl Leader {
    /// Acquires the permits and spawns the task of the request.
    async fn send(mut self, token: &str) -> Result<Request, VerifyError> {
        let held = match self.permits().await {
            Ok(held) => held,
            Err(error) => {
                // The followers get the same error, so that they do not wait for the permits one after
                // another.
                if let Some(request) = &self.request {
                    let _ = request.result.set(Err(error.clone()));
                }
                return Err(error);
            }
        };
        let runtime = Handle::try_current().map_err(|_| retry_now(UnavailableReason::NoRuntime))?;
        let request =
            (self.request.take()).ok_or_else(|| retry_now(UnavailableReason::Abandoned))?;
        let task = Task {
            introspector: self.introspector.clone(),
            fingerprint: self.fingerprint,
            request: request.clone(),
            sent: AtomicBool::new(false),
            span: FetchSpan::detached(self.introspector.issuer(), "introspection"),
            _held: held,
        };
        let span = task.span.span();
        runtime.spawn(task.run(token.to_owned(), Now::read()).instrument(span));
        Ok(request)
    }

    async fn permits(&self) -> Result<HeldPermits, VerifyError> {
        let introspector = &self.introspector;
        if let Some(held) = introspector
            .permits
            .try_acquire(self.admission, self.client)
        {
            return Ok(held); // Without a wait, the admission by the rate limits is still valid.
        }
        let busy = || {
            VerifyError::unavailable(
                introspector.deadline,
                UnavailableReason::IntrospectionRateLimit,
            )
        };
        if Handle::try_current().is_err() {
            return Err(busy());
        }
        let wait = introspector.permits.acquire(self.admission, self.client);
        let Ok(Some(held)) = timeout(introspector.deadline, wait).await else {
            return Err(busy());
        };
        // Other requests may have failed during the wait for the permits, so that the class pauses now.
        let class = self.request.as_ref().map(|request| request.class);
        let denied = class.and_then(|class| introspector.lock().limits.pause(class, Now::read()));
        match denied {
            None => Ok(held),
            Some(denied) => Err(denied.into()),
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            self.introspector.abandon(self.fingerprint, request.id);
            request.completion.complete();
        }
    }
}

/// The task of a request in flight. When the task is dropped, for whatever reason, all HTTP requests that
/// wait for it are woken.
struct Task {
    introspector: Arc<Introspector>,
    fingerprint: Fingerprint,
    request: Request,
    /// Whether the token may have reached the endpoint.
    sent: AtomicBool,
    span: FetchSpan,
    _held: HeldPermits,
}

impl Task {
    async fn run(mut self, token: String, began: Now) {
        let deadline = self.introspector.deadline;
        let result = timeout(deadline, self.perform(&token, began))
            .await
            .unwrap_or(Err(UnavailableReason::Timeout));
        // If the process was suspended, the failure says nothing about the endpoint. The drop of this task
        // then abandons the request, and a follower begins another one.
        if result.is_err() && Now::read().shows_suspension(began, deadline) {
            return;
        }
        self.span.record(&result);
        self.finish(result, began);
    }

    /// Sends the request (RFC 7662 §2.1). The server may ignore `token_type_hint`, so the kind of token is
    /// checked in the response.
    async fn perform(
        &self,
        token: &str,
        began: Now,
    ) -> Result<IntrospectionResponse, UnavailableReason> {
        let introspector = &*self.introspector;
        let settings = &introspector.settings;
        let url = introspector
            .endpoint
            .location
            .locate(&introspector.fetch, began)
            .await?;
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let form = settings.auth.form(&url, &parameters, began.unix)?;
        self.sent.store(true, Ordering::Relaxed);
        let response = introspector.fetch.post(&url, &form, MAX_RESPONSE).await;
        match &response {
            Err(UnavailableReason::Connect { .. }) => self.sent.store(false, Ordering::Relaxed),
            // A response such as 404 does not count for an unverified token, because a stranger may have
            // invented the token.
            Err(error) if error.is_moved() && self.request.class != Class::Unverified => {
                introspector.endpoint.rediscover(Now::read());
            }
            _ => {}
        }
        IntrospectionResponse::parse(
            &response?,
            &introspector.origin,
            self.request.reason,
            settings.max_age,
            began,
            Now::read(),
        )
    }

    /// Removes the request in flight and caches its response under one lock, so that a concurrent look-up
    /// finds either the request or the response.
    fn finish(&self, result: Result<IntrospectionResponse, UnavailableReason>, began: Now) {
        let introspector = &*self.introspector;
        let code = result.as_ref().err().map(UnavailableReason::code);
        let took = Now::read().since(began);
        introspector.counters().complete(code, took);
        let Request {
            id,
            class,
            result: slot,
            ..
        } = &self.request;
        let mut state = introspector.lock();
        let current = state.end(self.fingerprint, *id);
        let (change, failure) = match result {
            Ok(response) => {
                let response = Arc::new(response);
                // A response that comes too late must not replace a newer one.
                if current {
                    let owner = match (class, &response.result) {
                        (Class::PreviouslyActive | Class::Unverified, Ok(token)) => {
                            Some(introspector.owner(token))
                        }
                        _ => None,
                    };
                    introspector.responses.insert(
                        self.fingerprint,
                        *class,
                        response.clone(),
                        owner,
                    );
                }
                let is_active = !matches!(response.result, Err(VerifyError::Inactive));
                let _ = slot.set(Ok(response));
                let suspicion = state.limits.answered(*class, is_active);
                (state.limits.succeeded(*class, began).or(suspicion), None)
            }
            Err(error) => {
                let (consequence, retry_after) =
                    self.record_failure(&mut state, &error, current, began, Now::read());
                let _ = slot.set(Err(VerifyError::unavailable(retry_after, error.clone())));
                (consequence.change, Some(error))
            }
        };
        // The lock is released first, because a tracing subscriber is foreign code.
        drop(state);
        let issuer = introspector.issuer();
        match (change, &failure) {
            (Some(StateChange::CredentialsRejected), Some(error)) => {
                let cause = cause(error);
                tracing::error!(issuer, %error, cause, "introspection credentials rejected");
            }
            (Some(StateChange::Failed), Some(error)) => {
                let cause = cause(error);
                tracing::warn!(issuer, %error, cause, "introspection request failed");
            }
            (Some(StateChange::OnlyInactive), _) => tracing::warn!(
                issuer,
                "introspection has reported every token as inactive so far, although their signatures are valid; check that the client of this service may introspect them (Keycloak: it must be in the token's aud)"
            ),
            (Some(StateChange::Recovered), _) => tracing::info!(issuer, "introspection recovered"),
            (None, Some(error)) => {
                let cause = cause(error);
                tracing::debug!(issuer, %error, cause, "introspection failed for a single token");
            }
            _ => {}
        }
    }

    /// Records the failure for the class and, if the token was sent, for the token. Returns the effects on
    /// the class and how long no request about this token is sent.
    fn record_failure(
        &self,
        state: &mut State,
        error: &UnavailableReason,
        current: bool,
        began: Now,
        now: Now,
    ) -> (Consequence, Duration) {
        let class = self.request.class;
        let failure = Failure {
            class,
            token: self.fingerprint,
            sent: self.sent.load(Ordering::Relaxed),
            error,
            began,
        };
        let consequence = state.limits.failed(failure, now);
        let responses = &self.introspector.responses;
        let back_off = (current && failure.sent)
            .then(|| responses.record_failure(self.fingerprint, class, error.clone(), now));
        let retry_after = back_off.max(consequence.pause).unwrap_or_default();
        (consequence, retry_after)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The next request about this token would probably panic too, so the token backs off as after
            // any other failure.
            self.sent.store(true, Ordering::Relaxed);
            let now = Now::read();
            let mut state = self.introspector.lock();
            self.record_failure(&mut state, &UnavailableReason::Abandoned, true, now, now);
        }
        // After `finish`, `abandon` has no effect. Otherwise the task has panicked, was abandoned or was
        // dropped by the runtime.
        self.introspector.abandon(self.fingerprint, self.request.id);
        self.request.completion.complete();
    }
}

impl State {
    /// Removes the request from those in flight. Returns whether it was still there.
    fn end(&mut self, fingerprint: Fingerprint, id: u64) -> bool {
        let current = self
            .in_flight
            .get(&fingerprint)
            .is_some_and(|request| request.id == id);
        if current {
            self.in_flight.remove(&fingerprint);
        }
        current
    }
}

impl Request {
    fn completed(response: Arc<IntrospectionResponse>) -> Self {
        let completion = Arc::<Completion>::default();
        completion.complete();
        Self {
            id: 0,
            reason: response.reason,
            class: Class::Unverified,
            completion,
            result: Arc::new(OnceLock::from(Ok(response))),
        }
    }
}

impl From<Denied> for VerifyError {
    fn from(denied: Denied) -> Self {
        Self::unavailable(denied.retry_after, denied.source)
    }
}

fn retry_now(source: UnavailableReason) -> VerifyError {
    VerifyError::unavailable(Duration::ZERO, source)
}

/// Where introspection requests are sent. Metadata is fetched for the first introspection request and not
/// earlier: a service with pinned keys that introspects no token never needs it.
#[derive(Debug)]
struct Endpoint {
    location: Location,
    /// When `rediscover` last requested new metadata.
    moved_at: Mutex<Option<Now>>,
}

impl Endpoint {
    fn new(configured: Option<String>, metadata: Metadata) -> Self {
        Self {
            location: Location::introspection_endpoint(configured, metadata),
            moved_at: Mutex::default(),
        }
    }

    /// Makes the next request fetch the metadata again, because the endpoint seems to have moved. This
    /// happens at most once in five minutes, because some servers also respond with 404 to a token that
    /// they no longer store.
    fn rediscover(&self, now: Now) {
        let mut moved_at = self.moved_at.lock().unwrap_or_else(PoisonError::into_inner);
        if moved_at.is_none_or(|last| now.since(last) >= REDISCOVERY_INTERVAL) {
            *moved_at = Some(now);
            self.location.moved();
        }
    }
}

/// Shows neither the credentials of this service nor any token.
impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Introspector").field(&self.settings).finish()
    }
}

/// The maximum number of introspection requests that one HTTP request waits for: the request in flight, the
/// request that the HTTP request begins itself, and two more in case these have no usable result.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);
const MAX_RESPONSE: usize = 64 * 1024;
const REDISCOVERY_INTERVAL: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
impl Introspector {
    /// Returns the numbers of active and of rejected tokens in the cache.
    pub(super) fn cached(&self) -> (u64, u64) {
        self.responses.counts()
    }
}
