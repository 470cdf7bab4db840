//! Policies of a route: 403, and the scopes that would suffice.

mod claim_path;
mod owned;
mod rejection;
mod scope_alternatives;

use okta_verifier::{AnyToken, Policy, Requirement, VerifiedToken};
use okta_verifier_testing::TokenBuilder;
use serde_json::json;

use crate::support::pinned_keys::{authenticate, okta, verifier, verify};

const A: Policy = Policy::scope("a");
const B: Policy = Policy::scope("b");
const C: Policy = Policy::scope("c");
const ADMINS: Policy = Policy::group("Admins");
const STAFF: Policy = Policy::group("Staff");
const NEVER: Policy = Policy::when("never", |_| false);

fn with(scopes: &[&str], groups: &[&str]) -> VerifiedToken {
    token(|mut token| {
        for scope in scopes {
            token = token.scope(*scope);
        }
        for group in groups {
            token = token.group(*group);
        }
        token
    })
}

fn token(change: impl FnOnce(TokenBuilder) -> TokenBuilder) -> VerifiedToken {
    let okta = okta();
    verify(&verifier(&okta), &change(okta.token("ada")).sign()).expect("a valid token")
}

/// Returns `ok`, or 403 with the scopes of the challenge.
fn result_of(token: &VerifiedToken, policy: Policy) -> String {
    let Err(rejection) = token.require(policy) else {
        return "ok".to_owned();
    };
    assert_eq!(rejection.status(), 403);
    let challenge = rejection
        .headers()
        .find(|(name, _)| name == "www-authenticate");
    match challenge {
        None => "forbidden".to_owned(),
        Some((_, value)) => {
            let value = value.to_str().expect("ASCII");
            let start = r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope=""#;
            let scope = value.strip_prefix(start).expect(value);
            scope.strip_suffix('"').expect(value).to_owned()
        }
    }
}

// conformance 15, 17
#[test]
fn policy_challenge_names_the_scopes_of_the_first_satisfiable_alternative() {
    let empty = with(&[], &[]);
    for (policy, expected) in [
        (A, "a"),
        (Policy::all(const { &[A, B] }), "a b"),
        (Policy::all(const { &[B, A, B] }), "b a"),
        (Policy::any(const { &[B, A] }), "b"),
        (ADMINS, "forbidden"),
        (Policy::claim("x", "y"), "forbidden"),
        (NEVER, "forbidden"),
        // No scope can replace the other rules.
        (Policy::all(const { &[A, ADMINS] }), "forbidden"),
        (Policy::all(const { &[NEVER, A] }), "forbidden"),
        (Policy::any(const { &[ADMINS, NEVER] }), "forbidden"),
        // The first alternative that scopes can satisfy, without the scopes of the others.
        (Policy::any(const { &[ADMINS, A] }), "a"),
        (
            Policy::any(const { &[Policy::all(const { &[A, ADMINS] }), B] }),
            "b",
        ),
        (
            Policy::any(const { &[Policy::all(const { &[A, B] }), C] }),
            "a b",
        ),
        (
            Policy::all(const { &[A, Policy::any(const { &[ADMINS, B] })] }),
            "a b",
        ),
        (
            Policy::all(const { &[Policy::any(const { &[ADMINS, NEVER] }), A] }),
            "forbidden",
        ),
        (
            Policy::all(
                const {
                    &[
                        C,
                        Policy::any(const { &[Policy::all(const { &[A, NEVER] }), B] }),
                    ]
                },
            ),
            "c b",
        ),
    ] {
        assert_eq!(result_of(&empty, policy), expected, "{policy:?}");
    }
}

// conformance 15
#[test]
fn policy_alternative_that_is_met_needs_no_more_scopes() {
    let admin = with(&["a"], &["Admins"]);
    for (policy, expected) in [
        // All scopes that the resource needs, including the one that the token has (RFC 6750 §3.1).
        (Policy::all(const { &[A, B] }), "a b"),
        (Policy::all(const { &[ADMINS, B] }), "b"),
        (
            Policy::all(const { &[B, Policy::any(const { &[C, A] })] }),
            "b a",
        ),
        (
            Policy::all(const { &[B, Policy::any(const { &[C, ADMINS] })] }),
            "b",
        ),
        (Policy::all(const { &[B, STAFF] }), "forbidden"),
        (Policy::any(const { &[STAFF, ADMINS] }), "ok"),
        (
            Policy::any(const { &[NEVER, Policy::all(const { &[A, ADMINS] })] }),
            "ok",
        ),
    ] {
        assert_eq!(result_of(&admin, policy), expected, "{policy:?}");
    }
}

// conformance 15, 17
#[test]
fn policy_compares_scopes_and_groups_exactly() {
    let token = with(&["orders:read", "A"], &["Admins of all", "staff"]);
    for policy in [
        Policy::scope("orders"),
        Policy::scope("orders:rea"),
        Policy::scope("orders:read:all"),
        Policy::scope("Orders:read"),
        A,
        ADMINS,
        STAFF,
        Policy::group("Admins of"),
        Policy::group("of"),
    ] {
        assert_ne!(result_of(&token, policy), "ok", "{policy:?}");
    }
    for policy in [
        Policy::scope("orders:read"),
        Policy::scope("A"),
        Policy::group("Admins of all"),
        AnyToken::POLICY,
        Policy::any_token(),
    ] {
        assert_eq!(result_of(&token, policy), "ok", "{policy:?}");
    }
}

