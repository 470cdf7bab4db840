//! The payload: strict JSON, and claims of the types that their definitions require.

use serde_json::{Value, json};

use super::super::case::{Case, accepted, invalid};
use super::header::nested;
use super::{Rewrite, Row};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let texts: [Row<Rewrite>; 19] = [
        ("of nothing", &[48], |_| Vec::new()),
        ("that is an array", &[47, 48], |payload| {
            format!("[{payload}]").into()
        }),
        ("that is a string", &[47, 48], |_| br#""ada""#.to_vec()),
        ("that is a number", &[48], |_| b"7".to_vec()),
        ("that is null", &[48], |_| b"null".to_vec()),
        ("that is another token", &[47], |_| {
            b"eyJhbGciOiJub25lIn0.e30.".to_vec()
        }),
        ("that is truncated", &[48], |payload| {
            payload[..payload.len() - 1].into()
        }),
        ("with text after it", &[48], |payload| {
            format!("{payload}x").into()
        }),
        ("after a byte order mark", &[48], |payload| {
            format!("\u{feff}{payload}").into()
        }),
        ("with an invalid number", &[48], |payload| {
            with(&payload, r#""x":NaN"#)
        }),
        ("with a number out of range", &[49], |payload| {
            with(&payload, r#""x":1e999"#)
        }),
        ("that is not UTF-8", &[48, 58], |payload| {
            [b"{\"x\":\"\xff\",", &payload.as_bytes()[1..]].concat()
        }),
        ("with half a surrogate", &[58], |payload| {
            with(&payload, r#""x":"\ud800""#)
        }),
        ("with sub twice", &[38], |payload| {
            with(&payload, r#""sub":"mallory""#)
        }),
        ("with the same sub twice", &[38], |payload| {
            with(&payload, r#""sub":"ada""#)
        }),
        ("with sub twice, once escaped", &[38, 39], |payload| {
            with(&payload, r#""s\u0075b":"mallory""#)
        }),
        ("with aud twice", &[38], |payload| {
            with(&payload, r#""aud":"api://billing""#)
        }),
        ("with an unknown claim twice", &[38], |payload| {
            with(&payload, r#""x":1,"x":1"#)
        }),
        ("with a member twice inside", &[38], |payload| {
            with(&payload, r#""x":{"y":[{"z":1,"z":2}]}"#)
        }),
    ];
    cases.extend(texts.map(|(name, requirements, rewrite)| {
        invalid(format!("a payload {name}"), requirements)
            .okta(move |token| token.rewrite_payload(rewrite))
    }));
    let harmless: [Row<Rewrite>; 3] = [
        ("with an escaped name", &[39], |payload| {
            payload.replace("\"sub\"", r#""\u0073ub""#).into()
        }),
        ("with white space around it", &[48], |payload| {
            format!(" {payload}\r\n").into()
        }),
        ("with claims of every type", &[48, 58], |payload| {
            with(
                &payload,
                r#""x":{"y":[1,-2.5e3,null,true,"\ud83d\ude00"]},"z":null"#,
            )
        }),
    ];
    cases.extend(harmless.map(|(name, requirements, rewrite)| {
        accepted(format!("a payload {name}"), requirements)
            .okta(move |token| token.rewrite_payload(rewrite))
    }));
    cases.extend([
        accepted("a payload of 16 levels", &[57]).okta(|token| token.claim("x", nested(16))),
        invalid("a payload of 17 levels", &[57]).okta(|token| token.claim("x", nested(17))),
        accepted("a payload of 300 claims", &[57]).okta(|token| {
            (0..300).fold(token, |token, number| token.claim(&format!("x{number}"), 1))
        }),
        accepted("no jti, no uid, no auth_time", &[86])
            .okta(|token| token.without("jti").without("uid").without("auth_time")),
        accepted("a token of a service", &[88]).okta(|token| token.service()),
        accepted("a chain of actors", &[203, 205])
            .okta(|token| token.claim("act", json!({ "sub": "b", "act": { "sub": "c" } }))),
    ]);
    cases.extend(["iss", "sub", "aud", "exp"].map(|claim| {
        invalid(format!("no {claim}"), &[83, 90]).okta(move |token| token.without(claim))
    }));
    let wrong: Vec<(&str, Value)> = vec![
        ("iss", json!(7)),
        ("iss", json!(null)),
        ("iss", json!("")),
        ("sub", json!(7)),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!(["ada"])),
        ("jti", json!(7)),
        ("jti", json!("")),
        ("cid", json!(7)),
        ("cid", json!("")),
        ("cid", json!(["0oatest"])),
        ("client_id", json!(7)),
        ("uid", json!(7)),
    ];
    cases.extend(wrong.into_iter().map(|(claim, value)| {
        invalid(format!("the claim {claim} as {value}"), &[55, 90])
            .okta(move |token| token.claim(claim, value.clone()))
    }));
    cases
}

/// Returns `payload` with `members` inserted at its front.
pub(super) fn with(payload: &str, members: &str) -> Vec<u8> {
    payload.replacen('{', &format!("{{{members},"), 1).into()
}
