//! The state of an issuer's keys and of introspection, for operators, probes and metrics.
//!
//! [`Verifier::health`](crate::Verifier::health) returns an [`IssuerHealth`] for each issuer. The call
//! performs no I/O.
//!
//! ```
//! use okta_verifier::{Verifier, health::KeyState};
//!
//! /// Returns whether requests with a known key are served, for a readiness probe.
//! fn is_ready(verifier: &Verifier) -> bool {
//!     let health = verifier.health();
//!     !health.iter().any(|issuer| matches!(issuer.state, KeyState::NotFetched | KeyState::Unavailable { .. }))
//! }
//! ```

use std::time::{Duration, SystemTime};

use crate::error::UnavailableReason;

/// A snapshot of the state of one issuer, from [`Verifier::health`](crate::Verifier::health).
///
/// ```
/// use okta_verifier::{Issuer, Verifier, health::KeyState};
///
/// let verifier = Verifier::builder()
///     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
///     .build()?;
/// let health = verifier.health();
/// assert_eq!(health[0].issuer, "https://acme.okta.com/oauth2/default");
/// assert!(matches!(health[0].state, KeyState::NotFetched)); // no request so far
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuerHealth {
    /// The issuer, as configured.
    pub issuer: String,
    /// How a request with a known key would be handled now.
    pub state: KeyState,
    /// The key IDs of the usable keys. A key without `kid` is left out.
    pub key_ids: Vec<String>,
    /// A text for each entry of the current key set that cannot be used, such as `entry 2 (kid "k1"): …` with the
    /// reason. The reason names the setting with which the entry could be used, if there is one.
    pub skipped_keys: Vec<String>,
    /// The time since the last successful fetch began, or `None` if the keys are pinned or were never
    /// fetched.
    pub age: Option<Duration>,
    /// The freshness lifetime of the last fetched keys, from `Cache-Control` and limited to between 5 min
    /// and 1 h, or `None` if the keys are pinned or were never fetched.
    pub fresh_for: Option<Duration>,
    /// When the last successful fetch began, or `None` if the keys are pinned or were never fetched.
    pub last_success: Option<SystemTime>,
    /// Why the last fetch failed, or `None` if no fetch has failed since the last success.
    pub last_error: Option<UnavailableReason>,
    /// Whether the settings of the issuer came from the [`IssuerResolver`](crate::IssuerResolver).
    pub is_resolved: bool,
    /// The difference between the clocks of this machine and of the issuer, or `None` if no response of the
    /// issuer has shown it. It is never used to decide about a token.
    pub clock_difference: Option<ClockDifference>,
    pub(crate) introspection: Option<IntrospectionHealth>,
    pub(crate) revocation: Option<RevocationHealth>,
}

impl IssuerHealth {
    /// Returns the state of introspection, or `None` if
    /// [`Issuer::introspection`](crate::Issuer::introspection) is not set.
    ///
    /// ```
    /// use okta_verifier::introspection::{ClientAuthentication, Introspection};
    /// use okta_verifier::{Issuer, Verifier, health::IntrospectionState};
    ///
    /// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let client = ClientAuthentication::client_secret_basic("0oa1service", "secret");
    /// let issuer = issuer.introspection(Introspection::every_token(client));
    /// let health = Verifier::builder().issuer(issuer).build()?.health();
    /// let introspection = health[0].introspection().expect("it is configured");
    /// assert_eq!(introspection.state, IntrospectionState::Unused);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn introspection(&self) -> Option<&IntrospectionHealth> {
        self.introspection.as_ref()
    }

    /// Returns the state of the revocation rules, or `None` without
    /// [`VerifierBuilder::revocations`](crate::VerifierBuilder::revocations).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Rule}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
    /// let revocations = Revocations::builder().forgets_at_restart().build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// revocations.revoke(Rule::token(url, "AT.stolen")).await?;
    /// revocations.revoke(Rule::token(url, "AT.stolen")).await?; // it changes nothing
    ///
    /// let health = verifier.health().remove(0);
    /// let revocation = health.revocation().expect("there are revocations");
    /// assert_eq!((revocation.rules, revocation.applied, revocation.collapsed), (1, 1, 0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn revocation(&self) -> Option<&RevocationHealth> {
        self.revocation.as_ref()
    }
}

