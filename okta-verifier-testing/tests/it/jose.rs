//! An independent verifier: takes a token apart and verifies it with a published JWK set.

use aws_lc_rs::signature::{self as sig, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use serde_json::Value;

/// The decoded parts of a token.
pub(crate) struct Parts {
    pub(crate) header: Value,
    pub(crate) payload: Value,
    pub(crate) signature: Vec<u8>,
    pub(crate) input: String,
}

pub(crate) fn parts(jwt: &str) -> Parts {
    let (input, signature) = jwt.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    Parts {
        header: serde_json::from_slice(&decode(header)).unwrap(),
        payload: serde_json::from_slice(&decode(payload)).unwrap(),
        signature: decode(signature),
        input: input.to_owned(),
    }
}

/// Returns whether the published key that `kid` names made the signature under the token's `alg`.
pub(crate) fn verifies(jwt: &str, jwks: &str) -> bool {
    let parts = parts(jwt);
    let set: JwkSet = serde_json::from_str(jwks).unwrap();
    let Some(jwk) = set.find(parts.header["kid"].as_str().unwrap()) else {
        return false;
    };
    verifies_with(&parts, jwk)
}

/// Returns whether the key in the header made the signature.
pub(crate) fn proves(proof: &str) -> bool {
    proves_parts(&parts(proof))
}

pub(crate) fn proves_parts(parts: &Parts) -> bool {
    let jwk = serde_json::from_value(parts.header["jwk"].clone());
    jwk.is_ok_and(|jwk| verifies_with(parts, &jwk))
}

/// Returns the RFC 7638 thumbprint of an elliptic-curve key.
pub(crate) fn thumbprint(jwk: &Value) -> String {
    let [crv, kty, x, y] = ["crv", "kty", "x", "y"].map(|name| &jwk[name]);
    digest(format!(r#"{{"crv":{crv},"kty":{kty},"x":{x},"y":{y}}}"#))
}

/// Returns the SHA-256 digest in base64url.
pub(crate) fn digest(text: impl AsRef<[u8]>) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_ref());
    URL_SAFE_NO_PAD.encode(digest)
}

fn verifies_with(parts: &Parts, jwk: &Jwk) -> bool {
    let (input, signature) = (parts.input.as_bytes(), parts.signature.as_slice());
    let alg = parts.header["alg"].as_str().unwrap();
    match &jwk.algorithm {
        AlgorithmParameters::RSA(key) => {
            let parameters: &sig::RsaParameters = match alg {
                "RS256" => &sig::RSA_PKCS1_2048_8192_SHA256,
                "RS384" => &sig::RSA_PKCS1_2048_8192_SHA384,
                "RS512" => &sig::RSA_PKCS1_2048_8192_SHA512,
                "PS256" => &sig::RSA_PSS_2048_8192_SHA256,
                "PS384" => &sig::RSA_PSS_2048_8192_SHA384,
                "PS512" => &sig::RSA_PSS_2048_8192_SHA512,
                _ => return false,
            };
            let (n, e) = (decode(&key.n), decode(&key.e));
            RsaPublicKeyComponents { n, e }
                .verify(parameters, input, signature)
                .is_ok()
        }
        AlgorithmParameters::EllipticCurve(key) => {
            let algorithm = match alg {
                "ES256" => &sig::ECDSA_P256_SHA256_FIXED,
                "ES384" => &sig::ECDSA_P384_SHA384_FIXED,
                "ES512" => &sig::ECDSA_P521_SHA512_FIXED,
                _ => return false,
            };
            let point = [vec![4], decode(&key.x), decode(&key.y)].concat();
            UnparsedPublicKey::new(algorithm, point)
                .verify(input, signature)
                .is_ok()
        }
        AlgorithmParameters::OctetKeyPair(key) => {
            let key = UnparsedPublicKey::new(&sig::ED25519, decode(&key.x));
            alg == "EdDSA" && key.verify(input, signature).is_ok()
        }
        _ => false,
    }
}

pub(crate) fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// Returns the sorted names of a JSON object.
pub(crate) fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}
