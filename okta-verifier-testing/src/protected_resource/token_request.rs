//! [`TokenRequest`]: the token that a check needs.

use crate::{CLIENT_ID, TokenBuilder, listener};

/// The token that a check needs. The function of [`ProtectedResource::issuer`](super::ProtectedResource::issuer)
/// receives it, and returns the token.
///
/// ```
/// use okta_verifier_testing::protected_resource::{ProtectedResource, TokenRequest};
///
/// /// Gets tokens from the authorization server of a test environment.
/// fn token(request: &TokenRequest) -> Option<String> {
///     // The server writes neither expired tokens, nor those of another type. These checks are skipped.
///     if request.is_expired() || request.typ().is_some() || request.key_thumbprint().is_some() {
///         return None;
///     }
///     let (user, client) = (request.subject(), request.client_id());
///     Some(login(user, client, request.audience(), &request.scopes().join(" ")))
/// }
/// # fn login(_: &str, _: &str, _: &str, _: &str) -> String { String::new() }
///
/// let issuer = "https://login.example.com";
/// let resource = ProtectedResource::new("https://mcp.example.com/mcp").issuer(issuer, token);
/// ```
#[derive(Clone, Debug)]
pub struct TokenRequest {
    pub(super) subject: &'static str,
    pub(super) client_id: &'static str,
    pub(super) audience: String,
    pub(super) scopes: Vec<String>,
    pub(super) typ: Option<&'static str>,
    pub(super) is_expired: bool,
    pub(super) key_thumbprint: Option<String>,
}

impl TokenRequest {
    pub(super) fn new(audience: &str, scopes: Vec<String>) -> Self {
        Self {
            subject: "ada",
            client_id: CLIENT_ID,
            audience: audience.to_owned(),
            scopes,
            typ: None,
            is_expired: false,
            key_thumbprint: None,
        }
    }

    /// Returns the user: `ada`, or `eve` for the checks of sessions.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.subject
    }

    /// Returns the client: [`CLIENT_ID`], or another one for the checks of sessions.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.client_id
    }

    /// Returns the `aud` of the token.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Returns the scopes of the token. There may be none.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Returns the `typ` of the token's header, or `None` if it is that of the issuer's access tokens.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ
    }

    /// Returns whether the token must have expired.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.is_expired
    }

    /// Returns the thumbprint of the key to which the token must be bound (`cnf.jkt`, RFC 9449 §6.1), or `None` if it
    /// must not be bound.
    #[must_use]
    pub fn key_thumbprint(&self) -> Option<&str> {
        self.key_thumbprint.as_deref()
    }

    /// Changes a token of this crate's issuers into the one that is needed. The subject must be
    /// [`subject`](Self::subject) already.
    ///
    /// ```
    /// use okta_verifier_testing::{ProtectedResource, TestIssuer};
    ///
    /// let okta = TestIssuer::new("https://mcp.example.com/mcp");
    /// let resource = ProtectedResource::new("https://mcp.example.com/mcp")
    ///     .issuer(okta.issuer_url().to_owned(), move |request| {
    ///         let token = request.apply(okta.token(request.subject()));
    ///         Some(token.group("Clerks").sign()) // which the server requires of every token
    ///     });
    /// ```
    pub fn apply(&self, token: TokenBuilder) -> TokenBuilder {
        listener::public(&self.audience);
        let token = token.client_id(self.client_id).audience(&self.audience);
        let token = self.scopes.iter().fold(token, TokenBuilder::scope);
        let token = match self.typ {
            Some(typ) => token.typ(typ),
            None => token,
        };
        let token = match &self.key_thumbprint {
            Some(thumbprint) => token.bound_to(thumbprint),
            None => token,
        };
        match self.is_expired {
            true => token.expired(),
            false => token,
        }
    }
}
