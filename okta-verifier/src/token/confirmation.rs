//! The claim `cnf`, which binds a token to a key or to a certificate (RFC 7800 §3.1).

use std::sync::OnceLock;

use base64::Engine;

use super::{
    BASE64URL,
    json::{self, Object},
};
use crate::error::VerifyError;

/// The key and the certificate that the sender of a token must possess. If both members are present, the
/// request must prove both.
///
/// The members are hashes of public values, and the token's holder can read them, so the comparison need
/// not take constant time.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Confirmation {
    /// The RFC 7638 thumbprint of the key that proofs are signed with (RFC 9449 §6.1).
    pub(crate) jkt: Option<[u8; 32]>,
    /// The SHA-256 hash of the client certificate (RFC 8705 §3.1).
    pub(crate) x5t_s256: Option<[u8; 32]>,
}

/// The binding of a cached token.
pub(crate) struct Bound {
    pub(crate) to: Confirmation,
    /// The SHA-256 hash of the token as it was sent, which each proof repeats as `ath` (RFC 9449 §4.2).
    /// The hash is computed when the first proof is checked.
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
    /// Parses the claim's JSON text. An unknown member is an error, because it binds the token in a way
    /// that is not checked here. A hash that cannot be read and an empty object are errors too.
    ///
    /// `ignored` is the name of a member that may stand beside a valid `jkt`, because it binds the token to
    /// nothing more.
    pub(crate) fn parse(value: &str, ignored: Option<&str>) -> Result<Self, VerifyError> {
        const UNCHECKED: VerifyError = VerifyError::BindingUnchecked;
        let members = Object::parse(value).map_err(|_| UNCHECKED)?;
        let hash = |name| match members.get(name) {
            None => Ok(None),
            Some(value) => decode(value).map(Some).ok_or(UNCHECKED),
        };
        let (jkt, x5t_s256) = (hash("jkt")?, hash("x5t#S256")?);
        let known = usize::from(jkt.is_some()) + usize::from(x5t_s256.is_some());
        let is_ignored = jkt.is_some() && ignored.is_some_and(|name| members.contains(name));
        if known == 0 || known + usize::from(is_ignored) != members.len() {
            return Err(UNCHECKED);
        }
        Ok(Self { jkt, x5t_s256 })
    }
}

/// Decodes 32 bytes of canonical base64url without padding, the form of a SHA-256 hash in RFC 7800, RFC
/// 8705 and RFC 9449. Returns `None` for any other value.
fn decode(value: &str) -> Option<[u8; 32]> {
    let text = json::string(value)?;
    // The buffer is one byte longer than a hash, so that a longer value is not mistaken for a hash.
    let mut bytes = [0; 33];
    let length = BASE64URL.decode_slice(text.as_ref(), &mut bytes).ok()?;
    let (hash, rest) = bytes.split_first_chunk()?;
    (length == hash.len() && rest.len() == 1).then_some(*hash)
}
