//! [`Introspection`]: the settings of token introspection.

use std::{borrow::Cow, fmt, ops::RangeInclusive, time::Duration};

use url::Url;

use super::ClientAuthentication;
use crate::{net::client_auth::ClientAuth, sync::token_bucket::Rate};

/// Configuration of token introspection at one issuer (RFC 7662): which tokens are introspected, which
/// client this service authenticates as, and how many requests are sent.
///
/// The constructor selects the tokens: [`every_token`](Self::every_token),
/// [`opaque_tokens`](Self::opaque_tokens) or [`on_demand`](Self::on_demand). Encrypted tokens and signed
/// tokens whose key the issuer does not publish are not introspected unless
/// [`encrypted_tokens`](Self::encrypted_tokens) and
/// [`tokens_with_unknown_keys`](Self::tokens_with_unknown_keys) enable it.
///
/// An active response is checked like a token: `aud`, `exp`, `nbf`, the client and the kind of token. Every
/// claim of the [`VerifiedToken`](crate::VerifiedToken) comes from a token with a verified signature or
/// from the response, never from a token that could not be verified.
///
/// ```
/// use std::time::Duration;
/// use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
///
/// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
/// let client = ClientAuthentication::client_secret_basic("0oa1service", "from the environment");
/// let introspection = Introspection::every_token(client).max_age(Duration::from_secs(10));
/// // A revoked token is rejected after 10 s at most.
/// assert!(Verifier::builder().issuer(issuer.clone().introspection(introspection)).build().is_ok());
///
/// let without_secret = ClientAuthentication::client_secret_basic("0oa1service", "");
/// let introspection = Introspection::every_token(without_secret);
/// assert!(Verifier::builder().issuer(issuer.introspection(introspection)).build().is_err());
/// ```
///
/// # When the endpoint is unavailable
///
/// A request whose token must be introspected gets 503 with `Retry-After`, unless a cached response can still
/// be used. It does not get 401, because a client would then discard a good token. The same applies if the
/// endpoint rejects the client credentials of this service. The rejection of the credentials is logged as an
/// error and shown by [`Verifier::health`](crate::Verifier::health). Tokens that need no introspection are
/// still accepted.
///
/// # Limits
///
/// | setting | default |
/// |---|---|
/// | [`max_age`](Self::max_age): how long an active response is used | 60 s, and not past `exp` |
/// | how long an inactive response is used | 5 s |
/// | [`max_in_flight`](Self::max_in_flight): concurrent requests | 8 |
/// | [`rate_limit`](Self::rate_limit): requests about verified tokens and, counted separately, about tokens that were active before | 16 per second, 32 at once |
/// | [`unverified_rate_limit`](Self::unverified_rate_limit): requests about other tokens | 16 per second, 32 at once |
///
/// All requests with the same token share one introspection request. The share of the client that a token
/// was issued to is an eighth of the rate, and the share of each subject of that client is a sixteenth.
/// Beyond its share, a client gets what the others leave. Requests about unverified tokens, which strangers
/// can invent, take at most a quarter of `max_in_flight`. Their failures do not delay requests about other
/// tokens.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Introspection {
    mode: Mode,
    client: ClientAuthentication,
    endpoint: Option<String>,
    encrypted_tokens: bool,
    unknown_keys: bool,
    signed_tokens_only: bool,
    max_age: Duration,
    max_in_flight: usize,
    rate: (u32, u32),
    unverified_rate: (u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    EveryToken,
    OpaqueTokens,
    OnDemand,
}

impl Introspection {
    /// Introspects opaque tokens, and signed tokens after the local checks have accepted them. A revoked
    /// token is rejected at the latest when the last response is older than [`max_age`](Self::max_age). An
    /// unavailable endpoint does not extend this time.
    pub fn every_token(client: ClientAuthentication) -> Self {
        Self::new(Mode::EveryToken, client)
    }

    /// Introspects opaque tokens: strings that have neither three nor five parts separated by dots. Signed
    /// tokens are verified locally, and introspected only on routes that require a recent result
    /// ([`RequestCredentials::max_introspection_age`](crate::adapter::RequestCredentials::max_introspection_age)).
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let client = || ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(okta.issuer("api://default").any_client_id().introspection(introspection))
    /// #     .build();
    /// let opaque = okta.opaque_token("ada").sign();
    /// let verifier = build(Introspection::opaque_tokens(client()))?;
    /// assert_eq!(verifier.verify(&opaque).await?.subject(), "ada");
    ///
    /// let verifier = build(Introspection::on_demand(client()))?;
    /// assert_eq!(verifier.verify(&opaque).await.unwrap_err().code(), "malformed");
    /// # Ok(())
    /// # }
    /// ```
    pub fn opaque_tokens(client: ClientAuthentication) -> Self {
        Self::new(Mode::OpaqueTokens, client)
    }

