//! One case, and the few words it is written with.

mod outcomes;

use std::{borrow::Cow, fmt, sync::Arc};

use super::{
    Expected, Issuers, Request,
    expected::{Dpop, Verdict},
    issuers::{Source, Terms},
    request::{AUTHORIZATION, Field},
    route::Route,
};
use crate::TokenBuilder;
pub(super) use outcomes::*;

/// One case of the table: a request and the answer it must get.
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
    pub(super) verdict: Verdict,
    dpop: Dpop,
    certificate: Option<&'static [u8]>,
    pub(super) names_client: bool,
    is_http: bool,
}

/// What happens to a good token before it is signed.
type Edit = dyn Fn(TokenBuilder, &Terms) -> TokenBuilder + Send + Sync;

/// Field lines, of the signed token.
type Present = dyn Fn(&str) -> Vec<Field> + Send + Sync;

impl Case {
    /// Says what is presented, and is unique.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The numbers of the requirements in `CONFORMANCE.md` that the case shows.
    #[must_use]
    pub fn requirements(&self) -> &[u16] {
        self.requirements
    }

    /// Whether HTTP can carry the request: a field value has no control characters (RFC 9110 §5.5).
    /// Where it cannot, only a caller of the verifier itself can try.
    #[must_use]
    pub fn is_http(&self) -> bool {
        self.is_http
    }

    /// The request, with tokens of `issuers`: signed anew each time.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Issuers};
    ///
    /// let issuers = Issuers::new();
    /// let cases = conformance::cases();
    /// let good = cases.iter().find(|case| case.name() == "a good token").unwrap();
    /// let (one, other) = (good.request(&issuers), good.request(&issuers));
    /// assert_eq!(one.target(), "/me");
    /// assert_ne!(one.authorization().next(), other.authorization().next()); // signed anew
    /// ```
    #[must_use]
    pub fn request(&self, issuers: &Issuers) -> Request {
        self.request_to(issuers, self.route.path().to_owned(), |token| token)
    }

    /// The answer it must get from the API that the [table is for](super).
    #[must_use]
    pub fn expected(&self) -> Expected {
        let terms = Terms::default();
        self.expected_of(&terms)
    }

    /// The same from an API that says something else.
    pub(super) fn expected_of(&self, terms: &Terms) -> Expected {
        Expected::of(self.verdict, self.dpop, &terms.realm, &terms.scope)
    }

    /// The same request to another path; `prepare` has the token before the case's own edits.
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
        request.tell();
        request
    }
}

/// How the files of the table write a case. Without more it asks `GET /me` and presents nothing.
impl Case {
    pub(super) fn new(
        verdict: Verdict,
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
            verdict,
            dpop: Dpop::NotOffered,
            certificate: None,
            names_client: false,
            is_http: true,
        }
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

    /// A token of the first issuer, after `edit`, as `Authorization: Bearer`.
    pub(super) fn okta(
        self,
        edit: impl Fn(TokenBuilder) -> TokenBuilder + Send + Sync + 'static,
    ) -> Self {
        self.of(Source::Okta, move |token, _| edit(token))
    }

    /// A token of any issuer, after an `edit` that may look at what the API demands.
    pub(super) fn of(
        mut self,
        source: Source,
        edit: impl Fn(TokenBuilder, &Terms) -> TokenBuilder + Send + Sync + 'static,
    ) -> Self {
        self.source = source;
        self.token = Arc::new(edit);
        self.lines(|token| vec![format!("Bearer {token}").into_bytes()])
    }

    /// Changes the signed token's text.
    pub(super) fn respelled(
        mut self,
        respell: impl Fn(String) -> String + Send + Sync + 'static,
    ) -> Self {
        self.respell = Arc::new(respell);
        self
    }

    /// These `Authorization` lines, in place of the one `Bearer` line; they are given the token.
    pub(super) fn lines(
        self,
        lines: impl Fn(&str) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.fields(move |token| {
            let lines = lines(token).into_iter();
            lines.map(|value| (AUTHORIZATION, value)).collect()
        })
    }

    /// This one `Authorization` line.
    pub(super) fn line(self, value: impl Into<Vec<u8>>) -> Self {
        let value = value.into();
        self.lines(move |_| vec![value.clone()])
    }

    /// These field lines and no others; they are given the token.
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

    /// Refused only where the API names the clients it takes.
    pub(super) fn names_client(mut self) -> Self {
        self.names_client = true;
        self
    }

    /// The API offers DPoP.
    pub(super) fn beside_dpop(mut self) -> Self {
        self.dpop = Dpop::Offered;
        self
    }

    /// The request uses it.
    pub(super) fn by_dpop(mut self) -> Self {
        self.dpop = Dpop::Used;
        self
    }

    /// The certificate that the client shows.
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
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
