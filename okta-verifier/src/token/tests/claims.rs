//! Claims of the wrong type.

use serde_json::{Map, Value, json};

use crate::{
    error::{MalformedTokenError, VerifyError},
    token::{
        claims::Claims,
        jws::Typ,
        profile::Profile,
        tests::checks::{check, expected, payload},
    },
};

/// Returns a payload that parses, with `name` set to `value`, as JSON text.
fn with(name: &str, value: &str) -> String {
    let members = [
        ("iss", r#""https://okta.test""#),
        ("sub", r#""ada""#),
        ("aud", r#""api://orders""#),
        ("exp", "2000"),
    ];
    let mut text = format!("{{\"{name}\":{value}");
    for (member, value) in members {
        if member != name {
            text.push_str(&format!(",\"{member}\":{value}"));
        }
    }
    text + "}"
}

/// Returns the claim that is rejected as invalid.
fn invalid(payload: &str) -> &'static str {
    match Claims::parse(payload) {
        Err(VerifyError::InvalidClaim { claim }) => claim,
        other => panic!("{payload}: {other:?}"),
    }
}

// field kind F
#[test]
fn claims_null_is_absence_for_optional_members() {
    const OPTIONAL: [&str; 9] = [
        "nbf",
        "iat",
        "auth_time",
        "acr",
        "jti",
        "cid",
        "client_id",
        "uid",
        "scope",
    ];
    for value in ["null", " null\t"] {
        let members = OPTIONAL.map(|name| format!(r#""{name}":{value}"#));
        let payload = with("scp", &format!("{value},{}", members.join(",")));
        let claims = Claims::parse(&payload).expect(&payload);
        assert_eq!(
            (claims.nbf, claims.iat, claims.auth_time),
            (None, None, None)
        );
        assert!(claims.acr.is_none() && claims.jti.is_none() && claims.uid.is_none());
        assert!(claims.cid.is_none() && claims.client_id.is_none());
        assert_eq!(claims.scope, "");
        for name in OPTIONAL {
            assert!(!claims.contains(name), "{name}");
        }
        assert!(!claims.contains("scp"));
    }
    // If one scope claim is null, the other one is used.
    for (scp, scope) in [("null", r#""a b""#), (r#"["a","b"]"#, "null")] {
        let payload = with("scp", &format!(r#"{scp},"scope":{scope}"#));
        assert_eq!(Claims::parse(&payload).expect(&payload).scope, "a b");
    }
    // These values are not null, although they look like it.
    for value in ["\"null\"", "[null]", r#"{"x":null}"#] {
        assert_eq!(invalid(&with("nbf", value)), "nbf", "{value}");
    }
}

// field kind F
#[test]
fn claims_null_is_an_error_for_required_members() {
    for claim in ["iss", "sub", "exp", "aud"] {
        assert_eq!(invalid(&with(claim, "null")), claim);
    }
    let payload = with("cnf", "null");
    let claims = Claims::parse(&payload).expect(&payload);
    let bound = crate::token::checks::check_binding(&claims, None);
    assert!(matches!(bound, Err(VerifyError::BindingUnchecked)));
}

// conformance 38
#[test]
fn claim_that_occurs_twice_is_rejected() {
    for (name, value) in [
        ("sub", r#""eve","sub":"ada""#),
        ("aud", r#""api://orders","\u0061ud":"api://other""#),
        ("act", r#"{"sub":"x","sub":"y"}"#),
    ] {
        let error = Claims::parse(&with(name, value)).unwrap_err();
        let duplicate = VerifyError::Malformed(MalformedTokenError::DuplicateMember);
        assert_eq!(error.to_string(), duplicate.to_string());
    }
}

// conformance 90, 92
#[test]
fn claim_that_is_required_and_missing_is_named() {
    for claim in ["iss", "exp"] {
        let mut claims: Map<String, Value> =
            serde_json::from_str(&with("x", "0")).expect("an object");
        claims.remove(claim);
        let error = Claims::parse(&Value::Object(claims).to_string()).unwrap_err();
        assert_eq!(error.to_string(), format!("the claim `{claim}` is missing"));
    }
    for claim in ["sub", "aud"] {
        let payload = payload(json!({ claim: null }));
        let claims = Claims::parse(&payload).expect(&payload);
        for profile in [Profile::Okta, Profile::Rfc9068] {
            let error = check(&claims, Typ::AccessToken, &expected(profile), 1500).unwrap_err();
            assert_eq!(error.to_string(), format!("the claim `{claim}` is missing"));
        }
    }
}

// conformance 49, 50
#[test]
fn date_that_is_not_a_number_in_range_is_rejected() {
    for claim in ["exp", "nbf", "iat"] {
        for value in [
            r#""2000""#,
            r#""tomorrow""#,
            "true",
            "[2000]",
            "{}",
            "-1",
            "-0.5",
            "-1e300",
            "1e300",
            "9007199254740993",
            "9007199254740992.5e1",
            "18446744073709551616",
            "99999999999999999999999999",
            "2000.0000000000000000000000000000",
        ] {
            assert_eq!(invalid(&with(claim, value)), claim, "{value}");
        }
    }
}

// conformance 49
#[test]
fn date_with_a_fraction_is_rounded_to_the_stricter_side() {
    for (value, down, up) in [
        ("1700000000", 1_700_000_000, 1_700_000_000),
        ("1.7e9", 1_700_000_000, 1_700_000_000),
        ("17E+8", 1_700_000_000, 1_700_000_000),
        ("1700000000.5", 1_700_000_000, 1_700_000_001),
        ("1700000000.000001", 1_700_000_000, 1_700_000_001),
        (
            "1700000000.000000000000000000000",
            1_700_000_000,
            1_700_000_000,
        ),
        ("0", 0, 0),
        ("0.9", 0, 1),
        ("1e-300", 0, 1),
        ("9007199254740992", 1 << 53, 1 << 53),
    ] {
        assert_eq!(Claims::parse(&with("exp", value)).unwrap().exp, down);
        assert_eq!(Claims::parse(&with("nbf", value)).unwrap().nbf, Some(up));
        assert_eq!(Claims::parse(&with("iat", value)).unwrap().iat, Some(up));
    }
}

// conformance 54
#[test]
fn aud_of_another_type_is_rejected() {
    for value in [
        "[]",
        "null",
        "1",
        "{}",
        r#"["api://orders",1]"#,
        r#"["api://orders",null]"#,
        r#"[["api://orders"]]"#,
        r#"{"aud":"api://orders"}"#,
    ] {
        assert_eq!(invalid(&with("aud", value)), "aud", "{value}");
    }
    for value in [r#""a""#, r#"["a"]"#, r#"[ "\u0061" ]"#] {
        let payload = with("aud", value);
        let aud = Claims::parse(&payload).unwrap().aud;
        assert_eq!(aud.unwrap(), ["a"]);
    }
}

// conformance 55, 88
#[test]
fn identity_that_is_empty_or_not_a_string_is_rejected() {
    for claim in ["iss", "sub", "jti", "cid", "client_id", "uid"] {
        for value in ["1", "true", r#"["ada"]"#, "{}"] {
            assert_eq!(invalid(&with(claim, value)), claim, "{value}");
        }
    }
    for claim in ["iss", "jti", "cid", "client_id", "uid"] {
        assert_eq!(invalid(&with(claim, "\"\"")), claim);
    }
    // Some servers write an empty subject if there is none.
    let payload = with("sub", "\"\"");
    assert!(Claims::parse(&payload).expect(&payload).sub.is_none());
}

// conformance 98
#[test]
fn scope_of_another_type_is_rejected() {
    for claim in ["scp", "scope"] {
        for value in [
            "1",
            "true",
            "{}",
            r#"["a",1]"#,
            r#"["a b"]"#,
            r#"["a",""]"#,
            r#"["a "]"#,
            r#"[["a"]]"#,
        ] {
            assert_eq!(invalid(&with(claim, value)), claim, "{value}");
        }
    }
}

// conformance 98
#[test]
fn scope_claims_that_differ_are_rejected() {
    for (scp, scope) in [
        (json!(["a"]), json!("b")),
        (json!(["a"]), json!("a b")),
        (json!(["a", "b"]), json!("a")),
        (json!([]), json!("a")),
        (json!("a"), json!("")),
        (json!(["a"]), json!("A")),
    ] {
        let payload = with("scp", &format!(r#"{scp},"scope":{scope}"#));
        assert_eq!(invalid(&payload), "scp", "{payload}");
    }
}

// conformance 98
#[test]
fn scope_is_read_from_both_claims() {
    let scopes = |payload: &str| {
        let claims = Claims::parse(payload).expect(payload);
        let mut scopes: Vec<_> = claims.scope.split(' ').map(str::to_owned).collect();
        scopes.retain(|scope| !scope.is_empty());
        scopes
    };
    for claim in ["scp", "scope"] {
        for value in [r#"["a","b"]"#, r#""a b""#, r#"" a  b ""#, r#""\u0061 b""#] {
            assert_eq!(scopes(&with(claim, value)), ["a", "b"], "{value}");
        }
        assert!(scopes(&with(claim, "[]")).is_empty());
        assert!(scopes(&with(claim, "\"\"")).is_empty());
    }
    assert!(scopes(&with("x", "0")).is_empty());
    let agreeing = with("scp", r#"["a","b"],"scope":"b a""#);
    assert_eq!(scopes(&agreeing), ["a", "b"]);
}
