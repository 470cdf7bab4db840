//! The issuers that the [`IssuerResolver`](super::IssuerResolver) has found, and the calls to it. At most one
//! call per issuer is in flight. A call runs in a separate task, so a dropped request does not cancel it.
//!
//! Anyone can invent an issuer that a pattern allows. Issuers that are not cached therefore share a rate
//! limit, and what is stored about them is bounded and has no text of a token. Only an issuer whose settings
//! the resolver has returned enters the cache of issuers.

mod call;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

use moka::sync::Cache;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use self::call::{Call, CallError, Failure, Reports, Resolved, Task};
use super::{
    Verifier,
    active_issuer::{ActiveIssuer, Lease, Notes},
    decision_error::DecisionError,
    issuer_resolver::Settings,
    issuers::Issuers,
};
use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::{ConfigError, UnavailableReason, VerifyError},
    issuer::Issuer,
    net::Clients,
    sync::{
        clock::{End, Now},
        token_bucket::TokenBucket,
    },
    verified_token::VerifiedToken,
};

pub(super) struct ResolvedIssuers {
    settings: Settings,
    fingerprints: Fingerprints,
    /// The last result about each issuer that is not cached, unless it was its settings.
    results: Cache<Fingerprint, LastResult>,
    in_flight: Arc<Semaphore>,
    /// Three quarters of all permits, for issuers that are not cached. The others are left to the refreshes
    /// of cached issuers.
    new_in_flight: Arc<Semaphore>,
    /// The times of the leases are relative to this one.
    started: Instant,
    /// Locked only briefly, and never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cached: HashMap<Box<str>, CachedIssuer>,
    calls: HashMap<Box<str>, Call>,
    /// The rate limit of the issuers that are not cached.
    bucket: TokenBucket,
    last_id: u64,
    reports: Reports,
}

struct CachedIssuer {
    issuer: Arc<ActiveIssuer>,
    /// The failures since the settings were resolved last.
    failure: Option<Failure>,
}

#[derive(Clone)]
enum LastResult {
    /// The issuer does not exist.
    Unknown {
        until: End,
    },
    Failed(Failure),
}

