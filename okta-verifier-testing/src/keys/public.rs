//! Verifies a signature with a public key that the request contains as a JWK.

use aws_lc_rs::signature::{self as sig, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::fingerprint;

/// Returns the RFC 7638 thumbprint of `jwk`, or `None` unless `signature` is valid for this key
/// under `alg`.
pub(crate) fn signer(jwk: &Value, alg: &str, message: &[u8], signature: &[u8]) -> Option<String> {
    let member = |name: &str| jwk[name].as_str();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(member(name)?).ok();
    let point = |algorithm| {
        let point = [vec![4], bytes("x")?, bytes("y")?].concat();
        UnparsedPublicKey::new(algorithm, point)
            .verify(message, signature)
            .ok()
    };
    let rsa = |parameters: &sig::RsaParameters| {
        let (n, e) = (bytes("n")?, bytes("e")?);
        let key = RsaPublicKeyComponents { n, e };
        key.verify(parameters, message, signature).ok()
    };
    let kind = (member("kty")?, member("crv"), alg);
    match kind {
        ("EC", Some("P-256"), "ES256") => point(&sig::ECDSA_P256_SHA256_FIXED)?,
        ("EC", Some("P-384"), "ES384") => point(&sig::ECDSA_P384_SHA384_FIXED)?,
        ("EC", Some("P-521"), "ES512") => point(&sig::ECDSA_P521_SHA512_FIXED)?,
        ("RSA", None, "RS256") => rsa(&sig::RSA_PKCS1_2048_8192_SHA256)?,
        ("RSA", None, "RS384") => rsa(&sig::RSA_PKCS1_2048_8192_SHA384)?,
        ("RSA", None, "RS512") => rsa(&sig::RSA_PKCS1_2048_8192_SHA512)?,
        ("RSA", None, "PS256") => rsa(&sig::RSA_PSS_2048_8192_SHA256)?,
        ("RSA", None, "PS384") => rsa(&sig::RSA_PSS_2048_8192_SHA384)?,
        ("RSA", None, "PS512") => rsa(&sig::RSA_PSS_2048_8192_SHA512)?,
        ("OKP", Some("Ed25519"), "EdDSA") => UnparsedPublicKey::new(&sig::ED25519, bytes("x")?)
            .verify(message, signature)
            .ok()?,
        _ => return None,
    }
    // RFC 7638 §3.2: the required members, in alphabetical order.
    let required = match kind.0 {
        "EC" => json!({ "crv": jwk["crv"], "kty": "EC", "x": jwk["x"], "y": jwk["y"] }),
        "RSA" => json!({ "e": jwk["e"], "kty": "RSA", "n": jwk["n"] }),
        _ => json!({ "crv": jwk["crv"], "kty": "OKP", "x": jwk["x"] }),
    };
    Some(fingerprint(required.to_string().as_bytes()))
}
