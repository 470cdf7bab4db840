//! `MockOkta`: an authorization server on a loopback socket.

mod answer;
mod clients;
mod controls;
mod dpop;
mod fault;
mod form;
mod introspection;
mod listen;
mod metadata;
mod mixed;
mod play;
mod received;
mod request;
mod rotation;
mod route;
mod settings;
mod state;
mod token_endpoint;
mod tokens;

use std::sync::Arc;

use okta_verifier::Issuer;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::token::{Profile, TokenBuilder};
pub use fault::{Endpoint, Fault};
pub use metadata::MetadataForm;
pub use received::Received;
pub use rotation::Rotation;
pub use state::Hits;
use state::Shared;

/// The secret of the client [`CLIENT_ID`](crate::CLIENT_ID) at [`MockOkta`]'s token endpoint.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # use okta_verifier_testing::MockOkta;
/// # let okta = MockOkta::start().await;
/// use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET};
///
/// let curl = format!("curl -u {CLIENT_ID}:{CLIENT_SECRET} {}/v1/token", okta.issuer_url());
/// # }
/// ```
pub const CLIENT_SECRET: &str = "secret";

/// An Okta custom authorization server on `127.0.0.1`, on a port of its own.
///
/// Its issuer is `http://127.0.0.1:PORT/oauth2/default`. It answers metadata in
/// [three forms](MetadataForm), `/v1/keys`, `/v1/token` for the client credentials grant (a
/// DPoP proof binds the token, and must carry the nonce that the first answer gives), and
/// `/v1/introspect` and `/v1/revoke` for every token it made. It speaks HTTP/1.1 and closes the connection after each answer, so that its [hits](Self::hits) count
/// what a client asked for and no retry on a kept connection hides one.
///
/// It ends when it is dropped, with every connection it still holds.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::MockOkta;
///
/// let okta = MockOkta::start().await;
/// let issuer = okta.issuer("api://default").any_client_id();
/// let jwt = okta.token("ada").scope("orders:read").sign();
/// assert_eq!(okta.hits().keys, 0, "nobody fetched yet");
/// # }
/// ```
#[derive(Debug)]
pub struct MockOkta {
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl MockOkta {
    /// Starts to listen, on a port the system chooses. Publishes one key each for RS256, ES256,
    /// EdDSA and PS256, and signs with RS256, as Okta does.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, and when the system gives no socket.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let okta = okta_verifier_testing::MockOkta::start().await;
    /// assert!(okta.issuer_url().starts_with("http://127.0.0.1:"));
    /// # }
    /// ```
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a loopback socket");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared::new(&format!("http://{address}")));
        let server = tokio::spawn(listen::accept(listener, Arc::clone(&shared))).abort_handle();
        Self { shared, server }
    }

    /// The `iss` of its tokens and metadata: `http://127.0.0.1:PORT/oauth2/default`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::MockOkta;
    /// # let okta = MockOkta::start().await;
    /// let token_endpoint = format!("{}/v1/token", okta.issuer_url());
    /// # }
    /// ```
    #[must_use]
    pub fn issuer_url(&self) -> &str {
        &self.shared.issuer
    }

    /// The issuer as a verifier wants it, for tokens with `audience`. Without pinned keys: the
    /// verifier fetches them here.
    ///
    /// Tokens are made for `api://default` until [`set_audience`](Self::set_audience) says otherwise.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let issuer = okta.issuer("api://default").client_id(okta_verifier_testing::CLIENT_ID);
    /// # }
    /// ```
    #[must_use]
    pub fn issuer(&self, audience: &str) -> Issuer {
        Profile::Okta.issuer(&self.shared.issuer, audience)
    }

    /// Begins a good access token of the user `subject`, to be signed with a key that signs now:
    /// a later rotation does not change it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let jwt = okta.token("ada").scope("orders:read").sign();
    /// # }
    /// ```
    pub fn token(&self, subject: impl Into<String>) -> TokenBuilder {
        self.shared.token(subject.into())
    }

    /// The published keys, a JWK set as JSON text: what the keys endpoint answers now.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::MockOkta;
    /// # let okta = MockOkta::start().await;
    /// assert!(okta.jwks().contains(&okta.key_ids()[0]));
    /// # }
    /// ```
    #[must_use]
    pub fn jwks(&self) -> String {
        self.shared.state().ring.jwks()
    }

    /// The names of the published keys: first those that sign, the default one at the front.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// assert_eq!(okta.key_ids().len(), 4);
    /// # }
    /// ```
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        let state = self.shared.state();
        state.ring.published().map(|key| key.kid.clone()).collect()
    }
}

impl Drop for MockOkta {
    fn drop(&mut self) {
        self.server.abort();
    }
}
