//! The header (RFC 7515 §4). Its sender can choose nothing but `alg` and `kid`.

use super::{checks::expected, compact, malformed};
use crate::{
    crypto::Algorithm,
    error::{MalformedTokenError, VerifyError},
    token::{
        checks,
        jws::{Jws, Typ},
        profile::Profile,
    },
};

fn refusal(header: &str) -> VerifyError {
    super::parse(&compact(header, "{}")).unwrap_err()
}

// conformance 37, 39
#[test]
fn header_parameter_that_occurs_twice_is_rejected() {
    for header in [
        r#"{"alg":"RS256","alg":"none","kid":"1"}"#,
        r#"{"alg":"none","alg":"RS256","kid":"1"}"#,
        r#"{"alg":"RS256","kid":"1","kid":"1"}"#,
        r#"{"alg":"RS256","kid":"1","typ":"JWT","typ":"at+jwt"}"#,
        r#"{"alg":"RS256","\u0061lg":"none","kid":"1"}"#,
        r#"{"alg":"RS256","kid":"1","\u006bid":"2"}"#,
        r#"{"alg":"RS256","kid":"1","x":1,"x":1}"#,
        r#"{"alg":"RS256","kid":"1","jwk":{"kty":"RSA","kty":"oct"}}"#,
    ] {
        let reason = malformed(&compact(header, "{}"));
        assert_eq!(reason, MalformedTokenError::DuplicateMember, "{header}");
    }
}

