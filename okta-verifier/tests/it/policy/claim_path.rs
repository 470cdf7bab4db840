//! Nested claims in policies, groups and `VerifiedToken::claim_path`.

use okta_verifier::{ConfigError, Issuer, Policy, Verifier};
use serde_json::{Value, json};

use super::{result_of, token};
use crate::support::pinned_keys::{build, okta, verifier, verify};

const ROLES: &[&str] = &["realm_access", "roles"];

fn admin_of(claim: &str, value: &Value) -> String {
    let token = token(|token| token.claim(claim, value));
    result_of(&token, Policy::claim_path(ROLES, "admin"))
}

// conformance 226
#[test]
fn policy_claim_path_rejects_everything_but_the_whole_value_at_the_end_of_objects() {
    for value in [
        json!(null),
        json!("admin"),
        json!(["admin"]),
        json!({}),
        json!({ "Roles": ["admin"] }),
        json!({ "roles": null }),
        json!({ "roles": 7 }),
        json!({ "roles": {} }),
        json!({ "roles": { "admin": true } }),
        json!({ "roles": { "roles": "admin" } }),
        json!({ "roles": [] }),
        json!({ "roles": ["administrator", "Admin", "admi"] }),
        json!({ "roles": "admin staff" }),
        json!({ "roles": ["admin", 7] }),
        json!({ "roles": [["admin"]] }),
        json!({ "roles": [{ "value": "admin" }] }),
        json!({ "roles.admin": "admin" }),
        json!([{ "roles": ["admin"] }]),
        json!(json!({ "roles": ["admin"] }).to_string()),
    ] {
        assert_eq!(admin_of("realm_access", &value), "forbidden", "{value}");
    }
    assert_eq!(admin_of("realm_access.roles", &json!("admin")), "forbidden");
    assert_eq!(admin_of("roles", &json!("admin")), "forbidden");
    for value in [
        json!({ "roles": "admin" }),
        json!({ "roles": ["staff", "admin"] }),
        json!({ "other": 1, "roles": ["admin"], "more": { "roles": [] } }),
    ] {
        assert_eq!(admin_of("realm_access", &value), "ok", "{value}");
    }
}

// conformance 226
#[test]
fn policy_claim_path_names_no_element_of_an_array() {
    let token = token(|token| token.claim("a", json!([{ "b": "x" }, "x"])));
    for path in [
        &["a", "0", "b"][..],
        &["a", "1"],
        &["a", "b"],
        &["a", "[0]"],
        &["a", "*"],
    ] {
        let policy = Policy::claim_path(path.to_vec().leak(), "x");
        assert_eq!(result_of(&token, policy), "forbidden", "{policy:?}");
    }
}

// conformance 226
#[test]
fn policy_claim_path_takes_a_dot_and_an_escape_as_part_of_a_name() {
    let token = token(|token| {
        let access = json!({ "my.api": { "rôles \"x\"": "admin" } });
        token.claim("resource_access", access).claim("a.b", "admin")
    });
    for path in [&["resource_access", "my.api", "rôles \"x\""][..], &["a.b"]] {
        let policy = Policy::claim_path(path.to_vec().leak(), "admin");
        assert_eq!(result_of(&token, policy), "ok", "{policy:?}");
    }
    for path in [
        &["resource_access", "my", "api", "rôles \"x\""][..],
        &["resource_access.my.api", "rôles \"x\""],
        &["a", "b"],
    ] {
        let policy = Policy::claim_path(path.to_vec().leak(), "admin");
        assert_eq!(result_of(&token, policy), "forbidden", "{policy:?}");
    }
}

/// The deepest claims that a token may have: an object in 15 objects.
#[test]
fn policy_claim_path_reaches_the_deepest_claim() {
    let nested = |levels| (0..levels).fold(json!("x"), |inner, _| json!({ "a": inner }));
    let path = vec!["a"; 16].leak();
    let deepest = token(|token| token.claim("a", nested(15)));
    assert_eq!(result_of(&deepest, Policy::claim_path(path, "x")), "ok");

    let okta = okta();
    let deeper = okta.token("ada").claim("a", nested(16)).sign();
    assert_eq!(
        verify(&verifier(&okta), &deeper).unwrap_err().code(),
        "malformed"
    );
}

#[test]
fn policy_claim_path_that_is_malformed_panics_at_construction() {
    for path in [&[][..], &[""], &["a", ""], &["", "a"], vec!["a"; 17].leak()] {
        let build = || Policy::claim_path(path, "x");
        assert!(std::panic::catch_unwind(build).is_err(), "{path:?}");
    }
}

#[test]
fn policy_claim_path_debug_output_shows_each_name() {
    let policy = Policy::claim_path(ROLES, "admin");
    assert_eq!(
        format!("{policy:?}"),
        r#"claim ["realm_access", "roles"] is "admin""#
    );
}

