//! The response table over a real socket: what actix-web's parser accepts is verified, and the
//! response arrives as it was written.

use std::time::Duration;

use actix_web::web;
use okta_verifier::Policy;
use okta_verifier_actix::{RequireMiddleware, VerifyMiddleware};
use okta_verifier_testing::{Endpoint, Fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    INVALID, LACKS_SCOPE, MALFORMED, PLAIN, assert_retry_after,
    mock_issuer::{self, HangingIssuer},
    okta, rejection_lines,
    server::{Server, Wire, request},
    strict, whoami,
};

fn server(verify: VerifyMiddleware) -> Server {
    Server::start(1, move |routes| {
        let reader = RequireMiddleware::new(Policy::scope("orders:read"));
        routes
            .service(web::resource("/me").wrap(verify.clone()).get(whoami))
            .service(
                web::resource("/orders")
                    .wrap(reader)
                    .wrap(verify.clone())
                    .get(whoami),
            )
            .service(
                web::resource("/unguarded")
                    .wrap(RequireMiddleware::new(Policy::any_token()))
                    .get(whoami),
            );
    })
}

#[track_caller]
fn assert_rejected(name: &str, wire: &Wire, status: u16, challenge: Option<&str>) {
    let mut headers = rejection_lines(challenge);
    headers.push("content-length: 0".to_owned());
    headers.sort();
    assert_eq!(wire.headers, headers, "{name}");
    assert_eq!((wire.status, wire.body.as_str()), (status, ""), "{name}");
}

fn authorization(value: &str) -> Vec<u8> {
    format!("Authorization: {value}").into_bytes()
}

/// Name, path, header lines; expected status and challenge.
type Row<'a> = (&'a str, &'a str, &'a [&'a [u8]], u16, Option<&'a str>);

#[tokio::test]
async fn response_table_is_sent_byte_for_byte() {
    let server = server(strict());
    let jwt = okta().token("ada").sign();
    let valid = authorization(&format!("Bearer {jwt}"));
    let invalid = authorization("Bearer a.b.c");
    let long = authorization(&format!("Bearer {}", "a".repeat(20 * 1024)));
    let rows: &[Row<'_>] = &[
        ("no field", "/me", &[], 401, Some(PLAIN)),
        (
            "another scheme",
            "/me",
            &[b"Authorization: Basic YWRhOmFkYQ=="],
            401,
            Some(PLAIN),
        ),
        ("query", "/me?access_token=x", &[], 401, Some(PLAIN)),
        (
            "query and header",
            "/me?access_token=x",
            &[&valid],
            400,
            Some(MALFORMED),
        ),
        (
            "empty value",
            "/me",
            &[b"Authorization:"],
            400,
            Some(MALFORMED),
        ),
        (
            "empty token",
            "/me",
            &[b"Authorization: Bearer "],
            400,
            Some(MALFORMED),
        ),
        (
            "tab",
            "/me",
            &[b"Authorization: Bearer\tabc"],
            400,
            Some(MALFORMED),
        ),
        (
            "UTF-8",
            "/me",
            &["Authorization: Bearer é".as_bytes()],
            400,
            Some(MALFORMED),
        ),
        (
            "Latin-1",
            "/me",
            &[b"Authorization: Bearer \xe9"],
            400,
            Some(MALFORMED),
        ),
        ("20 KiB", "/me", &[&long], 400, Some(MALFORMED)),
        ("two lines", "/me", &[&valid, &valid], 400, Some(MALFORMED)),
        ("an invalid token", "/me", &[&invalid], 401, Some(INVALID)),
        ("no scope", "/orders", &[&valid], 403, Some(LACKS_SCOPE)),
        ("no VerifyMiddleware", "/unguarded", &[&valid], 500, None),
    ];
    for (name, path, headers, status, challenge) in rows {
        let wire = server.get(path, headers).await;
        assert_rejected(name, &wire, *status, *challenge);
    }
    server
        .get("/me", &[&valid])
        .await
        .assert_served("valid", "ada");
}

#[tokio::test]
async fn unavailable_issuer_is_503_with_retry_after() {
    let issuer = HangingIssuer::start().await;
    let server = server(VerifyMiddleware::new(
        issuer.verifier(Duration::from_millis(100)),
    ));
    let valid = authorization(&format!("Bearer {}", issuer.token()));
    let wire = server.get("/me", &[&valid]).await;
    let [no_store, length, retry_after] = &wire.headers[..] else {
        panic!("{wire:?}")
    };
    assert_eq!(
        [no_store, length],
        ["cache-control: no-store", "content-length: 0"]
    );
    assert_retry_after(retry_after);
    assert_eq!((wire.status, wire.body.as_str()), (503, ""));
}

#[tokio::test]
async fn connection_survives_a_rejection() {
    let server = server(strict());
    let valid = authorization(&format!("Bearer {}", okta().token("ada").sign()));
    let mut stream = server.connect().await;
    let rejected = request("GET", "/me", &[], b"");
    stream
        .write_all(&rejected)
        .await
        .expect("the connection is open");
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let count = stream.read_buf(&mut bytes).await.expect("an answer");
        assert!(count > 0, "closed: {:?}", String::from_utf8_lossy(&bytes));
    }
    assert_rejected("first", &Wire::parse(&bytes), 401, Some(PLAIN));

    let served = request("GET", "/me", &[&valid, b"connection: close"], b"");
    stream.write_all(&served).await.expect("still open");
    Wire::read(stream).await.assert_served("second", "ada");
}

/// Clients that disconnect during the fetch do not cancel it, and the next request is served.
#[tokio::test]
async fn disconnected_clients_do_not_cancel_the_fetch() {
    let okta = mock_issuer::mock().await;
    let slow = Fault::Slow(Duration::from_millis(300));
    okta.fault_times(Endpoint::Keys, slow, 1);
    let server = server(mock_issuer::cold(&okta));
    let valid = authorization(&format!("Bearer {}", okta.token("ada").sign()));
    for _ in 0..3 {
        let mut stream = server.connect().await;
        let rejected = request("GET", "/me", &[], b"");
        stream.write_all(&rejected).await.expect("open");
        stream.readable().await.expect("an answer");
        let slow = request("GET", "/me", &[&valid], b"");
        stream.write_all(&slow).await.expect("open");
        okta.wait_for_hits(Endpoint::Keys, 1).await;
        // Closed with a response unread, so the server sees a reset and not a half-close.
        drop(stream);
    }
    server
        .get("/me", &[&valid])
        .await
        .assert_served("the next request", "ada");
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}
