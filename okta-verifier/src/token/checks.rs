//! Checks the header and the claims of a token: whether it is an access token for this API that is valid
//! now.

use std::borrow::Cow;

use super::{
    claims::{Claims, Dates},
    confirmation::Confirmation,
    jws::{Header, Typ},
    profile::{Profile, Provider, Source, TokenProfile},
    subject_kind::SubjectKind,
    tenants::Tenants,
};
use crate::{crypto::Algorithms, error::VerifyError};

/// The expectations that an issuer's tokens must meet.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) issuer: Box<str>,
    /// Other values of `iss` that stand for the same issuer.
    pub(crate) aliases: Vec<String>,
    /// The tenants of the issuer, if `issuer` is a template with a place for the tenant's ID.
    pub(crate) tenants: Option<Tenants>,
    /// At most [`MAX_AUDIENCES`].
    pub(crate) audiences: Vec<String>,
    pub(crate) profile: Profile,
    pub(crate) clients: Clients,
    /// The allowed clock skew in seconds.
    pub(crate) leeway: u64,
    pub(crate) algorithms: Algorithms,
    pub(crate) allow_missing_key_id: bool,
    /// Whether tokens may leave `aud` and `sub` to the introspection response.
    pub(crate) lightweight_tokens: bool,
    /// Whether every token must be bound to a key.
    pub(crate) require_dpop: bool,
    /// Whether every token is introspected, so that the response shows whether a token without explicit
    /// typing is an access token.
    pub(crate) introspects_every_token: bool,
}

impl Expected {
    /// Compares `iss` exactly (RFC 8725 §3.8).
    pub(crate) fn is_issuer(&self, iss: &str) -> bool {
        if let Some(tenants) = &self.tenants {
            return tenants.tenant_of(&self.issuer, iss).is_some();
        }
        *self.issuer == *iss || self.aliases.iter().any(|alias| alias == iss)
    }

    /// Returns the configured audiences that the token is for, as a set of positions.
    pub(crate) fn audiences_in(&self, aud: Option<&[Cow<'_, str>]>) -> u64 {
        let aud = aud.unwrap_or_default();
        let mut matched = 0;
        for (position, audience) in self.audiences.iter().enumerate() {
            if aud.iter().any(|one| one == audience) {
                matched |= 1 << position;
            }
        }
        matched
    }

    /// Returns whether the keys come from a service with several tenants, each of which may have keys of its
    /// own. The service publishes with each key whose tokens the key signs.
    pub(crate) fn has_keys_of_tenants(&self) -> bool {
        self.tenants.is_some() || self.profile.is_of(&Provider::Entra)
    }

    /// Returns whether a token without `aud` may be accepted.
    pub(crate) fn accepts_missing_audience(&self) -> bool {
        self.lightweight_tokens || self.custom().is_some_and(|it| it.missing_audience)
    }

    /// Returns the profile, unless it is that of Okta or of RFC 9068.
    pub(crate) fn custom(&self) -> Option<&TokenProfile> {
        match &self.profile {
            Profile::Custom(profile) => Some(profile),
            Profile::Okta | Profile::Rfc9068 => None,
        }
    }
}

/// The maximum number of audiences of one issuer, which are a set of bits in each verified token.
pub(crate) const MAX_AUDIENCES: usize = u64::BITS as usize;

#[derive(Debug)]
pub(crate) enum Clients {
    Any,
    Listed(Vec<String>),
}

/// Checks the header before the key is looked up.
pub(crate) fn check_header(header: &Header, expected: &Expected) -> Result<(), VerifyError> {
    check_algorithm(header, expected)?;
    check_key_id(header, expected)?;
    check_type(header, expected)
}

pub(crate) fn check_algorithm(header: &Header, expected: &Expected) -> Result<(), VerifyError> {
    match expected.algorithms.allow(header.algorithm) {
        true => Ok(()),
        false => Err(VerifyError::AlgorithmNotAllowed),
    }
}

/// Checks that the header names its key. Without `kid` the key would have to be guessed. Okta always sends
/// `kid`.
pub(crate) fn check_key_id(header: &Header, expected: &Expected) -> Result<(), VerifyError> {
    match header.kid.is_some() || expected.allow_missing_key_id {
        true => Ok(()),
        false => Err(VerifyError::MissingKeyId),
    }
}

/// Checks that `typ` is that of an access token of the profile.
pub(crate) fn check_type(header: &Header, expected: &Expected) -> Result<(), VerifyError> {
    match (&expected.profile, header.typ) {
        (_, Typ::AccessToken) | (Profile::Okta, Typ::Absent | Typ::Jwt) => Ok(()),
        (Profile::Custom(profile), typ)
            if profile.accepts_type(typ, header.other_typ.as_deref()) =>
        {
            Ok(())
        }
        // The claims of other kinds of tokens are still rejected, and the response must be active.
        (_, Typ::Absent | Typ::Jwt) if expected.introspects_every_token => Ok(()),
        // RFC 9068 §4: the profile requires explicit typing.
        _ => Err(VerifyError::TypeNotAllowed),
    }
}

/// What the claims say, after all checks.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Checked<'c> {
    /// The subject, or the empty string if the introspection response must name it.
    pub(crate) subject: Cow<'c, str>,
    pub(crate) subject_kind: SubjectKind,
    /// The client that the token was issued to, or `None` if the claims do not name it.
    pub(crate) client_id: Option<Cow<'c, str>>,
    /// The scopes separated by spaces.
    pub(crate) scope: Cow<'c, str>,
    /// The configured audiences that the token is for, as a set of positions.
    pub(crate) audiences: u64,
    /// The key and the certificate that the token is bound to, or `None` if the token is not bound.
    pub(crate) confirmation: Option<Confirmation>,
    /// Whether the token leaves out claims, so that the introspection response must state them.
    pub(crate) is_lightweight: bool,
}