/// The revocation rules of one issuer ([`Revocations`](crate::revocation::Revocations)).
///
/// ```
/// use okta_verifier::{Verifier, health::RevocationHealth};
///
/// /// For an alert: rules about single users were replaced by one about all tokens.
/// fn has_collapsed(verifier: &Verifier) -> bool {
///     let health = verifier.health();
///     let collapsed = |it: &RevocationHealth| it.collapsed > 0;
///     health.iter().any(|issuer| issuer.revocation().is_some_and(collapsed))
/// }
/// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// assert!(!has_collapsed(&verifier));
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationHealth {
    /// The number of rules that can still match a token. A rule about all tokens of the issuer is not counted. A rule
    /// about a session and its user counts twice.
    pub rules: usize,
    /// The number of rules that rejected more tokens than before, since the start. It only grows.
    pub applied: u64,
    /// The number of rules that were replaced by one about all tokens, because there was no room for more. It only
    /// grows. See [`capacity`](crate::revocation::RevocationsBuilder::capacity).
    pub collapsed: u64,
    /// Every token of the issuer that was issued at this time or before is rejected. `None` if no rule is about all
    /// tokens.
    pub rejected_before: Option<SystemTime>,
    /// The state of the shared log, or `None` if the rules belong to one instance only. It is the same for each issuer.
    pub log: Option<RevocationLogHealth>,
}

/// The shared log of revocation rules ([`RevocationsBuilder::log`](crate::revocation::RevocationsBuilder::log)), as one
/// instance sees it. The numbers only grow.
///
/// ```
/// # use okta_verifier_testing::{MemoryRevocationLog, TestIssuer};
/// use okta_verifier::{Verifier, health::RevocationLogHealth, revocation::Revocations};
///
/// /// For a readiness probe: returns whether rules may be missing.
/// fn is_degraded(verifier: &Verifier) -> bool {
///     let health = verifier.health();
///     let log = health.iter().find_map(|issuer| issuer.revocation()?.log.as_ref());
///     log.is_some_and(RevocationLogHealth::is_degraded)
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// let log = MemoryRevocationLog::new();
/// let revocations = Revocations::builder().log(log.clone()).build()?;
/// # let issuer = okta.issuer().any_client_id();
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations).build()?;
/// assert!(is_degraded(&verifier)); // nothing was read yet
/// verifier.warm_up().await?;
/// assert!(!is_degraded(&verifier));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationLogHealth {
    /// Since when rules may be missing, or `None` if none are. [`Doubt`](crate::revocation::Doubt) says what happens to
    /// tokens then. Before the first load it is the time at which the `Revocations` were built.
    pub in_doubt_since: Option<SystemTime>,
    /// Whether the log was read to its end since the start.
    pub is_loaded: bool,
    /// Why the log could last not be read, as a fixed text, or `None` if it was read since.
    pub last_error: Option<&'static str>,
    /// How often rules were in doubt. A start counts if the first load fails or takes longer than a second.
    pub doubts: u64,
    /// How often the log had lost entries, so that this instance appended its rules again.
    pub gaps: u64,
    /// The number of appends that failed. What could not be appended is appended again.
    pub failed_appends: u64,
    /// The number of entries that had no effect, because this version cannot read them or because there were too many
    /// unknown issuers.
    pub ignored: u64,
}

impl RevocationLogHealth {
    /// Returns whether rules may be missing.
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        self.in_doubt_since.is_some()
    }
}

