//! [`UniversalLogout`], and the requests of Okta's Universal Logout (Global Token Revocation,
//! draft-parecki-oauth-global-token-revocation).

use std::fmt;

use url::Url;

use super::{
    SubjectClaim, Transmitter,
    active_transmitter::{ActiveTransmitter, LEEWAY},
    event_token::{EventToken, time},
    subject::{Subject, User},
};
use crate::{
    error::ConfigError,
    http::EventResponse,
    sync::clock::Now,
    token::{
        json::{self, Object},
        jws::{Jws, media_type},
    },
};

/// The Universal Logout of an Okta org: the org calls the service when a user must be logged out everywhere, for example
/// because of a risk. The requests arrive at
/// [`Revocations::receive_universal_logout`](super::Revocations::receive_universal_logout), and reject the user's tokens
/// that were issued until then.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Verifier, revocation::{Revocations, UniversalLogout}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = okta.issuer().any_client_id();
/// let endpoint = "https://api.acme.test/events/universal-logout";
/// let logout = UniversalLogout::okta("https://okta.test", endpoint, "0oa1client");
/// # let logout = logout.keys(okta.jwks());
/// let revocations = Revocations::builder().forgets_at_restart().universal_logout(logout).build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let ada = okta.token("ada").claim("uid", "00u1ada").sign();
///
/// let body = br#"{"sub_id":{"format":"iss_sub","iss":"https://okta.test","sub":"00u1ada"}}"#;
/// let send = async |jwt: &str| {
///     let authorization = format!("Bearer {jwt}");
///     revocations.receive_universal_logout("POST", [authorization.as_bytes()], body).await.status()
/// };
/// assert_eq!(send(&ada).await, 401); // an access token
/// assert_eq!(send(&okta.universal_logout(endpoint, "0oa1client").sign()).await, 204);
/// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct UniversalLogout {
    pub(super) transmitter: Transmitter,
    pub(super) client_id: String,
}

impl UniversalLogout {
    /// Returns the settings for an org such as `https://acme.okta.com`, or its custom domain. `endpoint` is the URL that
    /// the org calls, without a query, because `aud` of its tokens has none. `client_id` is the ID of the app at which it is
    /// configured.
    ///
    /// Several apps of an org may be configured. They must differ in the endpoint or in the ID.
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, UniversalLogout};
    ///
    /// let app = |endpoint, id| UniversalLogout::okta("https://acme.okta.com", endpoint, id);
    /// let build = |one, other| {
    ///     let builder = Revocations::builder().forgets_at_restart();
    ///     builder.universal_logout(one).universal_logout(other).build()
    /// };
    /// let endpoint = "https://api.acme.test/events/universal-logout";
    /// assert!(build(app(endpoint, "0oa1web"), app(endpoint, "0oa2mobile")).is_ok());
    /// assert!(build(app(endpoint, "0oa1web"), app(endpoint, "0oa1web")).is_err());
    /// let with_query = app("https://api.acme.test/events/universal-logout?app=2", "0oa2mobile");
    /// assert!(build(app(endpoint, "0oa1web"), with_query).is_err());
    /// ```
    pub fn okta(
        org: impl Into<String>,
        endpoint: impl Into<String>,
        client_id: impl Into<String>,
    ) -> Self {
        Self {
            transmitter: Transmitter::okta(org).audience(endpoint),
            client_id: client_id.into(),
        }
    }

    /// Sets the issuers whose tokens a logout concerns. Default: the issuers of the verifier with the host of the org.
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, UniversalLogout};
    ///
    /// let logout = UniversalLogout::okta("https://acme.okta.com", "https://api.acme.test/logout", "0oa1client");
    /// let logout = logout.for_issuers(["https://login.acme.test/oauth2/default"]);
    /// assert!(Revocations::builder().forgets_at_restart().universal_logout(logout).build().is_ok());
    /// ```
    pub fn for_issuers<I: Into<String>>(mut self, issuers: impl IntoIterator<Item = I>) -> Self {
        self.transmitter = self.transmitter.for_issuers(issuers);
        self
    }

    /// Sets the claim with the ID that a request names the user by (`iss_sub`). Default
    /// [`SubjectClaim::OktaUserId`]. An `email` is compared with the claim of
    /// [`email_claim`](super::RevocationsBuilder::email_claim).
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, SubjectClaim, UniversalLogout};
    ///
    /// let logout = UniversalLogout::okta("https://acme.okta.com", "https://api.acme.test/logout", "0oa1client");
    /// let logout = logout.subject_claim(SubjectClaim::Subject);
    /// assert!(Revocations::builder().forgets_at_restart().universal_logout(logout).build().is_ok());
    /// ```
    pub fn subject_claim(mut self, claim: SubjectClaim) -> Self {
        self.transmitter = self.transmitter.subject_claim(claim);
        self
    }

    /// Sets the URL of the keys that sign the requests. Default: the keys of the org's ID tokens,
    /// `{org}/oauth2/v1/keys`.
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, UniversalLogout};
    ///
    /// let logout = UniversalLogout::okta("https://acme.okta.com", "https://api.acme.test/logout", "0oa1client");
    /// let build = |url: &str| {
    ///     let logout = logout.clone().jwks_uri(url);
    ///     Revocations::builder().forgets_at_restart().universal_logout(logout).build()
    /// };
    /// assert!(build("https://login.acme.test/oauth2/v1/keys").is_ok());
    /// assert!(build("http://login.acme.test/oauth2/v1/keys").is_err());
    /// ```
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.transmitter = self.transmitter.jwks_uri(url);
        self
    }

    /// Pins the keys that sign the requests, as a JWK set in JSON, instead of fetching them. For tests.
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, UniversalLogout};
    ///
    /// let logout = UniversalLogout::okta("https://acme.okta.com", "https://api.acme.test/logout", "0oa1client");
    /// let build = |jwks: String| {
    ///     let logout = logout.clone().keys(jwks);
    ///     Revocations::builder().forgets_at_restart().universal_logout(logout).build()
    /// };
    /// assert!(build(okta_verifier_testing::TestIssuer::new("api://orders").jwks()).is_ok());
    /// assert!(build("no keys".to_owned()).is_err());
    /// ```
    pub fn keys(mut self, jwks: impl Into<String>) -> Self {
        self.transmitter = self.transmitter.keys(jwks);
        self
    }

    /// Checks the settings. `others` are further apps.
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting.
    pub(super) fn check(&self, others: &[Self]) -> Result<(), ConfigError> {
        self.transmitter.check()?;
        let is_endpoint = |url: &String| {
            let is_written_like_this = url.bytes().all(|byte| byte.is_ascii_graphic());
            let is_plain = |url: &Url| url.query().is_none() && url.fragment().is_none();
            let url = Url::parse(url).ok().filter(Url::has_host);
            is_written_like_this && url.as_ref().is_some_and(is_plain)
        };
        if !self.transmitter.audiences.iter().all(is_endpoint) {
            return Err(self.transmitter.wrong(
                "endpoint: write the URL that the org calls, without a query and without a fragment, because `aud` of its tokens has none",
            ));
        }
        let is_same = |other: &Self| {
            let (one, other_one) = (&self.transmitter, &other.transmitter);
            one.issuer == other_one.issuer
                && one.audiences == other_one.audiences
                && self.client_id == other.client_id
        };
        match others.iter().any(is_same) {
            true => Err(self.transmitter.wrong(
                "two Universal Logouts of the org have the same endpoint and the same client ID, so that their requests cannot be told apart; remove one",
            )),
            false => Ok(()),
        }
    }
}

