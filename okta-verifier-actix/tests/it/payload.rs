//! The request's payload is the handler's: nothing of it is read before, on either path.

use actix_web::web::{self, Bytes};
use okta_verifier_actix::{Verified, VerifyMiddleware};

use crate::{
    cold,
    server::Server,
    support::{PLAIN, app, bearer, get, okta, send, strict},
};

async fn echo(token: Verified, body: Bytes) -> String {
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    format!("{} {body}", token.subject())
}

/// As large as `Bytes` reads by default, and of many packets.
fn body() -> String {
    "0123456789abcde\n".repeat(12 * 1024)
}

#[tokio::test]
async fn a_posted_body_arrives_whole_on_both_paths() {
    let mock = cold::mock().await;
    let cold_app = app(web::resource("/").wrap(cold::cold(&mock)).post(echo)).await;
    let warm_app = app(web::resource("/").wrap(strict()).post(echo)).await;
    let post = |jwt: &str| {
        let request = bearer("/", jwt).method(actix_web::http::Method::POST);
        request.set_payload(body())
    };
    let expected = format!("ada {}", body());
    let answer = send(&cold_app, post(&mock.token("ada").sign())).await;
    answer.served("slow path", &expected);
    let answer = send(&warm_app, post(&okta().token("ada").sign())).await;
    answer.served("fast path", &expected);
}

fn server(verify: VerifyMiddleware) -> Server {
    Server::start(1, move |routes| {
        routes.service(web::resource("/").wrap(verify.clone()).post(echo));
    })
}

#[tokio::test]
async fn a_posted_body_arrives_whole_over_a_socket() {
    let mock = cold::mock().await;
    let server = server(cold::cold(&mock));
    let authorization = format!("Authorization: Bearer {}", mock.token("ada").sign());
    let length = format!("content-length: {}", body().len());
    let expected = format!("ada {}", body());
    for name in ["slow path", "fast path"] {
        let headers = [authorization.as_bytes(), length.as_bytes()];
        let wire = server.ask("POST", "/", &headers, body().as_bytes()).await;
        wire.served(name, &expected);

        let chunked = format!("{:x}\r\n{}\r\n0\r\n\r\n", body().len(), body());
        let headers = [authorization.as_bytes(), b"transfer-encoding: chunked"];
        let wire = server.ask("POST", "/", &headers, chunked.as_bytes()).await;
        wire.served(name, &expected);
    }
}

/// Who is refused is not read to the end, and keeps nobody else waiting.
#[tokio::test]
async fn a_refused_upload_is_answered_and_the_next_request_served() {
    let server = server(strict());
    let body = body();
    let length = format!("content-length: {}", body.len());
    let start = &body.as_bytes()[..1024];
    let wire = server.ask("POST", "/", &[length.as_bytes()], start).await;
    assert_eq!(wire.status, 401);
    let challenge = format!("www-authenticate: {PLAIN}");
    assert!(wire.headers.contains(&challenge), "{wire:?}");

    let jwt = okta().token("ada").sign();
    let authorization = format!("Authorization: Bearer {jwt}");
    let headers = [authorization.as_bytes(), b"content-length: 5"];
    let wire = server.ask("POST", "/", &headers, b"hello").await;
    wire.served("the next one", "ada hello");
}

#[tokio::test]
async fn a_refused_body_reaches_no_handler() {
    let app = app(web::resource("/").wrap(strict()).post(echo)).await;
    let post = get("/", &[]).method(actix_web::http::Method::POST);
    let answer = send(&app, post.set_payload("hello")).await;
    answer.refused("no token", 401, Some(PLAIN));
}
