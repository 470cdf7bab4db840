//! The layers in front of tonic, over a socket, as gRPC clients see them.

mod server;

use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use okta_verifier::Policy;
use okta_verifier_testing::{Endpoint, Fault};
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, Status, body::Body, codegen::Body as _};

use crate::support::{INVALID, LACKS_SCOPE, MALFORMED, PLAIN, mock_issuer, okta, verifier};
use server::Api;

const READ: Policy = Policy::scope("orders:read");
const STEP_UP: &str = r#"Bearer realm="api", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly", acr_values="phr""#;

async fn api(policy: Policy) -> Api {
    Api::new(verifier(okta()), policy).await
}

fn bearer(jwt: &str) -> String {
    format!("Bearer {jwt}")
}

/// Returns the `authorization` value of a valid token without a scope.
fn credentials() -> String {
    bearer(&okta().token("ada").sign())
}

/// Asserts that a call with these credentials is served.
async fn assert_served(api: &Api, authorization: &str) {
    let response = api.call(&[authorization]).await;
    assert_eq!(response.expect("served"), "ada");
}

fn metadata<'a>(status: &'a Status, name: &str) -> Vec<&'a str> {
    let values = status.metadata().get_all(name).iter();
    values.map(|value| value.to_str().expect("ASCII")).collect()
}

/// Asserts how tonic's client reports a rejection: its code, and the challenge in the metadata.
fn assert_rejected(
    name: &str,
    response: Result<String, Status>,
    code: Code,
    challenge: Option<&str>,
) -> Status {
    let status = response.expect_err(name);
    assert_eq!(status.code(), code, "{name}: {status:?}");
    let challenges = metadata(&status, "www-authenticate");
    assert_eq!(challenges, Vec::from_iter(challenge), "{name}");
    assert_eq!(metadata(&status, "cache-control"), ["no-store"], "{name}");
    status
}

#[tokio::test]
async fn grpc_call_has_the_token_in_its_extensions() {
    let api = api(READ).await;
    let jwt = okta().token("ada").scope("orders:read").sign();
    assert_served(&api, &bearer(&jwt)).await;
}

#[tokio::test]
async fn grpc_missing_and_invalid_credentials_are_unauthenticated() {
    let api = api(Policy::any_token()).await;
    let valid = credentials();
    let expired = bearer(&okta().token("ada").expired().sign());
    let forged = bearer(&okta().token("ada").foreign_key().sign());
    let rows: &[(&str, &[&str], &str)] = &[
        ("no metadata", &[], PLAIN),
        ("Basic", &["Basic YWRhOmFkYQ=="], PLAIN),
        ("malformed", &["Bearer a,b"], MALFORMED),
        ("twice", &[&valid, &valid], MALFORMED),
        ("not a JWT", &["Bearer a.b.c"], INVALID),
        ("expired", &[&expired], INVALID),
        ("another key", &[&forged], INVALID),
    ];
    for (name, authorization, challenge) in rows {
        let response = api.call(authorization).await;
        assert_rejected(name, response, Code::Unauthenticated, Some(challenge));
    }
    assert_served(&api, &valid).await;
}

#[tokio::test]
async fn grpc_unmet_policy_is_permission_denied() {
    let jwt = credentials();
    let response = api(READ).await.call(&[&jwt]).await;
    assert_rejected("scope", response, Code::PermissionDenied, Some(LACKS_SCOPE));

    let response = api(Policy::group("Admins")).await.call(&[&jwt]).await;
    assert_rejected("group", response, Code::PermissionDenied, None);
}

/// RFC 9470 §3: the user is known but must authenticate more strongly.
#[tokio::test]
async fn grpc_step_up_is_unauthenticated_and_names_the_acr_values() {
    let api = api(Policy::acr(&["phr"])).await;
    let weak = bearer(&okta().token("ada").claim("acr", "pwd").sign());
    let response = api.call(&[&weak]).await;
    assert_rejected("acr", response, Code::Unauthenticated, Some(STEP_UP));

    let strong = bearer(&okta().token("ada").claim("acr", "phr").sign());
    assert_served(&api, &strong).await;
}

#[tokio::test]
async fn grpc_unavailable_issuer_is_unavailable_until_it_recovers() {
    let okta = mock_issuer::mock().await;
    okta.fault(Endpoint::Discovery, Fault::Drop);
    let api = Api::new(mock_issuer::verifier(&okta), Policy::any_token()).await;
    let jwt = bearer(&mock_issuer::token(&okta));

    let status = assert_rejected("dead", api.call(&[&jwt]).await, Code::Unavailable, None);
    let retry_after = metadata(&status, "retry-after");
    let [seconds] = retry_after[..] else {
        panic!("{retry_after:?}")
    };
    assert!((1..=120).contains(&seconds.parse().expect("whole seconds")));

    // The slow path with success: the first request of another verifier fetches the keys.
    okta.clear_faults();
    let api = Api::new(mock_issuer::verifier(&okta), Policy::any_token()).await;
    assert_served(&api, &jwt).await;
}

