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
        }
    }

    /// The query of the request's URI. A token in it is never accepted (RFC 6750 §2.3); beside
    /// one in the header it makes the request malformed (§2: one method a request).
    #[must_use]
    pub fn query(self, query: Option<&'a str>) -> Self {
        Self { query, ..self }
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
