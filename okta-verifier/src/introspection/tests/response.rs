//! Introspection responses, from bytes to a token.

use std::time::Duration;

use serde_json::{Value, json};

use super::issuer::{SECOND, active, inactive, origin, with};
use crate::{
    error::{UnavailableReason, VerifyError},
    introspection::{IntrospectionReason, IntrospectionResponse},
    sync::clock::Now,
    token::{SubjectKind, checks::Clients, profile::Profile},
};

fn listed() -> Clients {
    Clients::Listed(vec!["0oa1client".to_owned()])
}

fn parse(body: &[u8]) -> Result<IntrospectionResponse, UnavailableReason> {
    parse_for(body, listed(), 60 * SECOND)
}

fn parse_for(
    body: &[u8],
    clients: Clients,
    max_age: Duration,
) -> Result<IntrospectionResponse, UnavailableReason> {
    let now = Now::read();
    IntrospectionResponse::parse(
        body,
        &origin(Profile::Okta, clients),
        IntrospectionReason::Opaque,
        max_age,
        now,
        now,
    )
}

/// Returns the code of the result, or `malformed` for a malformed response.
fn result(response: &Value) -> &'static str {
    match parse(response.to_string().as_bytes()) {
        Err(_) => "malformed",
        Ok(IntrospectionResponse { result, .. }) => {
            result.map_or_else(|error| error.code(), |_| "ok")
        }
    }
}

// conformance 105, 106, 108
#[test]
fn response_without_a_boolean_active_is_malformed() {
    for text in [
        "",
        "null",
        "[]",
        "true",
        "{}",
        r#"{"active":"true"}"#,
        r#"{"active":"false"}"#,
        r#"{"active":1}"#,
        r#"{"active":null}"#,
        r#"{"active":[true]}"#,
        r#"{"Active":true}"#,
        r#"{"active":false"#,
        r#"{"active":false}{"active":true}"#,
        "<html>",
    ] {
        let error = parse(text.as_bytes()).expect_err(text);
        assert!(
            matches!(error, UnavailableReason::Malformed { .. }),
            "{text}"
        );
        assert_eq!(
            error.to_string(),
            "the issuer's introspection response is malformed"
        );
    }
    assert!(parse(b"{\"active\":false,\"x\":\"\xff\"}").is_err());
    assert_eq!(result(&inactive()), "inactive");
    assert_eq!(result(&with(active(), "active", false)), "inactive");
    assert_eq!(result(&active()), "ok");
}

// conformance 104, 109, 110
#[test]
fn response_that_is_active_is_checked_like_a_token() {
    let now = Now::read().unix;
    for (member, value, expected) in [
        ("iss", json!("https://other.test"), "unknown_issuer"),
        ("iss", json!("https://issuer.test/"), "unknown_issuer"),
        ("aud", Value::Null, "missing_claim"),
        ("aud", json!([]), "missing_claim"),
        ("aud", json!(""), "wrong_audience"),
        ("aud", json!("api://other"), "wrong_audience"),
        ("aud", json!(["api://other", "x"]), "wrong_audience"),
        ("aud", json!("API://orders"), "wrong_audience"),
        ("exp", json!(now - 60), "expired"),
        ("nbf", json!(now + 120), "not_yet_valid"),
        ("iat", json!(now + 120), "issued_in_future"),
        ("iat", json!(now + 3_700), "issued_in_future"),
        ("sub", Value::Null, "missing_claim"),
        ("sub", json!(""), "missing_claim"),
        ("client_id", Value::Null, "missing_claim"),
        ("client_id", json!("0oa2other"), "client_not_allowed"),
        ("cid", json!("0oa2other"), "invalid_claim"),
        ("jti", json!("ID.1"), "not_an_access_token"),
        ("at_hash", json!("x"), "not_an_access_token"),
        ("cnf", json!({ "jkt": "x" }), "binding_unchecked"),
        ("cnf", json!(null), "ok"), // removed
        ("iss", Value::Null, "ok"),
        ("exp", Value::Null, "ok"),
        ("iat", Value::Null, "ok"),
        ("jti", Value::Null, "ok"),
        ("scope", Value::Null, "ok"),
        ("username", Value::Null, "ok"),
        ("aud", json!(["x", "api://orders"]), "ok"),
        ("cid", json!("0oa1client"), "ok"),
    ] {
        assert_eq!(
            result(&with(active(), member, value.clone())),
            expected,
            "{member}: {value}"
        );
    }
}

