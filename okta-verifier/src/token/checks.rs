//! Checks the header and the claims of a token: whether it is an access token for this API that is valid
//! now.

use super::{
    claims::{Claims, Dates},
    confirmation::Confirmation,
    jws::{Header, Typ},
};
use crate::{crypto::Algorithms, error::VerifyError};

/// The expectations that an issuer's tokens must meet.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) issuer: Box<str>,
    /// Other values of `iss` that stand for the same issuer.
    pub(crate) aliases: Vec<String>,
    pub(crate) audience: Box<str>,
    pub(crate) profile: Profile,
    pub(crate) clients: Clients,
    /// The allowed clock skew in seconds.
    pub(crate) leeway: u64,
    pub(crate) algorithms: Algorithms,
    pub(crate) allow_missing_key_id: bool,
}

impl Expected {
    /// Compares `iss` exactly (RFC 8725 §3.8).
    pub(crate) fn is_issuer(&self, iss: &str) -> bool {
        *self.issuer == *iss || self.aliases.iter().any(|alias| alias == iss)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Tokens of an Okta custom authorization server. They have `cid` and `scp`, and need no `typ`.
    Okta,
    /// The JWT profile of RFC 9068.
    Rfc9068,
}

#[derive(Debug)]
pub(crate) enum Clients {
    Any,
    Listed(Vec<String>),
}

/// Checks the header before the key is looked up.
pub(crate) fn check_header(header: &Header, expected: &Expected) -> Result<(), VerifyError> {
    if !expected.algorithms.allow(header.algorithm) {
        return Err(VerifyError::AlgorithmNotAllowed);
    }
    // Without `kid` the key would have to be guessed. Okta always sends `kid`.
    if header.kid.is_none() && !expected.allow_missing_key_id {
        return Err(VerifyError::MissingKeyId);
    }
    match (expected.profile, header.typ) {
        (_, Typ::AccessToken) | (Profile::Okta, Typ::Absent | Typ::Jwt) => Ok(()),
        // RFC 9068 §4: the profile requires explicit typing.
        _ => Err(VerifyError::TypeNotAllowed),
    }
}

/// The document that claims come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A JWT with this `typ`.
    Jwt(Typ),
    /// An introspection response. It may leave claims out (RFC 7662 §2.2), and names the client in
    /// `client_id`.
    IntrospectionResponse { has_exp: bool },
}

/// Checks all claims except the dates, which depend on the clock ([`check_dates`]). Returns the key and the
/// certificate that the token is bound to, or `None` if the token is not bound.
pub(crate) fn check_claims(
    claims: &Claims<'_>,
    source: Source,
    expected: &Expected,
) -> Result<Option<Confirmation>, VerifyError> {
    check_issue(claims, source, expected.profile)?;
    // `iss` has already selected the issuer. It is compared again, so that this function does not rely on
    // its callers.
    if !expected.is_issuer(&claims.iss) {
        return Err(VerifyError::UnknownIssuer);
    }
    if !claims
        .aud
        .iter()
        .any(|audience| audience == expected.audience.as_ref())
    {
        return Err(VerifyError::WrongAudience);
    }
    check_kind(claims, source)?;
    check_client(claims, source, expected)?;
    check_binding(claims)
}

/// Returns what a sender-constrained token is bound to, or `None` for a token without `cnf`. A `cnf` that
/// cannot be read is an error: the token is bound to something that cannot be checked (RFC 7800 §3.1).
pub(crate) fn check_binding(claims: &Claims<'_>) -> Result<Option<Confirmation>, VerifyError> {
    claims.raw("cnf").map(Confirmation::parse).transpose()
}

/// Returns the client that the token was issued to, or `None` if the claims do not name it. Okta's tokens
/// have `cid`. Without `cid`, `client_id` is used only if `typ` is `at+jwt`. Tokens of other issuers and
/// introspection responses have `client_id`.
pub(crate) fn client<'c>(
    claims: &'c Claims<'_>,
    source: Source,
    profile: Profile,
) -> Option<&'c str> {
    let (cid, client_id) = (claims.cid.as_deref(), claims.client_id.as_deref());
    match (profile, source) {
        (Profile::Okta, Source::Jwt(Typ::AccessToken)) => cid.or(client_id),
        (Profile::Okta, Source::Jwt(_)) => cid,
        (Profile::Rfc9068, Source::Jwt(_)) | (_, Source::IntrospectionResponse { .. }) => client_id,
    }
}

