//! [`TokenProfile`]: the form of an issuer's access tokens, beside those of Okta and of RFC 9068.

use std::{fmt, sync::Arc};

use super::jws::{Typ, media_type};

/// The form that an issuer's access tokens must have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Profile {
    /// Tokens of an Okta custom authorization server. They have `cid` and `scp`, and need no `typ`.
    Okta,
    /// The JWT profile of RFC 9068.
    Rfc9068,
    Custom(Arc<TokenProfile>),
}

impl Profile {
    /// Returns whether the profile is that of a known provider.
    pub(crate) fn is_of(&self, provider: &Provider) -> bool {
        matches!(self, Self::Custom(profile) if profile.provider == *provider)
    }
}

/// The document that claims come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A JWT with this `typ`.
    Jwt(Typ),
    /// An introspection response. It may leave claims out (RFC 7662 §2.2), and names the client in
    /// `client_id`.
    IntrospectionResponse { has_exp: bool },
}

/// The form of the access tokens of one issuer, for [`Issuer::custom`](crate::Issuer::custom).
///
/// A new profile is as strict as [`Issuer::rfc9068`](crate::Issuer::rfc9068). Each method allows one
/// deviation from RFC 9068, or adds one requirement. The constructors of `Issuer` for known providers, such
/// as [`Issuer::keycloak`](crate::Issuer::keycloak), have a profile already.
///
/// In addition to the rules of RFC 9068, a token is rejected if its claims are those of an ID token, a
/// refresh token or a logout token: a payload `typ` of Keycloak such as `ID` or `Refresh`, or a `token_use`
/// other than `access`. Unless the `typ` is `at+jwt` or a claim is [required](Self::require_claim), a token
/// whose only audience is its client is an ID token too.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Issuer, TokenProfile, Verifier};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let other = TestIssuer::rfc9068("https://orders.example");
/// // The tokens of this issuer have the `typ` `JWT`, and name the client in `azp`.
/// let profile = TokenProfile::new().accept_type("JWT").client_claims(["azp"]);
/// let issuer = Issuer::custom("https://issuer.test", "https://orders.example", profile).client_id("web");
/// # let issuer = issuer.keys(other.jwks());
/// let verifier = Verifier::builder().issuer(issuer).build()?;
///
/// let token = || other.token("ada").typ("JWT").without("client_id");
/// assert_eq!(verifier.verify(&token().claim("azp", "web").sign()).await?.client_id(), Some("web"));
/// let id_token = verifier.verify(&token().claim("azp", "web").claim("at_hash", "x").sign()).await;
/// assert_eq!(id_token.unwrap_err().code(), "not_an_access_token");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
#[must_use]
pub struct TokenProfile {
    types: Vec<String>,
    pub(super) missing_type: bool,
    pub(super) client_claims: Vec<String>,
    pub(super) scope_claims: Vec<String>,
    pub(super) missing_audience: bool,
    pub(super) missing_token_id: bool,
    pub(super) missing_client_id: bool,
    pub(super) missing_subject: bool,
    /// Claims that must have one of the listed values, which show that the token is an access token.
    pub(super) required: Vec<(String, Vec<String>)>,
    pub(super) provider: Provider,
}

/// What is known of an issuer beyond its [`TokenProfile`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Provider {
    Unknown,
    Auth0,
    Entra,
    Keycloak,
    Cognito,
    Wso2,
    /// The tokens are ID tokens of Google, of callers whose `email` or `sub` is listed.
    Google(Vec<String>),
    /// The tokens are those of service accounts.
    Kubernetes,
    /// The tokens are ID tokens of workflows, of the listed owners and repositories.
    GitHubActions(Vec<String>),
    CloudflareAccess,
}

impl Provider {
    /// Returns whether the tokens are identity tokens for this audience. They have the claims of an ID token,
    /// and need not name a client.
    pub(super) fn has_identity_tokens(&self) -> bool {
        matches!(
            self,
            Self::Google(_) | Self::Kubernetes | Self::GitHubActions(_) | Self::CloudflareAccess
        )
    }
}

impl Default for TokenProfile {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenProfile {
    /// Returns a profile with the rules of RFC 9068: `typ` is `at+jwt`, and `sub`, `aud`, `client_id`,
    /// `iat` and `jti` are present.
    pub fn new() -> Self {
        Self {
            types: Vec::new(),
            missing_type: false,
            client_claims: vec!["client_id".to_owned()],
            scope_claims: Vec::new(),
            missing_audience: false,
            missing_token_id: false,
            missing_client_id: false,
            missing_subject: false,
            required: Vec::new(),
            provider: Provider::Unknown,
        }
    }

