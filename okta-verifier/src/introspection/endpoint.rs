//! The URL of the introspection endpoint.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    error::UnavailableReason,
    keys::{Metadata, NamedUrl},
    net::Fetch,
    sync::clock::Now,
};

#[derive(Debug)]
pub(super) enum Endpoint {
    /// The settings name it.
    Given(String),
    /// The issuer's metadata names it. The metadata is fetched for the first introspection request: keys
    /// may be pinned, and a service that introspects nothing needs no endpoint.
    Discovered {
        url: Box<NamedUrl>,
        /// When the endpoint last seemed to have moved.
        doubted: Mutex<Option<Now>>,
    },
}

impl Endpoint {
    pub(super) fn new(given: Option<String>, metadata: Metadata) -> Self {
        match given {
            Some(url) => Self::Given(url),
            None => Self::Discovered {
                url: Box::new(NamedUrl::introspection_endpoint(metadata)),
                doubted: Mutex::default(),
            },
        }
    }

    pub(super) async fn url(&self, fetch: &Fetch, now: Now) -> Result<String, UnavailableReason> {
        match self {
            Self::Given(url) => Ok(url.clone()),
            Self::Discovered { url, .. } => url.locate(fetch, now).await,
        }
    }

    /// The endpoint seems to be gone, so the metadata is fetched again before the next request. That is
    /// limited in time, because some servers respond with 404 about a token that they no longer have.
    pub(super) fn doubt(&self, now: Now) {
        let Self::Discovered { url, doubted } = self else {
            return;
        };
        let mut doubted = doubted.lock().unwrap_or_else(PoisonError::into_inner);
        if doubted.is_none_or(|last| now.since(last) >= DOUBT_INTERVAL) {
            *doubted = Some(now);
            url.moved();
        }
    }
}

const DOUBT_INTERVAL: Duration = Duration::from_secs(5 * 60);
