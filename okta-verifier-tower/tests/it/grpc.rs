//! The layers in front of tonic, over a socket: what a gRPC client is told.

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

use crate::{
    cold,
    support::{INVALID, LACKS_SCOPE, MALFORMED, PLAIN, okta, verifier},
};
use server::Api;

const READ: Policy = Policy::scope("orders:read");
const STEP_UP: &str = r#"Bearer realm="api", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly", acr_values="phr""#;

async fn api(policy: Policy) -> Api {
    Api::new(verifier(okta()), policy).await
}

fn bearer(jwt: &str) -> String {
    format!("Bearer {jwt}")
}

fn metadata<'a>(status: &'a Status, name: &str) -> Vec<&'a str> {
    let values = status.metadata().get_all(name).iter();
    values.map(|value| value.to_str().expect("ASCII")).collect()
}

/// Asserts what tonic's client makes of a refusal: its code, and the challenge in the metadata.
fn assert_refused(
    name: &str,
    answer: Result<String, Status>,
    code: Code,
    challenge: Option<&str>,
) -> Status {
    let status = answer.expect_err(name);
    assert_eq!(status.code(), code, "{name}: {status:?}");
    let challenges = metadata(&status, "www-authenticate");
    assert_eq!(challenges, Vec::from_iter(challenge), "{name}");
    assert_eq!(metadata(&status, "cache-control"), ["no-store"], "{name}");
    status
}

#[tokio::test]
async fn an_accepted_call_finds_the_token_in_its_extensions() {
    let api = api(READ).await;
    let jwt = okta().token("ada").scope("orders:read").sign();
    assert_eq!(api.who(&[&bearer(&jwt)]).await.expect("served"), "ada");
}

#[tokio::test]
async fn missing_and_bad_credentials_are_unauthenticated() {
    let api = api(Policy::any_token()).await;
    let good = bearer(&okta().token("ada").sign());
    let expired = bearer(&okta().token("ada").expired().sign());
    let forged = bearer(&okta().token("ada").foreign_key().sign());
    let rows: &[(&str, &[&str], &str)] = &[
        ("no metadata", &[], PLAIN),
        ("Basic", &["Basic YWRhOmFkYQ=="], PLAIN),
        ("malformed", &["Bearer a,b"], MALFORMED),
        ("twice", &[&good, &good], MALFORMED),
        ("not a JWT", &["Bearer a.b.c"], INVALID),
        ("expired", &[&expired], INVALID),
        ("another key", &[&forged], INVALID),
    ];
    for (name, authorization, challenge) in rows {
        let answer = api.who(authorization).await;
        assert_refused(name, answer, Code::Unauthenticated, Some(challenge));
    }
    assert_eq!(api.who(&[&good]).await.expect("served"), "ada");
}

#[tokio::test]
async fn an_unmet_policy_is_permission_denied() {
    let jwt = bearer(&okta().token("ada").sign());
    let answer = api(READ).await.who(&[&jwt]).await;
    assert_refused("scope", answer, Code::PermissionDenied, Some(LACKS_SCOPE));

    let answer = api(Policy::group("Admins")).await.who(&[&jwt]).await;
    assert_refused("group", answer, Code::PermissionDenied, None);
}

/// RFC 9470 §3: the caller is known, and shall authenticate more strongly.
#[tokio::test]
async fn step_up_is_unauthenticated_and_says_what_would_do() {
    let api = api(Policy::acr(&["phr"])).await;
    let weak = bearer(&okta().token("ada").claim("acr", "pwd").sign());
    let answer = api.who(&[&weak]).await;
    assert_refused("acr", answer, Code::Unauthenticated, Some(STEP_UP));

    let strong = bearer(&okta().token("ada").claim("acr", "phr").sign());
    assert_eq!(api.who(&[&strong]).await.expect("served"), "ada");
}