#[tokio::test]
async fn grpc_missing_layer_is_internal_even_for_a_valid_token() {
    let api = Api::unverified(Policy::any_token()).await;
    let jwt = credentials();
    let response = api.call(&[&jwt]).await;
    assert_rejected("no VerifyLayer", response, Code::Internal, None);
}

/// A server may have open services, such as its health service.
#[tokio::test]
async fn grpc_layers_of_one_service_do_not_affect_the_others() {
    let api = Api::with_an_open_service(verifier(okta()), READ).await;
    assert_eq!(api.call_open().await.expect("served"), "anonymous");

    let response = api.call(&[]).await;
    assert_rejected("protected", response, Code::Unauthenticated, Some(PLAIN));
    let jwt = okta().token("ada").scope("orders:read").sign();
    assert_served(&api, &bearer(&jwt)).await;
}

/// The rejection does not wait for the end of the request, and the connection stays open.
#[tokio::test]
async fn grpc_endless_request_is_rejected_at_once() {
    let api = api(Policy::any_token()).await;
    let response = api.call_endless().await;
    assert_rejected("endless", response, Code::Unauthenticated, Some(PLAIN));

    let jwt = credentials();
    assert_served(&api, &jwt).await;
}

/// Asserts that a response has one block of headers and nothing after it, and returns the headers.
async fn only_headers(name: &str, response: Response<Body>) -> HeaderMap {
    let (head, body) = response.into_parts();
    assert!(body.is_end_stream(), "{name}");
    let rest = body.collect().await.expect("the response is complete");
    assert!(rest.trailers().is_none(), "{name}");
    assert!(rest.to_bytes().is_empty(), "{name}");
    head.headers
}

/// `Trailers-Only` of the gRPC protocol: HTTP 200, and `grpc-status` among the headers.
#[tokio::test]
async fn grpc_rejection_is_trailers_only() {
    let api = api(Policy::any_token()).await;
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "Application/GRPC",
        "application/grpc;charset=utf-8",
    ] {
        let headers = [("content-type", content_type), ("te", "trailers")];
        let response = api.send(Method::POST, &headers).await;
        assert_eq!(response.status(), 200, "{content_type}");
        let headers = only_headers(content_type, response).await;
        for (name, value) in [
            ("content-type", "application/grpc"),
            ("grpc-status", "16"),
            ("www-authenticate", PLAIN),
            ("cache-control", "no-store"),
        ] {
            let values: Vec<_> = headers.get_all(name).iter().collect();
            assert_eq!(values, [value], "{content_type}: {name}");
        }
    }
}

// finding 3
/// Even if `grpc` is on, only gRPC clients get a 200.
#[tokio::test]
async fn grpc_rejection_is_plain_http_unless_every_mark_of_a_grpc_request_is_there() {
    const TYPE: (&str, &str) = ("content-type", "application/grpc");
    const PROTO: (&str, &str) = ("content-type", "application/grpc+proto");
    const JSON: (&str, &str) = ("content-type", "application/json");
    const TE: (&str, &str) = ("te", "trailers");
    let api = api(READ).await;
    let other = credentials();
    for (authorization, status) in [(None, 401), (Some(other.as_str()), 403)] {
        let authorization = authorization.map(|value| ("authorization", value));
        for (method, headers) in [
            (Method::POST, vec![]),
            (Method::POST, vec![TE]),
            (Method::POST, vec![TYPE]),
            (Method::POST, vec![PROTO]),
            (Method::POST, vec![TYPE, TE, TE]),
            (Method::POST, vec![TYPE, TYPE, TE]),
            (Method::POST, vec![TYPE, PROTO, TE]),
            (Method::POST, vec![TYPE, JSON, TE]),
            (Method::POST, vec![JSON, TYPE, TE]),
            (Method::POST, vec![JSON, TE]),
            (Method::POST, vec![("content-type", ""), TE]),
            (Method::POST, vec![("content-type", "application/gr"), TE]),
            (
                Method::POST,
                vec![("content-type", "text/application/grpc"), TE],
            ),
            (
                Method::POST,
                vec![("content-type", "application/json, application/grpc"), TE],
            ),
            (
                Method::POST,
                vec![("content-type", "application/grpc, application/json"), TE],
            ),
            (
                Method::POST,
                vec![("content-type", "application/grpc-web"), TE],
            ),
            (
                Method::POST,
                vec![("content-type", "application/grpc-web+proto"), TE],
            ),
            (
                Method::POST,
                vec![("content-type", "application/grpcfoo"), TE],
            ),
            (
                Method::POST,
                vec![("content-type", "application/grpc /x"), TE],
            ),
            (Method::GET, vec![TYPE, TE]),
            (Method::HEAD, vec![TYPE, TE]),
            (Method::PUT, vec![TYPE, TE]),
            (Method::OPTIONS, vec![TYPE, TE]),
        ] {
            let name = format!("{method} {headers:?}");
            let headers = [headers, Vec::from_iter(authorization)].concat();
            let response = api.send(method, &headers).await;
            assert_plain_http(&name, response, status).await;
        }
    }
    let missing = Api::unverified(READ).await;
    let response = missing.send(Method::POST, &[TYPE]).await;
    assert_plain_http("no VerifyLayer", response, 500).await;
    let response = send_grpc(&missing, None).await;
    assert_eq!(response.headers()["grpc-status"], "13");
}

