//! A key set (RFC 7517 §5): its usable keys, and its form in a snapshot.

use super::jwk::{Key, KeyOptions, Skipped, text};
use crate::{
    crypto::Algorithm,
    error::{UnavailableReason, VerifyError},
    token::json::Object,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{fmt, sync::Arc};

/// The usable keys of one issuer. A parsed set has at least one.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    keys: Vec<Arc<Key>>,
    /// Whether tokens may lack `kid`: there is only one key, and the settings allow it.
    allows_missing_kid: bool,
    skipped: SkippedEntries,
}

/// The result of a search for a `kid` and an algorithm.
#[derive(Debug)]
pub(crate) enum Found {
    Key(Arc<Key>),
    /// The set has keys with this `kid`, but only for other algorithms.
    OtherAlgorithm,
    Nothing,
}

impl KeySet {
    /// Parses a set. Invalid entries are skipped. An invalid document and a document without a usable key
    /// are errors, so that they never replace a valid set.
    pub(crate) fn parse(document: &[u8], options: KeyOptions) -> Result<Self, UnavailableReason> {
        let malformed = UnavailableReason::Malformed {
            document: "key set",
        };
        let Ok(text) = std::str::from_utf8(document) else {
            return Err(malformed);
        };
        let Some(entries) = keys_member(text) else {
            return Err(malformed);
        };
        if entries.len() > MAX_KEYS {
            return Err(UnavailableReason::TooManyKeys { limit: MAX_KEYS });
        }
        let mut usable: Vec<(usize, Arc<Key>)> = Vec::new();
        let mut skipped = SkippedEntries::default();
        for (index, entry) in entries.iter().enumerate() {
            match Key::parse(entry.get(), options) {
                // A repeated entry is the same key, so it is not ambiguous.
                Ok(key) if usable.iter().any(|(_, other)| other.is(&key)) => {}
                Ok(key) => usable.push((index, Arc::new(key))),
                Err(reason) => skipped.push(index, entry.get(), reason),
            }
        }
        let allows_missing_kid = options.allow_missing_key_id && usable.len() == 1;
        let mut keys = Vec::new();
        for (index, key) in &usable {
            let is_other = |(_, other): &&(usize, Arc<Key>)| !Arc::ptr_eq(other, key);
            // If there are other keys, no token can name a key without `kid`.
            let reason = if key.kid.is_none() && !allows_missing_kid {
                Skipped::NoKid
            } else if usable
                .iter()
                .filter(is_other)
                .any(|(_, other)| other.has_name_of(key))
            {
                // A token cannot distinguish two keys with the same `kid` and algorithm, so neither is
                // used.
                Skipped::Ambiguous
            } else {
                keys.push(key.clone());
                continue;
            };
            skipped.push(*index, entries[*index].get(), reason);
        }
        if keys.is_empty() {
            skipped.explain_only_key(document, options);
            return Err(UnavailableReason::NoUsableKey {
                skipped: skipped.len(),
                reasons: skipped.to_string(),
            });
        }
        Ok(Self {
            keys,
            allows_missing_kid,
            skipped,
        })
    }

    pub(crate) fn find(&self, kid: &str, algorithm: Algorithm) -> Found {
        let mut found = Found::Nothing;
        for key in self
            .keys
            .iter()
            .filter(|key| key.kid.as_deref() == Some(kid))
        {
            if key.algorithm == algorithm {
                return Found::Key(key.clone());
            }
            found = Found::OtherAlgorithm;
        }
        found
    }

    /// Returns the key for a token without `kid` (OpenID Connect Core 1.0 §10.1).
    ///
    /// # Errors
    ///
    /// Returns an error if the token must have a `kid`, because the set has several keys or because the
    /// settings require it.
    pub(crate) fn find_only_key(&self, algorithm: Algorithm) -> Result<Found, VerifyError> {
        match &self.keys[..] {
            [key] if self.allows_missing_kid && key.algorithm == algorithm => {
                Ok(Found::Key(key.clone()))
            }
            // The only key has another algorithm. It may have been replaced at the issuer, so the token's
            // key counts as unknown.
            [_] if self.allows_missing_kid => Ok(Found::Nothing),
            _ => Err(VerifyError::MissingKeyId),
        }
    }

    /// Returns whether the usable keys differ from those of `previous`.
    pub(crate) fn differs(&self, previous: &Self) -> bool {
        self.keys.len() != previous.keys.len() || !self.keys.iter().all(|key| previous.holds(key))
    }

