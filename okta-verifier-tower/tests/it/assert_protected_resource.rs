//! `assert_protected_resource` against services behind the layers and hyper, over a socket.

use std::{
    collections::HashSet,
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use okta_verifier::{Algorithm, Policy, Resource, Verifier, dpop::DpopSettings};
use okta_verifier_testing::{McpServer, ProtectedResource, TestIssuer, assert_protected_resource};
use okta_verifier_tower::{
    MetadataLayer, RequireLayer, VerifyLayer,
    mcp::{McpLayer, McpRequestBody, McpResponseBody, Tools},
};
use tokio::net::TcpListener;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};

const MCP: &str = "https://mcp.example.com/mcp";
const READ: Policy = Policy::scope("files:read");
const WRITE: Policy = Policy::scope("files:write");

type Api = BoxCloneSyncService<Request<Incoming>, Response<Full<Bytes>>, Infallible>;

async fn serve(api: Api) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address: SocketAddr = listener.local_addr().expect("the listener is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(api.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    format!("http://{address}")
}

fn verifier(okta: &TestIssuer) -> Verifier {
    secret_scan::public(MCP);
    Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .resource(Resource::new(MCP).scopes(["files:read", "files:write"]))
        .dpop(DpopSettings::base_url("https://mcp.example.com"))
        .build()
        .expect("valid settings")
}

fn okta() -> TestIssuer {
    TestIssuer::new(MCP).algorithms([Algorithm::ES256])
}

fn status(status: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status.try_into().expect("a status");
    response
}

async fn collect(
    response: Response<McpResponseBody<Full<Bytes>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(parts, Full::new(body)))
}

/// Serves `/mcp` by one service and `/settings` by another, behind the metadata. Any other path gets 404.
fn routes(verifier: &Verifier, mcp: Api, settings: Api) -> Api {
    let routes = service_fn(move |request: Request<Incoming>| {
        let service = match request.uri().path() {
            "/mcp" => Some(mcp.clone()),
            "/settings" => Some(settings.clone()),
            _ => None,
        };
        async move {
            match service {
                Some(service) => service.oneshot(request).await,
                None => Ok(status(404)),
            }
        }
    });
    BoxCloneSyncService::new(MetadataLayer::new(verifier).layer(routes))
}

/// Returns the service of the settings, which requires more than the other.
fn settings(verify: &VerifyLayer) -> Api {
    let service = ServiceBuilder::new()
        .layer(verify.clone())
        .layer(RequireLayer::new(Policy::scope("files:admin")))
        .service_fn(async |_: Request<Incoming>| Ok(status(204)));
    BoxCloneSyncService::new(service)
}

// conformance 263
#[tokio::test]
async fn assert_protected_resource_accepts_a_service_with_dpop() {
    let okta = okta();
    let verifier = verifier(&okta);
    let verify = VerifyLayer::new(verifier.clone()).require(READ);
    let served = ServiceBuilder::new()
        .layer(verify.clone())
        .service_fn(async |_: Request<Incoming>| Ok(status(200)));
    let served = BoxCloneSyncService::new(served);
    let api = routes(&verifier, served, settings(&verify));
    let resource = ProtectedResource::new(MCP)
        .test_issuer(&okta)
        .scopes(["files:read"])
        .operation("GET", "/settings", ["files:admin"])
        .dpop();
    let report = assert_protected_resource(&serve(api).await, resource).await;
    assert!(report.passed() > 50, "{report}");
}

/// Begins a session at each `initialize`, and finds sessions by their ID alone.
fn mcp_server() -> impl Fn(Request<McpRequestBody<Incoming>>) -> Served + Clone {
    let sessions: Arc<Mutex<HashSet<String>>> = Arc::default();
    move |request| {
        let sessions = Arc::clone(&sessions);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.expect("the body is complete");
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            let mut sessions = sessions.lock().expect("no panic");
            let id = parts.headers.get(SESSION);
            let id = id.map(|id| id.to_str().expect("ASCII").to_owned());
            if id.as_ref().is_some_and(|id| !sessions.contains(id)) {
                return Ok(status(404));
            }
            let mut response = status(200);
            match (parts.method.as_str(), id) {
                ("POST", None) if body.contains("\"initialize\"") => {
                    let id = format!("session-{}", sessions.len());
                    let value = id.parse().expect("a value");
                    response.headers_mut().insert(SESSION, value);
                    sessions.insert(id);
                }
                ("DELETE", Some(id)) => drop(sessions.remove(&id)),
                ("POST", _) => {}
                _ => response = status(405),
            }
            Ok(response)
        })
    }
}

type Served = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

// conformance 263
#[tokio::test]
async fn assert_protected_resource_accepts_an_mcp_server_behind_the_layers() {
    let okta = okta();
    let verifier = verifier(&okta);
    let verify = VerifyLayer::new(verifier.clone()).require(READ);
    let served = ServiceBuilder::new()
        .and_then(collect)
        .layer(verify.clone())
        .layer(McpLayer::new(Tools::new(READ).tool("write_file", WRITE)))
        .service_fn(mcp_server());
    let api = routes(
        &verifier,
        BoxCloneSyncService::new(served),
        settings(&verify),
    );
    let server = McpServer::new(["2025-11-25", "2026-07-28"])
        .tool("write_file", ["files:write"])
        .sessions();
    let resource = ProtectedResource::new(MCP)
        .test_issuer(&okta)
        .scopes(["files:read"])
        .operation("GET", "/settings", ["files:admin"])
        .mcp(server)
        .dpop();
    let report = assert_protected_resource(&serve(api).await, resource).await;
    assert!(report.passed() > 85, "{report}");
}

const SESSION: &str = "mcp-session-id";