// finding 3
/// Each layer has its own setting.
#[tokio::test]
async fn grpc_switch_of_one_layer_leaves_the_other_in_plain_http() {
    let verify = || VerifyLayer::new(verifier(okta()));
    let other = credentials();

    let api = Api::layered(Some(verify().grpc()), RequireLayer::new(READ)).await;
    let response = send_grpc(&api, None).await;
    assert_eq!(response.headers()["grpc-status"], "16");
    let response = send_grpc(&api, Some(&other)).await;
    assert_plain_http("RequireLayer", response, 403).await;

    let api = Api::layered(Some(verify()), RequireLayer::new(READ).grpc()).await;
    let response = send_grpc(&api, None).await;
    assert_plain_http("VerifyLayer", response, 401).await;
    let response = send_grpc(&api, Some(&other)).await;
    assert_eq!(response.headers()["grpc-status"], "7");
}

/// Sends a request with the headers of a gRPC client, and returns the response unchanged.
async fn send_grpc(api: &Api, authorization: Option<&str>) -> Response<Body> {
    let authorization = authorization.map(|value| ("authorization", value));
    let headers = [GRPC_HEADERS, authorization.as_slice()].concat();
    api.send(Method::POST, &headers).await
}

/// The headers of every gRPC client, which a client can also make a forward-auth proxy send.
const GRPC_HEADERS: &[(&str, &str)] = &[("content-type", "application/grpc"), ("te", "trailers")];

async fn assert_plain_http(name: &str, response: Response<Body>, status: u16) {
    assert_eq!(response.status().as_u16(), status, "{name}");
    let headers = only_headers(name, response).await;
    assert_eq!(headers["cache-control"], "no-store", "{name}");
    assert!(!headers.contains_key("grpc-status"), "{name}: {headers:?}");
    assert!(!headers.contains_key("content-type"), "{name}: {headers:?}");
}

// finding 3
/// A forward-auth proxy may pass the client's method and headers on over HTTP/2, and takes any 2xx
/// for permission. So every rejection must have its HTTP status: 401, 403 and 500 alike.
#[tokio::test]
async fn grpc_rejection_is_plain_http_unless_the_layer_enables_grpc() {
    let verify = || VerifyLayer::new(verifier(okta()));
    let anonymous = verify().optional();
    let rows = [
        ("VerifyLayer, no token", Some(verify()), 401),
        ("RequireLayer, anonymous", Some(anonymous), 401),
        ("RequireLayer, no VerifyLayer", None, 500),
    ];
    for (name, verify, status) in rows {
        let api = Api::layered(verify, RequireLayer::new(READ)).await;
        let response = send_grpc(&api, None).await;
        assert_plain_http(name, response, status).await;
    }

    let api = Api::layered(Some(verify()), RequireLayer::new(READ)).await;
    let other = credentials();
    for (name, authorization, status) in [
        ("VerifyLayer, an invalid token", "Bearer a.b.c", 401),
        ("VerifyLayer, malformed", "Bearer a,b", 400),
        ("RequireLayer, no scope", &other, 403),
    ] {
        let response = send_grpc(&api, Some(authorization)).await;
        assert_plain_http(name, response, status).await;
    }
}

// finding 3
/// The slow path builds its rejection in another place.
#[tokio::test]
async fn grpc_rejection_after_a_fetch_is_plain_http_unless_the_layer_enables_grpc() {
    let okta = mock_issuer::mock().await;
    okta.fault(Endpoint::Discovery, Fault::Drop);
    let verify = VerifyLayer::new(mock_issuer::verifier(&okta));
    let api = Api::layered(Some(verify), RequireLayer::new(READ)).await;
    let authorization = bearer(&mock_issuer::token(&okta));
    let response = send_grpc(&api, Some(&authorization)).await;
    assert_plain_http("unavailable", response, 503).await;
}

#[tokio::test]
async fn http_1_rejection_is_plain_http() {
    let api = api(READ).await;
    let jwt = okta().token("ada").sign();
    let mut stream = TcpStream::connect(&api.address).await.expect("a listener");
    let request = format!(
        "GET /orders HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {jwt}\r\nConnection: close\r\n\r\n",
        api.address
    );
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("the connection is open");
    let mut response = String::new();
    let read = stream.read_to_string(&mut response).await;
    read.expect("the response is complete");

    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    let challenge = format!("\r\nwww-authenticate: {LACKS_SCOPE}\r\n");
    assert!(response.contains(&challenge), "{response}");
    assert!(!response.contains("grpc"), "{response}");
    assert!(response.ends_with("\r\n\r\n"), "{response}");
}
