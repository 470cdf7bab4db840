//! The claim `cnf`: to whom a token is bound (RFC 7800 §3.1).

use std::sync::OnceLock;

use base64::Engine;

use super::{
    BASE64URL,
    json::{self, Object},
};
use crate::error::VerifyError;

/// What a request must show beside the token: everything that is here.
///
/// Hashes of public values, and in the token for its holder to read: comparing them need not
/// take constant time.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Confirmation {
    /// The RFC 7638 thumbprint of the key that proofs are signed with (RFC 9449 §6.1).
    pub(crate) jkt: Option<[u8; 32]>,
    /// SHA-256 of the client's certificate (RFC 8705 §3.1).
    pub(crate) x5t_s256: Option<[u8; 32]>,
}

/// What a bound token keeps.
pub(crate) struct Bound {
    pub(crate) to: Confirmation,
    /// SHA-256 of the token as it was sent, which each of its proofs repeats as `ath` (RFC 9449
    /// §4.2). Made for the first of them.
    pub(crate) token_hash: OnceLock<[u8; 32]>,
}

impl From<Confirmation> for Bound {
    fn from(to: Confirmation) -> Self {
        Self {
            to,
            token_hash: OnceLock::new(),
        }
    }
}

impl Confirmation {
    /// `value` is the claim as JSON text. A member beside the two known ones binds the token in
    /// a way that nothing here can check, as does a hash that cannot be read; and an empty object
    /// says that it is bound, and not to what.
    pub(crate) fn parse(value: &str) -> Result<Self, VerifyError> {
        const UNCHECKED: VerifyError = VerifyError::BindingUnchecked;
        let members = Object::parse(value).map_err(|_| UNCHECKED)?;
        let hash = |name| match members.get(name) {
            None => Ok(None),
            Some(value) => decode(value).map(Some).ok_or(UNCHECKED),
        };
        let (jkt, x5t_s256) = (hash("jkt")?, hash("x5t#S256")?);
        let known = usize::from(jkt.is_some()) + usize::from(x5t_s256.is_some());
        if known == 0 || known != members.len() {
            return Err(UNCHECKED);
        }
        Ok(Self { jkt, x5t_s256 })
    }
}

/// 32 bytes as canonical base64url without padding, as both RFCs spell a SHA-256.
fn decode(value: &str) -> Option<[u8; 32]> {
    let text = json::string(value)?;
    // One more than fits, so that a longer hash is seen to be longer.
    let mut bytes = [0; 33];
    let length = BASE64URL.decode_slice(text.as_ref(), &mut bytes).ok()?;
    let (hash, rest) = bytes.split_first_chunk()?;
    (length == hash.len() && rest.len() == 1).then_some(*hash)
}
