//! [`ConfigError`]: a wrong setting, at startup or at run time.

use std::{error::Error, fmt, sync::Arc};

use super::chain;

/// A setting is wrong. The text of the error says what to write instead.
///
/// Most errors come from [`VerifierBuilder::build`](crate::VerifierBuilder::build), before the first
/// request. At run time, [`Verifier::set_issuers`](crate::Verifier::set_issuers) returns this error for a
/// wrong setting, and [`Rejection::insufficient_scope`](crate::Rejection::insufficient_scope) and
/// [`VerifiedToken::insufficient_scope`](crate::VerifiedToken::insufficient_scope) return it for a wrong
/// scope.
///
/// `Debug` prints the same text, followed by the sources of the error, because a `main` that returns an
/// error prints it with `Debug`.
///
/// ```
/// use okta_verifier::{ConfigError, Issuer, Verifier};
///
/// let org_server = Issuer::okta("https://acme.okta.com", "api://default").any_client_id();
/// let error = Verifier::builder().issuer(org_server).build().unwrap_err();
/// assert!(matches!(error, ConfigError::OrgAuthorizationServer { .. }));
/// assert_eq!(format!("{error:?}"), error.to_string());
///
/// let custom = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
/// assert!(Verifier::builder().issuer(custom).build().is_ok());
/// ```
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No issuer is configured.
    #[error(
        "no issuer: call .issuer(Issuer::okta(\"https://acme.okta.com/oauth2/default\", \"api://default\").client_id(\"0oa…\"))"
    )]
    NoIssuer,
    /// The issuer's URL cannot be used.
    #[error("issuer {url:?}: {problem}")]
    IssuerUrl {
        /// The value that was set.
        url: String,
        /// What is wrong with the URL, and what to write instead.
        problem: String,
    },
    /// The URL is that of the org authorization server, whose access tokens are for Okta's own APIs.
    #[error(
        "issuer {url:?} is an Okta org authorization server: its access tokens are for Okta's own APIs and may change without notice; write the issuer of a custom authorization server, such as {url}/oauth2/default"
    )]
    OrgAuthorizationServer {
        /// The origin of the URL.
        url: String,
    },
    /// The body of rejections is set wrongly, see [`ProblemDetails`](crate::ProblemDetails).
    #[error("problem details: {problem}")]
    ProblemDetails {
        /// What is wrong, and what to write instead.
        problem: &'static str,
    },
    /// Two entries have the same URL and cannot be distinguished by their audiences, or two issuers have an
    /// alias in common.
    #[error("issuer {url:?} is configured twice: {problem}")]
    DuplicateIssuer {
        /// The URL or the alias.
        url: String,
        /// What is wrong, and what to set instead.
        problem: String,
    },
    /// An audience is empty, is missing, or is written twice.
    #[error("issuer {issuer:?}: {problem}")]
    Audience {
        /// The issuer's URL.
        issuer: String,
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// The settings of the [`TokenProfile`](crate::TokenProfile) or of a provider are wrong.
    #[error("issuer {issuer:?}: {problem}")]
    Profile {
        /// The issuer's URL.
        issuer: String,
        /// What is wrong, and what to set instead.
        problem: String,
    },
    /// Neither [`Issuer::client_id`](crate::Issuer::client_id) nor
    /// [`Issuer::any_client_id`](crate::Issuer::any_client_id) was called, or both were, or a client ID is
    /// empty.
    #[error("issuer {issuer:?}: {problem}")]
    Client {
        /// The issuer's URL.
        issuer: String,
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// No supported algorithm has this name.
    #[error(
        "algorithm {name:?} is not supported; write one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"
    )]
    Algorithm {
        /// The value that was set.
        name: String,
    },
    /// [`Issuer::algorithms`](crate::Issuer::algorithms) was called with an empty list.
    #[error(
        "issuer {issuer:?}: no algorithm is allowed; remove .algorithms(..) to allow every supported one"
    )]
    NoAlgorithm {
        /// The issuer's URL.
        issuer: String,
    },
    /// [`Issuer::infer_rsa_algorithm`](crate::Issuer::infer_rsa_algorithm) was called, but
    /// [`Issuer::algorithms`](crate::Issuer::algorithms) does not allow exactly one RSA algorithm.
    #[error(
        "issuer {issuer:?}: .infer_rsa_algorithm() needs exactly one RSA algorithm; name it with .algorithms([..]), such as .algorithms([Algorithm::PS256])"
    )]
    InferRsaAlgorithm {
        /// The issuer's URL.
        issuer: String,
    },
    /// A [`Resource`](crate::Resource) has a wrong setting, or does not fit the issuers or another resource.
    #[error("resource {url:?}: {problem}")]
    Resource {
        /// The URL of the resource.
        url: String,
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// A setting of the [`Revocations`](crate::revocation::Revocations) is wrong.
    #[error("revocations: {problem}")]
    Revocations {
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// The leeway is above five minutes.
    #[error(
        "issuer {issuer:?}: a leeway of {seconds} s accepts long-expired tokens; write at most 300 s"
    )]
    Leeway {
        /// The issuer's URL.
        issuer: String,
        /// The value that was set.
        seconds: u64,
    },
    /// The name in [`Issuer::groups_claim`](crate::Issuer::groups_claim) is empty, or is a path into nested
    /// claims.
    #[error("issuer {issuer:?}: groups claim {name:?}: {problem}")]
    GroupsClaim {
        /// The issuer's URL.
        issuer: String,
        /// The value that was set.
        name: String,
        /// What is wrong with the name, and what to write instead.
        problem: &'static str,
    },
    /// The path in [`Issuer::groups_claim_path`](crate::Issuer::groups_claim_path) is empty, has an empty name
    /// or is too long.
    #[error("issuer {issuer:?}: groups claim path {path:?}: {problem}")]
    GroupsClaimPath {
        /// The issuer's URL.
        issuer: String,
        /// The names that were set.
        path: Vec<String>,
        /// What is wrong with the path, and what to write instead.
        problem: &'static str,
    },
    /// [`Issuer::allow_origin`](crate::Issuer::allow_origin) or
    /// [`Issuer::allow_insecure_origin`](crate::Issuer::allow_insecure_origin) was called with a value that
    /// is not an origin, or not one of the right scheme.
    #[error("origin {origin:?}: {problem}")]
    Origin {
        /// The value that was set.
        origin: String,
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// The URL in [`Issuer::metadata_url`](crate::Issuer::metadata_url) cannot be used. The URL is not shown,
    /// because its query may contain a secret.
    #[error("issuer {issuer:?}: metadata_url: {problem}")]
    MetadataUrl {
        /// The issuer's URL.
        issuer: String,
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// The URL in [`Issuer::jwks_uri`](crate::Issuer::jwks_uri) cannot be used, or the keys are pinned too.
    /// The URL is not shown, because its query may contain a secret.
    #[error("issuer {issuer:?}: jwks_uri: {problem}")]
    JwksUri {
        /// The issuer's URL.
        issuer: String,
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// The key set of [`Issuer::keys`](crate::Issuer::keys) or
    /// [`Issuer::key_snapshot`](crate::Issuer::key_snapshot) cannot be used.
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
        /// The value that was set.
        seconds: u64,
    },
    /// [`DpopSettings::base_url`](crate::dpop::DpopSettings::base_url) was called with a value that is not
    /// a base URL.
    #[error(
        "DPoP base URL {url:?}: write the scheme and host of the API as its clients see it, without a query, such as \"https://api.example.com\"; http is supported for loopback only"
    )]
    BaseUrl {
        /// The value that was set.
        url: String,
    },
    /// [`VerifierBuilder::forwarded_host`](crate::VerifierBuilder::forwarded_host) or
    /// [`VerifierBuilder::client_cert_header`](crate::VerifierBuilder::client_cert_header) was called with
    /// a value that is not the name of a header that a proxy can send.
    #[error(
        "proxy header {header:?}: name a header that the proxy overwrites on every request, such as \"Forwarded\", \"X-Forwarded-Host\" or \"Client-Cert\""
    )]
    ProxyHeader {
        /// The value that was set.
        header: String,
    },
    /// [`VerifierBuilder::forwarded_host`](crate::VerifierBuilder::forwarded_host) was called with a value
    /// that is not a host.
    #[error(
        "forwarded host {host:?}: write a host of the API as its clients see it, such as \"api.example.com\" or \"api.example.org:8443\"; wildcards, lists and paths are not supported"
    )]
    ProxyHost {
        /// The value that was set.
        host: String,
    },
    /// [`VerifierBuilder::trusted_proxies`](crate::VerifierBuilder::trusted_proxies) was called with a
    /// value that is not a network.
    #[error("trusted_proxies: {cidr:?}: {problem}")]
    ProxyNetwork {
        /// The value that was set.
        cidr: String,
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// The settings for trusted proxies are incomplete: they do not say which proxies are trusted, or
    /// which headers are read, or for what.
    #[error("trusted_proxies: {problem}")]
    TrustedProxies {
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// A DPoP setting is out of bounds, or contradicts another one.
    #[error("DPoP: {problem}")]
    Dpop {
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// [`Issuer::require_dpop`](crate::Issuer::require_dpop) was called, but the verifier checks no DPoP proofs.
    #[error(
        "issuer {issuer:?}: with require_dpop every token would be rejected, because the verifier checks no DPoP proofs; add .dpop(DpopSettings::base_url(\"https://api.example.com\")) to the verifier (`dpop` in the settings file), or remove require_dpop"
    )]
    RequireDpop {
        /// The issuer's URL.
        issuer: String,
    },
    /// A setting of the [`IssuerResolver`](crate::IssuerResolver) is wrong.
    #[error("issuer_resolver: {problem}")]
    IssuerResolver {
        /// What is wrong, and what to set instead.
        problem: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system's random number generator is unavailable")]
    Randomness,
    /// A setting of [`Issuer::introspection`](crate::Issuer::introspection) is wrong.
    #[error("issuer {issuer:?}: introspection: {problem}")]
    Introspection {
        /// The issuer's URL.
        issuer: String,
        /// What is wrong, and what to set instead.
        problem: String,
    },
    /// The realm is empty or has a character outside printable ASCII.
    #[error("realm: write printable ASCII characters")]
    Realm,
    /// The value is not a list of scope tokens separated by single spaces.
    #[error(
        "scope: write scope tokens of RFC 6749 §3.3 separated by single spaces, such as \"orders:read\""
    )]
    Scope,
    /// [`VerifierBuilder::fetch_timeout`](crate::VerifierBuilder::fetch_timeout) is out of bounds.
    #[error(
        "fetch_timeout: write 50 ms to 30 s; requests wait that long for an issuer that does not respond"
    )]
    FetchTimeout,
    /// [`VerifierBuilder::max_token_size`](crate::VerifierBuilder::max_token_size) is out of bounds.
    #[error("max_token_size: write 1024 to 65536 bytes")]
    MaxTokenSize,
    /// [`VerifierBuilder::log_claims`](crate::VerifierBuilder::log_claims) was called with an empty name, or
    /// with too many.
    #[error("log_claims: {problem}")]
    LogClaims {
        /// What is wrong, and what to set instead.
        problem: &'static str,
    },
    /// A setting of a [`Transmitter`](crate::revocation::Transmitter) is wrong.
    #[error("transmitter {issuer:?}: {problem}")]
    Transmitter {
        /// The issuer of the events, as configured.
        issuer: String,
        /// What is wrong, and what to set instead.
        problem: String,
    },
    /// The HTTP client cannot be built.
    #[error(
        "the HTTP client could not be built, most often because the system has no CA certificates; install the package ca-certificates, or set the roots to trust with .http_client_builder(..)"
    )]
    HttpClient {
        /// The error of the HTTP client.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// [`VerifierBuilder::ca_certificates`](crate::VerifierBuilder::ca_certificates) was called with a text
    /// that has no certificate in PEM.
    #[error(
        "ca_certificates: write one or more certificates in PEM, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
    )]
    CaCertificates,
    /// An environment variable is missing or wrong.
    #[error("{variable}: {problem}")]
    Environment {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong, and what to set instead.
        problem: String,
    },
}

/// Prints the text of `Display` and the sources, because a `main` that returns an error prints it with
/// `Debug`.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}
