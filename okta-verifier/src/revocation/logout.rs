//! [`BackChannelLogout`] and logout tokens (OpenID Connect Back-Channel Logout 1.0).

use std::fmt;

use url::form_urlencoded;

use super::{
    Rule, SubjectClaim, Transmitter, active_transmitter::ActiveTransmitter,
    event_token::EventToken, receiver::ConfiguredClaims, rule,
};
use crate::{
    crypto::Algorithm,
    error::VerifyError,
    http::EventResponse,
    sync::clock::Now,
    token::{
        json::{self, Object},
        jws::{Jws, Typ, media_type},
    },
};

/// An OpenID provider that tells this service of logouts (OpenID Connect Back-Channel Logout 1.0), such as Keycloak.
///
/// The provider sends the logouts of one client to the backchannel logout URL of that client. They reject the access
/// tokens of the session, and those of the user if a logout names no session or a token has no session claim.
///
/// If the verifier has an issuer of this name, the keys are at the same place as those of its tokens, in a store of
/// their own. Otherwise the metadata of the issuer names them.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Verifier, revocation::{BackChannelLogout, Revocations}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let realm = TestIssuer::keycloak("orders");
/// # let issuer = realm.issuer().any_client_id();
/// let logout = BackChannelLogout::new("https://keycloak.test/realms/acme", "web-shop");
/// let revocations =
///     Revocations::builder().session_claim("sid").forgets_at_restart().back_channel_logout(logout).build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let token = |sid: &str| realm.token("ada").claim("sid", sid).sign();
///
/// let body = format!("logout_token={}", realm.logout_token("ada", "web-shop", "session-1").sign());
/// assert_eq!(revocations.receive_logout("POST", body.as_bytes()).await.status(), 200);
/// assert_eq!(verifier.verify(&token("session-1")).await.unwrap_err().code(), "revoked");
/// assert!(verifier.verify(&token("session-2")).await.is_ok());
///
/// // The logout of another client is not for this service.
/// let body = format!("logout_token={}", realm.logout_token("ada", "other", "session-2").sign());
/// assert_eq!(revocations.receive_logout("POST", body.as_bytes()).await.status(), 400);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct BackChannelLogout(pub(super) Transmitter);

impl BackChannelLogout {
    /// Receives the logouts of this client. `issuer` is the `iss` of the logout tokens, and `client_id` their `aud`.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self(Transmitter::new(issuer).audience(client_id))
    }

    /// Receives the logouts of this client too.
    ///
    /// ```
    /// use okta_verifier::revocation::BackChannelLogout;
    ///
    /// let logout = BackChannelLogout::new("https://sso.example.com/realms/acme", "web-shop").client_id("app");
    /// ```
    pub fn client_id(self, client_id: impl Into<String>) -> Self {
        Self(self.0.audience(client_id))
    }

    /// Sets the issuers whose tokens the logouts concern. The default is the issuer of the same name. See
    /// [`Transmitter::for_issuers`].
    ///
    /// ```
    /// use okta_verifier::revocation::{BackChannelLogout, SubjectClaim};
    ///
    /// // The provider logs users out, and another server issues the access tokens.
    /// let logout = BackChannelLogout::new("https://login.example.com", "web-shop")
    ///     .jwks_uri("https://login.example.com/keys")
    ///     .for_issuers(["https://tokens.example.com"])
    ///     .subject_claim(SubjectClaim::Email);
    /// ```
    pub fn for_issuers<I: Into<String>>(self, issuers: impl IntoIterator<Item = I>) -> Self {
        Self(self.0.for_issuers(issuers))
    }

    /// Sets the claim of access tokens that has the `sub` of the logout tokens. Default [`SubjectClaim::Subject`]. See
    /// [`Transmitter::subject_claim`].
    pub fn subject_claim(self, claim: SubjectClaim) -> Self {
        Self(self.0.subject_claim(claim))
    }

    /// Sets the URL of the provider's keys. See [`Transmitter::jwks_uri`].
    pub fn jwks_uri(self, url: impl Into<String>) -> Self {
        Self(self.0.jwks_uri(url))
    }

    /// Pins the provider's keys. See [`Transmitter::keys`].
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::revocation::{BackChannelLogout, Revocations};
    /// # let jwks = TestIssuer::new("api://orders").jwks();
    /// let build = |keys: &str| {
    ///     let logout = BackChannelLogout::new("https://login.example.com", "web-shop").keys(keys);
    ///     Revocations::builder().forgets_at_restart().back_channel_logout(logout).build()
    /// };
    /// assert!(build(&jwks).is_ok());
    /// assert!(build(r#"{"keys":[]}"#).is_err());
    /// ```
    pub fn keys(self, jwks: impl Into<String>) -> Self {
        Self(self.0.keys(jwks))
    }

    /// Limits the accepted signature algorithms of logout tokens. Default: all supported algorithms. See
    /// [`Transmitter::algorithms`].
    ///
    /// ```
    /// # use okta_verifier::{Algorithm, revocation::{BackChannelLogout, Revocations}};
    /// let build = |algorithms: &[Algorithm]| {
    ///     let logout = BackChannelLogout::new("https://login.example.com", "web-shop");
    ///     let logout = logout.algorithms(algorithms.iter().copied());
    ///     Revocations::builder().forgets_at_restart().back_channel_logout(logout).build()
    /// };
    /// assert!(build(&[Algorithm::RS256]).is_ok());
    /// assert!(build(&[]).is_err());
    /// ```
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self(self.0.algorithms(algorithms))
    }
}

