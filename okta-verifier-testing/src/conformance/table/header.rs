//! The header: strict JSON, an algorithm, a key ID, and no critical extension.

use serde_json::{Value, json};

use super::super::case::{Case, accepted, invalid};
use super::{Edit, Rewrite, Row};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let texts: [Row<Rewrite>; 18] = [
        ("of nothing", &[36], |_| Vec::new()),
        ("that is an array", &[36], |header| {
            format!("[{header}]").into()
        }),
        ("that is a string", &[36], |_| br#""ES256""#.to_vec()),
        ("that is null", &[36], |_| b"null".to_vec()),
        ("that is truncated", &[36], |header| {
            header[..header.len() - 1].into()
        }),
        ("with text after it", &[36], |header| {
            format!("{header}x").into()
        }),
        ("twice", &[36], |header| format!("{header}{header}").into()),
        ("after a byte order mark", &[36], |header| {
            format!("\u{feff}{header}").into()
        }),
        ("with a trailing comma", &[36], |header| {
            header.replace('}', ",}").into()
        }),
        ("with a comment", &[36], |header| {
            format!("/**/{header}").into()
        }),
        ("in single quotes", &[36], |header| {
            header.replace('"', "'").into()
        }),
        ("that is not UTF-8", &[36, 58], |header| {
            [
                &header.as_bytes()[..1],
                b"\"x\":\"\xff\",",
                &header.as_bytes()[1..],
            ]
            .concat()
        }),
        ("with half a surrogate", &[58], |header| {
            with(&header, r#""x":"\ud800""#)
        }),
        ("with alg twice", &[37], |header| {
            with(&header, r#""alg":"ES256""#)
        }),
        ("with alg twice, first none", &[37, 56], |header| {
            with(&header, r#""alg":"none""#)
        }),
        ("with alg twice, once escaped", &[37, 39], |header| {
            with(&header, r#""\u0061lg":"ES256""#)
        }),
        ("with an unknown parameter twice", &[37], |header| {
            with(&header, r#""x":1,"x":1"#)
        }),
        ("with a member twice inside", &[37], |header| {
            with(&header, r#""x":[{"y":1,"y":1}]"#)
        }),
    ];
    cases.extend(texts.map(|(name, requirements, rewrite)| {
        invalid(format!("a header {name}"), requirements)
            .okta(move |token| token.rewrite_header(rewrite))
    }));
    let harmless: [Row<Rewrite>; 3] = [
        ("with an escaped name", &[39], |header| {
            header.replace("\"alg\"", r#""\u0061lg""#).into()
        }),
        ("with white space inside", &[36], |header| {
            header.replace(',', " ,\r\n\t").into()
        }),
        ("with unknown parameters", &[36], |header| {
            with(&header, r#""x":{"y":[1,null]},"zip":"DEF""#)
        }),
    ];
    cases.extend(harmless.map(|(name, requirements, rewrite)| {
        accepted(format!("a header {name}"), requirements)
            .okta(move |token| token.rewrite_header(rewrite))
    }));
    cases.extend([
        invalid("a header of 17 levels", &[57]).okta(|token| token.header("x", nested(17))),
        accepted("a header of 300 parameters", &[57]).okta(|token| {
            (0..300).fold(token, |token, number| {
                token.header(&format!("x{number}"), 1)
            })
        }),
    ]);
    cases.extend(parameters());
    cases.extend(foreign_keys());
    cases
}

/// Returns cases with one parameter set to a value that its definition or this library forbids.
fn parameters() -> Vec<Case> {
    let wrong: Vec<(&str, Value)> = vec![
        ("alg", json!(256)),
        ("alg", json!(null)),
        ("alg", json!(["ES256"])),
        ("alg", json!("")),
        ("alg", json!("es256")),
        ("alg", json!("ES256 ")),
        ("alg", json!("ES256K")),
        ("alg", json!("ES521")),
        ("alg", json!("HS256")),
        ("alg", json!("dir")),
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("crit", json!(["alg"])),
        ("crit", json!(["b64"])),
        ("crit", json!("exp")),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!("true")),
        ("kid", json!(7)),
        ("kid", json!(null)),
        ("kid", json!(["a"])),
        ("kid", json!("k".repeat(257))),
        ("typ", json!(7)),
        ("cty", json!("JWT")),
        ("cty", json!("jwt")),
        ("cty", json!("application/JWT")),
        ("cty", json!(7)),
    ];
    let mut cases: Vec<Case> = wrong
        .into_iter()
        .map(|(name, value)| {
            let text = value.to_string();
            let short = text.get(..20).unwrap_or(&text).to_owned();
            let requirements: &[u16] = match name {
                "alg" => &[40, 67],
                "crit" => &[41],
                "b64" => &[42],
                "kid" => &[44],
                "typ" => &[46],
                _ => &[47],
            };
            invalid(format!("the parameter {name} as {short}"), requirements)
                .okta(move |token| token.header(name, value.clone()))
        })
        .collect();
    let unknown = [
        "",
        "../../etc/passwd",
        "' OR 1=1 --",
        "a\r\nX-Evil: 1",
        "\"}",
        "\u{e9}",
    ];
    cases.extend(unknown.map(|kid| {
        invalid(format!("the kid {kid:?}"), &[18, 20, 44]).okta(move |token| token.key_id(kid))
    }));
    cases.extend([
        accepted("typ and cty as null", &[46, 47])
            .okta(|token| token.header("typ", json!(null)).header("cty", json!(null))),
        invalid("no alg", &[40]).okta(|token| token.without_header("alg")),
        invalid("no kid", &[45]).okta(|token| token.without_header("kid")),
        invalid("crit and b64", &[41, 42])
            .okta(|token| token.header("crit", ["b64"]).header("b64", false)),
        accepted("b64 true", &[42]).okta(|token| token.header("b64", true)),
        accepted("another cty", &[47]).okta(|token| token.header("cty", "json")),
    ]);
    cases
}

/// Returns cases with keys in the header. RFC 8725 §3.10: the verifier must not trust them.
fn foreign_keys() -> Vec<Case> {
    let words: [(&str, Edit); 4] = [
        ("jwk", |token| {
            let point = "A".repeat(43);
            let jwk = json!({ "kty": "EC", "crv": "P-256", "x": point, "y": point });
            token.header("jwk", jwk)
        }),
        ("jku", |token| {
            token.header("jku", "http://127.0.0.1:1/keys")
        }),
        ("x5u", |token| {
            token.header("x5u", "http://127.0.0.1:1/cert")
        }),
        ("x5c", |token| token.header("x5c", ["AAAA"])),
    ];
    words
        .into_iter()
        .flat_map(|(name, edit)| {
            [
                invalid(format!("a foreign key under {name}"), &[43])
                    .okta(move |token| edit(token).foreign_key()),
                accepted(format!("a valid token with {name}"), &[43]).okta(edit),
            ]
        })
        .collect()
}

/// Returns `header` with `members` inserted at its front.
fn with(header: &str, members: &str) -> Vec<u8> {
    header.replacen('{', &format!("{{{members},"), 1).into()
}

pub(super) fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |value, _| json!([value]))
}
