//! [`Resource`]: the settings of a protected resource, and its metadata (RFC 9728).

mod metadata;
#[cfg(test)]
mod tests;

use url::Url;

pub(crate) use self::metadata::{Enforced, ProtectedResource};
use crate::{error::ConfigError, http::is_scope_token, net::PlainHttp};

/// An API or an MCP server as its clients see it, with the metadata from which a client learns which
/// authorization server issues its tokens (RFC 9728).
///
/// Add it with [`VerifierBuilder::resource`](crate::VerifierBuilder::resource). The adapters then serve the
/// metadata, and each challenge names the metadata's URL in `resource_metadata` (RFC 9728 §5.1).
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Resource, Verifier};
///
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let resource = Resource::new("https://mcp.example.com/mcp").name("Files").scopes(["files:read"]);
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).resource(resource).build()?;
///
/// let path = "/.well-known/oauth-protected-resource/mcp";
/// let metadata = verifier.resource_metadata("GET", path, None).expect("the path of the metadata");
/// assert!(metadata.body().starts_with(r#"{"resource":"https://mcp.example.com/mcp""#));
/// assert!(verifier.resource_metadata("GET", "/mcp", None).is_none()); // any other path
///
/// let twice = Resource::new("https://MCP.example.com/mcp"); // clients compare it byte by byte
/// # let issuer = okta.issuer().any_client_id();
/// assert!(Verifier::builder().issuer(issuer).resource(twice).build().is_err());
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
///
/// With every setting:
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Resource, Verifier};
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// # let issuer = || okta.issuer().any_client_id();
/// let resource = Resource::new("https://mcp.example.com/mcp")
///     .name("Files")
///     .name_in("fr", "Fichiers")
///     .scopes(["files:read", "files:write"])
///     .documentation("https://docs.example.com/files")
///     .policy_uri("https://example.com/policy")
///     .tos_uri("https://example.com/terms")
///     .authorization_details_types(["file_access"])
///     .at_root_too();
/// let verifier = Verifier::builder().issuer(issuer()).resource(resource.clone()).build()?;
/// let paths: Vec<_> = verifier.resource_metadata_paths().collect();
/// assert_eq!(
///     paths,
///     ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]
/// );
///
/// let relative = resource.documentation("/docs"); // clients need the whole URL
/// assert!(Verifier::builder().issuer(issuer()).resource(relative).build().is_err());
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a resource does nothing until it is added to a verifier"]
pub struct Resource {
    url: String,
    audience: Option<String>,
    name: Option<String>,
    /// Names in other languages, by the language tag.
    names: Vec<(String, String)>,
    scopes: Vec<String>,
    documentation: Option<String>,
    policy_uri: Option<String>,
    tos_uri: Option<String>,
    authorization_details_types: Vec<String>,
    at_root_too: bool,
}