    /// Introspects no opaque tokens, and signed tokens only on routes that require a recent result
    /// ([`RequestCredentials::max_introspection_age`](crate::adapter::RequestCredentials::max_introspection_age)).
    pub fn on_demand(client: ClientAuthentication) -> Self {
        Self::new(Mode::OnDemand, client)
    }

    fn new(mode: Mode, client: ClientAuthentication) -> Self {
        Self {
            mode,
            client,
            endpoint: None,
            encrypted_tokens: false,
            unknown_keys: false,
            signed_tokens_only: false,
            max_age: Duration::from_secs(60),
            max_in_flight: 8,
            rate: DEFAULT_RATE,
            unverified_rate: DEFAULT_RATE,
        }
    }

    /// Introspects encrypted tokens too (JWE compact serialization, RFC 7516 §7.1), which only the issuer
    /// can decrypt. Off by default, because strangers can send any number of strings that look like
    /// encrypted tokens.
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(okta.issuer("api://default").any_client_id().introspection(introspection))
    /// #     .build();
    /// let encrypted = okta.token("ada").encrypted().sign();
    /// let introspection = Introspection::on_demand(client);
    /// let verifier = build(introspection.clone())?;
    /// assert_eq!(verifier.verify(&encrypted).await.unwrap_err().code(), "encrypted");
    ///
    /// let verifier = build(introspection.encrypted_tokens())?;
    /// assert_eq!(verifier.verify(&encrypted).await?.subject(), "ada");
    /// # Ok(())
    /// # }
    /// ```
    pub fn encrypted_tokens(mut self) -> Self {
        self.encrypted_tokens = true;
        self
    }

    /// Introspects signed tokens whose key is not in the issuer's key set even after a new fetch of the
    /// keys. Off by default, because the endpoint alone then decides about the token: a server that finds
    /// tokens by their `jti` reports a modified token as active.
    ///
    /// Tokens that are bound to a key or a certificate (`cnf`) and tokens whose other claims would be
    /// rejected are not introspected for this reason. If the verifier accepts bound tokens, a response
    /// without `cnf` is rejected. Pinned keys ([`Issuer::keys`](crate::Issuer::keys)) are the only trusted
    /// keys, so this setting together with pinned keys is a [`ConfigError`](crate::ConfigError).
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(okta.issuer("api://default").any_client_id().introspection(introspection))
    /// #     .build();
    /// let unpublished = okta.token("ada").unpublished_key().sign();
    /// let introspection = Introspection::every_token(client);
    /// let verifier = build(introspection.clone())?;
    /// assert_eq!(verifier.verify(&unpublished).await.unwrap_err().code(), "unknown_key_id");
    ///
    /// let verifier = build(introspection.tokens_with_unknown_keys())?;
    /// assert_eq!(verifier.verify(&unpublished).await?.subject(), "ada");
    /// # Ok(())
    /// # }
    /// ```
    pub fn tokens_with_unknown_keys(mut self) -> Self {
        self.unknown_keys = true;
        self
    }

    /// Limits [`every_token`](Self::every_token) to signed tokens. An opaque token does not name its
    /// issuer, so at most one issuer of a verifier may introspect opaque tokens.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # let okta = |url: &str| Issuer::okta(url, "api://default").any_client_id();
    /// let client = || ClientAuthentication::client_secret_basic("0oa1service", "secret");
    /// let introspection = || Introspection::every_token(client());
    /// # let both = |second| Verifier::builder()
    /// #     .issuer(okta("https://acme.okta.com/oauth2/default").introspection(introspection()))
    /// #     .issuer(okta("https://umbrella.okta.com/oauth2/default").introspection(second))
    /// #     .build();
    /// // The first issuer introspects every token. These are the settings of a second issuer.
    /// assert!(both(introspection()).is_err());
    /// assert!(both(introspection().signed_tokens_only()).is_ok());
    /// ```
    pub fn signed_tokens_only(mut self) -> Self {
        self.signed_tokens_only = true;
        self
    }

