//! The scopes of a policy as alternatives: each of them is sufficient, and needs every one of its scopes.

use std::{fmt::Write, sync::LazyLock};

use okta_verifier::{OwnedPolicy, Policy, VerifiedToken};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{A, ADMINS, B, C, NEVER, token, with};

fn read(value: &Value) -> OwnedPolicy {
    serde_json::from_str(&value.to_string()).expect("a policy")
}

#[test]
fn scope_alternatives_are_minimal_and_in_the_order_of_the_policy() {
    const NESTED: Policy = Policy::any(&[Policy::all(&[A, B]), C]);
    const A_OR_B: Policy = Policy::any(&[A, B]);
    const A_AND_B: Policy = Policy::all(&[A, B]);
    const B_AND_A: Policy = Policy::all(&[B, A]);
    const B_OR_C: Policy = Policy::any(&[B, C]);
    let none: &[&[&str]] = &[&[]];
    for (policy, expected) in [
        (Policy::any_token(), none),
        (ADMINS, none),
        (NEVER, none),
        (Policy::bound(), none),
        (A, &[&["a"]]),
        (Policy::all(&[A, ADMINS, B]), &[&["a", "b"]]),
        (Policy::all(&[B, A, B]), &[&["b", "a"]]),
        (A_OR_B, &[&["a"], &["b"]]),
        (Policy::any(&[A, A]), &[&["a"]]),
        (Policy::any(&[A, ADMINS]), none),
        // What needs more than another alternative is left out.
        (Policy::any(&[A_AND_B, A]), &[&["a"]]),
        (Policy::any(&[A, B_AND_A]), &[&["a"]]),
        (Policy::all(&[A_OR_B, A]), &[&["a"]]),
        (NESTED, &[&["a", "b"], &["c"]]),
        (Policy::all(&[NESTED, B]), &[&["a", "b"], &["c", "b"]]),
        (Policy::all(&[A_OR_B, B_OR_C]), &[&["a", "c"], &["b"]]),
    ] {
        assert_eq!(
            policy.scope_alternatives().expect("few"),
            expected,
            "{policy:?}"
        );
        let owned = OwnedPolicy::from(policy);
        assert_eq!(
            owned.scope_alternatives().expect("few"),
            expected,
            "{policy:?}"
        );
    }
}

/// Returns an `all` of `count` choices of two scopes, which has 2^`count` alternatives.
fn choices(count: usize) -> Value {
    let choice = |number| json!({ "any": [{ "scope": format!("a{number}") }, { "scope": format!("b{number}") }] });
    json!({ "all": (0..count).map(choice).collect::<Vec<_>>() })
}

#[test]
fn scope_alternatives_beyond_64_are_none() {
    assert_eq!(
        read(&choices(6)).scope_alternatives().map(|it| it.len()),
        Some(64)
    );
    for policy in [
        choices(7),
        choices(150),
        json!({ "any": [choices(6), { "scope": "c" }] }),
        json!({ "any": (0..65).map(|number| json!({ "scope": format!("s{number}") })).collect::<Vec<_>>() }),
        json!({ "any": [choices(7), { "scope": "a0" }] }),
    ] {
        assert_eq!(read(&policy).scope_alternatives(), None);
    }
}

#[test]
fn scope_alternatives_of_any_policy_are_found_at_once() {
    // The largest policy that can be read, of 16 levels: `any` and `all` in turn.
    let mut policy = json!({ "scope": "a" });
    for level in 0..15 {
        let name = if level % 2 == 0 { "any" } else { "all" };
        let others = (0..60).map(|number| json!({ "scope": format!("s{level}-{number}") }));
        policy = json!({ name: std::iter::once(policy).chain(others).collect::<Vec<_>>() });
    }
    let _ = read(&policy).scope_alternatives();
}

/// A policy over the scopes `a` to `f`, the group `Admins`, and rules that are about neither.
fn policies() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => "[a-f]".prop_map(|scope| json!({ "scope": scope })),
        1 => Just(json!({ "any_token": true })),
        1 => Just(json!({ "group": "Admins" })),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        let list = prop::collection::vec(inner, 1..4);
        prop_oneof![
            list.clone().prop_map(|list| json!({ "all": list })),
            list.prop_map(|list| json!({ "any": list })),
        ]
    })
}

const SCOPES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A token for each set of the scopes, which is a number with one bit for each of them. The subject is in the
/// group, so the scopes alone decide.
static TOKENS: LazyLock<Vec<VerifiedToken>> = LazyLock::new(|| {
    let scopes = |set: u32| (0..6).filter(move |bit| set >> bit & 1 == 1);
    let names = |set| scopes(set).map(|bit| SCOPES[bit]).collect::<Vec<_>>();
    (0..64).map(|set| with(&names(set), &["Admins"])).collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn scope_alternatives_are_sufficient_and_each_of_their_scopes_is_necessary(policy in policies()) {
        let policy = read(&policy);
        let alternatives = policy.scope_alternatives().expect("6 scopes have at most 20 alternatives");
        let bit = |scope: &str| 1 << SCOPES.iter().position(|it| *it == scope).expect("a scope");
        let sets: Vec<usize> = (alternatives.iter())
            .map(|scopes| scopes.iter().map(|scope| bit(scope)).sum())
            .collect();
        // A set of scopes is sufficient if and only if it contains an alternative.
        for (set, token) in TOKENS.iter().enumerate() {
            let contains = sets.iter().any(|alternative| set & alternative == *alternative);
            prop_assert_eq!(token.require(&policy).is_ok(), contains, "{:?}: {:b}", policy, set);
        }
        // No alternative has a scope that it does not need.
        for (set, scopes) in sets.iter().zip(&alternatives) {
            for scope in scopes {
                let token = &TOKENS[set ^ bit(scope)];
                prop_assert!(token.require(&policy).is_err(), "{policy:?}: {scopes:?} without {scope}");
            }
        }
    }
}

#[test]
fn scope_alternatives_are_what_a_challenge_names() {
    let policy = Policy::all(&[A, B]);
    let rejection = token(|token| token).require(policy).unwrap_err();
    let mut scopes = String::new();
    for scope in policy.scope_alternatives().unwrap().concat() {
        write!(scopes, " {scope}").unwrap();
    }
    let (_, challenge) = rejection.headers().next().unwrap();
    let challenge = challenge.to_str().unwrap();
    assert!(
        challenge.ends_with(&format!("scope=\"{}\"", scopes.trim())),
        "{challenge}"
    );
}
