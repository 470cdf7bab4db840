//! The claims of a [`VerifiedToken`], and a token for other tests.

use serde_json::json;

use super::*;
use crate::token::{
    jws::Typ,
    profile::{Profile, Source},
    tests::checks::{expected, payload},
};

/// Returns a valid token.
pub(crate) fn verified() -> VerifiedToken {
    let payload = payload(json!({}));
    let claims = Claims::parse(&payload).expect("good claims");
    let origin = Origin {
        expected: expected(Profile::Okta),
        groups_claim: Arc::new(["groups".into()]),
        challenges: Arc::new(Challenges::new("api").expect("a good realm")),
        caller_key: CallerKey::of_process().expect("random bytes"),
        counters: Arc::new(IssuerCounters::new("https://issuer.test")),
        revocations: None,
    };
    let (source, origin) = (Source::Jwt(Typ::Absent), Arc::new(origin));
    let checked = checks::check_claims(&claims, source, &origin.expected).expect("a good token");
    VerifiedToken::new(&claims, &checked, &payload, &origin)
}

fn narrowed(payload: &str) -> Option<String> {
    with_scopes(payload, vec!["scp", "scope"], &["a"])
}

// finding 13
#[test]
fn narrowing_takes_scopes_out_of_both_claims() {
    for (payload, expected) in [
        (r#"{"scp":["a","b"],"x":1}"#, r#"{"scp":["a"],"x":1}"#),
        (r#"{"scope":"a b"}"#, r#"{"scope":"a"}"#),
        (r#"{"scp":"b","scope":"b"}"#, r#"{"scp":"a","scope":"a"}"#),
        (
            r#"{"scope":["b","a"],"scp":"a b"}"#,
            r#"{"scope":["a"],"scp":"a"}"#,
        ),
        (r#"{"other":"b"}"#, r#"{"other":"b"}"#),
        // Null has no scope to remove, because it is not a scope value (RFC 6749 §3.3).
        (r#"{"scp":null,"scope":"b"}"#, r#"{"scp":null,"scope":"a"}"#),
    ] {
        assert_eq!(narrowed(payload).as_deref(), Some(expected));
    }
    assert_eq!(
        with_scopes(r#"{"scp":["b"],"scope":"b"}"#, vec!["scp", "scope"], &[]).as_deref(),
        Some(r#"{"scp":[],"scope":""}"#)
    );
    let escaped = with_scopes(r#"{"scope":"x"}"#, vec!["scope"], &["\"", "\\"]);
    assert_eq!(escaped.as_deref(), Some(r#"{"scope":"\" \\"}"#));
}

// finding 13
#[test]
fn narrowing_leaves_every_other_byte() {
    for (before, scopes, after) in [
        // Numbers beyond u64 and f64, and numbers that are not written in the usual form.
        (
            r#"{"account":123456789012345678901234567890,"scope":"#,
            r#""a b""#,
            r#","x":1.10,"y":-0,"z":1E+2,"w":0.1000000000000000055511151231257827}"#,
        ),
        // Whitespace, and members that are not in the order of their names.
        (
            " {\r\n\t\"z\" : [ 1 , 2 ] , \"scope\" :\n ",
            "\"a b\"",
            " \t, \"b\" : { } } \n",
        ),
        // Members of the same name inside others.
        (
            r#"{"act":{"scope":"b","scp":["b"]},"l":[{"scope":"b"}],"scope":"#,
            r#""b""#,
            r#","t":"{\"scope\":\"b\"}","\"scope\"":"b"}"#,
        ),
        // Escaped text, and characters of several bytes.
        (
            r#"{"na\u006de":"\u00e9\/\ud83d\ude00","größe":"😀","scope":"#,
            r#""b \u0061""#,
            r#","e":"é\n"}"#,
        ),
    ] {
        let payload = format!("{before}{scopes}{after}");
        let expected = format!("{before}\"a\"{after}");
        assert_eq!(narrowed(&payload), Some(expected));
    }
}

// finding 13
#[test]
fn narrowing_finds_a_claim_by_its_unescaped_name() {
    for (payload, expected) in [
        (r#"{"sc\u0070":["b"]}"#, r#"{"sc\u0070":["a"]}"#),
        (
            r#"{"\u0073\u0063ope" : "b" ,"scp": [ "b" ]}"#,
            r#"{"\u0073\u0063ope" : "a" ,"scp": ["a"]}"#,
        ),
        (r#"{"sc\\u0070":["b"]}"#, r#"{"sc\\u0070":["b"]}"#),
    ] {
        assert_eq!(narrowed(payload).as_deref(), Some(expected));
    }
    // A duplicate claim is an error, so no verified token has one.
    assert_eq!(narrowed(r#"{"scp":["b"],"sc\u0070":["b"]}"#), None);
}

#[test]
fn texts_are_found_in_their_places() {
    let texts = Texts::new(["", "ada", "", "größer", ""]);
    let found: Vec<_> = (0..5).map(|place| texts.get(place)).collect();
    assert_eq!(found, ["", "ada", "", "größer", ""]);
    assert_eq!(texts.present(1), Some("ada"));
    assert_eq!(texts.present(2), None);
    let other = texts.with(3, "x");
    let found: Vec<_> = (0..5).map(|place| other.get(place)).collect();
    assert_eq!(found, ["", "ada", "", "x", ""]);
}

#[test]
fn texts_that_are_parts_of_the_first_one_are_not_stored_again() {
    let payload = String::from(r#"{"sub":"größer","jti":"AT.1"}"#);
    let sub = payload.find("größer").unwrap();
    let sub = &payload[sub..sub + "größer".len()];
    let copy = String::from("AT.1");
    let texts = Texts::new([&payload, sub, &copy, "", &payload]);
    let found: Vec<_> = (0..5).map(|place| texts.get(place)).collect();
    assert_eq!(found, [&payload, "größer", "AT.1", "", &payload]);
    assert_eq!(texts.all.len(), payload.len() + copy.len());
    // The first string is stored also if it is replaced by a shorter one, and the others stay.
    let other = texts.with(0, "{}");
    let found: Vec<_> = (0..5).map(|place| other.get(place)).collect();
    assert_eq!(found, ["{}", "größer", "AT.1", "", &payload]);
}