#[tokio::test]
async fn a_dead_issuer_is_unavailable_until_it_is_back() {
    let okta = cold::mock().await;
    okta.fault(Endpoint::Discovery, Fault::Drop);
    let api = Api::new(cold::verifier(&okta), Policy::any_token()).await;
    let jwt = bearer(&cold::token(&okta));

    let status = assert_refused("dead", api.who(&[&jwt]).await, Code::Unavailable, None);
    let retry_after = metadata(&status, "retry-after");
    let [seconds] = retry_after[..] else {
        panic!("{retry_after:?}")
    };
    assert!((1..=120).contains(&seconds.parse().expect("whole seconds")));

    // The slow path that ends well: another verifier, whose first request fetches the keys.
    okta.clear_faults();
    let api = Api::new(cold::verifier(&okta), Policy::any_token()).await;
    assert_eq!(api.who(&[&jwt]).await.expect("served"), "ada");
}

#[tokio::test]
async fn a_missing_layer_is_internal_even_for_a_good_token() {
    let api = Api::unverified(Policy::any_token()).await;
    let jwt = bearer(&okta().token("ada").sign());
    let answer = api.who(&[&jwt]).await;
    assert_refused("no VerifyLayer", answer, Code::Internal, None);
}

/// A server may have services that are open, such as the one of its health.
#[tokio::test]
async fn layers_of_one_service_leave_the_others_alone() {
    let api = Api::with_an_open_service(verifier(okta()), READ).await;
    assert_eq!(api.open().await.expect("served"), "nobody");

    let answer = api.who(&[]).await;
    assert_refused("protected", answer, Code::Unauthenticated, Some(PLAIN));
    let jwt = okta().token("ada").scope("orders:read").sign();
    assert_eq!(api.who(&[&bearer(&jwt)]).await.expect("served"), "ada");
}

/// The refusal does not wait for the request's end, and the connection goes on.
#[tokio::test]
async fn an_endless_request_is_refused_at_once() {
    let api = api(Policy::any_token()).await;
    let answer = api.who_endless().await;
    assert_refused("endless", answer, Code::Unauthenticated, Some(PLAIN));

    let jwt = bearer(&okta().token("ada").sign());
    assert_eq!(api.who(&[&jwt]).await.expect("served"), "ada");
}

/// Asserts that a response is one block of headers and nothing after it, and gives these back.
async fn only_headers(name: &str, answer: Response<Body>) -> HeaderMap {
    let (head, body) = answer.into_parts();
    assert!(body.is_end_stream(), "{name}");
    let rest = body.collect().await.expect("a whole answer");
    assert!(rest.trailers().is_none(), "{name}");
    assert!(rest.to_bytes().is_empty(), "{name}");
    head.headers
}

/// The gRPC protocol's `Trailers-Only`: HTTP 200, and `grpc-status` among the headers.
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
/// Also with the switch on, a 200 goes to gRPC clients only.
#[tokio::test]
async fn grpc_rejection_is_plain_http_unless_every_mark_of_a_grpc_request_is_there() {
    const TYPE: (&str, &str) = ("content-type", "application/grpc");
    const PROTO: (&str, &str) = ("content-type", "application/grpc+proto");
    const JSON: (&str, &str) = ("content-type", "application/json");
    const TE: (&str, &str) = ("te", "trailers");
    let api = api(READ).await;
    let other = bearer(&okta().token("ada").sign());
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
    let response = missing.send(Method::POST, GRPC_HEADERS).await;
    assert_eq!(response.headers()["grpc-status"], "13");
}