// conformance 105, 110
// field kind F: nothing in the response about one token is a failure of the endpoint.
#[test]
fn response_with_a_defect_rejects_the_token() {
    for text in [
        r#"{"active":true,"active":false}"#,
        r#"{"active":false,"active":true}"#,
        r#"{"active":false,"\u0061ctive":true}"#,
        r#"{"active":false,"nested":{"a":1,"a":2}}"#,
        &format!(
            r#"{{"active":true,"deep":{}{}}}"#,
            "[".repeat(40),
            "]".repeat(40)
        ),
    ] {
        let response = parse(text.as_bytes()).expect(text);
        assert_eq!(response.result.unwrap_err().code(), "malformed", "{text}");
    }
    for (member, value) in [
        ("exp", json!("1794500000")),
        ("exp", json!(-1)),
        ("nbf", json!(true)),
        ("iat", json!({})),
        ("aud", json!(7)),
        ("sub", json!(7)),
        ("iss", json!(["https://issuer.test"])),
        ("client_id", json!(["0oa1client"])),
        ("scope", json!(7)),
        ("jti", json!(7)),
        ("token_type", json!(7)),
        ("token_use", json!(["access_token"])),
        ("typ", json!({})),
    ] {
        let response = with(active(), member, value.clone());
        assert_eq!(result(&response), "invalid_claim", "{member}: {value}");
    }
    for member in ["exp", "iss", "sub", "aud", "cnf"] {
        let mut response = active();
        response[member] = Value::Null;
        let code = result(&response);
        assert!(
            matches!(
                code,
                "invalid_claim" | "missing_claim" | "binding_unchecked"
            ),
            "{code}"
        );
    }
}

// field kind F
#[test]
fn response_null_is_absence_for_optional_members() {
    for member in [
        "nbf",
        "iat",
        "jti",
        "scope",
        "scp",
        "acr",
        "auth_time",
        "uid",
        "username",
        "cid",
        "groups",
        "token_type",
        "token_use",
        "typ",
        "nonce",
        "at_hash",
    ] {
        let mut response = active();
        response[member] = Value::Null;
        assert_eq!(result(&response), "ok", "{member}");
    }
    let mut response = active();
    response["client_id"] = Value::Null;
    assert_eq!(result(&response), "missing_claim", "clients are listed");
    let response = parse_for(response.to_string().as_bytes(), Clients::Any, SECOND).unwrap();
    assert!(response.result.is_ok());
}

// conformance 116, 193
#[test]
fn response_gives_the_same_token_as_a_jwt() {
    let response = with(
        with(with(active(), "acr", "phr"), "auth_time", 1_700_000_000),
        "groups",
        json!(["Admins"]),
    );
    let response = with(response, "act", json!({ "sub": "agent" }));
    let response = parse(response.to_string().as_bytes()).unwrap();
    let token = response.token(Now::read()).unwrap();
    assert_eq!(token.issuer(), "https://issuer.test");
    assert_eq!(token.subject(), "ada@example.com");
    assert_eq!(token.client_id(), Some("0oa1client"));
    assert_eq!(token.jti(), Some("AT.1"));
    assert_eq!(token.subject_kind(), SubjectKind::User);
    assert!(token.has_scope("orders:read") && token.has_scope("orders:write"));
    assert!(token.has_group("Admins"));
    assert_eq!(token.acr(), Some("phr"));
    assert!(token.authenticated_at().is_some());
    let act: Option<Value> = token.claim("act").unwrap();
    assert_eq!(act, Some(json!({ "sub": "agent" })));
    assert_eq!(
        token.claim::<String>("username").unwrap().as_deref(),
        Some("ada@example.com")
    );
    assert!(token.expires_at() > Now::read().wall());
}

#[test]
fn response_defaults_are_not_claims_of_the_token() {
    let response = with(with(active(), "iss", Value::Null), "exp", Value::Null);
    let response = parse(response.to_string().as_bytes()).unwrap();
    let token = response.token(Now::read()).unwrap();
    assert_eq!(token.issuer(), "https://issuer.test");
    assert!(token.expires_at() <= Now::read().after(60 * SECOND).wall());
    assert_eq!(token.claim::<Value>("iss").unwrap(), None);
    assert_eq!(token.claim::<Value>("exp").unwrap(), None);
}

#[test]
fn response_without_a_client_is_accepted_with_any_client_id() {
    let response = with(active(), "client_id", Value::Null).to_string();
    let response = parse_for(response.as_bytes(), Clients::Any, SECOND).unwrap();
    assert!(response.result.is_ok());
}

// conformance 110, 111, 113
#[test]
fn response_is_used_for_a_limited_time() {
    let seconds = |response: Value, max_age: u64| {
        parse_for(
            response.to_string().as_bytes(),
            listed(),
            SECOND * max_age as u32,
        )
        .unwrap()
        .valid_for
        .as_secs()
    };
    assert_eq!(seconds(active(), 600), 600);
    assert_eq!(seconds(with(active(), "exp", Value::Null), 600), 60);
    assert_eq!(seconds(with(active(), "exp", Value::Null), 10), 10);
    assert_eq!(seconds(inactive(), 600), 5);
    assert_eq!(seconds(inactive(), 0), 0);
    assert_eq!(seconds(with(active(), "aud", "other"), 600), 5);
}

// conformance 111
#[test]
fn response_is_not_used_past_exp() {
    let now = Now::read();
    let response = with(active(), "exp", now.unix + 10).to_string();
    let response = parse_for(response.as_bytes(), listed(), 600 * SECOND).unwrap();
    // The leeway allows for clock skew, as for a JWT.
    assert!(response.token(now.after(69 * SECOND)).is_ok());
    let error = response.token(now.after(70 * SECOND)).unwrap_err();
    assert!(matches!(error, VerifyError::Expired { .. }));
}