/// The result of [`Verifier::check_introspection`](crate::Verifier::check_introspection) at one issuer.
///
/// ```
/// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
/// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
/// use okta_verifier::health::IntrospectionCheck;
///
/// /// Returns the failed checks, for a log at startup.
/// fn failed(checks: Vec<IntrospectionCheck>) -> Vec<String> {
///     let text = |check: &IntrospectionCheck| Some(format!("{}: {}", check.issuer, check.result.as_ref().err()?));
///     checks.iter().filter_map(text).collect()
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = MockOkta::start().await;
/// # let verifier = |secret: &str| {
/// #     let client = ClientAuthentication::client_secret_basic(CLIENT_ID, secret);
/// #     let issuer = okta.issuer("api://default").any_client_id();
/// #     Verifier::builder().issuer(issuer.introspection(Introspection::opaque_tokens(client))).build()
/// # };
/// # let (right, wrong) = (verifier(CLIENT_SECRET)?, verifier("an old secret")?);
/// assert!(failed(right.check_introspection().await).is_empty());
/// assert_eq!(failed(wrong.check_introspection().await).len(), 1); // its client secret is wrong
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IntrospectionCheck {
    /// The issuer, as configured.
    pub issuer: String,
    /// Why introspection does not work, if it does not.
    pub result: Result<(), UnavailableReason>,
}

/// The difference between the clocks of this machine and of an issuer, as its last response with a `Date`
/// shows it (RFC 9110 §6.6.1). The `Age` of a cached response and half the duration of the request are
/// considered. The difference is correct to about one second, because `Date` has whole seconds.
///
/// The issuer writes the times in its tokens by its own clock, so a difference beyond the
/// [leeway](crate::Issuer::leeway) causes rejections with the codes `expired`, `not_yet_valid` and
/// `issued_in_future`.
///
/// ```
/// # use okta_verifier_testing::{Endpoint, MockOkta};
/// # use okta_verifier::Verifier;
/// # use std::time::{Duration, SystemTime};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = MockOkta::start().await;
/// # let show = |clock: SystemTime| okta.set_header(Endpoint::Keys, "date", Some(&httpdate::fmt_http_date(clock)));
/// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
/// # show(SystemTime::now() - Duration::from_secs(90));
/// // The clock of this machine is 90 s ahead, and the leeway is 60 s.
/// verifier.warm_up().await?;
/// let clock = verifier.health()[0].clock_difference.unwrap();
/// assert!((89..=91).contains(&clock.ahead) && !clock.is_tolerable());
///
/// # show(SystemTime::now());
/// // The clock was corrected.
/// verifier.refresh().await?;
/// assert!(verifier.health()[0].clock_difference.unwrap().is_tolerable());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockDifference {
    /// How many seconds the clock of this machine is ahead of the issuer's. Negative if it is behind.
    pub ahead: i64,
    /// The leeway of the issuer ([`Issuer::leeway`](crate::Issuer::leeway)).
    pub leeway: Duration,
}

impl ClockDifference {
    /// Returns whether the difference is at most half the leeway, or at most one second, which `Date` cannot
    /// show reliably. The log has a warning when the difference becomes larger.
    #[must_use]
    pub const fn is_tolerable(&self) -> bool {
        let distance = self.ahead.unsigned_abs();
        distance <= 1 || distance.saturating_mul(2) <= self.leeway.as_secs()
    }
}

