//! `TestIssuer`: an issuer without a network.

use std::sync::Arc;

use okta_verifier::{Algorithm, Issuer};

use crate::keys::Ring;
use crate::token::{Profile, Provider, TokenBuilder};

/// An issuer without a network. Its keys are pinned, and its tokens have real signatures.
///
/// The issuer publishes one key each for RS256, ES256, EdDSA and PS256. Like Okta it signs with RS256,
/// unless a token [selects another algorithm](TokenBuilder::algorithm). Key IDs and elliptic-curve
/// pairs are new for each issuer. The RSA pair is generated once per process, because generating a pair
/// takes a noticeable part of a second. The RS256 and the PS256 key are the same RSA pair under two key
/// IDs, so a verifier can detect a wrong padding only by the key's `alg` (RFC 8725 §3.1). `Clone`
/// shares the keys.
///
/// ```
/// use okta_verifier_testing::TestIssuer;
///
/// let okta = TestIssuer::new("api://orders");
/// let jwt = okta.token("ada").scope("orders:read").group("Admins").sign();
/// assert_eq!(jwt.split('.').count(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct TestIssuer {
    profile: Profile,
    url: String,
    audience: String,
    ring: Arc<Ring>,
}

impl TestIssuer {
    /// Creates an Okta custom authorization server with the issuer `https://okta.test/oauth2/default`,
    /// whose tokens have the audience `audience`.
    ///
    /// ```
    /// let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// assert_eq!(okta.issuer_url(), "https://okta.test/oauth2/default");
    /// ```
    #[must_use]
    pub fn new(audience: impl Into<String>) -> Self {
        Self::with(Profile::Okta, "https://okta.test/oauth2/default", audience)
    }

    /// Creates the issuer `https://issuer.test`, whose tokens follow RFC 9068 and have the audience
    /// `audience`.
    ///
    /// ```
    /// let issuer = okta_verifier_testing::TestIssuer::rfc9068("https://orders.test");
    /// assert_eq!(issuer.issuer_url(), "https://issuer.test");
    /// ```
    #[must_use]
    pub fn rfc9068(audience: impl Into<String>) -> Self {
        Self::with(Profile::Rfc9068, "https://issuer.test", audience)
    }

    /// Creates the Auth0 tenant `https://acme.auth0.test/` with the settings of [`Issuer::auth0`]. The subject
    /// of a user has the name of a connection, such as `auth0|ada`; that of a machine is `{client}@clients`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let auth0 = TestIssuer::auth0("https://orders.example");
    /// let user = auth0.token("auth0|ada").scope("orders:read").claim("permissions", ["orders:read"]).sign();
    /// ```
    #[must_use]
    pub fn auth0(audience: impl Into<String>) -> Self {
        Self::of(Provider::Auth0, audience)
    }

    /// Creates a tenant of Microsoft Entra ID with tokens of version 1.0, and with the settings of
    /// [`Issuer::entra_v1`]. The groups are app roles.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let entra = TestIssuer::entra_v1("api://orders");
    /// assert!(entra.issuer_url().starts_with("https://sts.windows.net/"));
    /// let machine = entra.token("").service().group("Orders.Read").sign();
    /// ```
    #[must_use]
    pub fn entra_v1(audience: impl Into<String>) -> Self {
        Self::of(Provider::EntraV1, audience)
    }

    /// Creates a tenant of Microsoft Entra ID with tokens of version 2.0, and with the settings of
    /// [`Issuer::entra_v2`]. The groups are app roles. For a user, add a scope, because only scopes distinguish
    /// users from machines.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let entra = TestIssuer::entra_v2("00001111-aaaa-2222-bbbb-3333cccc4444");
    /// let user = entra.token("ada").scope("Orders.Read").sign();
    /// let machine = entra.token("").service().group("Orders.Read").sign();
    /// ```
    #[must_use]
    pub fn entra_v2(audience: impl Into<String>) -> Self {
        Self::of(Provider::EntraV2, audience)
    }

    /// Creates the Keycloak realm `https://keycloak.test/realms/acme` with the settings of
    /// [`Issuer::keycloak`]. The groups are realm roles. The tokens have the claims that Keycloak 26.7.3
    /// writes.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let keycloak = TestIssuer::keycloak("orders-api");
    /// let user = keycloak.token("ada").scope("orders:read").group("clerk").sign();
    /// let machine = keycloak.token("").service().client_id("batch").sign();
    /// ```
    #[must_use]
    pub fn keycloak(audience: impl Into<String>) -> Self {
        Self::of(Provider::Keycloak, audience)
    }

