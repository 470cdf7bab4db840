//! [`ProtectedResource`]: what the server under test is.

use std::{fmt, sync::Arc};

use url::Url;

use super::{McpServer, TokenRequest};
use crate::{TestIssuer, listener};

/// A protected resource (RFC 9728) as its clients see it, for
/// [`assert_protected_resource`](super::assert_protected_resource).
///
/// ```
/// use okta_verifier_testing::{ProtectedResource, TestIssuer};
///
/// let okta = TestIssuer::new("https://files.example.com/files");
/// let resource = ProtectedResource::new("https://files.example.com/files")
///     .test_issuer(&okta)
///     .scopes(["files:read"]) // required for each request
///     .request("GET", "/files/1")
///     .operation("PUT", "/files/1", ["files:write"]) // required in addition
///     .dpop()
///     .allow("metadata: a preflight is answered", "no client runs in a browser");
/// ```
///
/// With an authorization server that is not of this crate, and an audience of its own:
///
/// ```
/// use okta_verifier_testing::ProtectedResource;
///
/// # fn login(_: &[String]) -> String { String::new() }
/// let resource = ProtectedResource::new("https://files.example.com/files")
///     .audience("api://files")
///     .issuer("https://login.example.com", |request| {
///         // What the authorization server cannot write is not checked.
///         let is_ordinary = request.typ().is_none() && !request.is_expired() && request.audience() == "api://files";
///         is_ordinary.then(|| login(request.scopes()))
///     })
///     .other_issuer("https://login.example.org")
///     .host("files.internal:8080")
///     .require_dpop();
/// ```
#[derive(Clone)]
#[must_use = "pass the resource to `assert_protected_resource`"]
pub struct ProtectedResource {
    pub(super) url: String,
    audience: Option<String>,
    pub(super) issuers: Vec<String>,
    token: Option<Arc<Mint>>,
    pub(super) scopes: Vec<String>,
    host: Option<String>,
    pub(super) request: Option<(String, String)>,
    pub(super) operations: Vec<Operation>,
    pub(super) offers_dpop: bool,
    pub(super) requires_dpop: bool,
    pub(super) mcp: Option<McpServer>,
    pub(super) allowances: Vec<(String, String)>,
}

/// Returns a token, or `None` if the issuer cannot write it.
type Mint = dyn Fn(&TokenRequest) -> Option<String> + Send + Sync;

/// A request that requires more scopes than the others.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) scopes: Vec<String>,
}

