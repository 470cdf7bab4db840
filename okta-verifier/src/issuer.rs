//! [`Issuer`]: the settings of one token issuer.

mod presets;
mod resolved;
mod url;

use crate::{
    crypto::{Algorithm, Algorithms},
    introspection::Introspection,
    keys::{DEFAULT_STALE_IF_ERROR, KeySnapshot},
    token::{
        profile::{Profile, TokenProfile},
        tenants::Tenants,
    },
};
pub(crate) use resolved::ResolvedIssuer;
use std::{fmt, sync::Arc, time::Duration};

/// Configuration of one token issuer, and of the checks that its tokens must pass.
///
/// The issuer and the audience are required parameters. The accepted clients must be listed with
/// [`client_id`](Self::client_id), unless [`any_client_id`](Self::any_client_id) accepts all of them.
/// Settings are validated by [`VerifierBuilder::build`](crate::VerifierBuilder::build).
///
/// ```
/// use okta_verifier::{Issuer, Verifier};
///
/// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default");
/// assert!(Verifier::builder().issuer(issuer.clone()).build().is_err()); // which clients?
/// assert!(Verifier::builder().issuer(issuer.client_id("0oa1client")).build().is_ok());
/// ```
#[derive(Clone, PartialEq)]
pub struct Issuer {
    url: String,
    aliases: Vec<String>,
    audiences: Vec<String>,
    profile: Profile,
    tenants: Option<Tenants>,
    /// The ID of the only tenant, if the constructor takes one.
    tenant: Option<String>,
    lightweight_tokens: bool,
    require_dpop: bool,
    client_ids: Vec<String>,
    any_client_id: bool,
    algorithms: Algorithms,
    leeway: Duration,
    groups_claim: GroupsClaim,
    metadata_url: Option<String>,
    jwks_uri: Option<String>,
    /// Where the provider has its keys, unless `jwks_uri` or `keys` says otherwise.
    provider_jwks_uri: Option<String>,
    origins: Vec<String>,
    insecure_origins: Vec<String>,
    keys: Option<String>,
    allow_missing_key_id: bool,
    infer_rsa_algorithm: bool,
    stale_if_error: Duration,
    key_snapshot: Option<KeySnapshot>,
    introspection: Option<Introspection>,
}

impl Issuer {
    /// Configures an Okta custom authorization server. The URL is `https://{domain}/oauth2/{id}`, written
    /// exactly as in the server's metadata. The tokens have `cid` and `scp`; `typ` may be absent, `JWT` or
    /// `at+jwt`.
    ///
    /// `audience` is the audience in the settings of the authorization server: `api://default` for the server
    /// `default`.
    #[must_use]
    pub fn okta(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(Profile::Okta, url.into(), vec![audience.into()])
    }

    /// Configures any issuer of RFC 9068 access tokens. `typ` must be `at+jwt`, and `client_id`, `iat` and
    /// `jti` must be present.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let other = TestIssuer::rfc9068("https://orders.example");
    /// let issuer = Issuer::rfc9068("https://issuer.test", "https://orders.example").any_client_id();
    /// # let issuer = issuer.keys(other.jwks());
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    ///
    /// assert!(verifier.verify(&other.token("ada").typ("at+jwt").sign()).await.is_ok());
    /// let plain = verifier.verify(&other.token("ada").typ("JWT").sign()).await.unwrap_err();
    /// assert_eq!(plain.code(), "type_not_allowed"); // it may be an ID token
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rfc9068(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(Profile::Rfc9068, url.into(), vec![audience.into()])
    }