/// Omits the keys.
impl fmt::Debug for UniversalLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UniversalLogout")
            .field("transmitter", &self.transmitter)
            .field("client_id", &self.client_id)
            .finish()
    }
}

/// Parses the token of a request. No other token of the org has its type.
pub(super) fn parse(token: &[u8], limit: usize) -> Option<Jws<'_>> {
    let jws = Jws::parse(token, limit).ok()?;
    let typ = jws.header.other_typ.as_deref();
    let is_logout = typ.is_some_and(|typ| media_type(typ, "global-token-revocation+jwt"));
    is_logout.then_some(jws)
}

/// Checks the claims that say whether the token is for this service and is valid now, and returns its `iat`.
pub(super) fn check(
    transmitter: &ActiveTransmitter,
    token: &EventToken<'_>,
    now: Now,
) -> Result<u64, EventResponse> {
    transmitter.check_receiver(token)?;
    let latest = now.unix.saturating_add(LEEWAY);
    let is_valid = |exp: u64| exp.saturating_add(LEEWAY) > now.unix;
    let claims = token.claims();
    let begins = match claims.present("nbf") {
        Some(_) => time(claims, "nbf").is_some_and(|nbf| nbf <= latest),
        None => true,
    };
    match token.iat {
        Some(iat) if iat <= latest && begins && token.exp.is_some_and(is_valid) => Ok(iat),
        _ => Err(EventResponse::InvalidToken),
    }
}

/// Returns whether the token is about this app.
pub(super) fn is_for_client(token: &EventToken<'_>, client_id: &str) -> bool {
    let sub = token.claims().present("sub").and_then(json::string);
    sub.is_some_and(|sub| sub == client_id)
}

/// Reads the user of a request, or returns `None` if the body has no subject of a known format.
pub(super) fn subject(body: &[u8]) -> Option<Subject> {
    let body = Object::parse(std::str::from_utf8(body).ok()?).ok()?;
    let text = body.present("sub_id")?;
    let format = Object::parse(text).ok()?;
    let format = json::string(format.present("format")?)?;
    let is_known = matches!(&*format, "email" | "iss_sub");
    let subject = Subject::parse(text).ok().filter(|_| is_known)?;
    // A user ID identifies a user only together with its issuer.
    let is_complete = |user: &User| !matches!(user, User::Id { iss: None, .. });
    subject.users.iter().all(is_complete).then_some(subject)
}
