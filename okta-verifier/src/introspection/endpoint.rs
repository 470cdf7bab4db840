//! Where the questions go.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{error::FetchError, keys::Metadata, remote::Fetch, time::Now};

#[derive(Debug)]
pub(super) enum Endpoint {
    /// In the settings.
    Given(String),
    /// In the issuer's metadata, which is asked for when the first question comes: keys may be
    /// pinned, and a service that asks nothing needs no endpoint.
    Discovered {
        metadata: Metadata,
        last_good: Mutex<Option<LastGood>>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct LastGood {
    url: String,
    /// When the metadata was asked; `None`: ask again, the endpoint may have moved.
    asked: Option<Now>,
}

impl Endpoint {
    pub(super) fn new(given: Option<String>, metadata: Metadata) -> Self {
        match given {
            Some(url) => Self::Given(url),
            None => Self::Discovered {
                metadata,
                last_good: Mutex::new(None),
            },
        }
    }

    pub(super) async fn url(&self, fetch: &Fetch, now: Now) -> Result<String, FetchError> {
        let (metadata, last_good) = match self {
            Self::Given(url) => return Ok(url.clone()),
            Self::Discovered {
                metadata,
                last_good,
            } => (metadata, last_good),
        };
        let known = lock(last_good).clone();
        let remember = |url: &str| {
            *lock(last_good) = Some(LastGood {
                url: url.to_owned(),
                asked: Some(now),
            });
        };
        if let Some(LastGood {
            url,
            asked: Some(asked),
        }) = &known
            && now.since(*asked) < METADATA_FRESH
        {
            return Ok(url.clone());
        }
        if let Some(LastGood { url, .. }) = &known {
            // If the metadata hangs, it takes this whole question's time, and no other one's.
            remember(url);
        }
        let url = match (metadata.introspection_endpoint(fetch).await, known) {
            (Ok(url), _) => url,
            // Its word of yesterday is better than none.
            (Err(error), Some(LastGood { url, .. })) => {
                tracing::debug!(%error, "the metadata cannot be had; its last endpoint stays");
                url
            }
            (Err(error), None) => return Err(error),
        };
        remember(&url);
        Ok(url)
    }

    /// There is nothing at the endpoint any more: the metadata is asked again.
    pub(super) fn doubt(&self) {
        if let Self::Discovered { last_good, .. } = self
            && let Some(known) = &mut *lock(last_good)
        {
            known.asked = None;
        }
    }
}

fn lock(last_good: &Mutex<Option<LastGood>>) -> MutexGuard<'_, Option<LastGood>> {
    last_good.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Metadata changes with an issuer's set-up.
const METADATA_FRESH: Duration = Duration::from_secs(24 * 60 * 60);
