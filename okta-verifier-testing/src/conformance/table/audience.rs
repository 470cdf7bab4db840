//! `aud`: a string or an array of strings, compared exactly (RFC 7519 §4.1.3).

use serde_json::{Value, json};

use super::super::case::{Case, accepted, invalid};
use crate::TokenBuilder;

/// Builds `aud` from the API's audience.
type Shape = fn(&str) -> Value;

pub(super) fn cases() -> Vec<Case> {
    let good: [(&str, Shape); 3] = [
        ("a list of the one audience", |ours| json!([ours])),
        ("the audience among others", |ours| {
            json!(["api://billing", ours])
        }),
        ("the audience twice", |ours| json!([ours, ours])),
    ];
    let bad: [(&str, Shape); 17] = [
        ("another audience", |_| json!("api://billing")),
        ("other audiences", |_| {
            json!(["api://billing", "api://stock"])
        }),
        ("the client as audience", |_| json!(crate::CLIENT_ID)),
        ("an empty audience", |_| json!("")),
        ("an empty list of audiences", |_| json!([])),
        ("the audience and a number", |ours| json!([ours, 7])),
        ("the audience and null", |ours| json!([ours, null])),
        ("the audience in a nested list", |ours| json!([[ours]])),
        ("the audience in an object", |ours| json!({ "aud": ours })),
        ("the audience in capitals", |ours| {
            json!(ours.to_uppercase())
        }),
        ("the audience with a trailing slash", |ours| {
            json!(format!("{ours}/"))
        }),
        ("the audience with a trailing space", |ours| {
            json!(format!("{ours} "))
        }),
        ("a prefix of the audience", |ours| {
            json!(ours[..ours.len() - 1])
        }),
        ("a longer audience", |ours| json!(format!("{ours}-other"))),
        ("two audiences in a string", |ours| {
            json!(format!("{ours} api://billing"))
        }),
        ("a number as audience", |_| json!(7)),
        ("null as audience", |_| json!(null)),
    ];
    let mut cases = Vec::new();
    cases.extend(
        good.map(|(name, aud)| {
            accepted(name, &[54, 92]).okta(move |token| with_audience(token, aud))
        }),
    );
    cases.extend(bad.map(|(name, aud)| {
        invalid(name, &[14, 54, 55, 83, 92]).okta(move |token| with_audience(token, aud))
    }));
    cases
}

fn with_audience(token: TokenBuilder, aud: fn(&str) -> Value) -> TokenBuilder {
    let ours = aud(token.own_audience());
    token.claim("aud", ours)
}