/// Checks `exp`, `nbf` and `iat` (RFC 7519 §4.1.4-6) with the leeway. A token is already expired in the
/// second `exp`.
pub(crate) fn check_dates(dates: Dates, leeway: u64, now: u64) -> Result<(), VerifyError> {
    let Dates { exp, nbf, iat } = dates;
    if now >= exp.saturating_add(leeway) {
        return Err(VerifyError::Expired { seconds: now - exp });
    }
    if let Some(nbf) = nbf
        && nbf > now.saturating_add(leeway)
    {
        return Err(VerifyError::NotYetValid { seconds: nbf - now });
    }
    if let Some(iat) = iat
        && iat > now.saturating_add(leeway)
    {
        return Err(VerifyError::IssuedInFuture { seconds: iat - now });
    }
    Ok(())
}

fn check_issue(claims: &Claims<'_>, source: Source, profile: Profile) -> Result<(), VerifyError> {
    // If an introspection response has no `exp`, this service sets one, which is not compared with the
    // issuer's `iat`.
    let has_exp = !matches!(source, Source::IntrospectionResponse { has_exp: false });
    if has_exp && claims.iat.is_some_and(|iat| claims.exp <= iat) {
        return Err(VerifyError::InvalidClaim { claim: "exp" });
    }
    if matches!((source, profile), (Source::Jwt(_), Profile::Rfc9068)) {
        // RFC 9068 §2.2 requires `iat` and `jti`. `check_client` checks `client_id`, and `Claims::parse`
        // the other required claims.
        require("iat", claims.iat.is_some())?;
        require("jti", claims.jti.is_some())?;
    }
    Ok(())
}

/// Rejects ID tokens and security events by their claims. The issuer signs them with the same keys as
/// access tokens, and they may have the same header. A token with the `typ` of an access token is not
/// checked, because its kind is explicit (RFC 8725 §3.12). The check of the audience has already rejected
/// most ID tokens and security events.
fn check_kind(claims: &Claims<'_>, source: Source) -> Result<(), VerifyError> {
    if matches!(source, Source::Jwt(Typ::AccessToken)) {
        return Ok(());
    }
    let id_token = claims
        .jti
        .as_deref()
        .is_some_and(|jti| jti.starts_with("ID."))
        || claims.contains("at_hash")
        || claims.contains("c_hash")
        || (claims.contains("nonce") && claims.scope.trim().is_empty());
    // RFC 8417 §2.2: a JWT with an `events` object is a security event token.
    if id_token || claims.has_object("events") {
        return Err(VerifyError::NotAnAccessToken);
    }
    Ok(())
}

fn check_client(
    claims: &Claims<'_>,
    source: Source,
    expected: &Expected,
) -> Result<(), VerifyError> {
    if let (Some(cid), Some(client_id)) = (&claims.cid, &claims.client_id)
        && cid != client_id
    {
        return Err(VerifyError::InvalidClaim { claim: "cid" });
    }
    let client = client(claims, source, expected.profile);
    match (source, expected.profile, &expected.clients) {
        // RFC 9068 §2.2 requires `client_id`. Without a client, no list of clients can be applied.
        (Source::Jwt(_), Profile::Rfc9068, _)
        | (Source::IntrospectionResponse { .. }, _, Clients::Listed(_)) => {
            require("client_id", client.is_some())?;
        }
        (Source::Jwt(_), Profile::Okta, Clients::Listed(_)) => require("cid", client.is_some())?,
        (_, _, Clients::Any) => {}
    }
    match (&expected.clients, client) {
        (Clients::Any, _) => Ok(()),
        (Clients::Listed(allowed), Some(client)) if allowed.iter().any(|one| one == client) => {
            Ok(())
        }
        (Clients::Listed(_), _) => Err(VerifyError::ClientNotAllowed),
    }
}

fn require(claim: &'static str, present: bool) -> Result<(), VerifyError> {
    if present {
        Ok(())
    } else {
        Err(VerifyError::MissingClaim { claim })
    }
}
