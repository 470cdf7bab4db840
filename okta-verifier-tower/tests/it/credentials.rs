//! Every kind of credentials through [`VerifyLayer`], with the response to the byte.

use http::{Method, Request, Response, Version};
use okta_verifier_testing::TestIssuer;
use okta_verifier_tower::VerifyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    INVALID, MALFORMED, PLAIN, assert_rejected, assert_served, bearer, get, okta, verifier, whoami,
};

async fn call(request: Request<()>) -> Response<String> {
    let layer = VerifyLayer::new(verifier(okta()));
    let Ok(response) = layer.layer(service_fn(whoami)).oneshot(request).await;
    response
}

fn valid() -> String {
    okta().token("ada").sign()
}

/// RFC 9110 §11.1: the scheme is case-insensitive. RFC 6750 §2.1: one or more spaces follow it.
#[tokio::test]
async fn valid_token_is_accepted() {
    let jwt = valid();
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
        let response = call(get("/orders", &[format!("{scheme}{jwt}").as_bytes()])).await;
        assert_served(scheme, &response, "ada");
    }
}

// conformance 25
/// RFC 6750 §3.1: no error code if the request has no authentication information.
#[tokio::test]
async fn missing_bearer_credentials_are_401_without_an_error() {
    let rows: &[(&str, &[&[u8]])] = &[
        ("no Authorization field", &[]),
        ("Basic", &[b"Basic YWRhOmFkYQ=="]),
        ("Digest", &[br#"Digest username="ada""#]),
        ("a scheme that begins with Bearer", &[b"Bearertoken abc"]),
    ];
    for (name, authorization) in rows {
        assert_rejected(
            name,
            &call(get("/orders", authorization)).await,
            401,
            Some(PLAIN),
        );
    }
}

/// RFC 6750 §2.1 and §3.1, RFC 9110 §5.3.
#[tokio::test]
async fn malformed_credentials_are_400() {
    let jwt = valid();
    let valid = format!("Bearer {jwt}");
    let long = format!("Bearer {}", "a".repeat(20 * 1024));
    let rows: &[(&str, &[&[u8]])] = &[
        ("scheme alone", &[b"Bearer"]),
        ("empty token", &[b"Bearer "]),
        ("tab", &[b"Bearer\tabc"]),
        ("comma", &[b"Bearer a,b"]),
        ("inner equals sign", &[b"Bearer a=b"]),
        ("quotes", &[br#"Bearer "abc""#]),
        ("two tokens", &[b"Bearer abc def"]),
        ("UTF-8", &["Bearer é".as_bytes()]),
        ("Latin-1", &[b"Bearer \xe9"]),
        ("20 KiB", &[long.as_bytes()]),
        ("two lines", &[b"Bearer abc", b"Bearer def"]),
        ("the same line twice", &[valid.as_bytes(), valid.as_bytes()]),
        (
            "a valid token and Basic",
            &[valid.as_bytes(), b"Basic YWRhOmFkYQ=="],
        ),
        (
            "Basic and a valid token",
            &[b"Basic YWRhOmFkYQ==", valid.as_bytes()],
        ),
    ];
    for (name, authorization) in rows {
        assert_rejected(
            name,
            &call(get("/orders", authorization)).await,
            400,
            Some(MALFORMED),
        );
    }
}

// conformance 7
/// RFC 6750 §2: one method per request. The query is never accepted as one (RFC 9700 §4.3.2).
#[tokio::test]
async fn query_token_is_never_accepted() {
    let jwt = valid();
    let uri = format!("/orders?page=2&access_token={jwt}");
    assert_rejected("query alone", &call(get(&uri, &[])).await, 401, Some(PLAIN));

    let both = get(&uri, &[format!("Bearer {jwt}").as_bytes()]);
    assert_rejected("query and header", &call(both).await, 400, Some(MALFORMED));

    let near = get(
        "/orders?my_access_token=x",
        &[format!("Bearer {jwt}").as_bytes()],
    );
    assert_served("another parameter", &call(near).await, "ada");
}

#[tokio::test]
async fn invalid_token_is_401() {
    let okta = okta();
    let rows = [
        ("not a JWT", "a.b.c".to_owned()),
        ("opaque", "2YotnFZFEjr1zCsicMWpAA".to_owned()),
        ("encrypted", okta.token("ada").encrypted().sign()),
        ("unsigned", okta.token("ada").unsigned().sign()),
        ("tampered", okta.token("ada").tampered().sign()),
        ("another key", okta.token("ada").foreign_key().sign()),
        ("an unknown key", okta.token("ada").unpublished_key().sign()),
        ("expired", okta.token("ada").expired().sign()),
        (
            "another audience",
            okta.token("ada").audience("api://billing").sign(),
        ),
        (
            "another issuer",
            TestIssuer::rfc9068("api://orders").token("ada").sign(),
        ),
        (
            "an ID token",
            okta.token("ada").id_token().audience("api://orders").sign(),
        ),
        ("bound to a key", okta.token("ada").bound_to_key().sign()),
    ];
    for (name, jwt) in rows {
        assert_rejected(name, &call(bearer(&jwt)).await, 401, Some(INVALID));
    }
}

// conformance 31
/// The layer exempts no method: a CORS layer outside responds to preflights.
#[tokio::test]
async fn options_request_is_verified_like_any_other() {
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/orders")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .body(())
        .expect("the request is valid");
    assert_rejected("OPTIONS", &call(preflight).await, 401, Some(PLAIN));
}

// conformance 32
/// RFC 9110 §11.7: proxy credentials are for the proxy only.
#[tokio::test]
async fn proxy_authorization_is_ignored() {
    let request = Request::get("/orders")
        .header("proxy-authorization", format!("Bearer {}", valid()))
        .body(())
        .expect("the request is valid");
    assert_rejected(
        "Proxy-Authorization",
        &call(request).await,
        401,
        Some(PLAIN),
    );
}

// finding 3
/// Other HTTP versions have no gRPC, whatever the headers say, even if `grpc` is on.
#[tokio::test]
async fn grpc_rejection_outside_http_2_is_plain_http() {
    let layer = VerifyLayer::new(verifier(okta())).grpc();
    for (version, status) in [
        (Version::HTTP_09, 401),
        (Version::HTTP_10, 401),
        (Version::HTTP_11, 401),
        (Version::HTTP_2, 200),
        (Version::HTTP_3, 401),
    ] {
        let request = Request::post("/orders")
            .version(version)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .expect("a request");
        let Ok(response) = layer.layer(service_fn(whoami)).oneshot(request).await;
        assert_eq!(response.status(), status, "{version:?}");
        let has_grpc_status = response.headers().contains_key("grpc-status");
        assert_eq!(has_grpc_status, status == 200, "{version:?}");
    }
}

// finding 3
/// HTTP/2 allows one value of `te` (RFC 9113 §8.2.2), which hyper enforces; other servers need not.
#[tokio::test]
async fn grpc_rejection_with_another_te_is_plain_http() {
    let layer = VerifyLayer::new(verifier(okta())).grpc();
    for te in ["", "gzip", "trailers, gzip", "trailers;q=0", "xtrailers"] {
        let request = Request::post("/orders")
            .version(Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", te)
            .body(())
            .expect("a request");
        let Ok(response) = layer.layer(service_fn(whoami)).oneshot(request).await;
        assert_rejected(te, &response, 401, Some(PLAIN));
    }
}