// conformance 39
#[test]
fn header_names_are_compared_after_unescaping() {
    let jws = compact(r#"{"\u0061lg":"RS\u003256","k\u0069d":"\u0031"}"#, "{}");
    let jws = super::parse(&jws).unwrap();
    assert_eq!(jws.header.algorithm, Algorithm::RS256);
    assert_eq!(jws.header.kid.as_deref(), Some("1"));
    // An extension is also recognized if its name is written with an escape.
    let critical = compact(r#"{"alg":"RS256","kid":"1","cri\u0074":["exp"]}"#, "{}");
    assert_eq!(malformed(&critical), MalformedTokenError::Extension);
}

// conformance 40, 56, 67
#[test]
fn alg_that_is_none_symmetric_or_unknown_is_rejected() {
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "HS256",
        "HS384",
        "HS512",
        "rs256",
        "Rs256",
        " RS256",
        "RS256 ",
        "RS256\\u0000",
        "RS1",
        "ES256K",
        "ES521",
        "es512",
        "Ed448",
        "eddsa",
        "ed25519",
        "dir",
        "RSA-OAEP-256",
        "A256KW",
        "PBES2-HS256+A128KW",
        "ML-DSA-44",
    ] {
        let error = refusal(&format!(r#"{{"alg":"{alg}","kid":"1"}}"#));
        assert!(matches!(error, VerifyError::AlgorithmNotAllowed), "{alg}");
    }
}

// conformance 40
#[test]
fn alg_that_is_not_a_string_is_rejected() {
    for alg in ["256", "null", "true", r#"["RS256"]"#, r#"{"alg":"RS256"}"#] {
        let header = format!(r#"{{"alg":{alg},"kid":"1"}}"#);
        assert_eq!(
            malformed(&compact(&header, "{}")),
            MalformedTokenError::Header
        );
    }
    assert_eq!(
        malformed(&compact(r#"{"kid":"1"}"#, "{}")),
        MalformedTokenError::Header
    );
}

// conformance 40, 100
#[test]
fn alg_of_every_supported_name_is_accepted() {
    for (name, algorithm) in [
        ("RS256", Algorithm::RS256),
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("PS384", Algorithm::PS384),
        ("PS512", Algorithm::PS512),
        ("ES256", Algorithm::ES256),
        ("ES384", Algorithm::ES384),
        ("ES512", Algorithm::ES512),
        ("EdDSA", Algorithm::EdDSA),
        ("Ed25519", Algorithm::EdDSA),
    ] {
        let token = compact(format!(r#"{{"alg":"{name}","kid":"1"}}"#), "{}");
        assert_eq!(super::parse(&token).unwrap().header.algorithm, algorithm);
    }
}

// conformance 41, 42
#[test]
fn crit_and_b64_are_rejected() {
    for parameter in [
        r#""crit":[]"#,
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["alg"]"#,
        r#""crit":["b64"],"b64":true"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["http://example.com/UNDEFINED"],"http://example.com/UNDEFINED":true"#,
        r#""crit":null"#,
        r#""crit":"exp""#,
        r#""crit":{}"#,
        r#""b64":false"#,
        r#""b64":null"#,
        r#""b64":"true""#,
        r#""b64":0"#,
    ] {
        let header = format!(r#"{{"alg":"RS256","kid":"1",{parameter}}}"#);
        let reason = malformed(&compact(&header, "{}"));
        assert_eq!(reason, MalformedTokenError::Extension, "{header}");
    }
    // RFC 7797 §3: this is the default value, written explicitly.
    assert!(super::parse(&compact(r#"{"alg":"RS256","kid":"1","b64": true }"#, "{}")).is_ok());
}

// conformance 44, 45
#[test]
fn kid_that_is_absent_ill_typed_or_long_is_rejected() {
    let token = compact(r#"{"alg":"RS256"}"#, "{}");
    let Jws { header, .. } = super::parse(&token).unwrap();
    let mut expected = expected(Profile::Okta);
    let error = checks::check_header(&header, &expected).unwrap_err();
    assert!(matches!(error, VerifyError::MissingKeyId), "{error}");
    expected.allow_missing_key_id = true;
    assert!(checks::check_header(&header, &expected).is_ok());
    let long = format!("\"{}\"", "k".repeat(257));
    let wide = format!("\"{}\"", "é".repeat(129));
    for (kid, expected) in [
        ("1", MalformedTokenError::Header),
        ("null", MalformedTokenError::Header),
        ("[\"1\"]", MalformedTokenError::Header),
        ("{}", MalformedTokenError::Header),
        (&long, MalformedTokenError::KeyIdTooLong),
        (&wide, MalformedTokenError::KeyIdTooLong),
    ] {
        let header = format!(r#"{{"alg":"RS256","kid":{kid}}}"#);
        assert_eq!(malformed(&compact(&header, "{}")), expected);
    }
}

// conformance 44
#[test]
fn kid_may_be_any_short_string() {
    let longest = "k".repeat(256);
    for kid in [
        "../../etc/passwd",
        "' OR 1=1 --",
        "",
        "${jndi:ldap://x}",
        &longest,
    ] {
        let token = compact(format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#), "{}");
        assert_eq!(
            super::parse(&token).unwrap().header.kid.as_deref(),
            Some(kid)
        );
    }
}

// conformance 46, 85
#[test]
fn typ_compares_as_a_media_type() {
    for (typ, expected) in [
        ("JWT", Typ::Jwt),
        ("jwt", Typ::Jwt),
        ("application/jwt", Typ::Jwt),
        ("at+jwt", Typ::AccessToken),
        ("AT+JWT", Typ::AccessToken),
        ("at+JWT", Typ::AccessToken),
        ("application/at+jwt", Typ::AccessToken),
        ("Application/AT+jwt", Typ::AccessToken),
        ("", Typ::Other),
        ("application/", Typ::Other),
        ("application/application/at+jwt", Typ::Other),
        ("text/at+jwt", Typ::Other),
        ("application.at+jwt", Typ::Other),
        ("at+jwt ", Typ::Other),
        ("at+jwt; charset=utf-8", Typ::Other),
        ("at+jwtx", Typ::Other),
        ("applicatioñ/at+jwt", Typ::Other),
        ("JOSE", Typ::Other),
        ("dpop+jwt", Typ::Other),
    ] {
        let token = compact(
            format!(r#"{{"alg":"RS256","kid":"1","typ":"{typ}"}}"#),
            "{}",
        );
        assert_eq!(super::parse(&token).unwrap().header.typ, expected, "{typ}");
    }
    let absent = compact(super::HEADER, "{}");
    assert_eq!(super::parse(&absent).unwrap().header.typ, Typ::Absent);
    for typ in ["1", "[\"JWT\"]"] {
        let header = format!(r#"{{"alg":"RS256","kid":"1","typ":{typ}}}"#);
        assert_eq!(
            malformed(&compact(&header, "{}")),
            MalformedTokenError::Header
        );
    }
}

// conformance 47
#[test]
fn cty_of_a_nested_jwt_is_rejected() {
    for cty in ["JWT", "jwt", "application/jwt", "APPLICATION/JWT"] {
        let header = format!(r#"{{"alg":"RS256","kid":"1","cty":"{cty}"}}"#);
        assert_eq!(
            malformed(&compact(&header, "{}")),
            MalformedTokenError::Nested
        );
    }
    let header = r#"{"alg":"RS256","kid":"1","cty":7}"#;
    assert_eq!(
        malformed(&compact(header, "{}")),
        MalformedTokenError::Header
    );
}

// field kind F
#[test]
fn header_null_is_an_error_for_alg_crit_b64_and_kid() {
    for (header, expected) in [
        (r#"{"alg":null,"kid":"1"}"#, MalformedTokenError::Header),
        (r#"{"alg":"RS256","kid":null}"#, MalformedTokenError::Header),
        (
            r#"{"alg":"RS256","kid":"1","crit":null}"#,
            MalformedTokenError::Extension,
        ),
        (
            r#"{"alg":"RS256","kid":"1","b64":null}"#,
            MalformedTokenError::Extension,
        ),
    ] {
        assert_eq!(malformed(&compact(header, "{}")), expected, "{header}");
    }
}

// field kind F
#[test]
fn header_null_is_absence_for_typ_and_cty() {
    let header = r#"{"alg":"RS256","kid":"1","typ":null,"cty":null}"#;
    let token = compact(header, "{}");
    assert_eq!(super::parse(&token).unwrap().header.typ, Typ::Absent);
}

// conformance 43
#[test]
fn header_keys_of_the_sender_are_ignored() {
    let header = r#"{"alg":"RS256","kid":"1","jku":7,"jwk":"?","x5u":null,"x5c":{},"x5t":[]}"#;
    let jws = compact(header, "{}");
    assert_eq!(super::parse(&jws).unwrap().header.kid.as_deref(), Some("1"));
}