/// Checks all claims except the dates, which depend on the clock ([`check_dates`]).
pub(crate) fn check_claims<'c>(
    claims: &'c Claims<'_>,
    source: Source,
    expected: &Expected,
) -> Result<Checked<'c>, VerifyError> {
    check_issue(claims, source, &expected.profile)?;
    // `iss` has already selected the issuer. It is compared again, so that this function does not rely on
    // its callers.
    if !expected.is_issuer(&claims.iss) {
        return Err(VerifyError::UnknownIssuer);
    }
    let audiences = check_audience(claims, source, expected)?;
    check_kind(claims, source, expected)?;
    let client_id = check_client(claims, source, expected)?;
    if let Some(profile) = expected.custom() {
        check_provider(claims, profile)?;
    }
    let subject = check_subject(claims, client_id.as_ref(), source, expected)?;
    let scope = check_scope(claims, expected)?;
    Ok(Checked {
        subject,
        subject_kind: SubjectKind::new(claims, source, client_id.as_deref(), &expected.profile),
        client_id,
        scope,
        audiences,
        confirmation: check_binding(claims, expected.custom())?,
        is_lightweight: is_lightweight(claims, source, expected),
    })
}

/// Returns whether the introspection response may state what the token leaves out. This applies to signed
/// tokens only.
fn may_leave_out(source: Source, expected: &Expected) -> bool {
    expected.lightweight_tokens && matches!(source, Source::Jwt(_))
}

/// Returns whether the token leaves out claims that the introspection response must state: claims that
/// Keycloak writes into every other token, which are `aud`, `sub`, and the `client_id` of a machine or the
/// `sid` of a user.
pub(crate) fn is_lightweight(claims: &Claims<'_>, source: Source, expected: &Expected) -> bool {
    let is_complete = claims.client_id.is_some() || claims.contains("sid");
    may_leave_out(source, expected)
        && (claims.aud.is_none() || claims.sub.is_none() || !is_complete)
}

/// Checks that the token names its subject, and returns the subject. It is the client if the profile allows
/// tokens of machines without `sub`, and the empty string if the introspection response must name it.
pub(crate) fn check_subject<'c>(
    claims: &'c Claims<'_>,
    client_id: Option<&Cow<'c, str>>,
    source: Source,
    expected: &Expected,
) -> Result<Cow<'c, str>, VerifyError> {
    match (&claims.sub, client_id) {
        (Some(subject), _) => Ok(Cow::Borrowed(&**subject)),
        (None, Some(client))
            if expected.custom().is_some_and(|it| it.missing_subject)
                && !SubjectKind::shows_user(claims, client) =>
        {
            Ok(client.clone())
        }
        (None, _) if may_leave_out(source, expected) => Ok(Cow::Borrowed("")),
        (None, _) => Err(VerifyError::MissingClaim { claim: "sub" }),
    }
}

/// Returns the scopes of the claims that the profile names.
pub(crate) fn check_scope<'c>(
    claims: &'c Claims<'_>,
    expected: &Expected,
) -> Result<Cow<'c, str>, VerifyError> {
    match expected.custom() {
        Some(profile) if !profile.scope_claims.is_empty() => {
            claims.scopes_of(&profile.scope_claims)
        }
        _ => Ok(Cow::Borrowed(&*claims.scope)),
    }
}

