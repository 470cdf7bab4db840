//! [`ManagementToken`]: the access token with which this service calls a transmitter.

use std::{error::Error, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

/// The access token for the event stream management API of a transmitter (SSF 1.0 §8.1), which
/// [`Transmitter::verify_every`](super::Transmitter::verify_every) needs. It is sent as `Authorization: Bearer`.
///
/// `Debug` omits the token.
///
/// ```
/// use std::time::Duration;
/// use okta_verifier::revocation::{ManagementToken, Revocations, Transmitter};
///
/// let build = |token| {
///     let transmitter = Transmitter::new("https://sso.example.com/realms/acme")
///         .audience("receiver/298781f7")
///         .stream_id("298781f7")
///         .verification_secret("32 random bytes or more, as text")
///         .verify_every(Duration::from_secs(600), token);
///     Revocations::builder().forgets_at_restart().transmitter(transmitter).build()
/// };
/// assert!(build(ManagementToken::fixed("00aMp1eT0ken")).is_ok());
/// assert!(build(ManagementToken::fixed("not a token")).is_err()); // it has blanks
///
/// // A token that expires: the function requests one with the client credentials of this service.
/// let requested = || async { Ok::<_, std::io::Error>("00aMp1eT0ken".to_owned()) };
/// assert!(build(ManagementToken::new(requested)).is_ok());
/// ```
#[derive(Clone)]
pub struct ManagementToken(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(SecretString),
    Requested(Arc<dyn Fn() -> TokenFuture + Send + Sync>),
}

type TokenFuture =
    Pin<Box<dyn Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send>>;

/// Why a request has no token. The error of the function is left out, because its text may contain a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("the function that returns the management token failed")]
    Failed,
    #[error("the function that returns the management token did not return in time")]
    Timeout,
    #[error("the management token is not a bearer token; return its text without a scheme")]
    Malformed,
}

impl ManagementToken {
    /// Uses this token in every request.
    pub fn fixed(token: impl Into<String>) -> Self {
        Self(Kind::Fixed(token.into().into()))
    }

    /// Calls `request` before each request, which returns a valid token. It is called once per interval and has 10 s, so
    /// it need not cache the token. If it fails, the request is made again after a back-off. The text of its error is not
    /// logged by this crate, because it may contain a secret: log it in the function.
    pub fn new<F, E>(request: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self(Kind::Requested(Arc::new(move || {
            let token = request();
            Box::pin(async move { token.await.map_err(Into::into) })
        })))
    }

    /// Returns whether the token can be sent, if it is known.
    pub(super) fn is_usable(&self) -> bool {
        match &self.0 {
            Kind::Fixed(token) => is_bearer_token(token),
            Kind::Requested(_) => true,
        }
    }

    /// Returns the token for one request. Needs a tokio runtime.
    pub(super) async fn obtain(&self) -> Result<SecretString, TokenError> {
        let request = match &self.0 {
            Kind::Fixed(token) => return Ok(token.clone()),
            Kind::Requested(request) => request.clone(),
        };
        // In a task of its own, because the function may panic.
        let token = tokio::spawn(async move { timeout(TIMEOUT, request()).await });
        let token = token.await.map_err(|_| TokenError::Failed)?;
        let token = token.map_err(|_| TokenError::Timeout)?;
        let token = SecretString::from(token.map_err(|_| TokenError::Failed)?);
        match is_bearer_token(&token) {
            true => Ok(token),
            false => Err(TokenError::Malformed),
        }
    }
}

/// Returns whether the text has the characters of `b64token` only (RFC 6750 §2.1).
fn is_bearer_token(token: &SecretString) -> bool {
    let token = token.expose_secret();
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(is_allowed)
}

/// Shows the kind only.
impl fmt::Debug for ManagementToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Fixed(_) => "ManagementToken::fixed",
            Kind::Requested(_) => "ManagementToken::new",
        })
    }
}

const TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of a token in bytes.
const MAX_TOKEN: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(token: &'static str) -> ManagementToken {
        ManagementToken::new(move || async move { Ok::<_, std::io::Error>(token.to_owned()) })
    }

    #[tokio::test(start_paused = true)]
    async fn management_token_that_cannot_be_obtained_is_an_error_without_its_text() {
        let fails = || async { Err(std::io::Error::other("s3cr3t-of-the-client")) };
        let failed = ManagementToken::new(fails).obtain().await.err();
        assert_eq!(failed, Some(TokenError::Failed));
        assert!(!failed.unwrap().to_string().contains("s3cr3t"));
        let hangs = std::future::pending::<Result<String, std::io::Error>>;
        let hanging = ManagementToken::new(hangs).obtain().await.err();
        assert_eq!(hanging, Some(TokenError::Timeout));
        for malformed in ["", "a b", "Bearer a", "a\r\nx: y", "ä"] {
            let error = requested(malformed).obtain().await.err();
            assert_eq!(error, Some(TokenError::Malformed));
            assert!(!ManagementToken::fixed(malformed).is_usable());
        }
    }

    #[tokio::test]
    async fn management_token_is_that_of_the_function() {
        for token in [
            requested("a-._~+/1=="),
            ManagementToken::fixed("a-._~+/1=="),
        ] {
            assert!(token.is_usable());
            assert!(token.obtain().await.unwrap().expose_secret() == "a-._~+/1==");
            assert!(!format!("{token:?}").contains("a-._"));
        }
    }
}
