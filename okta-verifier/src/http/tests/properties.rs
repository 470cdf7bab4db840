//! Properties of credentials and challenges for arbitrary input.

use proptest::prelude::*;

use super::parameters;
use crate::http::{
    Challenges, Scheme,
    credentials::{Credentials, is_b64token, parse},
    is_scope_token,
};

/// The syntax of RFC 6750 §2.1, implemented independently of the parser.
fn bearer_token(value: &str) -> Option<&str> {
    let value = value.trim_matches([' ', '\t']);
    let (scheme, token) = (value.get(..6)?, value.get(6..)?);
    if !scheme.eq_ignore_ascii_case("Bearer") || !token.starts_with(' ') {
        return None;
    }
    let token = token.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    (!body.is_empty() && body.chars().all(legal)).then_some(token)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    // conformance 1, 2, 4
    #[test]
    fn credentials_of_any_bytes_do_not_panic(
        bytes in any::<Vec<u8>>(),
        near in r#"[ \t]{0,2}([Bb][Ee]arer|Bearer|Basic)[ \t=,]{0,3}[A-Za-z0-9._~+/=", \t-]{0,12}"#,
    ) {
        for bytes in [&bytes[..], near.as_bytes()] {
            let expected = std::str::from_utf8(bytes).ok().and_then(bearer_token);
            let expected = expected.map(str::as_bytes);
            match parse(bytes, true, 16 * 1024) {
                Ok(Credentials::Token(Scheme::Bearer, token)) if is_b64token(token) => prop_assert_eq!(Some(token), expected),
                _ => prop_assert_eq!(None, expected),
            }
        }
    }

    // conformance 16, 17, 18, 27, 28, 29
    #[test]
    fn challenge_is_ascii_and_parses_back(
        realm in prop_oneof![any::<String>(), r#"[ -~]{1,20}"#, r#"["\\ ,=a]{1,8}"#],
        scope in prop_oneof![any::<String>(), r#"[ !#-~]{0,20}"#, "[a-c]{1,2}( [a-c]{1,2}){0,3}"],
    ) {
        let printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let Ok(challenges) = Challenges::new(&realm) else {
            prop_assert!(realm.is_empty() || !printable(&realm));
            return Ok(());
        };
        prop_assert!(!realm.is_empty() && printable(&realm));
        let mut values = vec![
            (challenges.bare.clone(), 1),
            (challenges.invalid_request.clone(), 3),
            (challenges.invalid_token.clone(), 3),
        ];
        match challenges.insufficient_scope(Scheme::Bearer, &scope) {
            Ok(value) => {
                prop_assert!(scope.split(' ').all(is_scope_token));
                let text = value.to_str().expect("ASCII").to_owned();
                prop_assert_eq!(&parameters(&text)[3].1, &scope);
                values.push((value, 4));
            }
            Err(_) => prop_assert!(!scope.split(' ').all(is_scope_token)),
        }
        for (value, count) in values {
            let text = value.to_str().expect("ASCII");
            prop_assert!(printable(text));
            let parameters = parameters(text);
            let names: Vec<_> = parameters.iter().map(|(name, _)| &**name).collect();
            let order = ["realm", "error", "error_description", "scope"];
            prop_assert_eq!(&names[..], &order[..count]);
            prop_assert_eq!(&parameters[0].1, &realm);
            // RFC 6750 §3: these values must not contain a quote or a backslash, not even an escaped one.
            for (_, text) in &parameters[1..] {
                prop_assert!(!text.contains(['"', '\\']));
            }
        }
    }
}
