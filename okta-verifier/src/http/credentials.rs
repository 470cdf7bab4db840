//! The credentials of one request: `Authorization` (RFC 9110 §11.4, RFC 6750 §2.1), and the evidence that
//! the client possesses the key or the certificate that the token is bound to.

use std::{net::IpAddr, time::Duration};

use url::form_urlencoded;

use super::Scheme;
use crate::token::ascii::{self, is_alphanumeric, is_tchar};

/// The credentials of one HTTP request, borrowed and framework-neutral.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{adapter::RequestCredentials, Verifier};
/// let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
///
/// let authorization = format!("Bearer {}", okta.token("ada").sign());
/// let credentials = RequestCredentials::new([authorization.as_bytes()]).query(Some("page=2"));
/// let token = verifier.authenticate(&credentials).into_ready().expect("pinned keys need no I/O").unwrap();
/// assert_eq!(token.subject(), "ada");
///
/// let nothing = RequestCredentials::new([]);
/// let refusal = verifier.authenticate(&nothing).into_ready().expect("no I/O").unwrap_err();
/// assert_eq!(refusal.status(), 401);
/// ```
#[derive(Clone, Copy)]
pub struct RequestCredentials<'a> {
    authorization: Lines<&'a [u8]>,
    query: Option<&'a str>,
    max_introspection_age: Option<Duration>,
    expired_as_anonymous: bool,
    pub(crate) shown: Shown<'a>,
}

/// What a request shows about its sender: the DPoP proof and the client certificate, and the parts of the
/// request that decide whether they are accepted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    pub(crate) proof: Lines<&'a [u8]>,
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) forwarded: Lines<&'a [u8]>,
    pub(crate) certificate: Option<&'a [u8]>,
    pub(crate) client_cert: Lines<&'a [u8]>,
}

/// The field lines of one header.
#[derive(Clone, Copy, Default)]
pub(crate) enum Lines<T> {
    #[default]
    Absent,
    One(T),
    Repeated,
}

/// An owned copy of [`Shown`].
pub(crate) struct OwnedShown {
    proof: Lines<Box<[u8]>>,
    method: Box<str>,
    target: Box<str>,
    peer: Option<IpAddr>,
    forwarded: Lines<Box<[u8]>>,
    certificate: Option<Box<[u8]>>,
    client_cert: Lines<Box<[u8]>>,
}

impl From<&Shown<'_>> for OwnedShown {
    fn from(shown: &Shown<'_>) -> Self {
        Self {
            proof: shown.proof.map(Box::from),
            method: shown.method.into(),
            target: shown.target.into(),
            peer: shown.peer,
            forwarded: shown.forwarded.map(Box::from),
            certificate: shown.certificate.map(Box::from),
            client_cert: shown.client_cert.map(Box::from),
        }
    }
}

impl OwnedShown {
    pub(crate) fn as_shown(&self) -> Shown<'_> {
        Shown {
            proof: self.proof.as_ref().map(AsRef::as_ref),
            method: &self.method,
            target: &self.target,
            peer: self.peer,
            forwarded: self.forwarded.as_ref().map(AsRef::as_ref),
            certificate: self.certificate.as_deref(),
            client_cert: self.client_cert.as_ref().map(AsRef::as_ref),
        }
    }
}