impl Resource {
    /// Returns a resource with this URL, which clients send as the parameter `resource` (RFC 8707 §2). Write
    /// it exactly as clients know it: they compare it byte by byte (RFC 9728 §3.3), and a slash at its end
    /// counts. It is never taken from a request.
    ///
    /// The URL must have https, or http on loopback, and no query, fragment or user name.
    /// [`VerifierBuilder::build`](crate::VerifierBuilder::build) returns an error for any other URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            audience: None,
            name: None,
            names: Vec::new(),
            scopes: Vec::new(),
            documentation: None,
            policy_uri: None,
            tos_uri: None,
            authorization_details_types: Vec::new(),
            at_root_too: false,
        }
    }

    /// Sets the `aud` of the tokens for this resource, if it is not the URL of the resource. An example is
    /// an authorization server that does not support the parameter `resource` (RFC 8707), and writes the
    /// same `aud` into every token. By default the audience is the URL.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Resource, Verifier};
    /// # let okta = TestIssuer::new("api://default");
    /// # let issuer = || okta.issuer().any_client_id();
    /// let resource = Resource::new("https://mcp.example.com/mcp");
    /// // No issuer has the audience https://mcp.example.com/mcp.
    /// assert!(Verifier::builder().issuer(issuer()).resource(resource.clone()).build().is_err());
    ///
    /// let resource = resource.audience("api://default");
    /// assert!(Verifier::builder().issuer(issuer()).resource(resource).build().is_ok());
    /// ```
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the name of the resource for its users (`resource_name`). By default the metadata has none.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds the name in another language (`resource_name#fr`, RFC 9728 §2.1). `language` is a tag of BCP 47,
    /// such as `fr` or `de-CH`.
    pub fn name_in(mut self, language: impl Into<String>, name: impl Into<String>) -> Self {
        self.names.push((language.into(), name.into()));
        self
    }

    /// Sets the scopes that a client may request for this resource (`scopes_supported`). A client that gets
    /// no `scope` in a challenge requests all of them. By default the metadata has none.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the URL of a page for developers (`resource_documentation`).
    pub fn documentation(mut self, url: impl Into<String>) -> Self {
        self.documentation = Some(url.into());
        self
    }

    /// Sets the URL of a page about how a client may use the data (`resource_policy_uri`).
    pub fn policy_uri(mut self, url: impl Into<String>) -> Self {
        self.policy_uri = Some(url.into());
        self
    }

    /// Sets the URL of the terms of service (`resource_tos_uri`).
    pub fn tos_uri(mut self, url: impl Into<String>) -> Self {
        self.tos_uri = Some(url.into());
        self
    }

    /// Sets the types of `authorization_details` that the resource understands
    /// (`authorization_details_types_supported`, RFC 9396).
    pub fn authorization_details_types<S: Into<String>>(
        mut self,
        types: impl IntoIterator<Item = S>,
    ) -> Self {
        self.authorization_details_types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Serves the same metadata at `/.well-known/oauth-protected-resource` too, for clients that look only
    /// there. By default the metadata of a resource with a path is served at the path that RFC 9728 §3.1
    /// specifies, and nowhere else.
    pub fn at_root_too(mut self) -> Self {
        self.at_root_too = true;
        self
    }

    /// Validates the settings.
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting.
    pub(crate) fn prepare(self) -> Result<ProtectedResource, ConfigError> {
        let fail = |problem| ConfigError::Resource {
            url: self.url.clone(),
            problem,
        };
        let url = resource_url(&self.url).map_err(fail)?;
        for scope in &self.scopes {
            if !is_scope_token(scope) {
                return Err(fail(
                    "a scope is empty or has a character that RFC 6749 §3.3 forbids; write each scope alone, such as .scopes([\"files:read\"])",
                ));
            }
            // A resource server has no use for a refresh token, and clients would request one everywhere.
            if scope == "offline_access" {
                return Err(fail(
                    "offline_access is not a scope of a resource; remove it from .scopes(..)",
                ));
            }
        }
        let pages = [&self.documentation, &self.policy_uri, &self.tos_uri];
        if pages.into_iter().flatten().any(|page| !is_page(page)) {
            return Err(fail(
                "the URL of a page is not an absolute https or http URL; write it in full, such as https://docs.example.com/files",
            ));
        }
        let languages = self.names.iter().map(|(language, _)| language);
        if !languages.clone().all(|language| is_language_tag(language)) {
            return Err(fail(
                "the language of a name is not a language tag of BCP 47; write one such as fr or de-CH",
            ));
        }
        let mut texts = self
            .name
            .iter()
            .chain(self.names.iter().map(|(_, name)| name));
        if texts.any(String::is_empty)
            || self.audience.as_deref() == Some("")
            || self
                .authorization_details_types
                .iter()
                .any(String::is_empty)
        {
            return Err(fail(
                "a name, the audience or a type of authorization_details is empty; remove the call, or write the text",
            ));
        }
        Ok(ProtectedResource::new(self, &url))
    }
}

/// Parses the URL of a resource (RFC 9728 §1.2).
///
/// # Errors
///
/// Returns what is wrong, and what to write instead.
fn resource_url(text: &str) -> Result<Url, &'static str> {
    const ABSOLUTE: &str = "write an absolute URL in ASCII, such as https://mcp.example.com/mcp";
    // The parser would silently remove whitespace.
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ABSOLUTE);
    }
    let url = Url::parse(text).map_err(|_| ABSOLUTE)?;
    if !PlainHttp::new(true, Vec::new()).allows(&url) {
        return Err(
            "write the https URL that clients use, also if a proxy ends TLS; http is supported for 127.0.0.0/8, [::1] and localhost only",
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("write the URL without user name and password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("write the URL without query and fragment");
    }
    if url.path().contains(['{', '}', ':', '*', '%']) {
        return Err(
            "routers give the characters { } : * and % in a path a meaning of their own; write a path without them",
        );
    }
    // Clients compare the URL byte by byte, so it must not have a second form.
    let without_path = url.path() == "/" && url.as_str().strip_suffix('/') == Some(text);
    if url.as_str() != text && !without_path {
        return Err(
            "write it in its normal form: scheme and host in lower case, no default port, no . or .. in the path",
        );
    }
    Ok(url)
}

/// Returns whether the text is the URL of a page for people.
fn is_page(text: &str) -> bool {
    let url = Url::parse(text);
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && url.is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

/// Returns whether the text has the form of a language tag (RFC 5646 §2.1).
fn is_language_tag(text: &str) -> bool {
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let starts_with_letter = text
        .bytes()
        .next()
        .is_some_and(|it| it.is_ascii_alphabetic());
    starts_with_letter && text.split('-').all(is_part)
}
