//! Introspects the tokens of one issuer (RFC 7662 §2.1): one request per token at a time, each in a
//! task of its own that no caller can cancel, and never more than the gate admits.

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

use super::{
    Question, Settings,
    cache::Answers,
    endpoint::Endpoint,
    permits::{Held, Permits},
    rate_limits::{
        Admission, Caller, Class, Closed, Consequence, Failure, News, Outage as Trouble,
        RateLimits as Gate,
    },
    response::{Checked, Want},
};
use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::{MalformedTokenError, UnavailableReason, VerifyError, cause},
    health::{IntrospectionHealth, IntrospectionState},
    keys::Metadata,
    net::Fetch,
    sync::{clock::Now, single_flight::Flight},
    verified_token::{Origin, VerifiedToken},
};

pub(crate) struct Introspector {
    settings: Settings,
    origin: Arc<Origin>,
    endpoint: Endpoint,
    fetch: Fetch,
    /// For metadata and answer together.
    deadline: Duration,
    /// `None` without randomness: then nothing is sent.
    fingerprints: Option<Fingerprints>,
    answers: Answers,
    permits: Permits,
    /// Locked for moments only, and never across an await.
    state: Mutex<State>,
}

struct State {
    gate: Gate,
    in_flight: HashMap<Fingerprint, Request>,
    last_id: u64,
}

/// An introspection request, shared by all callers that wait for its result.
#[derive(Clone)]
struct Request {
    id: u64,
    question: Question,
    class: Class,
    flight: Arc<Flight>,
    /// The result, for the callers that wait: the cache promises to keep nothing.
    result: Arc<OnceLock<Result<Arc<Checked>, VerifyError>>>,
}