impl<'a> RequestCredentials<'a> {
    /// Returns credentials with the raw bytes of every `Authorization` field line. All lines are needed, so
    /// that a repeated field is rejected (RFC 9110 §5.3).
    pub fn new<I>(authorization_values: I) -> Self
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        Self {
            authorization: Lines::of(authorization_values),
            query: None,
            max_introspection_age: None,
            expired_as_anonymous: false,
            shown: Shown::default(),
        }
    }

    /// Sets the query of the request's URI. A token in the query is never accepted (RFC 6750 §2.3). A
    /// request with a token in both the query and the header is malformed, because RFC 6750 §2 allows only
    /// one method per request.
    #[must_use]
    pub fn query(self, query: Option<&'a str>) -> Self {
        Self { query, ..self }
    }

    /// Requires an introspection result no older than `max_age`, for a route where a revoked token must not
    /// pass. A cached result that is not older is reused. Otherwise the token is introspected. With a
    /// `max_age` of zero, the token is introspected at every request.
    ///
    /// This method can only shorten
    /// [`Introspection::max_age`](crate::introspection::Introspection::max_age). If the issuer has no
    /// [`Issuer::introspection`](crate::Issuer::introspection), the request is rejected with 503 and an
    /// error is logged, because a revoked token could not be recognized.
    ///
    /// ```
    /// use std::{net::IpAddr, time::Duration};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// let okta = TestIssuer::new("api://payments");
    /// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
    /// let authorization = format!("Bearer {}", okta.token("ada").sign());
    /// let listing = RequestCredentials::new([authorization.as_bytes()]);
    /// assert!(verifier.authenticate(&listing).into_ready().unwrap().is_ok());
    ///
    /// let paying = listing.max_introspection_age(Duration::from_secs(5));
    /// let refusal = verifier.authenticate(&paying).into_ready().unwrap().unwrap_err();
    /// assert_eq!(refusal.status(), 503); // this issuer has no introspection
    /// ```
    #[must_use]
    pub fn max_introspection_age(self, max_age: Duration) -> Self {
        Self {
            max_introspection_age: Some(max_age),
            ..self
        }
    }

    /// Makes the rejection of an expired token say that the request may be treated as anonymous, for an optional
    /// route: see [`Rejection::as_anonymous`](super::Rejection::as_anonymous). Off by default.
    ///
    /// This applies only if the expiry (`exp` and the leeway) is the token's only defect. The signature, all
    /// other claims, the audience of the route, and the proof or the certificate of a bound token are checked
    /// first, and a proof is recorded as used. An expired token is not introspected, because it is not active. A
    /// token that cannot be verified without an introspection response, such as an opaque one, is therefore
    /// rejected as before, and so is a token that a recent response has reported as inactive.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let reject = |jwt: String| {
    ///     let authorization = format!("Bearer {jwt}");
    ///     let credentials = RequestCredentials::new([authorization.as_bytes()]).expired_as_anonymous();
    ///     verifier.authenticate(&credentials).into_ready().expect("no I/O").unwrap_err()
    /// };
    /// let expired = reject(okta.token("ada").expired().sign());
    /// assert!(expired.as_anonymous().is_some());
    /// let forged = reject(okta.token("ada").expired().tampered().sign());
    /// assert!(forged.as_anonymous().is_none());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn expired_as_anonymous(self) -> Self {
        Self {
            expired_as_anonymous: true,
            ..self
        }
    }

    /// Sets the raw bytes of every `DPoP` field line.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
    /// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().any_client_id())
    ///     .dpop(DpopSettings::base_url("https://api.example.com"))
    ///     .build()?;
    ///
    /// let jwt = client.bind(okta.token("ada")).sign();
    /// let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
    /// let authorization = format!("DPoP {jwt}");
    /// let bound = RequestCredentials::new([authorization.as_bytes()]).dpop([proof.as_bytes()]);
    /// let authenticate = |credentials: RequestCredentials<'_>| verifier.authenticate(&credentials).into_ready().expect("no I/O");
    /// assert_eq!(authenticate(bound.request("POST", "/orders")).unwrap_err().status(), 401); // another method
    /// assert_eq!(authenticate(bound.request("GET", "/orders?page=2")).unwrap().subject(), "ada");
    /// assert_eq!(authenticate(bound.request("GET", "/orders")).unwrap_err().status(), 401); // replayed
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn dpop(mut self, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.shown.proof = Lines::of(values);
        self
    }

    /// Sets the method, as it was sent, and the target of the request. The target is the path that this
    /// service received, before a router shortened it, or the whole URL, whose scheme and host are ignored.
    #[must_use]
    pub fn request(mut self, method: &'a str, target: &'a str) -> Self {
        (self.shown.method, self.shown.target) = (method, target);
        self
    }

    /// Sets the peer's IP address. If unset, no proxy is considered trusted.
    #[must_use]
    pub fn peer(mut self, peer: IpAddr) -> Self {
        self.shown.peer = Some(peer);
        self
    }

    /// Sets the raw bytes of every line of the header that is configured with
    /// [`VerifierBuilder::forwarded_host`](crate::VerifierBuilder::forwarded_host). The lines are ignored
    /// without that setting, and if the peer is not a trusted proxy.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
    /// # use std::net::IpAddr;
    /// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().any_client_id())
    ///     .dpop(DpopSettings::forwarded_host())
    ///     .trusted_proxies(["10.0.0.0/8"])
    ///     .forwarded_host("X-Forwarded-Host", ["api.example.com"])
    ///     .build()?;
    ///
    /// let jwt = client.bind(okta.token("ada")).sign();
    /// let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
    /// let authorization = format!("DPoP {jwt}");
    /// let from = |peer: [u8; 4]| {
    ///     let credentials = RequestCredentials::new([authorization.as_bytes()])
    ///         .dpop([proof.as_bytes()])
    ///         .request("GET", "/orders")
    ///         .peer(IpAddr::from(peer))
    ///         .forwarded([&b"api.example.com"[..]]);
    ///     verifier.authenticate(&credentials).into_ready().expect("no I/O")
    /// };
    /// assert_eq!(from([192, 0, 2, 1]).unwrap_err().status(), 401); // not the proxy
    /// assert_eq!(from([10, 0, 0, 7]).unwrap().subject(), "ada");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn forwarded(mut self, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.shown.forwarded = Lines::of(values);
        self
    }

    /// Sets the client certificate of the TLS session, in DER. The TLS library must have verified this
    /// certificate; a certificate from a header must not be set here. The certificate is ignored without
    /// [`VerifierBuilder::client_certificates`](crate::VerifierBuilder::client_certificates), and if the peer
    /// is a trusted proxy. The certificate is also ignored if there are trusted proxies and the
    /// [`peer`](Self::peer) is not set.
    ///
    /// ```
    /// # use okta_verifier_testing::{Certificate, TestIssuer};
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let (own, thief) = (Certificate::new("client-1"), Certificate::new("thief"));
    /// # let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    /// let verifier = builder.client_certificates().build()?;
    /// let bound = okta.token("ada").bound_to_certificate(own.der()).sign();
    /// let authorization = format!("Bearer {bound}");
    /// let credentials = RequestCredentials::new([authorization.as_bytes()]);
    /// let authenticate = |credentials: RequestCredentials<'_>| verifier.authenticate(&credentials).into_ready().expect("no I/O");
    /// assert_eq!(authenticate(credentials.client_certificate(own.der())).unwrap().subject(), "ada");
    /// assert_eq!(authenticate(credentials.client_certificate(thief.der())).unwrap_err().status(), 401);
    /// assert_eq!(authenticate(credentials).unwrap_err().status(), 401);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn client_certificate(mut self, der: &'a [u8]) -> Self {
        self.shown.certificate = Some(der);
        self
    }

    /// Sets the raw bytes of every line of the header that is configured with
    /// [`VerifierBuilder::client_cert_header`](crate::VerifierBuilder::client_cert_header). The lines are ignored
    /// without that setting, and if the peer is not a trusted proxy.
    ///
    /// ```
    /// # use okta_verifier_testing::{Certificate, TestIssuer};
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// # use base64::{Engine, engine::general_purpose::STANDARD};
    /// # let (okta, own) = (TestIssuer::new("api://orders"), Certificate::new("client-1"));
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().any_client_id())
    ///     .trusted_proxies(["10.0.0.0/8"])
    ///     .client_cert_header("Client-Cert")
    ///     .build()?;
    /// # let authorization = format!("Bearer {}", okta.token("ada").bound_to_certificate(own.der()).sign());
    /// let line = format!(":{}:", STANDARD.encode(own.der())); // Client-Cert: :MIIB…:
    /// let credentials = RequestCredentials::new([authorization.as_bytes()]).client_cert([line.as_bytes()]);
    /// let from = |peer: [u8; 4]| verifier.authenticate(&credentials.peer(peer.into())).into_ready().expect("no I/O");
    /// assert!(from([10, 0, 0, 7]).is_ok());
    /// assert_eq!(from([192, 0, 2, 1]).unwrap_err().status(), 401);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn client_cert(mut self, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.shown.client_cert = Lines::of(values);
        self
    }

    /// Returns the maximum age of an introspection result that this request accepts, or `None` if only the
    /// issuer's settings limit the age.
    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.max_introspection_age
    }

    /// Returns whether the request may be treated as anonymous if the token has expired.
    pub(crate) fn may_be_expired(&self) -> bool {
        self.expired_as_anonymous
    }

    pub(crate) fn read(
        &self,
        dpop: bool,
        max_token_size: usize,
    ) -> Result<Credentials<'a>, Malformed> {
        let credentials = match self.authorization {
            Lines::Absent => return Ok(Credentials::Absent),
            Lines::One(value) => parse(value, dpop, max_token_size)?,
            Lines::Repeated => return Err(Malformed::ambiguous(REPEATED)),
        };
        // RFC 6750 §2: a request that sends tokens by two methods is malformed, also if both tokens are the
        // same.
        if matches!(credentials, Credentials::Token(..)) && self.has_query_token() {
            return Err(Malformed::ambiguous(ALSO_IN_QUERY));
        }
        Ok(credentials)
    }

    fn has_query_token(&self) -> bool {
        self.query.is_some_and(|query| {
            form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
        })
    }
}

