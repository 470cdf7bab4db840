//! What must not be seen.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Any so many bytes in a row of a secret are one.
const LENGTH: usize = 16;

#[derive(Default)]
pub(crate) struct Words {
    secret: HashSet<[u8; LENGTH]>,
    public: HashSet<[u8; LENGTH]>,
}

impl Words {
    /// Bytes that were presented or set: they must not be seen.
    pub(crate) fn secret(&mut self, text: impl AsRef<[u8]>) {
        self.secret.extend(windows(text.as_ref()));
    }

    /// A token, a proof, a credential of any form: as it is written, and each of its parts as it
    /// is read.
    pub(crate) fn token(&mut self, token: impl AsRef<[u8]>) {
        let token = token.as_ref();
        self.secret(token);
        for part in token.split(|byte| b". ".contains(byte)) {
            self.secret(URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
        }
    }

    /// What the service itself says, and tokens repeat: its issuers and its audience.
    pub(crate) fn public(&mut self, text: &str) {
        // As a payload and a Debug output both write it.
        for written in [format!("[\"{text}\","), format!("[\"{text}\"],")] {
            self.public.extend(windows(written.as_bytes()));
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.secret.len()
    }

    /// The first secret that `text` shows, with what stands around it.
    pub(crate) fn seen_in(&self, text: &str) -> Option<String> {
        let seen = |word| self.secret.contains(&word) && !self.public.contains(&word);
        let start = windows(text.as_bytes()).position(seen)?;
        let end = text.len().min(start + 4 * LENGTH);
        let around = &text.as_bytes()[start.saturating_sub(4 * LENGTH)..end];
        Some(String::from_utf8_lossy(around).into_owned())
    }

    /// # Panics
    ///
    /// When `text` shows a secret.
    pub(crate) fn assert_unseen_in(&self, text: &str) {
        if let Some(seen) = self.seen_in(text) {
            panic!("a secret is shown: {seen}");
        }
    }
}

fn windows(text: &[u8]) -> impl Iterator<Item = [u8; LENGTH]> {
    let windows = text.windows(LENGTH);
    windows.map(|window| window.try_into().unwrap())
}

#[test]
fn a_secret_is_found_by_any_sixteen_bytes_of_it() {
    let mut words = Words::default();
    words.token("eyJzdWIiOiJhZGEubG92ZWxhY2UifQ.eyJzdWIiOiJhZGEubG92ZWxhY2UifQ.c2lnbmF0dXJl");
    words.secret("api://conformance?");
    words.public("api://conformance");
    for seen in [
        "token eyJzdWIiOiJhZGEubG92ZWxhY2UifQ",
        "SI6ImFkYSJ9 JhZGEubG92ZWxhY2U",
        r#"claims {"sub":"ada.lovelace"}"#,
        "pi://conformance?",
    ] {
        assert!(words.seen_in(seen).is_some(), "{seen}");
    }
    for public in ["api://conformance", "short", ""] {
        words.assert_unseen_in(public);
    }
}
