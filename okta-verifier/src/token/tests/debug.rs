//! `Debug` output of tokens.

use super::compact;
use crate::token::{claims::Claims, json::Object};

// conformance 20
#[test]
fn token_debug_shows_nothing() {
    let header = r#"{"alg":"RS256","kid":"key-of-ada","typ":"at+jwt"}"#;
    let payload = r#"{"iss":"https://okta.test","sub":"ada","aud":"api://orders","exp":2000,"department":"engines"}"#;
    let token = compact(header, payload);
    let jws = super::parse(&token).unwrap();
    let claims = Claims::parse(payload).unwrap();
    let object = Object::parse(payload).unwrap();
    for (shown, expected) in [
        (format!("{jws:?}"), "Jws { .. }"),
        (format!("{:?}", jws.header), "Header { .. }"),
        (format!("{claims:?}"), "Claims { .. }"),
        (format!("{object:?}"), "Object { .. }"),
    ] {
        assert_eq!(shown, expected);
    }
}
