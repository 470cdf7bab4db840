//! Every kind of credentials through [`VerifyMiddleware`], with the response to the byte.

use actix_web::{http::Method, test::TestRequest, web};
use okta_verifier::Verifier;
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::TestIssuer;

use crate::support::{
    Answer, INVALID, MALFORMED, PLAIN, app, bearer, get, okta, send, strict, whoami,
};

async fn call(request: TestRequest) -> Answer {
    let orders = web::resource("/orders").wrap(strict()).get(whoami);
    send(&app(orders).await, request).await
}

fn valid() -> String {
    okta().token("ada").sign()
}

/// RFC 9110 §11.1: the scheme is case-insensitive. RFC 6750 §2.1: one or more spaces follow it.
#[tokio::test]
async fn valid_token_is_accepted() {
    let jwt = valid();
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
        let value = format!("{scheme}{jwt}");
        let response = call(get("/orders", &[value.as_bytes()])).await;
        response.assert_served(scheme, "ada");
    }
}

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
        let response = call(get("/orders", authorization)).await;
        response.assert_rejected(name, 401, Some(PLAIN));
    }
}

/// RFC 6750 §2.1 and §3.1, RFC 9110 §5.3.
#[tokio::test]
async fn malformed_credentials_are_400() {
    let valid = format!("Bearer {}", valid());
    let long = format!("Bearer {}", "a".repeat(20 * 1024));
    let rows: &[(&str, &[&[u8]])] = &[
        ("empty value", &[b""]),
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
        let response = call(get("/orders", authorization)).await;
        response.assert_rejected(name, 400, Some(MALFORMED));
    }
}

/// RFC 6750 §2: one method per request. The query is never accepted as one (RFC 9700 §4.3.2).
#[tokio::test]
async fn query_token_is_never_accepted() {
    let jwt = valid();
    let uri = format!("/orders?page=2&access_token={jwt}");
    let alone = call(get(&uri, &[])).await;
    alone.assert_rejected("query alone", 401, Some(PLAIN));

    let both = call(bearer(&uri, &jwt)).await;
    both.assert_rejected("query and header", 400, Some(MALFORMED));

    let near = call(bearer("/orders?my_access_token=x", &jwt)).await;
    near.assert_served("another parameter", "ada");
}

#[tokio::test]
async fn invalid_token_is_401() {
    let okta = okta();
    let token = || okta.token("ada");
    let rows = [
        ("not a JWT", "a.b.c".to_owned()),
        ("opaque", "2YotnFZFEjr1zCsicMWpAA".to_owned()),
        ("encrypted", token().encrypted().sign()),
        ("unsigned", token().unsigned().sign()),
        ("tampered", token().tampered().sign()),
        ("another key", token().foreign_key().sign()),
        ("an unknown key", token().unpublished_key().sign()),
        ("expired", token().expired().sign()),
        ("another audience", token().audience("api://billing").sign()),
        (
            "another issuer",
            TestIssuer::rfc9068("api://orders").token("ada").sign(),
        ),
        (
            "an ID token",
            token().id_token().audience("api://orders").sign(),
        ),
        ("bound to a key", token().bound_to_key().sign()),
    ];
    for (name, jwt) in rows {
        let response = call(bearer("/orders", &jwt)).await;
        response.assert_rejected(name, 401, Some(INVALID));
    }
}

/// The middleware exempts no method: a CORS middleware outside responds to preflights.
#[tokio::test]
async fn options_request_is_verified_like_any_other() {
    let preflight = get("/orders", &[])
        .method(Method::OPTIONS)
        .insert_header(("origin", "https://app.example"))
        .insert_header(("access-control-request-method", "GET"));
    call(preflight)
        .await
        .assert_rejected("OPTIONS", 401, Some(PLAIN));
}

/// RFC 9110 §11.7: proxy credentials are for the proxy only.
#[tokio::test]
async fn proxy_authorization_is_ignored() {
    let value = format!("Bearer {}", valid());
    let request = get("/orders", &[]).insert_header(("proxy-authorization", value));
    let response = call(request).await;
    response.assert_rejected("Proxy-Authorization", 401, Some(PLAIN));
}

/// The challenge is converted between the two versions of `http` byte for byte.
#[tokio::test]
async fn realm_with_escapes_is_sent_unchanged() {
    let verifier = Verifier::builder()
        .issuer(okta().issuer().any_client_id())
        .realm(r#"the "orders" \ API"#)
        .build()
        .expect("valid settings");
    let orders = web::resource("/orders")
        .wrap(VerifyMiddleware::new(verifier))
        .get(whoami);
    let response = send(&app(orders).await, get("/orders", &[])).await;
    let challenge = r#"Bearer realm="the \"orders\" \\ API""#;
    response.assert_rejected("realm", 401, Some(challenge));
}
