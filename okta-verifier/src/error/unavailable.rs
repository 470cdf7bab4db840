//! [`UnavailableReason`]: why a token could not be verified although the client did nothing wrong.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use super::{VerifyError, chain};

/// Why an issuer's metadata, keys or introspection response could not be fetched, or why a DPoP proof
/// could not be stored.
///
/// None of these failures is the client's fault, so the response is 503 with `Retry-After`, not 401.
///
/// A text from the network, such as a header's value, is escaped to printable ASCII and shortened to 64
/// bytes.
///
/// ```
/// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
/// # use okta_verifier::{Verifier, error::UnavailableReason};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = MockOkta::start().await;
/// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
/// # okta.fault(Endpoint::Discovery, Fault::Status(429));
/// // The issuer limits the rate of requests: 429, `Retry-After: 2`.
/// let error = verifier.warm_up().await.unwrap_err();
/// assert!(matches!(error.reason(), UnavailableReason::Status { status: 429, retry_after: Some(_) }));
///
/// # okta.clear_faults();
/// // The issuer responds normally again.
/// assert!(verifier.refresh().await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnavailableReason {
    /// No connection could be established, so nothing was sent.
    #[error("no connection to the issuer could be established: {}", failure.text())]
    Connect {
        /// The step that failed.
        failure: ConnectFailure,
        /// The error of the HTTP client.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The connection broke.
    #[error("the connection to the issuer broke")]
    Transport {
        /// The error of the HTTP client.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The response was not complete within the timeout.
    #[error("the issuer did not respond in time")]
    Timeout,
    /// The response has a status other than 200, and is not a redirect.
    #[error("the issuer responded with status {status}")]
    Status {
        /// The status code.
        status: u16,
        /// The time after which the issuer allows a retry, from `Retry-After` (RFC 9110 §10.2.3) or
        /// `X-Rate-Limit-Reset`.
        retry_after: Option<Duration>,
    },
    /// The response is a redirect (RFC 9110 §15.4). Redirects are never followed.
    #[error(
        "the issuer responded with a redirect, status {status}, {}; redirects are not followed",
        target(.location.as_deref())
    )]
    Redirect {
        /// The status code.
        status: u16,
        /// The value of `Location` without user name, password, query and fragment, or `None` if the
        /// response has no `Location`.
        location: Option<Box<str>>,
    },
    /// The response does not have exactly one `Content-Type`, or its `Content-Type` is not JSON.
    #[error("the issuer's response is not accepted as JSON: it has {}", content_type(*.fields, .value))]
    ContentType {
        /// How many `Content-Type` fields the response has.
        fields: usize,
        /// The values of these fields, separated by commas.
        value: Box<str>,
    },
    /// The response has a content encoding, which was not requested (RFC 9110 §8.4).
    #[error(
        "the issuer's response has the Content-Encoding \"{encoding}\", which was not requested"
    )]
    ContentEncoding {
        /// The value of `Content-Encoding`.
        encoding: Box<str>,
    },
    /// The response is larger than the size limit.
    #[error("the issuer's response is larger than {limit} bytes")]
    TooLarge {
        /// The size limit in bytes.
        limit: usize,
    },
    /// The response is not the JSON document that was requested.
    #[error("the issuer's {document} is malformed")]
    Malformed {
        /// The name of the document: `metadata`, `key set` or `introspection response`.
        document: &'static str,
    },
    /// The metadata belongs to another issuer (RFC 8414 §3.3).
    #[error(
        "the metadata's issuer \"{issuer}\" does not exactly match the configured issuer; write the issuer exactly as in the metadata, if it is yours"
    )]
    OtherIssuer {
        /// The metadata's `issuer`.
        issuer: Box<str>,
    },
    /// A URL in the metadata does not use https, or has an origin that is not allowed.
    #[error(
        "the metadata's {member} \"{url}\" is not an https URL of an allowed origin, which are those of the issuer and of Issuer::metadata_url; allow another one with Issuer::allow_origin"
    )]
    ForeignUrl {
        /// The name of the metadata's member.
        member: &'static str,
        /// The member's value without user name, password, query and fragment.
        url: Box<str>,
    },
    /// The key set has more than 100 keys.
    #[error("the key set has more than {limit} keys")]
    TooManyKeys {
        /// The maximum number of keys.
        limit: usize,
    },
    /// No key of the set can be used.
    #[error("the key set has no usable key{}", explained(*.skipped, .reasons))]
    NoUsableKey {
        /// How many entries were skipped.
        skipped: usize,
        /// A text for logs that says which entries were skipped, and why. It lists the first ten of them by
        /// position, with the `kid` if it is printable and at most 64 bytes long. The text is empty if the
        /// set has no entries.
        reasons: String,
    },
    /// The metadata has no `introspection_endpoint`.
    #[error(
        "the issuer's metadata has no introspection_endpoint; set it with Introspection::endpoint"
    )]
    NoIntrospectionEndpoint,
    /// The introspection endpoint rejected the client credentials of this service (RFC 7662 §2.3): they are
    /// wrong or were withdrawn. The response does not say whether the token is valid.
    #[error("the introspection endpoint rejected this service's client credentials")]
    CredentialsRefused,
    /// A route requires introspection, but introspection is not configured for the token's issuer.
    #[error("introspection is required for this route but not configured for the issuer")]
    NoIntrospection,
    /// More tokens had to be introspected than
    /// [`Introspection::rate_limit`](crate::introspection::Introspection::rate_limit),
    /// [`unverified_rate_limit`](crate::introspection::Introspection::unverified_rate_limit) or
    /// [`max_in_flight`](crate::introspection::Introspection::max_in_flight) allows.
    #[error("introspection rate limit reached; retry shortly")]
    IntrospectionRateLimit,
    /// The [`IssuerResolver`](crate::IssuerResolver) failed. Its error may contain the `iss` of a token,
    /// which a stranger may have written, so this crate does not log it.
    #[error("the issuer resolver failed")]
    IssuerResolver {
        /// The error of the resolver.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The [`IssuerResolver`](crate::IssuerResolver) did not return within its
    /// [`timeout`](crate::IssuerResolver::timeout).
    #[error("the issuer resolver did not respond in time")]
    IssuerResolverTimeout,
    /// More new issuers had to be resolved than [`rate_limit`](crate::IssuerResolver::rate_limit) or
    /// [`max_in_flight`](crate::IssuerResolver::max_in_flight) of the
    /// [`IssuerResolver`](crate::IssuerResolver) allows.
    #[error("issuer resolver rate limit reached; retry shortly")]
    IssuerResolverRateLimit,
    /// The [`IssuerResolver`](crate::IssuerResolver) returned settings that cannot be used, for example
    /// those of another issuer. The log has an error that says what is wrong.
    #[error("the settings that the issuer resolver returned cannot be used")]
    ResolvedIssuer,
    /// The operating system gave no random bytes.
    #[error("the operating system's random number generator is unavailable")]
    NoRandomness,
    /// There is no tokio runtime. Requests to the issuer and to a shared replay store need one.
    #[error(
        "there is no tokio runtime to send a request on; call it on a tokio runtime with enable_all(), such as that of #[tokio::main]"
    )]
    NoRuntime,
    /// The verification was interrupted: a runtime was shut down, the process was suspended, or the
    /// settings of the token's issuer were replaced while the request waited.
    #[error(
        "the verification was interrupted; the request can be repeated at once; if every request fails, build the tokio runtime with enable_all()"
    )]
    Abandoned,
    /// The DPoP replay store is full, or the caller (issuer, client and subject) has used up its share.
    #[error(
        "the DPoP replay store is full (global or per-caller limit); see DpopSettings::replay_capacity and replay_capacity_per_caller"
    )]
    ReplayStoreFull,
    /// Revocation rules may be missing, because the shared log
    /// ([`RevocationLog`](crate::revocation::RevocationLog)) was not read in time, and the issuer has not shown that the
    /// token is still active ([`Doubt`](crate::revocation::Doubt)).
    #[error(
        "revocation rules may be missing, because the shared log was not read in time; see RevocationsBuilder::in_doubt"
    )]
    RevocationLog,
    /// Revocation rules may be missing, because a stream of security events is paused, disabled or silent
    /// ([`Transmitter::doubt_when_degraded`](crate::revocation::Transmitter::doubt_when_degraded)), and the issuer has not
    /// shown that the token is still active ([`Doubt`](crate::revocation::Doubt)).
    #[error(
        "revocation rules may be missing, because a stream of security events is paused, disabled or silent; see RevocationsBuilder::in_doubt"
    )]
    EventStream,
    /// The DPoP replay store failed.
    #[error("the DPoP replay store failed")]
    ReplayStore {
        /// The error of the store.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}

/// The step at which a connection to an issuer, or to the proxy in between, failed. It is read from the types
/// of the HTTP client's errors, never from their texts.
///
/// ```
/// # use okta_verifier::{Issuer, Verifier};
/// use okta_verifier::error::{ConnectFailure, UnavailableReason};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), okta_verifier::ConfigError> {
/// // Connections to this port are refused.
/// let issuer = Issuer::okta("http://127.0.0.1:1/oauth2/default", "api://default").any_client_id();
/// let error = Verifier::builder().issuer(issuer).build()?.warm_up().await.unwrap_err();
/// assert!(matches!(error.reason(), UnavailableReason::Connect { failure: ConnectFailure::Refused, .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The name of the host could not be resolved.
    Dns,
    /// The host refused the connection.
    Refused,
    /// The certificate of the server was not accepted: it is expired, is for another name, or its root
    /// certificate is not trusted.
    Certificate,
    /// The TLS handshake failed for another reason than the certificate.
    Tls,
    /// Another step failed, for example because the network is unreachable or a proxy rejected the
    /// connection.
    Other,
}

