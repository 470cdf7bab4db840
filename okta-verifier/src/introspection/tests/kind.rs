//! The kind of token that a response is about.

use serde_json::{Value, json};

use super::issuer::{SECOND, active, origin, with};
use crate::{
    introspection::{IntrospectionReason, IntrospectionResponse},
    sync::clock::Now,
    token::{checks::Clients, profile::Profile},
};

fn result(response: &Value) -> &'static str {
    let now = Now::read();
    let origin = origin(Profile::Okta, Clients::Any);
    let body = response.to_string();
    let response = IntrospectionResponse::parse(
        body.as_bytes(),
        &origin,
        IntrospectionReason::Opaque,
        60 * SECOND,
        now,
        now,
    )
    .unwrap();
    response.result.map_or_else(|error| error.code(), |_| "ok")
}

// conformance 104
#[test]
fn response_about_another_kind_of_token_is_rejected() {
    for (member, value) in [
        ("token_type", "refresh_token"),
        ("token_type", "Refresh_Token"),
        ("token_type", "N_A"),
        ("token_type", "id_token"),
        (
            "token_type",
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
        ("token_type", "Bearer "),
        ("token_type", "mac"),
        ("token_use", "refresh_token"),
        ("token_use", "id_token"),
        ("token_use", ""),
        ("typ", "Refresh"),
        ("typ", "refresh"),
        ("typ", "Offline"),
        ("typ", "ID"),
        ("typ", "Logout"),
    ] {
        let said = with(active(), member, value);
        assert_eq!(result(&said), "not_an_access_token", "{member}: {value}");
    }
    for (member, value) in [
        ("token_type", json!("BEARER")),
        ("token_type", json!("")),
        ("token_type", Value::Null), // removed
        ("token_use", json!("Access_Token")),
        ("typ", json!("Bearer")),
        ("typ", json!("at+jwt")),
    ] {
        let said = with(active(), member, value.clone());
        assert_eq!(result(&said), "ok", "{member}: {value}");
    }
}

// conformance 104, 179, 186
#[test]
fn response_token_type_does_not_unbind_a_token() {
    for cnf in [
        json!({}),
        json!({ "jkt": "x" }),
        json!({ "x5t#S256": "x" }),
        json!("x"),
    ] {
        for token_type in ["Bearer", "DPoP"] {
            let bound = with(active(), "token_type", token_type);
            let bound = with(bound, "cnf", cnf.clone());
            assert_eq!(result(&bound), "binding_unchecked", "{cnf}");
        }
        let other = with(with(active(), "token_type", "refresh_token"), "cnf", cnf);
        assert_eq!(result(&other), "not_an_access_token");
    }
}

// conformance 179
#[test]
fn response_of_type_dpop_without_a_key_is_rejected() {
    let hash = "A".repeat(43);
    for token_type in ["DPoP", "dpop"] {
        let dpop = with(active(), "token_type", token_type);
        assert_eq!(result(&dpop), "binding_unchecked");
        let certificate = with(dpop.clone(), "cnf", json!({ "x5t#S256": hash }));
        assert_eq!(result(&certificate), "binding_unchecked");
        let bound = with(dpop, "cnf", json!({ "jkt": hash }));
        assert_eq!(result(&bound), "ok");
    }
}
