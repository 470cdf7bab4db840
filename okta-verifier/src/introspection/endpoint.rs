//! Where tokens are introspected.

use crate::{
    error::FetchError,
    keys::{Metadata, NamedUrl},
    remote::Fetch,
    time::Now,
};

#[derive(Debug)]
pub(super) enum Endpoint {
    /// In the settings.
    Given(String),
    /// In the issuer's metadata, which is fetched for the first introspection request: keys may be
    /// pinned, and a service that introspects nothing needs no endpoint.
    Discovered(NamedUrl),
}

impl Endpoint {
    pub(super) fn new(given: Option<String>, metadata: Metadata) -> Self {
        match given {
            Some(url) => Self::Given(url),
            None => Self::Discovered(NamedUrl::introspection_endpoint(metadata)),
        }
    }

    pub(super) async fn url(&self, fetch: &Fetch, now: Now) -> Result<String, FetchError> {
        match self {
            Self::Given(url) => Ok(url.clone()),
            Self::Discovered(url) => url.locate(fetch, now).await,
        }
    }

    /// The endpoint is gone: the metadata is fetched again before the next request.
    pub(super) fn doubt(&self) {
        if let Self::Discovered(url) = self {
            url.moved();
        }
    }
}
