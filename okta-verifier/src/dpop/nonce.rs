//! Nonces of this resource server (RFC 9449 §9): nothing is remembered of them.

use std::fmt;

use base64::Engine;

use crate::{
    crypto::{MacKey, random_bytes},
    error::ConfigError,
    token::BASE64URL,
};

/// Makes callers put a nonce of ours into their proofs, so that no proof can be made in advance
/// (RFC 9449 §9, §11.2).
///
/// A nonce is a MAC over the time; it is good for the three minutes in which it was given out and
/// the three after, to every caller. The first proof of a caller is answered with 401
/// `use_dpop_nonce` and a `DPoP-Nonce`; every answer brings the newest. Once they are asked for,
/// a proof without one is refused, however good it is.
///
/// `Debug` shows no key.
///
/// ```
/// use okta_verifier::DpopNonces;
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
    /// The first signs.
    keys: Vec<MacKey>,
    problem: Option<ConfigError>,
}

impl DpopNonces {
    /// Under a key that this process draws for itself.
    pub fn random() -> Self {
        match random_bytes::<32>() {
            Some(secret) => Self::new(&secret, None),
            None => Self::new(&[], Some(ConfigError::Randomness)),
        }
    }

    /// Under a key that several instances share, so that each accepts what another gave out.
    /// Of 32 random bytes or more; their clocks may differ by three minutes.
    pub fn shared(secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        Self::new(secret, too_short(secret))
    }

    /// Accepts the nonces of another secret too, while secrets are exchanged.
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

    /// The nonce to give out now: of base64url's alphabet, which is within NQCHAR.
    pub(crate) fn current(&self, now: u64) -> String {
        // There is always a first key.
        let tag = self
            .keys
            .first()
            .map(|key| key.sign(&message(now / PERIOD)));
        BASE64URL.encode(tag.unwrap_or_default())
    }

    /// The one of this period, of the one before, and of the next, which an instance with a fast
    /// clock may have given out: only a holder of the key can have made it.
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

/// The purpose is part of what is signed: the secret may serve others too.
fn message(period: u64) -> [u8; 32] {
    let mut message = *b"okta-verifier dpop nonce\0\0\0\0\0\0\0\0";
    let (_, end) = message.split_at_mut(24);
    end.copy_from_slice(&period.to_be_bytes());
    message
}

/// Seconds.
const PERIOD: u64 = 180;
