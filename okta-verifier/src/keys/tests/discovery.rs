//! The metadata document and the URLs that it may name.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::{Origin, Url};

use crate::{
    error::UnavailableReason,
    keys::{Location, Metadata},
    net::{
        Fetch, PlainHttp, Revalidated,
        http_client::{JsonResponse, tests::scripted::Script},
    },
    sync::clock::Now,
};

fn metadata(issuer: &str) -> Metadata {
    Metadata {
        issuer: issuer.into(),
        url: Url::parse(issuer).unwrap(),
        document: None,
        origins: Vec::new(),
        plain_http: PlainHttp::default(),
    }
}

fn read_jwks_uri(metadata: &Metadata, document: &Value) -> Result<String, UnavailableReason> {
    metadata.jwks_uri(document.to_string().as_bytes())
}

// conformance 124, 125, 126
#[test]
fn metadata_urls_are_the_three_known_forms() {
    for (issuer, urls) in [
        (
            "https://acme.okta.com/oauth2/default",
            &[
                "https://acme.okta.com/oauth2/default/.well-known/openid-configuration",
                "https://acme.okta.com/.well-known/oauth-authorization-server/oauth2/default",
                "https://acme.okta.com/oauth2/default/.well-known/oauth-authorization-server",
            ][..],
        ),
        (
            "https://issuer.test",
            &[
                "https://issuer.test/.well-known/openid-configuration",
                "https://issuer.test/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "https://issuer.test/",
            &[
                "https://issuer.test/.well-known/openid-configuration",
                "https://issuer.test/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "https://issuer.test:8443/a/",
            &[
                "https://issuer.test:8443/a/.well-known/openid-configuration",
                "https://issuer.test:8443/.well-known/oauth-authorization-server/a",
                "https://issuer.test:8443/a/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "http://[::1]:4011/a",
            &[
                "http://[::1]:4011/a/.well-known/openid-configuration",
                "http://[::1]:4011/.well-known/oauth-authorization-server/a",
                "http://[::1]:4011/a/.well-known/oauth-authorization-server",
            ],
        ),
    ] {
        assert_eq!(metadata(issuer).candidates(), urls, "{issuer}");
    }
}

// conformance 127, 128
#[test]
fn metadata_of_another_issuer_is_rejected() {
    let own = metadata("https://issuer.test/a");
    for issuer in [
        "https://issuer.test/a/",
        "https://issuer.test/A",
        "https://Issuer.test/a",
        "HTTPS://issuer.test/a",
        "https://issuer.test:443/a",
        "https://issuer.test/%61",
        "https://issuer.test/a ",
        "https://issuer.test/b/../a",
        "https://evil.test/a",
        "https://issuer.test",
        "",
    ] {
        let document = json!({ "issuer": issuer, "jwks_uri": "https://issuer.test/keys" });
        let refused = read_jwks_uri(&own, &document);
        assert!(
            matches!(refused, Err(UnavailableReason::OtherIssuer { .. })),
            "{issuer}"
        );
    }
    let nfd = "https://issuer.test/e\u{301}";
    let document = json!({ "issuer": nfd, "jwks_uri": "https://issuer.test/keys" });
    let nfc = metadata("https://issuer.test/\u{e9}");
    assert!(matches!(
        read_jwks_uri(&nfc, &document),
        Err(UnavailableReason::OtherIssuer { .. })
    ));
    // Equal after unescaping.
    let escaped =
        br#"{"issuer":"https:\/\/issuer.test\/\u0061","jwks_uri":"https:\/\/issuer.test/keys"}"#;
    assert_eq!(own.jwks_uri(escaped).unwrap(), "https://issuer.test/keys");
}

// conformance 131
#[test]
fn metadata_that_is_not_an_object_is_malformed() {
    let own = metadata("https://issuer.test/a");
    let documents: [&[u8]; 12] = [
        b"",
        b"[]",
        b"null",
        b"<html>",
        b"{}",
        b"\xff",
        br#"{"issuer":"https://issuer.test/a"}"#,
        br#"{"issuer":"https://issuer.test/a","jwks_uri":null}"#,
        br#"{"issuer":"https://issuer.test/a","jwks_uri":["https://issuer.test/keys"]}"#,
        br#"{"issuer":["https://issuer.test/a"],"jwks_uri":"https://issuer.test/keys"}"#,
        br#"{"issuer":"https://evil.test","issuer":"https://issuer.test/a","jwks_uri":"https://issuer.test/keys"}"#,
        br#"["https://issuer.test/a","https://issuer.test/keys"]"#,
    ];
    for document in documents {
        let refused = own.jwks_uri(document);
        assert!(
            matches!(refused, Err(UnavailableReason::Malformed { .. })),
            "{}: {refused:?}",
            String::from_utf8_lossy(document)
        );
    }
}

// conformance 87, 129
#[test]
fn jwks_uri_without_https_or_of_another_origin_is_rejected() {
    let own = metadata("https://issuer.test/a");
    for jwks_uri in [
        "http://issuer.test/keys",
        "http://127.0.0.1/keys",
        "https://keys.test/keys",
        "https://issuer.test:8443/keys",
        "https://issuer.test.evil.test/keys",
        "https://sub.issuer.test/keys",
        "https://ada@issuer.test/keys",
        "https://ada:secret@issuer.test/keys",
        "https://issuer.test@evil.test/keys",
        "https://evil.test\\@issuer.test/keys",
        "https://issuer.test/keys#part",
        "file:///etc/passwd",
        "data:application/json,{}",
        "ftp://issuer.test/keys",
        "//issuer.test/keys",
        "/keys",
        "",
    ] {
        let document = json!({ "issuer": "https://issuer.test/a", "jwks_uri": jwks_uri });
        let refused = read_jwks_uri(&own, &document);
        assert!(
            matches!(
                refused,
                Err(UnavailableReason::ForeignUrl {
                    member: "jwks_uri",
                    ..
                })
            ),
            "{jwks_uri}: {refused:?}"
        );
    }
    for jwks_uri in [
        "https://issuer.test/keys?client_id=1",
        "https://issuer.test:443/keys",
        "https://ISSUER.test/keys",
    ] {
        let document = json!({ "issuer": "https://issuer.test/a", "jwks_uri": jwks_uri });
        assert_eq!(read_jwks_uri(&own, &document).unwrap(), jwks_uri);
    }
}

// conformance 87, 129
#[test]
fn jwks_uri_of_a_configured_origin_is_accepted() {
    let mut own = metadata("https://issuer.test/a");
    own.origins = vec![origin("https://keys.test")];
    for (jwks_uri, taken) in [
        ("https://keys.test/v1", true),
        ("https://issuer.test/v1", true),
        ("http://keys.test/v1", false),
        ("https://keys.test:444/v1", false),
        ("https://other.test/v1", false),
    ] {
        let document = json!({ "issuer": "https://issuer.test/a", "jwks_uri": jwks_uri });
        assert_eq!(read_jwks_uri(&own, &document).is_ok(), taken, "{jwks_uri}");
    }
}

// conformance 129
#[test]
fn jwks_uri_over_http_is_for_loopback_issuers_only() {
    let mut own = metadata("http://127.0.0.1:4011/a");
    own.plain_http = PlainHttp::new(true, Vec::new());
    for (jwks_uri, taken) in [
        ("http://127.0.0.1:4011/keys", true),
        ("http://127.0.0.1:4012/keys", false),
        ("http://localhost:4011/keys", false),
        ("http://evil.test/keys", false),
        ("https://evil.test/keys", false),
    ] {
        let document = json!({ "issuer": "http://127.0.0.1:4011/a", "jwks_uri": jwks_uri });
        assert_eq!(read_jwks_uri(&own, &document).is_ok(), taken, "{jwks_uri}");
    }
}

fn origin(text: &str) -> Origin {
    Url::parse(text).unwrap().origin()
}

// conformance 87, 129
#[test]
fn jwks_uri_over_http_must_have_a_named_origin() {
    let document = |jwks_uri: &str| json!({ "issuer": "https://sso.test/a", "jwks_uri": jwks_uri });
    let mut own = metadata("https://sso.test/a");
    own.document = Some("http://keycloak:8080/a/metadata".to_owned());
    own.origins = vec![origin("http://keycloak:8080")];
    let inside = document("http://keycloak:8080/keys");
    assert!(read_jwks_uri(&own, &inside).is_err(), "no permission");
    own.plain_http = PlainHttp::new(false, vec![origin("http://keycloak:8080")]);
    for (jwks_uri, taken) in [
        ("http://keycloak:8080/keys", true),
        ("https://sso.test/keys", true),
        ("http://sso.test/keys", false),
        ("http://keycloak/keys", false),
        ("http://keycloak:8081/keys", false),
        ("http://keycloak.evil.test:8080/keys", false),
        ("http://keycloak:8080@evil.test/keys", false),
        ("https://keycloak:8080/keys", false),
        ("http://127.0.0.1:8080/keys", false),
        ("ws://keycloak:8080/keys", false),
    ] {
        let read = read_jwks_uri(&own, &document(jwks_uri));
        assert_eq!(read.is_ok(), taken, "{jwks_uri}");
    }
    // The permission for http is not one for the metadata to name the origin.
    own.document = None;
    own.origins = Vec::new();
    assert!(read_jwks_uri(&own, &inside).is_err());
}

// conformance 127, 128
#[test]
fn metadata_url_is_the_only_one_that_is_requested() {
    let mut own = metadata("https://sso.test/a");
    own.document = Some("https://inside.test:443/metadata?p=1".to_owned());
    assert_eq!(own.candidates(), ["https://inside.test:443/metadata?p=1"]);
    own.origins = vec![origin("https://inside.test")];
    for issuer in ["https://inside.test/a", "https://sso.test/a/", ""] {
        let document = json!({ "issuer": issuer, "jwks_uri": "https://inside.test/keys" });
        let refused = read_jwks_uri(&own, &document);
        assert!(
            matches!(refused, Err(UnavailableReason::OtherIssuer { .. })),
            "{issuer}"
        );
    }
    for (jwks_uri, taken) in [
        ("https://inside.test/keys", true),
        ("https://sso.test/keys", true),
        ("https://evil.test/keys", false),
        ("http://inside.test/keys", false),
    ] {
        let document = json!({ "issuer": "https://sso.test/a", "jwks_uri": jwks_uri });
        assert_eq!(read_jwks_uri(&own, &document).is_ok(), taken, "{jwks_uri}");
    }
}

/// Fetches the metadata while only the `served` form (counted from 0) exists and the others fail with
/// `error`. Returns the result and the number of requested forms.
async fn requested(
    served: usize,
    error: UnavailableReason,
) -> (Result<String, UnavailableReason>, usize) {
    let own = metadata("https://issuer.test/a");
    let urls = own.candidates();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let script = Script::new(move |url, _| {
        log.lock().unwrap().push(url.to_owned());
        let there = urls.get(served).is_some_and(|it| it == url);
        let response = JsonResponse {
            body: br#"{"issuer":"https://issuer.test/a","jwks_uri":"https://issuer.test/keys"}"#
                .to_vec(),
            fresh_for: std::time::Duration::ZERO,
        };
        let result = if there {
            Ok(Revalidated::Modified(response, None))
        } else {
            Err(error.clone())
        };
        async move { result }
    });
    let result = Location::jwks_uri(None, own.clone())
        .locate(&Fetch::Scripted(script), Now::read())
        .await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen[..], own.candidates()[..seen.len()], "in order");
    (result, seen.len())
}

// conformance 126
#[tokio::test]
async fn metadata_next_form_is_tried_after_404_and_410_only() {
    let status = |status| UnavailableReason::Status {
        status,
        retry_after: None,
    };
    for gone in [404, 410] {
        for served in 0..3 {
            let (result, forms) = requested(served, status(gone)).await;
            assert_eq!(
                (result.unwrap().as_str(), forms),
                ("https://issuer.test/keys", served + 1)
            );
        }
        let (result, forms) = requested(3, status(gone)).await;
        assert!(matches!(result, Err(UnavailableReason::Status { status, .. }) if status == gone));
        assert_eq!(forms, 3);
    }
    for error in [
        status(301),
        status(302),
        status(400),
        status(401),
        status(403),
        status(429),
        status(500),
        status(503),
        UnavailableReason::Timeout,
        UnavailableReason::ContentType {
            fields: 1,
            value: "text/html".into(),
        },
        UnavailableReason::TooLarge { limit: 1 },
    ] {
        let (result, forms) = requested(1, error.clone()).await;
        let same = result.unwrap_err().to_string() == error.to_string();
        assert!(same && forms == 1, "{error}");
    }
}