fn groups(change: impl FnOnce(Issuer) -> Issuer, claim: &str, value: &Value) -> Vec<String> {
    let okta = okta();
    let verifier = build(change(okta.issuer().any_client_id()));
    let jwt = okta.token("ada").claim(claim, value).sign();
    let token = verify(&verifier, &jwt).expect("a valid token");
    token.groups().map(str::to_owned).collect()
}

// conformance 226
#[test]
fn groups_claim_path_gives_no_groups_for_another_shape() {
    for value in [
        json!(null),
        json!("admin"),
        json!(["admin"]),
        json!([{ "roles": ["admin"] }]),
        json!({ "roles": null }),
        json!({ "roles": { "admin": {} } }),
        json!({ "roles": ["admin", 7] }),
        json!({ "roles": [["admin"]] }),
    ] {
        let found = groups(
            |it| it.groups_claim_path(ROLES.to_vec()),
            "realm_access",
            &value,
        );
        assert_eq!(found, [""; 0], "{value}");
    }
    for claim in ["realm_access.roles", "groups", "roles"] {
        let found = groups(
            |it| it.groups_claim_path(ROLES.to_vec()),
            claim,
            &json!(["admin"]),
        );
        assert_eq!(found, [""; 0], "{claim}");
    }
}

// conformance 226
#[test]
fn groups_claim_path_reads_one_text_and_lists() {
    for (value, expected) in [
        (json!({ "roles": "admin" }), &["admin"][..]),
        (json!({ "roles": ["admin", "staff"] }), &["admin", "staff"]),
        (json!({ "roles": [{ "value": "admin" }] }), &["admin"]),
    ] {
        let found = groups(
            |it| it.groups_claim_path(ROLES.to_vec()),
            "realm_access",
            &value,
        );
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn groups_claim_and_its_path_replace_each_other() {
    let nested = json!({ "roles": ["admin"] });
    let path_last = |it: Issuer| it.groups_claim("teams").groups_claim_path(ROLES.to_vec());
    let name_last = |it: Issuer| it.groups_claim_path(ROLES.to_vec()).groups_claim("teams");
    assert_eq!(groups(path_last, "realm_access", &nested), ["admin"]);
    assert_eq!(groups(path_last, "teams", &json!(["a"])), [""; 0]);
    assert_eq!(groups(name_last, "realm_access", &nested), [""; 0]);
    assert_eq!(groups(name_last, "teams", &json!(["a"])), ["a"]);
    // A path of one name takes any name, also one that looks like a path.
    let dotted = |it: Issuer| it.groups_claim_path(["realm_access.roles"]);
    assert_eq!(groups(dotted, "realm_access.roles", &json!(["a"])), ["a"]);
    assert_eq!(groups(dotted, "realm_access", &nested), [""; 0]);
}

#[test]
fn groups_claim_path_that_is_malformed_is_a_config_error() {
    let build = |path: Vec<String>| {
        let issuer = okta().issuer().any_client_id().groups_claim_path(path);
        Verifier::builder().issuer(issuer).build()
    };
    for path in [
        vec![],
        vec![String::new()],
        vec!["a".to_owned(), String::new()],
        vec!["a".to_owned(); 17],
    ] {
        let error = build(path.clone()).expect_err("a malformed path");
        assert!(
            matches!(error, ConfigError::GroupsClaimPath { .. }),
            "{path:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains(&format!("groups claim path {path:?}: ")),
            "{text}"
        );
    }
    assert!(build(vec!["a".to_owned(); 16]).is_ok());
}

#[test]
fn claim_path_of_a_token_tells_absence_from_another_shape() {
    let token = token(|token| {
        token.claim(
            "a",
            json!({ "b": { "c": 7, "none": null }, "list": [1], "none": null, "text": "{\"c\":7}" }),
        )
    });
    assert_eq!(token.claim_path::<u8>(&["a", "b", "c"]), Ok(Some(7)));
    assert_eq!(
        token.claim_path::<String>(&["sub"]),
        Ok(Some("ada".to_owned()))
    );
    for absent in [
        &["x"][..],
        &["a.b.c"],
        &["a", "x", "c"],
        &["a", "none", "c"],
        &["a", "b", "none"],
        &["a", "b", ""],
    ] {
        assert_eq!(token.claim_path::<u8>(absent), Ok(None), "{absent:?}");
    }
    for unfit in [
        &[][..],
        &["a", "b"],
        &["a", "b", "c", "d"],
        &["a", "list", "0"],
        &["a", "text", "c"],
    ] {
        assert!(token.claim_path::<u8>(unfit).is_err(), "{unfit:?}");
    }
    let error = token.claim_path::<bool>(&["a", "b", "c"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the claim ["a", "b", "c"] does not fit the requested type"#
    );
}
