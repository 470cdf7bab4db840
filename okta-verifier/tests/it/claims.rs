//! Claims of a signed token: rejections first, then every shape that is accepted.

use std::time::{Duration, UNIX_EPOCH};

use okta_verifier::{Algorithm, SubjectKind, Verifier};
use okta_verifier_testing::{CLIENT_ID, TestIssuer};
use serde_json::{Value, json};

use crate::support::pinned_keys::{assert_code, build, code, now, okta, verifier, verify};

// conformance 50, 51, 52, 53
#[test]
fn token_outside_its_validity_period_is_rejected() {
    let okta = okta();
    let exact = build(okta.issuer().any_client_id().leeway(Duration::ZERO));
    let lenient = verifier(&okta);
    let token = || okta.token("ada");
    for (token, without, with) in [
        (token().expired(), "expired", "expired"),
        (
            token().expires_at(now()).issued_at(now() - 9),
            "expired",
            "ok",
        ),
        (
            token().expires_at(now() - 50).issued_at(now() - 90),
            "expired",
            "ok",
        ),
        (
            token().expires_at(now() - 61).issued_at(now() - 90),
            "expired",
            "expired",
        ),
        (token().not_before(now() + 50), "not_yet_valid", "ok"),
        (
            token().not_before(now() + 900),
            "not_yet_valid",
            "not_yet_valid",
        ),
        (token().issued_at(now() + 50), "issued_in_future", "ok"),
        (
            token().issued_at(now() + 900),
            "issued_in_future",
            "issued_in_future",
        ),
        (
            token().issued_at(now() - 5).expires_at(now() - 5),
            "expired",
            "invalid_claim",
        ),
        (token().not_before(now()), "ok", "ok"),
    ] {
        assert_code(&exact, token.clone(), without);
        assert_code(&lenient, token, with);
    }
}

// conformance 49
#[test]
fn claim_dates_must_be_json_numbers() {
    let okta = okta();
    let verifier = verifier(&okta);
    for (exp, expected) in [
        (json!(now() + 60), "ok"),
        (json!(now() as f64 + 60.5), "ok"),
        (json!(3.3e10), "ok"),
        (json!((now() + 60).to_string()), "invalid_claim"),
        (json!(true), "invalid_claim"),
        (json!(-1), "invalid_claim"),
        (json!(1e300), "invalid_claim"),
        (json!(u64::MAX), "invalid_claim"),
        (json!(null), "invalid_claim"),
    ] {
        assert_code(&verifier, okta.token("ada").claim("exp", exp), expected);
    }
    assert_code(&verifier, okta.token("ada").without("exp"), "missing_claim");
    let ends = okta.token("ada").claim("exp", 32_503_680_000.75).sign();
    let moment = UNIX_EPOCH + Duration::from_secs(32_503_680_000);
    assert_eq!(verify(&verifier, &ends).unwrap().expires_at(), moment);
    // Up to the largest exact number. Dates after the year 9999 are reported as its end, because
    // not every platform's clock reaches further.
    let endless = okta.token("ada").claim("exp", 1_u64 << 53).sign();
    let far = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    assert_eq!(verify(&verifier, &endless).unwrap().expires_at(), far);
}

// conformance 54, 55, 83, 92
#[test]
fn token_for_another_audience_is_rejected() {
    let okta = okta();
    let verifier = verifier(&okta);
    let with = |aud: Value| okta.token("ada").claim("aud", aud);
    for (aud, expected) in [
        (json!("api://billing"), "wrong_audience"),
        (json!("api://orders/"), "wrong_audience"),
        (json!("API://orders"), "wrong_audience"),
        (json!([]), "invalid_claim"),
        (json!(["api://orders", 1]), "invalid_claim"),
        (json!(["api://billing"]), "wrong_audience"),
        (json!(["api://billing", "api://orders"]), "ok"),
        (json!(["api://orders"]), "ok"),
    ] {
        assert_code(&verifier, with(aud), expected);
    }
    assert_code(&verifier, okta.token("ada").without("aud"), "missing_claim");
}

// conformance 55, 81, 82, 91
#[test]
fn token_of_an_issuer_under_another_issuers_key_is_rejected() {
    let issuer = |name| {
        okta()
            .at(format!("https://okta.test/oauth2/{name}"))
            .algorithms([Algorithm::ES256])
    };
    let (a, b) = (issuer("a"), issuer("b"));
    let both = Verifier::builder()
        .issuer(a.issuer().any_client_id())
        .issuer(b.issuer().any_client_id())
        .build()
        .unwrap();
    let b_keys: Value = serde_json::from_str(&b.jwks()).unwrap();
    let b_kid = b_keys["keys"][0]["kid"].as_str().unwrap();
    let says_b = a.token("ada").claim("iss", b.issuer_url());
    for (token, expected) in [
        (a.token("ada"), "ok"),
        (b.token("ada"), "ok"),
        (says_b.clone(), "unknown_key_id"),
        (says_b.key_id(b_kid), "bad_signature"),
        (
            a.token("ada").claim("iss", "https://okta.test/oauth2/a/"),
            "unknown_issuer",
        ),
        (
            a.token("ada").claim("iss", "https://OKTA.test/oauth2/a"),
            "unknown_issuer",
        ),
        (
            a.token("ada").claim("iss", "https://okta.test"),
            "org_authorization_server",
        ),
        (a.token("ada").without("iss"), "missing_claim"),
    ] {
        assert_code(&both, token, expected);
    }
    let token = verify(&both, &b.token("ada").sign()).unwrap();
    assert_eq!((token.issuer(), token.subject()), (b.issuer_url(), "ada"));
}

