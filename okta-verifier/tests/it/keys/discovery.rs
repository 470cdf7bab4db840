//! Metadata discovery: from an issuer's URL to its keys, over a socket.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use okta_verifier::{Algorithm, Issuer, VerifyError, error::UnavailableReason};
use okta_verifier_testing::{Endpoint, Fault, MetadataForm, MockOkta, TestIssuer};

use crate::support::mock_issuer::{
    AUDIENCE, build, issuer, result_code, unavailable_reason, verifier, verifier_for_fault,
};

// conformance 124, 125, 126
#[tokio::test]
async fn discovery_requests_the_metadata_locations_in_order() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    let forms = [
        MetadataForm::OpenId,
        MetadataForm::OAuth,
        MetadataForm::OAuthLegacy,
    ];
    for (missing, form) in forms.into_iter().enumerate() {
        assert_eq!(
            result_code(&verifier(&okta), &token).await,
            "ok",
            "{form:?}"
        );
        assert_eq!(okta.hits().discovery, missing + 1);
        okta.reset_hits();
        okta.set_metadata(form, false);
    }
    let error = unavailable_reason(&verifier(&okta), &token).await;
    assert!(matches!(
        error,
        UnavailableReason::Status { status: 404, .. }
    ));
    // Without metadata, the URL of the keys is not guessed.
    assert_eq!((okta.hits().discovery, okta.hits().keys), (3, 0));
}

// conformance 126, 131
#[tokio::test]
async fn discovery_does_not_try_other_locations_after_a_server_error() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    for fault in [
        Fault::Status(401),
        Fault::Status(429),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Html,
        Fault::ContentType("text/plain"),
        Fault::Half,
        Fault::Truncate,
        Fault::Drop,
        Fault::Hang,
        Fault::Huge(1),
        Fault::OtherIssuer,
        Fault::Body(Vec::new()),
    ] {
        okta.reset_hits();
        okta.fault(Endpoint::Discovery, fault.clone());
        unavailable_reason(&verifier_for_fault(&okta, &fault), &token).await;
        let hits = okta.hits();
        assert_eq!((hits.discovery, hits.keys), (1, 0), "{fault:?}");
    }
}

// conformance 131
#[tokio::test]
async fn discovery_error_of_unreadable_metadata_has_the_cause() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    for (fault, expected) in [
        (
            Fault::ContentType("text/plain"),
            UnavailableReason::ContentType {
                fields: 1,
                value: "text/plain".into(),
            },
        ),
        (
            Fault::Html,
            UnavailableReason::ContentType {
                fields: 1,
                value: "text/html".into(),
            },
        ),
        (
            Fault::Huge(2),
            UnavailableReason::TooLarge { limit: 262_144 },
        ),
        (
            Fault::Half,
            UnavailableReason::Malformed {
                document: "metadata",
            },
        ),
    ] {
        okta.fault(Endpoint::Discovery, fault);
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert_eq!(error.to_string(), expected.to_string());
    }
    okta.fault(Endpoint::Discovery, Fault::Truncate);
    let error = unavailable_reason(&verifier(&okta), &token).await;
    assert!(
        matches!(error, UnavailableReason::Transport { .. }),
        "{error}"
    );
    okta.fault(
        Endpoint::Discovery,
        Fault::ContentType("Application/JSON; charset=utf-8"),
    );
    assert_eq!(result_code(&verifier(&okta), &token).await, "ok");
}

