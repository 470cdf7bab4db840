//! How documents are requested of an issuer, and which responses are accepted.

use std::{sync::mpsc, time::Duration};

use okta_verifier::{
    VerifyError,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Certificate, Endpoint, Fault, MockOkta};

use crate::support::{
    mock_issuer::{PATIENT, build, issuer, result_code, unavailable_reason, verifier},
    raw_server::{Server, client, document, ok},
};

const JSON: &str = "content-type: application/json\r\n";
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Returns a server of metadata and keys that sends these field lines, and these bytes before each
/// document.
fn serving(fields: &'static str, before: &'static [u8]) -> Server {
    Server::http(move |url, path| ok(fields, [before, document(url, path).as_bytes()].concat()))
}

fn introspection() -> Introspection {
    Introspection::opaque_tokens(ClientAuthentication::client_secret_basic(
        CLIENT_ID,
        CLIENT_SECRET,
    ))
}

// field kind G
#[tokio::test]
async fn http_client_allows_a_tls_handshake_as_long_as_the_fetch_timeout() {
    let (came, comes) = mpsc::channel();
    let (go, goes) = mpsc::channel::<()>();
    let certificate = Certificate::new("127.0.0.1");
    let server = Server::https(
        &certificate,
        move || {
            let _ = came.send(());
            let _ = goes.recv();
        },
        |url, path| ok(JSON, document(url, path)),
    );
    let verifier = server.verifier(Some(client(&certificate)));
    tokio::time::pause();
    let warming = tokio::spawn(async move { verifier.warm_up().await });
    // A paused clock does not advance by itself while a blocking task runs.
    let came = tokio::task::spawn_blocking(move || comes.recv());
    came.await.unwrap().unwrap();
    let (done, ends) = mpsc::channel::<()>();
    let held = tokio::task::spawn_blocking(move || ends.recv());
    tokio::time::advance(PATIENT - Duration::from_secs(1)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!warming.is_finished());
    drop(go);
    warming.await.unwrap().unwrap();
    drop(done);
    let _ = held.await;
}

// field kind H
#[tokio::test]
async fn http_client_sends_accept_and_user_agent() {
    let okta = MockOkta::start().await;
    let verifier = build(issuer(&okta).introspection(introspection()));
    verifier.warm_up().await.unwrap();
    assert_eq!(
        result_code(&verifier, &okta.opaque_token("ada").sign()).await,
        "ok"
    );
    for (endpoint, accept) in [
        (Endpoint::Discovery, "application/json"),
        (Endpoint::Keys, "application/json, application/jwk-set+json"),
        (Endpoint::Introspection, "application/json"),
    ] {
        let request = okta.received(endpoint).remove(0);
        assert_eq!(request.header("accept"), Some(accept), "{endpoint:?}");
        let sender = concat!("okta-verifier/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.header("user-agent"), Some(sender), "{endpoint:?}");
        // Without the field any encoding would be acceptable (RFC 9110 §12.5.3).
        assert_eq!(
            request.header("accept-encoding"),
            Some("identity"),
            "{endpoint:?}"
        );
    }
}

// field kind H
#[tokio::test]
async fn http_client_keeps_the_user_agent_of_a_custom_client() {
    let certificate = Certificate::new("127.0.0.1");
    for own in [Some("orders/1.0"), None] {
        let server = Server::https(
            &certificate,
            || {},
            |url, path| ok(JSON, document(url, path)),
        );
        let client = client(&certificate);
        let client = match own {
            Some(own) => client.user_agent(own),
            None => client,
        };
        server.verifier(Some(client)).warm_up().await.unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        for request in requests {
            let sent = request
                .lines()
                .find_map(|line| line.strip_prefix("user-agent: "));
            assert_eq!(sent, own, "{request}");
        }
    }
}

// field kind H
#[tokio::test]
async fn retry_after_may_be_a_date_and_is_bounded() {
    for (date, seconds) in [
        ("Fri, 31 Dec 9999 23:59:59 GMT", 120),
        ("Fri Dec 31 23:59:59 9999", 120),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 1),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 1),
        ("Sun, 06 Nov 1994", 1),
        ("Fri, 31 Dec 9999 23:59:59 CET", 1),
    ] {
        for status in ["429 Too Many Requests", "503 Service Unavailable"] {
            let server = Server::http(move |_, _| {
                format!("HTTP/1.1 {status}\r\nconnection: close\r\nretry-after: {date}\r\ncontent-length: 0\r\n\r\n").into()
            });
            let verifier = server.verifier(None);
            verifier.warm_up().await.unwrap_err();
            let state = verifier.health().remove(0).state;
            let okta_verifier::health::KeyState::Unavailable { retry_after } = state else {
                panic!("{state:?}");
            };
            assert_eq!(retry_after.as_secs_f64().ceil() as u64, seconds, "{date}");
        }
    }
}

