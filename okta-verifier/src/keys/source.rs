//! From the issuer to a key set: metadata, then keys.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{discovery::Metadata, set::KeySet};
use crate::{error::FetchError, remote::Fetch, time::Now};

#[derive(Debug)]
pub(crate) struct Source {
    fetch: Fetch,
    metadata: Metadata,
    /// For metadata and keys together.
    pub(crate) deadline: Duration,
    /// The last good `jwks_uri` and when it was asked for.
    jwks_uri: Mutex<Option<(String, Now)>>,
}

#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) set: KeySet,
    pub(crate) fresh_for: Duration,
}

impl Source {
    pub(crate) fn new(fetch: Fetch, metadata: Metadata, deadline: Duration) -> Self {
        Self {
            fetch,
            metadata,
            deadline,
            jwks_uri: Mutex::new(None),
        }
    }

    pub(crate) async fn load(&self, now: Now) -> Result<Loaded, FetchError> {
        let url = match self.remembered(now) {
            Some(url) => url,
            None => {
                let url = self.metadata.jwks_uri(&self.fetch).await?;
                self.remember(Some((url.clone(), now)));
                url
            }
        };
        let loaded = self.keys(&url).await;
        if loaded.is_err() {
            // The keys may have moved: the next attempt asks for the metadata again.
            self.remember(None);
        }
        loaded
    }

    async fn keys(&self, url: &str) -> Result<Loaded, FetchError> {
        let answer = self.fetch.get(url, MAX_KEY_SET).await?;
        Ok(Loaded {
            set: KeySet::parse(&answer.body)?,
            fresh_for: answer.fresh_for,
        })
    }

    fn remembered(&self, now: Now) -> Option<String> {
        let known = self.jwks_uri.lock().unwrap_or_else(PoisonError::into_inner);
        let (url, asked) = known.as_ref()?;
        (now.since(*asked) < METADATA_FRESH).then(|| url.clone())
    }

    fn remember(&self, known: Option<(String, Now)>) {
        *self.jwks_uri.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

const MAX_KEY_SET: usize = 256 * 1024;
/// Metadata changes with an issuer's set-up, not with its keys.
const METADATA_FRESH: Duration = Duration::from_secs(24 * 60 * 60);
