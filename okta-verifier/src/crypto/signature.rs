//! Public keys that verify signatures, and the private key that signs client assertions.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
        ECDSA_P521_SHA512_FIXED, ED25519, EcdsaKeyPair, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
        RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
    },
};

use super::Algorithm;

/// A public key that was parsed and checked once. It verifies signatures of one algorithm only.
///
/// No constructor accepts a symmetric key, so a key set cannot turn a public key into an HMAC secret (RFC
/// 8725 §2.1).
#[derive(Clone)]
pub(crate) struct PreparedKey(ParsedPublicKey);

/// The length in bytes of the longest signature, which is that of an RSA key of 8192 bits.
pub(crate) const MAX_SIGNATURE: usize = 1024;

/// The key does not verify the signature of the message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadSignature;

/// The given bytes are not a valid key of the algorithm.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RejectedKey;

impl PreparedKey {
    /// Prepares an RSA key. `modulus` and `exponent` are big-endian, without leading zeros.
    pub(crate) fn rsa(
        algorithm: Algorithm,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Self, RejectedKey> {
        let parameters: &'static RsaParameters = match algorithm {
            Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
            Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
            Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 | Algorithm::EdDSA => {
                return Err(RejectedKey);
            }
        };
        RsaPublicKeyComponents {
            n: modulus,
            e: exponent,
        }
        .to_parsed_public_key(parameters)
        .map(Self)
        .map_err(|_| RejectedKey)
    }

    /// Prepares an EC key. `point` is uncompressed (SEC 1 §2.3.3) and must be on the curve. Signatures
    /// are R‖S of fixed length, because JWS does not use DER (RFC 7518 §3.4).
    pub(crate) fn ec(algorithm: Algorithm, point: &[u8]) -> Result<Self, RejectedKey> {
        match algorithm {
            Algorithm::ES256 => Self::parse(&ECDSA_P256_SHA256_FIXED, point),
            Algorithm::ES384 => Self::parse(&ECDSA_P384_SHA384_FIXED, point),
            Algorithm::ES512 => Self::parse(&ECDSA_P521_SHA512_FIXED, point),
            _ => Err(RejectedKey),
        }
    }

    pub(crate) fn ed25519(public_key: &[u8]) -> Result<Self, RejectedKey> {
        Self::parse(&ED25519, public_key)
    }

    fn parse(
        algorithm: &'static dyn VerificationAlgorithm,
        bytes: &[u8],
    ) -> Result<Self, RejectedKey> {
        ParsedPublicKey::new(algorithm, bytes)
            .map(Self)
            .map_err(|_| RejectedKey)
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.0
            .verify_sig(message, signature)
            .map_err(|_| BadSignature)
    }
}

/// A private key that signs client assertions. The type of the key determines the algorithm.
pub(crate) enum SigningKey {
    /// RS256.
    Rsa(RsaKeyPair),
    /// ES256. The signature is R‖S, as JWS requires (RFC 7518 §3.4).
    P256(EcdsaKeyPair),
}

/// The PKCS#8 document has neither an RSA key of 2048 to 8192 bits nor a P-256 key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnusableKey;

/// The random number generator, which a signature needs, is unavailable.
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
