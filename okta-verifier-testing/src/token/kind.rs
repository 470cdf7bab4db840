//! `TokenBuilder` methods that build other kinds of tokens.

#[cfg(feature = "server")]
use std::sync::Arc;

use super::TokenBuilder;
#[cfg(feature = "server")]
use super::{Register, jws::Form};

/// What a `TokenBuilder` builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An access token of a user.
    User,
    /// An access token of a client that acts on its own behalf.
    Service,
    /// An ID token, which tells a client which user signed in. An API must not accept it.
    Id,
    /// A refresh token, with which a client gets new access tokens. An API must not accept it.
    #[cfg(feature = "server")]
    Refresh,
}

impl TokenBuilder {
    /// Builds a client credentials token: it has no `uid` and no `auth_time`, and its `sub` is the
    /// client ID instead of the builder's subject. For providers other than Okta, the token is that of a
    /// machine as the provider writes it: with Keycloak's `service-account-` name, for example.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let service = okta.token("").service().client_id("0oabatch").scope("orders:read").sign();
    /// ```
    pub fn service(mut self) -> Self {
        self.kind = Kind::Service;
        self
    }

    /// Revokes the token when it is signed: `MockOkta` reports the token as inactive, although its
    /// signature is valid.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let revoked = okta.token("ada").scope("orders:read").revoked().sign();
    /// ```
    pub fn revoked(mut self) -> Self {
        self.revoked = true;
        self
    }

    /// Builds an ID token: `aud` is the client ID, and `jti` starts with `ID.`. The token has `nonce`,
    /// `at_hash`, `amr` and `idp`, but neither `cid` nor scopes. Like Okta's ID tokens, it is signed
    /// with the same keys as access tokens. For other providers, the token has the claims of the provider's
    /// ID tokens.
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

#[cfg(feature = "server")]
impl TokenBuilder {
    /// Stores the token's claims in `register` when the token is signed.
    pub(crate) fn remembered_by(mut self, register: &Arc<Register>) -> Self {
        self.register = Some(Arc::clone(register));
        self
    }

    /// Builds a random string instead of a JWT. Only the register has the token's claims.
    pub(crate) fn opaque(mut self) -> Self {
        self.form = Form::Opaque;
        self
    }

    /// Builds a refresh token like Okta's: opaque and without `aud`.
    pub(crate) fn refresh(mut self) -> Self {
        self.kind = Kind::Refresh;
        self.opaque()
    }
}
