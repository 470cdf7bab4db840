//! `TestIssuer`: an issuer without a network.

use std::sync::Arc;

use okta_verifier::{Algorithm, Issuer};

use crate::keys::Ring;
use crate::token::{Profile, TokenBuilder};

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

    /// Sets the issuer's URL, for tests with several issuers.
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
