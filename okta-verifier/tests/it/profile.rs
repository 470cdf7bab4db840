//! Other kinds of JWT that are not access tokens, and the profile of RFC 9068.

use okta_verifier::SubjectKind;
use okta_verifier_testing::{CLIENT_ID, TestIssuer};
use serde_json::json;

use crate::support::pinned_keys::{AUDIENCE, assert_code, build, code, okta, verifier, verify};

fn profile() -> TestIssuer {
    TestIssuer::rfc9068("https://orders.test")
}

// conformance 84, 86
#[test]
fn profile_rejects_an_id_token() {
    let okta = okta();
    let verifier = verifier(&okta);
    assert_code(&verifier, okta.token("ada").id_token(), "wrong_audience");
    // If the client ID equals the audience, only the shape of the token differs.
    let id_token = || okta.token("ada").id_token().audience(AUDIENCE);
    assert_code(&verifier, id_token(), "not_an_access_token");
    for one_mark in [
        id_token().without("at_hash").without("nonce"),
        id_token().claim("jti", "x").without("nonce"),
        id_token().claim("jti", "x").without("at_hash"),
    ] {
        assert_code(&verifier, one_mark, "not_an_access_token");
    }
}

// conformance 84, 85, 215
#[test]
fn profile_rejects_a_security_event_token() {
    let okta = okta();
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let event = || okta.token("ada").claim("events", json!({ uri: {} }));
    assert_code(
        &verifier(&okta),
        event().typ("secevent+jwt"),
        "type_not_allowed",
    );
    assert_code(&verifier(&okta), event(), "not_an_access_token");
    // RFC 8417 §2.2: neither sub nor exp.
    let bare = event().without("sub").without("exp");
    assert_code(&verifier(&okta), bare, "missing_claim");
}

// conformance 84, 85
#[test]
fn profile_rejects_a_logout_token() {
    let okta = okta();
    let uri = "http://schemas.openid.net/event/backchannel-logout";
    let logout = || {
        okta.token("ada")
            .claim("events", json!({ uri: {} }))
            .claim("sid", "1")
            .without("cid")
    };
    assert_code(
        &verifier(&okta),
        logout().typ("logout+jwt"),
        "type_not_allowed",
    );
    assert_code(&verifier(&okta), logout(), "not_an_access_token");
    let global = okta.token("ada").typ("global-token-revocation+jwt");
    assert_code(&verifier(&okta), global, "type_not_allowed");
}

// conformance 84, 85
#[test]
fn profile_rejects_a_dpop_proof_as_a_token() {
    let okta = okta();
    let proof = json!({
        "jti": "-BwC3ESc6acc2lTc", "htm": "GET", "htu": "https://orders.test/", "iat": 1_562_262_616
    });
    let proof = || okta.token("").raw_payload(proof.to_string());
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" });
    let as_sent = proof().typ("dpop+jwt").header("jwk", jwk);
    // As a client sends it, then under a published key, then with the claims of an access token.
    let without_kid = as_sent.clone().without_header("kid");
    assert_code(&verifier(&okta), without_kid, "missing_claim");
    assert_code(&verifier(&okta), as_sent, "missing_claim");
    let dressed = okta.token("ada").typ("dpop+jwt");
    assert_code(&verifier(&okta), dressed, "type_not_allowed");
}

// conformance 84, 85, 120
#[test]
fn profile_rejects_a_signed_introspection_response() {
    let okta = okta();
    // RFC 9701 §5: the token's own claims are one level down.
    let introspection = || {
        okta.token("ada")
            .claim(
                "token_introspection",
                json!({ "active": true, "sub": "ada" }),
            )
            .without("sub")
            .without("exp")
    };
    assert_code(&verifier(&okta), introspection(), "missing_claim");
    let dressed = okta.token("ada").typ("token-introspection+jwt");
    assert_code(&verifier(&okta), dressed, "type_not_allowed");
}

// conformance 84
#[test]
fn profile_rejects_a_client_assertion() {
    let okta = okta();
    // RFC 7523 §3: issuer and subject are the client, the audience is the authorization server.
    let assertion = || {
        okta.token(CLIENT_ID)
            .claim("iss", CLIENT_ID)
            .audience(format!("{}/v1/token", okta.issuer_url()))
    };
    assert_code(&verifier(&okta), assertion(), "unknown_issuer");
    let own = assertion().claim("iss", okta.issuer_url());
    assert_code(&verifier(&okta), own, "wrong_audience");
    let typed = okta.token("ada").typ("client-authentication+jwt");
    assert_code(&verifier(&okta), typed, "type_not_allowed");
}

