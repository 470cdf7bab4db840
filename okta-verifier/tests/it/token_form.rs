//! Signed tokens of every invalid form.

use okta_verifier::{Issuer, VerifyError, error::MalformedTokenError};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use serde_json::{Value, json};

use crate::support::pinned_keys::{AUDIENCE, build, code, okta, verifier, verify};

/// Returns the key ID and the algorithm from the header of a valid token.
fn header_of(okta: &TestIssuer, changes: &str) -> String {
    let keys: Value = serde_json::from_str(&okta.jwks()).expect("JSON");
    format!(
        r#"{{"alg":"RS256","kid":{}{changes}}}"#,
        keys["keys"][0]["kid"]
    )
}

fn claims(changes: &str) -> String {
    format!(
        r#"{{"iss":"https://okta.test/oauth2/default","sub":"ada","aud":"{AUDIENCE}","exp":33000000000,"cid":"0oatest"{changes}}}"#
    )
}

fn reason(okta: &TestIssuer, token: TokenBuilder) -> MalformedTokenError {
    match verify(&verifier(okta), &token.sign()) {
        Err(VerifyError::Malformed(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

// conformance 33, 59, 60
#[test]
fn token_that_is_encrypted_has_its_own_error() {
    let okta = okta();
    let error = verify(&verifier(&okta), &okta.token("ada").encrypted().sign()).unwrap_err();
    assert!(matches!(error, VerifyError::Encrypted), "{error}");
}

// conformance 37, 39, 41, 42, 47
#[test]
fn token_header_that_is_not_strict_is_rejected() {
    use MalformedTokenError::{DuplicateMember, Extension, Header, Json, Nested};
    let okta = okta();
    for (header, expected) in [
        (header_of(&okta, r#","alg":"none""#), DuplicateMember),
        (header_of(&okta, r#","\u0061lg":"RS256""#), DuplicateMember),
        (header_of(&okta, r#","crit":[]"#), Extension),
        (header_of(&okta, r#","crit":["exp"],"exp":1"#), Extension),
        (
            header_of(&okta, r#","b64":false,"crit":["b64"]"#),
            Extension,
        ),
        (header_of(&okta, r#","b64":false"#), Extension),
        (header_of(&okta, r#","cty":"JWT""#), Nested),
        (header_of(&okta, r#","typ":1"#), Header),
        (header_of(&okta, "") + " {}", Json),
        ("\u{feff}".to_owned() + &header_of(&okta, ""), Json),
        (format!("[{}]", header_of(&okta, "")), Json),
    ] {
        let token = okta.token("ada").raw_header(header.clone());
        assert_eq!(reason(&okta, token), expected, "{header}");
    }
    let escaped = header_of(&okta, "").replace("alg", r"\u0061lg");
    let token = okta.token("ada").raw_header(escaped).sign();
    assert_eq!(code(&verifier(&okta), &token), "ok");
}

// conformance 38, 47, 48, 57, 58
#[test]
fn token_payload_that_is_not_strict_is_rejected() {
    use MalformedTokenError::{DuplicateMember, Json, TooDeep};
    let okta = okta();
    let valid = okta.token("ada").raw_payload(claims("")).sign();
    assert_eq!(code(&verifier(&okta), &valid), "ok");
    let deep = format!(r#","x":{}{}"#, "[".repeat(2_000), "]".repeat(2_000));
    for (payload, expected) in [
        (claims(r#","sub":"eve""#).into_bytes(), DuplicateMember),
        (claims(r#","\u0061ud":"x""#).into_bytes(), DuplicateMember),
        (
            claims(r#","act":{"sub":"x","sub":"y"}"#).into_bytes(),
            DuplicateMember,
        ),
        (claims(&deep).into_bytes(), TooDeep),
        (format!("[{}]", claims("")).into_bytes(), Json),
        (format!("\"{valid}\"").into_bytes(), Json),
        (valid.clone().into_bytes(), Json),
        (b"Example of Ed25519 signing".to_vec(), Json),
        (Vec::new(), Json),
        ([claims("").into_bytes(), b"x".to_vec()].concat(), Json),
        (
            claims(r#","x":"?""#).replace('?', "\u{0}").into_bytes(),
            Json,
        ),
        (claims(r#","x":"\ud800""#).into_bytes(), Json),
        (
            [&b"{\"x\":\"\xff\","[..], &claims("").as_bytes()[1..]].concat(),
            Json,
        ),
    ] {
        let token = okta.token("ada").raw_payload(payload.clone());
        assert_eq!(reason(&okta, token), expected, "{}", payload.escape_ascii());
    }
}

// conformance 57
#[tokio::test]
async fn token_over_16_kib_is_rejected_also_without_a_request() {
    let okta = okta();
    let large = okta.token("ada").claim("x", "y".repeat(16 * 1024)).sign();
    let error = verifier(&okta).verify(&large).await.unwrap_err();
    let expected = MalformedTokenError::TooLarge { limit: 16 * 1024 };
    assert!(
        matches!(error, VerifyError::Malformed(reason) if reason == expected),
        "{error}"
    );
}

// conformance 44, 82
#[test]
fn token_without_a_configured_issuer_causes_no_fetch() {
    // The keys were never fetched, so a result that needs them is not ready.
    let okta = okta();
    let unfetched = build(Issuer::okta(okta.issuer_url(), AUDIENCE).any_client_id());
    let foreign = okta
        .token("ada")
        .claim("iss", "https://evil.test/oauth2/default");
    for (token, expected) in [
        (foreign, "unknown_issuer"),
        (
            okta.token("ada").claim("iss", "https://okta.test"),
            "org_authorization_server",
        ),
        (okta.token("ada").typ("dpop+jwt"), "type_not_allowed"),
        (
            okta.token("ada").header("kid", "k".repeat(4096)),
            "malformed",
        ),
        (okta.token("ada").header("kid", json!(1)), "malformed"),
        (okta.token("ada").unsigned(), "algorithm_not_allowed"),
    ] {
        assert_eq!(code(&unfetched, &token.sign()), expected);
    }
}
