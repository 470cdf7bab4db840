//! The exact bytes of `WWW-Authenticate`.

use super::{challenges, parameters};
use crate::{
    error::ConfigError,
    http::{Challenges, Scheme, is_scope_token},
};

// conformance 18, 28, 29
#[test]
fn realm_that_is_not_printable_ascii_is_rejected() {
    for realm in [
        "",
        "a\r\nX-Evil: 1",
        "a\nb",
        "a\tb",
        "a\0",
        "\u{7f}",
        "é",
        "\u{a0}",
    ] {
        let error = Challenges::new(realm).unwrap_err();
        assert!(matches!(error, ConfigError::Realm), "{realm:?}");
    }
}

// conformance 17, 18
#[test]
fn scope_that_is_not_a_list_of_scope_tokens_is_rejected() {
    for scope in [
        "", " ", "a  b", " a", "a ", "a\"b", "a\\b", "a\tb", "a\r\nb", "é", "a\u{7f}", "a\0",
    ] {
        let error = challenges()
            .insufficient_scope(Scheme::Bearer, scope)
            .unwrap_err();
        assert!(matches!(error, ConfigError::Scope), "{scope:?}");
    }
}

// conformance 17
#[test]
fn scope_token_has_the_characters_of_rfc_6749() {
    for byte in 0..=255_u8 {
        let token = char::from(byte).to_string();
        let expected = matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert_eq!(is_scope_token(&token), expected, "{byte:#x}");
    }
    assert!(!is_scope_token(""));
    assert!(!is_scope_token("a b"));
    assert!(is_scope_token("https://example.com/orders:read"));
}

// conformance 10, 11, 15, 16, 27, 28
#[test]
fn challenge_bytes_are_fixed() {
    let challenges = challenges();
    assert_eq!(challenges.bare, r#"Bearer realm="api""#);
    assert_eq!(
        challenges.invalid_request,
        r#"Bearer realm="api", error="invalid_request", error_description="The request's credentials are malformed""#
    );
    assert_eq!(
        challenges.invalid_token,
        r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#
    );
    assert_eq!(
        challenges
            .insufficient_scope(Scheme::Bearer, "orders:read orders:write")
            .unwrap(),
        r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read orders:write""#
    );
}

// conformance 28, 29
#[test]
fn challenge_escapes_the_realm() {
    for (realm, written) in [
        ("my api", "my api"),
        (r#"a"b"#, r#"a\"b"#),
        (r"a\b", r"a\\b"),
        (r#"\""#, r#"\\\""#),
        (r#"", error="x"#, r#"\", error=\"x"#),
        ("a=b, c=d", "a=b, c=d"),
        ("~!", "~!"),
    ] {
        let challenges = Challenges::new(realm).expect(realm);
        let expected = format!("Bearer realm=\"{written}\"");
        assert_eq!(challenges.bare, expected.as_str());
        let value = challenges.invalid_token.to_str().unwrap().to_owned();
        assert!(value.starts_with(&format!("{expected}, error=\"invalid_token\"")));
        assert_eq!(
            parameters(&value)[0],
            ("realm".to_owned(), realm.to_owned())
        );
        assert_eq!(parameters(&value).len(), 3);
    }
}

// conformance 175, 177, 178
#[test]
fn challenge_of_dpop_lists_algorithms_beside_bearer() {
    let challenges = challenges().with_dpop().expect("a good realm");
    let dpop = challenges.dpop.as_ref().expect("offered");
    let algs = r#"algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA""#;
    assert_eq!(dpop.bare, format!(r#"DPoP realm="api", {algs}"#));
    for (value, error) in [
        (&dpop.invalid_request, "invalid_request"),
        (&dpop.invalid_token, "invalid_token"),
        (&dpop.invalid_proof, "invalid_dpop_proof"),
        (&dpop.use_nonce, "use_dpop_nonce"),
    ] {
        let value = value.to_str().expect("ASCII");
        let start = format!(r#"DPoP realm="api", error="{error}", error_description=""#);
        assert!(
            value.starts_with(&start) && value.ends_with(algs),
            "{value}"
        );
    }
    let scope = challenges.insufficient_scope(Scheme::Dpop, "orders:read");
    let scope = scope.expect("a scope");
    let end = format!(r#", scope="orders:read", {algs}"#);
    let scope = scope.to_str().expect("ASCII");
    assert!(
        scope.starts_with("DPoP ") && scope.ends_with(&end),
        "{scope}"
    );
}
