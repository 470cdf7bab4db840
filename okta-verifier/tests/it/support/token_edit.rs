//! Signed tokens, edited without the key: the signature stays the same.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// Returns `jwt` with one header parameter set.
pub(crate) fn with_header(jwt: &str, name: &str, value: &str) -> String {
    edited(jwt, 0, |header| {
        header.insert(name.to_owned(), value.into());
    })
}

/// Returns `jwt` with one claim set.
pub(crate) fn with_claim(jwt: &str, name: &str, value: &str) -> String {
    edited(jwt, 1, |claims| {
        claims.insert(name.to_owned(), value.into());
    })
}

/// Returns `jwt` without one claim.
pub(crate) fn without_claim(jwt: &str, name: &str) -> String {
    edited(jwt, 1, |claims| {
        claims.remove(name);
    })
}

fn edited(jwt: &str, part: usize, edit: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut parts: Vec<String> = jwt.split('.').map(str::to_owned).collect();
    let text = URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
    let mut members = serde_json::from_slice(&text).unwrap();
    edit(&mut members);
    parts[part] = URL_SAFE_NO_PAD.encode(Value::Object(members).to_string());
    parts.join(".")
}
