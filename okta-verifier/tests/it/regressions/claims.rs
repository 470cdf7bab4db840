//! Claims of a token, and the policies that read them.

use std::time::Duration;

use okta_verifier::{ConfigError, Policy, Verifier, adapter::RequestCredentials};
use okta_verifier_testing::TokenBuilder;
use serde_json::json;

use crate::support::pinned_keys::{authenticate, code, now, okta, verifier, verify};

/// Returns whether a token with this change meets the policy.
fn meets(policy: Policy, change: impl FnOnce(TokenBuilder) -> TokenBuilder) -> bool {
    let okta = okta();
    let token = verify(&verifier(&okta), &change(okta.token("ada")).sign()).unwrap();
    token.require(policy).is_ok()
}

/// Returns the result code of a token with this change.
fn result_code(change: impl FnOnce(TokenBuilder) -> TokenBuilder) -> &'static str {
    let okta = okta();
    code(&verifier(&okta), &change(okta.token("ada")).sign())
}

// conformance 15
#[test]
fn okta_js_matches_groups_by_substring() {
    const GROUP: Policy = Policy::group("Admins");
    const CLAIM: Policy = Policy::claim("groups", "Admins");
    for policy in [GROUP, CLAIM] {
        for value in [
            json!("NotAdmins"),
            json!("Admins,Readers"),
            json!(["NotAdmins", "Admins2"]),
        ] {
            assert!(
                !meets(policy, |token| token.claim("groups", &value)),
                "{value}"
            );
        }
        assert!(meets(policy, |token| token.group("Admins")));
    }
}

// conformance 15
#[test]
fn okta_js_cannot_name_a_claim_with_a_dot() {
    const DOTTED: Policy = Policy::claim("acme.example/role", "admin");
    secret_scan::public("acme.example/role"); // the event about a rejection shows the policy
    assert!(meets(DOTTED, |token| token.claim("acme.example/role", "admin")));
    assert!(!meets(DOTTED, |token| {
        token.claim("acme", json!({ "example/role": "admin" }))
    }));
}

// conformance 52
#[test]
fn okta_go_never_checks_nbf() {
    assert_eq!(
        result_code(|token| token.not_before(now() + 600)),
        "not_yet_valid"
    );
    assert_eq!(result_code(|token| token.not_before(now() - 600)), "ok");
}

// conformance 20
#[test]
fn okta_go_returns_claims_beside_an_error() {
    let okta = okta();
    let jwt = okta
        .token("ada")
        .claim("department", "engines")
        .expired()
        .sign();
    // A `Result` has claims or an error, and the error shows no claim.
    let rejection = authenticate(&verifier(&okta), &jwt).unwrap_err();
    let error = rejection.error().unwrap();
    for text in [
        format!("{error} {error:?}"),
        format!("{rejection} {rejection:?}"),
    ] {
        for word in ["ada", "engines", "api://orders"] {
            assert!(!text.contains(word), "{text}");
        }
    }
}

// conformance 98
#[test]
fn aws_and_auth0_do_not_see_the_scp_array() {
    const READ: Policy = Policy::scope("orders:read");
    for scope in [
        ("scp", json!(["orders:write", "orders:read"])),
        ("scope", json!("orders:write orders:read")),
    ] {
        assert!(
            meets(READ, |token| token.claim(scope.0, &scope.1)),
            "{scope:?}"
        );
    }
    assert!(!meets(READ, |token| token.claim("scp", ["orders:reader"])));
}

// conformance 6, 7
#[test]
fn auth0_accepts_a_token_in_the_query() {
    let okta = okta();
    let verifier = verifier(&okta);
    let query = format!("access_token={}", okta.token("ada").sign());
    let credentials = RequestCredentials::new([]).query(Some(&query));
    let rejection = verifier
        .authenticate(&credentials)
        .into_ready()
        .unwrap()
        .unwrap_err();
    assert_eq!(rejection.status(), 401);
    assert!(rejection.error().is_none(), "the token was not verified");
}

// conformance 168, 187
#[test]
fn auth0_accepts_a_bound_token_as_plain_bearer() {
    let okta = okta();
    let rejection =
        authenticate(&verifier(&okta), &okta.token("ada").bound_to_key().sign()).unwrap_err();
    assert_eq!(rejection.status(), 401);
    assert!(rejection.error().is_some());
}

// conformance 185, 187
#[test]
fn auth0_ignores_certificate_binding_by_default() {
    let okta = okta();
    let bound = json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" });
    let jwt = okta.token("ada").claim("cnf", bound).sign();
    assert_eq!(
        authenticate(&verifier(&okta), &jwt).unwrap_err().status(),
        401
    );
}

// conformance 50, 54
#[test]
fn spring_leaves_aud_and_exp_optional() {
    for claim in ["aud", "exp", "iss", "sub"] {
        assert_eq!(
            result_code(|token| token.without(claim)),
            "missing_claim",
            "{claim}"
        );
    }
    assert_eq!(
        result_code(|token| token.audience("api://other")),
        "wrong_audience"
    );
}

// conformance 51, 53
#[test]
fn microsoft_allows_300_s_of_skew() {
    let ended = |seconds| {
        result_code(move |token| token.issued_at(now() - 3600).expires_at(now() - seconds))
    };
    assert_eq!(ended(90), "expired");
    assert_eq!(ended(30), "ok");
    let issuer = okta().issuer().any_client_id();
    let wide = issuer.leeway(Duration::from_secs(301));
    let error = Verifier::builder().issuer(wide).build().unwrap_err();
    assert!(matches!(error, ConfigError::Leeway { seconds: 301, .. }));
}
