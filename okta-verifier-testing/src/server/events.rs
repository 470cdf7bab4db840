//! `MockOkta` methods for security events, which its org sends.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::MockOkta;
use crate::event::{EventBuilder, org, password_change};
use crate::hook::{HookBuilder, universal_logout};
use crate::keys::random_name;
use crate::token::{TokenBuilder, user_id};

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
        let content_type = "application/secevent+jwt";
        let mut headers = vec![
            ("content-type", content_type),
            ("accept", "application/json"),
        ];
        headers.extend(authorization.map(|value| ("authorization", value)));
        request(receiver, ("POST", path), &headers, event).await
    }

    /// Returns a builder for a delivery of an event hook, with one event about a user.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let suspended = okta.hook("user.lifecycle.suspend", "ada").body();
    /// # }
    /// ```
    pub fn hook(&self, event: &str, user: impl AsRef<str>) -> HookBuilder {
        HookBuilder::new(event, user.as_ref())
    }

    /// Sends a delivery of an event hook over a socket, and returns the status of the response. Like Okta, the mock waits
    /// for three seconds. To repeat or to reorder deliveries, send them again or in another order.
    ///
    /// # Errors
    ///
    /// Returns an error if the receiver cannot be reached, does not respond with HTTP/1.1, or is too slow.
    ///
    /// ```no_run
    /// # async fn send() -> std::io::Result<()> {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let suspended = okta.hook("user.lifecycle.suspend", "ada").body();
    /// let receiver = ([127, 0, 0, 1], 8080).into();
    /// let status = okta.send_hook(receiver, "/events/hook", "32 random bytes or more, as text", &suspended).await?;
    /// assert_eq!(status, 204);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_hook(
        &self,
        receiver: SocketAddr,
        path: &str,
        secret: &str,
        body: &str,
    ) -> io::Result<u16> {
        let headers = [
            ("content-type", "application/json"),
            ("authorization", secret),
        ];
        let sent = request(receiver, ("POST", path), &headers, body);
        Ok(timeout(PATIENCE, sent).await??.0)
    }

    /// Verifies an event hook, as Okta does before the first delivery: sends a challenge over a socket, and returns whether
    /// the response has it.
    ///
    /// # Errors
    ///
    /// Returns an error if the receiver cannot be reached, does not respond with HTTP/1.1, or is too slow.
    ///
    /// ```no_run
    /// # async fn verify() -> std::io::Result<()> {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let receiver = ([127, 0, 0, 1], 8080).into();
    /// assert!(okta.verify_hook(receiver, "/events/hook", "32 random bytes or more, as text").await?);
    /// assert!(!okta.verify_hook(receiver, "/events/hook", "guessed").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify_hook(
        &self,
        receiver: SocketAddr,
        path: &str,
        secret: &str,
    ) -> io::Result<bool> {
        let challenge = random_name();
        let headers = [
            ("authorization", secret),
            ("x-okta-verification-challenge", &*challenge),
        ];
        let sent = request(receiver, ("GET", path), &headers, "");
        let (status, body) = timeout(PATIENCE, sent).await??;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        Ok(status == 200 && body["verification"] == *challenge)
    }

    /// Returns a builder for the token that authenticates a request of Universal Logout.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let endpoint = "https://api.acme.test/events/universal-logout";
    /// let jwt = okta.universal_logout(endpoint, "0oa1client").sign();
    /// # }
    /// ```
    pub fn universal_logout(&self, endpoint: &str, client_id: &str) -> TokenBuilder {
        crate::listener::public(client_id);
        universal_logout(self.token(client_id), self.org_url(), endpoint)
    }

    /// Sends a request of Universal Logout about a user over a socket, and returns the status of the response. `jwt` is
    /// its token, and `user` the `sub` of the user's access tokens.
    ///
    /// # Errors
    ///
    /// Returns an error if the receiver cannot be reached, does not respond with HTTP/1.1, or is too slow.
    ///
    /// ```no_run
    /// # async fn send() -> std::io::Result<()> {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let jwt = okta.universal_logout("https://api.acme.test/events/universal-logout", "0oa1client").sign();
    /// let receiver = ([127, 0, 0, 1], 8080).into();
    /// assert_eq!(okta.send_universal_logout(receiver, "/events/universal-logout", &jwt, "ada").await?, 204);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_universal_logout(
        &self,
        receiver: SocketAddr,
        path: &str,
        jwt: &str,
        user: &str,
    ) -> io::Result<u16> {
        let bearer = format!("Bearer {jwt}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", &*bearer),
        ];
        let subject = json!({ "format": "iss_sub", "iss": self.org_url(), "sub": user_id(user) });
        let body = json!({ "sub_id": subject }).to_string();
        let sent = request(receiver, ("POST", path), &headers, &body);
        Ok(timeout(PATIENCE, sent).await??.0)
    }
}

/// Sends a request, and returns the status and the body of the response.
async fn request(
    receiver: SocketAddr,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<(u16, String)> {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {receiver}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(receiver).await?;
    stream
        .write_all(format!("{head}\r\n{body}").as_bytes())
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

/// How long Okta waits for a response to an event hook.
const PATIENCE: Duration = Duration::from_secs(3);
