//! The state of the keys, for a person, a probe or a metric.

use std::time::{Duration, SystemTime};

use crate::error::FetchError;

/// What a verifier knows of one issuer's keys, told without asking anybody.
///
/// ```
/// use okta_verifier::{Issuer, KeyState, Verifier};
///
/// let verifier = Verifier::builder()
///     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
///     .build()?;
/// let health = verifier.health();
/// assert_eq!(health[0].issuer, "https://acme.okta.com/oauth2/default");
/// assert!(matches!(health[0].state, KeyState::NotFetched)); // nobody has asked yet
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuerHealth {
    /// The issuer, as configured.
    pub issuer: String,
    /// What would happen to a request now.
    pub state: KeyState,
    /// The `kid` of every usable key.
    pub key_ids: Vec<String>,
    /// Since the last good fetch began.
    pub age: Option<Duration>,
    /// How long a good fetch counts as fresh: its `Cache-Control`, within 5 min and 1 h.
    pub fresh_for: Option<Duration>,
    /// When the last good fetch began.
    pub last_success: Option<SystemTime>,
    /// Why the last fetch failed; `None` since the last good one.
    pub last_error: Option<FetchError>,
    pub(crate) introspection: Option<IntrospectionHealth>,
}

impl IssuerHealth {
    /// The state of introspection at the issuer; `None` without [`Issuer::introspection`](crate::Issuer::introspection).
    ///
    /// ```
    /// use okta_verifier::{ClientAuthentication, Introspection, IntrospectionState, Issuer, Verifier};
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

/// What would happen to a request with a known key.
///
/// ```
/// # use okta_verifier_testing::{Endpoint, Fault, MockOkta, TestIssuer};
/// # use okta_verifier::{Issuer, KeyState, Verifier};
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
    /// Served: the keys were given with the settings and are never fetched.
    Pinned,
    /// It waits for a fetch: there are no keys yet, or none that are still trusted.
    NotFetched,
    /// Served.
    Fresh,
    /// Served, while a fetch is under way.
    Refreshing,
    /// The keys are past their freshness. Served while fetches fail, and no longer than this.
    Stale {
        /// What is left of the trust in the keys.
        trusted_for: Duration,
    },
    /// Refused with 503: there are no keys that are still trusted, and the last fetch failed.
    Unavailable {
        /// When the next fetch is tried.
        retry_after: Duration,
    },
}

/// What a verifier knows of asking one issuer about tokens
/// ([`Issuer::introspection`](crate::Issuer::introspection)).
///
/// ```
/// # use okta_verifier_testing::{CLIENT_ID, MockOkta};
/// # use okta_verifier::{ClientAuthentication, Introspection, IntrospectionState, Verifier};
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
    /// How many requests are in flight.
    pub in_flight: usize,
    /// When the last request that was answered began.
    pub last_success: Option<SystemTime>,
    /// The last failure that was not the fault of a single token; `None` since the last answer. A
    /// failure about tokens that strangers may have invented is shown for a minute.
    pub last_error: Option<FetchError>,
}

/// Whether introspection works. The failure of a single token changes nothing here, as the token may
/// be the reason.
///
/// ```
/// use okta_verifier::IntrospectionState;
///
/// /// For an alert: what passes by itself wakes nobody.
/// fn wants_a_person(state: &IntrospectionState) -> bool {
///     matches!(state, IntrospectionState::CredentialsRejected { .. })
/// }
/// assert!(!wants_a_person(&IntrospectionState::Unused));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionState {
    /// No request was answered so far, and none failed in a way that concerns more than one token.
    Unused,
    /// Requests are answered.
    Available,
    /// Requests fail. Tokens that must be introspected get 503.
    Unavailable {
        /// When the next request is sent; zero: now.
        retry_after: Duration,
    },
    /// The issuer rejected this service's own credentials: correct the settings. Tokens that must be
    /// introspected get 503. With opaque tokens alone the state is `Unavailable`, because strangers
    /// may have invented the tokens that failed; see [`IntrospectionHealth::last_error`].
    CredentialsRejected {
        /// When the next request is sent; zero: now.
        retry_after: Duration,
    },
}
