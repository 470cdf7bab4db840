//! Stateless nonces of this resource server (RFC 9449 §9).

use std::fmt;

use base64::Engine;

use crate::{
    crypto::{MacKey, random_bytes},
    error::ConfigError,
    token::BASE64URL,
};

/// Server-issued DPoP nonces. Clients must include such a nonce in every proof, so that no proof can be
/// made in advance (RFC 9449 §9, §11.2).
///
/// A nonce is a MAC over the current period of three minutes. Every client may use it until the end of the
/// next period. The first proof of a client has no nonce, so this proof is rejected with 401
/// `use_dpop_nonce` even if it is otherwise valid. Every response, including the rejection, has the
/// current nonce in `DPoP-Nonce`.
///
/// `Debug` does not show the keys.
///
/// ```
/// use okta_verifier::dpop::DpopNonces;
///
/// let alone = DpopNonces::random(); // for a service with one instance
/// # let secret = [7; 32];
/// let together = DpopNonces::shared(secret); // 32 bytes or more, the same in every instance
/// # let (old, new) = (secret, [8; 32]);
/// let rotating = DpopNonces::shared(new).or_previous(old); // old nonces still pass
/// ```
#[derive(Clone)]
#[must_use]
pub struct DpopNonces {
    /// The first key makes nonces. All keys verify them.
    keys: Vec<MacKey>,
    problem: Option<ConfigError>,
}

impl DpopNonces {
    /// Makes nonces with a random key that is generated for this process.
    pub fn random() -> Self {
        match random_bytes::<32>() {
            Some(secret) => Self::new(&secret, None),
            None => Self::new(&[], Some(ConfigError::Randomness)),
        }
    }

    /// Makes nonces with a key that several instances share, so that each instance accepts the nonces of
    /// the others. `secret` must be at least 32 random bytes long. The clocks of the instances may differ
    /// by three minutes.
    pub fn shared(secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        Self::new(secret, too_short(secret))
    }

    /// Also accepts nonces that were issued with another secret, so that the secret can be changed without
    /// rejecting current nonces.
    pub fn or_previous(mut self, secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        self.problem = self.problem.or_else(|| too_short(secret));
        self.keys.push(MacKey::new(secret));
        self
    }

    fn new(secret: &[u8], problem: Option<ConfigError>) -> Self {
        Self {
            keys: vec![MacKey::new(secret)],
            problem,
        }
    }

    pub(crate) fn resolve(self) -> Result<Self, ConfigError> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(self),
        }
    }

    /// Returns the nonce to issue now. Every character of base64url is an NQCHAR (RFC 9449 §8.1).
    pub(crate) fn current(&self, now: u64) -> String {
        // `new` sets the first key, so there is always one.
        let tag = self
            .keys
            .first()
            .map(|key| key.sign(&message(now / PERIOD)));
        BASE64URL.encode(tag.unwrap_or_default())
    }

    /// Returns whether the nonce was issued in the current period, in the previous one, or in the next one
    /// by an instance with a fast clock. Only a holder of a key can make such a nonce.
    pub(crate) fn accept(&self, nonce: &str, now: u64) -> bool {
        let Ok(tag) = BASE64URL.decode(nonce) else {
            return false;
        };
        let period = now / PERIOD;
        [period, period.saturating_sub(1), period.saturating_add(1)]
            .into_iter()
            .map(message)
            .any(|message| self.keys.iter().any(|key| key.verifies(&message, &tag)))
    }
}

impl fmt::Debug for DpopNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopNonces").finish_non_exhaustive()
    }
}

fn too_short(secret: &[u8]) -> Option<ConfigError> {
    (secret.len() < 32).then_some(ConfigError::Dpop {
        problem: "the secret of nonces is too short; write 32 random bytes or more",
    })
}

/// Returns the bytes that are signed. The bytes include their purpose, because the secret may have other
/// uses.
fn message(period: u64) -> [u8; 32] {
    let mut message = *b"okta-verifier dpop nonce\0\0\0\0\0\0\0\0";
    let (_, end) = message.split_at_mut(24);
    end.copy_from_slice(&period.to_be_bytes());
    message
}

/// The length of a period in seconds.
const PERIOD: u64 = 180;