/// Shows the issuer, the clients and the concerned issuers.
impl fmt::Debug for BackChannelLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BackChannelLogout").field(&self.0).finish()
    }
}

/// A logout that is genuine if its signature is.
pub(super) struct Logout {
    sub: Option<Box<str>>,
    sid: Option<Box<str>>,
    before: u64,
}

/// Returns the value of `logout_token` in a form, or `None` unless it occurs exactly once.
pub(super) fn logout_token(form: &[u8]) -> Option<String> {
    let parameters = form_urlencoded::parse(form);
    let mut tokens = parameters.filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Some(token.into_owned()),
        _ => None,
    }
}

/// Parses a logout token, and returns it with its claims not checked yet.
pub(super) fn parse(token: &str, limit: usize) -> Result<Jws<'_>, EventResponse> {
    let jws = Jws::parse(token, limit).map_err(|error| match error {
        VerifyError::AlgorithmNotAllowed | VerifyError::BadSignature => EventResponse::InvalidKey,
        _ => EventResponse::InvalidRequest,
    })?;
    // Explicit typing (§2.4) is recommended, not required. The claims distinguish untyped tokens.
    let is_logout = match jws.header.typ {
        Typ::Absent | Typ::Jwt => true,
        Typ::AccessToken => false,
        Typ::Other => {
            let typ = jws.header.other_typ.as_deref();
            typ.is_some_and(|typ| media_type(typ, "logout+jwt"))
        }
    };
    match is_logout {
        true => Ok(jws),
        false => Err(EventResponse::InvalidRequest),
    }
}

/// Checks the claims of a logout token (§2.6), and returns what it is about.
pub(super) fn check(
    transmitter: &ActiveTransmitter,
    token: &EventToken<'_>,
    now: Now,
) -> Result<Logout, EventResponse> {
    transmitter.check(token, now)?;
    let claims = token.claims();
    let text = |name| {
        let text = json::string(claims.present(name)?)?;
        (!text.is_empty()).then(|| Box::from(text))
    };
    let is_logout = claims
        .get("events")
        .and_then(|events| Object::parse(events).ok())
        .and_then(|events| events.get(LOGOUT))
        .is_some_and(|event| event.starts_with('{'));
    // An ID token may have a nonce, and a logout token never has one, so that neither is taken for the other.
    let is_other = claims.contains("nonce");
    let (sub, sid) = (text("sub"), text("sid"));
    let names_something = sub.is_some() || sid.is_some();
    let is_complete = token.exp.is_some() && text("jti").is_some() && names_something;
    match token.iat {
        Some(before) if is_logout && !is_other && is_complete => Ok(Logout { sub, sid, before }),
        _ => Err(EventResponse::InvalidToken),
    }
}

impl Logout {
    /// Returns the rules for the tokens of these issuers. There is none if the logout names only a session, and no
    /// setting names the claim with the session.
    pub(super) fn rules(
        &self,
        issuers: &[Box<str>],
        claim: SubjectClaim,
        claims: ConfiguredClaims,
    ) -> Vec<Rule> {
        let user = self.sub.clone().map(|value| (claim, value));
        let kind = match (&self.sid, user) {
            (Some(_), None) if !claims.session => return Vec::new(),
            (Some(id), user) => rule::Kind::Session {
                id: id.clone(),
                user,
            },
            (None, Some((claim, value))) => rule::Kind::Subject { claim, value },
            (None, None) => return Vec::new(),
        };
        let rule = |issuer: &str| Rule {
            issuer: issuer.into(),
            kind: kind.clone(),
            before: self.before,
        };
        issuers.iter().map(|issuer| rule(issuer)).collect()
    }
}

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
