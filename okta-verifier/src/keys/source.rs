//! From the issuer to a key set: metadata, then keys.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{discovery::Metadata, key::KeyOptions, set::KeySet};
use crate::{
    error::FetchError,
    remote::{Answer, Fetch, Revalidated, Validator},
    time::Now,
};

#[derive(Debug)]
pub(crate) struct Source {
    fetch: Fetch,
    metadata: Metadata,
    pub(super) options: KeyOptions,
    /// For metadata and keys together.
    pub(crate) deadline: Duration,
    last_good: Mutex<Option<LastGood>>,
}

/// The last `jwks_uri` that the metadata named. It outlives the metadata's own failures.
#[derive(Clone, Debug)]
struct LastGood {
    url: String,
    /// When it was asked for; `None`: ask again, because the keys may have moved.
    asked: Option<Now>,
}

#[derive(Debug)]
pub(crate) enum Loaded {
    Keys {
        set: KeySet,
        /// The key set as it was sent.
        document: String,
        fresh_for: Duration,
        revision: Option<Revision>,
    },
    /// The keys of the revision that was asked about. `None`: as fresh as before.
    Unchanged { fresh_for: Option<Duration> },
}

/// Names the answer that keys came with.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    url: String,
    validator: Validator,
}

impl Source {
    pub(crate) fn new(
        fetch: Fetch,
        metadata: Metadata,
        options: KeyOptions,
        deadline: Duration,
    ) -> Self {
        Self {
            fetch,
            metadata,
            options,
            deadline,
            last_good: Mutex::new(None),
        }
    }

    /// `revision` is that of the keys at hand, which are not sent again if they still hold.
    pub(crate) async fn load(
        &self,
        now: Now,
        revision: Option<&Revision>,
    ) -> Result<Loaded, FetchError> {
        let (url, asked) = match self.known() {
            Some(LastGood {
                url,
                asked: Some(asked),
            }) if now.since(asked) < METADATA_FRESH => (url, Some(asked)),
            known => self.ask(known, now).await?,
        };
        // In doubt until the keys have come, also when the deadline cuts this attempt off.
        self.remember(&url, None);
        let loaded = self.keys(url.clone(), revision).await?;
        self.remember(&url, asked);
        Ok(loaded)
    }

    /// The metadata's `jwks_uri`; where that cannot be had, the last good one.
    async fn ask(
        &self,
        known: Option<LastGood>,
        now: Now,
    ) -> Result<(String, Option<Now>), FetchError> {
        let Some(LastGood { url, .. }) = known else {
            let url = self.metadata.jwks_uri(&self.fetch).await?;
            return Ok((url, Some(now)));
        };
        // If the metadata hangs, it takes this whole attempt; the next one is for the keys.
        self.remember(&url, Some(now));
        match self.metadata.jwks_uri(&self.fetch).await {
            Ok(url) => Ok((url, Some(now))),
            Err(error) => {
                tracing::debug!(%error, "the metadata cannot be had; its last jwks_uri stays");
                Ok((url, None))
            }
        }
    }

    async fn keys(&self, url: String, known: Option<&Revision>) -> Result<Loaded, FetchError> {
        // Another place's word says nothing about this one's keys.
        let validator = known
            .filter(|known| known.url == url)
            .map(|known| &known.validator);
        match self.fetch.revalidate(&url, MAX_KEY_SET, validator).await? {
            Revalidated::NotModified { fresh_for } => Ok(Loaded::Unchanged { fresh_for }),
            Revalidated::Modified(Answer { body, fresh_for }, validator) => {
                let malformed = FetchError::Malformed {
                    document: "key set",
                };
                let document = String::from_utf8(body).map_err(|_| malformed)?;
                Ok(Loaded::Keys {
                    set: KeySet::parse(document.as_bytes(), self.options)?,
                    document,
                    fresh_for,
                    revision: validator.map(|validator| Revision { url, validator }),
                })
            }
        }
    }

    fn known(&self) -> Option<LastGood> {
        self.lock().clone()
    }

    fn remember(&self, url: &str, asked: Option<Now>) {
        let url = url.to_owned();
        *self.lock() = Some(LastGood { url, asked });
    }

    fn lock(&self) -> MutexGuard<'_, Option<LastGood>> {
        self.last_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_KEY_SET: usize = 256 * 1024;
/// Metadata changes with an issuer's set-up, not with its keys.
const METADATA_FRESH: Duration = Duration::from_secs(24 * 60 * 60);