    /// Configures an issuer whose tokens deviate from RFC 9068 in the ways that the profile allows. For known
    /// providers, use the constructor of that name, such as [`keycloak`](Self::keycloak) or
    /// [`auth0`](Self::auth0).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{Issuer, TokenProfile, Verifier};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let other = TestIssuer::rfc9068("https://orders.example");
    /// let verifier = |profile| {
    ///     let issuer = Issuer::custom("https://issuer.test", "https://orders.example", profile);
    /// #   let issuer = issuer.keys(other.jwks());
    ///     Verifier::builder().issuer(issuer.any_client_id()).build()
    /// };
    /// let jwt = other.token("ada").typ("JWT").sign();
    /// let strict = verifier(TokenProfile::new())?;
    /// assert_eq!(strict.verify(&jwt).await.unwrap_err().code(), "type_not_allowed");
    /// assert!(verifier(TokenProfile::new().accept_type("JWT"))?.verify(&jwt).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn custom(
        url: impl Into<String>,
        audience: impl Into<String>,
        profile: TokenProfile,
    ) -> Self {
        let profile = Profile::Custom(Arc::new(profile));
        Self::new(profile, url.into(), vec![audience.into()])
    }

    fn new(profile: Profile, url: String, audiences: Vec<String>) -> Self {
        Self {
            url,
            aliases: Vec::new(),
            audiences,
            profile,
            tenants: None,
            tenant: None,
            lightweight_tokens: false,
            require_dpop: false,
            client_ids: Vec::new(),
            any_client_id: false,
            algorithms: Algorithms::ALL,
            leeway: DEFAULT_LEEWAY,
            groups_claim: GroupsClaim::Name(DEFAULT_GROUPS_CLAIM.to_owned()),
            metadata_url: None,
            jwks_uri: None,
            provider_jwks_uri: None,
            origins: Vec::new(),
            insecure_origins: Vec::new(),
            keys: None,
            allow_missing_key_id: false,
            infer_rsa_algorithm: false,
            stale_if_error: DEFAULT_STALE_IF_ERROR,
            key_snapshot: None,
            introspection: None,
        }
    }

    /// Accepts tokens for another audience, in addition to that of the constructor. Call this once for each
    /// audience. At most 64.
    ///
    /// [`VerifiedToken::audiences`](crate::VerifiedToken::audiences) returns the audiences of a token, and
    /// the `audience` of a layer accepts one of them only. If the audiences need different settings, such as
    /// different clients, write several entries with the same URL and different audiences. A token for the
    /// audiences of several entries is rejected.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let one = || okta.issuer().any_client_id(); // api://orders
    /// let both = Verifier::builder().issuer(one().audience("api://billing")).build()?;
    /// let jwt = okta.token("ada").claim("aud", "api://billing").sign();
    /// assert!(both.verify(&jwt).await?.has_audience("api://billing"));
    ///
    /// let verifier = Verifier::builder().issuer(one()).build()?;
    /// assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "wrong_audience");
    /// assert!(Verifier::builder().issuer(one()).issuer(one()).build().is_err()); // the same audience twice
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Accepts tokens issued to this client. Call this once for each client.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_ids.push(client_id.into());
        self
    }

    /// Accepts tokens issued to any client of the authorization server.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// let jwt = okta.token("ada").client_id("0oa2mobile").sign();
    /// let named = verifier(okta.issuer().client_id("0oa1web"))?;
    /// assert_eq!(named.verify(&jwt).await.unwrap_err().code(), "client_not_allowed");
    ///
    /// let any = verifier(okta.issuer().any_client_id())?;
    /// assert_eq!(any.verify(&jwt).await?.client_id(), Some("0oa2mobile"));
    /// assert!(verifier(okta.issuer().client_id("0oa1web").any_client_id()).is_err()); // one or the other
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn any_client_id(mut self) -> Self {
        self.any_client_id = true;
        self
    }

    /// Limits the accepted signature algorithms. Default: all supported algorithms. Each key is used with
    /// one algorithm only.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Algorithm, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().any_client_id().algorithms([Algorithm::RS256]);
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    ///
    /// assert!(verifier.verify(&okta.token("ada").algorithm(Algorithm::RS256).sign()).await.is_ok());
    /// let other = okta.token("ada").algorithm(Algorithm::ES256).sign(); // signed with a published key
    /// assert_eq!(verifier.verify(&other).await.unwrap_err().code(), "algorithm_not_allowed");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms
            .into_iter()
            .fold(Algorithms::NONE, Algorithms::with);
        self
    }

    /// Sets the allowed clock skew for `exp`, `nbf` and `iat`. Default 60 s, at most 300 s.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// # let issuer = || okta.issuer().any_client_id();
    /// let ended = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() - 90;
    /// let jwt = okta.token("ada").issued_at(ended - 3600).expires_at(ended).sign();
    /// let usual = verifier(issuer())?; // 60 s
    /// assert_eq!(usual.verify(&jwt).await.unwrap_err().code(), "expired");
    ///
    /// let patient = verifier(issuer().leeway(Duration::from_secs(120)))?;
    /// assert!(patient.verify(&jwt).await.is_ok());
    /// assert!(verifier(issuer().leeway(Duration::from_secs(301))).is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the top-level claim that lists groups. Default `groups`; in Okta the claim name is configurable. Of
    /// this method and [`groups_claim_path`](Self::groups_claim_path), the last call counts.
    ///
    /// A name is not a path: `build()` rejects `realm_access.roles`, and names the method for paths. A name
    /// with dots, slashes or brackets is accepted if it is a collision-resistant name
    /// (RFC 7519 §2): a URI such as `https://acme.example/groups`, a domain name with a path, a reversed
    /// domain name of three labels or more, or an object identifier.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().any_client_id().groups_claim("roles");
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    ///
    /// let token = verifier.verify(&okta.token("ada").claim("roles", ["Admins"]).sign()).await?;
    /// assert!(token.has_group("Admins"));
    /// let token = verifier.verify(&okta.token("bob").claim("groups", ["Admins"]).sign()).await?;
    /// assert!(!token.has_group("Admins")); // `groups` is no longer read
    ///
    /// let path = okta.issuer().any_client_id().groups_claim("realm_access.roles");
    /// assert!(Verifier::builder().issuer(path).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn groups_claim(mut self, name: impl Into<String>) -> Self {
        self.groups_claim = GroupsClaim::Name(name.into());
        self
    }

    /// Sets the nested claim that lists groups, such as the roles of a Keycloak realm. The path has the name of
    /// a top-level claim, and then the name of a member at each level. A dot is part of a name. Of this method
    /// and [`groups_claim`](Self::groups_claim), the last call counts.
    ///
    /// Only objects are entered. A token that lacks a member of the path has no groups, nor has a token whose
    /// value before the end of the path is not an object. `build()` rejects a path that is empty, has an empty
    /// name or has more than 16 names.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # use serde_json::json;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().any_client_id().groups_claim_path(["realm_access", "roles"]);
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    ///
    /// let jwt = okta.token("ada").claim("realm_access", json!({ "roles": ["admin", "clerk"] })).sign();
    /// assert!(verifier.verify(&jwt).await?.has_group("admin"));
    /// let jwt = okta.token("eve").claim("realm_access.roles", ["admin"]).claim("groups", ["admin"]).sign();
    /// assert!(!verifier.verify(&jwt).await?.has_group("admin"));
    ///
    /// let nameless = okta.issuer().any_client_id().groups_claim_path(["realm_access", ""]);
    /// assert!(Verifier::builder().issuer(nameless).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn groups_claim_path(mut self, path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.groups_claim = GroupsClaim::Path(path.into_iter().map(Into::into).collect());
        self
    }

    /// Accepts another `iss` for the same issuer. Call this once for each value.
    ///
    /// For [`Issuer::okta`], the value has the scheme and the path of the issuer under another domain of the
    /// org, such as a custom domain in addition to `acme.okta.com`. For other issuers, it is any other issuer
    /// URL with https, such as the address of a Keycloak server outside a cluster. Plain http is possible on
    /// loopback, or with [`allow_insecure_origin`](Self::allow_insecure_origin).
    ///
    /// The alias has the keys, the audience and the clients of the issuer, and no request is sent to it. Do
    /// not use it for an issuer that shares keys with others, such as a tenant: it is another issuer. For a
    /// token with another `iss`,
    /// [`VerifiedToken::issuer`](crate::VerifiedToken::issuer) still returns the issuer's URL.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders").at("https://acme.okta.com/oauth2/default");
    /// # let issuer = okta.issuer().any_client_id(); // https://acme.okta.com/oauth2/default
    /// let custom = "https://login.acme.example/oauth2/default";
    /// let jwt = okta.token("ada").claim("iss", custom).sign();
    ///
    /// let both = Verifier::builder().issuer(issuer.clone().also_known_as(custom)).build()?;
    /// assert_eq!(both.verify(&jwt).await?.issuer(), "https://acme.okta.com/oauth2/default");
    /// let one = Verifier::builder().issuer(issuer).build()?;
    /// assert_eq!(one.verify(&jwt).await.unwrap_err().code(), "unknown_issuer");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn also_known_as(mut self, url: impl Into<String>) -> Self {
        self.aliases.push(url.into());
        self
    }

    /// Allows the metadata to name a `jwks_uri` and an `introspection_endpoint` of this origin, such as
    /// `https://keys.example.com`, in addition to the issuer's origin and that of
    /// [`metadata_url`](Self::metadata_url). Call this once for each origin.
    ///
    /// With [`introspection`](Self::introspection), tokens and the credentials of this service may be sent
    /// to the origin. [`Introspection::endpoint`] prevents this, because the endpoint is then not taken from
    /// the metadata.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (okta, elsewhere) = (MockOkta::start().await, MockOkta::start().await);
    /// # okta.fault(Endpoint::Discovery, Fault::JwksUri(format!("{}/v1/keys", elsewhere.issuer_url())));
    /// # let origin = elsewhere.issuer_url().trim_end_matches("/oauth2/default");
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// // The metadata's jwks_uri has another origin than the issuer.
    /// assert!(build(issuer())?.warm_up().await.is_err());
    /// assert!(build(issuer().allow_origin(origin))?.warm_up().await.is_ok());
    /// assert!(build(issuer().allow_origin(format!("{origin}/v1/keys"))).is_err()); // not an origin
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Fetches the metadata from exactly this URL, such as the address of the issuer inside a cluster.
    /// Default: the URLs that RFC 8414 §3 and OpenID Connect Discovery 1.0 §4 derive from the issuer.
    ///
    /// The `issuer` of the document must still equal the configured issuer exactly (RFC 8414 §3.3). Its
    /// `jwks_uri` and `introspection_endpoint` may have the issuer's origin, that of this URL, or one that
    /// [`allow_origin`](Self::allow_origin) names.
    ///
    /// The URL must have https. Plain http is possible if the issuer is on loopback, or with
    /// [`allow_insecure_origin`](Self::allow_insecure_origin).
    ///
    /// ```
    /// # use okta_verifier_testing::{MetadataForm, MockOkta};
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (okta, other) = (MockOkta::start().await, MockOkta::start().await);
    /// # for form in [MetadataForm::OpenId, MetadataForm::OAuth] { okta.set_metadata(form, false); }
    /// # let metadata = |it: &MockOkta| format!("{}/.well-known/oauth-authorization-server", it.issuer_url());
    /// # let (inside, other) = (metadata(&okta), metadata(&other));
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// assert!(build(issuer().metadata_url(inside))?.warm_up().await.is_ok());
    /// // The document at the other URL names another issuer.
    /// assert!(build(issuer().metadata_url(other))?.warm_up().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn metadata_url(mut self, url: impl Into<String>) -> Self {
        self.metadata_url = Some(url.into());
        self
    }

    /// Fetches the keys from exactly this URL, without metadata. Default: the `jwks_uri` of the metadata
    /// (RFC 8414 §2).
    ///
    /// The URL may have any https origin, and the operator of that origin chooses the keys. Plain http is
    /// possible if the issuer is on loopback, or with [`allow_insecure_origin`](Self::allow_insecure_origin).
    /// Metadata is fetched only for the introspection endpoint, if introspection is enabled without
    /// [`Introspection::endpoint`]. `build()` fails if the keys are pinned with [`keys`](Self::keys) too.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # okta.fault(Endpoint::Discovery, Fault::Status(404));
    /// # let keys = format!("{}/v1/keys", okta.issuer_url());
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// // The issuer has no metadata.
    /// assert!(build(issuer())?.warm_up().await.is_err());
    /// assert!(build(issuer().jwks_uri(&keys))?.warm_up().await.is_ok());
    ///
    /// assert!(build(issuer().jwks_uri(&keys).keys(okta.jwks())).is_err()); // one or the other
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// Allows http without TLS for one origin outside loopback, such as `http://keycloak:8080` in a compose
    /// network. Call this once for each origin. Default: none.
    ///
    /// The setting allows the issuer's URL, an alias, [`metadata_url`](Self::metadata_url),
    /// [`jwks_uri`](Self::jwks_uri), an [`allow_origin`](Self::allow_origin) and the introspection endpoint
    /// to have exactly this origin. It configures none of them. Requests to the origin use no proxy and
    /// follow no redirect. It can be called in code only: no environment variable has the same effect.
    ///
    /// **Everyone on the network path to the origin can replace the keys, and with them accept any token;
    /// they can also read the tokens and credentials that are introspected.** `build()` logs a warning that
    /// names the origin.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier};
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// let keycloak = Issuer::rfc9068("https://sso.acme.example/realms/acme", "https://orders.example")
    ///     .any_client_id()
    ///     .metadata_url("http://keycloak:8080/realms/acme/.well-known/openid-configuration");
    /// assert!(build(keycloak.clone()).is_err()); // http
    /// assert!(build(keycloak.clone().allow_insecure_origin("http://keycloak:8080")).is_ok());
    ///
    /// assert!(build(keycloak.clone().allow_insecure_origin("http://keycloak")).is_err()); // another port
    /// assert!(build(keycloak.allow_insecure_origin("https://keycloak:8080")).is_err()); // needs no permission
    /// ```
    #[must_use]
    pub fn allow_insecure_origin(mut self, origin: impl Into<String>) -> Self {
        self.insecure_origins.push(origin.into());
        self
    }

    /// Pins the keys to a key set, given as JSON text (RFC 7517 §5). No keys are fetched, so after a key
    /// rotation the new key set must be configured.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let (url, audience, jwks) = (okta.issuer_url(), "api://orders", okta.jwks());
    /// let issuer = Issuer::okta(url, audience).any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer.clone().keys(jwks)).build()?;
    /// assert!(verifier.verify(&okta.token("ada").sign()).await.is_ok()); // without a fetch
    ///
    /// assert!(Verifier::builder().issuer(issuer.keys(r#"{"keys":[]}"#)).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keys(mut self, jwks: impl Into<String>) -> Self {
        self.keys = Some(jwks.into());
        self
    }

    /// Accepts tokens without `kid` while the issuer's key set has a single usable key. That key may lack
    /// `kid` too (OpenID Connect Core 1.0 §10.1). Default: the key and the token must both have a `kid`.
    ///
    /// A token with a `kid` is accepted only if the set has a key with this `kid`. If the set has several
    /// usable keys, a token without `kid` is rejected with `missing_key_id`, and keys without `kid` are
    /// skipped.
    ///
    /// If the single key does not verify the signature of a token without `kid`, the issuer may have
    /// replaced the key. The keys are then fetched, under the same rate limit as for unknown keys, and the
    /// token is verified once more if the key has changed.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let mut set: serde_json::Value = serde_json::from_str(&okta.jwks())?;
    /// # let mut key = set["keys"][0].take();
    /// # key.as_object_mut().unwrap().remove("kid");
    /// # okta.fault(Endpoint::Keys, Fault::Body(serde_json::json!({ "keys": [key] }).to_string().into()));
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// // Neither the only key of the issuer nor the token has a `kid`.
    /// let jwt = okta.token("ada").without_header("kid").sign();
    /// let lenient = build(issuer().allow_missing_key_id())?;
    /// assert_eq!(lenient.verify(&jwt).await?.subject(), "ada");
    ///
    /// let strict = build(issuer())?;
    /// assert_eq!(strict.verify(&jwt).await.unwrap_err().code(), "missing_key_id");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_missing_key_id(mut self) -> Self {
        self.allow_missing_key_id = true;
        self
    }

    /// Uses the only RSA algorithm that is listed in [`algorithms`](Self::algorithms) for RSA keys without
    /// `alg`. By default, such keys are used with RS256.
    ///
    /// `alg` is optional in a JWK (RFC 7517 §4.4), but one key must have one algorithm (RFC 8725 §3.1).
    /// `build` fails unless exactly one RSA algorithm is listed.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// use okta_verifier::Algorithm;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders").algorithms([Algorithm::PS256]);
    /// # let mut set: serde_json::Value = serde_json::from_str(&okta.jwks())?;
    /// # set["keys"][0].as_object_mut().unwrap().remove("alg");
    /// # let (jwks, jwt) = (set.to_string(), okta.token("ada").algorithm(Algorithm::PS256).sign());
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// // The issuer signs with PS256, and its key has no `alg`.
    /// let issuer = okta.issuer().any_client_id().keys(jwks);
    /// let named = issuer.clone().algorithms([Algorithm::PS256, Algorithm::ES256]);
    /// assert!(build(named.clone().infer_rsa_algorithm())?.verify(&jwt).await.is_ok());
    /// assert!(build(named)?.verify(&jwt).await.is_err()); // the key is used with RS256
    ///
    /// assert!(build(issuer.infer_rsa_algorithm()).is_err()); // six RSA algorithms are allowed
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn infer_rsa_algorithm(mut self) -> Self {
        self.infer_rsa_algorithm = true;
        self
    }

    /// Requires that every token of this issuer is bound to a key (`cnf.jkt`), so that it is accepted only with a
    /// DPoP proof (RFC 9449). By default a token that is not bound is accepted with the scheme `Bearer`.
    ///
    /// A token without `cnf.jkt`, also one that is bound to a certificate only, is rejected with 401
    /// `invalid_token` and the code `binding_required`. The error is in the challenge of the scheme `DPoP`
    /// (RFC 9449 §7.1). Without this setting, an authorization server that leaves out `cnf` by mistake, or for
    /// one of its clients, unbinds its tokens. To require a bound token on some routes only, use
    /// [`Policy::bound`](crate::Policy::bound).
    ///
    /// [`VerifierBuilder::build`](crate::VerifierBuilder::build) rejects this setting without
    /// [`VerifierBuilder::dpop`](crate::VerifierBuilder::dpop), because no token could then be accepted.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
    /// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    /// let issuer = okta.issuer().any_client_id().require_dpop();
    /// assert!(Verifier::builder().issuer(issuer.clone()).build().is_err()); // which URL do the proofs name?
    /// let dpop = DpopSettings::base_url("https://api.example.com");
    /// let verifier = Verifier::builder().issuer(issuer).dpop(dpop).build()?;
    ///
    /// let jwt = client.bind(okta.token("ada")).sign();
    /// let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
    /// let authorization = format!("DPoP {jwt}");
    /// let bound = RequestCredentials::new([authorization.as_bytes()])
    ///     .dpop([proof.as_bytes()])
    ///     .request("GET", "/orders");
    /// assert!(verifier.authenticate(&bound).into_ready().unwrap().is_ok());
    ///
    /// let authorization = format!("Bearer {}", okta.token("ada").sign());
    /// let unbound = RequestCredentials::new([authorization.as_bytes()]);
    /// let rejection = verifier.authenticate(&unbound).into_ready().unwrap().unwrap_err();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (401, "binding_required"));
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn require_dpop(mut self) -> Self {
        self.require_dpop = true;
        self
    }

    /// Sets how long keys are used beyond their freshness while they cannot be fetched (RFC 5861 §4).
    /// Default 1 h, at most 24 h. With zero, keys are never used beyond their freshness.
    ///
    /// The keys of a successful fetch are trusted for their freshness lifetime, which is at most 1 h, plus
    /// this time. After that, requests get 503 until a fetch succeeds. With a longer time the service
    /// survives a longer outage of the issuer, but a key that is withdrawn during the outage is trusted for
    /// longer too.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier::{Issuer, Verifier};
    ///
    /// let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let through_a_night = issuer().stale_if_error(Duration::from_secs(12 * 3600));
    /// assert!(Verifier::builder().issuer(through_a_night).build().is_ok());
    /// let through_two = issuer().stale_if_error(Duration::from_secs(36 * 3600));
    /// assert!(Verifier::builder().issuer(through_two).build().is_err());
    /// ```
    #[must_use]
    pub fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// Starts with the keys of an earlier process. Their age counts from the original fetch.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer| Verifier::builder().issuer(issuer).build();
    /// # let jwt = okta.token("ada").sign();
    /// let earlier = build(issuer())?;
    /// earlier.warm_up().await?;
    /// let saved = earlier.key_snapshots().remove(0);
    ///
    /// // The issuer goes down, and the service starts again.
    /// # okta.fault(Endpoint::Discovery, Fault::Status(503));
    /// # okta.fault(Endpoint::Keys, Fault::Status(503));
    /// assert!(build(issuer().key_snapshot(saved))?.verify(&jwt).await.is_ok());
    /// assert_eq!(build(issuer())?.verify(&jwt).await.unwrap_err().code(), "unavailable");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn key_snapshot(mut self, snapshot: KeySnapshot) -> Self {
        self.key_snapshot = Some(snapshot);
        self
    }

    /// Enables token introspection at this issuer (RFC 7662): see [`Introspection`].
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer| Verifier::builder().issuer(issuer).build();
    /// let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// let verifier = build(issuer().introspection(Introspection::every_token(client)))?;
    ///
    /// let (good, bad) = (okta.token("ada").sign(), okta.token("bob").sign());
    /// okta.revoke(&bad);
    /// assert!(verifier.verify(&good).await.is_ok());
    /// assert_eq!(verifier.verify(&bad).await.unwrap_err().code(), "inactive");
    /// assert!(build(issuer())?.verify(&bad).await.is_ok()); // not introspected, and not expired
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn introspection(mut self, introspection: Introspection) -> Self {
        self.introspection = Some(introspection);
        self
    }
}

/// Where the tokens of an issuer list groups.
#[derive(Clone, PartialEq)]
enum GroupsClaim {
    Name(String),
    Path(Vec<String>),
}

/// Omits pinned keys, because private keys may have been pinned by mistake.
impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .field("audiences", &self.audiences)
            .field("profile", &self.profile)
            .field("client_ids", &self.client_ids)
            .field("any_client_id", &self.any_client_id)
            .finish_non_exhaustive()
    }
}

const DEFAULT_GROUPS_CLAIM: &str = "groups";
const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
