//! Policies from data: what is rejected when they are read, and that they decide like a `Policy`.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use okta_verifier::{OwnedPolicy, Policy, Rejection, VerifiedToken};
use proptest::prelude::*;
use serde::{
    Deserialize,
    de::value::{Error as ValueError, MapDeserializer},
};
use serde_json::{Value, json};

use super::token;
use crate::support::pinned_keys::{now, okta, verifier};

fn read(value: Value) -> Result<OwnedPolicy, String> {
    serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())
}

/// Returns the status and the headers as text, or `ok`.
fn bytes_of(result: Result<(), Rejection>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(rejection) => {
            let headers: Vec<_> = rejection.headers().collect();
            format!("{} {headers:?}", rejection.status())
        }
    }
}

// conformance 227
#[test]
fn policy_from_data_that_is_malformed_is_an_error_that_says_what_to_write() {
    for (value, expected) in [
        // No table, or no rule.
        (
            json!("orders:read"),
            "expected a table with one rule of a policy, such as { scope =",
        ),
        (json!(["orders:read"]), "expected a table with one rule"),
        (json!(null), "expected a table with one rule"),
        (json!(true), "expected a table with one rule"),
        (json!({}), "has no rule; write one, such as { scope ="),
        (json!({ "value": "x" }), "has no rule"),
        // Unknown names, also of rules that are for code only.
        (
            json!({ "scop": "a" }),
            "unknown field `scop`, expected one of `any_token`, `scope`",
        ),
        (json!({ "when": "never" }), "unknown field `when`"),
        (json!({ "Scope": "a" }), "unknown field `Scope`"),
        (json!({ "scope": "a", "note": "x" }), "unknown field `note`"),
        (json!({ "not": { "scope": "a" } }), "unknown field `not`"),
        // Two rules in one table.
        (
            json!({ "scope": "a", "group": "b" }),
            "this one has `group` and `scope`; write a table for each",
        ),
        (
            json!({ "any": [{ "scope": "a" }], "all": [{ "scope": "b" }] }),
            "this one has `all` and `any`",
        ),
        // Malformed texts.
        (
            json!({ "scope": "orders read" }),
            r#"scope "orders read": write one scope token"#,
        ),
        (json!({ "scope": "" }), r#"scope "": write one scope token"#),
        (
            json!({ "scope": "é" }),
            r#"scope "é": write one scope token"#,
        ),
        (json!({ "scope": "a\"b" }), "write one scope token"),
        (
            json!({ "scope": "a\r\nb" }),
            r#"scope "a\r\nb": write one scope token"#,
        ),
        (
            json!({ "scope": ["a"] }),
            "invalid type: sequence, expected a string",
        ),
        (json!({ "scope": 7 }), "invalid type: integer `7`"),
        (
            json!({ "group": "" }),
            r#"group "": write the group's name"#,
        ),
        (
            json!({ "claim": "", "value": "x" }),
            r#"claim "": write the claim's name"#,
        ),
        // A value without a claim, and a claim without a value.
        (json!({ "claim": "tier" }), "`claim` requires `value`"),
        (
            json!({ "claim_path": ["a", "b"] }),
            "`claim_path` requires `value`",
        ),
        (
            json!({ "claim": "tier", "value": null }),
            "invalid type: null",
        ),
        (
            json!({ "claim": "tier", "value": 7 }),
            "invalid type: integer `7`",
        ),
        (
            json!({ "claim": "tier", "value": ["a"] }),
            "invalid type: sequence",
        ),
        (
            json!({ "scope": "a", "value": "x" }),
            "`value` belongs to `claim` or `claim_path`",
        ),
        (
            json!({ "claim_path": "a.b", "value": "x" }),
            r#"invalid type: string "a.b""#,
        ),
        (
            json!({ "claim_path": [], "value": "x" }),
            "claim_path []: the path is empty",
        ),
        (
            json!({ "claim_path": ["a", ""], "value": "x" }),
            r#"claim_path ["a", ""]: a name of the path is empty"#,
        ),
        (
            json!({ "claim_path": vec!["a"; 17], "value": "x" }),
            "write at most 16 names",
        ),
        // Rules without parameters.
        (
            json!({ "any_token": false }),
            "`any_token`: write true, or remove the table",
        ),
        (json!({ "user": false }), "`user`: write true"),
        (json!({ "service": "yes" }), r#"invalid type: string "yes""#),
        // Step-up.
        (json!({ "acr": [] }), "acr []: write at least one acr value"),
        (
            json!({ "acr": ["a", "b c"] }),
            r#"acr ["a", "b c"]: write one acr value"#,
        ),
        (json!({ "acr": "a" }), r#"invalid type: string "a""#),
        (
            json!({ "max_age": 600 }),
            "such as \"10m\"; the units are ms, s, m and h",
        ),
        (
            json!({ "max_age": "10 minutes" }),
            r#"duration "10 minutes": write a number and a unit"#,
        ),
        (
            json!({ "max_age": "10M" }),
            r#"duration "10M": write a number"#,
        ),
        // Empty lists, and what is wrong inside of a list.
        (json!({ "any": [] }), "`any`: write at least one policy"),
        (json!({ "all": [] }), "`all`: write at least one policy"),
        (
            json!({ "any": { "scope": "a" } }),
            "expected a list of tables",
        ),
        (
            json!({ "all": [{ "any_token": true }, { "any": [] }] }),
            "`any`: write at least one policy",
        ),
        (
            json!({ "all": ["orders:read"] }),
            "expected a table with one rule",
        ),
    ] {
        let error = read(value.clone()).expect_err("a malformed policy");
        assert!(error.contains(expected), "{value}: {error}");
    }
}

// conformance 227
#[test]
fn policy_from_data_rejects_a_name_that_occurs_twice() {
    for text in [
        r#"{ "scope": "a", "scope": "b" }"#,
        r#"{ "claim": "a", "value": "b", "value": "c" }"#,
        r#"{ "claim": "a", "claim": "b", "value": "c" }"#,
        r#"{ "any": [{ "user": true }], "any": [{ "any_token": true }] }"#,
    ] {
        let error = serde_json::from_str::<OwnedPolicy>(text).expect_err("a duplicate");
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }
}

// conformance 227
#[test]
fn policy_from_data_rejects_a_number_in_place_of_a_name() {
    // Code that serde derives takes a number for the index of a field: 0 would be `any_token`.
    let numbered = MapDeserializer::<_, ValueError>::new([(0_u64, true)].into_iter());
    assert!(OwnedPolicy::deserialize(numbered).is_err());
    assert!(yaml_serde::from_str::<OwnedPolicy>("0: true").is_err());
    let named = MapDeserializer::<_, ValueError>::new([("any_token", true)].into_iter());
    assert!(OwnedPolicy::deserialize(named).is_ok());
}

// conformance 227
#[test]
fn policy_from_data_of_more_than_16_levels_is_rejected() {
    let nested = |levels: usize| {
        (1..levels).fold(json!({ "scope": "a" }), |inner, level| match level % 2 {
            0 => json!({ "any": [inner] }),
            _ => json!({ "all": [inner] }),
        })
    };
    assert!(read(nested(16)).is_ok());
    for levels in [17, 60] {
        let error = read(nested(levels)).expect_err("too deep");
        assert!(error.contains("more than 16 levels"), "{error}");
    }
}

// conformance 227
#[test]
fn policy_from_data_of_more_than_1_000_rules_is_rejected() {
    let any = |rules: usize| json!({ "any": vec![json!({ "scope": "a" }); rules] });
    assert!(read(any(999)).is_ok());
    let nested = json!({ "all": vec![any(99); 10] }); // 1 + 10 + 990
    for value in [
        any(1_000),
        any(5_000),
        nested,
        json!({ "acr": vec!["a"; 1_001] }),
        json!({ "all": [{ "acr": vec!["a"; 600] }, { "acr": vec!["a"; 600] }] }),
    ] {
        let error = read(value).expect_err("too many rules");
        assert!(error.contains("more than 1000 rules"), "{error}");
    }
    assert!(read(json!({ "acr": vec!["a"; 1_000] })).is_ok());
}

/// All rules, in three formats.
#[test]
fn policy_from_data_has_every_rule_in_toml_json_and_yaml() {
    const EXPECTED: &str = r#"any of [any token, scope "orders:read", group "Admins", claim "department" is "sales", claim ["realm_access", "roles"] is "admin", a user, a service, a bound token, acr one of ["urn:a", "urn:b"], authenticated within 600s, all of [scope "a", any of [scope "b"]]]"#;
    let toml = r#"
        policy.any = [
            { any_token = true },
            { scope = "orders:read" },
            { group = "Admins" },
            { claim = "department", value = "sales" },
            { value = "admin", claim_path = ["realm_access", "roles"] },
            { user = true },
            { service = true },
            { bound = true },
            { acr = ["urn:a", "urn:b"] },
            { max_age = "10m" },
            { all = [{ scope = "a" }, { any = [{ scope = "b" }] }] },
        ]
    "#;
    let read: BTreeMap<String, OwnedPolicy> = toml::from_str(toml).expect("TOML");
    assert_eq!(format!("{:?}", read["policy"]), EXPECTED);

    let value: Value = toml::from_str(toml).expect("TOML");
    let policy: OwnedPolicy = serde_json::from_value(value["policy"].clone()).expect("a value");
    assert_eq!(format!("{policy:?}"), EXPECTED);
    let json = value["policy"].to_string();
    let policy: OwnedPolicy = serde_json::from_str(&json).expect("JSON");
    assert_eq!(format!("{policy:?}"), EXPECTED);
    let policy: OwnedPolicy = serde_json::from_reader(json.as_bytes()).expect("JSON");
    assert_eq!(format!("{policy:?}"), EXPECTED);

    let yaml = r#"
any:
  - any_token: true
  - scope: orders:read
  - group: Admins
  - claim: department
    value: sales
  - claim_path: [realm_access, roles]
    value: admin
  - user: true
  - service: true
  - bound: true
  - acr: ["urn:a", "urn:b"]
  - max_age: 10m
  - all:
      - scope: a
      - any:
          - scope: b
"#;
    let policy: OwnedPolicy = yaml_serde::from_str(yaml).expect("YAML");
    assert_eq!(format!("{policy:?}"), EXPECTED);
}

#[test]
fn policy_from_data_is_rejected_with_its_place_in_toml_and_yaml() {
    let error = toml::from_str::<BTreeMap<String, OwnedPolicy>>(
        "read = { scope = \"orders:read\" }\nwrite = { any = [{ scop = \"orders:write\" }] }\n",
    )
    .expect_err("an unknown name");
    let text = error.to_string();
    assert!(text.contains("unknown field `scop`"), "{text}");
    assert!(text.contains("line 2"), "{text}");

    let error = yaml_serde::from_str::<BTreeMap<String, OwnedPolicy>>(
        "read:\n  scope: orders:read\nwrite:\n  scope: orders write\n",
    )
    .expect_err("a malformed scope");
    let text = error.to_string();
    assert!(
        text.contains(r#"scope "orders write": write one"#),
        "{text}"
    );
    assert!(text.contains("write"), "{text}");
}

#[test]
fn policy_from_data_is_checked_against_the_request_extensions() {
    let anonymous = verifier(&okta()).anonymous();
    let token = token(|token| token.scope("b"));
    for policy in [
        read(json!({ "scope": "a" })).unwrap(),
        Policy::scope("a").into(),
    ] {
        let status = |token, anonymous| match policy.admit(token, anonymous) {
            Ok(_) => 200,
            Err(rejection) => rejection.status().as_u16(),
        };
        assert_eq!(status(Some(&token), None), 403);
        assert_eq!(status(Some(&token), Some(&anonymous)), 403);
        assert_eq!(status(None, Some(&anonymous)), 401);
        assert_eq!(status(None, None), 500);
    }
    let met = read(json!({ "scope": "b" })).unwrap();
    assert!(met.admit(Some(&token), None).is_ok());
}

#[test]
fn policy_in_code_is_the_same_as_owned_policy() {
    const NEVER: Policy = Policy::when("never", |_| false);
    const RULE: Policy = Policy::all(&[Policy::scope("a"), Policy::any(&[NEVER, Policy::user()])]);
    let owned = OwnedPolicy::from(RULE);
    assert_eq!(format!("{owned:?}"), format!("{RULE:?}"));
    for token in [token(|token| token), token(|token| token.scope("a"))] {
        let in_code = bytes_of(token.require(RULE));
        assert_eq!(bytes_of(token.require(&owned)), in_code);
    }
}

fn is_shared<T: Clone + std::fmt::Debug + Send + Sync + 'static>(_: &T) {}

#[test]
fn owned_policy_can_be_shared_between_threads() {
    is_shared(&OwnedPolicy::from(Policy::any_token()));
}

/// A policy, and the data that says the same.
type Pair = (Policy, Value);

fn leaf() -> impl Strategy<Value = Pair> {
    let words = prop::sample::select(vec!["a", "b", "c"]);
    let acr = prop::sample::subsequence(vec!["weak", "strong", "strongest"], 1..=3);
    prop_oneof![
        3 => words.clone().prop_map(|word| (Policy::scope(word), json!({ "scope": word }))),
        1 => words.clone().prop_map(|word| (Policy::group(word), json!({ "group": word }))),
        1 => words.clone().prop_map(|word| (Policy::claim("tier", word), json!({ "claim": "tier", "value": word }))),
        1 => words.prop_map(|word| (
            Policy::claim_path(&["access", "roles"], word),
            json!({ "claim_path": ["access", "roles"], "value": word }),
        )),
        1 => Just((Policy::any_token(), json!({ "any_token": true }))),
        1 => Just((Policy::user(), json!({ "user": true }))),
        1 => Just((Policy::service(), json!({ "service": true }))),
        1 => Just((Policy::bound(), json!({ "bound": true }))),
        2 => acr.prop_map(|values| (Policy::acr(values.clone().leak()), json!({ "acr": values }))),
        1 => prop::sample::select(vec![60, 600, 7200]).prop_map(|seconds| (
            Policy::max_age(Duration::from_secs(seconds)),
            json!({ "max_age": format!("{seconds}s") }),
        )),
    ]
}

fn policy() -> impl Strategy<Value = Pair> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        (prop::collection::vec(inner, 1..4), any::<bool>()).prop_map(|(pairs, all)| {
            let (policies, data): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let policies = policies.leak();
            match all {
                true => (Policy::all(policies), json!({ "all": data })),
                false => (Policy::any(policies), json!({ "any": data })),
            }
        })
    })
}

static TOKENS: LazyLock<Vec<VerifiedToken>> = LazyLock::new(|| {
    let login = now() - 300;
    vec![
        token(|token| token),
        token(|token| token.scope("a").scope("b").group("c").claim("tier", "a")),
        token(|token| token.service().scope("b").claim("acr", "weak")),
        token(|token| {
            token
                .claim("access", json!({ "roles": ["a", "b"] }))
                .claim("acr", "strong")
                .claim("auth_time", login)
        }),
    ]
});

proptest! {
    // conformance 227
    #[test]
    fn policy_from_data_decides_like_the_policy_in_code((in_code, data) in policy()) {
        let owned = read(data).expect("a valid policy");
        prop_assert_eq!(format!("{owned:?}"), format!("{in_code:?}"));
        for token in &*TOKENS {
            prop_assert_eq!(bytes_of(token.require(&owned)), bytes_of(token.require(in_code)));
        }
    }
}
