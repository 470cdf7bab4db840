//! [`Outcome`] and [`PendingOutcome`]: what became of a request, counted and reported exactly once.

use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::Verifier;
use crate::{
    http::{Anonymous, Challenges, Rejection},
    stats::Counters,
    verified_token::VerifiedToken,
};

/// What became of a request. The hook `on_outcome` of the layers receives it. Its `Debug` output shows no token.
///
/// ```
/// use okta_verifier::{Rejection, adapter::Outcome};
///
/// /// A line for an audit log.
/// fn line(outcome: Outcome<'_>) -> String {
///     match outcome {
///         Outcome::Accepted(token) => format!("accepted: {:?}", token.client_id()),
///         Outcome::Rejected(rejection) => format!("rejected: {}", rejection.code()),
///         other => other.name().to_owned(),
///     }
/// }
///
/// let rejection = Rejection::insufficient_scope("orders:read")?;
/// assert_eq!(line(Outcome::Rejected(&rejection)), "rejected: insufficient_scope");
/// assert_eq!(line(Outcome::Anonymous), "anonymous");
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'r> {
    /// The token was accepted, and no policy, extractor or handler returned a [`Rejection`] afterwards.
    Accepted(&'r VerifiedToken),
    /// An optional layer admitted the request without credentials, and nothing rejected it afterwards.
    Anonymous,
    /// The request was rejected: by the layer, or afterwards by a policy, an extractor or the handler. If the
    /// handler returned another error response, the outcome is not this one.
    Rejected(&'r Rejection),
    /// The request was dropped before there was a response, for example because the client disconnected, or because
    /// the handler panicked.
    Dropped,
}

impl<'r> Outcome<'r> {
    /// Returns `accepted`, `anonymous`, `rejected` or `dropped`, for logs and metrics.
    ///
    /// ```
    /// use okta_verifier::{Rejection, adapter::Outcome};
    ///
    /// let rejection = Rejection::insufficient_scope("orders:read")?;
    /// assert_eq!(Outcome::Rejected(&rejection).name(), "rejected");
    /// assert_eq!(Outcome::Dropped.name(), "dropped");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Anonymous => "anonymous",
            Self::Rejected(_) => "rejected",
            Self::Dropped => "dropped",
        }
    }

    /// Returns the rejection, or `None` for any other outcome.
    ///
    /// ```
    /// use okta_verifier::{Rejection, adapter::Outcome};
    ///
    /// let rejection = Rejection::insufficient_scope("orders:read")?;
    /// let outcome = Outcome::Rejected(&rejection);
    /// assert_eq!(outcome.rejection().map(Rejection::code), Some("insufficient_scope"));
    /// assert!(Outcome::Anonymous.rejection().is_none());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn rejection(&self) -> Option<&'r Rejection> {
        match *self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}

/// Counts the outcome of one request in [`Verifier::stats`], exactly once, and reports it to a hook. If it is dropped
/// before [`complete`](Self::complete), the outcome is [`Outcome::Dropped`].
///
/// The layers of the adapters create one for each request. A gateway that calls [`Verifier::authenticate`] itself
/// does the same to be counted.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Policy, Rejection, Verifier, adapter::{PendingOutcome, RequestCredentials}};
///
/// async fn handle(verifier: &Verifier, authorization: &[&[u8]]) -> Result<String, Rejection> {
///     let mut outcome = PendingOutcome::new(verifier);
///     let credentials = RequestCredentials::new(authorization.iter().copied());
///     let result = async {
///         let token = verifier.authenticate(&credentials).await?;
///         outcome.accept(&token);
///         token.require(Policy::scope("orders:read"))?;
///         Ok(format!("orders of {}", token.subject()))
///     }
///     .await;
///     outcome.complete(result.as_ref().err());
///     result
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// # let bearer = |jwt: String| format!("Bearer {jwt}");
/// # let reader = bearer(okta.token("ada").scope("orders:read").sign());
/// # let other = bearer(okta.token("bob").sign());
/// assert!(handle(&verifier, &[reader.as_bytes()]).await.is_ok());
/// assert!(handle(&verifier, &[other.as_bytes()]).await.is_err()); // the scope is missing
/// assert!(handle(&verifier, &[]).await.is_err()); // no token
/// drop(handle(&verifier, &[reader.as_bytes()])); // a future that is never polled counts nothing
///
/// let stats = verifier.stats();
/// assert_eq!(stats.issuers[0].accepted, 1);
/// assert_eq!(stats.issuers[0].rejected, [("insufficient_scope", 1)]);
/// assert_eq!(stats.rejected, [("no_credentials", 1)]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a request whose outcome is dropped at once is counted as dropped"]
pub struct PendingOutcome<H: FnOnce(Outcome<'_>) = fn(Outcome<'_>)> {
    progress: Progress,
    /// Boxed, because response futures contain this type, and nearly none has a hook.
    hook: Option<Box<H>>,
}

