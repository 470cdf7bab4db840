//! Keys a verifier must skip, beside keys it must use (RFC 7517 §5).

use serde_json::{Value, json};

/// The keys of `jwks` after nine broken or foreign entries.
pub(super) fn mixed(jwks: &str) -> String {
    let set: Value = serde_json::from_str(jwks).expect("we wrote it");
    let good = set["keys"].as_array().expect("we wrote it");
    let mut numbered = good[0].clone();
    numbered["kid"] = json!(7);
    // `A` is six zero bits, `_` six ones; `8` and `w` are what remains of 1024 and 2048 ones.
    let zeros = "A".repeat(43);
    let (short, long) = ("_".repeat(170) + "8", "_".repeat(341) + "w");
    let mut keys = vec![
        json!(42),
        json!({ "kty": "FUTURE", "kid": "future", "z": 1 }),
        json!({ "kty": "EC", "crv": "P-999", "kid": "curve", "x": zeros, "y": zeros }),
        json!({ "kty": "EC", "crv": "P-256", "kid": "point", "x": zeros, "y": zeros }),
        numbered,
        json!({ "kty": "RSA", "alg": "RS256", "kid": "short", "n": short, "e": "AQAB" }),
        json!({ "kty": "RSA", "use": "enc", "kid": "encryption", "n": long, "e": "AQAB" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "lattice", "pub": zeros }),
        json!({ "kty": "oct", "alg": "HS256", "kid": "symmetric", "k": zeros }),
    ];
    keys.extend(good.iter().cloned());
    json!({ "keys": keys }).to_string()
}
