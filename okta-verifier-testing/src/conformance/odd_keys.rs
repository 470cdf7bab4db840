//! Unusual keys, published among the valid ones (RFC 7517 §4, §5).

use std::sync::Arc;

use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::Algorithm;
use serde_json::{Value, json};

use super::issuers::{SUBJECT, Source};
use crate::TokenBuilder;
use crate::keys::{Key, Pair, Ring, Slot};
use crate::token::Profile;

/// An unusual key: the name in the cases, the `kid`, the algorithm, and the change to its JWK.
type Odd = (&'static str, &'static str, Algorithm, fn(&mut Value));

const ODD_KEYS: &[Odd] = &[
    ("for encryption", "a", Algorithm::ES256, |jwk| {
        jwk["use"] = json!("enc")
    }),
    ("use in capitals", "b", Algorithm::ES256, |jwk| {
        jwk["use"] = json!("SIG")
    }),
    ("without use", "c", Algorithm::ES256, |jwk| {
        remove(jwk, "use")
    }),
    ("key_ops with sign only", "d", Algorithm::ES256, |jwk| {
        jwk["key_ops"] = json!(["sign"])
    }),
    ("to verify", "e", Algorithm::ES256, |jwk| {
        jwk["key_ops"] = json!(["sign", "verify"])
    }),
    ("key_ops as a string", "f", Algorithm::ES256, |jwk| {
        jwk["key_ops"] = json!("verify")
    }),
    ("kty in lower case", "g", Algorithm::ES256, |jwk| {
        jwk["kty"] = json!("ec")
    }),
    ("without kty", "h", Algorithm::ES256, |jwk| {
        remove(jwk, "kty")
    }),
    ("an unknown kty", "i", Algorithm::ES256, |jwk| {
        jwk["kty"] = json!("FUTURE")
    }),
    ("RSA without alg", "j", Algorithm::RS256, |jwk| {
        remove(jwk, "alg")
    }),
    ("EC without alg", "k", Algorithm::ES256, |jwk| {
        remove(jwk, "alg")
    }),
    ("alg of another curve", "l", Algorithm::ES256, |jwk| {
        jwk["alg"] = json!("ES384")
    }),
    ("crv of another alg", "m", Algorithm::ES256, |jwk| {
        jwk["crv"] = json!("P-384")
    }),
    ("alg in lower case", "n", Algorithm::ES256, |jwk| {
        jwk["alg"] = json!("es256")
    }),
    ("alg of an HMAC", "o", Algorithm::ES256, |jwk| {
        jwk["alg"] = json!("HS256")
    }),
    ("symmetric", "p", Algorithm::ES256, |jwk| *jwk = symmetric()),
    ("private", "q", Algorithm::ES256, |jwk| {
        jwk["d"] = json!("A".repeat(43))
    }),
    ("a short coordinate", "r", Algorithm::ES256, |jwk| {
        jwk["x"] = json!("A".repeat(42))
    }),
    ("off the curve", "s", Algorithm::ES256, |jwk| {
        jwk["y"] = jwk["x"].clone()
    }),
    ("without y", "t", Algorithm::ES256, |jwk| remove(jwk, "y")),
    ("with a foreign x5c", "u", Algorithm::ES256, |jwk| {
        jwk["x5c"] = json!(["AAAA"])
    }),
    ("with unknown members", "v", Algorithm::ES256, |jwk| {
        jwk["future"] = json!({ "z": [1] })
    }),
    ("a leading zero in n", "w", Algorithm::RS256, |jwk| {
        jwk["n"] = zero_before(&jwk["n"])
    }),
    ("an even exponent", "x", Algorithm::RS256, |jwk| {
        jwk["e"] = json!("AQAA")
    }),
    ("alg Ed25519", "y", Algorithm::EdDSA, |jwk| {
        jwk["alg"] = json!("Ed25519")
    }),
    ("members that are null", "aa", Algorithm::ES256, |jwk| {
        for member in ["use", "alg", "key_ops", "d", "x5c"] {
            jwk[member] = Value::Null;
        }
    }),
    ("a leading zero in x", "bb", Algorithm::ES256, |jwk| {
        jwk["x"] = zero_before(&jwk["x"])
    }),
    ("the first of two", "z", Algorithm::ES256, |_| {}),
    ("the second of two", "z", Algorithm::ES256, |_| {}),
    ("EC under a shared kid", "both", Algorithm::ES256, |_| {}),
    ("OKP under a shared kid", "both", Algorithm::EdDSA, |_| {}),
    ("kid as a number", "7", Algorithm::ES256, |jwk| {
        jwk["kid"] = json!(7)
    }),
];

/// The secret of the published symmetric key.
pub(super) const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// Returns `jwks` with the unusual keys at its front, and one token signed by each of these keys.
pub(super) fn among(
    jwks: &str,
    issuer: &str,
    audience: &str,
) -> (String, Vec<(Source, TokenBuilder)>) {
    let mut set: Value = serde_json::from_str(jwks).expect("the key set is JSON");
    let good = set["keys"].take();
    let mut published = Vec::new();
    let mut tokens = Vec::new();
    for &(name, kid, algorithm, edit) in ODD_KEYS {
        let key = Key {
            kid: kid.to_owned(),
            algorithm,
            pair: Pair::new(algorithm, Slot::Issuer(0)),
        };
        let mut jwk = key.jwk();
        edit(&mut jwk);
        published.push(jwk);
        let ring = Arc::new(Ring {
            active: vec![Arc::new(key)],
            ..Ring::default()
        });
        let token = TokenBuilder::new(ring, Profile::Okta, issuer, audience, SUBJECT.to_owned());
        tokens.push((Source::Odd(name), token));
    }
    published.extend(
        good.as_array()
            .expect("the keys are an array")
            .iter()
            .cloned(),
    );
    set["keys"] = json!(published);
    (set.to_string(), tokens)
}

fn remove(jwk: &mut Value, member: &str) {
    if let Value::Object(members) = jwk {
        members.remove(member);
    }
}

fn symmetric() -> Value {
    let k = URL_SAFE_NO_PAD.encode(SECRET);
    json!({ "kty": "oct", "kid": "p", "alg": "HS256", "k": k })
}

fn zero_before(number: &Value) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(number.as_str().expect("a string"));
    let bytes = bytes.expect("the number is base64url");
    json!(URL_SAFE_NO_PAD.encode([&[0][..], &bytes].concat()))
}