    /// Creates a user pool of Amazon Cognito with the settings of [`Issuer::cognito`]. Its access tokens have
    /// no `aud`. The groups are `cognito:groups`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let cognito = TestIssuer::cognito();
    /// let user = cognito.token("ada").scope("orders/read").group("clerks").sign();
    /// let bound_to_a_resource = cognito.token("ada").audience("https://orders.example").sign();
    /// ```
    #[must_use]
    pub fn cognito() -> Self {
        Self::of(Provider::Cognito, "")
    }

    /// Creates the Ory Hydra `https://hydra.test/` with the settings of [`Issuer::hydra`]. The tokens have the
    /// claims that Hydra 2.3.0 writes.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let hydra = TestIssuer::hydra("https://orders.example");
    /// assert_eq!(hydra.issuer_url(), "https://hydra.test/"); // with the slash
    /// let machine = hydra.token("").service().scope("orders:read").sign();
    /// ```
    #[must_use]
    pub fn hydra(audience: impl Into<String>) -> Self {
        Self::of(Provider::Hydra, audience)
    }

    /// Creates the Duende IdentityServer `https://duende.test` with the settings of [`Issuer::duende`]. The
    /// tokens of machines have no `sub`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let duende = TestIssuer::duende("orders");
    /// let machine = duende.token("").service().scope("orders.read").sign();
    /// ```
    #[must_use]
    pub fn duende(audience: impl Into<String>) -> Self {
        Self::of(Provider::Duende, audience)
    }

    /// Creates the WSO2 Identity Server `https://wso2.test/oauth2/token` with the settings of
    /// [`Issuer::wso2`].
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let wso2 = TestIssuer::wso2("https://orders.example");
    /// let user = wso2.token("ada").scope("orders:read").sign();
    /// ```
    #[must_use]
    pub fn wso2(audience: impl Into<String>) -> Self {
        Self::of(Provider::Wso2, audience)
    }

    /// Creates an environment of PingOne with the settings of [`Issuer::pingone`]. The tokens of machines have
    /// no `sub`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let pingone = TestIssuer::pingone("https://orders.example");
    /// let user = pingone.token("ada").scope("orders:read").sign();
    /// ```
    #[must_use]
    pub fn pingone(audience: impl Into<String>) -> Self {
        Self::of(Provider::PingOne, audience)
    }

    /// Creates the Zitadel instance `https://acme.zitadel.test` with the settings of [`Issuer::zitadel`].
    /// `audience` is the ID of the project.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let zitadel = TestIssuer::zitadel("269120303940567042");
    /// let user = zitadel.token("ada").sign();
    /// ```
    #[must_use]
    pub fn zitadel(audience: impl Into<String>) -> Self {
        Self::of(Provider::Zitadel, audience)
    }

    /// Creates Google as the issuer of ID tokens, with the settings of [`Issuer::google_identity_tokens`]. The
    /// subject of a token is its `email`, and the settings list the caller
    /// `robot@acme.iam.gserviceaccount.com`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let google = TestIssuer::google("https://orders.example");
    /// let robot = google.token("robot@acme.iam.gserviceaccount.com").sign();
    /// let stranger = google.token("eve@example.com").sign();
    /// ```
    #[must_use]
    pub fn google(audience: impl Into<String>) -> Self {
        Self::of(Provider::Google, audience)
    }

    /// Creates a Kubernetes cluster as the issuer of tokens of service accounts, with the settings of
    /// [`Issuer::kubernetes_identity_tokens`]. The subject is `system:serviceaccount:{namespace}:{name}`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let kubernetes = TestIssuer::kubernetes("https://orders.example");
    /// let billing = kubernetes.token("system:serviceaccount:shop:billing").sign();
    /// ```
    #[must_use]
    pub fn kubernetes(audience: impl Into<String>) -> Self {
        Self::of(Provider::Kubernetes, audience)
    }

    /// Creates GitHub as the issuer of identity tokens of workflows, with the settings of
    /// [`Issuer::github_actions_identity_tokens`]. The tokens are of the repository `acme/orders`, and the
    /// settings list the owner `acme`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let github = TestIssuer::github_actions("https://orders.example");
    /// let deploy = github.token("repo:acme/orders:ref:refs/heads/main");
    /// let stranger = deploy.clone().claim("repository", "eve/orders").claim("repository_owner", "eve").sign();
    /// let deploy = deploy.sign();
    /// ```
    #[must_use]
    pub fn github_actions(audience: impl Into<String>) -> Self {
        Self::of(Provider::GitHubActions, audience)
    }

