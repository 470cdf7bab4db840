//! Counters of what a verifier did since it was built, for metrics.
//!
//! [`Verifier::stats`](crate::Verifier::stats) returns a [`Stats`]. Each counter only grows, so a snapshot can be
//! exported to any system for metrics: as observable counters of OpenTelemetry, as a `Collector` of
//! `prometheus-client`, or with `absolute` of the crate `metrics`. The state of keys and of introspection is in
//! [`Verifier::health`](crate::Verifier::health).
//!
//! Requests are counted by the layers of the adapters, once per request, and by gateways that use a
//! [`PendingOutcome`](crate::adapter::PendingOutcome). [`Verifier::verify`](crate::Verifier::verify) and
//! [`Verifier::authenticate`](crate::Verifier::authenticate) alone count no request.
//!
//! ```
//! # use okta_verifier_testing::TestIssuer;
//! # use okta_verifier::{Verifier, adapter::{PendingOutcome, RequestCredentials}};
//! # let okta = TestIssuer::new("api://orders");
//! # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//! # let call = |authorization: &[&[u8]]| {
//! #     let mut outcome = PendingOutcome::new(&verifier);
//! #     let credentials = RequestCredentials::new(authorization.iter().copied());
//! #     match verifier.authenticate(&credentials).into_ready().unwrap() {
//! #         Ok(token) => { outcome.accept(&token); outcome.complete(None); }
//! #         Err(rejection) => outcome.complete(Some(&rejection)),
//! #     }
//! # };
//! # let authorization = format!("Bearer {}", okta.token("ada").sign());
//! // One request with a valid token, and one without a token.
//! call(&[authorization.as_bytes()]);
//! call(&[]);
//!
//! let stats = verifier.stats();
//! assert_eq!((stats.accepted(), stats.rejected()), (1, 1));
//! for request in stats.requests() {
//!     // A series of a metric, such as okta_verifier_requests_total{issuer, outcome, code}.
//!     println!("{:?} {} {:?}: {}", request.issuer, request.outcome, request.code, request.count);
//! }
//! # Ok::<(), okta_verifier::ConfigError>(())
//! ```

mod counters;
pub(crate) mod transmitters;

use std::time::Duration;

use transmitters::TransmitterState;

pub(crate) use counters::{
    Counters, Introspections, IssuerCounters, REJECTION_SLOTS, ReplayFailures,
};

/// A snapshot of all counters of a verifier, from [`Verifier::stats`](crate::Verifier::stats). Each number only
/// grows while the verifier exists.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// use okta_verifier::{Rejection, adapter::PendingOutcome};
///
/// PendingOutcome::new(&verifier).complete(Some(&Rejection::missing_layer()));
/// let stats = verifier.stats();
/// assert_eq!((stats.accepted(), stats.rejected()), (0, 1));
/// assert_eq!(stats.requests().next().and_then(|it| it.code), Some("missing_layer"));
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Requests without credentials that an optional layer admitted, and that nothing rejected afterwards.
    pub anonymous: u64,
    /// Requests that were dropped before they had a token, for example because the client disconnected while
    /// the keys were fetched.
    pub dropped: u64,
    /// Rejected requests that belong to no issuer, by [`Rejection::code`](crate::Rejection::code). A code
    /// without such a request is left out. The code `application` stands for the application's own codes.
    pub rejected: Vec<(&'static str, u64)>,
    /// The counters of each issuer. See [`IssuerStats::issuer`] for the rows that stand for several issuers.
    pub issuers: Vec<IssuerStats>,
    /// DPoP proofs that the replay store could not record.
    pub replay: ReplayStats,
    /// The events that transmitters have sent.
    pub revocation: RevocationStats,
}

