//! The conformance table through a router: in this process, behind `axum::serve`, and over HTTP/2.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderName, HeaderValue, Method, Request, Response},
    routing::any,
};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client, server,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use okta_verifier::{
    Policy, ProblemDetails, Rejection, Requirement, Verifier, VerifyError, mtls::ClientCertificate,
};
use okta_verifier_axum::{Claims, MaybeVerified, ProblemDetailsLayer, Verified, VerifyLayer};
use okta_verifier_testing::{
    MockOkta,
    conformance::{self, Answer, Issuers},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::support::{Admin, ReadOrders};

#[tokio::test]
async fn conformance_table_is_answered() {
    in_process(&Issuers::new()).await;
}

#[tokio::test]
async fn conformance_table_of_bound_tokens_is_answered_in_process() {
    in_process(&Issuers::bound()).await;
}

#[tokio::test]
async fn conformance_table_of_bound_tokens_is_answered_over_a_socket() {
    over_a_socket(&Issuers::bound()).await;
}

#[tokio::test]
async fn conformance_table_of_providers_is_answered_in_process() {
    in_process(&Issuers::providers()).await;
}

#[tokio::test]
async fn conformance_table_of_providers_is_answered_over_a_socket() {
    over_a_socket(&Issuers::providers()).await;
}

#[tokio::test]
async fn conformance_table_of_resources_is_answered_in_process() {
    in_process(&resources()).await;
}

#[tokio::test]
async fn conformance_table_of_resources_is_answered_over_a_socket() {
    over_a_socket(&resources()).await;
}

#[tokio::test]
async fn conformance_table_of_introspection_is_answered_in_process_and_over_a_socket() {
    let okta = MockOkta::start().await;
    in_process(&Issuers::asking(&okta)).await;
    // The verifier is new, so nothing is cached from the first run.
    over_a_socket(&Issuers::asking(&okta)).await;
}

#[tokio::test]
async fn conformance_table_is_answered_over_a_socket() {
    over_a_socket(&Issuers::new()).await;
}

// conformance 249
#[tokio::test]
async fn conformance_table_keeps_status_and_headers_beside_problem_details() {
    let okta = MockOkta::start().await;
    for issuers in [
        Issuers::new(),
        Issuers::bound(),
        Issuers::providers(),
        Issuers::asking(&okta),
    ] {
        let app = app(issuers.verifier()).layer(ProblemDetailsLayer::default());
        let report = conformance::run(&issuers, async |request| {
            let body = Body::from(request.body().to_vec());
            let Ok(mut response) = app.clone().oneshot(call(request, body)?).await;
            remove_problem_details(&mut response, request.method() == "HEAD").await;
            Some(to_answer(response).await)
        });
        report.await.assert();
    }
}

/// Asserts that a rejection has the body of the core, and removes the body, so that the rest can be
/// compared with the table.
async fn remove_problem_details(response: &mut Response<Body>, is_head: bool) {
    let Some(rejection) = response.extensions().get::<Rejection>() else {
        return;
    };
    let expected = ProblemDetails::new().body(rejection);
    let body = std::mem::take(response.body_mut()).collect().await;
    let body = body.expect("the body is complete").to_bytes();
    assert_eq!(body, if is_head { "" } else { &expected });
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["content-length"], expected.len().to_string());
}

/// Returns the issuers of the table of resources, whose audiences are public.
fn resources() -> Issuers {
    secret_scan::public(FILES);
    secret_scan::public(MAIL);
    Issuers::resources()
}

async fn in_process(issuers: &Issuers) {
    let app = app(issuers.verifier());
    let report = conformance::run(issuers, async |request| {
        let body = Body::from(request.body().to_vec());
        let Ok(response) = app.clone().oneshot(call(request, body)?).await;
        secret_scan::assert_rejection_event(response.extensions().get::<Rejection>());
        Some(to_answer(response).await)
    });
    report.await.assert();
}

async fn over_a_socket(issuers: &Issuers) {
    let address = serve(app(issuers.verifier())).await;
    conformance::run_server(issuers, address).await.assert();
}

/// The whole table uses one connection: no rejection closes it.
#[tokio::test]
async fn conformance_table_is_answered_over_http2() {
    let issuers = Issuers::new();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let mut server = server::conn::http2::Builder::new(TokioExecutor::new());
    // By default hyper itself rejects a head over 16 KiB here, with 431.
    server.max_header_list_size(64 * 1024);
    let service = TowerToHyperService::new(app(issuers.verifier()));
    tokio::spawn(server.serve_connection(TokioIo::new(far), service));
    let handshake = client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(near));
    let (sender, connection) = handshake.await.expect("HTTP/2");
    tokio::spawn(connection);

    let report = conformance::run(&issuers, async |request| {
        let mut call = call(request, Full::new(Bytes::copy_from_slice(request.body())))?;
        let uri = format!("http://api.test{}", request.target());
        *call.uri_mut() = uri.parse().ok()?;
        let response: Response<Incoming> = sender.clone().send_request(call).await.ok()?;
        Some(to_answer(response).await)
    });
    report.await.assert();
}