impl Introspector {
    /// `jitter` is a random number.
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
            answers: Answers::new(settings.max_age),
            permits: Permits::new(settings.max_in_flight),
            state: Mutex::new(State {
                gate: Gate::new(settings.rate, settings.unverified_rate, jitter),
                in_flight: HashMap::new(),
                last_id: 0,
            }),
            settings,
            origin,
            fetch,
            deadline,
        }
    }

    /// Whether the settings want tokens of this kind introspected.
    pub(crate) fn asks(&self, question: Question) -> bool {
        self.settings.introspects(question)
    }

    /// Returns the last answer if it is new enough for a request that has just arrived. Does not wait
    /// and has no effect.
    pub(crate) fn find(&self, token: &[u8], want: Want<'_>, now: Now) -> Option<Arc<Checked>> {
        let fingerprint = self.fingerprints.as_ref()?.of(token)?;
        self.find_by(fingerprint, want, now)
    }

    /// Whether the issuer has called the token inactive lately, in answer to any request.
    pub(crate) fn forbids(&self, token: &[u8], now: Now) -> bool {
        let of = |fingerprints: &Fingerprints| fingerprints.of(token);
        self.answers.any_inactive()
            && self
                .fingerprints
                .as_ref()
                .and_then(of)
                .is_some_and(|fingerprint| self.answers.forbid(fingerprint, now))
    }

    fn find_by(&self, fingerprint: Fingerprint, want: Want<'_>, now: Now) -> Option<Arc<Checked>> {
        self.answers
            .find(fingerprint, |checked| checked.holds(want, now))
    }

    /// Returns an answer that is new enough, and sends a request for it where it must.
    ///
    /// # Errors
    ///
    /// No answer could be had.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        token: &[u8],
        want: Want<'_>,
    ) -> Result<Arc<Checked>, VerifyError> {
        let fingerprint = self.fingerprints.as_ref().and_then(|it| it.of(token));
        let fingerprint = fingerprint.ok_or_else(|| at_once(UnavailableReason::NoRandomness))?;
        // The form carries text; a token is ASCII.
        let token = std::str::from_utf8(token).map_err(|_| MalformedTokenError::Alphabet)?;
        for _ in 0..MAX_ROUNDS {
            let now = Now::read();
            if let Some(checked) = self.find_by(fingerprint, want, now) {
                return Ok(checked);
            }
            let request = match self.join(fingerprint, want, now)? {
                Role::Follower(request) => request,
                Role::Leader(leader) => leader.send(token).await?,
            };
            if Handle::try_current().is_err() {
                return Err(at_once(UnavailableReason::NoRuntime));
            }
            // The leader waits for permits, and the task has a deadline of its own; this one is for a
            // task whose runtime stands still.
            let wait = request.flight.clone().wait();
            if timeout(2 * self.deadline + GRACE, wait).await.is_err() {
                self.abandon(fingerprint, request.id);
            }
            match request.result.get() {
                Some(Ok(checked)) if checked.holds(want, Now::read()) => {
                    return Ok(checked.clone());
                }
                Some(Err(error)) => return Err(error.clone()),
                // An answer to another question, too old for this caller, or no result.
                Some(Ok(_)) | None => {}
            }
        }
        Err(at_once(UnavailableReason::Abandoned))
    }

    /// Joins the request about this token, or begins it.
    fn join(
        self: &Arc<Self>,
        fingerprint: Fingerprint,
        want: Want<'_>,
        now: Now,
    ) -> Result<Role, VerifyError> {
        let mut state = self.lock();
        if let Some(request) = state.in_flight.get(&fingerprint) {
            return Ok(Role::Follower(request.clone()));
        }
        // An answer may have arrived between the look-up and the lock.
        if let Some(checked) = self.find_by(fingerprint, want, now) {
            return Ok(Role::Follower(Request::answered(checked)));
        }
        if let Some((retry_after, source)) = self.answers.is_put_off(fingerprint, now) {
            return Err(VerifyError::unavailable(retry_after, source));
        }
        let (class, caller) = self.class(fingerprint, want);
        let admission = state.gate.admit(class, caller, now)?;
        state.last_id += 1;
        let request = Request {
            id: state.last_id,
            question: want.question,
            class,
            flight: Arc::default(),
            result: Arc::default(),
        };
        state.in_flight.insert(fingerprint, request.clone());
        Ok(Role::Leader(Leader {
            introspector: self.clone(),
            fingerprint,
            admission,
            client: caller.map(|caller| caller.client),
            request: Some(request),
        }))
    }

    fn class(&self, fingerprint: Fingerprint, want: Want<'_>) -> (Class, Option<Caller>) {
        if let Some(token) = want.verified {
            return (Class::Verified, Some(self.caller(token)));
        }
        match self.answers.known(fingerprint) {
            Some(caller) => (Class::Known, Some(caller)),
            None => (Class::Unverified, None),
        }
    }

    fn caller(&self, token: &VerifiedToken) -> Caller {
        let client = token.client_id().unwrap_or_default();
        let hash = |names: &[&str]| {
            let fingerprint = self.fingerprints.as_ref().and_then(|it| it.of_all(names));
            u128::from_ne_bytes(fingerprint.unwrap_or_default()) as u64
        };
        Caller {
            client: hash(&[client]),
            subject: hash(&[client, token.subject()]),
        }
    }

    /// The request is over, or counts as over.
    fn abandon(&self, fingerprint: Fingerprint, id: u64) {
        self.lock().end(fingerprint, id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs no I/O.
    pub(crate) fn health(&self, now: Now) -> IntrospectionHealth {
        let state = self.lock();
        let gate = &state.gate;
        let trouble = gate.trouble(now);
        IntrospectionHealth {
            state: match trouble {
                Some(Trouble {
                    retry_after,
                    credentials_rejected: true,
                    ..
                }) => IntrospectionState::CredentialsRejected { retry_after },
                Some(Trouble { retry_after, .. }) => {
                    IntrospectionState::Unavailable { retry_after }
                }
                None if gate.last_success().is_some() => IntrospectionState::Available,
                None => IntrospectionState::Unused,
            },
            in_flight: self.permits.in_use(),
            last_success: gate.last_success().map(Now::wall),
            last_error: trouble.map(|trouble| trouble.error.clone()),
        }
    }
}

/// A caller's role in a shared request.
enum Role {
    Follower(Request),
    Leader(Leader),
}

/// The caller that starts a request. If it is dropped before the task is spawned, the followers are
/// woken, and one of them starts anew.
struct Leader {
    introspector: Arc<Introspector>,
    fingerprint: Fingerprint,
    admission: Admission,
    /// Whose token it is, as a hash.
    client: Option<u64>,
    request: Option<Request>,
}

impl Leader {
    /// Spawns the request's task as soon as there are permits.
    async fn send(mut self, token: &str) -> Result<Request, VerifyError> {
        let held = match self.permits().await {
            Ok(held) => held,
            Err(error) => {
                // The followers have waited as long.
                if let Some(request) = &self.request {
                    let _ = request.result.set(Err(error.clone()));
                }
                return Err(error);
            }
        };
        let runtime = Handle::try_current().map_err(|_| at_once(UnavailableReason::NoRuntime))?;
        let request = (self.request.take()).ok_or_else(|| at_once(UnavailableReason::Abandoned))?;
        let task = Task {
            introspector: self.introspector.clone(),
            fingerprint: self.fingerprint,
            request: request.clone(),
            sent: AtomicBool::new(false),
            _held: held,
        };
        runtime.spawn(task.run(token.to_owned(), Now::read()));
        Ok(request)
    }

    async fn permits(&self) -> Result<Held, VerifyError> {
        let introspector = &self.introspector;
        if let Some(held) = introspector.permits.at_once(self.admission, self.client) {
            return Ok(held); // The gate was open just now.
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
        let wait = introspector.permits.wait(self.admission, self.client);
        let Ok(Some(held)) = timeout(introspector.deadline, wait).await else {
            return Err(busy());
        };
        // The requests in flight may have failed meanwhile.
        let class = self.request.as_ref().map(|request| request.class);
        let closed = class.and_then(|class| introspector.lock().gate.closed(class, Now::read()));
        match closed {
            None => Ok(held),
            Some(closed) => Err(closed.into()),
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            self.introspector.abandon(self.fingerprint, request.id);
            request.flight.land();
        }
    }
}

/// A request in flight. However its task ends, those who wait are woken.
struct Task {
    introspector: Arc<Introspector>,
    fingerprint: Fingerprint,
    request: Request,
    /// Whether the token may have reached the endpoint.
    sent: AtomicBool,
    _held: Held,
}

impl Task {
    async fn run(self, token: String, began: Now) {
        let deadline = self.introspector.deadline;
        let result = timeout(deadline, self.perform(&token, began))
            .await
            .unwrap_or(Err(UnavailableReason::Timeout));
        // What fails while the process is suspended says nothing about the endpoint: the request is
        // abandoned when this is dropped, and those who wait begin another one.
        if result.is_err() && Now::read().shows_suspension(began, deadline) {
            return;
        }
        self.finish(result, began);
    }

    /// RFC 7662 §2.1. The hint does not bind the server; the answer tells which kind of token it found.
    async fn perform(&self, token: &str, began: Now) -> Result<Checked, UnavailableReason> {
        let introspector = &*self.introspector;
        let settings = &introspector.settings;
        let url = introspector
            .endpoint
            .url(&introspector.fetch, began)
            .await?;
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let form = settings.auth.form(&url, &parameters, began.unix)?;
        self.sent.store(true, Ordering::Relaxed);
        let answer = introspector.fetch.post(&url, &form, MAX_ANSWER).await;
        match &answer {
            Err(UnavailableReason::Connect { .. }) => self.sent.store(false, Ordering::Relaxed),
            // A stranger may have invented the token that the endpoint does not find.
            Err(error) if error.is_moved() && self.request.class != Class::Unverified => {
                introspector.endpoint.doubt(Now::read());
            }
            _ => {}
        }
        Checked::judge(
            &answer?,
            &introspector.origin,
            self.request.question,
            settings.max_age,
            began,
            Now::read(),
        )
    }

    /// Ends the request and publishes its answer under one lock: every caller finds one of the two.
    fn finish(&self, result: Result<Checked, UnavailableReason>, began: Now) {
        let introspector = &*self.introspector;
        let Request {
            id,
            class,
            result: slot,
            ..
        } = &self.request;
        let mut state = introspector.lock();
        let current = state.end(self.fingerprint, *id);
        let (news, failure) = match result {
            Ok(checked) => {
                let checked = Arc::new(checked);
                // An answer that comes too late must not replace a newer one.
                if current {
                    let caller = match (class, &checked.verdict) {
                        (Class::Known | Class::Unverified, Ok(token)) => {
                            Some(introspector.caller(token))
                        }
                        _ => None,
                    };
                    introspector.answers.remember(
                        self.fingerprint,
                        *class,
                        checked.clone(),
                        caller,
                    );
                }
                let _ = slot.set(Ok(checked));
                (state.gate.answered(*class, began), None)
            }
            Err(error) => {
                let (consequence, retry_after) =
                    self.failed(&mut state, &error, current, began, Now::read());
                let _ = slot.set(Err(VerifyError::unavailable(retry_after, error.clone())));
                (consequence.news, Some(error))
            }
        };
        // A subscriber is foreign code: it does not run under the lock.
        drop(state);
        let issuer = &*introspector.origin.expected.issuer;
        match (news, &failure) {
            (Some(News::CredentialsRejected), Some(error)) => {
                let cause = cause(error);
                tracing::error!(issuer, %error, cause, "introspection credentials rejected");
            }
            (Some(News::Failed), Some(error)) => {
                let cause = cause(error);
                tracing::warn!(issuer, %error, cause, "introspection request failed");
            }
            (Some(News::Recovered), _) => tracing::info!(issuer, "introspection recovered"),
            (None, Some(error)) => {
                let cause = cause(error);
                tracing::debug!(issuer, %error, cause, "introspection failed for a single token");
            }
            _ => {}
        }
    }

    /// Returns what follows, and how long no request about this token is sent.
    fn failed(
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
        let consequence = state.gate.failed(failure, now);
        let answers = &self.introspector.answers;
        let put_off = (current && failure.sent)
            .then(|| answers.put_off(self.fingerprint, class, error.clone(), now));
        let retry_after = put_off.max(consequence.pause).unwrap_or_default();
        (consequence, retry_after)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The next request would panic too: this token is put off, as after any other failure.
            self.sent.store(true, Ordering::Relaxed);
            let now = Now::read();
            let mut state = self.introspector.lock();
            self.failed(&mut state, &UnavailableReason::Abandoned, true, now, now);
        }
        // Has no effect after `finish`; otherwise the runtime has dropped the task.
        self.introspector.abandon(self.fingerprint, self.request.id);
        self.request.flight.land();
    }
}

impl State {
    /// Returns whether the request was still the current one about its token.
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
    fn answered(checked: Arc<Checked>) -> Self {
        let flight = Arc::<Flight>::default();
        flight.land();
        Self {
            id: 0,
            question: checked.question,
            class: Class::Unverified,
            flight,
            result: Arc::new(OnceLock::from(Ok(checked))),
        }
    }
}

impl From<Closed> for VerifyError {
    fn from(closed: Closed) -> Self {
        Self::unavailable(closed.retry_after, closed.source)
    }
}

fn at_once(source: UnavailableReason) -> VerifyError {
    VerifyError::unavailable(Duration::ZERO, source)
}

/// Shows neither our credentials nor any token.
impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Introspector").field(&self.settings).finish()
    }
}

/// For the request in flight, one of the caller's own, and one more for each that brought no result.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);
const MAX_ANSWER: usize = 64 * 1024;

#[cfg(test)]
impl Introspector {
    /// The number of active answers in the cache, and of refusals.
    pub(super) fn remembered(&self) -> (u64, u64) {
        self.answers.counts()
    }
}