    /// Creates Cloudflare Access with the settings of [`Issuer::cloudflare_access_identity_tokens`]. `audience`
    /// is the audience tag of the application. [`service`](TokenBuilder::service) builds a service token, whose
    /// `common_name` is the client.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let access = TestIssuer::cloudflare_access("32eafc7626e737692ce0a93ecf7a5e2a");
    /// let user = access.token("7335d417-61da-459d-899c-0a01c76a2f94").sign();
    /// let service = access.token("").service().client_id("e367826f93b8.access").sign();
    /// ```
    #[must_use]
    pub fn cloudflare_access(audience: impl Into<String>) -> Self {
        Self::of(Provider::CloudflareAccess, audience)
    }

    /// Sets the issuer's URL, for tests with several issuers.
    ///
    /// For Entra ID, the URL must contain the ID of a tenant. If the settings have the URL of the provider
    /// already, as those of Google and of GitHub, [`issuer`](Self::issuer) makes another one an
    /// [alias](Issuer::also_known_as).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// let tenant = TestIssuer::new("api://orders").at("https://okta.test/oauth2/tenant-b");
    /// assert_eq!(tenant.issuer_url(), "https://okta.test/oauth2/tenant-b");
    /// ```
    #[must_use]
    pub fn at(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Replaces the keys with new ones, one per algorithm. The first key is the default signing key.
    ///
    /// # Panics
    ///
    /// Panics if `algorithms` is empty.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::Algorithm;
    ///
    /// let okta = TestIssuer::new("api://orders").algorithms([Algorithm::ES384]);
    /// assert!(okta.jwks().contains("P-384"));
    /// ```
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let algorithms: Vec<Algorithm> = algorithms.into_iter().collect();
        assert!(!algorithms.is_empty(), "name at least one algorithm");
        self.ring = Arc::new(Ring::new(&algorithms, 0));
        self
    }

    /// Returns the issuer settings of a verifier. The keys are pinned, so the verifier fetches nothing.
    ///
    /// The caller adds [`client_id`](Issuer::client_id) or [`any_client_id`](Issuer::any_client_id).
    ///
    /// # Panics
    ///
    /// Panics if [`at`](Self::at) has set a URL of Entra ID without the ID of a tenant.
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, TestIssuer};
    /// let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().client_id(CLIENT_ID);
    /// ```
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        self.profile
            .issuer(&self.url, &self.audience)
            .keys(self.jwks())
    }

    /// Returns the `iss` of the issuer's tokens.
    ///
    /// ```
    /// let issuer = okta_verifier_testing::TestIssuer::rfc9068("https://orders.test");
    /// assert_eq!(issuer.issuer_url(), "https://issuer.test");
    /// ```
    #[must_use]
    pub fn issuer_url(&self) -> &str {
        &self.url
    }

    /// Returns the published key set as JSON text.
    ///
    /// ```
    /// let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// assert!(okta.jwks().starts_with(r#"{"keys":["#));
    /// ```
    #[must_use]
    pub fn jwks(&self) -> String {
        self.ring.jwks()
    }

    /// Returns a builder for a valid access token of the user `subject`. The token is for the issuer's
    /// audience and the client [`CLIENT_ID`](crate::CLIENT_ID), is valid for one hour, and has no
    /// scopes or groups.
    ///
    /// ```
    /// let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let jwt = okta.token("ada").scope("orders:read").sign();
    /// ```
    pub fn token(&self, subject: impl Into<String>) -> TokenBuilder {
        let (ring, profile) = (Arc::clone(&self.ring), self.profile);
        TokenBuilder::new(ring, profile, &self.url, &self.audience, subject.into())
    }

    /// Creates the provider's issuer under the URL that it has by default.
    pub(crate) fn is_okta(&self) -> bool {
        self.profile == Profile::Okta
    }

    pub(crate) fn of(provider: Provider, audience: impl Into<String>) -> Self {
        Self::with(Profile::Of(provider), &provider.url(), audience)
    }

    fn with(profile: Profile, url: &str, audience: impl Into<String>) -> Self {
        Self {
            profile,
            url: url.to_owned(),
            audience: audience.into(),
            ring: Arc::new(Ring::new(&DEFAULT_ALGORITHMS, 0)),
        }
    }
}

/// The algorithms of the keys that an issuer has by default. The first key is the default signing key.
pub(crate) const DEFAULT_ALGORITHMS: [Algorithm; 4] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
    Algorithm::PS256,
];
