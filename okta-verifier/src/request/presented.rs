use std::{net::IpAddr, time::Duration};

use url::form_urlencoded;

use super::credentials::{self, Credentials, Malformed};

/// What a request presents to prove who calls: borrowed from it, framework-neutral.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Presented, Verifier};
/// let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
///
/// let authorization = format!("Bearer {}", okta.token("ada").sign());
/// let presented = Presented::new([authorization.as_bytes()]).query(Some("page=2"));
/// let token = verifier.authenticate(&presented).into_ready().expect("pinned keys need no I/O").unwrap();
/// assert_eq!(token.subject(), "ada");
///
/// let nothing = Presented::new([]);
/// let refusal = verifier.authenticate(&nothing).into_ready().expect("no I/O").unwrap_err();
/// assert_eq!(refusal.status(), 401);
/// ```
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    authorization: Lines<&'a [u8]>,
    query: Option<&'a str>,
    checked_within: Option<Duration>,
    pub(crate) shown: Shown<'a>,
}

/// What shows that the caller is who the token was issued to.
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

/// The field lines of one name.
#[derive(Clone, Copy, Default)]
pub(crate) enum Lines<T> {
    #[default]
    Absent,
    One(T),
    Repeated,
}

/// A copy of [`Shown`].
pub(crate) struct OwnedShown {
    proof: Lines<Box<[u8]>>,
    method: Box<str>,
    target: Box<str>,
    peer: Option<IpAddr>,
    forwarded: Lines<Box<[u8]>>,
    certificate: Option<Box<[u8]>>,
    client_cert: Lines<Box<[u8]>>,
}

