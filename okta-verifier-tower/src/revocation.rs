//! `RevocationService` and its future, which receive security events.

use std::{
    convert::Infallible,
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Buf;
use http::{Request, Response};
use http_body::Body;
use okta_verifier::revocation::{Revocations, Signal};
use tower_service::Service;

/// A service that receives the security events of transmitters (RFC 8935), whatever the path of the request is. The
/// request needs no access token, so put the service outside [`VerifyLayer`](crate::VerifyLayer).
///
/// [`Revocations::receive_event`] describes the responses. The body is read after the header fields were authenticated
/// ([`Revocations::receive`]): at most [`Revocations::MAX_EVENT`] bytes, or [`Revocations::MAX_HOOK`] of an event hook, and
/// one chunk. `F` makes the body of a response from its text. This type requires the feature `revocation`.
///
/// ```
/// # use http::Request;
/// # use http_body_util::Full;
/// # use okta_verifier::{Verifier, revocation::{Revocations, Transmitter}};
/// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
/// # use okta_verifier_tower::RevocationService;
/// # use tower::ServiceExt;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = okta.issuer().any_client_id();
/// let transmitter = Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE);
/// # let transmitter = transmitter.keys(okta.jwks());
/// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let service = RevocationService::<fn(String) -> String>::new(&revocations);
///
/// let push = |event: String| Request::post("/events/ssf").body(Full::<&[u8]>::new(event.leak().as_bytes()));
/// let response = service.clone().oneshot(push(okta.session_revoked("ada").sign())?).await?;
/// assert_eq!(response.status(), 202);
/// let response = service.oneshot(push(okta.token("ada").sign())?).await?;
/// assert_eq!(response.status(), 400);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a service does nothing unless called"]
pub struct RevocationService<F> {
    revocations: Revocations,
    signal: Signal,
    body: F,
}

impl<R: From<String>> RevocationService<fn(String) -> R> {
    /// Returns a service whose body type implements `From<String>`, such as that of axum.
    pub fn new(revocations: &Revocations) -> Self {
        Self::with_body(revocations, R::from)
    }
}

impl<F> RevocationService<F> {
    /// Returns a service that calls `body` to create the body of a response. It is for body types that do not implement
    /// `From<String>`.
    ///
    /// ```
    /// # use okta_verifier::revocation::Revocations;
    /// use okta_verifier_tower::RevocationService;
    ///
    /// let revocations = Revocations::builder().forgets_at_restart().build()?;
    /// let service = RevocationService::with_body(&revocations, |text: String| text.into_bytes());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn with_body(revocations: &Revocations, body: F) -> Self {
        Self {
            revocations: revocations.clone(),
            signal: Signal::SecurityEvent,
            body,
        }
    }

    /// Receives the logout tokens of OpenID providers instead of security events.
    /// [`Revocations::receive_logout`] describes the responses.
    ///
    /// ```
    /// # use http::Request;
    /// # use http_body_util::Full;
    /// # use okta_verifier::revocation::{BackChannelLogout, Revocations};
    /// # use okta_verifier_tower::RevocationService;
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let logout = BackChannelLogout::new("https://sso.example.com/realms/acme", "web-shop");
    /// let revocations = Revocations::builder().forgets_at_restart().back_channel_logout(logout).build()?;
    /// let service = RevocationService::<fn(String) -> String>::new(&revocations).logouts();
    ///
    /// let request = Request::post("/events/logout").body(Full::new(&b"logout_token=a.b.c"[..]))?;
    /// assert_eq!(service.oneshot(request).await?.status(), 400);
    /// # Ok(())
    /// # }
    /// ```
    pub fn logouts(mut self) -> Self {
        self.signal = Signal::BackChannelLogout;
        self
    }

    /// Receives the events of event hooks instead of security events. [`Revocations::receive_hook`] describes the
    /// responses.
    ///
    /// ```
    /// # use http::Request;
    /// # use http_body_util::Empty;
    /// # use okta_verifier::revocation::{EventHook, Revocations};
    /// # use okta_verifier_tower::RevocationService;
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let secret = "32 random bytes or more, as text";
    /// let hook = EventHook::okta("https://acme.okta.com", secret);
    /// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
    /// let service = RevocationService::<fn(String) -> String>::new(&revocations).hooks();
    ///
    /// let verify = |secret: &str| {
    ///     let request = Request::get("/events/hook").header("X-Okta-Verification-Challenge", "abc");
    ///     request.header("Authorization", secret).body(Empty::<&[u8]>::new())
    /// };
    /// let response = service.clone().oneshot(verify(secret)?).await?;
    /// assert_eq!(response.body(), r#"{"verification":"abc"}"#);
    /// assert_eq!(service.oneshot(verify("guessed")?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn hooks(mut self) -> Self {
        self.signal = Signal::EventHook;
        self
    }

    /// Receives the requests of Universal Logout instead of security events.
    /// [`Revocations::receive_universal_logout`] describes the responses.
    ///
    /// ```
    /// # use http::Request;
    /// # use http_body_util::Full;
    /// # use okta_verifier::revocation::{Revocations, UniversalLogout};
    /// # use okta_verifier_tower::RevocationService;
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let endpoint = "https://api.acme.test/events/universal-logout";
    /// let logout = UniversalLogout::okta("https://acme.okta.com", endpoint, "0oa1client");
    /// let revocations = Revocations::builder().forgets_at_restart().universal_logout(logout).build()?;
    /// let service = RevocationService::<fn(String) -> String>::new(&revocations).universal_logouts();
    ///
    /// let request = Request::post("/events/universal-logout").body(Full::new(&b"{}"[..]))?;
    /// assert_eq!(service.oneshot(request).await?.status(), 401); // no token
    /// # Ok(())
    /// # }
    /// ```
    pub fn universal_logouts(mut self) -> Self {
        self.signal = Signal::UniversalLogout;
        self
    }
}