// field kind H
#[tokio::test]
async fn byte_order_mark_before_json_is_skipped() {
    serving(JSON, BOM).verifier(None).warm_up().await.unwrap();
    // One is skipped, as RFC 8259 §8.1 allows; the document must follow it.
    let twice = serving(JSON, b"\xef\xbb\xbf\xef\xbb\xbf").verifier(None);
    twice.warm_up().await.unwrap_err();

    let okta = MockOkta::start().await;
    let verifier = build(issuer(&okta).introspection(introspection()));
    let inactive = [BOM, br#"{"active":false}"#].concat();
    okta.fault(Endpoint::Introspection, Fault::Body(inactive));
    let opaque = okta.opaque_token("ada").sign();
    assert_eq!(result_code(&verifier, &opaque).await, "inactive");
}

// field kind H
#[test]
fn byte_order_mark_before_given_keys_is_skipped() {
    let okta = okta_verifier_testing::TestIssuer::new("api://default");
    let keys = format!("\u{feff}{}", okta.jwks());
    let issuer = okta_verifier::Issuer::okta(okta.issuer_url(), "api://default");
    let built = okta_verifier::Verifier::builder()
        .issuer(issuer.any_client_id().keys(keys))
        .build();
    assert!(built.is_ok(), "{built:?}");
}

// field kind H
#[tokio::test]
async fn content_encoding_that_was_not_requested_is_named() {
    let okta = MockOkta::start().await;
    let jwt = okta.token("ada").sign();
    for endpoint in [Endpoint::Discovery, Endpoint::Keys] {
        for encoding in ["gzip", "br", "identity, GZIP"] {
            okta.set_header(endpoint, "content-encoding", Some(encoding));
            let text = unavailable_reason(&verifier(&okta), &jwt).await.to_string();
            assert!(text.contains("Content-Encoding"), "{text}");
            assert!(text.contains(&format!("{encoding:?}")), "{text}");
        }
        for none in ["identity", "Identity, ", ""] {
            okta.set_header(endpoint, "content-encoding", Some(none));
            assert_eq!(result_code(&verifier(&okta), &jwt).await, "ok", "{none:?}");
        }
        okta.set_header(endpoint, "content-encoding", None);
    }
    okta.set_header(Endpoint::Introspection, "content-encoding", Some("gzip"));
    let verifier = build(issuer(&okta).introspection(introspection()));
    let opaque = okta.opaque_token("ada").sign();
    let text = unavailable_reason(&verifier, &opaque).await.to_string();
    assert!(text.contains("\"gzip\""), "{text}");
}

// field kind H
#[tokio::test]
async fn missing_or_repeated_content_type_is_named() {
    for (fields, expected) in [
        ("", "no Content-Type"),
        (
            "content-type: application/json\r\ncontent-type: application/json\r\n",
            "several Content-Type",
        ),
        (
            "content-type: application/json\r\ncontent-type: text/html\r\n",
            "several Content-Type",
        ),
        (
            "content-type: application/json, text/html\r\n",
            "application/json, text/html",
        ),
        ("content-type: \r\n", "\"\""),
    ] {
        let verifier = serving(fields, b"").verifier(None);
        verifier.warm_up().await.unwrap_err();
        let error = verifier.health().remove(0).last_error.unwrap();
        assert!(error.to_string().contains(expected), "{fields:?}: {error}");
    }
}

// field kind I
#[tokio::test]
async fn content_type_of_a_login_page_is_named() {
    let okta = MockOkta::start().await;
    let jwt = okta.token("ada").sign();
    for endpoint in [Endpoint::Discovery, Endpoint::Keys] {
        okta.clear_faults();
        okta.fault(endpoint, Fault::ContentType("text/html; charset=utf-8"));
        let text = unavailable_reason(&verifier(&okta), &jwt).await.to_string();
        assert!(text.contains(r#""text/html; charset=utf-8""#), "{text}");
    }
    okta.fault(Endpoint::Introspection, Fault::Html);
    let verifier = build(issuer(&okta).introspection(introspection()));
    let opaque = okta.opaque_token("ada").sign();
    let text = unavailable_reason(&verifier, &opaque).await.to_string();
    assert!(text.contains(r#""text/html""#), "{text}");
}

// field kind I
#[tokio::test]
async fn redirect_target_is_named_without_query_fragment_and_userinfo() {
    let okta = MockOkta::start().await;
    let jwt = okta.token("ada").sign();
    for (location, shown) in [
        (
            "https://ada:hunter2@login.example/start?token=hunter2#hunter2",
            r#""https://login.example/start""#,
        ),
        ("/login?state=hunter2", r#""/login""#),
        ("//hunter2@login.example/x", r#""//login.example/x""#),
        ("https:/\\ada:hunter2@login.example/", "login.example"),
        ("\\\\ada:hunter2@login.example/", "login.example"),
        ("login#hunter2", r#""login""#),
        ("", r#""""#),
    ] {
        for endpoint in [Endpoint::Discovery, Endpoint::Keys] {
            okta.clear_faults();
            okta.fault(endpoint, Fault::Redirect(location.to_owned()));
            let error = unavailable_reason(&verifier(&okta), &jwt).await;
            let text = error.to_string();
            assert!(
                text.contains("302") && text.contains(shown),
                "{location}: {text}"
            );
            assert!(!format!("{error:?} {text}").contains("hunter2"), "{text}");
        }
    }
}

// field kind I
#[tokio::test]
async fn redirect_without_a_target_is_named() {
    let server = Server::http(|_, _| {
        b"HTTP/1.1 307 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec()
    });
    let verifier = server.verifier(None);
    verifier.warm_up().await.unwrap_err();
    let text = verifier.health().remove(0).last_error.unwrap().to_string();
    assert!(text.contains("307") && text.contains("redirect"), "{text}");
}

/// A header may contain any byte and may be shown in a terminal.
// field kind I
#[tokio::test]
async fn header_in_an_error_is_escaped_and_bounded() {
    let hostile: Vec<u8> = [b"text/\x9b31m\"\\\xff\t".to_vec(), b"qX7~".repeat(1024)].concat();
    for name in ["content-type", "content-encoding", "location"] {
        let status = if name == "location" { 302 } else { 200 };
        let sent = hostile.clone();
        let server = Server::http(move |_, _| {
            let json = if name == "content-type" { "" } else { JSON };
            let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{json}{name}: ");
            [head.as_bytes(), &sent, b"\r\ncontent-length: 0\r\n\r\n"].concat()
        });
        let verifier = server.verifier(None);
        verifier.warm_up().await.unwrap_err();
        let error = verifier.health().remove(0).last_error.unwrap();
        let text = error.to_string();
        let (_, quoted) = text.split_once('"').expect("a quoted value");
        let (quoted, _) = quoted.rsplit_once('"').expect("a quoted value");
        assert!(quoted.len() <= 64, "{} bytes: {quoted}", quoted.len());
        assert!(quoted.contains("text/") && quoted.ends_with('…'), "{text}");
        for shown in [text.clone(), format!("{error:?}")] {
            assert!(
                !shown.contains(['\u{9b}', '\t', '\u{fffd}', '\u{ff}']),
                "{shown}"
            );
            assert!(!shown.contains(&"qX7~".repeat(17)), "{shown}");
        }
    }
}

/// An endpoint may repeat the token in its response.
// field kind I
#[tokio::test]
async fn header_that_repeats_a_token_is_not_shown() {
    let okta = MockOkta::start().await;
    let opaque = okta.opaque_token("ada").sign();
    let verifier = build(issuer(&okta).introspection(introspection()));
    okta.set_header(
        Endpoint::Introspection,
        "content-type",
        Some(&format!("text/{opaque}")),
    );
    let Err(error) = verifier.verify(&opaque).await else {
        panic!("the token was accepted");
    };
    let VerifyError::Unavailable { source, .. } = &error else {
        panic!("{error:?}");
    };
    for shown in [source.to_string(), format!("{error:?}")] {
        assert!(!shown.contains(&opaque[..16]), "{shown}");
        secret_scan::shown(shown);
    }
}
