//! [`Authentication`]: from the credentials of a request to a verified token or a rejection. It performs the I/O that
//! the steps of [`decision`](super::decision) need.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use super::{
    Verifier,
    decision::{
        Introspection, PendingUse, RequestDecision, Sender, Step, TokenRequest, Unverified,
        unavailable_now,
    },
    decision_error::DecisionError,
    mount::{MountSettings, admit},
    token_cache::Digest,
};
use crate::{
    error::VerifyError,
    http::{
        Anonymous, Challenges, Credentials, Malformed, NEITHER_BEARER_NOR_DPOP, NO_FIELD,
        NOT_BEARER, NOT_ONE_TOKEN, OwnedShown, Problem, Rejection, RequestCredentials, Scheme,
        Shown, is_b64token, nonce_value,
    },
    sync::clock::Now,
    verified_token::VerifiedToken,
};

/// The result of [`Verifier::authenticate`]: ready, or a future that waits for a key set, for an issuer
/// resolver, for an introspection response or for the [replay store](crate::dpop::ReplayStore).
///
/// The future borrows nothing. If a pending authentication is dropped before its first poll, no request
/// about its token is sent, no rate limit is used and no proof is recorded. If it is dropped later,
/// requests that other authentications wait for are not cancelled. If the result is ready and the token
/// was accepted, its DPoP proof has already been recorded in the replay store of this process.
///
/// ```
/// # use okta_verifier_testing::MockOkta;
/// # use okta_verifier::{adapter::RequestCredentials, Verifier};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = MockOkta::start().await;
/// let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
/// let authorization = format!("Bearer {}", okta.token("ada").sign());
/// let credentials = RequestCredentials::new([authorization.as_bytes()]);
///
/// // The keys have to be fetched.
/// let pending = verifier.authenticate(&credentials).into_ready().unwrap_err();
/// assert_eq!(pending.await?.subject(), "ada");
/// // The keys are cached now.
/// let token = verifier.authenticate(&credentials).into_ready().unwrap()?;
/// assert_eq!(token.subject(), "ada");
/// // A request without a token never waits.
/// let rejection = verifier.authenticate(&RequestCredentials::new([])).into_ready().unwrap().unwrap_err();
/// assert_eq!(rejection.status(), 401);
/// # Ok(())
/// # }
/// ```
#[must_use = "a request is not authenticated unless the result is used"]
pub struct Authentication(State);

enum State {
    Ready(Result<VerifiedToken, Rejection>),
    Pending(BoxedResult),
    Completed,
}

type BoxedResult = Pin<Box<dyn Future<Output = Result<VerifiedToken, Rejection>> + Send>>;

impl Authentication {
    pub(super) fn ready(result: Result<VerifiedToken, Rejection>) -> Self {
        Self(State::Ready(result))
    }

    /// Returns the result of `step`, or a future that waits for the missing input.
    pub(super) fn of(
        decision: &RequestDecision<'_>,
        scheme: Scheme,
        step: Result<Step, DecisionError>,
    ) -> Self {
        let verifier = decision.verifier;
        let TokenRequest {
            may_be_expired,
            mount,
            ..
        } = decision.request;
        let step = match step {
            Ok(Step::Accepted(token)) => {
                return Self::ready(verifier.conclude(mount, scheme, may_be_expired, Ok(token)));
            }
            Err(error) => return Self::ready(Err(verifier.reject(mount, scheme, error))),
            Ok(step) => step,
        };
        let (verifier, created) = (verifier.clone(), decision.arrived);
        let pending: BoxedResult = match step {
            // The proof passed all other checks, so no other part of the request is needed.
            Step::UseProof(proved) => {
                let mount = mount.cloned();
                Box::pin(async move {
                    let result = match is_late(created, Now::read()) {
                        true => Err(proved.error(unavailable_now())),
                        false => proved.use_proof(&verifier).await,
                    };
                    verifier.conclude(mount.as_ref(), scheme, may_be_expired, result)
                })
            }
            step => {
                let request = OwnedRequest::of(decision);
                Box::pin(async move {
                    let sender = request.sender();
                    let mut decision = request.decision(&verifier, sender.as_ref());
                    let now = Now::read();
                    let step = match is_late(created, now) {
                        true => {
                            decision.arrived = now;
                            decision.begin()
                        }
                        false => Ok(step),
                    };
                    let result = match step {
                        Ok(step) => decision.resume(step).await,
                        Err(error) => Err(error),
                    };
                    verifier.conclude(request.mount.as_ref(), scheme, may_be_expired, result)
                })
            }
        };
        Self(State::Pending(pending))
    }