// conformance 127, 128
#[tokio::test]
async fn discovery_rejects_metadata_of_another_issuer() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    let url = okta.issuer_url().to_owned();
    for other in [
        format!("{url}/"),
        url.replace("default", "Default"),
        url.replace("http", "HTTP"),
        url.replace("127.0.0.1", "localhost"),
        "https://evil.test/oauth2/default".to_owned(),
    ] {
        secret_scan::public(&other); // the error names it
        let document = format!(r#"{{"issuer":"{other}","jwks_uri":"{url}/v1/keys"}}"#);
        okta.fault(Endpoint::Discovery, Fault::Body(document.into_bytes()));
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert!(
            matches!(error, UnavailableReason::OtherIssuer { .. }),
            "{other}: {error}"
        );
    }
    let escaped = url.replace('/', "\\/").replace("default", "d\\u0065fault");
    let document = format!(r#"{{"issuer":"{escaped}","jwks_uri":"{url}/v1/keys"}}"#);
    okta.fault(Endpoint::Discovery, Fault::Body(document.into_bytes()));
    assert_eq!(result_code(&verifier(&okta), &token).await, "ok");
}

// conformance 87, 129
#[tokio::test]
async fn discovery_never_requests_keys_of_another_origin() {
    let (okta, evil) = (MockOkta::start().await, MockOkta::start().await);
    let token = okta.token("ada").sign();
    let keys = format!("{}/v1/keys", evil.issuer_url());
    for jwks_uri in [
        keys.clone(),
        keys.replace("http", "https"),
        keys.replace("://", "://ada:secret@"),
        keys.replace("127.0.0.1", "localhost"),
        format!("{}/v1/keys", okta.issuer_url()).replace("://", "://ada@"),
        "file:///etc/passwd".to_owned(),
        "/oauth2/default/v1/keys".to_owned(),
    ] {
        okta.fault(Endpoint::Discovery, Fault::JwksUri(jwks_uri.clone()));
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert!(
            matches!(
                error,
                UnavailableReason::ForeignUrl {
                    member: "jwks_uri",
                    ..
                }
            ),
            "{jwks_uri}: {error}"
        );
    }
    assert_eq!((okta.hits().keys, evil.hits().keys), (0, 0));
}

// conformance 87, 129
#[tokio::test]
async fn discovery_accepts_keys_of_an_allowed_origin() {
    let (okta, host) = (MockOkta::start().await, MockOkta::start().await);
    let origin = host.issuer_url().trim_end_matches("/oauth2/default");
    let keys = format!("{}/v1/keys", host.issuer_url());
    okta.fault(Endpoint::Discovery, Fault::JwksUri(keys));
    let verifier = build(issuer(&okta).allow_origin(origin));
    // The host serves this issuer's keys, like a shared key server.
    let token = host.token("ada").claim("iss", okta.issuer_url()).sign();
    assert_eq!(result_code(&verifier, &token).await, "ok");
    assert_eq!((okta.hits().keys, host.hits().keys), (0, 1));
    assert_eq!(host.hits().discovery, 0);
}

// field kind C
// conformance 127
#[tokio::test]
async fn discovery_with_a_metadata_url_requests_only_this_url() {
    let (okta, inside) = (MockOkta::start().await, MockOkta::start().await);
    let url = format!("{}/.well-known/openid-configuration", inside.issuer_url());
    let issuer = || issuer(&okta).metadata_url(&url);
    let token = inside.token("ada").claim("iss", okta.issuer_url()).sign();
    // The document names the issuer at its own address.
    secret_scan::public(inside.issuer_url());
    let error = unavailable_reason(&build(issuer()), &token).await;
    assert!(
        matches!(error, UnavailableReason::OtherIssuer { .. }),
        "{error}"
    );
    assert_eq!((inside.hits().discovery, inside.hits().keys), (1, 0));
    inside.reset_hits();
    inside.fault(Endpoint::Discovery, Fault::Status(404));
    unavailable_reason(&build(issuer()), &token).await;
    assert_eq!(inside.hits().discovery, 1);
    // The keys may be on the issuer's own host, and on that of the document, but nowhere else.
    let elsewhere = MockOkta::start().await;
    let document = |keys: &MockOkta| {
        let (issuer, keys) = (okta.issuer_url(), keys.issuer_url());
        format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}/v1/keys"}}"#).into_bytes()
    };
    inside.fault(Endpoint::Discovery, Fault::Body(document(&elsewhere)));
    let error = unavailable_reason(&build(issuer()), &token).await;
    assert!(
        matches!(error, UnavailableReason::ForeignUrl { .. }),
        "{error}"
    );
    let origin = elsewhere.issuer_url().trim_end_matches("/oauth2/default");
    let third = elsewhere.token("ada").claim("iss", okta.issuer_url());
    let allowed = build(issuer().allow_origin(origin));
    assert_eq!(result_code(&allowed, &third.sign()).await, "ok");
    inside.fault(Endpoint::Discovery, Fault::Body(document(&inside)));
    assert_eq!(result_code(&build(issuer()), &token).await, "ok");
    inside.fault(Endpoint::Discovery, Fault::Body(document(&okta)));
    let own = okta.token("ada").sign();
    assert_eq!(result_code(&build(issuer()), &own).await, "ok");
    assert_eq!(okta.hits().discovery, 0);
}

// field kind C
#[tokio::test]
async fn discovery_is_not_used_with_a_jwks_uri() {
    let (okta, host) = (MockOkta::start().await, MockOkta::start().await);
    let keys = format!("{}/v1/keys", host.issuer_url());
    let token = host.token("ada").claim("iss", okta.issuer_url()).sign();
    let verifier = build(issuer(&okta).jwks_uri(&keys));
    // The keys of the configured URL are the only ones.
    let own = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &own).await, "unknown_key_id");
    assert_eq!(result_code(&verifier, &token).await, "ok");
    for it in [&okta, &host] {
        assert_eq!(it.hits().discovery, 0);
    }
    assert_eq!(okta.hits().keys, 0);
    // A failure at the URL does not cause a look-up in the metadata.
    for fault in [Fault::Status(404), Fault::Redirect(keys.clone())] {
        host.fault(Endpoint::Keys, fault);
        let verifier = build(issuer(&okta).jwks_uri(&keys));
        unavailable_reason(&verifier, &token).await;
        assert!(verifier.refresh().await.is_err());
    }
    assert_eq!((okta.hits().discovery, host.hits().discovery), (0, 0));
}

