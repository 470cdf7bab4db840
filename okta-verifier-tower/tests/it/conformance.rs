//! The conformance table through the layers: in this process, and behind hyper.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use okta_verifier::{
    Policy, ProblemDetails, Rejection, VerifiedToken, Verifier, VerifyError,
    mtls::ClientCertificate,
};
use okta_verifier_testing::{
    MockOkta,
    conformance::{self, Answer, Issuers},
};
use okta_verifier_tower::{ProblemDetailsLayer, RequireLayer, VerifyLayer};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneSyncService};

type Api<B> = BoxCloneSyncService<Request<B>, Response<Full<Bytes>>, Infallible>;

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
        let api = ProblemDetailsLayer::default().layer(api::<()>(issuers.verifier()));
        let report = conformance::run(&issuers, async |request| {
            let Ok(mut response) = api.clone().oneshot(call(request)?).await;
            remove_problem_details(&mut response, request.method() == "HEAD").await;
            Some(answer(response).await)
        });
        report.await.assert();
    }
}

/// Returns the issuers of the table of resources, whose audiences are public.
fn resources() -> Issuers {
    secret_scan::public(FILES);
    secret_scan::public(MAIL);
    Issuers::resources()
}

async fn in_process(issuers: &Issuers) {
    let api = api::<()>(issuers.verifier());
    let report = conformance::run(issuers, async |request| {
        let Ok(response) = api.clone().oneshot(call(request)?).await;
        Some(answer(response).await)
    });
    report.await.assert();
}

async fn answer(response: Response<Full<Bytes>>) -> Answer {
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    let fields = parts.headers.iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let rejection = parts.extensions.get::<Rejection>();
    secret_scan::assert_rejection_event(rejection);
    let code = rejection.and_then(|it| it.error()).map(VerifyError::code);
    Answer::new(parts.status.as_u16(), fields, body.to_bytes()).code(code)
}

/// Asserts that a rejection has the body of the core, and removes the body and its fields, so that the rest
/// can be compared with the table.
async fn remove_problem_details(response: &mut Response<Full<Bytes>>, is_head: bool) {
    let Some(rejection) = response.extensions().get::<Rejection>() else {
        assert!(!response.headers().contains_key("content-type"));
        return;
    };
    let expected = ProblemDetails::new().body(rejection);
    let Ok(body) = std::mem::take(response.body_mut()).collect().await;
    assert_eq!(body.to_bytes(), if is_head { "" } else { &expected });
    let headers = response.headers_mut();
    let content_type = headers.remove("content-type").expect("a content type");
    assert_eq!(content_type, "application/problem+json");
    let length = headers.remove("content-length").expect("a length");
    assert_eq!(length, expected.len().to_string());
}

async fn over_a_socket(issuers: &Issuers) {
    let address = serve(api(issuers.verifier())).await;
    conformance::run_server(issuers, address).await.assert();
}

/// Builds the request. Returns `None` if HTTP cannot carry it.
fn call(request: &conformance::Request) -> Option<Request<()>> {
    let mut call = Request::new(());
    *call.method_mut() = Method::from_bytes(request.method().as_bytes()).ok()?;
    *call.uri_mut() = request.target().parse().ok()?;
    for (name, value) in request.fields() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value).ok()?;
        call.headers_mut().append(name, value);
    }
    call.extensions_mut().insert(Peer(request.peer()));
    if let Some(der) = request.client_certificate() {
        call.extensions_mut().insert(ClientCertificate::new(der));
    }
    Some(call)
}

async fn serve(api: Api<hyper::body::Incoming>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("the listener is bound");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let api = api.clone().map_request(move |mut request: Request<_>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                request
            });
            let service = TowerToHyperService::new(api);
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// The address of the peer of a connection.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

