//! Limits of a token: its size, by a setting, and the depth of its JSON. There are no other limits.

use okta_verifier::{
    ConfigError, Verifier, VerifyError, adapter::RequestCredentials, error::MalformedTokenError,
};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use serde_json::{Map, Value, json};

use crate::support::pinned_keys::{authenticate, okta, verifier, verify};

const KIB: usize = 1024;

fn of_size(okta: &TestIssuer, bytes: usize) -> Verifier {
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    builder
        .max_token_size(bytes)
        .build()
        .expect("valid settings")
}

/// The roles of a user at every client of a realm, as Keycloak writes them.
fn resource_access(clients: usize, roles: &[&str]) -> Value {
    let access = (0..clients).map(|n| (format!("client-{n}"), json!({ "roles": roles })));
    Value::Object(access.collect::<Map<_, _>>())
}

/// Returns a token of exactly this many bytes.
fn sized(okta: &TestIssuer, bytes: usize) -> String {
    // Not every length is possible in base64url: padding in the header makes up for it.
    for header in 0..4 {
        let build = |padding: usize| {
            let token = okta.token("ada").header("x", "x".repeat(header));
            token.claim("pad", "x".repeat(padding)).sign()
        };
        let empty = build(0).len();
        let near = (bytes - empty) * 3 / 4;
        let found = (near.saturating_sub(3)..near + 3).map(build);
        if let Some(jwt) = found.into_iter().find(|jwt| jwt.len() == bytes) {
            return jwt;
        }
    }
    panic!("no token of {bytes} bytes");
}

// field kind L
#[test]
fn token_of_hundreds_of_keycloak_clients_is_accepted() {
    let okta = okta();
    let access = resource_access(300, &["user"]);
    let jwt = okta.token("ada").claim("resource_access", &access).sign();
    assert!(jwt.len() <= 16 * KIB, "{}", jwt.len());
    let token = verify(&verifier(&okta), &jwt).expect("accepted");
    assert_eq!(token.claim("resource_access").unwrap(), Some(access));

    let access = resource_access(1_000, &["view", "manage"]);
    let jwt = okta.token("ada").claim("resource_access", &access).sign();
    assert!(
        jwt.len() > 32 * KIB && jwt.len() <= 64 * KIB,
        "{}",
        jwt.len()
    );
    assert_eq!(
        authenticate(&verifier(&okta), &jwt).unwrap_err().status(),
        400
    );
    let token = verify(&of_size(&okta, 64 * KIB), &jwt).expect("accepted");
    assert_eq!(token.claim("resource_access").unwrap(), Some(access));
}

// field kind L
#[test]
fn token_with_a_duplicate_is_rejected_at_every_depth_and_size() {
    let okta = okta();
    let verifier = of_size(&okta, 64 * KIB);
    let wide = |members: usize, last: &str| {
        let members: Vec<_> = (0..members).map(|n| format!(r#""m{n}":0"#)).collect();
        format!("{{{},{last}}}", members.join(","))
    };
    let signed = |value: &str| {
        let payload = format!(
            r#"{{"iss":"{}","sub":"ada","aud":"api://orders","exp":4100000000,"x":{value}}}"#,
            okta.issuer_url()
        );
        okta.token("ada").raw_payload(payload).sign()
    };
    for members in [2, 255, 256, 257, 1_000, 3_000] {
        for lists in [0, 1, 6] {
            let at = |last: &str| {
                let (opened, closed) = (r#"{"a":["#.repeat(lists), "]}".repeat(lists));
                format!("{opened}{}{closed}", wide(members, last))
            };
            for last in [r#""m0":1"#, r#""m1":1"#, r#""\u006d1":1"#] {
                let error = verify(&verifier, &signed(&at(last))).unwrap_err();
                let duplicate = MalformedTokenError::DuplicateMember;
                assert!(
                    matches!(error, VerifyError::Malformed(reason) if reason == duplicate),
                    "{error}"
                );
            }
            assert!(verify(&verifier, &signed(&at(r#""other":1"#))).is_ok());
        }
    }
}

// field kind L
#[tokio::test]
async fn token_size_is_a_setting_for_requests_and_bare_tokens_alike() {
    let okta = okta();
    let default = verifier(&okta);
    for (verifier, limit) in [
        (default, 16 * KIB),
        (of_size(&okta, KIB), KIB),
        (of_size(&okta, 20_000), 20_000),
        (of_size(&okta, 64 * KIB), 64 * KIB),
    ] {
        let largest = sized(&okta, limit);
        assert!(verifier.verify(&largest).await.is_ok(), "{limit}");
        assert!(authenticate(&verifier, &largest).is_ok(), "{limit}");

        let larger = format!("{largest}A");
        let error = verifier.verify(&larger).await.unwrap_err();
        let expected = MalformedTokenError::TooLarge { limit };
        assert!(matches!(error, VerifyError::Malformed(reason) if reason == expected));
        assert!(error.to_string().contains(&limit.to_string()), "{error}");

        let rejection = authenticate(&verifier, &larger).unwrap_err();
        assert_eq!(rejection.status(), 400);
        let error = rejection.error().expect("an error").to_string();
        assert!(error.contains(&limit.to_string()), "{error}");
    }
    // The characters of a larger token are not checked.
    let long = format!("Bearer {}", "\"".repeat(KIB + 1));
    let credentials = RequestCredentials::new([long.as_bytes()]);
    let result = of_size(&okta, KIB).authenticate(&credentials).into_ready();
    let rejection = result.unwrap().unwrap_err();
    assert_eq!(rejection.status(), 400);
    assert_eq!(rejection.error().map(VerifyError::code), Some("malformed"));
}

// field kind L
#[test]
fn token_size_out_of_bounds_is_a_config_error() {
    let okta = okta();
    for bytes in [0, 1, KIB - 1, 64 * KIB + 1, usize::MAX] {
        let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
        let error = builder.max_token_size(bytes).build().unwrap_err();
        assert!(matches!(error, ConfigError::MaxTokenSize), "{error}");
        assert!(error.to_string().contains("65536"), "{error}");
    }
}

// field kind L
#[test]
fn token_error_names_the_cap_that_was_exceeded() {
    let okta = okta();
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    let reason = |token: TokenBuilder| verify(&verifier(&okta), &token.sign()).unwrap_err();
    let error = reason(okta.token("ada").claim("x", deep));
    assert!(matches!(
        error,
        VerifyError::Malformed(MalformedTokenError::TooDeep)
    ));
    assert!(error.to_string().contains("16 levels"), "{error}");
    let error = reason(okta.token("ada").header("kid", "k".repeat(257)));
    assert!(matches!(
        error,
        VerifyError::Malformed(MalformedTokenError::KeyIdTooLong)
    ));
    assert!(error.to_string().contains("256 bytes"), "{error}");
}
