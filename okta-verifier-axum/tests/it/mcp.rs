//! `McpLayer` around a service that is nested in a router, inside the `VerifyLayer` of this crate.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::OriginalUri,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use http_body_util::BodyExt;
use okta_verifier::{Policy, Rejection, Resource, VerifiedToken, Verifier, mcp::McpCalls};
use okta_verifier_axum::{Verified, VerifyLayer, metadata};
use okta_verifier_testing::TestIssuer;
use okta_verifier_tower::mcp::{McpLayer, Tools};
use tower::ServiceExt;

const RESOURCE: &str = "https://mcp.example.com/mcp";
const READ: Policy = Policy::scope("files:read");
const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
const SESSION: &str = "mcp-session-id";
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const SUBSCRIBE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///secret/key"}}"#;

/// Stands for the service of an MCP library, which is not a handler of axum.
async fn server(request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    assert!(parts.extensions.get::<VerifiedToken>().is_some());
    assert!(!parts.headers.contains_key("authorization"));
    let uri = parts.extensions.get::<OriginalUri>();
    assert_eq!(uri.map(|uri| uri.0.path()), Some("/mcp"));
    if parts.method == "GET" {
        return (StatusCode::METHOD_NOT_ALLOWED, [("allow", "POST, DELETE")]).into_response();
    }
    let body = body.collect().await.expect("the body ends").to_bytes();
    match body == INITIALIZE {
        true => ([(SESSION, "one")], body).into_response(),
        false => body.into_response(),
    }
}

/// Returns the application of the documentation: the layers in the order that the routes need.
fn app(issuer: &TestIssuer) -> Router {
    let resource = Resource::new(RESOURCE).scopes(["files:read"]);
    let verifier = Verifier::builder().issuer(issuer.issuer().any_client_id());
    let verifier = verifier.resource(resource).build().expect("valid settings");
    let tools = Tools::new(READ)
        .tool("write_file", WRITE)
        .resource("file:///secret/", WRITE);
    Router::new()
        .nest_service(
            "/mcp",
            tower::service_fn(async |request| Ok(server(request).await)),
        )
        .route_layer(McpLayer::new(tools).end_streams(&verifier))
        .route_layer(
            VerifyLayer::new(verifier.clone())
                .require(READ)
                .strip_credentials(),
        )
        .merge(metadata(&verifier))
}

fn issuer() -> TestIssuer {
    secret_scan::public(RESOURCE);
    TestIssuer::new(RESOURCE)
}

struct Answer {
    status: u16,
    code: Option<&'static str>,
    challenge: String,
    session: Option<String>,
    body: Bytes,
}

impl Answer {
    #[track_caller]
    fn assert(&self, status: u16, code: impl Into<Option<&'static str>>) {
        assert_eq!((self.status, self.code), (status, code.into()));
    }
}

async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.expect("infallible");
    let field = |name: &str| {
        let value = response.headers().get(name)?.to_str();
        Some(value.expect("ASCII").to_owned())
    };
    let (challenge, session) = (field("www-authenticate"), field(SESSION));
    let code = response.extensions().get().map(Rejection::code);
    Answer {
        status: response.status().as_u16(),
        code,
        challenge: challenge.unwrap_or_default(),
        session,
        body: response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes(),
    }
}

fn request(method: &str, jwt: &str, session: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri("/mcp");
    if !jwt.is_empty() {
        request = request.header("authorization", format!("Bearer {jwt}"));
    }
    if let Some(session) = session {
        request = request.header(SESSION, session);
    }
    request.body(body.into()).expect("a request")
}

fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
}