/// How a request with a known key would be handled.
///
/// ```
/// # use okta_verifier_testing::{Endpoint, Fault, MockOkta, TestIssuer};
/// # use okta_verifier::{Issuer, Verifier, health::KeyState};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (pinned, okta, down) = (TestIssuer::new("api://default"), MockOkta::start().await, MockOkta::start().await);
/// # down.fault(Endpoint::Keys, Fault::Drop);
/// # let issuers = [pinned.issuer(), okta.issuer("api://default"), down.issuer("api://default")];
/// # let issuers = issuers.map(Issuer::any_client_id);
/// # let verifier = issuers.into_iter().fold(Verifier::builder(), |builder, issuer| builder.issuer(issuer)).build()?;
/// // One issuer with pinned keys, one that is up, one that is down.
/// let states = || verifier.health().into_iter().map(|it| it.state).collect::<Vec<_>>();
/// assert_eq!(states(), [KeyState::Pinned, KeyState::NotFetched, KeyState::NotFetched]);
///
/// assert!(verifier.warm_up().await.is_err());
/// assert!(matches!(states()[..], [KeyState::Pinned, KeyState::Fresh, KeyState::Unavailable { .. }]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// The keys were set with [`Issuer::keys`](crate::Issuer::keys) and are never fetched. Requests are
    /// served.
    Pinned,
    /// There are no keys yet, or none that are still trusted. A request waits for a fetch.
    NotFetched,
    /// The keys are fresh. Requests are served.
    Fresh,
    /// The keys are fresh, and a fetch is in flight. Requests are served.
    Refreshing,
    /// The keys are past their freshness. While fetches fail, requests are served for at most
    /// `trusted_for`.
    Stale {
        /// How long the keys are still trusted.
        trusted_for: Duration,
    },
    /// No keys are still trusted, and the last fetch failed. Requests get 503.
    Unavailable {
        /// The time until the next fetch may begin.
        retry_after: Duration,
    },
}

/// The state of introspection at one issuer
/// ([`Issuer::introspection`](crate::Issuer::introspection)).
///
/// ```
/// # use okta_verifier_testing::{CLIENT_ID, MockOkta};
/// # use okta_verifier::{Verifier, health::IntrospectionState, introspection::{ClientAuthentication, Introspection}};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = MockOkta::start().await;
/// # let issuer = okta.issuer("api://default").any_client_id();
/// let client = ClientAuthentication::client_secret_basic(CLIENT_ID, "an old secret");
/// let issuer = issuer.introspection(Introspection::every_token(client));
/// let verifier = Verifier::builder().issuer(issuer).build()?;
/// # let jwt = okta.token("ada").sign();
/// assert!(verifier.verify(&jwt).await.is_err());
///
/// let health = verifier.health().remove(0);
/// let introspection = health.introspection().expect("it is configured");
/// assert!(matches!(introspection.state, IntrospectionState::CredentialsRejected { .. }));
/// assert!(introspection.last_success.is_none());
/// assert_eq!(introspection.last_error.as_ref().unwrap().to_string(), "the introspection endpoint rejected this service's client credentials");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IntrospectionHealth {
    /// Whether introspection works.
    pub state: IntrospectionState,
    /// The number of introspection requests in flight.
    pub in_flight: usize,
    /// When the last successful introspection request began, or `None` if no request has succeeded.
    pub last_success: Option<SystemTime>,
    /// The last failure that changed the state, or `None` if introspection has recovered since. A failure
    /// of requests about unverified tokens, which strangers may have invented, is shown for one minute.
    pub last_error: Option<UnavailableReason>,
}

/// Whether introspection works. A failed request does not change the state if its token may have caused the
/// failure.
///
/// ```
/// use okta_verifier::health::IntrospectionState;
///
/// /// For an alert: retries do not solve this.
/// fn needs_a_person(state: &IntrospectionState) -> bool {
///     matches!(state, IntrospectionState::CredentialsRejected { .. })
/// }
/// assert!(!needs_a_person(&IntrospectionState::Unused));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionState {
    /// No introspection request has succeeded yet, and no failure has changed the state.
    Unused,
    /// Introspection requests have succeeded, and no failure has changed the state since.
    Available,
    /// Introspection requests fail. HTTP requests whose token must be introspected get 503.
    Unavailable {
        /// The time until the next request; zero if it may be sent now.
        retry_after: Duration,
    },
    /// The issuer rejected the client credentials of this service, so the settings must be corrected. HTTP
    /// requests whose token must be introspected get 503. If only requests about unverified tokens have
    /// failed, such as new opaque tokens, the state is `Unavailable`, because strangers may have invented
    /// these tokens; see [`IntrospectionHealth::last_error`].
    CredentialsRejected {
        /// The time until the next request; zero if it may be sent now.
        retry_after: Duration,
    },
}
