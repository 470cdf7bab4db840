//! The payload belongs to the handler: the middleware reads none of it, on either path.

use actix_web::web::{self, Bytes};
use okta_verifier_actix::{Verified, VerifyMiddleware};

use crate::support::{PLAIN, app, bearer, get, mock_issuer, okta, send, server::Server, strict};

async fn echo(token: Verified, body: Bytes) -> String {
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    format!("{} {body}", token.subject())
}

/// Returns a body as large as `Bytes` accepts by default, which spans many packets.
fn body() -> String {
    "0123456789abcde\n".repeat(12 * 1024)
}

#[tokio::test]
async fn body_arrives_complete_on_both_paths() {
    let mock = mock_issuer::mock().await;
    let cold_app = app(web::resource("/").wrap(mock_issuer::cold(&mock)).post(echo)).await;
    let warm_app = app(web::resource("/").wrap(strict()).post(echo)).await;
    let post = |jwt: &str| {
        let request = bearer("/", jwt).method(actix_web::http::Method::POST);
        request.set_payload(body())
    };
    let expected = format!("ada {}", body());
    let response = send(&cold_app, post(&mock.token("ada").sign())).await;
    response.assert_served("slow path", &expected);
    let response = send(&warm_app, post(&okta().token("ada").sign())).await;
    response.assert_served("fast path", &expected);
}

fn server(verify: VerifyMiddleware) -> Server {
    Server::start(1, move |routes| {
        routes.service(web::resource("/").wrap(verify.clone()).post(echo));
    })
}

#[tokio::test]
async fn body_arrives_complete_over_a_socket() {
    let mock = mock_issuer::mock().await;
    let server = server(mock_issuer::cold(&mock));
    let authorization = format!("Authorization: Bearer {}", mock.token("ada").sign());
    let length = format!("content-length: {}", body().len());
    let expected = format!("ada {}", body());
    for name in ["slow path", "fast path"] {
        let headers = [authorization.as_bytes(), length.as_bytes()];
        let wire = server.call("POST", "/", &headers, body().as_bytes()).await;
        wire.assert_served(name, &expected);

        let chunked = format!("{:x}\r\n{}\r\n0\r\n\r\n", body().len(), body());
        let headers = [authorization.as_bytes(), b"transfer-encoding: chunked"];
        let wire = server.call("POST", "/", &headers, chunked.as_bytes()).await;
        wire.assert_served(name, &expected);
    }
}

/// A rejected request is not read to its end, and does not delay other clients.
#[tokio::test]
async fn rejected_upload_gets_a_response_and_the_next_request_is_served() {
    let server = server(strict());
    let body = body();
    let length = format!("content-length: {}", body.len());
    let start = &body.as_bytes()[..1024];
    let wire = server.call("POST", "/", &[length.as_bytes()], start).await;
    assert_eq!(wire.status, 401);
    let challenge = format!("www-authenticate: {PLAIN}");
    assert!(wire.headers.contains(&challenge), "{wire:?}");

    let jwt = okta().token("ada").sign();
    let authorization = format!("Authorization: Bearer {jwt}");
    let headers = [authorization.as_bytes(), b"content-length: 5"];
    let wire = server.call("POST", "/", &headers, b"hello").await;
    wire.assert_served("the next request", "ada hello");
}

#[tokio::test]
async fn rejected_body_reaches_no_handler() {
    let app = app(web::resource("/").wrap(strict()).post(echo)).await;
    let post = get("/", &[]).method(actix_web::http::Method::POST);
    let response = send(&app, post.set_payload("hello")).await;
    response.assert_rejected("no token", 401, Some(PLAIN));
}
