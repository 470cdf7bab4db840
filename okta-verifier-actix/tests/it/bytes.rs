//! Every kind of credentials through [`VerifyMiddleware`], and the answer to the byte.

use actix_web::{http::Method, test::TestRequest, web};
use okta_verifier::Verifier;
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::TestIssuer;

use crate::support::{
    Answer, INVALID, MALFORMED, PLAIN, app, bearer, get, okta, send, strict, who,
};

async fn ask(request: TestRequest) -> Answer {
    let orders = web::resource("/orders").wrap(strict()).get(who);
    send(&app(orders).await, request).await
}

fn good() -> String {
    okta().token("ada").sign()
}

/// RFC 9110 §11.1: the scheme's case is free; RFC 6750 §2.1: one or more spaces.
#[tokio::test]
async fn a_good_token_is_served() {
    let jwt = good();
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
        let value = format!("{scheme}{jwt}");
        let answer = ask(get("/orders", &[value.as_bytes()])).await;
        answer.served(scheme, "ada");
    }
}

/// RFC 6750 §3.1: no error code for a caller that did not know it had to authenticate.
#[tokio::test]
async fn no_bearer_credentials_are_the_plain_401() {
    let rows: &[(&str, &[&[u8]])] = &[
        ("no Authorization field", &[]),
        ("Basic", &[b"Basic YWRhOmFkYQ=="]),
        ("Digest", &[br#"Digest username="ada""#]),
        ("a scheme that starts like ours", &[b"Bearertoken abc"]),
    ];
    for (name, authorization) in rows {
        let answer = ask(get("/orders", authorization)).await;
        answer.refused(name, 401, Some(PLAIN));
    }
}

/// RFC 6750 §2.1 and §3.1, RFC 9110 §5.3.
#[tokio::test]
async fn malformed_credentials_are_400() {
    let valid = format!("Bearer {}", good());
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
            "a good token beside Basic",
            &[valid.as_bytes(), b"Basic YWRhOmFkYQ=="],
        ),
        (
            "Basic beside a good token",
            &[b"Basic YWRhOmFkYQ==", valid.as_bytes()],
        ),
    ];
    for (name, authorization) in rows {
        let answer = ask(get("/orders", authorization)).await;
        answer.refused(name, 400, Some(MALFORMED));
    }
}

/// RFC 6750 §2: one method a request. The query alone is not a method here (RFC 9700 §4.3.2).
#[tokio::test]
async fn a_token_in_the_query_never_counts() {
    let jwt = good();
    let uri = format!("/orders?page=2&access_token={jwt}");
    let alone = ask(get(&uri, &[])).await;
    alone.refused("query alone", 401, Some(PLAIN));

    let beside = ask(bearer(&uri, &jwt)).await;
    beside.refused("query beside header", 400, Some(MALFORMED));

    let near = ask(bearer("/orders?my_access_token=x", &jwt)).await;
    near.served("another parameter", "ada");
}

#[tokio::test]
async fn a_bad_token_is_401_invalid_token() {
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
        let answer = ask(bearer("/orders", &jwt)).await;
        answer.refused(name, 401, Some(INVALID));
    }
}

/// The middleware exempts no method: a CORS middleware outside answers preflights.
#[tokio::test]
async fn options_is_judged_like_any_method() {
    let preflight = get("/orders", &[])
        .method(Method::OPTIONS)
        .insert_header(("origin", "https://app.example"))
        .insert_header(("access-control-request-method", "GET"));
    ask(preflight).await.refused("OPTIONS", 401, Some(PLAIN));
}

/// RFC 9110 §11.7: the proxy's credentials are for the proxy.
#[tokio::test]
async fn proxy_authorization_is_ignored() {
    let value = format!("Bearer {}", good());
    let request = get("/orders", &[]).insert_header(("proxy-authorization", value));
    let answer = ask(request).await;
    answer.refused("Proxy-Authorization", 401, Some(PLAIN));
}

/// The challenge crosses from one version of `http` to the other byte for byte.
#[tokio::test]
async fn a_realm_that_needs_escapes_arrives_as_it_is() {
    let verifier = Verifier::builder()
        .issuer(okta().issuer().any_client_id())
        .realm(r#"the "orders" \ API"#)
        .build()
        .expect("valid settings");
    let orders = web::resource("/orders")
        .wrap(VerifyMiddleware::new(verifier))
        .get(who);
    let answer = send(&app(orders).await, get("/orders", &[])).await;
    let challenge = r#"Bearer realm="the \"orders\" \\ API""#;
    answer.refused("realm", 401, Some(challenge));
}