/// The events that transmitters have sent to the [`Revocations`](crate::revocation::Revocations) of a verifier. The
/// rules themselves are counted by issuer, in [`IssuerHealth::revocation`](crate::health::IssuerHealth::revocation).
///
/// ```
/// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
/// # use okta_verifier::{Verifier, revocation::{Revocations, Transmitter}};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let transmitter = Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE).keys(okta.jwks());
/// # let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
/// # let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
/// # let verifier = builder.revocations(revocations.clone()).build()?;
/// let event = okta.session_revoked("ada").sign();
/// revocations.receive_event("POST", [], event.as_bytes()).await;
/// revocations.receive_event("POST", [], b"no event").await;
///
/// let okta = verifier.stats().revocation.transmitters.remove(0);
/// assert_eq!(okta.applied, [("session-revoked", 1)]);
/// assert_eq!(okta.rejected, [("invalid_request", 1)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RevocationStats {
    /// What [`Revocations::unknown_issuer`](crate::revocation::Revocations::unknown_issuer) returns: rules from events
    /// that were not applied, because the verifier does not have their issuer.
    pub unknown_issuer: u64,
    /// What [`Revocations::transmitters`](crate::revocation::Revocations::transmitters) returns: the counters of each
    /// transmitter, and the state of its stream.
    pub transmitters: Vec<TransmitterState>,
}

/// The counters of one issuer.
///
/// ```
/// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
/// # use okta_verifier::Verifier;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = MockOkta::start().await;
/// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
/// verifier.warm_up().await?;
/// # okta.fault(Endpoint::Keys, Fault::Status(500));
/// assert!(verifier.refresh().await.is_err()); // the issuer fails now
///
/// let fetches = &verifier.stats().issuers[0].key_fetches;
/// assert_eq!((fetches.succeeded, &fetches.failed[..]), (1, &[("status", 1)][..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuerStats {
    /// The URL of the issuer, as configured. It is never taken from a token. The issuers that the
    /// [`IssuerResolver`](crate::IssuerResolver) returned are counted together by its pattern, and the row has the
    /// text of the pattern. A verifier has at most 1,024 rows; further issuers are counted together, in the row
    /// `other`. An issuer that was removed keeps its row, and continues to count if it is added again.
    pub issuer: String,
    /// Requests with an accepted token that nothing rejected afterwards.
    pub accepted: u64,
    /// Requests with an accepted token that were dropped before the response.
    pub dropped: u64,
    /// Rejected requests, by [`Rejection::code`](crate::Rejection::code). A code without such a request is left
    /// out. The code `application` stands for the application's own codes.
    pub rejected: Vec<(&'static str, u64)>,
    /// The fetches of the issuer's keys. All zero if the keys are pinned.
    pub key_fetches: KeyFetchStats,
    /// The introspection requests. All zero if introspection is not configured.
    pub introspections: IntrospectionStats,
}

