//! `McpLayer`: the configuration of `McpService`.

use std::sync::Arc;

use okta_verifier::{
    Verifier,
    mcp::{McpSessions, Tools},
};
use tower_layer::Layer;

use super::McpService;

/// Checks what each request to an MCP server calls against a table of policies, and binds the sessions of the server to
/// their owners. It goes inside [`VerifyLayer`](crate::VerifyLayer), that of this crate or that of
/// `okta-verifier-axum`, and around the server.
///
/// The checks run in this order, and a rejected request does not reach the server:
///
/// | check | rejection | body of the response |
/// |---|---|---|
/// | a layer outside has verified the token, or admitted the request without one | 500, and an event at `error` | none |
/// | the body of a `POST` has at most [`MAX_BODY`] bytes. If the request itself says that there are more, nothing is read | 413 | none |
/// | the body arrives, is JSON-RPC, and agrees with the header fields (see [`McpCalls`]) | 400 | a JSON-RPC error |
/// | the session of the request belongs to the caller | 404 | a JSON-RPC error |
/// | there is room for the session that the request may begin | 503 | none |
/// | the caller may use each tool, prompt and resource of the body | 403, or the 401 of [`Anonymous`] | none |
///
/// Only a `POST` has a body that is read. Of a request with another method, only the session is checked. The server's response,
/// such as a 405, is not changed. The policy of every request, the floor, is that of
/// [`VerifyLayer::require`](crate::VerifyLayer::require); a tool can only require more. [`McpRejection`] has the code of
/// each rejection.
///
/// The server receives the body in one frame, and the same bytes, trailers and header fields as the layer. The
/// [`VerifiedToken`] stays in the extensions of the request, so that a handler can check more.
///
/// **The layer has no timeout for a body that arrives slowly**, as the server without the layer has none: set it where
/// the service accepts connections, or with a timeout layer outside. A request holds at most [`MAX_BODY`] bytes, and
/// no permit of the inner service, while its body arrives. The inner service is polled ready after all checks, so an error
/// of its `poll_ready` becomes an error of the response future.
///
/// # Sessions
///
/// **Sessions are bound to their owners unless [`unbound_sessions`](Self::unbound_sessions) is called.** A server that
/// finds sessions by their ID alone, as rmcp does, would serve a session to everyone who knows the ID and has any
/// valid token. The owner is the issuer, the subject and the client of the token, so a refreshed token is accepted.
/// A server without sessions pays nothing. The store is in the memory of this process. [`McpSessions`] describes it, its limits,
/// and what it does not protect.
///
/// # Responses
///
/// A rejection is in the extensions of its response, so [`VerifyLayer::on_outcome`](crate::VerifyLayer::on_outcome)
/// and the counters include it. [`ProblemDetailsLayer`](crate::ProblemDetailsLayer) does not replace the JSON-RPC error of
/// a rejection, because MCP clients read it; it writes a body into the rejections that have none.
///
/// ```
/// # use std::convert::Infallible;
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # use http_body_util::Full;
/// # use okta_verifier::{Policy, Verifier};
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier_tower::{VerifyLayer, mcp::{McpLayer, Tools}};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// const READ: Policy = Policy::scope("files:read");
/// const WRITE: Policy = Policy::scope("files:write");
///
/// // With axum: Router::new().route_service("/mcp", server)
/// //     .route_layer(McpLayer::new(tools))
/// //     .route_layer(okta_verifier_axum::VerifyLayer::new(verifier).require(READ))
/// let tools = Tools::new(READ).tool("write_file", WRITE);
/// let service = ServiceBuilder::new()
///     .layer(VerifyLayer::new(verifier).require(READ))
///     .layer(McpLayer::new(tools))
///     .service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))); // the MCP server
///
/// let call = |scope: &str, tool: &str| {
///     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#);
///     Request::post("/mcp")
///         .header("authorization", format!("Bearer {}", okta.token("ada").scope("files:read").scope(scope).sign()))
///         .body(Full::<Bytes>::from(body))
/// };
/// assert_eq!(service.clone().oneshot(call("files:write", "write_file")?).await?.status(), 200);
/// assert_eq!(service.clone().oneshot(call("files:list", "read_file")?).await?.status(), 200);
///
/// // The tool requires a scope that the token lacks. The challenge names it, and that of the floor.
/// let rejected = service.oneshot(call("files:list", "write_file")?).await?;
/// assert_eq!(rejected.status(), 403);
/// let challenge = rejected.headers()["www-authenticate"].to_str()?;
/// assert!(challenge.contains(r#"scope="files:read files:write""#));
/// # Ok(())
/// # }
/// ```
///
/// [`Anonymous`]: okta_verifier::adapter::Anonymous
/// [`MAX_BODY`]: okta_verifier::mcp::McpCalls::MAX_BODY
/// [`McpCalls`]: okta_verifier::mcp::McpCalls
/// [`McpRejection`]: okta_verifier::mcp::McpRejection
/// [`VerifiedToken`]: okta_verifier::VerifiedToken
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct McpLayer(Arc<Settings>);

