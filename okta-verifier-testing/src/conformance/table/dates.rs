//! `exp`, `nbf` and `iat`: JSON numbers, and a leeway of 60 seconds.

use serde_json::{Value, json};

use super::super::case::{Case, accepted, invalid};
use super::claims::with;
use super::{Edit, Row};
use crate::TokenBuilder;
use crate::token::unix_now;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let good: [Row<Edit>; 9] = [
        ("a token that expired 30 s ago", &[50, 52], |token| {
            expired(token, 30)
        }),
        ("a token valid for 5 s", &[50], |token| {
            token.expires_at(unix_now() + 5)
        }),
        ("a token valid for nine years", &[50], |token| {
            token.expires_at(unix_now() + 283_824_000)
        }),
        ("exp with a fraction", &[49], |token| {
            token.claim("exp", unix_now() as f64 + 600.5)
        }),
        ("exp with an exponent", &[49], |token| {
            token
                .without("exp")
                .rewrite_payload(|payload| with(&payload, r#""exp":4.1e9"#))
        }),
        ("no iat", &[53], |token| token.without("iat")),
        ("iat in 30 s", &[52, 53], |token| {
            token.issued_at(unix_now() + 30)
        }),
        ("nbf in 30 s", &[51, 52], |token| {
            token.not_before(unix_now() + 30)
        }),
        ("nbf an hour ago", &[51], |token| {
            token.not_before(unix_now() - 3600)
        }),
    ];
    cases.extend(good.map(|(name, requirements, edit)| accepted(name, requirements).okta(edit)));
    let bad: [Row<Edit>; 10] = [
        ("an expired token", &[14, 50, 94], |token| token.expired()),
        ("a token that expired 90 s ago", &[50, 52], |token| {
            expired(token, 90)
        }),
        ("nbf in 90 s", &[51, 52], |token| {
            token.not_before(unix_now() + 90)
        }),
        ("nbf in an hour, with a fraction", &[49, 51], |token| {
            token.claim("nbf", unix_now() as f64 + 3600.5)
        }),
        ("iat in 90 s", &[52, 53], |token| {
            token.issued_at(unix_now() + 90)
        }),
        ("iat in a thousand years", &[53], |token| {
            token.issued_at(33_000_000_000)
        }),
        ("exp equal to iat", &[53], |token| {
            let now = unix_now();
            token.issued_at(now).expires_at(now)
        }),
        ("exp before iat", &[53], |token| {
            token.issued_at(unix_now() + 20).expires_at(unix_now() + 10)
        }),
        ("exp in 1970", &[50], |token| {
            token.issued_at(0).expires_at(3_600_000)
        }),
        ("exp zero", &[50], |token| {
            token.without("iat").expires_at(0)
        }),
    ];
    cases.extend(bad.map(|(name, requirements, edit)| invalid(name, requirements).okta(edit)));
    let values = || {
        [
            json!((unix_now() + 600).to_string()),
            json!("tomorrow"),
            json!(true),
            json!(-1),
            json!(1e300),
            json!([4_100_000_000_u64]),
            json!({}),
        ]
    };
    for claim in ["exp", "nbf", "iat"] {
        cases.extend(values().into_iter().enumerate().map(|(number, value)| {
            let kind = match (number, &value) {
                (0, _) => "digits in a string".to_owned(),
                (_, Value::Object(_)) => "an object".to_owned(),
                (_, value) => value.to_string(),
            };
            invalid(format!("{claim} as {kind}"), &[49])
                .okta(move |token| token.claim(claim, value.clone()))
        }));
    }
    cases.push(invalid("exp as null", &[49]).okta(|token| token.claim("exp", json!(null))));
    cases.extend(["nbf", "iat", "auth_time"].map(|claim| {
        accepted(format!("{claim} as null"), &[49])
            .okta(move |token| token.claim(claim, json!(null)))
    }));
    let texts: [(&str, &str); 3] = [
        ("over 2^53", r#""exp":9007199254740993"#),
        ("minus zero", r#""exp":-0"#),
        ("with a zero before it", r#""exp":04100000000"#),
    ];
    cases.extend(texts.map(|(name, member)| {
        invalid(format!("exp {name}"), &[49]).okta(move |token| {
            let token = token.without("exp");
            token.rewrite_payload(|payload| with(&payload, member))
        })
    }));
    cases
}

fn expired(token: TokenBuilder, seconds: u64) -> TokenBuilder {
    token
        .issued_at(unix_now() - 3600)
        .expires_at(unix_now() - seconds)
}