/// The fetches of the keys of one issuer.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// // The keys are pinned, so there is no fetch.
/// let fetches = &verifier.stats().issuers[0].key_fetches;
/// assert_eq!((fetches.succeeded, fetches.failed.len(), fetches.not_sent, fetches.keys_changed), (0, 0, 0, 0));
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyFetchStats {
    /// Fetches that returned usable keys, or that confirmed the current keys.
    pub succeeded: u64,
    /// Failed fetches, by [`UnavailableReason::code`](crate::error::UnavailableReason::code).
    pub failed: Vec<(&'static str, u64)>,
    /// Look-ups of an unknown key that could not cause a fetch, because the budget for unknown keys was spent.
    pub not_sent: u64,
    /// Successful fetches that changed the usable keys, without the first fetch.
    pub keys_changed: u64,
}

/// The introspection requests to one issuer (RFC 7662).
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// // Introspection is not configured, so there is no request.
/// let introspections = &verifier.stats().issuers[0].introspections;
/// assert_eq!((introspections.succeeded, introspections.failed.len(), introspections.not_sent), (0, 0, 0));
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IntrospectionStats {
    /// Requests with a usable response, whether the token is active or not.
    pub succeeded: u64,
    /// Failed requests, by [`UnavailableReason::code`](crate::error::UnavailableReason::code).
    pub failed: Vec<(&'static str, u64)>,
    /// Requests that were not sent, because of a rate limit or of the back-off after failures.
    pub not_sent: u64,
    /// How long the requests took, failed ones included.
    pub duration: DurationHistogram,
}

/// How many requests took how long.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let issuer = verifier.stats().issuers.remove(0);
/// let mut at_most = 0;
/// for (bound, count) in &issuer.introspections.duration.buckets {
///     at_most += count; // the cumulative number of a Prometheus histogram
///     println!("{at_most} requests took at most {} s", bound.as_secs_f64());
/// }
/// assert_eq!(at_most, 0);
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DurationHistogram {
    /// The upper bound of each bucket, and the number of requests that took at most this long but longer than
    /// the bound before. The numbers are not cumulative. The last bound is [`Duration::MAX`].
    pub buckets: Vec<(Duration, u64)>,
    /// The sum of all durations.
    pub sum: Duration,
}

/// DPoP proofs that the replay store could not record. These requests were rejected with 503.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let replay = verifier.stats().replay;
/// assert_eq!((replay.full, replay.failed), (0, 0)); // DPoP is not configured
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReplayStats {
    /// The store was full, or the caller had used up its share.
    pub full: u64,
    /// The store failed or did not answer in time.
    pub failed: u64,
}

/// The number of requests with one outcome: a series of a metric.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// use okta_verifier::adapter::PendingOutcome;
///
/// drop(PendingOutcome::new(&verifier)); // a request that is dropped
/// let stats = verifier.stats();
/// let series = stats.requests().next().unwrap();
/// assert_eq!((series.issuer, series.outcome, series.code, series.count), (None, "dropped", None, 1));
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestCount<'s> {
    /// [`IssuerStats::issuer`], or `None` if the requests belong to no issuer.
    pub issuer: Option<&'s str>,
    /// `accepted`, `anonymous`, `rejected` or `dropped`.
    pub outcome: &'static str,
    /// [`Rejection::code`](crate::Rejection::code), if the outcome is `rejected`.
    pub code: Option<&'static str>,
    /// How many requests had this outcome.
    pub count: u64,
}

impl Stats {
    /// Returns the number of requests by issuer, outcome and code, without those that never occurred. All counts
    /// together are all requests. The [module](self) has an example.
    pub fn requests(&self) -> impl Iterator<Item = RequestCount<'_>> {
        let unassigned = [("anonymous", self.anonymous), ("dropped", self.dropped)];
        let unassigned = counts(None, unassigned, &self.rejected);
        let issuers = self.issuers.iter().flat_map(|it| {
            let outcomes = [("accepted", it.accepted), ("dropped", it.dropped)];
            counts(Some(&it.issuer), outcomes, &it.rejected)
        });
        unassigned.chain(issuers).filter(|it| it.count > 0)
    }

    /// Returns the number of requests with an accepted token, of all issuers.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.issuers.iter().map(|it| it.accepted).sum()
    }

    /// Returns the number of rejected requests, with and without an issuer.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        let of_issuers = self.issuers.iter().flat_map(|it| &it.rejected);
        let all = of_issuers.chain(&self.rejected);
        all.map(|(_, count)| count).sum()
    }
}

fn counts<'s>(
    issuer: Option<&'s str>,
    outcomes: [(&'static str, u64); 2],
    rejected: &'s [(&'static str, u64)],
) -> impl Iterator<Item = RequestCount<'s>> {
    let of = move |outcome, code, count| RequestCount {
        issuer,
        outcome,
        code,
        count,
    };
    let outcomes = outcomes.into_iter();
    let rejected = rejected.iter();
    outcomes
        .map(move |(outcome, count)| of(outcome, None, count))
        .chain(rejected.map(move |(code, count)| of("rejected", Some(*code), *count)))
}
