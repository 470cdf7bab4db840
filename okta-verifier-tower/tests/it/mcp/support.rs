//! An MCP server that records what it receives, and requests to it.

use std::{
    convert::Infallible,
    fmt::Debug,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use okta_verifier::{Policy, Rejection, VerifiedToken, Verifier};
use okta_verifier_tower::{
    Verify, VerifyLayer,
    mcp::{McpLayer, McpService, Tools},
};
use tower::{Layer, Service, ServiceExt};

use crate::support::{okta, verifier};

pub(crate) const READ: Policy = Policy::scope("files:read");
pub(crate) const WRITE: Policy = Policy::scope("files:write");
pub(crate) const SESSION: &str = "mcp-session-id";

/// Returns the table of all tests. The tool `search` needs no token.
pub(crate) fn tools() -> Tools {
    Tools::new(READ)
        .tool("write_file", WRITE)
        .prompt("rewrite", WRITE)
        .resource("file:///secret/", WRITE)
}

/// What the server has received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) subject: Option<String>,
}

impl Received {
    pub(crate) fn session(&self) -> Option<&str> {
        self.headers.get(SESSION)?.to_str().ok()
    }

    pub(crate) fn begins_session(&self) -> bool {
        self.body.windows(12).any(|part| part == br#""initialize""#)
    }
}

type Respond = dyn Fn(&Received) -> Response<Full<Bytes>> + Send + Sync;

/// The server.
#[derive(Clone)]
pub(crate) struct Server {
    received: Arc<Mutex<Vec<Received>>>,
    respond: Arc<Respond>,
}

impl Server {
    pub(crate) fn new(
        respond: impl Fn(&Received) -> Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            received: Arc::default(),
            respond: Arc::new(respond),
        }
    }

    /// Returns a server that responds with an empty 200.
    pub(crate) fn plain() -> Self {
        Self::new(|_| Response::default())
    }

    /// Returns a server that begins a session at each `initialize`: `session-1`, `session-2` and so on.
    pub(crate) fn with_sessions() -> Self {
        let begun = Mutex::new(0);
        Self::new(move |received| {
            let mut response = Response::new(Full::default());
            if received.begins_session() {
                let mut begun = begun.lock().expect("no panic");
                *begun += 1;
                let id = format!("session-{begun}").parse().expect("ASCII");
                response.headers_mut().insert(SESSION, id);
            }
            response
        })
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.received().len()
    }
}

impl<B> Service<Request<B>> for Server
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Debug,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let Ok(body) = body.collect().await else {
                return Ok(Response::new(Full::from("the body failed")));
            };
            let token = parts.extensions.get::<VerifiedToken>();
            let received = Received {
                method: parts.method,
                headers: parts.headers,
                trailers: body.trailers().cloned(),
                body: body.to_bytes(),
                subject: token.map(|token| token.subject().to_owned()),
            };
            let response = (server.respond)(&received);
            server.received.lock().expect("no panic").push(received);
            Ok(response)
        })
    }
}

/// The server behind `McpLayer` and a `VerifyLayer` whose floor is `files:read`.
pub(crate) type Protected<S = Server> = Verify<McpService<S>>;

pub(crate) fn protected<S>(layer: McpLayer, server: S) -> Protected<S> {
    VerifyLayer::new(verifier(okta()))
        .require(READ)
        .layer(layer.layer(server))
}

/// The same behind an optional layer without a floor.
pub(crate) fn optional<S>(layer: McpLayer, server: S) -> Protected<S> {
    VerifyLayer::new(verifier(okta()))
        .optional()
        .layer(layer.layer(server))
}

/// A response, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: Option<&'static str>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn session(&self) -> &str {
        let id = self.headers.get(SESSION).expect("a session");
        id.to_str().expect("ASCII")
    }

    #[track_caller]
    pub(crate) fn assert(&self, status: u16, code: impl Into<Option<&'static str>>) {
        assert_eq!((self.status, self.code), (status, code.into()), "{self:?}");
    }
}

pub(crate) async fn send<S, B, R>(service: &S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone,
    R: Body<Error: Debug>,
{
    let response = service.clone().oneshot(request).await;
    let response = response.expect("infallible");
    let rejection = response.extensions().get::<Rejection>();
    let code = rejection.map(Rejection::code);
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("the body ends").to_bytes();
    Answer {
        status: parts.status.as_u16(),
        code,
        headers: parts.headers,
        body,
    }
}

/// Returns a token with the scope of the floor.
pub(crate) fn reader(subject: &str) -> String {
    okta().token(subject).scope("files:read").sign()
}

/// Returns a token with both scopes.
pub(crate) fn writer(subject: &str) -> String {
    let token = okta().token(subject).scope("files:read");
    token.scope("files:write").sign()
}

/// Returns a request without a body. An empty token is left out.
pub(crate) fn request(method: &str, jwt: &str, session: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri("/mcp");
    if !jwt.is_empty() {
        request = request.header("authorization", format!("Bearer {jwt}"));
    }
    if let Some(session) = session {
        request = request.header(SESSION, session);
    }
    request.body(Full::default()).expect("a request")
}

pub(crate) fn post(jwt: &str, session: Option<&str>, body: &str) -> Request<Full<Bytes>> {
    let request = request("POST", jwt, session);
    request.map(|_| Full::<Bytes>::from(body.to_owned()))
}

pub(crate) fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
}

pub(crate) const INITIALIZE: &str =
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#;
pub(crate) const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;

/// Returns a JSON-RPC message of this length: the argument of the tool `read_file` is long.
pub(crate) fn message_of(length: usize) -> Vec<u8> {
    let (start, end) = (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":""#,
        r#""}}"#,
    );
    let filling = "a".repeat(length - start.len() - end.len());
    [start, &filling, end].concat().into_bytes()
}

/// Returns the verifier and a token of it.
pub(crate) async fn verified(subject: &str) -> (Verifier, VerifiedToken) {
    let verifier = verifier(okta());
    let token = verifier.verify(&reader(subject)).await;
    (verifier, token.expect("the token is valid"))
}

pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}
