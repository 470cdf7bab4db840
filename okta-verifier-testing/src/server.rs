//! `MockOkta`: an authorization server on a loopback socket.

mod answer;
mod clients;
mod controls;
mod dpop;
mod fault;
mod form;
mod introspection;
mod metadata;
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
use std::time::Duration;

use okta_verifier::Issuer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::token::{Profile, TokenBuilder};
pub use fault::{Endpoint, Fault};
pub use metadata::MetadataForm;
pub use received::Received;
use request::Request;
pub use rotation::Rotation;
pub use state::Hits;
use state::Shared;

/// The default client secret of [`MockOkta`], for the client [`CLIENT_ID`](crate::CLIENT_ID).
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

/// An Okta custom authorization server on `127.0.0.1`, on a port that the system chooses.
///
/// The server's issuer is `http://127.0.0.1:PORT/oauth2/default`. It serves metadata in [three
/// forms](MetadataForm), `/v1/keys`, `/v1/token` for the client credentials grant, and `/v1/introspect`
/// and `/v1/revoke` for every token that the server made. At `/v1/token` a DPoP proof binds the token
/// to the proof's key. A proof without the server's nonce is rejected, and the response contains the
/// nonce.
///
/// The server speaks HTTP/1.1 and closes the connection after each response. An HTTP client therefore
/// cannot hide a retry on a kept connection, and the [hits](Self::hits) count every request.
///
/// Dropping the `MockOkta` stops the server and closes its open connections.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::MockOkta;
///
/// let okta = MockOkta::start().await;
/// let issuer = okta.issuer("api://default").any_client_id();
/// let jwt = okta.token("ada").scope("orders:read").sign();
/// assert_eq!(okta.hits().keys, 0, "nothing was fetched yet");
/// # }
/// ```
#[derive(Debug)]
pub struct MockOkta {
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl MockOkta {
    /// Starts the server on a port that the system chooses. The server publishes one key each for
    /// RS256, ES256, EdDSA and PS256, and signs with RS256, as Okta does. The server is a task of the
    /// caller's runtime, so it does not respond while code blocks that runtime.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime, or if no socket is available.
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
            .expect("a loopback socket is available");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared::new(&format!("http://{address}")));
        let server = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Self { shared, server }
    }

    /// Returns the `iss` of the server's tokens and metadata: `http://127.0.0.1:PORT/oauth2/default`.
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

    /// Returns the issuer settings of a verifier for tokens with `audience`. No keys are pinned: the
    /// verifier fetches the keys from this server.
    ///
    /// Tokens have the audience `api://default` unless [`set_audience`](Self::set_audience) changes it.
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

    /// Returns a builder for a valid access token of the user `subject`. The token is signed with one
    /// of the keys that are active now, even if the keys are rotated before
    /// [`sign`](TokenBuilder::sign) is called.
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

    /// Returns the published key set as JSON text, as the keys endpoint serves it now.
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

    /// Returns the IDs of the published keys: first the default signing key, then the other signing
    /// keys, then all others.
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

/// Accepts connections until the task is aborted.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Aborting this task drops the set, which aborts the connections.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&shared)))),
            // The process is out of descriptors, or the peer left. Later connections may succeed.
            Err(_) => play::pause(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one request on one connection.
async fn converse(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(request) = Request::read(&mut stream).await else {
        return;
    };
    let endpoint = route::endpoint(&request.path);
    let (fault, latency) = shared.arrived(endpoint, &request);
    play::pause(latency).await;
    let mut answer = route::answer(&shared, &request);
    if fault.is_none() {
        answer = route::revalidated(&shared, &request, answer);
    }
    // In many tests the client closes the connection early.
    let _ = play::play(&mut stream, &shared, answer, fault).await;
}
