//! A client key that signs proofs.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::Engine;
use serde_json::{Value, json};

use crate::{crypto::sha256, token::BASE64URL};

type Sign = dyn Fn(&[u8]) -> Vec<u8>;

/// The key of a client.
pub(super) struct Signer {
    pub(super) algorithm: &'static str,
    pub(super) jwk: Value,
    sign: Box<Sign>,
}

impl Signer {
    pub(super) fn new(algorithm: &'static str) -> Self {
        match algorithm {
            "ES256" | "ES384" | "ES512" => Self::ec(algorithm),
            "EdDSA" => Self::ed25519(),
            _ => Self::rsa(algorithm),
        }
    }

    fn ec(algorithm: &'static str) -> Self {
        let (signing, crv) = match algorithm {
            "ES256" => (&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            "ES384" => (&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
            _ => (&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
        };
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let jwk = json!({ "kty": "EC", "crv": crv, "x": encode(x), "y": encode(y) });
        let sign = move |message: &[u8]| {
            let signature = pair.sign(&SystemRandom::new(), message).unwrap();
            signature.as_ref().to_vec()
        };
        Self {
            algorithm,
            jwk,
            sign: Box::new(sign),
        }
    }

    fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) });
        Self {
            algorithm: "EdDSA",
            jwk,
            sign: Box::new(move |message| pair.sign(message).as_ref().to_vec()),
        }
    }

    fn rsa(algorithm: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        // RFC 8017 §A.1.1: a sequence's header, an integer's header, and a zero before it.
        let modulus = &pair.public_key().as_ref()[9..9 + 256];
        let jwk = json!({ "kty": "RSA", "n": encode(modulus), "e": "AQAB" });
        let sign = move |message: &[u8]| {
            let mut signature = vec![0; pair.public_modulus_len()];
            let random = SystemRandom::new();
            match algorithm {
                "RS256" => pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature),
                _ => pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature),
            }
            .unwrap();
            signature
        };
        Self {
            algorithm,
            jwk,
            sign: Box::new(sign),
        }
    }

    pub(super) fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk })
    }

    /// Signs a proof of these bytes, which need not be JSON.
    pub(super) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", encode(header), encode(payload));
        let proof = format!("{signed}.{}", encode((self.sign)(signed.as_bytes())));
        secret_scan::secret(&proof);
        proof
    }

    pub(super) fn proof(&self, claims: &Value) -> String {
        self.sign(self.header().to_string(), claims.to_string())
    }

    /// Returns the thumbprint of the key (RFC 7638 §3).
    pub(super) fn jkt(&self) -> [u8; 32] {
        // serde_json sorts the members as the RFC requires; all of them are required members.
        sha256(self.jwk.to_string().as_bytes())
    }
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode(bytes)
}
