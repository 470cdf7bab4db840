//! `MockOkta` methods for opaque, refresh and revoked tokens, and for the settings of its client.

use super::MockOkta;
use crate::listener;
use crate::token::TokenBuilder;

impl MockOkta {
    /// Returns a builder for an opaque access token of the user `subject`. The token is a random
    /// string, and `/v1/introspect` returns its claims. The builder's methods for the signature and the
    /// header have no effect.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let opaque = okta.opaque_token("ada").scope("orders:read").sign();
    /// assert!(!opaque.contains('.'));
    /// # }
    /// ```
    pub fn opaque_token(&self, subject: impl Into<String>) -> TokenBuilder {
        self.token(subject).opaque()
    }

    /// Returns a builder for a refresh token of the user `subject`. Introspection reports the token as
    /// active, without `iss` and `aud`. An API must not accept it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let refresh = okta.refresh_token("ada").scope("offline_access").sign();
    /// # }
    /// ```
    pub fn refresh_token(&self, subject: impl Into<String>) -> TokenBuilder {
        self.token(subject).refresh()
    }

    /// Revokes a token: `/v1/introspect` now reports it as inactive. The signature of a revoked JWT is
    /// still valid.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let jwt = okta.token("ada").sign();
    /// okta.revoke(&jwt);
    /// # }
    /// ```
    pub fn revoke(&self, token: &str) {
        self.shared.register.revoke(token);
    }

    /// Sets the one client that may use `/v1/token`, `/v1/introspect` and `/v1/revoke`. The default is
    /// [`CLIENT_ID`](crate::CLIENT_ID) with [`CLIENT_SECRET`](crate::CLIENT_SECRET).
    ///
    /// The client may also authenticate with `private_key_jwt`. The server checks `iss`, `sub`, `aud`,
    /// `exp` and `jti` of the assertion, but not its signature, because the server does not know the
    /// client's key.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{CLIENT_ID, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.set_client(CLIENT_ID, "a new secret: 100 %");
    /// # }
    /// ```
    pub fn set_client(&self, id: impl Into<String>, secret: impl Into<String>) {
        let clients = &mut self.shared.state().clients;
        (clients.id, clients.secret) = (id.into(), secret.into());
        listener::secret(&clients.secret);
    }

    /// Sets whether the client may identify itself without a secret (`none`). The default is `false`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// okta.set_public_client(true);
    /// # }
    /// ```
    pub fn set_public_client(&self, public: bool) {
        self.shared.state().clients.public = public;
    }
}