/// The settings of a layer. They are shared, because tower and axum clone the service for every request.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) tools: Tools,
    /// `None` if sessions are not bound.
    pub(super) sessions: Option<McpSessions>,
    /// `None` if streams do not end with the token.
    pub(super) ends_streams: Option<Verifier>,
}

impl McpLayer {
    /// Returns a layer that checks these policies, and binds sessions in a store of its own.
    pub fn new(tools: Tools) -> Self {
        Self(Arc::new(Settings {
            tools,
            sessions: Some(McpSessions::new()),
            ends_streams: None,
        }))
    }

    /// Binds sessions in this store: with other limits than the default ones, or shared with another layer around the
    /// same server.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_verifier::Policy;
    /// use okta_verifier_tower::mcp::{McpLayer, McpSessions, Tools};
    ///
    /// let sessions = McpSessions::new().max_sessions(100).idle_timeout(Duration::from_secs(10 * 60));
    /// let layer = McpLayer::new(Tools::new(Policy::scope("files:read"))).sessions(sessions);
    /// ```
    pub fn sessions(mut self, sessions: McpSessions) -> Self {
        self.settings().sessions = Some(sessions);
        self
    }

    /// Does not bind sessions to their owners.
    ///
    /// **Everyone with a valid token can then use the session of another user, if the server finds sessions by their ID
    /// alone.** Call this method only if the server itself compares the owner of a session with the token of each
    /// request. A server whose instances serve the sessions of one another needs this, because the store is that of one
    /// process.
    ///
    /// ```
    /// # use okta_verifier::Policy;
    /// use okta_verifier_tower::mcp::{McpLayer, Tools};
    ///
    /// let layer = McpLayer::new(Tools::new(Policy::scope("files:read"))).unbound_sessions();
    /// ```
    pub fn unbound_sessions(mut self) -> Self {
        self.settings().sessions = None;
        self
    }

    /// Ends each event stream of the server when the token of its request is no longer valid, with
    /// [`Verifier::until_void`]. Off by default: a stream then ends when the server or the client ends it, even if the
    /// token has expired in the meantime.
    ///
    /// An event stream is a response with the content type `text/event-stream`. The stream ends in the regular way,
    /// possibly within an event, which the client then ignores. The client connects again, gets a 401, and refreshes its token. An event at
    /// `debug` has the reason. The streams of requests without a token do not end. Pass the verifier of the layer
    /// outside: with another one, each stream ends at once. Each stream takes about 500 bytes more, and the layer
    /// needs the runtime that [`Verifier::until_void`] needs.
    ///
    /// ```
    /// # use okta_verifier::{Policy, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier_tower::{VerifyLayer, mcp::{McpLayer, Tools}};
    ///
    /// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let inner = McpLayer::new(Tools::new(Policy::scope("files:read"))).end_streams(&verifier);
    /// let outer = VerifyLayer::new(verifier);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn end_streams(mut self, verifier: &Verifier) -> Self {
        self.settings().ends_streams = Some(verifier.clone());
        self
    }

    fn settings(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.0)
    }
}

impl<S> Layer<S> for McpLayer {
    type Service = McpService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        McpService::new(inner, self.0.clone())
    }
}
