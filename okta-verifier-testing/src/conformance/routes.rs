//! What a user says of an API: which paths there are, and what they demand.

use std::{fmt, sync::Arc};

use super::{
    Case,
    issuers::{Source, Terms},
    route::Route,
};
use crate::TokenBuilder;

/// What stands where in an API of your own, for [`assert_conformant`](super::assert_conformant).
///
/// Each path is one that answers `GET` with 2xx when its demand is met. Name those that exist: the
/// more there are, the more cases are asked. [`protected`](Self::protected) or [`scope`](Self::scope)
/// is where most of them go.
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
#[must_use = "routes are for `assert_conformant`"]
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
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A path that any valid token opens. Where there is none, [`scope`](Self::scope) serves for it.
    pub fn protected(mut self, path: impl Into<String>) -> Self {
        self.protected = Some(path.into());
        self
    }

    /// A path that a token with this scope opens, and whose 403 names the scope.
    pub fn scope(mut self, path: impl Into<String>, scope: impl Into<String>) -> Self {
        self.scope = Some((path.into(), scope.into()));
        self
    }

    /// A path that a token with this name in its claim `groups` opens.
    pub fn group(mut self, path: impl Into<String>, group: impl Into<String>) -> Self {
        self.group = Some((path.into(), group.into()));
        self
    }

    /// A path behind an optional layer: any valid token opens it, and so do no credentials at all.
    pub fn optional(mut self, path: impl Into<String>) -> Self {
        self.optional = Some(path.into());
        self
    }

    /// A path that is open to everybody, whatever the request presents.
    pub fn open(mut self, path: impl Into<String>) -> Self {
        self.open = Some(path.into());
        self
    }

    /// The API's realm. Default: `api`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// The API takes the tokens of any client. Default: those of [`CLIENT_ID`](crate::CLIENT_ID) only.
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

    /// What every token must have besides, to open any of the paths: a claim that names the tenant,
    /// say. Neither the scope nor the group named above, as some cases are about lacking them.
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

    /// The token before a case's own edits.
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
        if !matches!(case.source, Source::None | Source::Okta) {
            return Plan::Skip("the issuer is no MockOkta".to_owned());
        }
        if case.names_client && self.any_client_id {
            return Plan::Skip("the API takes any client".to_owned());
        }
        if case.method != "GET" {
            return Plan::Skip("the method is not GET".to_owned());
        }
        let path = match case.route {
            Route::Me => self.protected.as_deref().or(of(&self.scope)),
            Route::Orders => of(&self.scope),
            Route::Admin => of(&self.group),
            Route::Maybe => self.optional.as_deref(),
            Route::Health => self.open.as_deref(),
            Route::Claims | Route::Transfer | Route::MaybeOrders | Route::Forgotten => None,
        };
        let reason = || format!("no path like {} is named", case.route.path());
        path.map_or_else(|| Plan::Skip(reason()), Plan::Ask)
    }
}

/// The path of a pair.
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

/// Whether a case can be asked.
pub(super) enum Plan<'r> {
    /// At this path.
    Ask(&'r str),
    /// For this reason not.
    Skip(String),
}

/// Where an API is.
pub(super) struct Address {
    pub(super) authority: String,
    /// Before every path; without a slash at its end.
    pub(super) prefix: String,
}

impl Address {
    /// # Panics
    ///
    /// When `base_url` is no `http` URL with a port.
    pub(super) fn parse(base_url: &str) -> Self {
        let rest = base_url.strip_prefix("http://");
        let rest = rest.unwrap_or_else(|| panic!("write http://127.0.0.1:PORT, not {base_url}"));
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        assert!(authority.contains(':'), "write the port too: {base_url}");
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
