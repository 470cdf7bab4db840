//! Other tokens of the same issuer.

#[cfg(feature = "server")]
use std::sync::Arc;

use super::TokenBuilder;
#[cfg(feature = "server")]
use super::{Register, jws::Form};

/// What the issuer made the token for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An access token of a user.
    User,
    /// An access token of a client that acts for itself.
    Service,
    /// An ID token: tells a client who signed in, and opens no API.
    Id,
    /// A refresh token: gets a client new access tokens, and opens no API.
    #[cfg(feature = "server")]
    Refresh,
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

    /// Revoked before anybody saw it: `MockOkta` calls it inactive, and its signature is good.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let revoked = okta.token("ada").scope("orders:read").revoked().sign();
    /// ```
    pub fn revoked(mut self) -> Self {
        self.revoked = true;
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

#[cfg(feature = "server")]
impl TokenBuilder {
    /// What is signed is remembered there.
    pub(crate) fn remembered_by(mut self, register: &Arc<Register>) -> Self {
        self.register = Some(Arc::clone(register));
        self
    }

    /// A random string in place of the JWT: only the register knows what it says.
    pub(crate) fn opaque(mut self) -> Self {
        self.form = Form::Opaque;
        self
    }

    /// As Okta's refresh tokens: opaque, and without `aud`.
    pub(crate) fn refresh(mut self) -> Self {
        self.kind = Kind::Refresh;
        self.opaque()
    }
}
