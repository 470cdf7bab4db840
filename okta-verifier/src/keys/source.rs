//! Fetches a key set: the metadata if it is due and names the URL of the keys, then the keys.

use std::{sync::Arc, time::Duration};

use super::{
    discovery::{Location, Metadata},
    jwk::KeyOptions,
    set::KeySet,
};
use crate::{
    error::UnavailableReason,
    net::{Fetch, IssuerClock, JsonResponse, Revalidated, Validator},
    sync::clock::Now,
};

#[derive(Debug)]
pub(crate) struct Source {
    fetch: Fetch,
    issuer: Box<str>,
    location: Location,
    pub(super) options: KeyOptions,
    /// The timeout for metadata and keys together.
    pub(crate) deadline: Duration,
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
    /// The keys have not changed since the given revision. `fresh_for` is `None` if the response has no new
    /// freshness information.
    Unchanged { fresh_for: Option<Duration> },
}

/// Identifies a version of the key set: the URL and the validator of the response.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    url: String,
    validator: Validator,
}

impl Source {
    /// Without `jwks_uri`, the metadata names the URL of the keys.
    pub(crate) fn new(
        fetch: Fetch,
        jwks_uri: Option<String>,
        metadata: Metadata,
        options: KeyOptions,
        deadline: Duration,
    ) -> Self {
        Self {
            fetch,
            issuer: metadata.issuer.clone(),
            location: Location::jwks_uri(jwks_uri, metadata),
            options,
            deadline,
        }
    }

    /// Returns the issuer, as configured.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the clock of the issuer.
    pub(super) fn clock(&self) -> Option<&Arc<IssuerClock>> {
        self.fetch.clock()
    }

    /// Makes one attempt to fetch the keys. `revision` is the revision of the current keys. If the keys
    /// have not changed, the issuer need not send them again.
    pub(crate) async fn load(
        &self,
        now: Now,
        revision: Option<&Revision>,
    ) -> Result<Loaded, UnavailableReason> {
        let url = self.location.locate(&self.fetch, now).await?;
        self.location.begins();
        let loaded = self.keys(url, revision).await;
        match &loaded {
            Ok(_) => self.location.worked(),
            Err(error) if error.is_moved() => self.location.moved(),
            Err(_) => {}
        }
        loaded
    }

    async fn keys(
        &self,
        url: String,
        known: Option<&Revision>,
    ) -> Result<Loaded, UnavailableReason> {
        // A validator is valid only for the URL that it came from (RFC 9110 §8.8.3).
        let validator = known
            .filter(|known| known.url == url)
            .map(|known| &known.validator);
        match self.fetch.revalidate(&url, MAX_KEY_SET, validator).await? {
            Revalidated::NotModified { fresh_for } => Ok(Loaded::Unchanged { fresh_for }),
            Revalidated::Modified(JsonResponse { body, fresh_for }, validator) => {
                let malformed = UnavailableReason::Malformed {
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
}

const MAX_KEY_SET: usize = 256 * 1024;
