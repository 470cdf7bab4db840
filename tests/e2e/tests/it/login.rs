//! Tokens of users: the authorization code flow with PKCE, through the server's own pages.

use crate::api::{self, FORBIDDEN, INVALID_TOKEN};
use crate::browser::log_in;
use crate::server::{AUDIENCE, CLIENT, access_token, decode};

// conformance 88, 99
#[test]
fn user_is_authorized_by_group() {
    let (server, api) = api::start();

    let alice = access_token(&log_in(&server, "alice"));
    assert_eq!(decode(&alice).1["uid"], "00ualice");
    api.get("/me", &alice).is_accepted("alice");
    api.get("/admin", &alice).is_accepted("alice, of Admins");

    let bob = access_token(&log_in(&server, "bob"));
    api.get("/me", &bob).is_accepted("bob");
    api.get("/admin", &bob).is(FORBIDDEN, "bob, not of Admins");

    let machine = server.token("orders:read");
    api.get("/admin", &machine)
        .is(FORBIDDEN, "a machine without groups");
}

// conformance 84, 86: same issuer, key and header; only the claims differ
#[test]
fn id_token_is_rejected() {
    let (server, api) = api::start();
    let answer = log_in(&server, "alice");
    api.get("/me", &access_token(&answer))
        .is_accepted("the access token of the same login");

    let id_token = answer["id_token"].as_str().expect("an ID token");
    let (header, claims) = decode(id_token);
    assert_eq!(claims["aud"], CLIENT);
    api.get("/me", id_token).is(INVALID_TOKEN, "an ID token");

    // The same token with the API's audience and a client, so that only its shape is wrong.
    let mut claims = claims;
    claims["aud"] = AUDIENCE.into();
    claims["cid"] = CLIENT.into();
    api.get("/me", &server.sign(header.clone(), &claims))
        .is_accepted("without the marks of an ID token");
    for (claim, value) in [
        ("jti", "ID.abc"),
        ("at_hash", "abc"),
        ("c_hash", "abc"),
        ("nonce", "n"),
    ] {
        let mut claims = claims.clone();
        claims[claim] = value.into();
        let token = server.sign(header.clone(), &claims);
        api.get("/me", &token).is(INVALID_TOKEN, claim);
    }
}