// finding 3
/// Each layer has its own switch.
#[tokio::test]
async fn grpc_switch_of_one_layer_leaves_the_other_in_plain_http() {
    let verify = || VerifyLayer::new(verifier(okta()));
    let other = bearer(&okta().token("ada").sign());
    let with_token = [GRPC_HEADERS, &[("authorization", &other)]].concat();

    let api = Api::layered(Some(verify().grpc()), RequireLayer::new(READ)).await;
    let response = api.send(Method::POST, GRPC_HEADERS).await;
    assert_eq!(response.headers()["grpc-status"], "16");
    let response = api.send(Method::POST, &with_token).await;
    assert_plain_http("RequireLayer", response, 403).await;

    let api = Api::layered(Some(verify()), RequireLayer::new(READ).grpc()).await;
    let response = api.send(Method::POST, GRPC_HEADERS).await;
    assert_plain_http("VerifyLayer", response, 401).await;
    let response = api.send(Method::POST, &with_token).await;
    assert_eq!(response.headers()["grpc-status"], "7");
}

/// What every gRPC client sends, and what a caller can make a forward-auth proxy send.
const GRPC_HEADERS: &[(&str, &str)] = &[("content-type", "application/grpc"), ("te", "trailers")];

async fn assert_plain_http(name: &str, response: Response<Body>, status: u16) {
    assert_eq!(response.status().as_u16(), status, "{name}");
    let headers = only_headers(name, response).await;
    assert_eq!(headers["cache-control"], "no-store", "{name}");
    assert!(!headers.contains_key("grpc-status"), "{name}: {headers:?}");
    assert!(!headers.contains_key("content-type"), "{name}: {headers:?}");
}

// finding 3
/// A forward-auth proxy may pass the caller's method and headers on over HTTP/2, and takes any 2xx
/// for permission. Every rejection must have its HTTP status: 401, 403 and 500 alike.
#[tokio::test]
async fn grpc_rejection_is_plain_http_unless_the_layer_is_told() {
    let verify = || VerifyLayer::new(verifier(okta()));
    let anonymous = verify().optional();
    let rows = [
        ("VerifyLayer, no token", Some(verify()), 401),
        ("RequireLayer, anonymous", Some(anonymous), 401),
        ("RequireLayer, no VerifyLayer", None, 500),
    ];
    for (name, verify, status) in rows {
        let api = Api::layered(verify, RequireLayer::new(READ)).await;
        let response = api.send(Method::POST, GRPC_HEADERS).await;
        assert_plain_http(name, response, status).await;
    }

    let api = Api::layered(Some(verify()), RequireLayer::new(READ)).await;
    let other = bearer(&okta().token("ada").sign());
    for (name, authorization, status) in [
        ("VerifyLayer, a bad token", "Bearer a.b.c", 401),
        ("VerifyLayer, malformed", "Bearer a,b", 400),
        ("RequireLayer, no scope", &other, 403),
    ] {
        let headers = [GRPC_HEADERS, &[("authorization", authorization)]].concat();
        let response = api.send(Method::POST, &headers).await;
        assert_plain_http(name, response, status).await;
    }
}

// finding 3
/// The slow path builds its rejection elsewhere.
#[tokio::test]
async fn grpc_rejection_after_a_fetch_is_plain_http_unless_the_layer_is_told() {
    let okta = cold::mock().await;
    okta.fault(Endpoint::Discovery, Fault::Drop);
    let verify = VerifyLayer::new(cold::verifier(&okta));
    let api = Api::layered(Some(verify), RequireLayer::new(READ)).await;
    let authorization = bearer(&cold::token(&okta));
    let headers = [GRPC_HEADERS, &[("authorization", &authorization)]].concat();
    let response = api.send(Method::POST, &headers).await;
    assert_plain_http("unavailable", response, 503).await;
}

#[tokio::test]
async fn http_1_through_the_same_layers_is_refused_in_plain_http() {
    let api = api(READ).await;
    let jwt = okta().token("ada").sign();
    let mut stream = TcpStream::connect(&api.address).await.expect("a listener");
    let request = format!(
        "GET /orders HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {jwt}\r\nConnection: close\r\n\r\n",
        api.address
    );
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("an open connection");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.expect("a whole answer");

    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let challenge = format!("\r\nwww-authenticate: {LACKS_SCOPE}\r\n");
    assert!(answer.contains(&challenge), "{answer}");
    assert!(!answer.contains("grpc"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}
