use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256},
};

use crate::algorithm::Algorithm;

/// A private key that signs what we say of ourselves, with the one algorithm of its kind.
pub(crate) enum SigningKey {
    /// RS256.
    Rsa(RsaKeyPair),
    /// ES256; the signature is R‖S, as JWS has it (RFC 7518 §3.4).
    P256(EcdsaKeyPair),
}

/// Not an RSA key of 2048 to 8192 bits, nor one of P-256, in PKCS#8.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnusableKey;

/// The system has no randomness to sign with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CannotSign;

impl SigningKey {
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, UnusableKey> {
        if let Ok(key) = RsaKeyPair::from_pkcs8(der) {
            return Ok(Self::Rsa(key));
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(Self::P256)
            .map_err(|_| UnusableKey)
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::RS256,
            Self::P256(_) => Algorithm::ES256,
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| CannotSign)?;
                Ok(signature)
            }
            Self::P256(key) => key
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| CannotSign),
        }
    }
}