/// How far the request is, and whether it is counted.
enum Progress {
    Undecided(Arc<Counters>, Counting),
    Accepted(VerifiedToken, Counting),
    Anonymous(Arc<Counters>, Counting),
    Completed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    On,
    /// An outer layer of the same verifier counts the request.
    Off,
}

impl PendingOutcome {
    /// Returns the outcome of a request about which nothing is known yet, without a hook.
    pub fn new(verifier: &Verifier) -> Self {
        Self::with_hook(verifier, None)
    }
}

// `#[inline]` marks what every accepted request calls, in another crate.
impl<H: FnOnce(Outcome<'_>)> PendingOutcome<H> {
    /// Returns the outcome of a request about which nothing is known yet. The hook receives the outcome after it was
    /// counted. If the hook panics while a request is dropped, the panic goes no further.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Rejection, Verifier, adapter::{Outcome, PendingOutcome}};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let mut seen = Vec::new();
    /// let hook = |outcome: Outcome<'_>| seen.push(outcome.name());
    /// let mut outcome = PendingOutcome::with_hook(&verifier, Some(hook));
    /// outcome.complete(Some(&Rejection::insufficient_scope("orders:read")?));
    /// outcome.complete(None); // has no effect
    /// drop(outcome);
    /// assert_eq!(seen, ["rejected"]);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn with_hook(verifier: &Verifier, hook: Option<H>) -> Self {
        let progress = Progress::Undecided(verifier.0.counters.clone(), Counting::On);
        Self {
            progress,
            hook: hook.map(Box::new),
        }
    }

    /// Returns the outcome of a request whose token was accepted at once.
    #[inline]
    pub fn accepted(token: &VerifiedToken, hook: Option<H>) -> Self {
        let progress = Progress::Accepted(token.clone(), Counting::On);
        Self {
            progress,
            hook: hook.map(Box::new),
        }
    }

    /// Returns the outcome of a request without credentials that is admitted.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, VerifiedToken, adapter::{Outcome, PendingOutcome}};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// /// What an adapter creates if the decision is known at once.
    /// fn pending(verifier: &Verifier, token: Option<&VerifiedToken>, is_nested: bool) -> PendingOutcome {
    ///     let mut outcome: PendingOutcome = match token {
    ///         Some(token) => PendingOutcome::accepted(token, None),
    ///         None => PendingOutcome::anonymous(verifier, None),
    ///     };
    ///     outcome.set_hook(|outcome: Outcome<'_>| println!("{}", outcome.name()));
    ///     outcome.nested(is_nested)
    /// }
    ///
    /// pending(&verifier, None, false).complete(None);
    /// assert_eq!(verifier.stats().anonymous, 1);
    /// pending(&verifier, None, true).complete(None); // an outer layer of the same verifier counts the request
    /// assert_eq!(verifier.stats().anonymous, 1);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn anonymous(verifier: &Verifier, hook: Option<H>) -> Self {
        let progress = Progress::Anonymous(verifier.0.counters.clone(), Counting::On);
        Self {
            progress,
            hook: hook.map(Box::new),
        }
    }

    /// Leaves the request out of [`Verifier::stats`], if `is_nested` is true: an outer layer of the same verifier
    /// counts it already ([`Verifier::has_admitted`]). The hook is called nevertheless.
    #[inline]
    pub fn nested(mut self, is_nested: bool) -> Self {
        if let (
            Progress::Undecided(_, counting)
            | Progress::Accepted(_, counting)
            | Progress::Anonymous(_, counting),
            true,
        ) = (&mut self.progress, is_nested)
        {
            *counting = Counting::Off;
        }
        self
    }

    /// Replaces the hook, if it has not been called yet.
    pub fn set_hook(&mut self, hook: H) {
        if !matches!(self.progress, Progress::Completed) {
            self.hook = Some(Box::new(hook));
        }
    }

    /// Records that the token was accepted. The request then belongs to the token's issuer.
    pub fn accept(&mut self, token: &VerifiedToken) {
        if let Progress::Undecided(_, counting) = self.progress {
            self.progress = Progress::Accepted(token.clone(), counting);
        }
    }

    /// Records that the request was admitted as anonymous
    /// ([`Rejection::as_anonymous`](crate::Rejection::as_anonymous)).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, adapter::{Outcome, PendingOutcome}};
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let mut seen = Vec::new();
    /// let mut outcome = PendingOutcome::with_hook(&verifier, Some(|it: Outcome<'_>| seen.push(it.name())));
    /// outcome.admit_anonymous();
    /// outcome.complete(None); // no rejection
    /// drop(outcome);
    /// assert_eq!(seen, ["anonymous"]); // without `admit_anonymous` it is "dropped"
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn admit_anonymous(&mut self) {
        if let Progress::Undecided(counters, counting) = &self.progress {
            self.progress = Progress::Anonymous(counters.clone(), *counting);
        }
    }

    /// Counts and reports the outcome. `rejection` is the rejection in the response, or `None` if nothing rejected the
    /// request. A request whose token was accepted is counted for the issuer of this token, whatever rejected it
    /// afterwards. Without a token and without a rejection, the outcome is [`Outcome::Dropped`]. A second call has no
    /// effect.
    #[inline]
    pub fn complete(&mut self, rejection: Option<&Rejection>) {
        if let (Progress::Accepted(token, Counting::On), None, None) =
            (&self.progress, rejection, &self.hook)
        {
            token.counters().requests().accept();
            self.progress = Progress::Completed;
        } else {
            self.finish(rejection);
        }
    }

    fn finish(&mut self, rejection: Option<&Rejection>) {
        let progress = mem::replace(&mut self.progress, Progress::Completed);
        let outcome = match (&progress, rejection) {
            (Progress::Completed, _) => return,
            (_, Some(rejection)) => Outcome::Rejected(rejection),
            (Progress::Accepted(token, _), None) => Outcome::Accepted(token),
            (Progress::Anonymous(..), None) => Outcome::Anonymous,
            (Progress::Undecided(..), None) => Outcome::Dropped,
        };
        self.report(&progress, outcome);
    }

    /// Counts the outcome, and then calls the hook. A hook that panics therefore changes no count.
    fn report(&mut self, progress: &Progress, outcome: Outcome<'_>) {
        progress.count(outcome);
        if let Some(hook) = self.hook.take() {
            hook(outcome);
        }
    }

    #[cold]
    fn report_dropped(&mut self) {
        let progress = mem::replace(&mut self.progress, Progress::Completed);
        // The handler may be panicking. A second panic that leaves the destructor would abort the process.
        let report = AssertUnwindSafe(|| self.report(&progress, Outcome::Dropped));
        let _ = catch_unwind(report);
    }
}