/// Returns the API under test. Its routes differ only in the layers before the handler.
fn api<B: Send + 'static>(verifier: Verifier) -> Api<B> {
    let verify = VerifyLayer::new(verifier).peer(|of| Some(of.get::<Peer>()?.0));
    let optional = verify.clone().optional();
    let expired = optional.clone().expired_as_anonymous();
    let any = RequireLayer::new(Policy::any_token());
    let scope = RequireLayer::new(Policy::scope("orders:read"));
    let group = RequireLayer::new(Policy::group("Admins"));
    let bound = RequireLayer::new(Policy::bound());
    let strong = RequireLayer::new(TRANSFER);
    let files = verify.clone().resource(FILES).require(READ);
    let mail = verify.clone().resource(MAIL);
    let write = RequireLayer::new(WRITE);
    let send = RequireLayer::new(Policy::scope("mail:send"));
    let open = service_fn(async |_: Request<B>| Ok(Response::default()));
    let routes: [(&str, Api<B>); 20] = [
        ("/health", BoxCloneSyncService::new(open)),
        (
            "/me",
            BoxCloneSyncService::new(verify.layer(any.layer(open))),
        ),
        (
            "/orders",
            BoxCloneSyncService::new(verify.layer(scope.layer(open))),
        ),
        (
            "/admin",
            BoxCloneSyncService::new(verify.layer(group.layer(open))),
        ),
        (
            "/claims",
            BoxCloneSyncService::new(verify.layer(service_fn(claims))),
        ),
        (
            "/transfer",
            BoxCloneSyncService::new(verify.layer(strong.layer(open))),
        ),
        ("/maybe", BoxCloneSyncService::new(optional.layer(open))),
        (
            "/maybe/orders",
            BoxCloneSyncService::new(optional.layer(scope.layer(open))),
        ),
        (
            "/maybe/expired",
            BoxCloneSyncService::new(expired.layer(open)),
        ),
        (
            "/maybe/expired/orders",
            BoxCloneSyncService::new(expired.layer(scope.layer(open))),
        ),
        (
            "/bound",
            BoxCloneSyncService::new(verify.layer(bound.layer(open))),
        ),
        ("/forgotten", BoxCloneSyncService::new(any.layer(open))),
        (
            "/files",
            BoxCloneSyncService::new(files.layer(any.layer(open))),
        ),
        (
            "/files/write",
            BoxCloneSyncService::new(files.layer(write.layer(open))),
        ),
        (
            "/maybe/files/write",
            BoxCloneSyncService::new(files.clone().optional().layer(write.layer(open))),
        ),
        (
            "/mail",
            BoxCloneSyncService::new(mail.layer(any.layer(open))),
        ),
        (
            "/mail/send",
            BoxCloneSyncService::new(mail.layer(send.layer(open))),
        ),
        (
            "/mail/admin",
            BoxCloneSyncService::new(mail.layer(group.layer(open))),
        ),
        (
            "/mail/transfer",
            BoxCloneSyncService::new(mail.layer(RequireLayer::new(STRONG).layer(open))),
        ),
        (
            "/unnamed",
            BoxCloneSyncService::new(verify.layer(any.layer(open))),
        ),
    ];
    BoxCloneSyncService::new(service_fn(move |request: Request<B>| {
        let mut routes = routes.iter();
        let route = routes.find(|(path, _)| *path == request.uri().path());
        let (_, service) = route.expect("the table has no other path");
        service.clone().oneshot(request)
    }))
}

const FILES: &str = "https://api.example.com/files";
const MAIL: &str = "https://api.example.com/mail";
const READ: Policy = Policy::scope("files:read");
const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
const STRONG: Policy = Policy::all(&[
    Policy::acr(&["phrh", "phr"]),
    Policy::max_age(Duration::from_secs(300)),
]);
const TRANSFER: Policy = Policy::all(&[
    Policy::scope("orders:read"),
    Policy::acr(&["phrh", "phr"]),
    Policy::max_age(Duration::from_secs(300)),
]);

/// A handler that rejects requests itself.
async fn claims<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    #[derive(Deserialize)]
    struct Employee {
        #[serde(rename = "department")]
        _department: String,
    }
    let token = request.extensions().get::<VerifiedToken>();
    let token = token.expect("a strict layer precedes the handler");
    Ok(match token.claims::<Employee>() {
        Ok(_) => Response::default(),
        Err(error) => token.unreadable_claims(&error).into_response(),
    })
}