    /// Accepts another `typ` in the header, in addition to `at+jwt`. Call this once for each value. Letter
    /// case and the prefix `application/` are ignored (RFC 7515 §4.1.9).
    ///
    /// `JWT` is the `typ` of ID tokens too, so the other checks must distinguish access tokens from them.
    /// `build()` rejects the types of other kinds of tokens: `secevent+jwt`, `logout+jwt`, `dpop+jwt`,
    /// `oauth-id-jag+jwt`, `global-token-revocation+jwt`, `token-introspection+jwt` and `txntoken+jwt`.
    ///
    /// ```
    /// use okta_verifier::{Issuer, TokenProfile, Verifier};
    ///
    /// let build = |typ| {
    ///     let profile = TokenProfile::new().accept_type(typ);
    ///     let issuer = Issuer::custom("https://issuer.example", "api://orders", profile);
    ///     Verifier::builder().issuer(issuer.any_client_id()).build()
    /// };
    /// assert!(build("JWT").is_ok());
    /// assert!(build("application/logout+jwt").is_err());
    /// ```
    pub fn accept_type(mut self, typ: impl Into<String>) -> Self {
        self.types.push(typ.into());
        self
    }

    /// Accepts tokens without `typ` in the header.
    pub fn accept_missing_type(mut self) -> Self {
        self.missing_type = true;
        self
    }

    /// Sets the claims that name the client: one or more of `client_id`, `azp`, `cid` and `appid`. Default
    /// `client_id`. A token that has several of these claims is rejected if they differ.
    pub fn client_claims<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.client_claims = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the top-level claims whose scopes are granted, such as `permissions`. A token has the scopes of
    /// all these claims. Default: `scope` or `scp`; a token with both is rejected if they differ.
    ///
    /// Each claim is a string of scopes separated by spaces (RFC 9068 §2.2.3), or an array of strings.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, TokenProfile, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let other = TestIssuer::rfc9068("https://orders.example");
    /// # let verifier = |profile| {
    /// #     let issuer = Issuer::custom("https://issuer.test", "https://orders.example", profile);
    /// #     Verifier::builder().issuer(issuer.keys(other.jwks()).any_client_id()).build()
    /// # };
    /// let jwt = other.token("ada").scope("profile").claim("permissions", ["orders:read"]).sign();
    /// let token = verifier(TokenProfile::new().scope_claims(["permissions"]))?.verify(&jwt).await?;
    /// assert!(token.has_scope("orders:read") && !token.has_scope("profile"));
    ///
    /// let token = verifier(TokenProfile::new())?.verify(&jwt).await?;
    /// assert!(token.has_scope("profile") && !token.has_scope("orders:read"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn scope_claims<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.scope_claims = names.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts tokens without `aud`. The client that the token was issued to then stands for the audience,
    /// so the accepted clients must be listed with [`Issuer::client_id`](crate::Issuer::client_id):
    /// `build()` rejects [`Issuer::any_client_id`](crate::Issuer::any_client_id). If a token has an `aud`,
    /// it must contain an audience of this issuer.
    pub fn allow_missing_audience(mut self) -> Self {
        self.missing_audience = true;
        self
    }

    /// Accepts tokens without `jti`.
    pub fn allow_missing_token_id(mut self) -> Self {
        self.missing_token_id = true;
        self
    }

    /// Accepts tokens that do not name their client, if
    /// [`Issuer::any_client_id`](crate::Issuer::any_client_id) accepts every client.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, TokenProfile, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let other = TestIssuer::rfc9068("https://orders.example");
    /// # let verifier = |profile| {
    /// #     let issuer = Issuer::custom("https://issuer.test", "https://orders.example", profile);
    /// #     Verifier::builder().issuer(issuer.keys(other.jwks()).any_client_id()).build()
    /// # };
    /// let jwt = other.token("ada").without("client_id").sign();
    /// let token = verifier(TokenProfile::new().allow_missing_client_id())?.verify(&jwt).await?;
    /// assert_eq!(token.client_id(), None);
    ///
    /// let strict = verifier(TokenProfile::new())?;
    /// assert_eq!(strict.verify(&jwt).await.unwrap_err().code(), "missing_claim");
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_missing_client_id(mut self) -> Self {
        self.missing_client_id = true;
        self
    }

    /// Accepts tokens of machines without `sub`. The client ID is then the subject (RFC 9068 §2.2), and the
    /// [`SubjectKind`](crate::SubjectKind) is `Service`. Use this only if the issuer always writes `sub`
    /// into the tokens of users. A token without `sub` is rejected if other claims show a user.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, TokenProfile, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let other = TestIssuer::rfc9068("https://orders.example");
    /// # let verifier = |profile| {
    /// #     let issuer = Issuer::custom("https://issuer.test", "https://orders.example", profile);
    /// #     Verifier::builder().issuer(issuer.keys(other.jwks()).any_client_id()).build()
    /// # };
    /// let verifier = verifier(TokenProfile::new().allow_missing_subject())?;
    /// let machine = other.token("").service().client_id("batch").without("sub").sign();
    /// assert_eq!(verifier.verify(&machine).await?.subject(), "batch");
    ///
    /// let user = other.token("ada").without("sub").sign(); // `auth_time` shows a user
    /// assert_eq!(verifier.verify(&user).await.unwrap_err().code(), "missing_claim");
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_missing_subject(mut self) -> Self {
        self.missing_subject = true;
        self
    }

