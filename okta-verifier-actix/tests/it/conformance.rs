//! The conformance table through an app, in this process and behind an HTTP server.

use std::{net::SocketAddr, time::Duration};

use actix_web::{
    App, Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::{
        Method, Uri,
        header::{HeaderName, HeaderValue},
    },
    test::{self, TestRequest},
    web::{self, ServiceConfig},
};
use okta_verifier::{
    Policy, ProblemDetails, Rejection, Requirement, Verifier, VerifyError, mtls::ClientCertificate,
};
use okta_verifier_actix::{
    Claims, MaybeVerified, ProblemDetailsMiddleware, Verified, VerifyMiddleware,
};
use okta_verifier_testing::{
    MockOkta,
    conformance::{self, Answer, Issuers, Request},
};
use serde::Deserialize;

use crate::support::{Admin, ReadOrders, server::Server};

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
        let app = App::new()
            .configure(routes(issuers.verifier()))
            .wrap(ProblemDetailsMiddleware::default());
        let app = test::init_service(app).await;
        let report = conformance::run(&issuers, async |request| {
            let response = respond(&app, request).await?;
            Some(answer(remove_problem_details(response).await).await)
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
    let app = test::init_service(App::new().configure(routes(issuers.verifier()))).await;
    let report = conformance::run(issuers, async |request| {
        Some(answer(respond(&app, request).await?.map_into_boxed_body()).await)
    });
    report.await.assert();
}

/// Returns the response of the app, or `None` if HTTP cannot carry the request.
async fn respond<B: MessageBody>(
    app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    request: &Request,
) -> Option<HttpResponse<B>> {
    let call = call(request)?.to_request();
    if let Some(der) = request.client_certificate() {
        call.extensions_mut().insert(ClientCertificate::new(der));
    }
    let response = app.call(call).await;
    let response = response.expect("a rejection is a response, not an `Err`");
    Some(response.into_parts().1)
}

async fn answer(response: HttpResponse) -> Answer {
    let fields: Vec<_> = response.headers().iter().map(field).collect();
    let status = response.status().as_u16();
    let rejection = response.extensions().get::<Rejection>().cloned();
    secret_scan::assert_rejection_event(rejection.as_ref());
    let code = rejection.and_then(|it| it.error().map(VerifyError::code));
    let body = to_bytes(response.into_body()).await;
    Answer::new(status, fields, body.expect("the body is complete")).code(code)
}

/// Asserts that a rejection has the body of the core, and removes the body, so that the rest can be
/// compared with the table.
async fn remove_problem_details(
    response: HttpResponse<impl MessageBody + 'static>,
) -> HttpResponse {
    let rejection = response.extensions().get::<Rejection>().cloned();
    let response = response.map_into_boxed_body();
    let Some(rejection) = rejection else {
        return response;
    };
    let content_type = response.headers().get("content-type");
    assert_eq!(
        content_type.expect("a content type"),
        "application/problem+json"
    );
    let (response, body) = response.into_parts();
    let body = to_bytes(body).await.expect("the body is complete");
    assert_eq!(body, ProblemDetails::new().body(&rejection));
    response.set_body(BoxBody::new(()))
}

async fn over_a_socket(issuers: &Issuers) {
    let server = Server::start(1, routes(issuers.verifier()));
    conformance::run_server(issuers, server.address)
        .await
        .assert();
}

/// Builds the request. Returns `None` if HTTP cannot carry it.
fn call(request: &Request) -> Option<TestRequest> {
    let uri: Uri = request.target().parse().ok()?;
    let mut call = TestRequest::default()
        .peer_addr(SocketAddr::new(request.peer(), 443))
        .method(Method::from_bytes(request.method().as_bytes()).ok()?)
        .uri(&uri.to_string())
        .set_payload(request.body().to_vec());
    for (name, value) in request.fields() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value).ok()?;
        call = call.append_header((name, value));
    }
    Some(call)
}

fn field((name, value): (&HeaderName, &HeaderValue)) -> (String, Vec<u8>) {
    (name.to_string(), value.as_bytes().to_vec())
}

/// Returns the routes of the API under test.
fn routes(verifier: Verifier) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let verify = VerifyMiddleware::new(verifier);
    move |app| {
        let strict = || verify.clone();
        let optional = || verify.clone().optional();
        let expired = || optional().expired_as_anonymous();
        let files = || {
            strict()
                .resource(FILES)
                .require(Policy::scope("files:read"))
        };
        let mail = || strict().resource(MAIL);
        app.service(
            web::resource("/me")
                .wrap(strict())
                .to(async |_: Verified| "in"),
        )
        .service(
            web::resource("/orders")
                .wrap(strict())
                .to(async |_: Verified<ReadOrders>| "in"),
        )
        .service(
            web::resource("/admin")
                .wrap(strict())
                .to(async |_: Verified<Admin>| "in"),
        )
        .service(web::resource("/claims").wrap(strict()).to(claims))
        .service(
            web::resource("/transfer")
                .wrap(strict())
                .to(async |_: Verified<Transfer>| "in"),
        )
        .service(
            web::resource("/maybe")
                .wrap(optional())
                .to(async |_: MaybeVerified| "in"),
        )
        .service(
            web::resource("/maybe/orders")
                .wrap(optional())
                .to(async |_: Verified<ReadOrders>| "in"),
        )
        .service(
            web::resource("/maybe/expired")
                .wrap(expired())
                .to(async |_: MaybeVerified| "in"),
        )
        .service(
            web::resource("/maybe/expired/orders")
                .wrap(expired())
                .to(async |_: Verified<ReadOrders>| "in"),
        )
        .service(
            web::resource("/bound")
                .wrap(strict())
                .to(async |_: Verified<Bound>| "in"),
        )
        .service(
            web::resource("/files")
                .wrap(files())
                .to(async |_: Verified| "in"),
        )
        .service(
            web::resource("/files/write")
                .wrap(files())
                .to(async |_: Verified<Write>| "in"),
        )
        .service(
            web::resource("/maybe/files/write")
                .wrap(files().optional())
                .to(async |_: Verified<Write>| "in"),
        )
        .service(
            web::resource("/mail")
                .wrap(mail())
                .to(async |_: Verified| "in"),
        )
        .service(
            web::resource("/mail/send")
                .wrap(mail())
                .to(async |_: Verified<SendMail>| "in"),
        )
        .service(
            web::resource("/mail/admin")
                .wrap(mail())
                .to(async |_: Verified<Admin>| "in"),
        )
        .service(
            web::resource("/mail/transfer")
                .wrap(mail())
                .to(async |_: Verified<Strong>| "in"),
        )
        .service(
            web::resource("/unnamed")
                .wrap(strict())
                .to(async |_: Verified| "in"),
        )
        .route("/health", web::to(async || "ok"))
        .route("/forgotten", web::to(async |_: Verified| "in"));
    }
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