impl ProtectedResource {
    /// Creates a resource with this URL, which the metadata must have in `resource` byte by byte. The server
    /// may listen elsewhere, for example on loopback without TLS.
    ///
    /// # Panics
    ///
    /// Panics if `url` is not an http or https URL, or has a fragment.
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        let is_valid = Url::parse(&url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none());
        assert!(
            is_valid,
            "{url:?} is not the URL of a resource; write one like https://mcp.example.com/mcp"
        );
        listener::public(&url);
        Self {
            url,
            audience: None,
            issuers: Vec::new(),
            token: None,
            scopes: Vec::new(),
            host: None,
            request: None,
            operations: Vec::new(),
            offers_dpop: false,
            requires_dpop: false,
            mcp: None,
            allowances: Vec::new(),
        }
    }

    /// Sets the `aud` of the tokens, if it is not the URL of the resource.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the issuer whose tokens the server accepts: the URL that the metadata must have in
    /// `authorization_servers`, and a function that returns tokens. A check whose token the function does not return
    /// is skipped.
    pub fn issuer(
        mut self,
        url: impl Into<String>,
        token: impl Fn(&TokenRequest) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.issuers.insert(0, url.into());
        self.token = Some(Arc::new(token));
        self
    }

    /// Sets an issuer of this crate, whose tokens the server accepts.
    pub fn test_issuer(self, issuer: &TestIssuer) -> Self {
        let issuer = issuer.clone();
        self.issuer(issuer.issuer_url().to_owned(), move |request| {
            Some(request.apply(issuer.token(request.subject())).sign())
        })
    }

    /// Adds an issuer that the metadata must have in `authorization_servers` too.
    pub fn other_issuer(mut self, url: impl Into<String>) -> Self {
        self.issuers.push(url.into());
        self
    }

    /// Sets the scopes that every request requires. By default there are none, and any token is served.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the `Host` of the requests, for a server behind a proxy that changes it. The default is the host of the
    /// resource's URL.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets a request that requires no more than [`scopes`](Self::scopes), and gets 2xx. The default is `GET`
    /// to the path of the resource, and for an MCP server `tools/list`.
    pub fn request(mut self, method: impl Into<String>, path: impl Into<String>) -> Self {
        self.request = Some((method.into(), path.into()));
        self
    }

    /// Adds a request that requires these scopes beside those of [`scopes`](Self::scopes), and gets 2xx with both.
    /// It has no body, and is really sent.
    pub fn operation<S: Into<String>>(
        mut self,
        method: impl Into<String>,
        path: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.operations.push(Operation {
            method: method.into(),
            path: path.into(),
            scopes: scopes.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// Declares that the server accepts DPoP proofs (RFC 9449). Their URL has the origin of the resource.
    pub fn dpop(mut self) -> Self {
        self.offers_dpop = true;
        self
    }

    /// Declares that every token must be bound to a key, like [`dpop`](Self::dpop).
    pub fn require_dpop(mut self) -> Self {
        self.requires_dpop = true;
        self.dpop()
    }

    /// Declares that the resource is an MCP server, which accepts `POST` at the path of the resource.
    ///
    /// ```
    /// use okta_verifier_testing::{McpServer, ProtectedResource};
    ///
    /// let server = McpServer::new(["2026-07-28"]).tool("write_file", ["files:write"]);
    /// let resource = ProtectedResource::new("https://mcp.example.com/mcp").mcp(server);
    /// ```
    pub fn mcp(mut self, server: McpServer) -> Self {
        self.mcp = Some(server);
        self
    }

    /// Allows that a row fails, for this reason. `assert_protected_resource` fails if the row does not exist or did not
    /// fail, so an allowance that is no longer needed is noticed.
    pub fn allow(mut self, row: impl Into<String>, reason: impl Into<String>) -> Self {
        self.allowances.push((row.into(), reason.into()));
        self
    }

    /// Returns the `aud` of the tokens.
    pub(super) fn expected_audience(&self) -> &str {
        self.audience.as_deref().unwrap_or(&self.url)
    }

    /// Returns a token, or `None` if the issuer cannot write it.
    ///
    /// # Panics
    ///
    /// Panics if no issuer is set.
    pub(super) fn token(&self, request: &TokenRequest) -> Option<String> {
        let token = self.token.as_ref();
        let token =
            token.expect("the resource has no issuer; call .test_issuer(..) or .issuer(..)");
        token(request)
    }

    /// Returns the origin of the resource, without a slash at its end.
    pub(super) fn origin(&self) -> &str {
        let host = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[host..].find(['/', '?']);
        &self.url[..end.map_or(self.url.len(), |at| host + at)]
    }

    /// Returns the `Host` of the requests.
    pub(super) fn expected_host(&self) -> &str {
        let origin = self.origin();
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        self.host.as_deref().unwrap_or(host)
    }

    /// Returns the path of the resource, which begins with a slash, and its query.
    pub(super) fn target(&self) -> String {
        match &self.url[self.origin().len()..] {
            rest if rest.starts_with('/') => rest.to_owned(),
            rest => format!("/{rest}"),
        }
    }

    /// Returns the path of the metadata: the well-known part is inserted before the path and the query of the
    /// resource, and a path of only a slash counts as none (RFC 9728 §3.1).
    pub(super) fn metadata_target(&self) -> String {
        let rest = self.target();
        let rest = match rest.strip_prefix('/') {
            Some(rest) if rest.is_empty() || rest.starts_with('?') => rest,
            _ => &rest,
        };
        format!("{WELL_KNOWN}{rest}")
    }

    pub(super) fn metadata_url(&self) -> String {
        format!("{}{}", self.origin(), self.metadata_target())
    }
}

/// Omits the function that returns tokens.
impl fmt::Debug for ProtectedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedResource")
            .field("url", &self.url)
            .field("issuers", &self.issuers)
            .field("scopes", &self.scopes)
            .field("mcp", &self.mcp)
            .finish_non_exhaustive()
    }
}

pub(super) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_path_is_inserted_before_the_path_of_the_resource() {
        let root = "https://mcp.example.com/.well-known/oauth-protected-resource";
        for (url, rest) in [
            ("https://mcp.example.com", ""),
            ("https://mcp.example.com/", ""),
            ("https://mcp.example.com/mcp", "/mcp"),
            ("https://mcp.example.com/mcp/", "/mcp/"),
            ("https://mcp.example.com/mcp?tenant=1", "/mcp?tenant=1"),
            ("https://mcp.example.com?tenant=1", "?tenant=1"),
        ] {
            let resource = ProtectedResource::new(url);
            assert_eq!(resource.metadata_url(), format!("{root}{rest}"), "{url}");
        }
    }
}
