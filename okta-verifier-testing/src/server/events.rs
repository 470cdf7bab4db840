//! `MockOkta` methods for security events, which its org sends.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::MockOkta;
use crate::event::{EventBuilder, org, password_change};

/// The path of the keys of the org, which sign its events.
pub(super) const KEYS: &str = "/oauth2/v1/keys";

impl MockOkta {
    /// Returns the URL of the org, which is the `iss` of its events. `/oauth2/v1/keys` of it serves the keys that
    /// sign them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// use okta_verifier::revocation::Transmitter;
    /// use okta_verifier_testing::EVENT_AUDIENCE;
    ///
    /// let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
    /// # }
    /// ```
    #[must_use]
    pub fn org_url(&self) -> &str {
        org(&self.shared.issuer)
    }

    /// Returns a builder for an event about a user: the URI of the event, or the name of an event of CAEP 1.0.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let event = okta.event("assurance-level-change", "ada").sign();
    /// # }
    /// ```
    pub fn event(&self, name: &str, subject: impl AsRef<str>) -> EventBuilder {
        let subject = subject.as_ref();
        EventBuilder::new(self.token(subject), self.org_url(), true, name, subject)
    }

    /// Returns a builder for the event that sessions of this user were revoked.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let event = okta.session_revoked("ada").sign();
    /// # }
    /// ```
    pub fn session_revoked(&self, subject: impl AsRef<str>) -> EventBuilder {
        self.event("session-revoked", subject)
    }

    /// Returns a builder for the event that the password of this user was changed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let event = okta.credential_change("ada").sign();
    /// # }
    /// ```
    pub fn credential_change(&self, subject: impl AsRef<str>) -> EventBuilder {
        password_change(self.event("credential-change", subject))
    }

    /// Pushes an event to a receiver over a socket (RFC 8935 §2), and returns the status and the body of the
    /// response. `authorization` is the stream's `authorization_header`. To repeat or to reorder events, push them
    /// again or in another order.
    ///
    /// # Errors
    ///
    /// Returns an error if the receiver cannot be reached, or does not respond with HTTP/1.1.
    ///
    /// ```no_run
    /// # async fn push() -> std::io::Result<()> {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let event = okta.session_revoked("ada").sign();
    /// let receiver = ([127, 0, 0, 1], 8080).into();
    /// let (status, body) = okta.push(receiver, "/events/ssf", Some("Bearer secret"), &event).await?;
    /// assert_eq!((status, &*body), (202, ""));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn push(
        &self,
        receiver: SocketAddr,
        path: &str,
        authorization: Option<&str>,
        event: &str,
    ) -> io::Result<(u16, String)> {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: {receiver}\r\nconnection: close\r\ncontent-type: application/secevent+jwt\r\naccept: application/json\r\ncontent-length: {}\r\n",
            event.len()
        );
        if let Some(authorization) = authorization {
            head.push_str(&format!("authorization: {authorization}\r\n"));
        }
        let mut stream = TcpStream::connect(receiver).await?;
        stream
            .write_all(format!("{head}\r\n{event}").as_bytes())
            .await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        let response = String::from_utf8_lossy(&response);
        let malformed = || io::Error::other("the response is not HTTP/1.1");
        let (head, body) = response.split_once("\r\n\r\n").ok_or_else(malformed)?;
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|it| it.get(..3)?.parse().ok());
        Ok((status.ok_or_else(malformed)?, body.to_owned()))
    }
}