    /// Requires the top-level claim `name` to be a string with one of these values, such as `token_use`
    /// with `access`. Otherwise the token is not an access token.
    ///
    /// An introspection response may leave the claim out.
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, TestIssuer};
    /// # use okta_verifier::{Issuer, TokenProfile, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let other = TestIssuer::rfc9068("https://orders.example");
    /// // The tokens have no `typ`, `aud` and `jti`, and `token_use` says of which kind they are.
    /// let profile = TokenProfile::new()
    ///     .accept_missing_type()
    ///     .allow_missing_audience()
    ///     .allow_missing_token_id()
    ///     .require_claim("token_use", ["access"]);
    /// let issuer = Issuer::custom("https://issuer.test", "https://orders.example", profile).client_id(CLIENT_ID);
    /// # let issuer = issuer.keys(other.jwks());
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    ///
    /// let token = || other.token("ada").without_header("typ").without("aud").without("jti");
    /// assert!(verifier.verify(&token().claim("token_use", "access").sign()).await.is_ok());
    /// for other_kind in [token().claim("token_use", "id"), token()] {
    ///     let error = verifier.verify(&other_kind.sign()).await.unwrap_err();
    ///     assert_eq!(error.code(), "not_an_access_token");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn require_claim<V: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.required.push((name.into(), values));
        self
    }

    pub(crate) fn of_provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    pub(crate) fn granting_claims(&self) -> &[String] {
        &self.scope_claims
    }

    /// Returns whether tokens need not have an `aud`, because the client stands for it.
    pub(crate) fn allows_missing_audience(&self) -> bool {
        self.missing_audience
    }

    /// Returns the accepted values of `typ`, and whether it may be absent.
    #[cfg(feature = "explain")]
    pub(crate) fn types(&self) -> (&[String], bool) {
        (&self.types, self.missing_type)
    }

    /// Returns the first problem of the profile, or `None` if it is valid.
    pub(crate) fn problem(&self) -> Option<String> {
        for typ in &self.types {
            if OTHER_TYPES.iter().any(|other| media_type(typ, other)) {
                return Some(format!(
                    "{typ:?} is the typ of another kind of token; remove .accept_type({typ:?})"
                ));
            }
            if typ.is_empty() {
                return Some(
                    "a typ is empty; for tokens without typ, call .accept_missing_type()"
                        .to_owned(),
                );
            }
        }
        let unknown = |name: &&String| !CLIENT_CLAIMS.contains(&name.as_str());
        if let Some(name) = self.client_claims.iter().find(unknown) {
            return Some(format!(
                "{name:?} cannot name the client; write one of client_id, azp, cid and appid"
            ));
        }
        if self.client_claims.is_empty() && !self.provider.has_identity_tokens() {
            return Some(
                "no claim names the client; write .client_claims([\"client_id\"])".to_owned(),
            );
        }
        if self.scope_claims.iter().any(String::is_empty) {
            return Some(
                "the name of a scope claim is empty; write a name, such as \"scope\"".to_owned(),
            );
        }
        let (name, _) = self
            .required
            .iter()
            .find(|(name, values)| name.is_empty() || values.is_empty())?;
        Some(format!(
            "the required claim {name:?} needs a name and at least one value"
        ))
    }

    pub(super) fn accepts_type(&self, typ: Typ, other: Option<&str>) -> bool {
        let accepts = |typ: &str| self.types.iter().any(|accepted| media_type(accepted, typ));
        match typ {
            Typ::AccessToken => true,
            Typ::Absent => self.missing_type,
            Typ::Jwt => accepts("jwt"),
            Typ::Other => other.is_some_and(|typ| {
                let typ = typ.to_ascii_lowercase();
                accepts(typ.strip_prefix("application/").unwrap_or(&typ))
            }),
        }
    }
}

impl fmt::Debug for TokenProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProfile")
            .field("types", &self.types)
            .field("client_claims", &self.client_claims)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

/// The media types of JWTs that are never access tokens.
const OTHER_TYPES: [&str; 7] = [
    "secevent+jwt",
    "logout+jwt",
    "dpop+jwt",
    "oauth-id-jag+jwt",
    "global-token-revocation+jwt",
    "token-introspection+jwt",
    "txntoken+jwt",
];

/// The claims that may name the client of a token. `common_name` is that of Cloudflare Access.
const CLIENT_CLAIMS: [&str; 5] = ["client_id", "azp", "cid", "appid", "common_name"];
