//! An API with one route, with and without authentication, which is called without a socket.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, Response, header::AUTHORIZATION},
    routing::{get, post},
};
use okta_verifier::{Policy, Requirement, VerifiedToken, Verifier};
use okta_verifier_axum::Verified;
use okta_verifier_tower::mcp::{McpLayer, Tools};
use tower::{Layer, Service, ServiceExt};

use crate::verifiers::ready;

/// The requirement of the route.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReadOrders;

impl Requirement for ReadOrders {
    const POLICY: Policy = Policy::scope("orders:read");
}

/// Returns an axum app without authentication.
pub fn axum_plain() -> Router {
    Router::new().route("/orders", get(async || "orders"))
}

/// Returns an axum app whose layer inserts a value that its handler extracts, without authentication. Any
/// layer that passes something to a handler costs at least what this one does.
pub fn axum_extension() -> Router {
    let shared: Arc<str> = Arc::from("shared");
    Router::new()
        .route("/orders", get(async |_: Extension<Arc<str>>| "orders"))
        .route_layer(Extension(shared))
}

/// Returns an axum app with layer and extractor.
pub fn axum_verified(verifier: Verifier) -> Router {
    Router::new()
        .route("/orders", get(async |_: Verified<ReadOrders>| "orders"))
        .route_layer(okta_verifier_axum::VerifyLayer::new(verifier))
}

/// Sends one request to an axum app.
///
/// # Panics
///
/// Panics if the response is not 200.
pub fn call_axum(app: &Router, authorization: &HeaderValue) {
    let Ok(response) = ready(app.clone().oneshot(request(authorization, Body::empty())));
    assert_eq!(response.status(), 200);
}

/// Returns three MCP servers of axum, which read the body: one without layers, one with the layer that verifies
/// tokens, and one with `McpLayer` inside that layer.
pub fn mcp_servers(verifier: Verifier) -> [Router; 3] {
    let plain = Router::new().route("/orders", post(async |body: Bytes| body));
    let tools = Tools::new(ReadOrders::POLICY);
    let with_mcp = plain.clone().route_layer(McpLayer::new(tools));
    let verify = okta_verifier_axum::VerifyLayer::new(verifier);
    let verified = plain.clone().route_layer(verify.clone());
    [plain, verified, with_mcp.route_layer(verify)]
}

/// Returns a call of a tool with about 300 bytes, as clients send it.
#[must_use]
pub fn mcp_call() -> Bytes {
    let argument = "a".repeat(170);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"read_orders","arguments":{{"query":"{argument}"}},"_meta":{{"progressToken":7}}}}}}"#
    );
    body.into()
}

/// Sends a POST with this body to an axum app.
///
/// # Panics
///
/// Panics if the response is not 200.
pub fn call_mcp(app: &Router, authorization: &HeaderValue, body: &Bytes) {
    let mut request = request(authorization, Body::from(body.clone()));
    *request.method_mut() = Method::POST;
    let Ok(response) = ready(app.clone().oneshot(request));
    assert_eq!(response.status(), 200);
}

/// Returns a tower service without authentication.
pub fn tower_plain()
-> impl Service<Request<()>, Response = Response<bool>, Error = Infallible> + Clone {
    tower::service_fn(async |request: Request<()>| {
        Ok(Response::new(
            request.extensions().get::<VerifiedToken>().is_some(),
        ))
    })
}

/// Returns a tower service with the layer.
pub fn tower_verified(
    verifier: Verifier,
) -> impl Service<Request<()>, Response = Response<bool>, Error = Infallible> + Clone {
    okta_verifier_tower::VerifyLayer::new(verifier).layer(tower_plain())
}

/// Sends one request to a tower service. Returns whether it had a verified token.
pub fn call_tower<S>(service: &S, authorization: &HeaderValue) -> bool
where
    S: Service<Request<()>, Response = Response<bool>, Error = Infallible> + Clone,
{
    let Ok(response) = ready(service.clone().oneshot(request(authorization, ())));
    response.into_body()
}

fn request<B>(authorization: &HeaderValue, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.uri_mut() = axum::http::Uri::from_static("/orders");
    request
        .headers_mut()
        .insert(AUTHORIZATION, authorization.clone());
    request
}
