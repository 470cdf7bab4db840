//! Other tokens of the same issuer.

use super::TokenBuilder;

/// What the issuer made the token for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An access token of a user.
    User,
    /// An access token of a client that acts for itself.
    Service,
    /// An ID token: tells a client who signed in, and opens no API.
    Id,
}

impl TokenBuilder {
    /// A client credentials token: no `uid`, no `auth_time`, and `sub` is the client id, whatever
    /// the builder began with.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let service = okta.token("").service().client_id("0oabatch").scope("orders:read").sign();
    /// ```
    pub fn service(mut self) -> Self {
        self.kind = Kind::Service;
        self
    }

    /// An ID token: `aud` is the client id, `jti` starts with `ID.`, and there are `nonce`, `at_hash`,
    /// `amr` and `idp`, and neither `cid` nor scopes. Signed with the same keys, as at Okta.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let id_token = okta.token("ada").id_token().sign();
    /// let with_our_audience = okta.token("ada").id_token().audience("api://orders").sign();
    /// ```
    pub fn id_token(mut self) -> Self {
        self.kind = Kind::Id;
        self
    }
}
