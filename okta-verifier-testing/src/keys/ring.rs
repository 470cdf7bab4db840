//! An issuer's published keys, and which of them sign.

use std::sync::{Arc, OnceLock};

use base64::engine::{Engine, general_purpose::STANDARD};
use okta_verifier::Algorithm;
use serde_json::{Value, json};

use super::pair::Pair;
use super::pool::Slot;
use super::random_name;
use crate::listener;

/// A published key: a pair, a key ID and an algorithm.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) pair: Pair,
}

impl Key {
    /// Returns the JWK in Okta's shape: `kty`, `alg`, `use`, `kid` and the members of the public key.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = self.pair.jwk();
        jwk["alg"] = json!(self.algorithm.to_string());
        jwk["use"] = json!("sig");
        jwk["kid"] = json!(self.kid);
        jwk
    }
}

/// An issuer's published keys. `Clone` shares the pairs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    /// The keys that sign tokens. The first key is the default.
    pub(crate) active: Vec<Arc<Key>>,
    /// Published keys that will sign later.
    pub(crate) next: Vec<Arc<Key>>,
    /// Published keys that signed before.
    pub(crate) expired: Vec<Arc<Key>>,
}

impl Ring {
    /// Creates a ring with one signing key per algorithm.
    pub(crate) fn new(algorithms: &[Algorithm], generation: usize) -> Self {
        Self {
            active: generate(algorithms, generation),
            ..Self::default()
        }
    }

    pub(crate) fn published(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.active.iter().chain(&self.next).chain(&self.expired)
    }

    /// Returns the key set as JSON text, as the keys endpoint serves it.
    pub(crate) fn jwks(&self) -> String {
        let keys: Vec<Value> = self.published().map(|key| key.jwk()).collect();
        json!({ "keys": keys }).to_string()
    }

    /// Returns the active key for `algorithm`: a key of that algorithm, else one of its family, else the
    /// default.
    ///
    /// # Panics
    ///
    /// Panics if no key signs because all were withdrawn.
    pub(crate) fn signer(&self, algorithm: Option<Algorithm>) -> &Key {
        let own = |key: &&Arc<Key>| algorithm == Some(key.algorithm);
        let family = |key: &&Arc<Key>| {
            algorithm.is_some_and(|it| it.to_string()[..2] == key.algorithm.to_string()[..2])
        };
        let keys = &self.active;
        keys.iter()
            .find(own)
            .or_else(|| keys.iter().find(family))
            .or_else(|| keys.first())
            .expect("the issuer has a signing key; `withdraw` must leave at least one")
    }

    /// Returns the published RSA key as PEM text, which the attack of CVE-2015-9235 uses as an HMAC
    /// secret.
    ///
    /// # Panics
    ///
    /// Panics if no RSA key is published.
    pub(crate) fn rsa_pem(&self) -> String {
        let der = self
            .published()
            .find_map(|key| key.pair.public_der())
            .expect("the issuer publishes an RSA key");
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        let text = STANDARD.encode(der);
        // RFC 7468 §2: lines of 64 characters.
        for start in (0..text.len()).step_by(64) {
            pem.push_str(&text[start..text.len().min(start + 64)]);
            pem.push('\n');
        }
        pem + "-----END PUBLIC KEY-----\n"
    }
}

/// Generates keys with new key IDs. All RS and PS keys share one RSA pair of the pool, which
/// `generation` selects.
pub(crate) fn generate(algorithms: &[Algorithm], generation: usize) -> Vec<Arc<Key>> {
    let key = |&algorithm: &Algorithm| {
        let kid = random_name();
        listener::public(&kid);
        Arc::new(Key {
            kid,
            algorithm,
            pair: Pair::new(algorithm, Slot::Issuer(generation)),
        })
    };
    algorithms.iter().map(key).collect()
}

/// Returns a pair for `algorithm` that no issuer publishes.
pub(crate) fn foreign(algorithm: Algorithm) -> Pair {
    Pair::new(algorithm, Slot::Foreign)
}

/// Returns the thumbprint to which [`bound_to_key`](crate::TokenBuilder::bound_to_key) binds tokens. It
/// is the same in the whole process, and no issuer publishes its key.
pub(crate) fn bound_thumbprint() -> &'static str {
    static THUMBPRINT: OnceLock<String> = OnceLock::new();
    THUMBPRINT.get_or_init(|| foreign(Algorithm::ES256).thumbprint())
}
