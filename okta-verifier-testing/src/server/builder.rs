//! `MockOktaBuilder`: where the server listens, and who can log in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use url::Url;

use super::state::Shared;
use super::{Acceptor, MockOkta, accept, redirect_uri};
#[cfg(feature = "tls")]
use crate::Certificate;
use crate::listener;

/// A builder for a [`MockOkta`] that other processes use: at a fixed address, over https, or with users of
/// its own.
///
/// Unlike a server that [`MockOkta::start`] starts, it closes a connection on which no complete request
/// arrives within ten seconds.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use okta_verifier_testing::MockOkta;
///
/// let okta = MockOkta::builder().users(["grace"]).start().await?;
/// assert!(okta.issuer_url().starts_with("http://127.0.0.1:"));
///
/// let wrong = MockOkta::builder().issuer_url("https://mock.test/?tenant=1").start().await;
/// assert!(wrong.is_err(), "an issuer has no query");
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "the builder does nothing until `.start()` is called"]
pub struct MockOktaBuilder {
    address: SocketAddr,
    issuer_url: Option<String>,
    users: Option<Vec<String>>,
    redirect_uris: Vec<String>,
    #[cfg(feature = "tls")]
    certificate: Option<Certificate>,
}

impl MockOktaBuilder {
    pub(super) fn new() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            issuer_url: None,
            users: None,
            redirect_uris: Vec::new(),
            #[cfg(feature = "tls")]
            certificate: None,
        }
    }

    /// Sets the address to listen on. The default is `127.0.0.1` with a port that the system chooses.
    ///
    /// Every program that can reach the address can get a valid token for any user.
    ///
    /// ```
    /// use okta_verifier_testing::MockOkta;
    ///
    /// let builder = MockOkta::builder().bind(([127, 0, 0, 1], 8080));
    /// ```
    pub fn bind(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Sets the issuer, if clients reach the server under another URL than that of the address, such as
    /// `https://mock:8443/oauth2/default`. All endpoints are below the path of this URL. The default is the
    /// address with the path `/oauth2/default`.
    ///
    /// ```
    /// use okta_verifier_testing::MockOkta;
    ///
    /// let builder = MockOkta::builder().issuer_url("http://localhost:8080/oauth2/default");
    /// ```
    pub fn issuer_url(mut self, url: impl Into<String>) -> Self {
        self.issuer_url = Some(url.into());
        self
    }

    /// Sets the users of the login page. The default is `ada` and `bob`.
    ///
    /// ```
    /// use okta_verifier_testing::MockOkta;
    ///
    /// let builder = MockOkta::builder().users(["ada@acme.example", "bob@acme.example"]);
    /// ```
    pub fn users<N: Into<String>>(mut self, users: impl IntoIterator<Item = N>) -> Self {
        self.users = Some(users.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a redirect URI of the client. From then on, a redirect URI must be exactly one of those that
    /// were added. The default is that every URL on loopback is accepted, with any port and path.
    ///
    /// ```
    /// use okta_verifier_testing::MockOkta;
    ///
    /// let builder = MockOkta::builder().redirect_uri("https://app.example/callback");
    /// ```
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Serves https with this certificate instead of http.
    ///
    /// ```
    /// use okta_verifier_testing::{Certificate, MockOkta};
    ///
    /// let (authority, server) = Certificate::with_authority(["127.0.0.1"]);
    /// let builder = MockOkta::builder().tls(server);
    /// // The verifier under test needs `.ca_certificates(authority)`.
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Starts the server, as [`MockOkta::start`] does.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind `InvalidInput` if the issuer or a redirect URI is not valid. Returns
    /// the error of the system if it does not let the server listen on the address.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// use okta_verifier_testing::MockOkta;
    ///
    /// let okta = MockOkta::builder().start().await?;
    /// let address = okta.address();
    /// assert!(MockOkta::builder().bind(address).start().await.is_err(), "the port is in use");
    /// # Ok(()) }
    /// ```
    pub async fn start(self) -> io::Result<MockOkta> {
        self.start_with(Some(REQUEST_TIMEOUT)).await
    }

    pub(super) async fn start_with(self, timeout: Option<Duration>) -> io::Result<MockOkta> {
        let acceptor = self.acceptor()?;
        for uri in &self.redirect_uris {
            redirect_uri::usable(uri).ok_or_else(|| invalid("a redirect URI is not valid"))?;
        }
        if let Some(url) = &self.issuer_url {
            path(url)?;
        }
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        let scheme = acceptor.scheme();
        let default = || format!("{scheme}://{address}/oauth2/default");
        let issuer = self.issuer_url.unwrap_or_else(default);
        let path = path(&issuer)?;
        listener::public(&issuer);
        let mut shared = Shared::new(issuer, path);
        shared.request_timeout = timeout;
        shared.redirect_uris = self.redirect_uris;
        if let Some(users) = self.users {
            shared.users = users;
        }
        let shared = Arc::new(shared);
        let server = tokio::spawn(accept(listener, acceptor, Arc::clone(&shared))).abort_handle();
        Ok(MockOkta {
            shared,
            address,
            server,
        })
    }

    #[cfg(feature = "tls")]
    fn acceptor(&self) -> io::Result<Acceptor> {
        match &self.certificate {
            Some(certificate) => Acceptor::tls(certificate),
            None => Ok(Acceptor::Plain),
        }
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with TLS")]
    fn acceptor(&self) -> io::Result<Acceptor> {
        Ok(Acceptor::Plain)
    }
}

/// Returns the path of an issuer, without a slash at its end.
fn path(issuer: &str) -> io::Result<String> {
    let url = Url::parse(issuer).map_err(|_| invalid(ISSUER))?;
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    // `iss` is compared byte by byte, so the issuer must be in canonical form: without user, default port, upper-case
    // letters and trailing slash.
    let is_canonical = format!("{origin}{path}") == issuer;
    if !["http", "https"].contains(&url.scheme()) || !is_canonical {
        return Err(invalid(ISSUER));
    }
    Ok(path.to_owned())
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

const ISSUER: &str = "the issuer must be an http or https URL in canonical form, without user, query, \
                      fragment, default port and final slash";

/// How long a client may take for the TLS handshake and for a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_that_is_not_canonical_is_rejected() {
        for url in [
            "",
            "mock:8080",
            "ftp://mock/",
            "https://mock/",
            "https://mock/oauth2/default/",
            "https://mock:443/oauth2/default",
            "https://Mock/oauth2/default",
            "https://user@mock/oauth2/default",
            "https://mock/oauth2/default?",
            "https://mock/oauth2/default#",
            "https://mock/oauth2/../default",
            "https://mock/oauth2/de fault",
            " https://mock/oauth2/default",
        ] {
            assert!(path(url).is_err(), "{url}");
        }
        assert_eq!(
            path("https://mock:8443/oauth2/default").unwrap(),
            "/oauth2/default"
        );
        assert_eq!(path("http://localhost").unwrap(), "");
    }
}