    /// Makes this set the successor of `previous`: unchanged keys keep their `Arc`, and all other keys of
    /// `previous` are retired. The two sets are never merged, because a removed key may have been stolen.
    /// Returns the retired keys, whose waiters the caller must wake.
    pub(crate) fn replace(&mut self, previous: &Self) -> Vec<Arc<Key>> {
        for key in &mut self.keys {
            if let Some(same) = previous.keys.iter().find(|old| old.is(key)) {
                *key = same.clone();
            }
        }
        let retired = previous.keys.iter().filter(|old| !self.holds(old));
        retired
            .inspect(|old| old.retirement.retire())
            .cloned()
            .collect()
    }

    fn holds(&self, key: &Key) -> bool {
        self.keys.iter().any(|own| own.is(key))
    }

    pub(crate) fn skipped(&self) -> &SkippedEntries {
        &self.skipped
    }

    pub(crate) fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }
}

/// The skipped entries of a set. `Display` explains the first ten, for logs and errors.
#[derive(Debug, Default)]
pub(crate) struct SkippedEntries(Vec<SkippedEntry>);

#[derive(Debug)]
struct SkippedEntry {
    index: usize,
    /// Present only if the `kid` is short and printable, because an issuer may send anything.
    kid: Option<Box<str>>,
    reason: Skipped,
}

impl SkippedEntries {
    fn push(&mut self, index: usize, entry: &str, reason: Skipped) {
        let kid = Object::parse(entry).ok().and_then(|members| {
            let kid = text(&members, "kid").ok()??;
            is_presentable(&kid).then(|| kid.into())
        });
        let place = self.0.partition_point(|other| other.index < index);
        self.0.insert(place, SkippedEntry { index, kid, reason });
    }

    /// Changes the reason of a skipped key that would be usable with `Issuer::allow_missing_key_id`, so
    /// that the reason names this setting.
    fn explain_only_key(&mut self, document: &[u8], options: KeyOptions) {
        if options.allow_missing_key_id {
            return;
        }
        let lenient = KeyOptions {
            allow_missing_key_id: true,
            ..options
        };
        let Ok(set) = KeySet::parse(document, lenient) else {
            return;
        };
        for entry in &mut self.0 {
            let still_skipped = set.skipped.0.iter().any(|other| other.index == entry.index);
            if entry.reason == Skipped::NoKid && !still_skipped {
                entry.reason = Skipped::OnlyKeyWithoutKid;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the explanation of each entry.
    pub(crate) fn explanations(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    #[cfg(test)]
    pub(super) fn reasons(&self) -> Vec<Skipped> {
        self.0.iter().map(|entry| entry.reason).collect()
    }
}

impl fmt::Display for SkippedEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, entry) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("; ")?;
            }
            if number == MAX_EXPLAINED {
                return write!(f, "and {} more", self.0.len() - MAX_EXPLAINED);
            }
            entry.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for SkippedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, kid, reason } = self;
        match kid {
            Some(kid) => write!(f, "entry {} (kid {kid:?}): {reason}", index + 1),
            None => write!(f, "entry {}: {reason}", index + 1),
        }
    }
}

fn is_presentable(kid: &str) -> bool {
    let printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    (1..=MAX_SHOWN_KID).contains(&kid.len()) && kid.bytes().all(printable)
}

/// Returns the elements of `keys`, or `None` if the document is malformed or has a second `keys`. Other
/// members are ignored.
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

/// Returns whether the text is a JSON object. Without this check, serde would also read a struct from an
/// array.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

const MAX_KEYS: usize = 100;
const MAX_EXPLAINED: usize = 10;
const MAX_SHOWN_KID: usize = 64;

/// The keys that were last fetched from an issuer. Save them so that the next process can start while the
/// issuer is unavailable.
///
/// Restoring a snapshot does not extend its lifetime: its age counts from the original fetch. Protect the
/// place where it is stored, because anyone who can write there can choose the trusted keys.
///
/// ```no_run
/// use okta_verifier::{Issuer, KeySnapshot, Verifier};
///
/// # async fn hello() -> Result<(), Box<dyn std::error::Error>> {
/// let mut issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
/// if let Ok(saved) = std::fs::read("keys.json") {
///     issuer = issuer.key_snapshot(serde_json::from_slice::<KeySnapshot>(&saved)?);
/// }
/// let verifier = Verifier::builder().issuer(issuer).build()?;
///
/// verifier.warm_up().await?;
/// for snapshot in verifier.key_snapshots() {
///     std::fs::write("keys.json", serde_json::to_vec(&snapshot)?)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeySnapshot {
    /// The issuer that these keys belong to.
    pub issuer: String,
    /// The key set as the issuer sent it.
    pub jwks: String,
    /// When the fetch began, in seconds since 1970.
    pub fetched_at: u64,
    /// The freshness lifetime of the keys in seconds.
    pub fresh_for: u64,
}
