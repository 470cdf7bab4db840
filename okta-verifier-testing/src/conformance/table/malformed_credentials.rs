//! Malformed credentials are rejected with 400. They are treated neither as missing nor as an invalid
//! token.

use super::super::case::{Case, invalid, malformed};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        malformed("the same line twice", &[8, 13])
            .okta(|token| token)
            .lines(|token| vec![bearer(token), bearer(token)]),
        malformed("a valid line before a malformed one", &[8])
            .okta(|token| token)
            .lines(|token| vec![bearer(token), b"Bearer a.b.c".to_vec()]),
        malformed("a malformed line before a valid one", &[8])
            .okta(|token| token)
            .lines(|token| vec![b"Bearer a.b.c".to_vec(), bearer(token)]),
        malformed("a valid line before one of another scheme", &[8])
            .okta(|token| token)
            .lines(|token| vec![bearer(token), b"Basic eDp5".to_vec()]),
        malformed("a valid line after one of another scheme", &[8])
            .okta(|token| token)
            .lines(|token| vec![b"Basic eDp5".to_vec(), bearer(token)]),
        malformed("an empty line before a valid one", &[8])
            .okta(|token| token)
            .lines(|token| vec![Vec::new(), bearer(token)]),
        malformed("two lines of another scheme", &[8])
            .lines(|_| vec![b"Basic eDp5".to_vec(), b"Basic eDp6".to_vec()]),
        malformed("a tab after the scheme", &[4])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer\t{token}").into()]),
        malformed("a space and a tab after the scheme", &[4])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer \t{token}").into()]),
        malformed("a colon after the scheme", &[1])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer: {token}").into()]),
        malformed("an equals sign after the scheme", &[1])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer={token}").into()]),
        malformed("two tokens", &[2])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer {token} {token}").into()]),
        malformed("two tokens with a comma between", &[2, 8])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer {token}, Bearer {token}").into()]),
        malformed("a quoted token", &[2])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer \"{token}\"").into()]),
        malformed("a parameter in place of a token", &[2])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer token=\"{token}\"").into()]),
        malformed("a JSON serialization", &[2, 33])
            .line(r#"Bearer {"payload":"e30","signatures":[]}"#),
        malformed("a token in header and query", &[6, 13])
            .okta(|token| token)
            .query(|token| format!("access_token={token}")),
        malformed("an empty query token beside the header", &[6])
            .okta(|token| token)
            .query(|_| "page=2&access_token=".to_owned()),
        malformed("a query token without a value beside the header", &[6])
            .okta(|token| token)
            .query(|_| "access_token".to_owned()),
        malformed("an escaped query token beside the header", &[6])
            .okta(|token| token)
            .query(|_| "access%5Ftoken=x".to_owned()),
        malformed("one byte over 16 KiB", &[57])
            .line(format!("Bearer {}", "a".repeat(16 * 1024 + 1))),
        malformed("20 KiB", &[57]).line(format!("Bearer {}", "a".repeat(20 * 1024))),
        invalid("16 KiB that are not a token", &[57])
            .line(format!("Bearer {}", "a".repeat(16 * 1024))),
    ];
    let empty: [(&str, &[u8]); 5] = [
        ("an empty value", b""),
        ("a value of white space", b" \t "),
        ("the scheme alone", b"Bearer"),
        ("the scheme and a space", b"Bearer "),
        ("the scheme and three spaces", b"Bearer   "),
    ];
    cases.extend(empty.map(|(name, value)| malformed(name, &[5, 13]).line(value)));
    let texts: [(&str, &[u8]); 12] = [
        ("padding alone", b"Bearer ="),
        ("a comma inside", b"Bearer a,b"),
        ("an equals sign inside", b"Bearer a=b"),
        ("an escape inside", b"Bearer a%2Eb"),
        ("a backslash inside", b"Bearer a\\b"),
        ("a colon inside", b"Bearer a:b"),
        ("braces", b"Bearer {token}"),
        ("angle brackets", b"Bearer <token>"),
        ("UTF-8", "Bearer \u{e9}".as_bytes()),
        ("Latin-1", b"Bearer \xe9"),
        ("bytes that are not text", b"Bearer \xff\xfe"),
        ("a scheme that is not a token", b"\"Bearer\" abc"),
    ];
    cases.extend(texts.map(|(name, value)| malformed(name, &[2, 13]).line(value)));
    let controls: [(&str, &[u8]); 6] = [
        ("a NUL inside", b"Bearer a\0b"),
        ("a control character inside", b"Bearer a\x01b"),
        ("a vertical tab inside", b"Bearer a\x0bb"),
        ("a carriage return inside", b"Bearer a\rb"),
        ("a line feed inside", b"Bearer a\nb"),
        ("a delete inside", b"Bearer a\x7fb"),
    ];
    cases.extend(controls.map(|(name, value)| malformed(name, &[2, 18]).line(value).not_http()));
    cases
}

fn bearer(token: &str) -> Vec<u8> {
    format!("Bearer {token}").into_bytes()
}