    /// Sets the introspection endpoint. Default: the endpoint that the metadata names. The URL may have any
    /// https origin. Plain http is possible if the issuer and the endpoint are on loopback, or with
    /// [`Issuer::allow_insecure_origin`](crate::Issuer::allow_insecure_origin).
    ///
    /// The metadata may name an endpoint of the issuer's origin, of that of
    /// [`Issuer::metadata_url`](crate::Issuer::metadata_url), or of one that
    /// [`Issuer::allow_origin`](crate::Issuer::allow_origin) allows. Tokens and the credentials of this
    /// service are sent there.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id().introspection(introspection))
    /// #     .build();
    /// # let client = || ClientAuthentication::client_secret_basic("0oa1service", "secret");
    /// let introspection = || Introspection::every_token(client());
    /// assert!(build(introspection().endpoint("https://inner.example.com/introspect")).is_ok());
    /// assert!(build(introspection().endpoint("http://inner.example.com/introspect")).is_err());
    /// ```
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Sets how long an active response is used. A revocation is noticed after this time at the latest.
    /// Default 60 s, at most 1 h. With zero, a response is used only for the requests that waited for it. A
    /// response without `exp` is used for 60 s at most.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets the maximum number of concurrent introspection requests. Default 8, between 4 and 32. An Okta
    /// organization allows 75 concurrent requests for all of its clients together.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id().introspection(introspection))
    /// #     .build();
    /// # let client = || ClientAuthentication::client_secret_basic("0oa1service", "secret");
    /// let introspection = || Introspection::every_token(client());
    /// assert!(build(introspection().max_in_flight(4)).is_ok());
    /// assert!(build(introspection().max_in_flight(3)).is_err()); // below the minimum
    /// ```
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Sets the rate limit of requests about verified tokens: how many are sent per second, and how many at
    /// once after an idle time. The same limit applies, separately, to requests about unverified tokens
    /// that an earlier response reported as active. Beyond the limit, requests get 503. Default 16 per
    /// second and 32 at once. The rate is between 1 and 1,000, the burst between 4 and 1,000.
    ///
    /// With [`every_token`](Self::every_token), each token in use causes one introspection request per
    /// [`max_age`](Self::max_age): 16 requests per second serve 960 tokens with a `max_age` of 60 s.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id().introspection(introspection))
    /// #     .build();
    /// # let client = || ClientAuthentication::client_secret_basic("0oa1service", "secret");
    /// let introspection = || Introspection::every_token(client());
    /// assert!(build(introspection().rate_limit(100, 200)).is_ok());
    /// assert!(build(introspection().rate_limit(0, 200)).is_err());
    /// ```
    pub fn rate_limit(mut self, per_second: u32, burst: u32) -> Self {
        self.rate = (per_second, burst);
        self
    }

    /// Sets the rate limit of requests about unverified tokens that no earlier response reported as active.
    /// Strangers can use up this limit with invented tokens, so it limits the load that they can cause at
    /// the issuer. Opaque tokens that are seen for the first time share the limit. Default 16 per second
    /// and 32 at once, with the same bounds as [`rate_limit`](Self::rate_limit).
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id().introspection(introspection))
    /// #     .build();
    /// # let client = || ClientAuthentication::client_secret_basic("0oa1service", "secret");
    /// let introspection = || Introspection::opaque_tokens(client());
    /// assert!(build(introspection().unverified_rate_limit(4, 8)).is_ok());
    /// assert!(build(introspection().unverified_rate_limit(4, 1_001)).is_err());
    /// ```
    pub fn unverified_rate_limit(mut self, per_second: u32, burst: u32) -> Self {
        self.unverified_rate = (per_second, burst);
        self
    }

    /// Returns whether tokens with unknown keys are introspected.
    pub(crate) const fn has_unknown_keys(&self) -> bool {
        self.unknown_keys
    }

    /// Validates the settings. The error says what to change.
    pub(crate) fn prepare(self) -> Result<Settings, Cow<'static, str>> {
        if self.max_age > MAX_MAX_AGE {
            return Err(
                "a max_age above 1 h accepts tokens that were revoked long ago; write at most 1 h"
                    .into(),
            );
        }
        if !IN_FLIGHT.contains(&self.max_in_flight) {
            return Err("max_in_flight: write 4 to 32".into());
        }
        check_rate("rate_limit", self.rate)?;
        check_rate("unverified_rate_limit", self.unverified_rate)?;
        if self.signed_tokens_only && self.encrypted_tokens {
            return Err(
                ".signed_tokens_only() excludes .encrypted_tokens(); remove one of the two".into(),
            );
        }
        if self.signed_tokens_only && self.mode != Mode::EveryToken {
            return Err(
                ".signed_tokens_only() limits Introspection::every_token(..); remove it".into(),
            );
        }
        // The metadata names the endpoint for clients. An endpoint that admits everyone is another one, and
        // only the operator knows that strangers cannot reach it.
        if self.client.is_anonymous() && self.endpoint.is_none() {
            return Err(
                "ClientAuthentication::anonymous() needs .endpoint(..), because the metadata does not name an endpoint without client authentication; write the URL of the endpoint, which must not be reachable for strangers"
                    .into(),
            );
        }
        let rate = |(per_second, burst)| Rate::per_second(per_second, burst);
        Ok(Settings {
            mode: self.mode,
            auth: self.client.prepare()?,
            endpoint: self.endpoint,
            encrypted_tokens: self.encrypted_tokens,
            unknown_keys: self.unknown_keys,
            signed_tokens_only: self.signed_tokens_only,
            max_age: self.max_age,
            max_in_flight: self.max_in_flight,
            rate: rate(self.rate),
            unverified_rate: rate(self.unverified_rate),
        })
    }
}

