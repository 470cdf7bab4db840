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
    pub(crate) introspection: Option<IntrospectionHealth>,
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
