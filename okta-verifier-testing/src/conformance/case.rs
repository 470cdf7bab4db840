//! A case of the table and its builder.

mod outcomes;

use std::{borrow::Cow, fmt, sync::Arc};

use super::{
    Expected, Issuers, Request,
    expected::{Dpop, Named, Outcome},
    issuers::{Source, Terms},
    request::{AUTHORIZATION, Field},
    route::Route,
};
use crate::TokenBuilder;
pub(super) use outcomes::*;

/// A case of the table: a request and the response that it must get.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::cases();
/// assert!(cases.iter().any(|case| case.requirements().contains(&56) && case.expected().status() == 401));
/// assert!(cases.iter().any(|case| case.requirements().contains(&98) && case.expected().status() == 200));
/// ```
#[derive(Clone)]
pub struct Case {
    name: Cow<'static, str>,
    requirements: &'static [u16],
    pub(super) method: &'static str,
    pub(super) route: Route,
    pub(super) source: Source,
    token: Arc<Edit>,
    respell: Arc<dyn Fn(String) -> String + Send + Sync>,
    fields: Arc<Present>,
    query: Option<fn(&str) -> String>,
    body: Option<fn(&str) -> String>,
    pub(super) outcome: Outcome,
    pub(super) code: Option<&'static str>,
    dpop: Dpop,
    certificate: Option<&'static [u8]>,
    scope: Option<&'static str>,
    policy_scope: Option<&'static str>,
    pub(super) names_client: bool,
    is_http: bool,
}

/// A change to a valid token before it is signed.
type Edit = dyn Fn(TokenBuilder, &Terms) -> TokenBuilder + Send + Sync;

/// Builds the field lines of a request from the signed token.
type Present = dyn Fn(&str) -> Vec<Field> + Send + Sync;

impl Case {
    /// Returns the unique name: the subject, what is sent, and the expected outcome, as in
    /// `credentials: a valid token => 200`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the numbers of the requirements in `docs/design/conformance.md` that the case covers.
    #[must_use]
    pub fn requirements(&self) -> &[u16] {
        self.requirements
    }

    /// Returns whether HTTP can carry the request: a field value must not contain control characters
    /// (RFC 9110 §5.5). Other requests can only be passed to the verifier directly.
    #[must_use]
    pub fn is_http(&self) -> bool {
        self.is_http
    }

    /// Returns the request. Its tokens are from `issuers` and are signed again for each call.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Issuers};
    ///
    /// let issuers = Issuers::new();
    /// let cases = conformance::cases();
    /// let good = cases.iter().find(|case| case.name() == "credentials: a valid token => 200").unwrap();
    /// let (one, other) = (good.request(&issuers), good.request(&issuers));
    /// assert_eq!(one.target(), "/me");
    /// assert_ne!(one.authorization().next(), other.authorization().next()); // signed again
    /// ```
    #[must_use]
    pub fn request(&self, issuers: &Issuers) -> Request {
        self.request_to(issuers, self.route.path().to_owned(), |token| token)
    }

    /// Returns the response that the API of the [table](super) must send.
    #[must_use]
    pub fn expected(&self) -> Expected {
        let terms = Terms::default();
        self.expected_of(&terms)
    }

    /// Returns the [code](okta_verifier::VerifyError::code) of the error with which the token must be
    /// rejected, or `None` if the case names none. The response does not show the code.
    ///
    /// ```
    /// use okta_verifier_testing::conformance;
    ///
    /// let cases = conformance::provider_cases();
    /// let of = |name: &str| cases.iter().find(|case| case.name() == name).unwrap().code();
    /// assert_eq!(of("Keycloak: an ID token for the audience => 401 invalid_token"), Some("not_an_access_token"));
    /// assert_eq!(of("Keycloak: a token of a user => 200"), None);
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// Returns the response that an API with other settings must send.
    pub(super) fn expected_of(&self, terms: &Terms) -> Expected {
        let metadata = self.route.metadata();
        let scope = match self.scope {
            None => Named::ByPolicies(self.policy_scope.unwrap_or(&terms.scope)),
            Some(scope) => Named::ByLayer(scope),
        };
        Expected::of(self.outcome, self.dpop, &terms.realm, scope, metadata)
    }

    /// Returns whether the request has no token, or one that the first issuer signs with a regular key.
    #[cfg(feature = "server")]
    pub(super) fn is_of_one_issuer(&self) -> bool {
        matches!(self.source, Source::None | Source::Okta)
    }

