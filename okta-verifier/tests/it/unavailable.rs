//! Log lines and errors of an unavailable issuer: they name the issuer and the cause.

use std::{
    error::Error,
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::Duration,
};

use okta_verifier::{
    Issuer, Verifier,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Certificate, Endpoint, Fault, MockOkta};
use tokio::runtime::Builder;
use tracing::Level;

use crate::support::{
    captured_logs::logged_above_debug,
    mock_issuer::{AUDIENCE, issuer, result_code},
    raw_server::{Server, document, ok},
};

/// Returns what this crate logs at `info` and above, except that the test's issuer uses plain HTTP.
fn events(future: impl Future<Output = ()>) -> Vec<(Level, String)> {
    let mut lines = logged_above_debug(Builder::new_current_thread(), future);
    lines.retain(|(_, line)| !line.contains("plain HTTP") && !line.contains("over http"));
    lines
}

fn build(url: &str, client: Option<reqwest::ClientBuilder>) -> Verifier {
    let builder = Verifier::builder()
        .issuer(Issuer::okta(url, AUDIENCE).any_client_id())
        .fetch_timeout(Duration::from_secs(10));
    let builder = match client {
        Some(client) => builder.http_client_builder(client),
        None => builder,
    };
    builder.build().unwrap()
}

/// Returns the URL of an issuer that refuses connections.
fn refusing_connections() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/oauth2/default", listener.local_addr().unwrap())
}

/// Returns the `https` URL of an issuer that speaks plain HTTP.
fn plain_http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/oauth2/default", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream?;
            stream.read(&mut [0; 1024]).map(drop)?;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")?;
        }
        Ok::<_, std::io::Error>(())
    });
    url
}

// field kind I
#[test]
fn key_fetch_failure_has_a_code_and_is_logged_with_issuer_and_cause() {
    let certificate = Certificate::new("127.0.0.1");
    let untrusted = Server::https(&certificate, || {}, |url, path| ok("", document(url, path)));
    let no_roots = || reqwest::Client::builder().no_proxy().tls_certs_only([]);
    for (url, client, code, cause) in [
        (
            refusing_connections(),
            None,
            "connection_refused",
            "Connection refused",
        ),
        (plain_http(), Some(no_roots()), "tls", "InvalidContentType"),
        (
            untrusted.issuer_url().to_owned(),
            Some(no_roots()),
            "certificate",
            "invalid peer certificate: UnknownIssuer",
        ),
        (
            "https://issuer.invalid/oauth2/default".to_owned(),
            Some(no_roots()),
            "dns",
            "failed to lookup address information",
        ),
    ] {
        let verifier = build(&url, client);
        let lines = events(async {
            for _ in 0..2 {
                assert_eq!(verifier.refresh().await.unwrap_err().code(), code);
            }
        });
        let [(Level::WARN, line)] = &lines[..] else {
            panic!("one warning: {lines:?}");
        };
        assert!(line.contains(&format!("issuer={url:?}")), "{line}");
        let (_, logged) = line.split_once("cause=").expect("a cause");
        assert!(logged.contains(cause), "{line}");
    }
}

// field kind I
#[test]
fn key_fetch_recovery_and_skipped_keys_are_logged_with_the_issuer() {
    let mut url = String::new();
    let lines = events(async {
        let okta = MockOkta::start().await;
        okta.issuer_url().clone_into(&mut url);
        let verifier = crate::support::mock_issuer::verifier(&okta);
        okta.fault(Endpoint::Keys, Fault::Status(500));
        verifier.refresh().await.unwrap_err();
        okta.fault(Endpoint::Keys, Fault::Mixed);
        verifier.refresh().await.unwrap();
    });
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (_, line) in &lines {
        assert!(line.contains(&format!("issuer={url:?}")), "{line}");
    }
    assert!(
        lines[0]
            .1
            .contains("cause=\"the issuer responded with status 500"),
        "{lines:?}"
    );
}

// field kind I
#[test]
fn introspection_failure_is_logged_with_issuer_and_cause() {
    let mut url = String::new();
    let lines = events(async {
        let okta = MockOkta::start().await;
        okta.issuer_url().clone_into(&mut url);
        let nowhere = refusing_connections();
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
        let introspection = Introspection::opaque_tokens(client).endpoint(nowhere);
        let verifier =
            crate::support::mock_issuer::build(issuer(&okta).introspection(introspection));
        let opaque = okta.opaque_token("ada").sign();
        assert_eq!(result_code(&verifier, &opaque).await, "unavailable");
    });
    let [(Level::WARN, line)] = &lines[..] else {
        panic!("one warning: {lines:?}");
    };
    assert!(line.contains(&format!("issuer={url:?}")), "{line}");
    assert!(line.contains("cause=\"Connection refused"), "{line}");
}

// field kind I
#[tokio::test]
async fn warm_up_and_refresh_errors_name_the_issuer_and_the_reason() {
    let url = refusing_connections();
    let verifier = build(&url, None);
    let warm_up = verifier.warm_up().await.unwrap_err();
    let refresh = verifier.refresh().await.unwrap_err();
    for error in [warm_up, refresh] {
        let text = error.to_string();
        assert!(text.contains(&url) && !text.contains("token"), "{text}");
        let reason = error.source().expect("a reason").to_string();
        assert!(!text.contains(&reason), "{text}: {reason}");
        // `main` prints `Debug`.
        let shown = format!("{error:?}");
        assert!(
            shown.starts_with(&text) && shown.contains(&reason),
            "{shown}"
        );
        assert!(shown.contains("Connection refused"), "{shown}");
        assert!(!shown.contains('\n'), "{shown}");
    }
}
