//! The routes of the API under test: their paths and the policies they require.

use std::{fmt, sync::Arc};

use super::{Case, issuers::Terms, route::Route};
use crate::TokenBuilder;

/// The routes of your own API, for [`assert_conformant`](super::assert_conformant).
///
/// Each path must respond to `GET` with 2xx if its requirement is met. Add every kind of route that
/// your API has, because a case runs only if there is a route for it. Most cases use
/// [`protected`](Self::protected) or [`scope`](Self::scope).
///
/// ```
/// use okta_verifier_testing::Routes;
///
/// let routes = Routes::new()
///     .protected("/v1/profile")
///     .scope("/v1/orders/7", "orders:read")
///     .optional("/v1/news")
///     .open("/health")
///     .realm("orders");
/// ```
#[derive(Clone, Default)]
#[must_use = "pass the routes to `assert_conformant`"]
pub struct Routes {
    protected: Option<String>,
    scope: Option<(String, String)>,
    group: Option<(String, String)>,
    optional: Option<String>,
    open: Option<String>,
    realm: Option<String>,
    any_client_id: bool,
    tokens: Option<Arc<dyn Fn(TokenBuilder) -> TokenBuilder + Send + Sync>>,
}

impl Routes {
    /// Creates routes without any path.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a path that accepts any valid token. The default is the path of [`scope`](Self::scope).
    pub fn protected(mut self, path: impl Into<String>) -> Self {
        self.protected = Some(path.into());
        self
    }

    /// Sets a path that requires this scope and names it in its 403 response.
    pub fn scope(mut self, path: impl Into<String>, scope: impl Into<String>) -> Self {
        self.scope = Some((path.into(), scope.into()));
        self
    }

    /// Sets a path that requires this name in the claim `groups`.
    pub fn group(mut self, path: impl Into<String>, group: impl Into<String>) -> Self {
        self.group = Some((path.into(), group.into()));
        self
    }

    /// Sets a path behind an optional layer, which accepts any valid token or no credentials.
    pub fn optional(mut self, path: impl Into<String>) -> Self {
        self.optional = Some(path.into());
        self
    }

    /// Sets a path that is always served, regardless of credentials.
    pub fn open(mut self, path: impl Into<String>) -> Self {
        self.open = Some(path.into());
        self
    }

    /// Sets the API's realm. The default is `api`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Declares that the API accepts any client. By default it accepts only [`CLIENT_ID`](crate::CLIENT_ID).
    ///
    /// ```
    /// use okta_verifier_testing::Routes;
    ///
    /// let routes = Routes::new().protected("/me").group("/admin", "Admins").any_client_id();
    /// ```
    pub fn any_client_id(mut self) -> Self {
        self.any_client_id = true;
        self
    }

    /// Sets a function that adds to every token what all paths require, such as a claim with the
    /// tenant. The function must not add the scope or the group of a path, because some cases need
    /// tokens without them.
    ///
    /// ```
    /// use okta_verifier_testing::Routes;
    ///
    /// let routes = Routes::new().protected("/me").tokens(|token| token.claim("tenant", "acme"));
    /// ```
    pub fn tokens(
        mut self,
        prepare: impl Fn(TokenBuilder) -> TokenBuilder + Send + Sync + 'static,
    ) -> Self {
        self.tokens = Some(Arc::new(prepare));
        self
    }

    pub(super) fn terms(&self) -> Terms {
        let mut terms = Terms::default();
        let named = |pair: &Option<(String, String)>| pair.as_ref().map(|(_, name)| name.clone());
        terms.scope = named(&self.scope).unwrap_or(terms.scope);
        terms.group = named(&self.group).unwrap_or(terms.group);
        terms.realm = self.realm.clone().unwrap_or(terms.realm);
        terms
    }

    /// Prepares the token before the case's own edits.
    pub(super) fn prepare(&self, case: &Case, token: TokenBuilder) -> TokenBuilder {
        let token = match &self.tokens {
            Some(prepare) => prepare(token),
            None => token,
        };
        match (case.route, &self.protected, &self.scope) {
            (Route::Me, None, Some((_, scope))) => token.scope(scope),
            _ => token,
        }
    }

    pub(super) fn plan(&self, case: &Case) -> Plan<'_> {
        if !case.is_of_one_issuer() {
            return Plan::Skip("the case needs an issuer of another kind".to_owned());
        }
        if case.names_client && self.any_client_id {
            return Plan::Skip("the API accepts any client".to_owned());
        }
        if case.method != "GET" {
            return Plan::Skip("the method is not GET".to_owned());
        }
        let (path, missing) = match case.route {
            Route::Me => {
                let path = self.protected.as_deref().or(of(&self.scope));
                (path, "Routes::protected is not called")
            }
            Route::Orders => (of(&self.scope), "Routes::scope is not called"),
            Route::Admin => (of(&self.group), "Routes::group is not called"),
            Route::Maybe => (self.optional.as_deref(), "Routes::optional is not called"),
            Route::Health => (self.open.as_deref(), "Routes::open is not called"),
            Route::Claims
            | Route::Transfer
            | Route::MaybeOrders
            | Route::MaybeExpired
            | Route::MaybeExpiredOrders
            | Route::Bound
            | Route::Forgotten
            | Route::Files
            | Route::FilesWrite
            | Route::MaybeFilesWrite
            | Route::Mail
            | Route::MailSend
            | Route::MailAdmin
            | Route::MailTransfer
            | Route::Unnamed => (
                None,
                "the case needs a route of a kind that Routes does not have",
            ),
        };
        path.map_or_else(|| Plan::Skip(missing.to_owned()), Plan::Run)
    }
}

/// Returns the path of a pair, or `None` if there is no pair.
fn of(pair: &Option<(String, String)>) -> Option<&str> {
    pair.as_ref().map(|(path, _)| path.as_str())
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("protected", &self.protected)
            .field("scope", &self.scope)
            .field("group", &self.group)
            .field("optional", &self.optional)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// Whether a case can run, and where.
pub(super) enum Plan<'r> {
    /// Run the case at this path.
    Run(&'r str),
    /// Skip the case for this reason.
    Skip(String),
}

/// The address of an API.
pub(crate) struct Address {
    pub(crate) authority: String,
    /// The part before every path, without a trailing slash.
    pub(crate) prefix: String,
}

impl Address {
    /// Parses a base URL.
    ///
    /// # Panics
    ///
    /// Panics if `base_url` is not an `http` URL with a port.
    pub(crate) fn parse(base_url: &str) -> Self {
        let rest = base_url.strip_prefix("http://");
        let rest = rest.unwrap_or_else(|| {
            panic!("the base URL {base_url} is not an http URL; write http://127.0.0.1:PORT")
        });
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        assert!(
            authority.contains(':'),
            "the base URL {base_url} has no port; write http://127.0.0.1:PORT"
        );
        let prefix = prefix.trim_end_matches('/');
        Self {
            authority: authority.to_owned(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("/{prefix}")
            },
        }
    }
}
