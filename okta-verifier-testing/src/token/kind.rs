//! Other kinds of tokens of the same issuer.

#[cfg(feature = "server")]
use std::sync::Arc;

use super::TokenBuilder;
#[cfg(feature = "server")]
use super::{Register, jws::Form};

/// The kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An access token of a user.
    User,
    /// An access token of a client that acts on its own behalf.
    Service,
    /// An ID token, which tells a client who signed in and is not valid at an API.
    Id,
    /// A refresh token, which gets a client new access tokens and is not valid at an API.
    #[cfg(feature = "server")]
    Refresh,
}

impl TokenBuilder {
    /// Makes a client credentials token: without `uid` and `auth_time`, and with the client ID as
    /// `sub`, regardless of the builder's subject.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let service = okta.token("").service().client_id("0oabatch").scope("orders:read").sign();
    /// ```
    pub fn service(mut self) -> Self {
        self.kind = Kind::Service;
        self
    }

    /// Revokes the token when it is signed: `MockOkta` reports it as inactive, although its signature
    /// is valid.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let revoked = okta.token("ada").scope("orders:read").revoked().sign();
    /// ```
    pub fn revoked(mut self) -> Self {
        self.revoked = true;
        self
    }

    /// Makes an ID token: `aud` is the client ID, `jti` starts with `ID.`, it has `nonce`, `at_hash`,
    /// `amr` and `idp`, and neither `cid` nor scopes. It is signed with the same keys, as at Okta.
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
    /// Enters the token into `register` when it is signed.
    pub(crate) fn remembered_by(mut self, register: &Arc<Register>) -> Self {
        self.register = Some(Arc::clone(register));
        self
    }

    /// Makes a random string instead of a JWT; only the register has its claims.
    pub(crate) fn opaque(mut self) -> Self {
        self.form = Form::Opaque;
        self
    }

    /// Makes a refresh token as Okta does: opaque and without `aud`.
    pub(crate) fn refresh(mut self) -> Self {
        self.kind = Kind::Refresh;
        self.opaque()
    }
}
