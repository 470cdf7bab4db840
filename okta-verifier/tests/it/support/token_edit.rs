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

/// Returns `jwt`, which is signed with ES256, with the other valid signature for the same text: `(r, n - s)`, where `n`
/// is the order of the curve P-256.
pub(crate) fn ecdsa_twin(jwt: &str) -> String {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrowed = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrowed;
        borrowed = i16::from(difference < 0);
        *byte = difference.rem_euclid(256) as u8;
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn edited(jwt: &str, part: usize, edit: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut parts: Vec<String> = jwt.split('.').map(str::to_owned).collect();
    let text = URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
    let mut members = serde_json::from_slice(&text).unwrap();
    edit(&mut members);
    parts[part] = URL_SAFE_NO_PAD.encode(Value::Object(members).to_string());
    parts.join(".")
}