impl Shown<'_> {
    pub(crate) fn to_owned(self) -> OwnedShown {
        OwnedShown {
            proof: self.proof.map(Box::from),
            method: self.method.into(),
            target: self.target.into(),
            peer: self.peer,
            forwarded: self.forwarded.map(Box::from),
            certificate: self.certificate.map(Box::from),
            client_cert: self.client_cert.map(Box::from),
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

impl<'a> Presented<'a> {
    /// `authorization_values`: the raw bytes of every `Authorization` field line, so that a
    /// repeated one is seen (RFC 9110 §5.3).
    pub fn new<I>(authorization_values: I) -> Self
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        Self {
            authorization: Lines::of(authorization_values),
            query: None,
            checked_within: None,
            shown: Shown::default(),
        }
    }

    /// The query of the request's URI. A token in it is never accepted (RFC 6750 §2.3); beside
    /// one in the header it makes the request malformed (§2: one method a request).
    #[must_use]
    pub fn query(self, query: Option<&'a str>) -> Self {
        Self { query, ..self }
    }

    /// Demands that the issuer was asked about the token no longer ago than this, for a route
    /// where a revoked token must not pass: the last answer counts if it is that young, and is
    /// asked for again otherwise. Zero: it is asked at every request.
    ///
    /// It tightens [`Introspection::max_age`](crate::Introspection::max_age), and never loosens
    /// it. A token of an issuer without [`Issuer::introspection`](crate::Issuer::introspection)
    /// is answered with 503, because nobody can tell; the log says so.
    ///
    /// ```
    /// use std::{net::IpAddr, time::Duration};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Presented, Verifier};
    /// let okta = TestIssuer::new("api://payments");
    /// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
    /// let authorization = format!("Bearer {}", okta.token("ada").sign());
    /// let listing = Presented::new([authorization.as_bytes()]);
    /// assert!(verifier.authenticate(&listing).into_ready().unwrap().is_ok());
    ///
    /// let paying = listing.checked_within(Duration::from_secs(5));
    /// let refusal = verifier.authenticate(&paying).into_ready().unwrap().unwrap_err();
    /// assert_eq!(refusal.status(), 503); // this issuer has no introspection
    /// ```
    #[must_use]
    pub fn checked_within(self, max_age: Duration) -> Self {
        Self {
            checked_within: Some(max_age),
            ..self
        }
    }

    /// The raw bytes of every `DPoP` field line.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{DpopSettings, Presented, Verifier};
    /// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().any_client_id())
    ///     .dpop(DpopSettings::base_url("https://api.example.com"))
    ///     .build()?;
    ///
    /// let jwt = client.bind(okta.token("ada")).sign();
    /// let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
    /// let authorization = format!("DPoP {jwt}");
    /// let bound = Presented::new([authorization.as_bytes()]).dpop([proof.as_bytes()]);
    /// let ask = |presented: Presented<'_>| verifier.authenticate(&presented).into_ready().expect("no I/O");
    /// assert_eq!(ask(bound.request("POST", "/orders")).unwrap_err().status(), 401); // it is for a GET
    /// assert_eq!(ask(bound.request("GET", "/orders?page=2")).unwrap().subject(), "ada");
    /// assert_eq!(ask(bound.request("GET", "/orders")).unwrap_err().status(), 401); // it was used
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn dpop(mut self, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.shown.proof = Lines::of(values);
        self
    }

    /// The method, as it was sent, and the target: the path at which the outside called, or the
    /// whole URL, whose scheme and host are passed over. Not one that a router has shortened.
    #[must_use]
    pub fn request(mut self, method: &'a str, target: &'a str) -> Self {
        (self.shown.method, self.shown.target) = (method, target);
        self
    }

    /// The address at the other end of the connection. Unknown, it is nobody's that is trusted.
    #[must_use]
    pub fn peer(mut self, peer: IpAddr) -> Self {
        self.shown.peer = Some(peer);
        self
    }

    /// The raw bytes of every line of the trusted proxy's header
    /// ([`DpopSettings::trusted_proxy`](crate::DpopSettings::trusted_proxy)). Looked at only when
    /// the peer is that proxy.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{DpopSettings, Presented, Verifier};
    /// # use std::net::IpAddr;
    /// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    /// let behind = DpopSettings::trusted_proxy(["10.0.0.0/8"], "X-Forwarded-Host").hosts(["api.example.com"]);
    /// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).dpop(behind).build()?;
    ///
    /// let jwt = client.bind(okta.token("ada")).sign();
    /// let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
    /// let authorization = format!("DPoP {jwt}");
    /// let ask = |peer: [u8; 4]| {
    ///     let presented = Presented::new([authorization.as_bytes()])
    ///         .dpop([proof.as_bytes()])
    ///         .request("GET", "/orders")
    ///         .peer(IpAddr::from(peer))
    ///         .forwarded([&b"api.example.com"[..]]);
    ///     verifier.authenticate(&presented).into_ready().expect("no I/O")
    /// };
    /// assert_eq!(ask([192, 0, 2, 1]).unwrap_err().status(), 401); // anybody could say that
    /// assert_eq!(ask([10, 0, 0, 7]).unwrap().subject(), "ada");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn forwarded(mut self, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.shown.forwarded = Lines::of(values);
        self
    }

    /// The client certificate of the TLS session, in DER: the one that the TLS library verified, and
    /// never one from a header. It counts only with
    /// [`VerifierBuilder::client_certificates`](crate::VerifierBuilder::client_certificates).
    ///
    /// ```
    /// # use okta_verifier_testing::{Certificate, TestIssuer};
    /// # use okta_verifier::{Presented, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let (own, thief) = (Certificate::new("client-1"), Certificate::new("thief"));
    /// # let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    /// let verifier = builder.client_certificates().build()?;
    /// let bound = okta.token("ada").bound_to_certificate(own.der()).sign();
    /// let authorization = format!("Bearer {bound}");
    /// let presented = Presented::new([authorization.as_bytes()]);
    /// let ask = |presented: Presented<'_>| verifier.authenticate(&presented).into_ready().expect("no I/O");
    /// assert_eq!(ask(presented.client_certificate(own.der())).unwrap().subject(), "ada");
    /// assert_eq!(ask(presented.client_certificate(thief.der())).unwrap_err().status(), 401);
    /// assert_eq!(ask(presented).unwrap_err().status(), 401);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn client_certificate(mut self, der: &'a [u8]) -> Self {
        self.shown.certificate = Some(der);
        self
    }

    /// The raw bytes of every `Client-Cert` field line (RFC 9440;
    /// [`VerifierBuilder::client_cert_header_from`](crate::VerifierBuilder::client_cert_header_from)). Looked at only when
    /// the peer is one that may say so.
    ///
    /// ```
    /// # use okta_verifier_testing::{Certificate, TestIssuer};
    /// # use okta_verifier::{Presented, Verifier};
    /// # use base64::{Engine, engine::general_purpose::STANDARD};
    /// # let (okta, own) = (TestIssuer::new("api://orders"), Certificate::new("client-1"));
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().any_client_id())
    ///     .client_cert_header_from(["10.0.0.0/8"])
    ///     .build()?;
    /// # let authorization = format!("Bearer {}", okta.token("ada").bound_to_certificate(own.der()).sign());
    /// let line = format!(":{}:", STANDARD.encode(own.der())); // Client-Cert: :MIIB…:
    /// let presented = Presented::new([authorization.as_bytes()]).client_cert([line.as_bytes()]);
    /// let from = |peer: [u8; 4]| verifier.authenticate(&presented.peer(peer.into())).into_ready().expect("no I/O");
    /// assert!(from([10, 0, 0, 7]).is_ok());
    /// assert_eq!(from([192, 0, 2, 1]).unwrap_err().status(), 401);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn client_cert(mut self, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.shown.client_cert = Lines::of(values);
        self
    }

    /// How old the issuer's last answer may be; `None`: as old as the settings say.
    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.checked_within
    }

    pub(crate) fn credentials(
        &self,
        dpop: bool,
        max_token_size: usize,
    ) -> Result<Credentials<'a>, Malformed> {
        let credentials = match self.authorization {
            Lines::Absent => return Ok(Credentials::Absent),
            Lines::One(value) => credentials::parse(value, dpop, max_token_size)?,
            Lines::Repeated => return Err(Malformed::AMBIGUOUS),
        };
        // Two ways at once are ambiguous, also where both are of one scheme.
        if matches!(credentials, Credentials::Token(..)) && self.has_query_token() {
            return Err(Malformed::AMBIGUOUS);
        }
        Ok(credentials)
    }

    fn has_query_token(&self) -> bool {
        let query = self.query.unwrap_or_default().as_bytes();
        form_urlencoded::parse(query).any(|(name, _)| name == "access_token")
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
    /// Returns the only line.
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

/// Shows no credentials.
impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented").finish_non_exhaustive()
    }
}
