//! The lower bound: aws-lc-rs alone, with a prepared key.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::Algorithm;
use serde_json::Value;

use crate::tokens::Issuing;

/// One signature, with its key and its message.
#[derive(Debug)]
pub struct Raw {
    key: ParsedPublicKey,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Raw {
    /// Prepares the signature of `jwt`, which `okta` signed with its key for `algorithm`.
    ///
    /// # Panics
    ///
    /// Panics if `okta` has no such key, or if `jwt` is not a token.
    #[must_use]
    pub fn of(okta: &impl Issuing, algorithm: Algorithm, jwt: &str) -> Self {
        let set: Value = serde_json::from_str(&okta.published()).expect("the text is a key set");
        let keys = set["keys"].as_array().expect("keys");
        let jwk = keys
            .iter()
            .find(|jwk| jwk["alg"] == algorithm.name())
            .expect("the issuer has a key for the algorithm");
        Self::by(jwk, algorithm, jwt)
    }

    /// Prepares the signature of `jws`. `jwk` is the public key.
    ///
    /// # Panics
    ///
    /// Panics if `jwk` is not a public key for `algorithm`, or if `jws` is not a compact JWS.
    #[must_use]
    pub fn by(jwk: &Value, algorithm: Algorithm, jws: &str) -> Self {
        let (signed, signature) = jws.rsplit_once('.').expect("the token is a compact JWS");
        Self {
            key: key(jwk, algorithm),
            signed: signed.into(),
            signature: decode(signature),
        }
    }

    /// Verifies the signature and does nothing else.
    ///
    /// # Panics
    ///
    /// Panics if the signature does not verify.
    pub fn verify(&self) {
        self.key
            .verify_sig(&self.signed, &self.signature)
            .expect("the signature is valid");
    }
}

fn key(jwk: &Value, algorithm: Algorithm) -> ParsedPublicKey {
    let member = |name: &str| decode(jwk[name].as_str().expect("base64url"));
    let rsa = |parameters| {
        let (n, e) = (member("n"), member("e"));
        RsaPublicKeyComponents { n: &n, e: &e }.to_parsed_public_key(parameters)
    };
    let key = match algorithm {
        Algorithm::RS256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::PS256 => rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::ES256 => {
            let point = [vec![4], member("x"), member("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        }
        _ => ParsedPublicKey::new(&ED25519, member("x")),
    };
    key.expect("the key is valid")
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