impl ConnectFailure {
    fn text(self) -> &'static str {
        match self {
            Self::Dns => "the name of the host could not be resolved",
            Self::Refused => "the host refused the connection",
            Self::Certificate => "the certificate of the server was not accepted",
            Self::Tls => "the TLS handshake failed",
            Self::Other => "the network or a proxy rejected the connection",
        }
    }
}

fn explained(skipped: usize, reasons: &str) -> String {
    match skipped {
        0 => ": it has no entries".to_owned(),
        _ => format!("; skipped: {skipped} ({reasons})"),
    }
}

impl UnavailableReason {
    /// Returns a stable name of the reason in snake case, for metrics and alerts. The guide *Why do I get 401?*
    /// lists all of them. The code never contains a text from the network.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
    /// # okta.fault(Endpoint::Keys, Fault::EmptyKeys);
    /// // The issuer publishes an empty key set.
    /// assert!(verifier.warm_up().await.is_err());
    /// let health = verifier.health().remove(0);
    /// assert_eq!(health.last_error.map(|reason| reason.code()), Some("no_usable_key"));
    ///
    /// # okta.clear_faults();
    /// // The issuer publishes its keys again.
    /// assert!(verifier.refresh().await.is_ok());
    /// assert!(verifier.health()[0].last_error.is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Connect { failure, .. } => match failure {
                ConnectFailure::Dns => "dns",
                ConnectFailure::Refused => "connection_refused",
                ConnectFailure::Certificate => "certificate",
                ConnectFailure::Tls => "tls",
                ConnectFailure::Other => "connect",
            },
            Self::Transport { .. } => "transport",
            Self::Timeout => "timeout",
            Self::Status { .. } => "status",
            Self::Redirect { .. } => "redirect",
            Self::ContentType { .. } => "content_type",
            Self::ContentEncoding { .. } => "content_encoding",
            Self::TooLarge { .. } => "too_large",
            Self::Malformed { .. } => "malformed_response",
            Self::OtherIssuer { .. } => "issuer_mismatch",
            Self::ForeignUrl { .. } => "foreign_url",
            Self::TooManyKeys { .. } => "too_many_keys",
            Self::NoUsableKey { .. } => "no_usable_key",
            Self::NoIntrospectionEndpoint => "no_introspection_endpoint",
            Self::CredentialsRefused => "introspection_credentials_rejected",
            Self::NoIntrospection => "no_introspection",
            Self::IntrospectionRateLimit => "introspection_rate_limit",
            Self::IssuerResolver { .. } => "issuer_resolver",
            Self::IssuerResolverTimeout => "issuer_resolver_timeout",
            Self::IssuerResolverRateLimit => "issuer_resolver_rate_limit",
            Self::ResolvedIssuer => "resolved_issuer",
            Self::NoRandomness => "no_randomness",
            Self::NoRuntime => "no_runtime",
            Self::Abandoned => "abandoned",
            Self::RevocationLog => "revocation_log",
            Self::EventStream => "event_stream",
            Self::ReplayStoreFull => "replay_store_full",
            Self::ReplayStore { .. } => "replay_store",
        }
    }

    /// Returns the time after which the issuer allows a retry, or `None` if the issuer has not stated it.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns whether the response shows that the document is no longer at its URL.
    pub(crate) fn is_moved(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 404 | 410,
                ..
            } | Self::Redirect { .. }
        )
    }
}

