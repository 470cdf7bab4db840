use std::time::Duration;

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
/// let token = verifier.authenticate_now(&presented).expect("pinned keys need no I/O").unwrap();
/// assert_eq!(token.subject(), "ada");
///
/// let nothing = Presented::new([]);
/// let refusal = verifier.authenticate_now(&nothing).expect("no I/O").unwrap_err();
/// assert_eq!(refusal.status(), 401);
/// ```
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    authorization: Lines<'a>,
    query: Option<&'a str>,
    checked_within: Option<Duration>,
}

#[derive(Clone, Copy)]
enum Lines<'a> {
    Absent,
    One(&'a [u8]),
    Repeated,
}

impl<'a> Presented<'a> {
    /// `authorization_values`: the raw bytes of every `Authorization` field line, so that a
    /// repeated one is seen (RFC 9110 §5.3).
    pub fn new<I>(authorization_values: I) -> Self
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        let mut values = authorization_values.into_iter();
        let authorization = match (values.next(), values.next()) {
            (None, _) => Lines::Absent,
            (Some(value), None) => Lines::One(value),
            (Some(_), Some(_)) => Lines::Repeated,
        };
        Self {
            authorization,
            query: None,
            checked_within: None,
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
    /// use std::time::Duration;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Presented, Verifier};
    /// let okta = TestIssuer::new("api://payments");
    /// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
    /// let authorization = format!("Bearer {}", okta.token("ada").sign());
    /// let listing = Presented::new([authorization.as_bytes()]);
    /// assert!(verifier.authenticate_now(&listing).unwrap().is_ok());
    ///
    /// let paying = listing.checked_within(Duration::from_secs(5));
    /// let refusal = verifier.authenticate_now(&paying).unwrap().unwrap_err();
    /// assert_eq!(refusal.status(), 503); // this issuer has no introspection
    /// ```
    #[must_use]
    pub fn checked_within(self, max_age: Duration) -> Self {
        Self {
            checked_within: Some(max_age),
            ..self
        }
    }

    /// How old the issuer's last answer may be; `None`: as old as the settings say.
    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.checked_within
    }

    pub(crate) fn credentials(&self) -> Result<Credentials<'a>, Malformed> {
        let credentials = match self.authorization {
            Lines::Absent => return Ok(Credentials::Absent),
            Lines::One(value) => credentials::parse(value)?,
            Lines::Repeated => return Err(Malformed),
        };
        if matches!(credentials, Credentials::Bearer(_)) && self.has_query_token() {
            return Err(Malformed);
        }
        Ok(credentials)
    }

    fn has_query_token(&self) -> bool {
        let query = self.query.unwrap_or_default().as_bytes();
        form_urlencoded::parse(query).any(|(name, _)| name == "access_token")
    }
}

/// Shows no credentials.
impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented").finish_non_exhaustive()
    }
}