impl<'a> Lines<&'a [u8]> {
    fn of(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => Self::One(value),
            (Some(_), Some(_)) => Self::Repeated,
        }
    }
}

impl<T> Lines<T> {
    /// Returns the only line, or `None` if there are no lines or several.
    pub(crate) fn one(self) -> Option<T> {
        match self {
            Self::One(value) => Some(value),
            Self::Absent | Self::Repeated => None,
        }
    }

    fn as_ref(&self) -> Lines<&T> {
        match self {
            Self::Absent => Lines::Absent,
            Self::One(value) => Lines::One(value),
            Self::Repeated => Lines::Repeated,
        }
    }

    fn map<U>(self, map: impl FnOnce(T) -> U) -> Lines<U> {
        match self {
            Self::Absent => Lines::Absent,
            Self::One(value) => Lines::One(map(value)),
            Self::Repeated => Lines::Repeated,
        }
    }
}

/// Omits the credentials, because they contain the token.
impl std::fmt::Debug for RequestCredentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestCredentials").finish_non_exhaustive()
    }
}

/// The parsed `Authorization` header. It has no `Debug`, because it holds the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials<'a> {
    /// There is no `Authorization` header.
    Absent,
    /// A token, which may contain any bytes. The caller checks [`is_b64token`] if the token is not cached.
    Token(Scheme, &'a [u8]),
    /// Credentials of another scheme, from a client that does not know that a token is required (RFC 6750
    /// §3.1).
    OtherScheme,
}