// conformance 87
#[tokio::test]
async fn discovery_does_not_follow_redirects() {
    let (okta, evil) = (MockOkta::start().await, MockOkta::start().await);
    let token = okta.token("ada").sign();
    for (endpoint, own, path) in [
        (
            Endpoint::Discovery,
            true,
            "/.well-known/openid-configuration",
        ),
        (
            Endpoint::Discovery,
            false,
            "/.well-known/openid-configuration",
        ),
        (Endpoint::Keys, true, "/v1/keys"),
        (Endpoint::Keys, false, "/v1/keys"),
    ] {
        okta.clear_faults();
        okta.reset_hits();
        let target = if own { &okta } else { &evil };
        let target = format!("{}{path}", target.issuer_url());
        okta.fault(endpoint, Fault::Redirect(target));
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert!(matches!(
            error,
            UnavailableReason::Redirect { status: 302, .. }
        ));
        let requests = match endpoint {
            Endpoint::Discovery => okta.hits().discovery,
            _ => okta.hits().keys,
        };
        assert_eq!(requests, 1);
    }
    assert_eq!((evil.hits().discovery, evil.hits().keys), (0, 0));
}

// conformance 82
#[tokio::test]
async fn discovery_is_not_started_by_a_token_of_an_unknown_issuer() {
    let (okta, evil) = (MockOkta::start().await, MockOkta::start().await);
    let verifier = verifier(&okta);
    let foreign = [
        evil.token("ada").sign(),
        okta.token("ada")
            .claim("iss", format!("{}/", okta.issuer_url()))
            .sign(),
        okta.token("ada")
            .claim("iss", okta.issuer_url().to_uppercase())
            .sign(),
        evil.token("ada")
            .header("jku", format!("{}/v1/keys", evil.issuer_url()))
            .header("x5u", evil.issuer_url())
            .sign(),
    ];
    for token in foreign {
        assert_eq!(result_code(&verifier, &token).await, "unknown_issuer");
    }
    for okta in [&okta, &evil] {
        assert_eq!((okta.hits().discovery, okta.hits().keys), (0, 0));
    }
}

// conformance 81, 82
#[tokio::test]
async fn discovery_keeps_the_keys_of_each_issuer_apart() {
    let (one, other) = (MockOkta::start().await, MockOkta::start().await);
    let verifier = okta_verifier::Verifier::builder()
        .issuer(issuer(&one))
        .issuer(Issuer::okta(other.issuer_url(), AUDIENCE).any_client_id())
        .build()
        .unwrap();
    verifier.warm_up().await.unwrap();
    for okta in [&one, &other] {
        let token = okta.token("ada").sign();
        assert_eq!(result_code(&verifier, &token).await, "ok");
        assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
    }
    let forged = other.token("ada").claim("iss", one.issuer_url()).sign();
    assert_eq!(result_code(&verifier, &forged).await, "unknown_key_id");
    // The `kid` of one issuer with the signature of the other; RSA key pairs are shared in a process.
    let borrowed = other
        .token("ada")
        .algorithm(Algorithm::ES256)
        .claim("iss", one.issuer_url())
        .key_id(&one.key_ids()[1])
        .sign();
    assert_eq!(result_code(&verifier, &borrowed).await, "bad_signature");
}

// conformance 24
#[tokio::test]
async fn discovery_reads_rate_limit_headers_of_a_429_only_and_bounds_every_wait() {
    for (head, seconds) in [
        ("429 \r\nx-rate-limit-reset: 99999999999", 120),
        ("429 \r\nx-rate-limit-reset: 1000", 1),
        ("429 \r\nx-rate-limit-reset: soon", 1),
        (
            "429 \r\nretry-after: 7\r\nx-rate-limit-reset: 99999999999",
            7,
        ),
        ("500 \r\nx-rate-limit-reset: 99999999999", 1),
        ("503 \r\nretry-after: 7", 7),
        ("503 \r\nretry-after: 99999999999999999999", 1),
        ("503 \r\nretry-after: -7", 1),
    ] {
        let url = respond_once(head);
        let okta = TestIssuer::new(AUDIENCE).at(&url);
        let verifier = build(Issuer::okta(url, AUDIENCE).any_client_id());
        let Err(VerifyError::Unavailable { retry_after, .. }) =
            verifier.verify(&okta.token("ada").sign()).await
        else {
            panic!("{head}");
        };
        assert_eq!(retry_after.as_secs_f64().ceil() as u64, seconds, "{head}");
    }
}

/// Returns the URL of an issuer that responds to one request with this status and these fields.
fn respond_once(head: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback socket");
    let address = listener.local_addr().expect("a bound socket");
    let response = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 4096];
        stream.read(&mut request).map(drop)?; // one segment on loopback
        stream.write_all(response.as_bytes())
    });
    format!("http://{address}/oauth2/default")
}
