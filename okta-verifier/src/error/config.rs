use std::sync::Arc;

/// A wrong setting, found before the first request. Its text says what to write instead.
///
/// ```
/// use okta_verifier::{ConfigError, Issuer, Verifier};
///
/// let org_server = Issuer::okta("https://acme.okta.com", "api://default").any_client_id();
/// let error = Verifier::builder().issuer(org_server).build().unwrap_err();
/// assert!(matches!(error, ConfigError::OrgAuthorizationServer { .. }));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No issuer was given.
    #[error(
        "no issuer: call .issuer(Issuer::okta(\"https://acme.okta.com/oauth2/default\", \"api://default\").client_id(\"0oa…\"))"
    )]
    NoIssuer,
    /// The issuer's URL cannot be used.
    #[error("issuer {url:?}: {problem}")]
    IssuerUrl {
        /// What was given.
        url: String,
        /// What is wrong with it, and what to write.
        problem: String,
    },
    /// The URL names the org authorization server, whose tokens only Okta may judge.
    #[error(
        "issuer {url:?} is the org authorization server: its access tokens are for Okta's own APIs and may change without notice; write a custom authorization server's issuer, such as {url}/oauth2/default"
    )]
    OrgAuthorizationServer {
        /// What was given, without a trailing slash.
        url: String,
    },
    /// Two issuers with one URL.
    #[error("issuer {url:?} is configured twice: merge the two")]
    DuplicateIssuer {
        /// The URL.
        url: String,
    },
    /// The audience is empty.
    #[error(
        "issuer {issuer:?}: the audience is empty; write the `aud` of its access tokens, such as \"api://default\""
    )]
    Audience {
        /// The issuer's URL.
        issuer: String,
    },
    /// Nothing, or two things at once, was said about client ids.
    #[error("issuer {issuer:?}: {problem}")]
    Client {
        /// The issuer's URL.
        issuer: String,
        /// What to write.
        problem: &'static str,
    },
    /// Not the name of a supported algorithm.
    #[error(
        "algorithm {name:?}: write one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"
    )]
    Algorithm {
        /// What was given.
        name: String,
    },
    /// [`Issuer::algorithms`](crate::Issuer::algorithms) was called with nothing.
    #[error(
        "issuer {issuer:?}: no algorithm is allowed; leave .algorithms(..) out to allow every supported one"
    )]
    NoAlgorithm {
        /// The issuer's URL.
        issuer: String,
    },
    /// [`Issuer::infer_rsa_algorithm`](crate::Issuer::infer_rsa_algorithm) without exactly one RSA
    /// algorithm.
    #[error(
        "issuer {issuer:?}: .infer_rsa_algorithm() needs exactly one RSA algorithm; name it with .algorithms([..]), such as .algorithms([Algorithm::PS256])"
    )]
    InferRsaAlgorithm {
        /// The issuer's URL.
        issuer: String,
    },
    /// The leeway is above five minutes.
    #[error(
        "issuer {issuer:?}: a leeway of {seconds} s accepts long-expired tokens; write at most 300 s"
    )]
    Leeway {
        /// The issuer's URL.
        issuer: String,
        /// What was given.
        seconds: u64,
    },
    /// The name of the groups claim is empty.
    #[error(
        "issuer {issuer:?}: the groups claim has no name; write the one of the authorization server's claims page"
    )]
    GroupsClaim {
        /// The issuer's URL.
        issuer: String,
    },
    /// [`Issuer::allow_origin`](crate::Issuer::allow_origin) got something that is no origin.
    #[error("origin {origin:?}: {problem}")]
    Origin {
        /// What was given.
        origin: String,
        /// What to write.
        problem: &'static str,
    },
    /// [`Issuer::keys`](crate::Issuer::keys) got no usable key set.
    #[error("issuer {issuer:?}: the given keys cannot be used: {problem}")]
    Keys {
        /// The issuer's URL.
        issuer: String,
        /// What is wrong.
        problem: String,
    },
    /// [`Issuer::stale_if_error`](crate::Issuer::stale_if_error) is above 24 hours.
    #[error(
        "issuer {issuer:?}: stale_if_error of {seconds} s trusts keys that the issuer may have withdrawn long ago; write at most 24 h"
    )]
    StaleIfError {
        /// The issuer's URL.
        issuer: String,
        /// What was given.
        seconds: u64,
    },
    /// [`DpopSettings::base_url`](crate::DpopSettings::base_url) got no URL to build on.
    #[error(
        "DPoP base URL {url:?}: write scheme and host of the API as its clients see it, without query, such as \"https://api.example.com\"; http is for loopback only"
    )]
    BaseUrl {
        /// What was given.
        url: String,
    },
    /// [`DpopSettings::trusted_proxy`](crate::DpopSettings::trusted_proxy) got no header.
    #[error(
        "proxy header {header:?}: write the one that the proxy always sets anew, such as \"Forwarded\" or \"X-Forwarded-Host\""
    )]
    ProxyHeader {
        /// What was given.
        header: String,
    },
    /// [`DpopSettings::hosts`](crate::DpopSettings::hosts) got something that is no host.
    #[error(
        "DPoP host {host:?}: write one host of the API as its clients see it, such as \"api.example.com\" or \"api.example.org:8443\"; no wildcard, no list, no path"
    )]
    ProxyHost {
        /// What was given.
        host: String,
    },
    /// Peers that may speak for their callers are not named as networks.
    #[error("peers {cidr:?}: {problem}")]
    Peers {
        /// What was given.
        cidr: String,
        /// What to write.
        problem: &'static str,
    },
    /// A setting of DPoP is out of bounds, or contradicts another one.
    #[error("DPoP: {problem}")]
    Dpop {
        /// What to write.
        problem: &'static str,
    },
    /// A setting of `RedisReplayStore`. What was given is not shown: it may hold a password.
    #[error("Redis replay store: {problem}")]
    RedisReplayStore {
        /// What to write.
        problem: &'static str,
    },
    /// The system has no random bytes to give.
    #[error("the system gives no random bytes, without which nothing can be kept secret")]
    Randomness,
    /// [`Issuer::introspection`](crate::Issuer::introspection) got something that cannot work.
    #[error("issuer {issuer:?}: introspection: {problem}")]
    Introspection {
        /// The issuer's URL.
        issuer: String,
        /// What to write.
        problem: &'static str,
    },
    /// The realm has a character that a header cannot carry.
    #[error("realm: write printable ASCII characters")]
    Realm,
    /// Not a list of scope tokens.
    #[error(
        "scope: write scope tokens of RFC 6749 §3.3 with single spaces between, such as \"orders:read\""
    )]
    Scope,
    /// The time-out of a fetch is out of bounds.
    #[error("fetch_timeout: write 50 ms to 30 s; requests wait that long for a dead issuer")]
    FetchTimeout,
    /// The cap on the size of a token is out of bounds.
    #[error("max_token_size: write 1024 to 65536 bytes")]
    MaxTokenSize,
    /// The HTTP client cannot be built.
    #[error(
        "the HTTP client cannot be built, most often because the system has no CA certificates: install the package ca-certificates, or give .http_client(..) the roots to trust"
    )]
    HttpClient {
        /// What the HTTP client said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// An environment variable is missing or wrong.
    #[error("{variable}: {problem}")]
    Environment {
        /// The variable's name.
        variable: &'static str,
        /// What to write.
        problem: String,
    },
}
