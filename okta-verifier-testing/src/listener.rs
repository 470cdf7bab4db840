//! Reports to this project's own tests which secrets the crate creates and receives, so that they can
//! search every log line and every response for these secrets.

use std::sync::OnceLock;

/// Receives secrets and responses. It is not part of the public API and may change at any time.
pub trait Listener: Sync {
    /// Receives a secret that must not appear in a log or a response: a token, its claims, a proof or a
    /// credential.
    fn secret(&self, bytes: &[u8]);

    /// Receives a text that is not a secret: an issuer, an audience, a key ID, or the URL of a fault.
    fn public(&self, text: &str);

    /// Receives the value of a header field or the body of a response.
    fn shown(&self, bytes: &[u8]);
}

/// Registers `listener` for this process. Only the first call has an effect.
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
