//! JWKS bytes → the usable keys (RFC 7517 §5).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::key::{Key, Skipped};
use crate::{algorithm::Algorithm, error::FetchError};

/// The usable keys of one issuer; at least one.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    keys: Vec<Arc<Key>>,
    skipped: Vec<Skipped>,
}

/// What a set says about a `kid` and an algorithm.
#[derive(Debug)]
pub(crate) enum Found {
    Key(Arc<Key>),
    /// The `kid` is there for other algorithms only.
    OtherAlgorithm,
    Nothing,
}

impl KeySet {
    /// A bad entry is skipped and counted; a bad document, or one without a usable key, is an
    /// error, so that it never replaces a good one.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, FetchError> {
        let malformed = FetchError::Malformed {
            document: "key set",
        };
        let Ok(text) = std::str::from_utf8(document) else {
            return Err(malformed);
        };
        let Some(entries) = keys_member(text) else {
            return Err(malformed);
        };
        if entries.len() > MAX_KEYS {
            return Err(FetchError::TooManyKeys { limit: MAX_KEYS });
        }
        let mut set = Self::default();
        for entry in entries {
            match Key::parse(entry.get()) {
                Ok(key) => set.keys.push(Arc::new(key)),
                Err(reason) => set.skipped.push(reason),
            }
        }
        set.skip_ambiguous();
        if set.keys.is_empty() {
            return Err(FetchError::NoUsableKey {
                skipped: set.skipped.len(),
            });
        }
        Ok(set)
    }

    pub(crate) fn find(&self, kid: &str, algorithm: Algorithm) -> Found {
        let mut found = Found::Nothing;
        for key in self.keys.iter().filter(|key| *key.kid == *kid) {
            if key.algorithm == algorithm {
                return Found::Key(key.clone());
            }
            found = Found::OtherAlgorithm;
        }
        found
    }

    /// Whether the usable keys are others than those of `previous`.
    pub(crate) fn differs(&self, previous: &Self) -> bool {
        self.keys.len() != previous.keys.len() || !self.keys.iter().all(|key| previous.holds(key))
    }

    /// Takes the place of `previous`: unchanged keys keep their `Arc`, all others are retired.
    /// No union: a key that is gone may have been stolen.
    pub(crate) fn succeed(&mut self, previous: &Self) {
        for key in &mut self.keys {
            if let Some(same) = previous.keys.iter().find(|old| old.is(key)) {
                *key = same.clone();
            }
        }
        previous
            .keys
            .iter()
            .filter(|old| !self.holds(old))
            .for_each(|old| old.retire());
    }

    fn holds(&self, key: &Key) -> bool {
        self.keys.iter().any(|own| own.is(key))
    }

    pub(crate) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    pub(crate) fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// Equal `kid` and `kty`: nobody can tell which one is meant, so neither is used.
    fn skip_ambiguous(&mut self) {
        let all = self.keys.clone();
        self.keys.retain(|key| {
            all.iter()
                .filter(|other| other.kid == key.kid && other.kty() == key.kty())
                .count()
                == 1
        });
        self.skipped
            .extend((self.keys.len()..all.len()).map(|_| Skipped::Ambiguous));
    }
}

/// The elements of `keys`. Other members are ignored, a second `keys` is refused.
fn keys_member(text: &str) -> Option<Vec<&RawValue>> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }

    if !is_object(text) {
        return None;
    }
    let Document { keys } = serde_json::from_str(text).ok()?;
    Some(keys)
}

/// serde would read an array's elements as the members of a struct.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

const MAX_KEYS: usize = 100;
