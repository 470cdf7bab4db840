//! Stateless nonces of this resource server (RFC 9449 §9).

use std::fmt;

use base64::Engine;

use crate::{
    crypto::{MacKey, random_bytes},
    error::ConfigError,
    token::BASE64URL,
};

/// Server-issued DPoP nonces. Clients must include one in every proof, so that no proof can be made in
/// advance (RFC 9449 §9, §11.2).
///
/// A nonce is a MAC over the time. It is valid for the three minutes in which it was issued and the
/// three after, for every client. The first proof of a client is rejected with 401 `use_dpop_nonce` and
/// a `DPoP-Nonce`; every response has the newest nonce. A proof without a nonce is rejected even if it is
/// valid otherwise.
///
/// `Debug` shows no key.
///
/// ```
/// use okta_verifier::dpop::DpopNonces;
///
/// let alone = DpopNonces::random(); // for one instance
/// # let secret = [7; 32];
/// let together = DpopNonces::shared(secret); // 32 bytes or more, the same in every instance
/// # let (old, new) = (secret, [8; 32]);
/// let rotating = DpopNonces::shared(new).or_previous(old); // old nonces still pass
/// ```
#[derive(Clone)]
#[must_use]
pub struct DpopNonces {
    /// The first key signs; all of them verify.
    keys: Vec<MacKey>,
    problem: Option<ConfigError>,
}

impl DpopNonces {
    /// Uses a random key generated for this process.
    pub fn random() -> Self {
        match random_bytes::<32>() {
            Some(secret) => Self::new(&secret, None),
            None => Self::new(&[], Some(ConfigError::Randomness)),
        }
    }

    /// Uses a key that several instances share, so that each accepts the nonces of the others. `secret`
    /// must have 32 random bytes or more. The clocks of the instances may differ by three minutes.
    pub fn shared(secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        Self::new(secret, too_short(secret))
    }

    /// Also accepts the nonces of another secret, while secrets are exchanged.
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

    /// Returns the nonce to issue now. The base64url alphabet is a part of NQCHAR (RFC 9449 §8.1).
    pub(crate) fn current(&self, now: u64) -> String {
        // There is always a first key.
        let tag = self
            .keys
            .first()
            .map(|key| key.sign(&message(now / PERIOD)));
        BASE64URL.encode(tag.unwrap_or_default())
    }

    /// Accepts the nonces of this period, of the one before, and of the next, which an instance with a
    /// fast clock may have issued. Only a holder of the key can have made them.
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

/// Returns the bytes that are signed. They include the purpose, because the secret may have other uses.
fn message(period: u64) -> [u8; 32] {
    let mut message = *b"okta-verifier dpop nonce\0\0\0\0\0\0\0\0";
    let (_, end) = message.split_at_mut(24);
    end.copy_from_slice(&period.to_be_bytes());
    message
}

/// In seconds.
const PERIOD: u64 = 180;