/// Malformed credentials. The request is rejected with 400, and is never treated as anonymous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The scheme that the client used, or `None` if the scheme is ambiguous (RFC 9449 §7.2).
    pub(super) scheme: Option<Scheme>,
    pub(super) problem: Problem,
}

/// What is wrong with malformed credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The token is longer than `limit` bytes.
    TooLarge { limit: usize },
    /// A fixed text for the log: what is wrong, and what the client must send.
    Syntax(&'static str),
}

impl Malformed {
    /// Returns the error for credentials whose scheme is ambiguous.
    pub(super) const fn ambiguous(reason: &'static str) -> Self {
        Self {
            scheme: None,
            problem: Problem::Syntax(reason),
        }
    }

    /// Returns the error for credentials with an unacceptable token. `rest` is the text after the scheme.
    /// A comma makes the scheme ambiguous, because two field lines may have been joined in transit (RFC
    /// 9110 §5.3).
    pub(crate) fn under(scheme: Scheme, rest: &[u8], problem: Problem) -> Self {
        Self {
            scheme: (!rest.contains(&b',')).then_some(scheme),
            problem,
        }
    }
}

/// Parses an `Authorization` value. If `dpop` is false, the scheme DPoP is treated like an unknown scheme.
/// `max_token_size` is in bytes.
pub(crate) fn parse(
    value: &[u8],
    dpop: bool,
    max_token_size: usize,
) -> Result<Credentials<'_>, Malformed> {
    // Whitespace around a field value is not part of it (RFC 9110 §5.5).
    let value = trim(value);
    // Nearly every client writes the scheme so, and this comparison is cheaper than the general one.
    let is_usual = value.starts_with(b"Bearer ");
    let scheme_length = match is_usual {
        true => b"Bearer".len(),
        false => value.iter().take_while(|byte| is_tchar(**byte)).count(),
    };
    let (scheme, rest) = value.split_at(scheme_length);
    if scheme.is_empty() {
        return Err(Malformed::ambiguous(NO_SCHEME));
    }
    let scheme = if is_usual || scheme.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else if dpop && scheme.eq_ignore_ascii_case(b"dpop") {
        Scheme::Dpop
    } else {
        // The credentials of another scheme are not parsed, but they must be separated from the scheme by
        // a space.
        return if matches!(rest.first(), None | Some(b' ')) {
            Ok(Credentials::OtherScheme)
        } else {
            Err(Malformed::ambiguous(NO_SCHEME))
        };
    };
    // RFC 6750 §2.1: one or more spaces separate the scheme from the token.
    let token = &rest[rest.iter().take_while(|byte| **byte == b' ').count()..];
    if token.len() == rest.len() || token.is_empty() {
        return Err(Malformed::under(scheme, rest, Problem::Syntax(NO_TOKEN)));
    }
    if token.len() > max_token_size {
        let limit = max_token_size;
        return Err(Malformed::under(scheme, rest, Problem::TooLarge { limit }));
    }
    Ok(Credentials::Token(scheme, token))
}