    /// Returns the result if it is ready.
    ///
    /// # Errors
    ///
    /// Returns the authentication itself if it has to wait. Await it then.
    pub fn into_ready(self) -> Result<Result<VerifiedToken, Rejection>, Self> {
        match self.0 {
            State::Ready(result) => Ok(result),
            pending => Err(Self(pending)),
        }
    }
}

impl Future for Authentication {
    type Output = Result<VerifiedToken, Rejection>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Pending(pending) = &mut self.0 {
            let result = ready!(pending.as_mut().poll(context));
            self.0 = State::Completed;
            return Poll::Ready(result);
        }
        match mem::replace(&mut self.0, State::Completed) {
            State::Ready(result) => Poll::Ready(result),
            State::Pending(_) | State::Completed => {
                panic!("`Authentication` polled after it completed")
            }
        }
    }
}

/// Omits the request, because it contains the token.
impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.0 {
            State::Ready(_) => "ready",
            State::Pending(_) => "pending",
            State::Completed => "completed",
        };
        f.debug_tuple("Authentication").field(&state).finish()
    }
}

impl Verifier {
    /// Authenticates a request at a mount, or at none.
    pub(super) fn authenticate_at(
        &self,
        mount: Option<&Arc<MountSettings>>,
        credentials: &RequestCredentials<'_>,
    ) -> Authentication {
        if let Some(rejection) = mount.and_then(|mount| mount.misconfigured()) {
            return Authentication::ready(Err(rejection));
        }
        let (scheme, token) = match self.token(mount, credentials) {
            Ok(found) => found,
            Err(rejection) => return Authentication::ready(Err(rejection)),
        };
        let sender = Sender {
            scheme,
            shown: &credentials.shown,
        };
        let request = TokenRequest {
            token,
            max_age: credentials.max_age(),
            mount,
            may_be_expired: credentials.may_be_expired(),
            sender: Some(sender),
        };
        let decision = RequestDecision::new(self, request, Now::read());
        let step = match decision.find_cached() {
            Some(cached) => cached.and_then(|entry| decision.begin_cached(entry)),
            // A cached token is well-formed, so only other tokens are checked.
            None if !is_b64token(token) => {
                let malformed = Malformed::under(scheme, token, Problem::Syntax(NOT_ONE_TOKEN));
                return Authentication::ready(Err(self.reject_malformed(mount, malformed)));
            }
            None => decision.begin_new(decision.arrived),
        };
        Authentication::of(&decision, scheme, step)
    }

