//! The tokens that only a server can make sense of, and what becomes of them.

use super::MockOkta;
use crate::listener;
use crate::token::TokenBuilder;

impl MockOkta {
    /// Begins an opaque access token of the user `subject`: a random string, and
    /// `/v1/introspect` says what it means. The builder's claims are those of the answer; what it
    /// says of signatures and headers means nothing.
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

    /// Begins a refresh token of the user `subject`: it is active too, its answer has neither
    /// `iss` nor `aud`, and no API may accept it.
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

    /// Revokes a token: `/v1/introspect` calls it inactive from now on. A JWT goes on verifying.
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

    /// The one client that `/v1/token`, `/v1/introspect` and `/v1/revoke` answer to, from now on.
    /// Default: [`CLIENT_ID`](crate::CLIENT_ID) and [`CLIENT_SECRET`](crate::CLIENT_SECRET).
    ///
    /// It may also prove who it is by `private_key_jwt`. Nobody told the server the client's key:
    /// every claim of the assertion is judged, its signature is not.
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

    /// Whether the client's id alone will do, without a secret (`none`). Default: it will not.
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