impl ResolvedIssuers {
    /// # Errors
    ///
    /// Returns an error if the random number generator is unavailable.
    pub(super) fn new(settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
            // moka's time to live only limits the memory, because a look-up checks the clock of the request.
            results: Cache::builder()
                .max_capacity(MAX_RESULTS)
                .time_to_live(settings.unknown_ttl.max(FAILURE_TTL))
                .build(),
            in_flight: Arc::new(Semaphore::new(settings.max_in_flight)),
            new_in_flight: Arc::new(Semaphore::new(settings.max_in_flight * 3 / 4)),
            started: Now::read().instant,
            state: Mutex::default(),
            settings,
        })
    }

    /// Returns the issuer of an unverified `iss` that is not configured, or `None` if the resolver must be
    /// called first. Begins no call that the request would wait for. If the settings are cached, it may begin
    /// a call in the background.
    ///
    /// # Errors
    ///
    /// Returns an error if no pattern allows the issuer, if the resolver has recently reported that it does
    /// not exist, or if no call may be made now.
    pub(super) fn find(
        self: &Arc<Self>,
        verifier: &Verifier,
        iss: &str,
        now: Now,
    ) -> Result<Option<Arc<ActiveIssuer>>, VerifyError> {
        if self.settings.pattern_of(iss).is_none() {
            return Err(VerifyError::UnknownIssuer);
        }
        let state = self.lock();
        if let Some(issuer) = state.current(iss, now) {
            let issuer = issuer.clone();
            self.use_at(state, verifier, &issuer, now);
            return Ok(Some(issuer));
        }
        match self.obstacle(&state, iss, now) {
            Some(error) => Err(error),
            None => Ok(None),
        }
    }

    /// Returns whether the settings of the issuer may still be used. If so, does what
    /// [`keep_current`](Self::keep_current) does.
    pub(super) fn is_current(
        self: &Arc<Self>,
        verifier: &Verifier,
        issuer: &Arc<ActiveIssuer>,
        now: Now,
    ) -> bool {
        let lease = issuer.lease.as_ref();
        let is_current = lease.is_none_or(|lease| lease.is_current(now));
        if is_current {
            self.keep_current(verifier, issuer, now);
        }
        is_current
    }

    /// Records that a token of the issuer is in use. May begin a call in the background.
    pub(super) fn keep_current(
        self: &Arc<Self>,
        verifier: &Verifier,
        issuer: &Arc<ActiveIssuer>,
        now: Now,
    ) {
        let Some(lease) = &issuer.lease else {
            return;
        };
        match lease.is_due(now) {
            false => lease.use_at(self.second(now)),
            true => match self.state.try_lock() {
                Ok(state) => self.use_at(state, verifier, issuer, now),
                Err(TryLockError::Poisoned(state)) => {
                    self.use_at(state.into_inner(), verifier, issuer, now);
                }
                // Another request holds the lock. The next one begins the call.
                Err(TryLockError::WouldBlock) => lease.use_at(self.second(now)),
            },
        }
    }

    /// Records that a token selected the issuer. Begins a call if the settings should be resolved again.
    fn use_at(
        self: &Arc<Self>,
        state: MutexGuard<'_, State>,
        verifier: &Verifier,
        issuer: &Arc<ActiveIssuer>,
        now: Now,
    ) {
        let Some(lease) = &issuer.lease else {
            return;
        };
        lease.use_at(self.second(now));
        let iss = issuer.url();
        let is_cached = (state.cached.get(iss))
            .is_some_and(|it| Arc::ptr_eq(&it.issuer, issuer) && it.back_off(now).is_none());
        if lease.is_due(now) && is_cached && !state.calls.contains_key(iss) {
            // Without a runtime no call begins, but the settings are used until their lease ends.
            let _ = self.begin(state, verifier, iss);
        }
    }

    /// Calls the resolver for an `iss` that `find` returned `None` for, or waits for the call in flight.
    /// When it returns `Ok`, the issuer is cached or has been configured.
    ///
    /// # Errors
    ///
    /// Returns an error if the issuer does not exist, if no call may be made now, if the call fails or is
    /// abandoned, or if the process has no tokio runtime.
    pub(super) async fn resolve(
        self: &Arc<Self>,
        verifier: &Verifier,
        iss: &str,
    ) -> Result<(), VerifyError> {
        for _ in 0..MAX_ROUNDS {
            // `timeout` would panic without a runtime, and the caller may be on another executor.
            if Handle::try_current().is_err() {
                return Err(retry_now(UnavailableReason::NoRuntime));
            }
            let Some(call) = self.join(verifier, iss, Now::read())? else {
                return Ok(());
            };
            // The wait for the permits and the call each have a timeout. This longer timeout is reached only
            // if the runtime of the task is blocked.
            let wait = call.completion.clone().wait();
            if timeout(2 * self.settings.timeout + GRACE, wait)
                .await
                .is_err()
            {
                self.lock().end(iss, call.id);
            }
            if let Some(result) = call.result.get() {
                return result.clone();
            }
        }
        Err(retry_now(UnavailableReason::Abandoned))
    }

    /// Joins the call in flight about this issuer, or begins one. Returns `None` if the issuer is cached.
    fn join(
        self: &Arc<Self>,
        verifier: &Verifier,
        iss: &str,
        now: Now,
    ) -> Result<Option<Call>, VerifyError> {
        let mut state = self.lock();
        if state.current(iss, now).is_some() {
            return Ok(None);
        }
        if let Some(call) = state.calls.get(iss) {
            return Ok(Some(call.clone()));
        }
        if let Some(error) = self.obstacle(&state, iss, now) {
            return Err(error);
        }
        if !state.cached.contains_key(iss) {
            state.bucket.take(self.settings.rate, now.instant);
        }
        self.begin(state, verifier, iss).map(Some)
    }

    /// Returns why no call about this issuer may be made now, or `None` if it may be made or is in flight.
    fn obstacle(&self, state: &State, iss: &str, now: Now) -> Option<VerifyError> {
        if state.calls.contains_key(iss) {
            return None;
        }
        if let Some(cached) = state.cached.get(iss) {
            return cached.back_off(now);
        }
        let Some(fingerprint) = self.fingerprints.of(iss.as_bytes()) else {
            return Some(retry_now(UnavailableReason::NoRandomness));
        };
        let obstacle = match self.results.get(&fingerprint) {
            Some(LastResult::Unknown { until }) => {
                now.is_before(until).then_some(VerifyError::UnknownIssuer)
            }
            Some(LastResult::Failed(failure)) => failure.back_off(now),
            None => None,
        };
        obstacle.or_else(|| {
            let wait = state.bucket.wait(self.settings.rate, 0, now.instant)?;
            let reason = UnavailableReason::IssuerResolverRateLimit;
            Some(VerifyError::unavailable(wait, reason))
        })
    }

    /// Begins a call in a task of the current runtime.
    fn begin(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        verifier: &Verifier,
        iss: &str,
    ) -> Result<Call, VerifyError> {
        // `tokio::spawn` would panic if the caller has no runtime.
        let runtime = Handle::try_current().map_err(|_| retry_now(UnavailableReason::NoRuntime))?;
        state.last_id += 1;
        let call = Call {
            id: state.last_id,
            completion: Arc::default(),
            result: Arc::default(),
        };
        state.calls.insert(iss.into(), call.clone());
        let task = Task {
            issuers: self.clone(),
            verifier: verifier.clone(),
            iss: iss.into(),
            is_cached: state.cached.contains_key(iss),
            call: call.clone(),
        };
        // The lock is released first: a runtime that is shutting down drops the task in `spawn`, and the
        // drop of the task takes the lock.
        drop(state);
        runtime.spawn(task.run());
        Ok(call)
    }

    /// Acquires the permits of a call, in the same order for all calls.
    async fn permits(&self, is_cached: bool) -> Option<Vec<OwnedSemaphorePermit>> {
        let mut permits = Vec::with_capacity(2);
        if !is_cached {
            permits.push(self.new_in_flight.clone().acquire_owned().await.ok()?);
        }
        permits.push(self.in_flight.clone().acquire_owned().await.ok()?);
        Some(permits)
    }

    /// Builds the issuer from the settings that the resolver returned. A cached issuer with the same
    /// settings is reused.
    fn build(
        &self,
        verifier: &Verifier,
        clients: &mut Clients,
        iss: &str,
        settings: Issuer,
        began: Now,
    ) -> Result<(Arc<ActiveIssuer>, Option<Notes>), CallError> {
        let former = self.lock().cached.get(iss).map(|it| it.issuer.clone());
        if let Some(former) = &former
            && former.settings == settings.clone().without_snapshot()
        {
            return Ok((former.clone(), None));
        }
        let lease = Some(Lease::new(self.settings.ttl, began));
        let shared = former
            .filter(|it| it.settings.has_keys_of(&settings))
            .map(|it| it.keys.clone());
        // The counters are those of the pattern, because the text within it may be a stranger's.
        let Some(counters) = self.settings.counters_of(iss).cloned() else {
            return Err(CallError::Settings(
                "no pattern allows the issuer".to_owned(),
            ));
        };
        let counters = |_: &str| counters;
        let challenges = verifier.challenges();
        let revocations = verifier.0.revocations.as_ref();
        let built = ActiveIssuer::build(
            settings,
            lease,
            shared,
            counters,
            clients,
            challenges,
            revocations,
        );
        let (issuer, notes) = built.map_err(|error| {
            let problem = error.to_string();
            CallError::Settings(self.settings.without_place(iss, &problem))
        })?;
        let expected = &issuer.origin.expected;
        let problem = if *expected.issuer != *iss {
            "the URL differs from the `iss` that was passed to the resolver; write it exactly as it was passed"
        } else if !expected.aliases.is_empty() {
            "a resolved issuer has one name; remove .also_known_as(..)"
        } else if expected.tenants.is_some() {
            "a resolved issuer has one tenant; use .issuer(..) for an issuer with several tenants"
        } else {
            return Ok((issuer, Some(notes)));
        };
        Err(CallError::Settings(problem.to_owned()))
    }

    /// Records the result of a call. The lease of the settings counts from its beginning.
    fn finish(
        &self,
        verifier: &Verifier,
        iss: &str,
        call: &Call,
        began: Now,
        result: Result<Option<Issuer>, CallError>,
    ) {
        // While this lock is held, the configured issuers are not replaced and no other call ends.
        let mut clients = verifier.clients();
        let now = Now::read();
        let result: Result<Resolved, CallError> = match result {
            Ok(Some(settings)) => self
                .build(verifier, &mut clients, iss, settings, began)
                .map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let mut state = self.lock();
        // A result that comes too late must not replace a newer one.
        if !state.end(iss, call.id) {
            return;
        }
        let mut retired = Vec::new();
        let mut notes = None;
        let mut event = None;
        let outcome = if is_configured(&verifier.configured(), iss) {
            retired.extend(state.cached.remove(iss));
            Ok(())
        } else {
            event = state.reports.event(&result, now);
            match result {
                Ok(Some((issuer, new_notes))) => {
                    notes = new_notes;
                    if let Some(lease) = &issuer.lease {
                        lease.renew(self.settings.ttl, began);
                        lease.use_at(self.second(now));
                    }
                    retired = self.store(&mut state, iss, issuer);
                    Ok(())
                }
                Ok(None) => {
                    retired.extend(state.cached.remove(iss));
                    let until = now.plus(self.settings.unknown_ttl);
                    self.record(iss, LastResult::Unknown { until });
                    Err(VerifyError::UnknownIssuer)
                }
                Err(CallError::Busy) => Err(VerifyError::unavailable(
                    self.settings.timeout,
                    UnavailableReason::IssuerResolverRateLimit,
                )),
                Err(CallError::Failed(reason)) => Err(self.failed(&mut state, iss, reason, now)),
                Err(CallError::Settings(_)) => {
                    let reason = UnavailableReason::ResolvedIssuer;
                    Err(self.failed(&mut state, iss, reason, now))
                }
            }
        };
        // The new settings are stored before the old ones are retired: a request that finds its settings
        // retired begins again, and must then find the new ones.
        for cached in &retired {
            cached.issuer.retirement.retire();
        }
        let _ = call.result.set(outcome);
        // The locks are released first, because wakers and a tracing subscriber are foreign code.
        drop(state);
        drop(clients);
        if !retired.is_empty() {
            verifier.evict_retired();
        }
        for cached in &retired {
            cached.issuer.retirement.wake();
        }
        if let Some(event) = event {
            event.log(self.settings.pattern_of(iss).unwrap_or_default());
        }
        if let Some(notes) = notes {
            notes.log();
        }
    }

    /// Stores an issuer, and returns those that it replaces. If the cache is full, the issuer that was used
    /// least recently is evicted.
    fn store(&self, state: &mut State, iss: &str, issuer: Arc<ActiveIssuer>) -> Vec<CachedIssuer> {
        if let Some(fingerprint) = self.fingerprints.of(iss.as_bytes()) {
            self.results.invalidate(&fingerprint);
        }
        let cached = CachedIssuer {
            issuer: issuer.clone(),
            failure: None,
        };
        let mut replaced = Vec::new();
        if let Some(former) = state.cached.insert(iss.into(), cached)
            && !Arc::ptr_eq(&former.issuer, &issuer)
        {
            replaced.push(former);
        }
        while state.cached.len() > self.settings.capacity {
            let others = state.cached.iter().filter(|(name, _)| ***name != *iss);
            let Some((name, _)) = others.min_by_key(|(_, it)| it.last_used()) else {
                break;
            };
            let name = name.clone();
            replaced.extend(state.cached.remove(&name));
        }
        replaced
    }

    /// Records a failure and returns the error with the back-off of this issuer.
    fn failed(
        &self,
        state: &mut State,
        iss: &str,
        reason: UnavailableReason,
        now: Now,
    ) -> VerifyError {
        if let Some(cached) = state.cached.get_mut(iss) {
            let (failure, delay) = Failure::after(cached.failure.take(), reason.clone(), now);
            cached.failure = Some(failure);
            return VerifyError::unavailable(delay, reason);
        }
        let fingerprint = self.fingerprints.of(iss.as_bytes());
        let last = match fingerprint.and_then(|it| self.results.get(&it)) {
            Some(LastResult::Failed(failure)) => Some(failure),
            Some(LastResult::Unknown { .. }) | None => None,
        };
        let (failure, delay) = Failure::after(last, reason.clone(), now);
        self.record(iss, LastResult::Failed(failure));
        VerifyError::unavailable(delay, reason)
    }

    fn record(&self, iss: &str, result: LastResult) {
        if let Some(fingerprint) = self.fingerprints.of(iss.as_bytes()) {
            self.results.insert(fingerprint, result);
        }
    }

    /// Retires the issuers that are configured now, and returns them. The caller holds the lock of the HTTP
    /// clients, and must wake the waiters of these issuers after it has released the lock.
    pub(super) fn remove_configured(&self, configured: &Issuers) -> Vec<Arc<ActiveIssuer>> {
        let mut state = self.lock();
        let removed = state
            .cached
            .extract_if(|iss, _| is_configured(configured, iss));
        removed
            .map(|(_, cached)| cached.issuer)
            .inspect(|issuer| issuer.retirement.retire())
            .collect()
    }

    /// Returns the cached issuer with which this token was accepted.
    pub(super) fn of_token(&self, token: &VerifiedToken) -> Option<Arc<ActiveIssuer>> {
        let state = self.lock();
        let issuer = &state.cached.get(token.configured_issuer())?.issuer;
        token.is_of(&issuer.origin).then(|| issuer.clone())
    }

    /// Returns the cached issuers, in the order of their URLs.
    pub(super) fn cached(&self) -> Vec<Arc<ActiveIssuer>> {
        let mut cached: Vec<_> = {
            let state = self.lock();
            state.cached.values().map(|it| it.issuer.clone()).collect()
        };
        cached.sort_by(|one, two| one.url().cmp(two.url()));
        cached
    }

    /// Returns whether the resolver may know an issuer with this URL.
    pub(super) fn may_know(&self, iss: &str, now: Now) -> bool {
        let is_unknown = matches!(
            self.obstacle(&self.lock(), iss, now),
            Some(VerifyError::UnknownIssuer)
        );
        self.settings.pattern_of(iss).is_some() && !is_unknown
    }

    /// Returns the error of a token whose `iss` has the form of a pattern, with the pattern as its issuer.
    pub(super) fn error(&self, error: VerifyError, iss: &str) -> DecisionError {
        DecisionError {
            error,
            issuer: self.settings.counters_of(iss).cloned(),
            claims: None,
        }
    }

    fn second(&self, now: Now) -> u64 {
        let since = now.instant.saturating_duration_since(self.started);
        since.as_secs()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many issuers are cached, how many calls are in flight and how many other results are
    /// stored.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize, u64) {
        self.results.run_pending_tasks();
        let state = self.lock();
        (
            state.cached.len(),
            state.calls.len(),
            self.results.entry_count(),
        )
    }
}

