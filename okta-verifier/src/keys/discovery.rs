//! Where an issuer publishes its keys: its metadata document (RFC 8414, OpenID Connect
//! Discovery 1.0), which is believed only when it names the very issuer that was configured.

use serde::Deserialize;
use url::Url;

use super::set::is_object;
use crate::{error::FetchError, remote::Fetch};

/// What is accepted as the metadata of one issuer.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    /// The configured issuer, to the letter.
    pub(crate) issuer: Box<str>,
    pub(crate) url: Url,
    /// Further origins that the metadata may name.
    pub(crate) origins: Vec<url::Origin>,
}

impl Metadata {
    /// Asks for the metadata, and gives its `jwks_uri`.
    pub(crate) async fn jwks_uri(&self, fetch: &Fetch) -> Result<String, FetchError> {
        self.ask(fetch, Self::judge).await
    }

    /// Asks for the metadata, and gives its `introspection_endpoint` (RFC 8414 §2), which the
    /// same rules bind, and one more: what is sent there is a token and our credentials, so that
    /// only the issuer's own origin will do. [`Self::origins`] are allowed for keys, which are
    /// public.
    pub(crate) async fn introspection_endpoint(&self, fetch: &Fetch) -> Result<String, FetchError> {
        self.ask(fetch, Self::judge_introspection).await
    }

    /// The next form of the URL is tried only where this one does not exist (404, 410): an
    /// issuer in trouble is not asked three times, and a foreign document is an error.
    async fn ask(
        &self,
        fetch: &Fetch,
        judge: fn(&Self, &[u8]) -> Result<String, FetchError>,
    ) -> Result<String, FetchError> {
        let mut result = Err(FetchError::Abandoned);
        for url in self.candidates() {
            result = match fetch.get(&url, MAX_METADATA).await {
                Ok(answer) => return judge(self, &answer.body),
                Err(
                    error @ FetchError::Status {
                        status: 404 | 410, ..
                    },
                ) => Err(error),
                Err(error) => return Err(error),
            };
        }
        result
    }

    /// The OpenID form, which Okta has always served; the form of RFC 8414 §3.1, which it serves
    /// since 2026.06; and the older one, with the suffix appended.
    pub(crate) fn candidates(&self) -> Vec<String> {
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

    pub(crate) fn judge(&self, document: &[u8]) -> Result<String, FetchError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let Document { issuer, jwks_uri } = read(document)?;
        self.trust(&issuer, "jwks_uri", jwks_uri, &self.origins)
    }

    fn judge_introspection(&self, document: &[u8]) -> Result<String, FetchError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            introspection_endpoint: Option<String>,
        }
        let document: Document = read(document)?;
        let endpoint = document
            .introspection_endpoint
            .ok_or(FetchError::NoIntrospectionEndpoint)?;
        self.trust(&document.issuer, "introspection_endpoint", endpoint, &[])
    }

    /// RFC 8414 §3.3-4: the issuer is compared code point by code point, without normalisation.
    fn trust(
        &self,
        issuer: &str,
        member: &'static str,
        url: String,
        origins: &[url::Origin],
    ) -> Result<String, FetchError> {
        if *issuer != *self.issuer {
            return Err(FetchError::OtherIssuer);
        }
        if !self.may_fetch(&url, origins) {
            return Err(FetchError::ForeignUrl { member });
        }
        Ok(url)
    }

    /// Of the issuer's scheme, https unless the issuer is on loopback, and of its origin or one
    /// of these.
    fn may_fetch(&self, url: &str, origins: &[url::Origin]) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let origin = url.origin();
        let clean =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        clean
            && url.scheme() == self.url.scheme()
            && (origin == self.url.origin() || origins.contains(&origin))
    }
}

fn read<'d, D: Deserialize<'d>>(document: &'d [u8]) -> Result<D, FetchError> {
    std::str::from_utf8(document)
        .ok()
        .filter(|text| is_object(text))
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or(FetchError::Malformed {
            document: "metadata",
        })
}

const MAX_METADATA: usize = 256 * 1024;