#[tokio::test]
async fn mcp_layer_rejects_in_order_behind_nest_service() {
    let issuer = issuer();
    let app = app(&issuer);
    let reader = issuer.token("ada").scope("files:read").sign();
    let large = vec![b' '; McpCalls::MAX_BODY + 1];
    let send = |jwt: &str, session, body: Vec<u8>| {
        let request = request("POST", jwt, session, body);
        let app = app.clone();
        async move { send(&app, request).await }
    };
    let unknown = Some("unknown");
    let other = issuer.token("ada").scope("mail:read").sign();
    send("", unknown, large.clone())
        .await
        .assert(401, "no_credentials");
    send(&other, unknown, large.clone())
        .await
        .assert(403, "insufficient_scope");
    send(&reader, unknown, large)
        .await
        .assert(413, "body_too_large");
    send(&reader, unknown, b"{".to_vec())
        .await
        .assert(400, "malformed_body");
    send(&reader, unknown, call("write_file").into())
        .await
        .assert(404, "unknown_session");
    for body in [call("write_file"), SUBSCRIBE.to_owned()] {
        let rejected = send(&reader, None, body.into()).await;
        rejected.assert(403, "insufficient_scope");
        let expected = concat!(
            r#"Bearer realm="api", error="insufficient_scope", "#,
            r#"error_description="The access token lacks a required scope", "#,
            r#"scope="files:read files:write", "#,
            r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#
        );
        assert_eq!(rejected.challenge, expected);
    }
}

#[tokio::test]
async fn mcp_layer_passes_bodies_and_responses_on_behind_nest_service() {
    let issuer = issuer();
    let app = app(&issuer);
    let reader = issuer.token("ada").scope("files:read").sign();
    let admin = issuer
        .token("ada")
        .scope("files:read")
        .scope("files:admin")
        .sign();
    for (jwt, body) in [(&reader, LIST.to_owned()), (&admin, call("write_file"))] {
        let served = send(&app, request("POST", jwt, None, body.clone())).await;
        served.assert(200, None);
        assert_eq!(served.body, body);
    }
    let rejected = send(&app, request("GET", &reader, None, "")).await;
    rejected.assert(405, None);
    send(&app, request("GET", "", None, ""))
        .await
        .assert(401, "no_credentials");
}

#[tokio::test]
async fn mcp_layer_leaves_unknown_paths_and_the_metadata_open() {
    let issuer = issuer();
    let app = app(&issuer);
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    send(&app, get("/unknown")).await.assert(404, None);
    let metadata = "/.well-known/oauth-protected-resource/mcp";
    send(&app, get(metadata)).await.assert(200, None);
}

#[tokio::test]
async fn mcp_layer_binds_sessions_behind_nest_service() {
    let issuer = issuer();
    let app = app(&issuer);
    let token = |subject: &str| issuer.token(subject).scope("files:read").sign();
    let begun = send(&app, request("POST", &token("ada"), None, INITIALIZE)).await;
    begun.assert(200, None);
    let session = begun.session.as_deref();
    for method in ["POST", "GET", "DELETE"] {
        let stranger = send(&app, request(method, &token("bob"), session, LIST)).await;
        stranger.assert(404, "unknown_session");
    }
    // With a refreshed token.
    send(&app, request("POST", &token("ada"), session, LIST))
        .await
        .assert(200, None);
    send(&app, request("DELETE", &token("ada"), session, ""))
        .await
        .assert(200, None);
    let gone = send(&app, request("POST", &token("ada"), session, LIST)).await;
    gone.assert(404, "unknown_session");
}

#[tokio::test]
async fn mcp_layer_goes_around_handlers_with_extractors() {
    let issuer = TestIssuer::new(RESOURCE);
    let verifier = Verifier::builder().issuer(issuer.issuer().any_client_id());
    let verifier = verifier.build().expect("valid settings");
    let echo = async |token: Verified, body: String| format!("{} {body}", token.subject());
    let app = Router::new()
        .route("/mcp", post(echo).delete(async |body: Bytes| body))
        .route_layer(McpLayer::new(Tools::new(READ)))
        .route_layer(VerifyLayer::new(verifier));
    let reader = issuer.token("ada").scope("files:read").sign();
    let served = send(&app, request("POST", &reader, None, LIST)).await;
    assert_eq!(served.body, format!("ada {LIST}"));
    let deleted = send(&app, request("DELETE", &reader, None, "not JSON")).await;
    assert_eq!(deleted.body, "not JSON");
}
