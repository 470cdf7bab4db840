//! One `Authorization` field value.

use crate::http::{
    RequestCredentials, Scheme,
    credentials::{Credentials, Malformed, is_b64token, parse},
};

/// Returns the result in a form that can be compared.
fn outcome(parsed: Result<Credentials<'_>, Malformed>) -> String {
    match parsed {
        Ok(Credentials::Token(_, token)) if !is_b64token(token) => "malformed".to_owned(),
        Ok(Credentials::Token(scheme, token)) => {
            let name = match scheme {
                Scheme::Bearer => "token",
                Scheme::Dpop => "dpop",
            };
            format!("{name} {}", String::from_utf8_lossy(token))
        }
        Ok(Credentials::OtherScheme) => "other scheme".to_owned(),
        Ok(Credentials::Absent) => "absent".to_owned(),
        Err(_) => "malformed".to_owned(),
    }
}

fn read(value: impl AsRef<[u8]>) -> String {
    outcome(parse(value.as_ref(), false, 16 * 1024))
}

// conformance 2, 4, 5, 13
#[test]
fn credentials_that_are_malformed_are_not_anonymous() {
    for value in [
        &b""[..],
        b" ",
        b"\t",
        b"Bearer",
        b"Bearer ",
        b"Bearer    ",
        b"Bearer\t",
        b"Bearer\tabc",
        b"Bearer \tabc",
        b"Bearer abc def",
        b"Bearer a=b",
        b"Bearer =",
        b"Bearer ==",
        b"Bearer =a",
        b"Bearer a,b",
        b"Bearer a, Bearer b",
        b"Bearer abc;x",
        b"Bearer \"x\"",
        b"Bearer a\"b",
        b"Bearer {\"a\":1}",
        b"Bearer a:b",
        b"Bearer a%20b",
        b"Bearer a\0b",
        b"Bearer a\x7fb",
        b"Bearer a\r\nb",
        b"Bearer \xc3\xa9",
        b"Bearer \xff",
        b"Bearer,abc",
        b"Bearer=abc",
        b"Bearer/abc",
        b"Bearer:abc",
        b"Bearer\0abc",
        b"Bearer\xa0abc",
        b"\"Bearer\" abc",
        b"=Bearer abc",
        b"B\xc3\xa4r abc",
        b",",
        b"Basic\tabc",
    ] {
        assert_eq!(read(value), "malformed", "{:?}", value.escape_ascii());
    }
}

// conformance 2, 57
#[test]
fn credentials_above_16_kib_are_malformed() {
    let value = |length| format!("Bearer {}", "a".repeat(length));
    assert!(read(value(16 * 1024)).starts_with("token a"));
    assert_eq!(read(value(16 * 1024 + 1)), "malformed");
    assert_eq!(read(value(1 << 20)), "malformed");
}

// conformance 12
#[test]
fn credentials_of_another_scheme_are_not_a_token() {
    for value in [
        "Basic YWRhOmFkYQ==",
        "Basic",
        "Digest username=\"ada\", realm=\"x\"",
        "DPoP abc",
        "Negotiate",
        "Bearers abc",
        "Bearer2 abc",
        "Beare abc",
        "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        "AWS4-HMAC-SHA256 Credential=x",
    ] {
        assert_eq!(read(value), "other scheme", "{value}");
    }
}

// conformance 1, 2, 3, 4
#[test]
fn bearer_token_follows_one_or_more_spaces() {
    for (value, token) in [
        ("Bearer abc", "abc"),
        ("Bearer   abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER abc", "abc"),
        ("bEaReR AbC", "AbC"),
        ("Bearer abc ", "abc"),
        (" Bearer abc\t \t", "abc"),
        ("Bearer a", "a"),
        ("Bearer a=", "a="),
        ("Bearer a==", "a=="),
        ("Bearer AZaz09-._~+/", "AZaz09-._~+/"),
        ("Bearer ..", ".."),
        ("Bearer Bearer", "Bearer"),
    ] {
        assert_eq!(read(value), format!("token {token}"), "{value}");
    }
}

// conformance 6, 7, 8
#[test]
fn credentials_of_two_lines_or_two_methods_are_malformed() {
    let of = |lines: &[&str], query| {
        let credentials =
            RequestCredentials::new(lines.iter().map(|line| line.as_bytes())).query(query);
        outcome(credentials.read(false, 16 * 1024))
    };
    for (lines, query, expected) in [
        (&[][..], None, "absent"),
        (&[], Some("access_token=abc"), "absent"),
        (&["Bearer abc"], None, "token abc"),
        (&["Bearer abc"], Some(""), "token abc"),
        (&["Bearer abc"], Some("page=2&token=x"), "token abc"),
        (&["Bearer abc"], Some("q=access_token=x"), "token abc"),
        (&["Bearer abc"], Some("Access_Token=x"), "token abc"),
        (&["Bearer abc"], Some("access_token=abc"), "malformed"),
        (&["Bearer abc"], Some("a=1&access_token"), "malformed"),
        (&["Bearer abc"], Some("access%5Ftoken=x"), "malformed"),
        (&["Bearer abc"], Some("%61ccess_token=x"), "malformed"),
        (&["Basic abc"], Some("access_token=abc"), "other scheme"),
        (&["Bearer abc", "Bearer abc"], None, "malformed"),
        (&["Bearer abc", "Bearer def"], None, "malformed"),
        (&["Bearer abc", "Basic x"], None, "malformed"),
        (&["Basic x", "Basic x"], None, "malformed"),
        (&["Bearer abc", ""], None, "malformed"),
        (&["", ""], None, "malformed"),
    ] {
        assert_eq!(of(lines, query), expected, "{lines:?} {query:?}");
    }
}

// conformance 20
#[test]
fn credentials_debug_shows_nothing() {
    let credentials =
        RequestCredentials::new([&b"Bearer secret"[..]]).query(Some("access_token=secret"));
    assert_eq!(format!("{credentials:?}"), "RequestCredentials { .. }");
    assert_eq!(
        format!("{:?}", Malformed::ambiguous("a fixed text")),
        "Malformed { scheme: None, problem: Syntax(\"a fixed text\") }"
    );
}

// conformance 152
#[test]
fn dpop_scheme_is_accepted_only_if_offered() {
    let read = |value: &str, dpop| outcome(parse(value.as_bytes(), dpop, 16 * 1024));
    for value in ["DPoP a.b.c", "dpop a.b.c", "dPoP   a.b.c "] {
        assert_eq!(read(value, true), "dpop a.b.c", "{value}");
        assert_eq!(read(value, false), "other scheme", "{value}");
    }
    for value in ["DPoP", "DPoP ", "DPoP\ta.b.c", "DPoP,a.b.c", "DPoP=a.b.c"] {
        assert_eq!(read(value, true), "malformed", "{value}");
    }
    assert_eq!(read("DPoPx a.b.c", true), "other scheme");
}
