//! `Authorization` fields without a token that could be verified.

use crate::api::{self, INVALID_TOKEN, MALFORMED, NO_CREDENTIALS};
use crate::server::http_client;

// conformance 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
#[test]
fn credentials_of_each_kind_get_their_response() {
    let (server, api) = api::start();
    let token = server.token("read");
    let bearer = format!("Bearer {token}");

    assert_eq!(api.send("/health", &[]).status, 200);
    for path in ["/me", "/orders", "/admin"] {
        api.send(path, &[]).is(NO_CREDENTIALS, path);
    }
    api.send(&format!("/me?access_token={token}"), &[])
        .is(NO_CREDENTIALS, "in the query alone");
    api.send("/me", &["Basic dXNlcjpwYXNz"])
        .is(NO_CREDENTIALS, "another scheme");

    api.send("/me", &[&bearer, &bearer]).is(MALFORMED, "twice");
    api.send("/me", &["Basic dXNlcjpwYXNz", &bearer])
        .is(MALFORMED, "two schemes");
    api.send(&format!("/me?access_token={token}"), &[&bearer])
        .is(MALFORMED, "header and query");
    api.send("/me", &["Bearer"]).is(MALFORMED, "no token");
    api.send("/me", &[&format!("Bearer\t{token}")])
        .is(MALFORMED, "a tab");
    api.send("/me", &[&format!("Bearer {token},{token}")])
        .is(MALFORMED, "a comma");
    api.send("/me", &[&format!("Bearer \"{token}\"")])
        .is(MALFORMED, "quoted");
    api.send("/me", &[&format!("Bearer {}", "a".repeat(16 * 1024 + 1))])
        .is(MALFORMED, "over 16 KiB");
}

// conformance 14, 33, 210
#[test]
fn token_of_another_form_is_invalid() {
    let (server, api) = api::start();
    let opaque = server.token_for(&[("scope", "read"), ("resource", "api://opaque")]);
    assert!(!opaque.contains('.'), "{opaque}");
    api.get("/me", &opaque)
        .is(INVALID_TOKEN, "an opaque token of the real server");

    let token = server.token("read");
    api.get("/me", &format!("{token}.a.b"))
        .is(INVALID_TOKEN, "five parts");
    api.get("/me", token.rsplit_once('.').expect("three parts").0)
        .is(INVALID_TOKEN, "two parts");
}

// conformance 9, 31
#[test]
fn preflight_without_a_cors_layer_is_rejected() {
    let (_server, api) = api::start();
    let response = http_client()
        .options(api.url("/me"))
        .call()
        .expect("the API responds");
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], NO_CREDENTIALS.1[0]);
}
