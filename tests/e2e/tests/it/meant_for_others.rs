//! Valid tokens that this API must not accept.

use serde_json::json;

use crate::api::{self, Api, INVALID_TOKEN};
use crate::server::{AuthorizationServer, CLIENT, DEFAULT, TENANT_B, access_token, decode, now};

// conformance 83, 92
#[test]
fn token_for_another_audience_is_rejected() {
    let server = AuthorizationServer::start();
    let token = server.token_for(&[("scope", "read"), ("resource", "api://billing")]);
    assert_eq!(decode(&token).1["aud"], "api://billing");
    Api::of(&server)
        .get("/me", &token)
        .is(INVALID_TOKEN, "another audience");
}

// decision 16: only the configured clients
#[test]
fn token_of_another_client_is_rejected() {
    let server = AuthorizationServer::start();
    let form = [
        ("scope", "read"),
        ("client_id", "0oaclient2"),
        ("client_secret", "secret2-secret2-secret2"),
    ];
    let token = access_token(&server.request_token(&format!("{DEFAULT}/v1/token"), &[], &form));
    assert_eq!(decode(&token).1["cid"], "0oaclient2");
    Api::of(&server)
        .get("/me", &token)
        .is(INVALID_TOKEN, "another client");
    Api::with(
        &server,
        &[("OKTA_CLIENT_IDS", &format!("{CLIENT},0oaclient2"))],
    )
    .get("/me", &token)
    .is_accepted("named");
    Api::with(&server, &[("OKTA_CLIENT_IDS", "*")])
        .get("/me", &token)
        .is_accepted("any");
}

// conformance 82: an issuer that is not configured causes no request
#[test]
fn token_of_another_issuer_is_rejected() {
    let (server, api) = api::start();
    api.get("/me", &server.token("read")).is_accepted("before");
    let form = [("scope", "read")];
    let tenant_b = access_token(&server.request_token(&format!("{TENANT_B}/v1/token"), &[], &form));
    assert_eq!(
        decode(&tenant_b).1["iss"],
        format!("{}{TENANT_B}", server.base())
    );
    let org = access_token(&server.request_token("/oauth2/v1/token", &[], &form));
    assert_eq!(decode(&org).1["iss"], server.base());

    server.take_hits("keys");
    api.get("/me", &tenant_b).is(INVALID_TOKEN, "tenant-b");
    api.get("/me", &org).is(INVALID_TOKEN, "the org server");
    assert_eq!(server.take_hits("keys"), 0);
}

// conformance 50, 52
#[test]
fn expired_token_is_rejected_after_the_leeway() {
    let (server, api) = api::start();
    let mut claims = server.claims();
    claims["iat"] = json!(now() - 3600);
    for (ago, accepted) in [(30, true), (90, false), (3000, false)] {
        claims["exp"] = json!(now() - ago);
        let answer = api.get("/me", &server.sign(json!({}), &claims));
        let what = format!("expired {ago} s ago, leeway 60 s");
        if accepted {
            answer.is_accepted(&what)
        } else {
            answer.is(INVALID_TOKEN, &what)
        }
    }
}

// conformance 168, 185, 187: a bound token is rejected unless its binding can be checked
#[test]
fn dpop_bound_token_is_rejected_as_bearer() {
    let (server, api) = api::start();
    let token_endpoint = format!("{DEFAULT}/v1/token");
    let header =
        json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": server.public_key(DEFAULT, "ES256") });
    let proof = json!({
        "htm": "POST", "htu": format!("{}{token_endpoint}", server.base()), "jti": "proof-1", "iat": now(),
    });
    let proof = server.sign(header, &proof);
    let answer = server.request_token(&token_endpoint, &[("dpop", &proof)], &[("scope", "read")]);
    assert_eq!(answer["token_type"], "DPoP", "{answer}");
    let token = access_token(&answer);
    assert!(decode(&token).1["cnf"]["jkt"].is_string());
    api.get("/me", &token)
        .is(INVALID_TOKEN, "bound by the real server");

    for cnf in [
        json!({ "x5t#S256": "abc" }),
        json!({ "kid": "k" }),
        json!({}),
        json!("x"),
        json!(null),
    ] {
        let mut claims = server.claims();
        claims["cnf"] = cnf;
        let what = claims["cnf"].to_string();
        api.get("/me", &server.sign(json!({}), &claims))
            .is(INVALID_TOKEN, &what);
    }
}

// conformance 84, 85: other JWTs signed with the same keys
#[test]
fn other_kinds_of_jwt_are_rejected() {
    let (server, api) = api::start();
    for typ in [
        "dpop+jwt",
        "secevent+jwt",
        "logout+jwt",
        "token-introspection+jwt",
        "global-token-revocation+jwt",
        "oauth-id-jag+jwt",
        "application/secevent+jwt",
    ] {
        let token = server.sign(json!({ "alg": "RS256", "typ": typ }), &server.claims());
        api.get("/me", &token).is(INVALID_TOKEN, typ);
    }
    let token = server.sign(json!({ "alg": "RS256" }), &server.claims());
    api.get("/me", &token)
        .is_accepted("the same claims without a type");
}