    /// Returns the request for another path. `prepare` changes the token before the case's own edits.
    pub(super) fn request_to(
        &self,
        issuers: &Issuers,
        path: String,
        prepare: impl Fn(TokenBuilder) -> TokenBuilder,
    ) -> Request {
        let token = issuers.token(self.source).map_or(String::new(), |token| {
            (self.respell)((self.token)(prepare(token), issuers.terms()).sign())
        });
        let request = Request {
            method: self.method,
            path,
            query: self.query.map(|query| query(&token)),
            fields: (self.fields)(&token),
            certificate: self.certificate,
            body: self
                .body
                .map_or(Vec::new(), |body| body(&token).into_bytes()),
        };
        request.announce();
        request
    }
}

/// The builder for the table's cases. By default a case is `GET /me` without credentials.
impl Case {
    pub(super) fn new(
        outcome: Outcome,
        name: impl Into<Cow<'static, str>>,
        requirements: &'static [u16],
    ) -> Self {
        Self {
            name: name.into(),
            requirements,
            method: "GET",
            route: Route::Me,
            source: Source::None,
            token: Arc::new(|token, _| token),
            respell: Arc::new(|token| token),
            fields: Arc::new(|_| Vec::new()),
            query: None,
            body: None,
            outcome,
            code: None,
            dpop: Dpop::NotOffered,
            certificate: None,
            scope: None,
            policy_scope: None,
            names_client: false,
            is_http: true,
        }
    }

    /// Sets the code of the error with which the token must be rejected.
    pub(super) fn because(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn renamed(mut self, rename: impl Fn(&str) -> String) -> Self {
        self.name = rename(&self.name).into();
        self
    }

    pub(super) fn at(mut self, route: Route) -> Self {
        self.route = route;
        self
    }

    pub(super) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// Sends a token of the first issuer, changed by `edit`, as `Authorization: Bearer`.
    pub(super) fn okta(
        self,
        edit: impl Fn(TokenBuilder) -> TokenBuilder + Send + Sync + 'static,
    ) -> Self {
        self.of(Source::Okta, move |token, _| edit(token))
    }

    /// Sends a token of any issuer, changed by `edit`, which may use the API's settings.
    pub(super) fn of(
        mut self,
        source: Source,
        edit: impl Fn(TokenBuilder, &Terms) -> TokenBuilder + Send + Sync + 'static,
    ) -> Self {
        self.source = source;
        self.token = Arc::new(edit);
        self.lines(|token| vec![format!("Bearer {token}").into_bytes()])
    }

    /// Changes the text of the signed token.
    pub(super) fn respelled(
        mut self,
        respell: impl Fn(String) -> String + Send + Sync + 'static,
    ) -> Self {
        self.respell = Arc::new(respell);
        self
    }

    /// Sends these `Authorization` lines, built from the token, instead of the one `Bearer` line.
    pub(super) fn lines(
        self,
        lines: impl Fn(&str) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.fields(move |token| {
            let lines = lines(token).into_iter();
            lines.map(|value| (AUTHORIZATION, value)).collect()
        })
    }

    /// Sends only this `Authorization` line.
    pub(super) fn line(self, value: impl Into<Vec<u8>>) -> Self {
        let value = value.into();
        self.lines(move |_| vec![value.clone()])
    }

    /// Sends these field lines and no others, built from the token.
    pub(super) fn fields(
        mut self,
        fields: impl Fn(&str) -> Vec<Field> + Send + Sync + 'static,
    ) -> Self {
        self.fields = Arc::new(fields);
        self
    }

    pub(super) fn query(mut self, query: fn(&str) -> String) -> Self {
        self.query = Some(query);
        self
    }

    pub(super) fn body(mut self, body: fn(&str) -> String) -> Self {
        self.body = Some(body);
        self
    }

    /// Sets the scopes that the challenges of a 401 or of a 403 name, if the layer of the route requires a scope.
    pub(super) fn naming(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Sets the scope of the policy of the route, which a 403 names.
    pub(super) fn with_policy_scope(mut self, scope: &'static str) -> Self {
        self.policy_scope = Some(scope);
        self
    }

    /// Marks a case of an API that offers DPoP, unless its request uses DPoP.
    pub(super) fn if_not_bound(self) -> Self {
        match self.dpop {
            Dpop::NotOffered => self.beside_dpop(),
            _ => self,
        }
    }

    /// Marks a case that expects a rejection only from an API that restricts its clients.
    pub(super) fn names_client(mut self) -> Self {
        self.names_client = true;
        self
    }

    /// Marks a case of an API that offers DPoP.
    pub(super) fn beside_dpop(mut self) -> Self {
        self.dpop = Dpop::Offered;
        self
    }

    /// Marks a case whose request uses DPoP.
    pub(super) fn by_dpop(mut self) -> Self {
        self.dpop = Dpop::Used;
        self
    }

    /// Sets the certificate that the client presents.
    pub(super) fn certificate(mut self, der: &'static [u8]) -> Self {
        self.certificate = Some(der);
        self
    }

    pub(super) fn not_http(mut self) -> Self {
        self.is_http = false;
        self
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("requirements", &self.requirements)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