fn check_rate(setting: &str, (per_second, burst): (u32, u32)) -> Result<(), Cow<'static, str>> {
    let problem = if !PER_SECOND.contains(&per_second) {
        format!("{setting}: per_second is {per_second}; write 1 to 1000")
    } else if !BURST.contains(&burst) {
        format!("{setting}: burst is {burst}; write 4 to 1000")
    } else {
        return Ok(());
    };
    Err(problem.into())
}

/// Omits the client and its secret, and shows only the origin of the endpoint, because the rest of the URL
/// may contain a secret.
impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("mode", &self.mode)
            .field("endpoint", &self.endpoint.as_deref().map(origin_of))
            .field("max_age", &self.max_age)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

/// Validated introspection settings.
pub(crate) struct Settings {
    mode: Mode,
    pub(crate) auth: ClientAuth,
    /// The endpoint as configured. The issuer's settings validate it, because the rules depend on the
    /// issuer's URL.
    pub(crate) endpoint: Option<String>,
    encrypted_tokens: bool,
    unknown_keys: bool,
    signed_tokens_only: bool,
    pub(crate) max_age: Duration,
    pub(crate) max_in_flight: usize,
    pub(crate) rate: Rate,
    pub(crate) unverified_rate: Rate,
}

/// Why a token may have to be introspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntrospectionReason {
    /// The issuer does not publish the token's key.
    UnknownKey,
    /// The token is encrypted.
    Encrypted,
    /// The token has neither three parts nor five.
    Opaque,
    /// Local checks accepted the token.
    Accepted,
}

#[cfg(feature = "explain")]
impl Introspection {
    /// Returns the client that this service authenticates as.
    pub(crate) fn client_id(&self) -> &str {
        self.client.client_id()
    }
}

impl Settings {
    /// Returns whether tokens are introspected for this reason on every route.
    pub(crate) fn introspects(&self, reason: IntrospectionReason) -> bool {
        match reason {
            IntrospectionReason::UnknownKey => self.unknown_keys,
            IntrospectionReason::Encrypted => self.encrypted_tokens,
            IntrospectionReason::Opaque => match self.mode {
                Mode::EveryToken => !self.signed_tokens_only,
                Mode::OpaqueTokens => true,
                Mode::OnDemand => false,
            },
            IntrospectionReason::Accepted => self.mode == Mode::EveryToken,
        }
    }
}

/// Shows only the origin of the endpoint, because its query may contain a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("mode", &self.mode)
            .field("auth", &self.auth)
            .field("endpoint", &self.endpoint.as_deref().map(origin_of))
            .field("max_age", &self.max_age)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

fn origin_of(endpoint: &str) -> String {
    Url::parse(endpoint).map_or_else(
        |_| "not a URL".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

/// The default rate in requests per second, and the default burst.
const DEFAULT_RATE: (u32, u32) = (16, 32);
const MAX_MAX_AGE: Duration = Duration::from_secs(60 * 60);
const IN_FLIGHT: RangeInclusive<usize> = 4..=32;
const PER_SECOND: RangeInclusive<u32> = 1..=1_000;
/// The burst must be at least 4, because up to three quarters of it are reserved for requests within their
/// shares.
const BURST: RangeInclusive<u32> = 4..=1_000;
