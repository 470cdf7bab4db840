use std::{sync::Arc, time::Duration};

/// Why the issuer could not be asked: for its metadata, its keys, or a token's state. Or why a
/// DPoP proof could not be remembered.
///
/// Never the caller's fault: the answer is 503 with `Retry-After`, not 401.
///
/// ```
/// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
/// # use okta_verifier::{FetchError, Verifier, VerifyError};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = MockOkta::start().await;
/// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
/// # okta.fault(Endpoint::Discovery, Fault::Status(429));
/// // The issuer has had enough of us: 429, `Retry-After: 2`.
/// let Err(VerifyError::Unavailable { source, .. }) = verifier.warm_up().await else {
///     panic!("there are no keys");
/// };
/// assert!(matches!(source, FetchError::Status { status: 429, retry_after: Some(_) }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection could be established, so nothing was sent.
    #[error("no connection to the issuer could be established")]
    Connect {
        /// What the HTTP client said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke.
    #[error("the connection to the issuer broke")]
    Transport {
        /// What the HTTP client said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// No whole answer within the time-out.
    #[error("the issuer did not answer in time")]
    Timeout,
    /// Another status than 200; redirects are never followed.
    #[error("the issuer answered with status {status}")]
    Status {
        /// The status code.
        status: u16,
        /// What the issuer asked us to wait, from `Retry-After` or `X-Rate-Limit-Reset`.
        retry_after: Option<Duration>,
    },
    /// Not JSON by its `Content-Type`.
    #[error("the issuer's answer is not application/json")]
    ContentType,
    /// More bytes than the cap.
    #[error("the issuer's answer is larger than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
    /// Not the JSON document that was asked for.
    #[error("the issuer's {document} is malformed")]
    Malformed {
        /// `metadata`, `key set` or `introspection answer`.
        document: &'static str,
    },
    /// The metadata names another issuer (RFC 8414 §3.3).
    #[error("the metadata names another issuer than the configured one, to the letter")]
    OtherIssuer,
    /// The metadata names a URL of another origin, or without https.
    #[error(
        "the metadata's {member} is not an https URL of the issuer's origin; Issuer::allow_origin (for keys) and Introspection::endpoint name another"
    )]
    ForeignUrl {
        /// The metadata's member.
        member: &'static str,
    },
    /// More than 100 keys.
    #[error("the key set has more than {limit} keys")]
    TooManyKeys {
        /// The cap.
        limit: usize,
    },
    /// No key of the set can be used.
    #[error("the key set has no usable key{}", explained(*.skipped, .reasons))]
    NoUsableKey {
        /// How many entries were skipped.
        skipped: usize,
        /// Which entries, and why, as a text for a log: the first ten by their position, with their
        /// `kid` if it is printable and has at most 64 bytes. Empty if the set has no entries.
        reasons: String,
    },
    /// The metadata has no `introspection_endpoint`.
    #[error(
        "the issuer's metadata names no introspection endpoint; Introspection::endpoint names it"
    )]
    NoIntrospectionEndpoint,
    /// The issuer refuses our own credentials at its introspection endpoint (RFC 7662 §2.3):
    /// wrong ones are configured, or they were withdrawn. It says nothing about any token.
    #[error("the issuer refuses our own credentials")]
    CredentialsRefused,
    /// A route wants the issuer to be asked, and nothing says how to ask this one.
    #[error("the issuer must be asked, and has no Issuer::introspection")]
    NoIntrospection,
    /// More tokens had to be introspected than [`Introspection::rate_limit`](crate::Introspection)
    /// or [`Introspection::max_in_flight`](crate::Introspection) allows.
    #[error("introspection rate limit reached; retry shortly")]
    IntrospectionRateLimit,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// There is no tokio runtime to fetch on.
    #[error("the issuer must be asked, and there is no tokio runtime to do it on")]
    NoRuntime,
    /// The fetch ended without a result, because its runtime was shut down.
    #[error("the fetch was abandoned")]
    Abandoned,
    /// The replay store of DPoP holds as many proofs as it may, or as many of this one caller.
    #[error(
        "no room is left to remember DPoP proofs, in all or of this caller; see DpopSettings::replay_capacity and replay_capacity_per_caller"
    )]
    ReplayStoreFull,
    /// The replay store of DPoP cannot be asked.
    #[error("the store of used DPoP proofs cannot be asked")]
    ReplayStore {
        /// What the store said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

fn explained(skipped: usize, reasons: &str) -> String {
    match skipped {
        0 => ": it has no entries".to_owned(),
        _ => format!("; skipped: {skipped} ({reasons})"),
    }
}

impl FetchError {
    /// What the issuer asked us to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