fn target(location: Option<&str>) -> String {
    match location {
        Some(location) => format!("to \"{location}\""),
        None => "without a target".to_owned(),
    }
}

fn content_type(fields: usize, value: &str) -> String {
    match fields {
        0 => "no Content-Type".to_owned(),
        1 => format!("the Content-Type \"{value}\""),
        _ => format!("several Content-Type fields, \"{value}\""),
    }
}

/// The keys of an issuer could not be fetched by [`Verifier::warm_up`](crate::Verifier::warm_up) or
/// [`Verifier::refresh`](crate::Verifier::refresh), or the shared revocation log could not be loaded by `warm_up`.
///
/// `Display` names the issuer, and [`source`](std::error::Error::source) is the reason. `Debug` prints the
/// issuer and all sources, because a `main` that returns an error prints it with `Debug`.
///
/// ```
/// use okta_verifier::{Issuer, Verifier, error::UnavailableReason};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = okta_verifier_testing::MockOkta::start().await;
/// let build = |issuer: Issuer| Verifier::builder().issuer(issuer.any_client_id()).build();
/// assert!(build(okta.issuer("api://default"))?.warm_up().await.is_ok());
///
/// // Connections to this port are refused.
/// let unreachable = Issuer::okta("http://127.0.0.1:1/oauth2/default", "api://default");
/// let error = build(unreachable)?.warm_up().await.unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the keys of issuer \"http://127.0.0.1:1/oauth2/default\" could not be fetched",
/// );
/// assert!(matches!(error.reason(), UnavailableReason::Connect { .. }));
/// assert!(format!("{error:?}").starts_with(&error.to_string()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, thiserror::Error)]
#[error("{}", failed(.issuer.as_deref()))]
pub struct FetchKeysError {
    /// `None` if the shared revocation log could not be loaded.
    issuer: Option<String>,
    retry_after: Duration,
    #[source]
    reason: UnavailableReason,
}

