//! A key pair that signs tokens and proofs, and its public key as a JWK.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding};
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::Algorithm;
use serde_json::{Value, json};

use super::fingerprint;
use super::pool::{self, Slot};

/// A private key of one of the kinds that can sign an access token.
#[derive(Debug)]
pub(crate) enum Pair {
    /// A 2048-bit key, for the RS and PS algorithms. An issuer's key comes from the pool of the process.
    Rsa(Arc<rsa::KeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    P521(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    /// Returns a pair for `algorithm`. An elliptic-curve or Ed25519 pair is new; an RSA pair is that of
    /// `slot`.
    ///
    /// # Panics
    ///
    /// Panics if this crate cannot sign with `algorithm`, which `okta-verifier` may have added later.
    pub(crate) fn new(algorithm: Algorithm, slot: Slot) -> Self {
        use Algorithm::*;
        match algorithm {
            RS256 | RS384 | RS512 | PS256 | PS384 | PS512 => Self::Rsa(pool::rsa(slot)),
            ES256 => Self::P256(ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)),
            ES384 => Self::P384(ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING)),
            ES512 => Self::P521(ecdsa(&signature::ECDSA_P521_SHA512_FIXED_SIGNING)),
            EdDSA => Self::Ed25519(Ed25519KeyPair::generate().expect("aws-lc generates keys")),
            other => panic!("okta-verifier-testing cannot sign with {other}"),
        }
    }

    /// Returns a P-256 pair whose `x` begins with a zero byte, and that `x` without the zero byte. One
    /// of 256 generated pairs has this form.
    ///
    /// # Panics
    ///
    /// Panics if `algorithm` is not ES256.
    pub(crate) fn with_short_x(algorithm: Algorithm) -> (Self, String) {
        assert_eq!(
            algorithm,
            Algorithm::ES256,
            "only P-256 keys have short coordinates here"
        );
        loop {
            let pair = ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING);
            if let [4, 0, rest @ ..] = pair.public_key().as_ref() {
                let x = encode(&rest[..31]);
                return (Self::P256(pair), x);
            }
        }
    }

    /// Returns whether [`Pair::sign`] can sign with `algorithm`.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::*;
        match self {
            Self::Rsa(_) => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Self::P256(_) => algorithm == ES256,
            Self::P384(_) => algorithm == ES384,
            Self::P521(_) => algorithm == ES512,
            Self::Ed25519(_) => algorithm == EdDSA,
        }
    }

    /// Returns the signature in JWS form. An ECDSA signature is R and S at fixed length (RFC 7518
    /// §3.4), not DER.
    ///
    /// # Panics
    ///
    /// Panics if the pair does not [fit](Pair::fits) `algorithm`.
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        use Algorithm::*;
        match (self, algorithm) {
            (Self::Rsa(pair), RS256) => rsa(pair, &signature::RSA_PKCS1_SHA256, message),
            (Self::Rsa(pair), RS384) => rsa(pair, &signature::RSA_PKCS1_SHA384, message),
            (Self::Rsa(pair), RS512) => rsa(pair, &signature::RSA_PKCS1_SHA512, message),
            (Self::Rsa(pair), PS256) => rsa(pair, &signature::RSA_PSS_SHA256, message),
            (Self::Rsa(pair), PS384) => rsa(pair, &signature::RSA_PSS_SHA384, message),
            (Self::Rsa(pair), PS512) => rsa(pair, &signature::RSA_PSS_SHA512, message),
            (Self::P256(pair), ES256) | (Self::P384(pair), ES384) | (Self::P521(pair), ES512) => {
                pair.sign(&SystemRandom::new(), message)
                    .expect("a complete key signs")
                    .as_ref()
                    .to_vec()
            }
            (Self::Ed25519(pair), EdDSA) => pair.sign(message).as_ref().to_vec(),
            (pair, other) => panic!("{pair:?} cannot sign with {other}"),
        }
    }

    /// Returns the public JWK with only the members that RFC 7638 §3.2 requires, in the order of §3.3.
    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Rsa(pair) => {
                json!({ "e": "AQAB", "kty": "RSA", "n": encode(pool::modulus(pair)) })
            }
            Self::P256(pair) => point("P-256", pair.public_key().as_ref()),
            Self::P384(pair) => point("P-384", pair.public_key().as_ref()),
            Self::P521(pair) => point("P-521", pair.public_key().as_ref()),
            Self::Ed25519(pair) => {
                json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(pair.public_key().as_ref()) })
            }
        }
    }

    /// Returns the RFC 7638 thumbprint, which is `cnf.jkt` in a bound token.
    pub(crate) fn thumbprint(&self) -> String {
        fingerprint(self.jwk().to_string().as_bytes())
    }

    /// Returns the public key as a DER `SubjectPublicKeyInfo`, or `None` if it is not an RSA key.
    pub(crate) fn public_der(&self) -> Option<Vec<u8>> {
        let Self::Rsa(pair) = self else { return None };
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        Some(der.as_ref().to_vec())
    }
}

fn ecdsa(algorithm: &'static signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    EcdsaKeyPair::generate(algorithm).expect("aws-lc generates keys")
}

fn rsa(pair: &rsa::KeyPair, padding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature)
        .expect("every padding fits into 2048 bits");
    signature
}

/// Returns the JWK of an uncompressed point, which is encoded as the byte 4, X and Y (SEC 1 §2.3.3).
fn point(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({ "crv": curve, "kty": "EC", "x": encode(x), "y": encode(y) })
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