// conformance 84, 85
#[test]
fn profile_rejects_an_identity_assertion_grant() {
    let okta = okta();
    // Okta's ID-JAG: issued by the org, for the authorization server.
    let grant = || {
        okta.token("ada")
            .claim("iss", "https://okta.test")
            .audience(okta.issuer_url())
            .claim("jti", "IDAAG.1")
            .without("cid")
    };
    assert_code(&verifier(&okta), grant(), "org_authorization_server");
    let own = grant().claim("iss", okta.issuer_url());
    assert_code(&verifier(&okta), own, "wrong_audience");
    let typed = okta.token("ada").typ("oauth-id-jag+jwt");
    assert_code(&verifier(&okta), typed, "type_not_allowed");
}

// conformance 85, 89
#[test]
fn profile_rfc9068_requires_the_explicit_type() {
    let (issuer, okta) = (profile(), okta());
    let strict = verifier(&issuer);
    for typ in [
        "JWT",
        "jwt",
        "application/jwt",
        "",
        "dpop+jwt",
        "secevent+jwt",
        "at+jwtx",
    ] {
        assert_code(&strict, issuer.token("ada").typ(typ), "type_not_allowed");
    }
    assert_code(
        &strict,
        issuer.token("ada").without_header("typ"),
        "type_not_allowed",
    );
    for typ in ["at+jwt", "AT+JWT", "at+JWT", "application/at+jwt"] {
        assert_code(&strict, issuer.token("ada").typ(typ), "ok");
    }
    // Okta's own tokens have no typ: accepted in its profile, rejected in this one.
    let jwt = okta.token("ada").sign();
    assert_eq!(code(&verifier(&okta), &jwt), "ok");
    let as_profile = build(
        okta_verifier::Issuer::rfc9068("https://issuer.test", AUDIENCE)
            .keys(okta.jwks())
            .any_client_id(),
    );
    let moved = okta.token("ada").claim("iss", "https://issuer.test");
    assert_code(&as_profile, moved, "type_not_allowed");
}

// conformance 90, 96
#[test]
fn profile_rfc9068_requires_every_mandatory_claim() {
    let issuer = profile();
    let strict = build(issuer.issuer().client_id(CLIENT_ID));
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        assert_code(&strict, issuer.token("ada").without(claim), "missing_claim");
        let any_client = verifier(&issuer);
        assert_code(
            &any_client,
            issuer.token("ada").without(claim),
            "missing_claim",
        );
    }
    for (token, expected) in [
        (
            issuer.token("ada").client_id("unlisted"),
            "client_not_allowed",
        ),
        (
            issuer
                .token("ada")
                .without("client_id")
                .claim("cid", CLIENT_ID),
            "missing_claim",
        ),
        (issuer.token("ada").claim("sub", ""), "missing_claim"),
        (issuer.token("ada").expired(), "expired"),
        (
            issuer.token("ada").audience("https://orders.test/"),
            "wrong_audience",
        ),
        (issuer.token("ada").tampered(), "bad_signature"),
        (issuer.token("ada").unsigned(), "algorithm_not_allowed"),
        (issuer.token("ada"), "ok"),
    ] {
        assert_code(&strict, token, expected);
    }
}

// conformance 88, 97, 98
#[test]
fn profile_rfc9068_token_has_its_claims() {
    let issuer = profile();
    let jwt = issuer
        .token("ada")
        .scope("openid")
        .scope("orders:read")
        .claim("auth_time", 1_600_000_000)
        .claim("amr", ["pwd", "otp"])
        .sign();
    let token = verify(&verifier(&issuer), &jwt).unwrap();
    assert_eq!(token.client_id(), Some(CLIENT_ID));
    assert_eq!(
        token.scopes().collect::<Vec<_>>(),
        ["openid", "orders:read"]
    );
    assert_eq!(
        token.claim::<Vec<String>>("amr").unwrap().unwrap(),
        ["pwd", "otp"]
    );
    assert_eq!(token.subject_kind(), SubjectKind::User);
    assert!(token.issued_at().is_some());
    let service = verify(&verifier(&issuer), &issuer.token("").service().sign()).unwrap();
    assert_eq!(service.subject_kind(), SubjectKind::Service);
}