impl FetchKeysError {
    pub(crate) fn new(issuer: &str, error: VerifyError) -> Self {
        let (retry_after, reason) = match error {
            VerifyError::Unavailable {
                retry_after,
                source,
            } => (retry_after, source),
            // A fetch of keys returns no other error.
            _ => (Duration::ZERO, UnavailableReason::Abandoned),
        };
        Self {
            issuer: Some(issuer.to_owned()),
            retry_after,
            reason,
        }
    }

    pub(crate) fn of_log(reason: UnavailableReason) -> Self {
        Self {
            issuer: None,
            retry_after: Duration::ZERO,
            reason,
        }
    }

    /// Returns the URL of the issuer, as configured.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), okta_verifier::ConfigError> {
    /// # let url = "http://127.0.0.1:1/oauth2/default";
    /// # let issuer = okta_verifier::Issuer::okta(url, "api://default").any_client_id();
    /// # let verifier = okta_verifier::Verifier::builder().issuer(issuer).build()?;
    /// let error = verifier.warm_up().await.unwrap_err();
    /// assert_eq!(error.issuer(), "http://127.0.0.1:1/oauth2/default");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The text is empty if the shared revocation log could not be loaded.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_deref().unwrap_or_default()
    }

    /// Returns why the keys could not be fetched.
    ///
    /// ```
    /// # use okta_verifier::error::{FetchKeysError, UnavailableReason};
    /// /// Returns whether a retry may help.
    /// fn is_temporary(error: &FetchKeysError) -> bool {
    ///     !matches!(error.reason(), UnavailableReason::OtherIssuer { .. } | UnavailableReason::ForeignUrl { .. })
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), okta_verifier::ConfigError> {
    /// # let issuer = okta_verifier::Issuer::okta("http://127.0.0.1:1/oauth2/default", "api://default");
    /// # let verifier = okta_verifier::Verifier::builder().issuer(issuer.any_client_id()).build()?;
    /// assert!(is_temporary(&verifier.warm_up().await.unwrap_err())); // the connection was refused
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn reason(&self) -> &UnavailableReason {
        &self.reason
    }

    /// Returns the [code](UnavailableReason::code) of the reason.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), okta_verifier::ConfigError> {
    /// # let issuer = okta_verifier::Issuer::okta("http://127.0.0.1:1/oauth2/default", "api://default");
    /// # let verifier = okta_verifier::Verifier::builder().issuer(issuer.any_client_id()).build()?;
    /// let error = verifier.warm_up().await.unwrap_err();
    /// assert_eq!(error.code(), "connection_refused");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// Returns the time until the next request to the issuer is allowed. Zero means that it is allowed at
    /// once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), okta_verifier::ConfigError> {
    /// # let issuer = okta_verifier::Issuer::okta("http://127.0.0.1:1/oauth2/default", "api://default");
    /// # let verifier = okta_verifier::Verifier::builder().issuer(issuer.any_client_id()).build()?;
    /// let error = verifier.warm_up().await.unwrap_err();
    /// assert!(error.retry_after() <= std::time::Duration::from_secs(120));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

fn failed(issuer: Option<&str>) -> String {
    match issuer {
        Some(issuer) => format!("the keys of issuer {issuer:?} could not be fetched"),
        None => "the shared revocation log could not be loaded".to_owned(),
    }
}

impl fmt::Debug for FetchKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}