/// Checks that the token is for an audience of this issuer, and returns these audiences as a set of
/// positions.
pub(crate) fn check_audience(
    claims: &Claims<'_>,
    source: Source,
    expected: &Expected,
) -> Result<u64, VerifyError> {
    let aud = claims.aud.as_deref();
    let is_optional =
        may_leave_out(source, expected) || expected.custom().is_some_and(|it| it.missing_audience);
    match (aud, expected.audiences_in(aud)) {
        (None, _) if is_optional => Ok(0),
        (None, _) => Err(VerifyError::MissingClaim { claim: "aud" }),
        (Some(_), 0) => Err(VerifyError::WrongAudience),
        (Some(_), audiences) => Ok(audiences),
    }
}

/// Returns what a sender-constrained token is bound to, or `None` for a token without `cnf`. A `cnf` that
/// cannot be read is an error: the token is bound to something that cannot be checked (RFC 7800 §3.1).
pub(crate) fn check_binding(
    claims: &Claims<'_>,
    profile: Option<&TokenProfile>,
) -> Result<Option<Confirmation>, VerifyError> {
    let is_keycloak = profile.is_some_and(|it| *it.provider() == Provider::Keycloak);
    // Keycloak says in this member how the key became known, which binds the token to nothing more.
    let ignored = is_keycloak.then_some("kc-jkt-type");
    let cnf = claims.raw("cnf");
    let confirmation = cnf
        .map(|cnf| Confirmation::parse(cnf, ignored))
        .transpose()?;
    // The payload's `typ` of Keycloak's bound tokens.
    let says_bound = is_keycloak && claims.text_is("typ", "DPoP");
    if says_bound && confirmation.is_none_or(|it| it.jkt.is_none()) {
        return Err(VerifyError::BindingUnchecked);
    }
    Ok(confirmation)
}

/// Returns the client that the token was issued to, or `None` if the claims do not name it. Okta's tokens
/// have `cid`. Without `cid`, `client_id` is used only if `typ` is `at+jwt`. Tokens of other issuers have
/// `client_id`, or the claims of their profile, and introspection responses have `client_id`.
///
/// # Errors
///
/// Returns an error if the claims of the profile name several clients.
pub(crate) fn client<'c>(
    claims: &'c Claims<'_>,
    source: Source,
    profile: &Profile,
) -> Result<Option<Cow<'c, str>>, VerifyError> {
    let borrow = |claim: &'c Option<Cow<'_, str>>| claim.as_deref().map(Cow::Borrowed);
    let (cid, client_id) = (borrow(&claims.cid), borrow(&claims.client_id));
    let profile = match (profile, source) {
        (Profile::Okta, Source::Jwt(Typ::AccessToken)) => return Ok(cid.or(client_id)),
        (Profile::Okta, Source::Jwt(_)) => return Ok(cid),
        (Profile::Rfc9068, Source::Jwt(_))
        | (Profile::Okta | Profile::Rfc9068, Source::IntrospectionResponse { .. }) => {
            return Ok(client_id);
        }
        (Profile::Custom(profile), _) => profile,
    };
    let mut client = match source {
        Source::Jwt(_) => None,
        Source::IntrospectionResponse { .. } => client_id,
    };
    for name in &profile.client_claims {
        let Some(named) = claims.text(name).filter(|name| !name.is_empty()) else {
            continue;
        };
        match &client {
            None => client = Some(named),
            Some(client) if *client == named => {}
            Some(_) => return Err(VerifyError::InvalidClaim { claim: "client_id" }),
        }
    }
    Ok(client)
}

/// Checks `exp`, `nbf` and `iat` (RFC 7519 §4.1.4-6) with the leeway. A token is already expired in the
/// second `exp`.
pub(crate) fn check_dates(dates: Dates, leeway: u64, now: u64) -> Result<(), VerifyError> {
    check_expiry(dates, leeway, now)?;
    check_beginning(dates, leeway, now)
}

/// Checks `nbf` and `iat` with the leeway, and not `exp`.
#[inline] // for `check_dates`, which every cache hit calls
pub(crate) fn check_beginning(dates: Dates, leeway: u64, now: u64) -> Result<(), VerifyError> {
    check_not_before(dates, leeway, now)?;
    check_issued_at(dates, leeway, now)
}