impl State {
    /// Returns the cached issuer if its settings may be used.
    fn current(&self, iss: &str, now: Now) -> Option<&Arc<ActiveIssuer>> {
        let issuer = &self.cached.get(iss)?.issuer;
        let is_current = issuer.lease.as_ref().is_some_and(|it| it.is_current(now));
        is_current.then_some(issuer)
    }

    /// Removes the call from those in flight. Returns whether it was still there.
    fn end(&mut self, iss: &str, id: u64) -> bool {
        let is_current = self.calls.get(iss).is_some_and(|call| call.id == id);
        if is_current {
            self.calls.remove(iss);
        }
        is_current
    }
}

impl CachedIssuer {
    fn back_off(&self, now: Now) -> Option<VerifyError> {
        self.failure.as_ref()?.back_off(now)
    }

    fn last_used(&self) -> u64 {
        self.issuer.lease.as_ref().map_or(0, Lease::last_used)
    }
}

/// Returns whether a configured issuer decides about this `iss`.
fn is_configured(configured: &Issuers, iss: &str) -> bool {
    !matches!(configured.check_url(iss), Err(VerifyError::UnknownIssuer))
}

fn retry_now(reason: UnavailableReason) -> VerifyError {
    VerifyError::unavailable(Duration::ZERO, reason)
}

impl fmt::Debug for ResolvedIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedIssuers").finish_non_exhaustive()
    }
}

/// The maximum number of calls that one request waits for: the call in flight, the call that the request
/// begins itself, and two more in case the runtimes of these end.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);
/// The maximum number of results about issuers that are not cached, each of which takes about 200 bytes.
const MAX_RESULTS: u64 = 10_000;
/// How long a failure is stored. This is longer than any back-off, so that consecutive failures are counted.
const FAILURE_TTL: Duration = Duration::from_secs(180);
