//! Where the keys and the introspection endpoint of an issuer are: from the settings, or from the issuer's
//! metadata (RFC 8414, OpenID Connect Discovery 1.0). The same for the verification endpoint of a transmitter (SSF 1.0
//! §7). A document is trusted only if it names exactly the
//! configured issuer.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tracing::Instrument;
use url::{Origin, Url};

use super::set::is_object;
use crate::{
    error::{UnavailableReason, cause, excerpt},
    net::{Fetch, FetchSpan, PlainHttp, without_secrets},
    sync::clock::Now,
};

/// The URL of the keys, of the introspection endpoint or of the verification endpoint.
pub(crate) enum Location {
    /// The URL from the settings. No metadata is fetched for it.
    Configured(String),
    Named(Box<NamedUrl>),
}

impl Location {
    /// Returns the URL of the key set: the configured one or, without it, the `jwks_uri` of the metadata.
    pub(crate) fn jwks_uri(configured: Option<String>, metadata: Metadata) -> Self {
        Self::new(
            configured,
            metadata,
            Metadata::candidates,
            Metadata::jwks_uri,
        )
    }

    /// Returns the URL of the introspection endpoint: the configured one or, without it, the
    /// `introspection_endpoint` of the metadata (RFC 8414 §2).
    pub(crate) fn introspection_endpoint(configured: Option<String>, metadata: Metadata) -> Self {
        let read = Metadata::introspection_endpoint;
        Self::new(configured, metadata, Metadata::candidates, read)
    }

    /// Returns the URL at which a transmitter accepts requests for verification events: the configured one or, without
    /// it, the `verification_endpoint` of the transmitter's metadata (SSF 1.0 §7.1).
    pub(crate) fn verification_endpoint(configured: Option<String>, metadata: Metadata) -> Self {
        let read = Metadata::verification_endpoint;
        Self::new(configured, metadata, Metadata::transmitter_candidates, read)
    }

    fn new(
        configured: Option<String>,
        metadata: Metadata,
        candidates: Candidates,
        read: ReadUrl,
    ) -> Self {
        match configured {
            Some(url) => Self::Configured(url),
            None => Self::Named(Box::new(NamedUrl {
                metadata,
                candidates,
                read,
                known: Mutex::new(None),
            })),
        }
    }

    /// Returns the URL. If the metadata names it, the metadata is first fetched if a fetch is due. If that
    /// fetch fails, the last known URL is returned.
    ///
    /// # Errors
    ///
    /// Returns an error if the metadata could not be fetched and no URL is known yet.
    pub(crate) async fn locate(
        &self,
        fetch: &Fetch,
        now: Now,
    ) -> Result<String, UnavailableReason> {
        match self {
            Self::Configured(url) => Ok(url.clone()),
            Self::Named(named) => named.locate(fetch, now).await,
        }
    }

    /// Records that a request to the URL begins. The request counts as failed until
    /// [`worked`](Self::worked) is called, because a timeout may cancel it at any point.
    pub(crate) fn begins(&self) {
        self.count_failures(|failures| failures.saturating_add(1));
    }

    /// Records that the request to the URL was successful.
    pub(crate) fn worked(&self) {
        self.count_failures(|_| 0);
    }

    /// Records that the URL is no longer served, so that the metadata is fetched before the next request.
    pub(crate) fn moved(&self) {
        self.count_failures(|_| MAX_FAILURES);
    }

    fn count_failures(&self, count: impl FnOnce(u8) -> u8) {
        if let Self::Named(named) = self
            && let Some(known) = &mut *named.lock()
        {
            known.failures = count(known.failures);
        }
    }
}

/// Does not show the URL, because its query may contain a secret.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configured(_) => "Configured",
            Self::Named(_) => "Named",
        })
    }
}

/// Returns the URLs at which a metadata document may be.
type Candidates = fn(&Metadata) -> Vec<String>;
/// Reads a URL from a metadata document.
type ReadUrl = fn(&Metadata, &[u8]) -> Result<String, UnavailableReason>;