// conformance 99
#[test]
fn policy_reads_groups_from_objects_and_ignores_other_shapes() {
    for (groups, expected) in [
        (json!([{ "value": "Admins" }, { "value": "Staff" }]), "ok"),
        (json!(["Staff", "Admins"]), "ok"),
        (json!("Admins"), "ok"),
        (json!([["Admins"]]), "forbidden"),
        (json!([{ "display": "Admins" }]), "forbidden"),
        (json!({ "Admins": true }), "forbidden"),
        (json!("Staff,Admins"), "forbidden"),
        (json!(["Admins", 1]), "forbidden"),
    ] {
        let token = token(|token| token.claim("groups", &groups));
        assert_eq!(result_of(&token, ADMINS), expected, "{groups}");
    }
}

// conformance 15, 194
#[test]
fn policy_claim_equals_a_string_or_a_whole_element() {
    let token = token(|token| {
        token
            .claim("tier", "gold")
            .claim("roles", ["admin", "staff \"x\""])
            .claim("acme.tier", "silver")
            .claim("acme", json!({ "tier": "bronze" }))
            .claim("amr", ["pwd", "otp"])
            .claim("level", 7)
            .claim("active", true)
            .claim("nothing", json!(null))
            .claim("mixed", json!(["admin", 7]))
            .claim("deep", json!([["admin"]]))
            .claim("list", "admin staff")
    });
    for (name, value) in [
        ("tier", "gold"),
        ("roles", "admin"),
        ("roles", "staff \"x\""),
        ("acme.tier", "silver"),
        ("amr", "otp"),
        ("list", "admin staff"),
    ] {
        assert_eq!(
            result_of(&token, Policy::claim(name, value)),
            "ok",
            "{name} {value}"
        );
    }
    for (name, value) in [
        ("tier", "gol"),
        ("tier", "golden"),
        ("tier", "Gold"),
        ("amr", "OTP"),
        ("tier", ""),
        ("roles", "adm"),
        ("roles", "[\"admin\",\"staff\"]"),
        ("acme.tier", "bronze"),
        ("acme", "bronze"),
        ("level", "7"),
        ("active", "true"),
        ("nothing", "null"),
        ("nothing", ""),
        ("absent", ""),
        ("mixed", "admin"),
        ("deep", "admin"),
        ("list", "admin"),
        ("roles.0", "admin"),
    ] {
        let policy = Policy::claim(name, value);
        assert_eq!(result_of(&token, policy), "forbidden", "{policy:?}");
    }
}

// conformance 88
#[test]
fn policy_custom_rule_sees_the_whole_token() {
    const PERSON: Policy = Policy::when("a person", |token| token.subject() == "ada");
    const PERSON_WITH_A: Policy = Policy::all(&[PERSON, A]);
    let okta = okta();
    let person = with(&[], &[]);
    let service = okta.token("").service().scope("a").sign();
    let service = verify(&verifier(&okta), &service).unwrap();
    assert_eq!(result_of(&person, PERSON), "ok");
    assert_eq!(result_of(&person, PERSON_WITH_A), "a");
    assert_eq!(result_of(&service, PERSON), "forbidden");
    assert_eq!(result_of(&service, PERSON_WITH_A), "forbidden");
}

// conformance 9, 11, 15
#[test]
fn policy_is_checked_against_the_request_extensions() {
    let okta = okta();
    let verifier = verifier(&okta);
    let token = authenticate(&verifier, &okta.token("ada").sign()).unwrap();
    let anonymous = verifier.anonymous();
    let status = |token, anonymous| match A.admit(token, anonymous) {
        Ok(_) => 200,
        Err(rejection) => rejection.status().as_u16(),
    };
    assert_eq!(status(Some(&token), None), 403);
    assert_eq!(status(Some(&token), Some(&anonymous)), 403);
    assert_eq!(status(None, Some(&anonymous)), 401);
    assert_eq!(status(None, None), 500);
    assert!(AnyToken::POLICY.admit(Some(&token), None).is_ok());
    assert!(AnyToken::POLICY.admit(None, Some(&anonymous)).is_err());
    assert!(AnyToken::POLICY.admit(None, None).is_err());
}

// conformance 17
#[test]
fn policy_that_is_malformed_panics_at_construction() {
    for build in [
        || Policy::scope(""),
        || Policy::scope("a b"),
        || Policy::scope("a\"b"),
        || Policy::scope("a\\b"),
        || Policy::scope("é"),
        || Policy::scope("a\r\n"),
        || Policy::group(""),
        || Policy::claim("", "x"),
        || Policy::all(&[]),
        || Policy::any(&[]),
        || Policy::acr(&[]),
        || Policy::acr(&[""]),
        || Policy::acr(&["a", "a b"]),
    ] as [fn() -> Policy; 13]
    {
        assert!(std::panic::catch_unwind(build).is_err());
    }
}

// conformance 20
#[test]
fn policy_debug_output_shows_the_rule_and_no_claim() {
    const RULE: Policy = Policy::any(&[
        Policy::all(&[A, ADMINS]),
        Policy::claim("tier", "gold"),
        NEVER,
    ]);
    assert_eq!(
        format!("{RULE:?}"),
        r#"any of [all of [scope "a", group "Admins"], claim "tier" is "gold", when "never"]"#
    );
    assert_eq!(format!("{:?}", Policy::any_token()), "any token");
}
