//! Properties of any token and any request.

use std::sync::LazyLock;

use okta_verifier::{Algorithm, Verifier, adapter::RequestCredentials};
use okta_verifier_testing::TestIssuer;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::pinned_keys::{code, okta, verifier};

/// A verifier and valid tokens of its issuer, one for each algorithm.
struct Fixture {
    okta: TestIssuer,
    verifier: Verifier,
    tokens: Vec<String>,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    use Algorithm::{ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let all = [
        RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA,
    ];
    let okta = okta().algorithms(all);
    let tokens = all.map(|algorithm| okta.token("ada").algorithm(algorithm).sign());
    Fixture {
        verifier: verifier(&okta),
        tokens: tokens.into(),
        okta,
    }
});

fn accepts(token: &str) -> bool {
    let authorization = format!("Bearer {token}");
    let result = FIXTURE
        .verifier
        .authenticate(&RequestCredentials::new([authorization.as_bytes()]))
        .into_ready()
        .expect("decided without I/O");
    secret_scan::verdict(&result);
    result.is_ok()
}

// conformance 34, 35, 60, 93
#[test]
fn token_with_any_changed_character_is_rejected() {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for token in &FIXTURE.tokens {
        assert!(accepts(token));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            // The neighbour in the alphabet differs in the lowest bits, which are the unused bits
            // at the end of a part.
            bytes[at] = match ALPHABET.iter().position(|byte| *byte == bytes[at]) {
                Some(index) => ALPHABET[index ^ 1],
                None => b'-',
            };
            let other = String::from_utf8(bytes).expect("ASCII");
            assert!(!accepts(&other), "position {at} of {token}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // conformance 34, 35, 60, 93
    #[test]
    fn token_with_any_changed_byte_is_rejected(
        token in 0..9_usize,
        at in any::<prop::sample::Index>(),
        byte in 0..=127_u8,
        change in 0..3_u8,
    ) {
        let valid = &FIXTURE.tokens[token];
        let mut bytes = valid.clone().into_bytes();
        let at = at.index(bytes.len());
        match change {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        let other = String::from_utf8(bytes).expect("ASCII");
        // Spaces before a token belong to the header.
        prop_assert_eq!(accepts(&other), other.trim_start_matches(' ') == valid);
    }

    // conformance 60, 81, 93
    #[test]
    fn token_under_any_published_key_is_accepted_only_as_signed(
        header in 0..9_usize,
        payload in 0..9_usize,
        signature in 0..9_usize,
        subject in select(vec!["ada", "eve"]),
    ) {
        let part = |token: usize, part: usize| {
            FIXTURE.tokens[token].split('.').nth(part).expect("three parts")
        };
        let payload_part = part(payload, 1);
        let mixed = [part(header, 0), payload_part, part(signature, 2)].join(".");
        prop_assert_eq!(accepts(&mixed), FIXTURE.tokens.contains(&mixed));
        // The same tokens from an attacker who knows every published key ID.
        let forged = FIXTURE.okta.token(subject).foreign_key().sign();
        prop_assert!(!accepts(&forged));
        let moved = [&forged[..forged.rfind('.').expect("a dot")], part(signature, 2)].join(".");
        prop_assert!(!accepts(&moved));
    }

    // conformance 2, 6, 8, 33
    #[test]
    fn request_of_any_bytes_does_not_panic(
        lines in vec(
            prop_oneof![
                any::<Vec<u8>>(),
                "Bearer [A-Za-z0-9._~+/=-]{0,60}".prop_map(String::into_bytes),
                "Bearer eyJ[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}"
                    .prop_map(String::into_bytes),
            ],
            0..3,
        ),
        query in proptest::option::of(any::<String>()),
    ) {
        let credentials = RequestCredentials::new(lines.iter().map(Vec::as_slice)).query(query.as_deref());
        let rejection = FIXTURE
            .verifier
            .authenticate(&credentials).into_ready()
            .expect("decided without I/O")
            .expect_err("the token has no valid signature");
        let status = rejection.status().as_u16();
        prop_assert!(status == 400 || status == 401);
        for (_, value) in rejection.headers() {
            prop_assert!(value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~')));
        }
    }

    // conformance 38, 48, 60
    #[test]
    fn token_with_any_signed_payload_has_a_result(payload in any::<Vec<u8>>(), name in any::<String>()) {
        let token = FIXTURE.okta.token("ada").algorithm(Algorithm::EdDSA);
        prop_assert_eq!(code(&FIXTURE.verifier, &token.clone().raw_payload(payload).sign()), "malformed");
        // A claim with an unknown name changes nothing.
        let known = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cid", "client_id", "uid",
            "scp", "scope", "nonce", "at_hash", "c_hash", "events", "cnf", "acr", "auth_time"];
        if !known.contains(&name.as_str()) {
            prop_assert_eq!(code(&FIXTURE.verifier, &token.claim(&name, name.clone()).sign()), "ok");
        }
    }
}