#[inline]
pub(crate) fn check_expiry(dates: Dates, leeway: u64, now: u64) -> Result<(), VerifyError> {
    let exp = dates.exp;
    if now >= exp.saturating_add(leeway) {
        return Err(VerifyError::Expired { seconds: now - exp });
    }
    Ok(())
}

#[inline]
pub(crate) fn check_not_before(dates: Dates, leeway: u64, now: u64) -> Result<(), VerifyError> {
    if let Some(nbf) = dates.nbf
        && nbf > now.saturating_add(leeway)
    {
        return Err(VerifyError::NotYetValid { seconds: nbf - now });
    }
    Ok(())
}

#[inline]
pub(crate) fn check_issued_at(dates: Dates, leeway: u64, now: u64) -> Result<(), VerifyError> {
    if let Some(iat) = dates.iat
        && iat > now.saturating_add(leeway)
    {
        return Err(VerifyError::IssuedInFuture { seconds: iat - now });
    }
    Ok(())
}

/// Checks that `exp` is after `iat`, and that the claims `iat` and `jti` are present if the profile requires
/// them.
pub(crate) fn check_issue(
    claims: &Claims<'_>,
    source: Source,
    profile: &Profile,
) -> Result<(), VerifyError> {
    // If an introspection response has no `exp`, this service sets one, which is not compared with the
    // issuer's `iat`.
    let has_exp = !matches!(source, Source::IntrospectionResponse { has_exp: false });
    if has_exp && claims.iat.is_some_and(|iat| claims.exp <= iat) {
        return Err(VerifyError::InvalidClaim { claim: "exp" });
    }
    // RFC 9068 §2.2 requires `iat` and `jti`. `check_client` checks `client_id`, and `check_claims` the
    // other required claims.
    let may_lack_jti = match (source, profile) {
        (Source::IntrospectionResponse { .. }, _) | (_, Profile::Okta) => return Ok(()),
        (Source::Jwt(_), Profile::Rfc9068) => false,
        (Source::Jwt(_), Profile::Custom(profile)) => profile.missing_token_id,
    };
    require("iat", claims.iat.is_some())?;
    require("jti", claims.jti.is_some() || may_lack_jti)
}

/// Rejects ID tokens and security events by their claims. The issuer signs them with the same keys as
/// access tokens, and they may have the same header. A token with the `typ` of an access token is not
/// checked for the claims of ID tokens, because its kind is explicit (RFC 8725 §3.12). The check of the
/// audience has already rejected most ID tokens and security events.
pub(crate) fn check_kind(
    claims: &Claims<'_>,
    source: Source,
    expected: &Expected,
) -> Result<(), VerifyError> {
    let profile = expected.custom();
    let is_explicit = matches!(source, Source::Jwt(Typ::AccessToken));
    if profile.is_some_and(|profile| !has_required(claims, source, profile)) {
        return Err(VerifyError::NotAnAccessToken);
    }
    // Okta lets its customers define claims of these names.
    let may_say_kind = match expected.profile {
        Profile::Okta => false,
        Profile::Rfc9068 => !is_explicit,
        Profile::Custom(_) => true,
    };
    if may_say_kind && says_other_kind(claims) {
        return Err(VerifyError::NotAnAccessToken);
    }
    if is_explicit {
        return Ok(());
    }
    // RFC 8417 §2.2: a JWT with an `events` object is a security event token.
    if claims.has_object("events") {
        return Err(VerifyError::NotAnAccessToken);
    }
    if profile.is_some_and(|profile| profile.provider().has_identity_tokens()) {
        return Ok(());
    }
    let id_token = claims
        .jti
        .as_deref()
        .is_some_and(|jti| jti.starts_with("ID."))
        || claims.contains("at_hash")
        || claims.contains("c_hash")
        || (claims.contains("nonce") && claims.scope.trim().is_empty())
        || profile.is_some_and(|profile| is_for_its_client(claims, source, profile));
    match id_token {
        true => Err(VerifyError::NotAnAccessToken),
        false => Ok(()),
    }
}

/// Returns whether the only audience of a JWT is its client, as in an ID token (OpenID Connect Core 1.0 §2). If
/// the profile requires a claim that shows the kind of the token, such an audience is not enough evidence.
fn is_for_its_client(claims: &Claims<'_>, source: Source, profile: &TokenProfile) -> bool {
    let aud = claims.aud.as_deref().unwrap_or_default();
    let is_client = |aud: &Cow<'_, str>| {
        let mut names = profile.client_claims.iter();
        names.any(|name| claims.text_is(name, aud))
    };
    matches!(source, Source::Jwt(_))
        && profile.required.is_empty()
        && matches!(aud, [only] if is_client(only))
}

