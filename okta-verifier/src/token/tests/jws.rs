//! The compact form (RFC 7515 §5.2, §7.1).

use super::{HEADER, MAX_TOKEN, compact, encode, malformed};
use crate::error::{MalformedTokenError, VerifyError};

// conformance 33
#[test]
fn token_without_three_parts_is_rejected() {
    let (header, payload) = (encode(HEADER), encode("{}"));
    for token in [
        String::new(),
        header.clone(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.c2ln.c2ln"),
        format!("{header}.{payload}.c2ln.c2ln.c2ln.c2ln"),
        ".".repeat(8_000),
    ] {
        assert_eq!(malformed(&token), MalformedTokenError::Parts, "{token}");
    }
}

// conformance 33, 59, 60
#[test]
fn token_of_five_parts_is_encrypted() {
    for token in ["a.b.c.d.e", "....", "eyJhbGciOiJkaXIifQ..aXY.Yw.dGFn"] {
        let error = super::parse(token).unwrap_err();
        assert!(matches!(error, VerifyError::Encrypted), "{token}: {error}");
    }
}

// conformance 33
#[test]
fn token_in_json_serialization_is_rejected() {
    for token in [
        r#"{"payload":"e30","protected":"e30","signature":"c2ln"}"#,
        r#"{"payload":"e30","signatures":[{"protected":"e30","signature":"c2ln"}]}"#,
    ] {
        assert_eq!(malformed(token), MalformedTokenError::Alphabet);
    }
}

// conformance 34, 35
#[test]
fn token_with_a_byte_outside_the_alphabet_is_rejected() {
    let good = compact(HEADER, "{}");
    assert!(super::parse(&good).is_ok());
    let foreign = (0..=127_u8)
        .filter(|byte| !byte.is_ascii_alphanumeric() && !b"-_.".contains(byte))
        .map(char::from)
        .chain(['é', '\u{feff}', 'А']);
    for character in foreign {
        for at in [0, 5, good.rfind('.').unwrap() - 1, good.len()] {
            let mut token = good.clone();
            token.insert(at, character);
            assert_eq!(
                malformed(&token),
                MalformedTokenError::Alphabet,
                "{token:?}"
            );
        }
    }
}

// conformance 35
#[test]
fn token_with_stray_bits_or_an_impossible_length_is_rejected() {
    // `{}` is `e30`; the last two bits of its last character must be zero. `c2ln` is complete.
    let header = encode(HEADER);
    for payload in ["e31", "e32", "e33", "e", "e30AA", "e3"] {
        assert_eq!(
            malformed(&format!("{header}.{payload}.c2ln")),
            MalformedTokenError::Base64,
            "{payload}"
        );
    }
    for signature in ["AB", "A", "AAAAA", "c2l"] {
        assert_eq!(
            malformed(&format!("{header}.e30.{signature}")),
            MalformedTokenError::Base64,
            "{signature}"
        );
    }
    assert_eq!(malformed("e31.e30.c2ln"), MalformedTokenError::Base64);
}

// conformance 36, 48, 58
#[test]
fn token_part_that_is_not_a_json_object_is_rejected() {
    for bytes in [
        &b""[..],
        b"[]",
        b"\"alg\"",
        b"null",
        b"1",
        b"{",
        b"{}}",
        b"{} x",
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b"{'alg':'RS256'}",
        b"{\"alg\":\"RS256\",}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\xc0\x80\"}",
        b"{\"a\":\"\0\"}",
        b"{\"a\":01}",
        b"{\"a\":NaN}",
        b"{/**/}",
    ] {
        let header = compact(bytes, "{}");
        assert_eq!(malformed(&header), MalformedTokenError::Json, "{bytes:?}");
        // This parser checks that the payload is UTF-8. That it is JSON is checked with the claims.
        let payload = compact(HEADER, bytes);
        let json = match super::parse(&payload) {
            Ok(jws) => crate::token::claims::Claims::parse(&jws.payload).map(|_| ()),
            Err(error) => Err(error),
        };
        let refused = matches!(json, Err(VerifyError::Malformed(MalformedTokenError::Json)));
        assert!(refused, "{bytes:?}");
    }
}

// conformance 57
#[test]
fn token_above_the_size_limit_is_rejected_before_decoding() {
    let sized = |length: usize| {
        let rest = compact(HEADER, "").len();
        format!(
            "{}.{}.c2ln",
            encode(HEADER),
            "A".repeat(length.saturating_sub(rest))
        )
    };
    let largest = sized(MAX_TOKEN);
    assert_eq!(largest.len(), MAX_TOKEN);
    assert!(super::parse(&largest).is_ok());
    assert_eq!(
        malformed(&sized(MAX_TOKEN + 1)),
        MalformedTokenError::TooLarge { limit: MAX_TOKEN }
    );
    // The size is checked before the alphabet.
    assert_eq!(
        malformed(&"\"".repeat(1 << 20)),
        MalformedTokenError::TooLarge { limit: MAX_TOKEN }
    );
}

// conformance 60
#[test]
fn signature_longer_than_any_keys_is_rejected() {
    let token = |length| format!("{}.e30.{}", encode(HEADER), encode(vec![7; length]));
    assert_eq!(super::parse(&token(1024)).unwrap().signature, [7; 1024]);
    for length in [1025, 1026, 1027, 4096] {
        let error = super::parse(&token(length)).unwrap_err();
        assert!(matches!(error, VerifyError::BadSignature), "{error}");
    }
}

// conformance 33, 60
#[test]
fn signing_input_is_as_it_was_sent() {
    let token = compact(HEADER, r#"{"sub":"ada"}"#);
    let jws = super::parse(&token).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(jws.signed, signed.as_bytes());
    assert_eq!(super::encode(&jws.signature), signature);
    assert_eq!(jws.payload, r#"{"sub":"ada"}"#);
    assert!(
        super::parse(&format!("{signed}."))
            .unwrap()
            .signature
            .is_empty()
    );
}
