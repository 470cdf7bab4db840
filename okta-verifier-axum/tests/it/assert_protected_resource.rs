//! `assert_protected_resource` against APIs and an MCP server behind the layers, over a socket.

use std::{
    collections::HashSet,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get, put},
};
use hyper::body::Frame;
use okta_verifier::{
    Algorithm, Policy, Requirement, Resource, Verifier, VerifierBuilder, dpop::DpopSettings,
};
use okta_verifier_axum::{Verified, VerifyLayer, metadata};
use okta_verifier_testing::{
    McpServer, ProtectedResource, TestIssuer, assert_protected_resource,
    protected_resource::{ResourceReport, check_protected_resource},
};
use okta_verifier_tower::mcp::{McpLayer, Tools};

use crate::conformance::serve;

const ORIGIN: &str = "https://mcp.example.com";
const READ: Policy = Policy::scope("files:read");
const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);

struct Write;

impl Requirement for Write {
    const POLICY: Policy = WRITE;
}

fn issuer(url: &str) -> TestIssuer {
    secret_scan::public(url);
    TestIssuer::new(url).algorithms([Algorithm::ES256])
}

fn builder(issuer: &TestIssuer, url: &str) -> VerifierBuilder {
    Verifier::builder()
        .issuer(issuer.issuer().any_client_id())
        .resource(Resource::new(url).scopes(["files:read", "files:write"]))
}

async fn base_url(app: Router) -> String {
    format!("http://{}", serve(app).await)
}

/// Returns an API with two methods, of which one requires more.
fn api(verifier: &Verifier, path: &str) -> Router {
    Router::new()
        .route(path, get(async |_: Verified| "read"))
        .route("/files/1", put(async |_: Verified<Write>| "written"))
        .route_layer(VerifyLayer::new(verifier.clone()).require(READ))
        .merge(metadata(verifier))
}

fn assert_skipped(report: &ResourceReport, is_expected: impl Fn(&str) -> bool) {
    let mut skipped = report.rows().filter(|row| row.skipped().is_some());
    assert!(skipped.all(|row| is_expected(row.name())), "{report}");
}

fn is_of_mcp(name: &str) -> bool {
    [
        "MCP: ",
        "call: ",
        "body: ",
        "smuggling: ",
        "headers: ",
        "session: ",
    ]
    .iter()
    .any(|subject| name.starts_with(subject))
}

// conformance 263
#[tokio::test]
async fn assert_protected_resource_accepts_an_api_with_dpop() {
    const FILES: &str = "https://mcp.example.com/files";
    let okta = issuer(FILES);
    for is_required in [false, true] {
        let trusted = okta.issuer().any_client_id();
        let trusted = match is_required {
            true => trusted.require_dpop(),
            false => trusted,
        };
        let builder = Verifier::builder()
            .issuer(trusted)
            .resource(Resource::new(FILES).scopes(["files:read"]))
            .dpop(DpopSettings::base_url(ORIGIN));
        let verifier = builder.build().expect("valid settings");
        let url = base_url(api(&verifier, "/files")).await;
        let resource = ProtectedResource::new(FILES)
            .test_issuer(&okta)
            .scopes(["files:read"])
            .operation("PUT", "/files/1", ["files:write"]);
        let resource = match is_required {
            true => resource.require_dpop(),
            false => resource.dpop(),
        };
        let report = assert_protected_resource(&url, resource).await;
        assert!(report.passed() > 50, "{report}");
        assert_skipped(&report, |name| {
            is_of_mcp(name) || (!is_required && name.ends_with("if every token must be"))
        });
    }
}

// conformance 263
#[tokio::test]
async fn assert_protected_resource_accepts_resources_without_a_path_and_with_a_slash() {
    for (url, path) in [
        ("https://mcp.example.com", "/"),
        ("https://mcp.example.com/", "/"),
        ("https://mcp.example.com/files/", "/files/"),
    ] {
        let okta = issuer(url);
        let verifier = builder(&okta, url).build().expect("valid settings");
        let server = base_url(api(&verifier, path)).await;
        let resource = ProtectedResource::new(url)
            .test_issuer(&okta)
            .scopes(["files:read"]);
        assert_protected_resource(&server, resource).await;
    }
}

// conformance 263
#[tokio::test]
async fn assert_protected_resource_accepts_an_api_without_scopes() {
    const FILES: &str = "https://mcp.example.com/files";
    let okta = issuer(FILES);
    let verifier = Verifier::builder()
        .issuer(okta.issuer().audience("api://all").any_client_id())
        .resource(Resource::new(FILES).audience("api://all").at_root_too())
        .build()
        .expect("valid settings");
    let app = Router::new()
        .route("/files", get(async |_: Verified| "read"))
        .route_layer(VerifyLayer::new(verifier.clone()))
        .merge(metadata(&verifier));
    let resource = ProtectedResource::new(FILES)
        .audience("api://all")
        .test_issuer(&okta);
    let report = assert_protected_resource(&base_url(app).await, resource).await;
    assert!(report.passed() > 35, "{report}");
}