/// Returns whether the claims that the profile requires have one of their values.
fn has_required(claims: &Claims<'_>, source: Source, profile: &TokenProfile) -> bool {
    let has_listed = |(name, values): &(String, Vec<String>)| match claims.text(name) {
        Some(value) => values.iter().any(|listed| *listed == value),
        None => matches!(source, Source::IntrospectionResponse { .. }) && !claims.contains(name),
    };
    profile.required.iter().all(has_listed)
}

/// Returns whether the payload's `typ`, which Keycloak writes, or its `token_use`, which Cognito writes, is
/// that of another kind of token.
fn says_other_kind(claims: &Claims<'_>) -> bool {
    claims.text("typ").is_some_and(|typ| is_other_kind(&typ))
        || (claims.text("token_use")).is_some_and(|it| it != "access" && it != "access_token")
}

/// Returns whether this is Keycloak's payload `typ` of a token that is not an access token.
pub(crate) fn is_other_kind(typ: &str) -> bool {
    OTHER_KINDS
        .iter()
        .any(|other| typ.eq_ignore_ascii_case(other))
}

const OTHER_KINDS: [&str; 4] = ["Refresh", "Offline", "ID", "Logout"];

/// Checks the client, and returns it.
pub(crate) fn check_client<'c>(
    claims: &'c Claims<'_>,
    source: Source,
    expected: &Expected,
) -> Result<Option<Cow<'c, str>>, VerifyError> {
    if let (Some(cid), Some(client_id)) = (&claims.cid, &claims.client_id)
        && cid != client_id
    {
        return Err(VerifyError::InvalidClaim { claim: "cid" });
    }
    let client = client(claims, source, &expected.profile)?;
    match (source, &expected.profile, &expected.clients) {
        (Source::Jwt(_), Profile::Custom(profile), Clients::Any)
            if profile.missing_client_id || profile.provider().has_identity_tokens() => {}
        // RFC 9068 §2.2 requires `client_id`. Without a client, no list of clients can be applied.
        (Source::Jwt(_), Profile::Rfc9068 | Profile::Custom(_), _)
        | (Source::IntrospectionResponse { .. }, _, Clients::Listed(_)) => {
            require("client_id", client.is_some())?;
        }
        (Source::Jwt(_), Profile::Okta, Clients::Listed(_)) => require("cid", client.is_some())?,
        (_, _, Clients::Any) => {}
    }
    match (&expected.clients, &client) {
        (Clients::Any, _) => Ok(client),
        (Clients::Listed(allowed), Some(name)) if allowed.iter().any(|one| one == name) => {
            Ok(client)
        }
        (Clients::Listed(_), _) => Err(VerifyError::ClientNotAllowed),
    }
}

/// Checks what is known of the provider beyond its profile. Everyone can get an ID token of Google and of
/// GitHub with this API as its audience, so their callers are listed.
pub(crate) fn check_provider(
    claims: &Claims<'_>,
    profile: &TokenProfile,
) -> Result<(), VerifyError> {
    let is_listed = |list: &[String], name: &str| {
        let value = claims.text(name);
        value.is_some_and(|value| list.iter().any(|listed| *listed == value))
    };
    let is_allowed = match profile.provider() {
        Provider::Google(callers) => {
            let has_email = claims.raw("email_verified") == Some("true");
            (has_email && is_listed(callers, "email")) || is_listed(callers, "sub")
        }
        Provider::GitHubActions(allowed) => {
            is_listed(allowed, "repository") || is_listed(allowed, "repository_owner")
        }
        Provider::Kubernetes => {
            let sub = claims.sub.as_deref().unwrap_or_default();
            sub.starts_with("system:serviceaccount:")
        }
        // The issuer of each tenant contains the tenant's ID.
        Provider::Entra => {
            let tid = claims.text("tid").unwrap_or_default();
            if tid.is_empty() || !claims.iss.split('/').any(|segment| segment == tid) {
                return Err(VerifyError::InvalidClaim { claim: "tid" });
            }
            true
        }
        _ => true,
    };
    match is_allowed {
        true => Ok(()),
        false => Err(VerifyError::ClientNotAllowed),
    }
}

fn require(claim: &'static str, present: bool) -> Result<(), VerifyError> {
    if present {
        Ok(())
    } else {
        Err(VerifyError::MissingClaim { claim })
    }
}