impl<B, R, F> Service<Request<B>> for RevocationService<F>
where
    B: Body + Send + 'static,
    B::Data: Send,
    F: Fn(String) -> R + Clone + Send + 'static,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = RevocationFuture<R>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self {
            revocations,
            signal,
            body,
        } = self.clone();
        let (head, request_body) = request.into_parts();
        RevocationFuture(Box::pin(async move {
            let fields = head.headers.iter();
            let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
            let read_body = |limit| read(request_body, limit);
            let response = revocations.receive(signal, head.method.as_str(), fields, read_body);
            let response = response.await;
            Ok(response.map(body))
        }))
    }
}

/// The response future of [`RevocationService`].
#[must_use = "futures do nothing unless polled"]
pub struct RevocationFuture<R>(Pin<Box<Boxed<R>>>);

type Boxed<R> = dyn Future<Output = Result<Response<R>, Infallible>> + Send;

impl<R> Future for RevocationFuture<R> {
    type Output = Result<Response<R>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

/// Reads a body until it is larger than `limit`. A body that breaks off is not an event, and counts as empty.
async fn read<B: Body>(body: B, limit: usize) -> Vec<u8> {
    let mut body = pin!(body);
    let mut event = Vec::new();
    while event.len() <= limit {
        match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            Some(Ok(frame)) => {
                // Trailers are not read.
                let Ok(mut data) = frame.into_data() else {
                    continue;
                };
                while data.has_remaining() && event.len() <= limit {
                    let chunk = data.chunk();
                    event.extend_from_slice(chunk);
                    let length = chunk.len();
                    data.advance(length);
                }
            }
            Some(Err(_)) => return Vec::new(),
            None => break,
        }
    }
    event
}

/// Omits the function that makes the body.
impl<F> fmt::Debug for RevocationService<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationService")
            .field("revocations", &self.revocations)
            .finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for RevocationFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationFuture").finish_non_exhaustive()
    }
}