/// The layer also wraps the paths that do not exist, and the metadata is inside it.
#[tokio::test]
async fn assert_protected_resource_reports_a_layer_around_everything() {
    const FILES: &str = "https://mcp.example.com/files";
    let okta = issuer(FILES);
    let verifier = builder(&okta, FILES).build().expect("valid settings");
    let app = Router::new()
        .route("/files", get(async |_: Verified| "read"))
        .merge(metadata(&verifier))
        .layer(VerifyLayer::new(verifier.clone()).require(READ));
    let resource = ProtectedResource::new(FILES)
        .test_issuer(&okta)
        .scopes(["files:read"]);
    let report = check_protected_resource(&base_url(app).await, resource).await;
    for name in [
        "metadata: it is served at the path of RFC 9728",
        "metadata: a preflight is answered",
        "metadata: every other path gets 404",
    ] {
        assert!(report.failures().any(|it| it == name), "{report}");
    }
}

/// The body of a stream that sends nothing and does not end.
struct Endless;

impl axum::body::HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// Like many servers, finds a session by its ID alone.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashSet<String>>>);

async fn mcp(
    State(Sessions(sessions)): State<Sessions>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    const SESSION: &str = "mcp-session-id";
    let mut sessions = sessions.lock().expect("no panic");
    let id = headers.get(SESSION).map(|id| id.to_str().expect("ASCII"));
    if id.is_some_and(|id| !sessions.contains(id)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let is_initialize = String::from_utf8_lossy(&body).contains("\"initialize\"");
    match (method, id) {
        (Method::GET, Some(_)) => {
            // A stream that does not end.
            ([("content-type", "text/event-stream")], Body::new(Endless)).into_response()
        }
        (Method::DELETE, Some(id)) => {
            sessions.remove(id);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::POST, None) if is_initialize => {
            let id = format!("session-{}", sessions.len());
            sessions.insert(id.clone());
            ([(SESSION, id)], "{}").into_response()
        }
        (Method::POST, _) => "{}".into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

const MCP: &str = "https://mcp.example.com/mcp";

fn mcp_app(verifier: &Verifier, layer: impl Fn(Tools) -> McpLayer) -> Router {
    let server = any(mcp).with_state(Sessions::default());
    let tools = Tools::new(READ)
        .tool("write_file", WRITE)
        .prompt("summary", Policy::scope("files:summarize"))
        .resource("file:///secret/", Policy::scope("files:secret"));
    Router::new()
        .nest_service("/mcp", server)
        .route_layer(layer(tools))
        .route_layer(
            VerifyLayer::new(verifier.clone())
                .require(READ)
                .strip_credentials(),
        )
        .merge(metadata(verifier))
}

fn mcp_resource(okta: &TestIssuer) -> ProtectedResource {
    let server = McpServer::new(["2025-11-25", "2026-07-28"])
        .tool("read_file", [""; 0])
        .tool("write_file", ["files:write"])
        .prompt("summary", ["files:summarize"])
        .resource("file:///secret/plan", ["files:secret"])
        .sessions();
    ProtectedResource::new(MCP)
        .test_issuer(okta)
        .scopes(["files:read"])
        .mcp(server)
}

// conformance 263
#[tokio::test]
async fn assert_protected_resource_accepts_an_mcp_server_behind_the_layers() {
    let okta = issuer(MCP);
    let verifier = builder(&okta, MCP).dpop(DpopSettings::base_url(ORIGIN));
    let verifier = verifier.build().expect("valid settings");
    let url = base_url(mcp_app(&verifier, McpLayer::new)).await;
    let report = assert_protected_resource(&url, mcp_resource(&okta).dpop()).await;
    assert!(report.passed() > 85, "{report}");
    assert_skipped(&report, |name| {
        name.starts_with("operation: ") || name.ends_with("if every token must be")
    });
}

#[tokio::test]
async fn assert_protected_resource_reports_sessions_that_are_not_bound() {
    let okta = issuer(MCP);
    let verifier = builder(&okta, MCP).build().expect("valid settings");
    let app = mcp_app(&verifier, |tools| McpLayer::new(tools).unbound_sessions());
    let report = check_protected_resource(&base_url(app).await, mcp_resource(&okta)).await;
    let failures: Vec<&str> = report.failures().collect();
    for method in ["POST", "GET", "DELETE"] {
        let name = format!("session: another user gets 404 for {method}");
        assert!(failures.contains(&&*name), "{report}");
    }
    assert!(
        failures.iter().all(|it| it.starts_with("session: ")),
        "{report}"
    );
}

/// The server has no layer for its tools, so each row about them fails.
#[tokio::test]
async fn assert_protected_resource_reports_tools_without_policies() {
    let okta = issuer(MCP);
    let verifier = builder(&okta, MCP).build().expect("valid settings");
    let app = Router::new()
        .nest_service("/mcp", any(mcp).with_state(Sessions::default()))
        .route_layer(VerifyLayer::new(verifier.clone()).require(READ))
        .merge(metadata(&verifier));
    let report = check_protected_resource(&base_url(app).await, mcp_resource(&okta)).await;
    let failures: Vec<&str> = report.failures().collect();
    assert!(
        failures.contains(&"call: without its scopes it gets the status 403"),
        "{report}"
    );
    assert!(failures.iter().all(|name| is_of_mcp(name)), "{report}");
    let smuggling = failures
        .iter()
        .filter(|it| it.starts_with("smuggling: "))
        .count();
    assert_eq!(smuggling, 13, "{report}");
}
