//! `MockOkta`: an authorization server on a loopback socket.

mod acceptor;
mod answer;
mod authorization;
mod builder;
mod clients;
mod codes;
mod controls;
mod cors;
mod dpop;
mod events;
mod fault;
mod form;
mod introspection;
mod login_page;
mod metadata;
mod minting;
mod play;
mod received;
mod redirect_uri;
mod registration;
mod request;
mod rotation;
mod route;
mod seen;
mod settings;
mod state;
mod token_endpoint;
mod tokens;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use okta_verifier::Issuer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::token::{Profile, TokenBuilder};
use acceptor::Acceptor;
use answer::Answer;
pub use builder::MockOktaBuilder;
pub use fault::{Endpoint, Fault};
pub use metadata::MetadataForm;
pub use received::Received;
use request::{Request, Stream, Unreadable};
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
/// [`builder`](Self::builder) changes the address, and lets the server speak https.
///
/// The server's issuer is `http://127.0.0.1:PORT/oauth2/default`. It serves metadata in [three
/// forms](MetadataForm), `/v1/keys`, `/v1/token`, and `/v1/introspect`
/// and `/v1/revoke` for every token that the server made. At `/v1/token` a DPoP proof binds the token
/// to the proof's key. A proof without the server's nonce is rejected, and the response contains the
/// nonce.
///
/// The grants are client credentials, authorization codes with PKCE (S256 only), and refresh tokens for
/// the scope `offline_access`. `/v1/authorize` shows a page with the [users](MockOktaBuilder::users), and
/// no password is needed. With `prompt=none` and the name of a user as `login_hint`, it redirects at once,
/// so that a test needs no browser. The scope `openid` adds an ID token. Clients may
/// [register](Self::set_registration) at `/v1/clients`, and [name a resource](Self::set_resources), if a test
/// lets them.
///
/// `GET /_mock/token` responds with an access token as text, without a client and without a login. Its
/// parameters are `sub`, `scope`, `aud`, `client_id`, `groups` (separated by commas) and `expires_in` (in
/// seconds; 0 for a token that expired an hour ago). Without `sub`, it is the token of a service.
///
/// A script of any origin may read every response (CORS), except those of `/v1/authorize`.
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
pub struct MockOkta {
    shared: Arc<Shared>,
    address: SocketAddr,
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
        // No timeout: a test may have paused the clock of the runtime.
        MockOktaBuilder::new()
            .start_with(None)
            .await
            .expect("a loopback socket is available")
    }

    /// Returns a builder for a server at another address, over https, or with users of its own.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// use okta_verifier_testing::MockOkta;
    ///
    /// let okta = MockOkta::builder().redirect_uri("https://app.example/callback").start().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder() -> MockOktaBuilder {
        MockOktaBuilder::new()
    }

    /// Returns the address that the server listens on, with the port that the system has chosen.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let okta = okta_verifier_testing::MockOkta::start().await;
    /// assert!(okta.issuer_url().contains(&okta.address().to_string()));
    /// # }
    /// ```
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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

/// Shows the issuer, and omits tokens, codes and the secret of the client.
impl fmt::Debug for MockOkta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockOkta")
            .field("issuer", &self.shared.issuer)
            .finish_non_exhaustive()
    }
}

impl Drop for MockOkta {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Accepts connections until the task is aborted.
async fn accept(listener: TcpListener, acceptor: Acceptor, shared: Arc<Shared>) {
    // Aborting this task drops the set, which aborts the connections.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = open(stream, acceptor.clone(), Arc::clone(&shared));
                connections.spawn(connection);
            }
            // The process is out of descriptors, or the peer left. Later connections may succeed.
            Err(_) => play::pause(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
        while connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
    }
}

/// Begins a connection, with TLS if there is a certificate.
async fn open(stream: TcpStream, acceptor: Acceptor, shared: Arc<Shared>) {
    // With the default, the system may combine the bytes of `Fault::Drip` into larger packets.
    let _ = stream.set_nodelay(true);
    match acceptor {
        Acceptor::Plain => converse(stream, &shared).await,
        #[cfg(feature = "tls")]
        Acceptor::Tls(acceptor) => {
            if let Some(Ok(stream)) = in_time(&shared, acceptor.accept(stream)).await {
                converse(stream, &shared).await;
            }
        }
    }
}

/// Serves one request on one connection.
async fn converse(mut stream: impl Stream, shared: &Shared) {
    let request = match in_time(shared, Request::read(&mut stream)).await {
        Some(Ok(request)) => request,
        Some(Err(error)) => return reject(stream, error).await,
        None => return,
    };
    if cors::is_preflight(&request) {
        let answer = cors::allow(&request, cors::preflight());
        let _ = play::play(&mut stream, shared, answer, None).await;
        return;
    }
    let endpoint = route::endpoint(shared, &request.path);
    let (fault, latency) = shared.arrived(endpoint, &request);
    play::pause(latency).await;
    let mut answer = route::answer(shared, &request);
    if fault.is_none() {
        answer = route::revalidated(shared, &request, answer);
    }
    // A browser navigates to the authorization endpoint, and no script may read its responses.
    if endpoint != Some(Endpoint::Authorization) {
        answer = cors::allow(&request, answer);
    }
    // In many tests the client closes the connection early.
    let _ = play::play(&mut stream, shared, answer, fault).await;
}

/// Rejects a request that could not be read, and then reads a part of what the client still sends: otherwise
/// the system resets the connection, and the client may lose the response.
async fn reject(mut stream: impl Stream, error: Unreadable) {
    let status = match error {
        Unreadable::Closed => return,
        Unreadable::Malformed => 400,
        Unreadable::LongBody => 413,
        Unreadable::LongHead => 431,
    };
    let answer = Answer::new(status, "text/plain", "");
    let rest = async {
        let mut buffer = [0; 8192];
        stream.write_all(&answer.head(Some(0))).await?;
        stream.shutdown().await?;
        for _ in 0..512 {
            if stream.read(&mut buffer).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), rest).await;
}

/// Returns the output of `work`, or `None` if it takes longer than a request may.
async fn in_time<W: Future>(shared: &Shared, work: W) -> Option<W::Output> {
    match shared.request_timeout {
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

/// The maximum number of open connections. Later ones wait.
const CONNECTIONS: usize = 1000;
