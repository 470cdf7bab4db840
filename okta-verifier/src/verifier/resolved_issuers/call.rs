//! One call of the resolver: its task, its result, and which results are logged.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::time::timeout;

use super::ResolvedIssuers;
use crate::{
    crypto::random_u64,
    error::{UnavailableReason, VerifyError},
    issuer::Issuer,
    sync::{backoff::BackOff, clock::Now, single_flight::Completion},
    verifier::{
        Verifier,
        active_issuer::{ActiveIssuer, Notes},
    },
};

/// A call in flight, shared by all requests that wait for its result.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) id: u64,
    pub(super) completion: Arc<Completion>,
    pub(super) result: Arc<OnceLock<Result<(), VerifyError>>>,
}

/// A result of the resolver: the issuer with what must be logged about it, or `None` if there is no such
/// issuer.
pub(super) type Resolved = Option<(Arc<ActiveIssuer>, Option<Notes>)>;

/// Why a call failed.
pub(super) enum CallError {
    /// The call did not begin, because too many others were in flight.
    Busy,
    Failed(UnavailableReason),
    /// The settings cannot be used. The text does not contain the part of `iss` that a stranger may have
    /// chosen.
    Settings(String),
}

/// The failed calls about one issuer. A failure has no effect on other issuers.
#[derive(Clone)]
pub(super) struct Failure {
    back_off: BackOff,
    reason: UnavailableReason,
}

impl Failure {
    /// Returns the failure after one more failed call, and the delay before the next call.
    pub(super) fn after(
        last: Option<Self>,
        reason: UnavailableReason,
        now: Now,
    ) -> (Self, Duration) {
        let mut back_off = last.map_or_else(|| BackOff::new(random_u64()), |it| it.back_off);
        let delay = back_off.failed(None, now);
        (Self { back_off, reason }, delay)
    }

    /// Returns the error until the next call may be made, or `None` if it may be made now.
    pub(super) fn back_off(&self, now: Now) -> Option<VerifyError> {
        let left = self.back_off.left(now)?;
        Some(VerifyError::unavailable(left, self.reason.clone()))
    }
}

/// The task of a call in flight. When the task is dropped, for whatever reason, all requests that wait for
/// it are woken.
pub(super) struct Task {
    pub(super) issuers: Arc<ResolvedIssuers>,
    pub(super) verifier: Verifier,
    pub(super) iss: Box<str>,
    /// Whether the settings of the issuer were cached when the call began.
    pub(super) is_cached: bool,
    pub(super) call: Call,
}

impl Task {
    pub(super) async fn run(self) {
        let settings = &self.issuers.settings;
        let permits = timeout(settings.timeout, self.issuers.permits(self.is_cached)).await;
        let Ok(Some(_permits)) = permits else {
            return self.finish(Now::read(), Err(CallError::Busy));
        };
        let began = Now::read();
        let result = match timeout(settings.timeout, settings.resolve(self.iss.to_string())).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(source)) => Err(UnavailableReason::IssuerResolver { source }),
            Err(_) => Err(UnavailableReason::IssuerResolverTimeout),
        };
        // A process loses its connections when it is suspended, so the failure says nothing about the
        // resolver. The drop of this task then abandons the call, and a request begins another one.
        if result.is_err() && Now::read().shows_suspension(began, settings.timeout) {
            return;
        }
        self.finish(began, result.map_err(CallError::Failed));
    }

    fn finish(&self, began: Now, result: Result<Option<Issuer>, CallError>) {
        self.issuers
            .finish(&self.verifier, &self.iss, &self.call, began, result);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let mut state = self.issuers.lock();
        // After `finish`, the call is no longer in flight. Otherwise the task has panicked, was abandoned or
        // was dropped by the runtime.
        if state.end(&self.iss, self.call.id) && std::thread::panicking() {
            // The next call would probably panic too, so the issuer backs off as after any other failure.
            let reason = UnavailableReason::Abandoned;
            let error = self
                .issuers
                .failed(&mut state, &self.iss, reason, Now::read());
            let _ = self.call.result.set(Err(error));
        }
        drop(state);
        self.call.completion.complete();
    }
}

/// Which results are logged. A failure is logged at most once per minute, because strangers may choose for
/// which issuers the resolver is called.
#[derive(Default)]
pub(super) struct Reports {
    failed_at: Option<Now>,
    /// Whether a failure was logged and no recovery since.
    is_failing: bool,
    unusable_at: Option<Now>,
}

/// A result that is logged.
pub(super) enum Event {
    Failed(UnavailableReason),
    Recovered,
    Unusable(String),
}

impl Reports {
    pub(super) fn event(
        &mut self,
        result: &Result<Resolved, CallError>,
        now: Now,
    ) -> Option<Event> {
        let is_quiet = |last: Option<Now>| last.is_none_or(|last| now.since(last) >= QUIET_FOR);
        match result {
            Ok(_) => std::mem::take(&mut self.is_failing).then_some(Event::Recovered),
            Err(CallError::Failed(reason)) if !self.is_failing && is_quiet(self.failed_at) => {
                self.failed_at = Some(now);
                self.is_failing = true;
                Some(Event::Failed(reason.clone()))
            }
            Err(CallError::Settings(problem)) if is_quiet(self.unusable_at) => {
                self.unusable_at = Some(now);
                Some(Event::Unusable(problem.clone()))
            }
            Err(_) => None,
        }
    }
}

impl Event {
    /// Logs the event. The error of the resolver is not logged, because its text may contain `iss`.
    pub(super) fn log(self, pattern: &str) {
        match self {
            Self::Failed(error) => tracing::warn!(pattern, %error, "issuer resolver failed"),
            Self::Recovered => tracing::info!(pattern, "issuer resolver recovered"),
            Self::Unusable(problem) => tracing::error!(
                pattern,
                problem,
                "the settings that the issuer resolver returned cannot be used"
            ),
        }
    }
}

/// The minimum time between two logged failures.
const QUIET_FOR: Duration = Duration::from_secs(60);