impl Progress {
    fn count(&self, outcome: Outcome<'_>) {
        let requests = match (self, outcome) {
            (Self::Accepted(token, Counting::On), _) => token.counters().requests(),
            // The layer itself rejected the token, so the issuer is one of this verifier. The rejection of an
            // anonymous request may come from an inner layer with another verifier.
            (Self::Undecided(counters, Counting::On), Outcome::Rejected(rejection)) => rejection
                .counters()
                .map_or(counters.unassigned(), |issuer| issuer.requests()),
            (
                Self::Undecided(counters, Counting::On) | Self::Anonymous(counters, Counting::On),
                _,
            ) => counters.unassigned(),
            _ => return,
        };
        match outcome {
            Outcome::Accepted(_) => requests.accept(),
            Outcome::Anonymous => requests.admit_anonymous(),
            Outcome::Rejected(rejection) => requests.reject(rejection.slot()),
            Outcome::Dropped => requests.drop_request(),
        }
    }
}

impl<H: FnOnce(Outcome<'_>)> Drop for PendingOutcome<H> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.progress, Progress::Completed) {
            self.report_dropped();
        }
    }
}

/// Shows how far the request is, and no token.
impl<H: FnOnce(Outcome<'_>)> fmt::Debug for PendingOutcome<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = match self.progress {
            Progress::Undecided(..) => "undecided",
            Progress::Accepted(..) => "accepted",
            Progress::Anonymous(..) => "anonymous",
            Progress::Completed => "completed",
        };
        f.debug_tuple("PendingOutcome").field(&progress).finish()
    }
}

impl Verifier {
    /// Returns whether this verifier accepted the token, or admitted the anonymous request. An adapter calls it with
    /// what an outer layer left in the request's extensions: if the outer layer has the same verifier, it counts the
    /// request already ([`PendingOutcome::nested`]).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # let okta = TestIssuer::new("api://orders");
    /// # let build = || Verifier::builder().issuer(okta.issuer().any_client_id()).build();
    /// let (verifier, other) = (build()?, build()?);
    /// assert!(verifier.has_admitted(None, Some(&verifier.anonymous())));
    /// assert!(!verifier.has_admitted(None, Some(&other.anonymous())));
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn has_admitted(
        &self,
        token: Option<&VerifiedToken>,
        anonymous: Option<&Anonymous>,
    ) -> bool {
        match (token, anonymous) {
            (None, None) => false,
            _ => self.has_challenges_of(token, anonymous),
        }
    }

    fn has_challenges_of(
        &self,
        token: Option<&VerifiedToken>,
        anonymous: Option<&Anonymous>,
    ) -> bool {
        let is_own = |challenges: &Challenges| challenges.has_same_verifier(&self.0.challenges);
        token.is_some_and(|token| is_own(token.challenges()))
            || anonymous.is_some_and(|anonymous| is_own(anonymous.challenges()))
    }
}
