//! Who hears what this crate mints and what it is answered: the tests of this project, which search
//! every log line and every answer for it.

use std::sync::OnceLock;

/// Not part of the API: it may change or go at any time.
pub trait Listener: Sync {
    /// A token, a proof, the claims of one, or a credential: nobody shall show it.
    fn secret(&self, bytes: &[u8]);

    /// What tokens hold and anybody may know: the issuer, the audience, the names of keys.
    fn public(&self, text: &str);

    /// Field lines or the body of an answer.
    fn shown(&self, bytes: &[u8]);
}

/// From here on `listener` hears of everything in this process; only the first one does.
pub fn listen(listener: &'static dyn Listener) {
    let _ = LISTENER.set(listener);
}

pub(crate) fn secret(bytes: impl AsRef<[u8]>) {
    if let Some(listener) = LISTENER.get() {
        listener.secret(bytes.as_ref());
    }
}

pub(crate) fn public(text: &str) {
    if let Some(listener) = LISTENER.get() {
        listener.public(text);
    }
}

pub(crate) fn shown(bytes: &[u8]) {
    if let Some(listener) = LISTENER.get() {
        listener.shown(bytes);
    }
}

static LISTENER: OnceLock<&'static dyn Listener> = OnceLock::new();