    pub(super) fn challenges_at<'a>(
        &'a self,
        mount: Option<&'a Arc<MountSettings>>,
    ) -> &'a Arc<Challenges> {
        mount.map_or(&self.0.challenges, |mount| mount.challenges())
    }

    fn token<'r>(
        &self,
        mount: Option<&Arc<MountSettings>>,
        credentials: &RequestCredentials<'r>,
    ) -> Result<(Scheme, &'r [u8]), Rejection> {
        let dpop = self.0.sender_constraint.offers_dpop();
        match credentials.read(dpop, self.0.max_token_size) {
            Ok(Credentials::Token(scheme, token)) => Ok((scheme, token)),
            Ok(Credentials::Absent) => Err(Rejection::unauthenticated(
                self.challenges_at(mount),
                NO_FIELD,
            )),
            Ok(Credentials::OtherScheme) => {
                let reason = if dpop {
                    NEITHER_BEARER_NOR_DPOP
                } else {
                    NOT_BEARER
                };
                Err(Rejection::unauthenticated(
                    self.challenges_at(mount),
                    reason,
                ))
            }
            Err(malformed) => Err(self.reject_malformed(mount, malformed)),
        }
    }

    fn reject_malformed(
        &self,
        mount: Option<&Arc<MountSettings>>,
        malformed: Malformed,
    ) -> Rejection {
        Rejection::malformed(self.challenges_at(mount), malformed)
    }

    /// Returns the result of a decision for the caller. If the token may be expired, it has passed every other
    /// check, and is rejected here if it has expired.
    pub(super) fn conclude(
        &self,
        mount: Option<&Arc<MountSettings>>,
        scheme: Scheme,
        may_be_expired: bool,
        result: Result<VerifiedToken, DecisionError>,
    ) -> Result<VerifiedToken, Rejection> {
        match result {
            Ok(token) if may_be_expired => match token.check_dates(Now::read().unix) {
                Ok(()) => admit(mount, token),
                Err(VerifyError::Expired { seconds }) => {
                    let (challenges, issuer) = (self.challenges_at(mount), token.counters());
                    Err(Anonymous::expired(challenges, scheme, seconds, issuer).into_rejection())
                }
                Err(error) => {
                    Err(self.reject(mount, scheme, DecisionError::of_token(error, &token)))
                }
            },
            Ok(token) => admit(mount, token),
            Err(error) => Err(self.reject(mount, scheme, error)),
        }
    }

    pub(super) fn reject(
        &self,
        mount: Option<&Arc<MountSettings>>,
        scheme: Scheme,
        error: DecisionError,
    ) -> Rejection {
        let DecisionError {
            error,
            issuer,
            claims,
        } = error;
        let nonce = match error {
            VerifyError::NonceRequired => nonce_value(self.nonce()),
            _ => None,
        };
        let challenges = self.challenges_at(mount);
        Rejection::for_error(challenges, scheme, error, issuer, claims.as_deref()).with_nonce(nonce)
    }
}

/// A copy of the parts of a request that are needed after waiting.
struct OwnedRequest {
    token: Box<[u8]>,
    max_age: Option<Duration>,
    mount: Option<Arc<MountSettings>>,
    may_be_expired: bool,
    sender: Option<(Scheme, OwnedShown)>,
    arrived: Now,
    digest: Option<Digest>,
}

impl OwnedRequest {
    fn of(decision: &RequestDecision<'_>) -> Self {
        let TokenRequest {
            token,
            max_age,
            mount,
            may_be_expired,
            sender,
        } = decision.request;
        // Without a setting for bound tokens, no other part of the request is read.
        let needed = decision.verifier.0.sender_constraint.accepts_bound_tokens();
        let sender = sender.map(|Sender { scheme, shown }| match needed {
            true => (scheme, OwnedShown::from(shown)),
            false => (scheme, OwnedShown::from(&Shown::default())),
        });
        Self {
            token: token.into(),
            max_age,
            mount: mount.cloned(),
            may_be_expired,
            sender,
            arrived: decision.arrived,
            digest: decision.digest,
        }
    }

    fn sender(&self) -> Option<(Scheme, Shown<'_>)> {
        let (scheme, shown) = self.sender.as_ref()?;
        Some((*scheme, shown.as_shown()))
    }

    fn decision<'r>(
        &'r self,
        verifier: &'r Verifier,
        sender: Option<&'r (Scheme, Shown<'r>)>,
    ) -> RequestDecision<'r> {
        RequestDecision {
            verifier,
            request: TokenRequest {
                token: &self.token,
                max_age: self.max_age,
                mount: self.mount.as_ref(),
                may_be_expired: self.may_be_expired,
                sender: sender.map(|(scheme, shown)| Sender {
                    scheme: *scheme,
                    shown,
                }),
            },
            arrived: self.arrived,
            digest: self.digest,
        }
    }
}