/// A URL from the metadata of an issuer, remembered between fetches.
///
/// If a fetch of the metadata fails, the last known URL is used. A single failed request to the URL does
/// not cause a new fetch of the metadata, unless the response shows that the URL has moved. Metadata and
/// URL can therefore each be slow or unavailable for a while without blocking the other.
pub(crate) struct NamedUrl {
    metadata: Metadata,
    candidates: Candidates,
    read: ReadUrl,
    known: Mutex<Option<Known>>,
}

struct Known {
    url: String,
    /// When the metadata that named the URL was requested.
    named: Now,
    /// When the metadata was last requested, with or without success.
    requested: Now,
    /// The number of failed requests to the URL since the last successful one.
    failures: u8,
}

impl NamedUrl {
    async fn locate(&self, fetch: &Fetch, now: Now) -> Result<String, UnavailableReason> {
        let last = match &mut *self.lock() {
            Some(known) if known.is_due(now) => {
                // A fetch of slow metadata may use up the timeout of this attempt. Because it is recorded
                // now, the next attempt begins with the known URL.
                known.requested = now;
                known.failures = 0;
                Some(known.url.clone())
            }
            Some(known) => return Ok(known.url.clone()),
            None => None,
        };
        let mut span = FetchSpan::nested(&self.metadata.issuer, "metadata");
        let candidates = (self.candidates)(&self.metadata);
        let fetched = self.metadata.fetch(fetch, candidates, self.read, &span);
        let fetched = fetched.instrument(span.span()).await;
        span.record(&fetched);
        match (fetched, last) {
            (Ok(url), _) => {
                // The URL is stored even if the request to it fails later. Otherwise the keys could never
                // be fetched from an issuer whose metadata and keys together take longer than one timeout.
                *self.lock() = Some(Known {
                    url: url.clone(),
                    named: now,
                    requested: now,
                    failures: 0,
                });
                Ok(url)
            }
            (Err(error), Some(last)) => {
                let (issuer, cause) = (&*self.metadata.issuer, cause(&error));
                tracing::debug!(issuer, %error, cause, "metadata fetch failed; using the last known URL");
                Ok(last)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Returns whether the metadata must be fetched before the next request to the URL.
    fn is_due(&self, now: Now) -> bool {
        let is_old = now.since(self.named) >= METADATA_FRESH;
        self.failures >= MAX_FAILURES || (is_old && now.since(self.requested) >= METADATA_RETRY)
    }
}

/// The issuer that the metadata must name, and the origins that its URLs may have.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    /// The configured issuer, exactly as written.
    pub(crate) issuer: Box<str>,
    pub(crate) url: Url,
    /// The only URL of the document if the settings have one, exactly as written. Without it, the URL is
    /// derived from the issuer.
    pub(crate) document: Option<String>,
    /// The origins, other than that of the issuer, that the URLs in the document may have: that of
    /// `document`, and those of [`Issuer::allow_origin`](crate::Issuer::allow_origin).
    pub(crate) origins: Vec<Origin>,
    pub(crate) plain_http: PlainHttp,
}

impl Metadata {
    /// Fetches the document and reads a URL from it.
    ///
    /// The next candidate URL is tried only if the current one does not exist (404, 410). Any other failure
    /// ends the fetch, so that an issuer that is down does not receive three requests. A document that
    /// names another issuer is an error too.
    async fn fetch(
        &self,
        fetch: &Fetch,
        candidates: Vec<String>,
        read: ReadUrl,
        span: &FetchSpan,
    ) -> Result<String, UnavailableReason> {
        let mut result = Err(UnavailableReason::Abandoned);
        for url in candidates {
            span.record_url(&url);
            result = match fetch.get(&url, MAX_METADATA).await {
                Ok(response) => return read(self, &response.body),
                Err(
                    error @ UnavailableReason::Status {
                        status: 404 | 410, ..
                    },
                ) => Err(error),
                Err(error) => return Err(error),
            };
        }
        result
    }

    /// Returns the URLs at which the document may be: the configured URL. Without it: the URL of OpenID
    /// Connect Discovery, which Okta has always served; the URL of RFC 8414 §3.1, which Okta has served since
    /// 2026.06; and an older form, with the suffix of RFC 8414 appended to the issuer.
    pub(crate) fn candidates(&self) -> Vec<String> {
        if let Some(document) = &self.document {
            return vec![document.clone()];
        }
        let issuer = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        let path = self.url.path().trim_end_matches('/');
        let origin = self.url.origin().ascii_serialization();
        let mut urls = vec![
            format!("{issuer}/.well-known/openid-configuration"),
            format!("{origin}/.well-known/oauth-authorization-server{path}"),
        ];
        if !path.is_empty() {
            urls.push(format!("{issuer}/.well-known/oauth-authorization-server"));
        }
        urls
    }

    pub(crate) fn jwks_uri(&self, document: &[u8]) -> Result<String, UnavailableReason> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let Document { issuer, jwks_uri } = read(document)?;
        self.trust(&issuer, "jwks_uri", jwks_uri)
    }

    fn introspection_endpoint(&self, document: &[u8]) -> Result<String, UnavailableReason> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            introspection_endpoint: Option<String>,
        }
        let document: Document = read(document)?;
        let endpoint = document
            .introspection_endpoint
            .ok_or(UnavailableReason::NoIntrospectionEndpoint)?;
        self.trust(&document.issuer, "introspection_endpoint", endpoint)
    }

    /// Returns the URLs at which the metadata of a transmitter may be: that of SSF 1.0 §7.2, with the suffix between the
    /// host and the path, and that of Keycloak, with the suffix after the path.
    fn transmitter_candidates(&self) -> Vec<String> {
        let path = self.url.path().trim_end_matches('/');
        let origin = self.url.origin().ascii_serialization();
        let mut urls = vec![format!("{origin}/.well-known/ssf-configuration{path}")];
        if !path.is_empty() {
            urls.push(format!("{origin}{path}/.well-known/ssf-configuration"));
        }
        urls
    }

    fn verification_endpoint(&self, document: &[u8]) -> Result<String, UnavailableReason> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            verification_endpoint: String,
        }
        let document: Document = read(document)?;
        self.trust(
            &document.issuer,
            "verification_endpoint",
            document.verification_endpoint,
        )
    }

    /// Checks the issuer and the URL of a document. Issuers are compared code point by code point, without
    /// normalization (RFC 8414 §3.3 and §4).
    fn trust(
        &self,
        issuer: &str,
        member: &'static str,
        url: String,
    ) -> Result<String, UnavailableReason> {
        if *issuer != *self.issuer {
            return Err(UnavailableReason::OtherIssuer {
                issuer: excerpt(&without_secrets(issuer.as_bytes())),
            });
        }
        if !self.may_name(&url) {
            let url = excerpt(&without_secrets(url.as_bytes()));
            return Err(UnavailableReason::ForeignUrl { member, url });
        }
        Ok(url)
    }

    /// Returns whether the document may name the URL. It must have https, or http where the settings allow
    /// it, and either the issuer's origin or one of `origins`. A user name, a password and a fragment are
    /// not allowed.
    fn may_name(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let origin = url.origin();
        let clean =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        clean
            && self.plain_http.allows(&url)
            && (origin == self.url.origin() || self.origins.contains(&origin))
    }

    /// Returns the schemes of the requests for the document and for the URLs that it may name.
    pub(crate) fn schemes(&self) -> impl Iterator<Item = &str> {
        let origins = self.origins.iter().filter_map(|origin| match origin {
            Origin::Tuple(scheme, ..) => Some(&**scheme),
            Origin::Opaque(_) => None, // has no network scheme, and is rejected in the settings
        });
        std::iter::once(self.url.scheme()).chain(origins)
    }
}

fn read<'d, D: Deserialize<'d>>(document: &'d [u8]) -> Result<D, UnavailableReason> {
    std::str::from_utf8(document)
        .ok()
        .filter(|text| is_object(text))
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or(UnavailableReason::Malformed {
            document: "metadata",
        })
}

const MAX_METADATA: usize = 256 * 1024;
/// How long metadata is fresh. Metadata changes when the issuer is reconfigured, not when its keys rotate.
const METADATA_FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// The time between attempts to fetch metadata that is no longer fresh. The last known URL is used
/// meanwhile.
const METADATA_RETRY: Duration = Duration::from_secs(5 * 60);
/// The number of consecutive failed requests after which the metadata is fetched again, because the URL may
/// have changed. One failure is not enough, because slow metadata may have used up the timeout of the first
/// request.
const MAX_FAILURES: u8 = 2;