/// Builds the request. Returns `None` if HTTP cannot carry it.
fn call<B>(request: &conformance::Request, body: B) -> Option<Request<B>> {
    let mut call = Request::new(body);
    *call.method_mut() = Method::from_bytes(request.method().as_bytes()).ok()?;
    *call.uri_mut() = request.target().parse().ok()?;
    for (name, value) in request.fields() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value).ok()?;
        call.headers_mut().append(name, value);
    }
    let peer = SocketAddr::new(request.peer(), 443);
    call.extensions_mut().insert(ConnectInfo(peer));
    if let Some(der) = request.client_certificate() {
        call.extensions_mut().insert(ClientCertificate::new(der));
    }
    Some(call)
}

async fn to_answer<B: BodyExt<Error: std::fmt::Debug>>(response: Response<B>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .expect("the body is complete")
        .to_bytes();
    let fields = parts.headers.iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let rejection = parts.extensions.get::<Rejection>();
    let code = rejection.and_then(|it| it.error()).map(VerifyError::code);
    Answer::new(parts.status.as_u16(), fields, body).code(code)
}

pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("the listener is bound");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// Returns the API under test.
pub(crate) fn app(verifier: Verifier) -> Router {
    let verify =
        VerifyLayer::new(verifier).peer(|of| Some(of.get::<ConnectInfo<SocketAddr>>()?.0.ip()));
    let strict = Router::new()
        .route("/me", any(async |_: Verified| "in"))
        .route("/orders", any(async |_: Verified<ReadOrders>| "in"))
        .route("/admin", any(async |_: Verified<Admin>| "in"))
        .route("/claims", any(claims))
        .route("/transfer", any(async |_: Verified<Transfer>| "in"))
        .route("/bound", any(async |_: Verified<Bound>| "in"))
        .route_layer(verify.clone());
    let optional = Router::new()
        .route("/maybe", any(async |_: MaybeVerified| "in"))
        .route("/maybe/orders", any(async |_: Verified<ReadOrders>| "in"))
        .route_layer(verify.clone().optional());
    let expired = Router::new()
        .route("/maybe/expired", any(async |_: MaybeVerified| "in"))
        .route(
            "/maybe/expired/orders",
            any(async |_: Verified<ReadOrders>| "in"),
        )
        .route_layer(verify.clone().optional().expired_as_anonymous());
    let of_files = verify
        .clone()
        .resource(FILES)
        .require(Policy::scope("files:read"));
    let files = Router::new()
        .route("/files", any(async |_: Verified| "in"))
        .route("/files/write", any(async |_: Verified<Write>| "in"))
        .route_layer(of_files.clone());
    let optional_files = Router::new()
        .route("/maybe/files/write", any(async |_: Verified<Write>| "in"))
        .route_layer(of_files.optional());
    let mail = Router::new()
        .route("/mail", any(async |_: Verified| "in"))
        .route("/mail/send", any(async |_: Verified<SendMail>| "in"))
        .route("/mail/admin", any(async |_: Verified<Admin>| "in"))
        .route("/mail/transfer", any(async |_: Verified<Strong>| "in"))
        .route_layer(verify.clone().resource(MAIL));
    let unnamed = Router::new()
        .route("/unnamed", any(async |_: Verified| "in"))
        .route_layer(verify);
    strict
        .merge(files)
        .merge(optional_files)
        .merge(mail)
        .merge(unnamed)
        .merge(optional)
        .merge(expired)
        .route("/health", any(async || "ok"))
        .route("/forgotten", any(async |_: Verified| "in"))
}

struct Write;

impl Requirement for Write {
    const POLICY: Policy =
        Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
}

struct SendMail;

impl Requirement for SendMail {
    const POLICY: Policy = Policy::scope("mail:send");
}

struct Strong;

impl Requirement for Strong {
    const POLICY: Policy = Policy::all(&[
        Policy::acr(&["phrh", "phr"]),
        Policy::max_age(Duration::from_secs(300)),
    ]);
}

const FILES: &str = "https://api.example.com/files";
const MAIL: &str = "https://api.example.com/mail";

struct Bound;

impl Requirement for Bound {
    const POLICY: Policy = Policy::bound();
}

struct Transfer;

impl Requirement for Transfer {
    const POLICY: Policy = Policy::all(&[
        Policy::scope("orders:read"),
        Policy::acr(&["phrh", "phr"]),
        Policy::max_age(Duration::from_secs(300)),
    ]);
}

#[derive(Deserialize)]
struct Employee {
    department: String,
}

async fn claims(Claims(employee): Claims<Employee>) -> String {
    employee.department
}