impl RequestDecision<'_> {
    /// Obtains the missing input of each step until the token is accepted or rejected.
    pub(super) async fn resume(mut self, mut step: Step) -> Result<VerifiedToken, DecisionError> {
        let mut may_restart = true;
        let mut calls = 0;
        loop {
            step = match step {
                Step::Accepted(token) => return Ok(token),
                Step::Restart if may_restart => {
                    may_restart = false;
                    self.begin_new(Now::read())?
                }
                Step::Restart => return Err(unavailable_now().into()),
                // The resolved settings may be evicted at any time, so the number of calls is limited.
                Step::ResolveIssuer(_) if calls == MAX_CALLS => {
                    return Err(unavailable_now().into());
                }
                Step::ResolveIssuer(iss) => {
                    calls += 1;
                    self.resolve_issuer(&iss).await?;
                    self.begin_new(Now::read())?
                }
                // No request is sent with settings that were removed or replaced.
                Step::FetchKeys(Unverified { issuer, .. })
                | Step::Introspect(Introspection { issuer, .. })
                    if issuer.is_retired() =>
                {
                    Step::Restart
                }
                Step::FetchKeys(unverified) => {
                    let key = unverified.fetch_key(self.arrived).await;
                    self.check_signature(unverified, Some(key), Now::read())?
                }
                Step::Introspect(introspection) => {
                    let response = introspection.fetch(&self).await?;
                    self.apply(introspection, &response, Now::read())?
                }
                Step::ResolveDoubt(log) => {
                    if let Some(log) = log {
                        log.loaded().await;
                    }
                    // Everything may have changed in the meantime.
                    self.arrived = Now::read();
                    self.begin()?
                }
                Step::UseProof(proved) => return proved.use_proof(self.verifier).await,
            }
        }
    }

    /// Calls the issuer resolver, or waits for the call in flight about this issuer.
    async fn resolve_issuer(&self, iss: &str) -> Result<(), DecisionError> {
        let Some(resolved) = &self.verifier.0.resolved else {
            return Err(VerifyError::UnknownIssuer.into());
        };
        let result = resolved.resolve(self.verifier, iss).await;
        result.map_err(|error| resolved.error(error, iss))
    }
}

impl PendingUse {
    async fn use_proof(self, verifier: &Verifier) -> Result<VerifiedToken, DecisionError> {
        let constraint = &verifier.0.sender_constraint;
        let used = constraint.use_proof_remotely(&self.proof, &self.token);
        match used.await {
            Ok(()) => self.finish(verifier, Now::read()),
            Err(error) => Err(self.error(error)),
        }
    }
}

/// Returns whether a pending authentication is polled for the first time so late, for example after the
/// process was suspended, that the checks made before may be out of date. The decision then begins again. If
/// the only step left was to record the proof in the replay store, the request is rejected with 503 instead.
fn is_late(created: Now, first_poll: Now) -> bool {
    // The wall clock is read in whole seconds, so it may advance by one second within a moment.
    first_poll.since(created) > MAX_DELAY
}

/// The maximum number of calls of the issuer resolver for one request: one at first, and one more if the
/// decision begins again.
const MAX_CALLS: usize = 2;
const MAX_DELAY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_poll_is_late_after_a_second_on_either_clock() {
        let created = Now::read();
        let at = |seconds, millis| Now {
            unix: created.unix + seconds,
            instant: created.instant + Duration::from_millis(millis),
        };
        // A moment later the wall clock may already show the next second.
        for in_time in [at(0, 0), at(1, 0), at(1, 1_000)] {
            assert!(!is_late(created, in_time), "{in_time:?}");
        }
        for late in [at(2, 0), at(1, 1_001), at(0, 1_001)] {
            assert!(is_late(created, late), "{late:?}");
        }
    }
}
