//! [`States`]: the `state` of verification events, a time and its MAC, so that no instance has to remember it.

use base64::Engine;
use secrecy::{ExposeSecret, SecretString};

use super::super::active_transmitter::LEEWAY;
use crate::{crypto::MacKey, sync::clock::Now, token::BASE64URL};

/// Makes and recognizes the states of one transmitter.
pub(in crate::revocation) struct States {
    issuer: Box<str>,
    /// The first one makes states. None, if the settings have no secret.
    keys: Vec<MacKey>,
}

impl States {
    pub(in crate::revocation) fn new(issuer: &str, secrets: &[SecretString]) -> Self {
        let key = |secret: &SecretString| MacKey::new(secret.expose_secret().as_bytes());
        Self {
            issuer: issuer.into(),
            keys: secrets.iter().map(key).collect(),
        }
    }

    /// Returns whether states are checked.
    pub(in crate::revocation) fn are_checked(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Returns a state, or `None` without a secret. `time` is in seconds since 1970.
    pub(in crate::revocation) fn make(&self, time: u64) -> Option<String> {
        let mac = self.keys.first()?.sign(&self.message(time));
        Some(BASE64URL.encode([&time.to_be_bytes()[..], &mac].concat()))
    }

    /// Returns when the state was made, or `None` if it is not one of this service, or too old.
    pub(in crate::revocation) fn time_of(&self, state: &str, now: Now) -> Option<u64> {
        let bytes = BASE64URL.decode(state).ok()?;
        let (time, mac) = bytes.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        let message = self.message(time);
        let is_current =
            time <= now.unix.saturating_add(LEEWAY) && now.unix.saturating_sub(time) <= LIFETIME;
        let is_ours = is_current && self.keys.iter().any(|key| key.verifies(&message, mac));
        is_ours.then_some(time)
    }

    fn message(&self, time: u64) -> Vec<u8> {
        let issuer = self.issuer.as_bytes();
        [b"verification state\0", &time.to_be_bytes()[..], issuer].concat()
    }
}

/// How long a state is accepted, in seconds. Transmitters may be slow.
const LIFETIME: u64 = 24 * 60 * 60;