// conformance 90
#[test]
fn token_of_an_unlisted_client_is_rejected() {
    let okta = okta();
    let listed = build(okta.issuer().client_id(CLIENT_ID).client_id("0oabatch"));
    for (token, expected) in [
        (
            okta.token("ada").client_id("0oaunlisted"),
            "client_not_allowed",
        ),
        (okta.token("ada").without("cid"), "missing_claim"),
        (
            okta.token("ada")
                .without("cid")
                .claim("client_id", CLIENT_ID),
            "missing_claim",
        ),
        (
            okta.token("ada").claim("client_id", "0oabatch"),
            "invalid_claim",
        ),
        (okta.token("ada").claim("cid", [CLIENT_ID]), "invalid_claim"),
        (okta.token("ada"), "ok"),
        (okta.token("").service().client_id("0oabatch"), "ok"),
        (
            okta.token("ada")
                .without("cid")
                .claim("client_id", CLIENT_ID)
                .typ("at+jwt"),
            "ok",
        ),
    ] {
        assert_code(&listed, token, expected);
    }
}

// conformance 168, 185, 187
#[test]
fn token_with_cnf_is_rejected_without_a_sender_constraint() {
    let okta = okta();
    let bound = okta.token("ada").bound_to_key();
    assert_code(&verifier(&okta), bound, "binding_unchecked");
    let unknown = okta.token("ada").claim("cnf", json!({}));
    assert_code(&verifier(&okta), unknown, "binding_unchecked");
}

// conformance 98, 203, 204
#[test]
fn token_of_an_okta_agent_is_accepted_with_any_client_id() {
    let okta = TestIssuer::new("https://agent2.example.com");
    // Okta's AI-agent token exchange: `scope` is a string, there is no cid and no jti.
    let payload = json!({
        "iss": okta.issuer_url(), "sub": "0oa9jh6hizeR7uMag0g7",
        "aud": "https://agent2.example.com", "iat": now(), "exp": now() + 3600,
        "scope": "chat.read chat.history", "sub_profile": "service",
        "act": {
            "sub": "0oaagent1", "sub_profile": "ai_agent",
            "act": { "sub": "0oafirst", "sub_profile": "service", "exp": 1 }
        }
    });
    let jwt = okta.token("").raw_payload(payload.to_string()).sign();
    let listed = build(okta.issuer().client_id(CLIENT_ID));
    assert_eq!(code(&listed, &jwt), "missing_claim");
    let token = verify(&verifier(&okta), &jwt).unwrap();
    assert_eq!(
        token.scopes().collect::<Vec<_>>(),
        ["chat.read", "chat.history"]
    );
    assert_eq!((token.client_id(), token.jti()), (None, None));
    assert_eq!(token.subject_kind(), SubjectKind::Unknown);
    let act: Value = token.claim("act").unwrap().unwrap();
    assert_eq!(act["sub"], "0oaagent1");
}

// conformance 98
#[test]
fn claim_scopes_are_read_from_every_shape_and_never_split() {
    let okta = okta();
    let verifier = verifier(&okta);
    for (scp, scope) in [
        (json!(["a", "b"]), None),
        (json!("a b"), None),
        (json!(["a", "b"]), Some(json!("b a"))),
        (json!(["a", "b"]), Some(json!(["a", "b"]))),
    ] {
        let mut token = okta.token("ada").claim("scp", scp);
        if let Some(scope) = scope {
            token = token.claim("scope", scope);
        }
        let token = verify(&verifier, &token.sign()).unwrap();
        assert_eq!(token.scopes().collect::<Vec<_>>(), ["a", "b"]);
        for absent in ["", "a b", "A", "ab", " "] {
            assert!(!token.has_scope(absent), "{absent:?}");
        }
    }
    for rejected in [
        okta.token("ada").claim("scp", ["a b"]),
        okta.token("ada").claim("scp", json!(["a", 1])),
        okta.token("ada").claim("scp", json!(7)),
        okta.token("ada").claim("scp", ["a"]).claim("scope", "a b"),
    ] {
        assert_code(&verifier, rejected, "invalid_claim");
    }
}
