//! [`SubjectKind`]: whether a token stands for a user or for a service.

use super::{
    checks::{Profile, Source},
    claims::Claims,
    json,
};

/// Whether a token stands for a user or for a service that acts for itself.
///
/// The kind follows from evidence in the token or in the introspection response. If there is no evidence,
/// or if the evidence is contradictory, the kind is [`Unknown`](Self::Unknown). `sub` alone is no evidence,
/// because a client may have the same name as a user (RFC 9700 §4.15).
///
/// | issuer | `User` | `Service` |
/// |---|---|---|
/// | [`Issuer::okta`](crate::Issuer::okta) | `uid` is present | `uid` is absent, and `sub` is the client ID |
/// | [`Issuer::rfc9068`](crate::Issuer::rfc9068) | `auth_time` other than 0, `acr` or `amr` is present (RFC 9068 §2.2.1) | `sub` is the client ID (RFC 9068 §2.2), or `gty` is `client-credentials` |
///
/// Keycloak also writes `acr` into the tokens of service accounts. Therefore `acr` is ignored in a token
/// whose payload has Keycloak's `typ`, and all evidence for a user is ignored if the user name is that of a
/// service account. In an introspection response, a `username` other than the client ID contradicts
/// `Service` (RFC 7662 §2.2).
///
/// [`Policy::user`](crate::Policy::user) and [`Policy::service`](crate::Policy::service) require `User` and
/// `Service`, respectively. Both reject `Unknown`.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{SubjectKind, Verifier};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let user = verifier.verify(&okta.token("ada").sign()).await?;
/// assert_eq!(user.subject_kind(), SubjectKind::User);
///
/// let service = verifier.verify(&okta.token("").service().sign()).await?;
/// assert_eq!(service.subject_kind(), SubjectKind::Service);
///
/// let neither = verifier.verify(&okta.token("ada").without("uid").sign()).await?;
/// assert_eq!(neither.subject_kind(), SubjectKind::Unknown);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectKind {
    /// A person authenticated, and the token acts for that person.
    User,
    /// A client acts for itself: no user is involved.
    Service,
    /// The token does not show whether it stands for a user or for a service.
    Unknown,
}

impl SubjectKind {
    pub(crate) fn new(
        claims: &Claims<'_>,
        source: Source,
        client_id: Option<&str>,
        profile: Profile,
    ) -> Self {
        let kind = Self::of_claims(claims, client_id, profile);
        match source {
            // RFC 7662 §2.2: `username` names the resource owner. For a service, some servers repeat the
            // client ID in it. `client_id` alone is no evidence, because responses about users have it too.
            Source::IntrospectionResponse { .. }
                if kind == Self::Service && names_owner(claims, client_id) =>
            {
                Self::Unknown
            }
            _ => kind,
        }
    }

    fn of_claims(claims: &Claims<'_>, client_id: Option<&str>, profile: Profile) -> Self {
        let is_client = client_id.is_some_and(|client| *client == *claims.sub);
        match profile {
            // According to Okta's reference of access tokens, `uid` is present if and only if there is a
            // user. In a token for client credentials, `sub` is the client ID.
            Profile::Okta if claims.uid.is_some() => Self::User,
            Profile::Okta if is_client => Self::Service,
            Profile::Okta => Self::Unknown,
            Profile::Rfc9068 => {
                // RFC 9068 §2.2: without a resource owner, `sub` identifies the client. Auth0 writes
                // another `sub` for machines (`{client}@clients`) and names the grant in `gty`.
                let is_service = is_client || text_is(claims, "gty", "client-credentials");
                match (authenticated(claims, client_id), is_service) {
                    (true, false) => Self::User,
                    (false, true) => Self::Service,
                    (true, true) | (false, false) => Self::Unknown,
                }
            }
        }
    }
}

fn names_owner(claims: &Claims<'_>, client_id: Option<&str>) -> bool {
    claims.contains("username")
        && client_id.is_none_or(|client| !text_is(claims, "username", client))
}

/// Returns whether a claim shows that a person authenticated (RFC 9068 §2.2.1).
fn authenticated(claims: &Claims<'_>, client_id: Option<&str>) -> bool {
    let amr = claims.raw("amr").and_then(json::strings);
    // Keycloak also writes `acr` into tokens of service accounts, so `acr` is no evidence if the payload
    // has Keycloak's `typ`.
    let keycloak = text_is(claims, "typ", "Bearer") || text_is(claims, "typ", "DPoP");
    let shown = claims.auth_time.is_some_and(|time| time > 0)
        || amr.is_some_and(|methods| !methods.is_empty())
        || (claims.acr.is_some() && !keycloak);
    shown && !is_service_account(claims, client_id)
}

/// Returns whether the user name is that of a Keycloak service account, which Keycloak derives from the
/// client ID in lower case. A user can choose such a name too, so the name is no evidence for a service. It
/// only invalidates the evidence for a user.
fn is_service_account(claims: &Claims<'_>, client_id: Option<&str>) -> bool {
    ["preferred_username", "username"].iter().any(|claim| {
        let name = claims.raw(claim).and_then(json::string);
        let account = name
            .as_deref()
            .and_then(|name| name.strip_prefix("service-account-"));
        account
            .zip(client_id)
            .is_some_and(|(account, client)| account.eq_ignore_ascii_case(client))
    })
}

fn text_is(claims: &Claims<'_>, claim: &str, expected: &str) -> bool {
    let text = claims.raw(claim).and_then(json::string);
    text.is_some_and(|text| text == expected)
}