/// Returns whether the text is a `b64token` of RFC 6750 §2.1:
/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
pub(crate) fn is_b64token(token: &[u8]) -> bool {
    let body = token
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    body > 0
        && ascii::all(&token[..body], |byte| {
            // The codes of `-`, `.` and `/` are consecutive.
            let sign = byte.wrapping_sub(b'-') < 3;
            is_alphanumeric(byte) | sign | (byte == b'_') | (byte == b'~') | (byte == b'+')
        })
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

// The reasons in the log. They are fixed texts, because the credentials contain the token.

pub(crate) const NO_FIELD: &str =
    "the request has no Authorization field; the client must send `Authorization: Bearer <token>`";
pub(crate) const NOT_BEARER: &str = "the scheme of Authorization is missing or not accepted; the client must send `Authorization: Bearer <token>`; for the scheme DPoP, set VerifierBuilder::dpop";
pub(crate) const NEITHER_BEARER_NOR_DPOP: &str = "the scheme of Authorization is missing or not accepted; the client must send `Authorization: Bearer <token>`, or `Authorization: DPoP <token>` and a proof";
pub(crate) const NOT_ONE_TOKEN: &str = "the token has a character that is not allowed, such as a quote, a comma or a space; the client must send `Authorization: Bearer <token>` with one scheme and one token, without quotes";
const REPEATED: &str = "the request has several Authorization fields; the client, and each proxy in front of this service, must send one";
const ALSO_IN_QUERY: &str = "the request has a token in Authorization and in the query; the client must send it in Authorization only";
const NO_SCHEME: &str = "Authorization does not begin with a scheme and a space; the client must send `Authorization: Bearer <token>`";
const NO_TOKEN: &str = "Authorization has no token after the scheme and a space; the client must send `Authorization: Bearer <token>`";
