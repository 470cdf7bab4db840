//! [`SubjectKind`]: whether a token stands for a user or for a service.

use super::{
    claims::Claims,
    json,
    profile::{Profile, Provider, Source, TokenProfile},
};

/// Whether a token stands for a user or for a service that acts for itself.
///
/// The kind follows from evidence in the token or in the introspection response. If there is no evidence,
/// or if the evidence is contradictory, the kind is [`Unknown`](Self::Unknown). `sub` alone is not evidence,
/// because a client may have the same name as a user (RFC 9700 §4.15).
///
/// | issuer | `User` | `Service` |
/// |---|---|---|
/// | [`Issuer::okta`](crate::Issuer::okta) | `uid` is present | `uid` is absent, and `sub` is the client ID |
/// | [`Issuer::rfc9068`](crate::Issuer::rfc9068), and all that are not listed here | `auth_time` other than 0, `acr` or `amr` is present (RFC 9068 §2.2.1) | `sub` is the client ID (RFC 9068 §2.2), or `gty` is `client-credentials` |
/// | [`Issuer::auth0`](crate::Issuer::auth0) | `sub` has the form `{connection}\|{user}`, and `gty` is not `client-credentials` | `sub` is `{client ID}@clients`, or `gty` is `client-credentials` |
/// | [`Issuer::entra_v2`](crate::Issuer::entra_v2) and the other constructors for Entra ID | `idtyp` is not `app`, and the token has scopes | `idtyp` is `app` |
/// | [`Issuer::keycloak`](crate::Issuer::keycloak) | a user name that is not that of the client's service account in any letter case, and `sub` | `client_id` in a signed token; in a response, the user name of the client's service account, and no `sid` |
/// | [`Issuer::cognito`](crate::Issuer::cognito) | `username` is present | `sub` is the client ID |
/// | [`Issuer::wso2`](crate::Issuer::wso2) | `aut` is `APPLICATION_USER` | `aut` is `APPLICATION` |
/// | [`Issuer::google_identity_tokens`](crate::Issuer::google_identity_tokens) | never | `email` is that of a service account |
/// | [`Issuer::kubernetes_identity_tokens`](crate::Issuer::kubernetes_identity_tokens), [`Issuer::github_actions_identity_tokens`](crate::Issuer::github_actions_identity_tokens) | never | always |
/// | [`Issuer::cloudflare_access_identity_tokens`](crate::Issuer::cloudflare_access_identity_tokens) | `email` is present | `common_name` is present |
///
/// If a token without `sub` is accepted ([`TokenProfile::allow_missing_subject`](crate::TokenProfile)), its
/// kind is `Service`. It is rejected if it has the evidence for a user of RFC 9068, `email`, `sid`, or a
/// `username` other than the client ID.
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
        profile: &Profile,
    ) -> Self {
        let kind = match profile {
            Profile::Okta => Self::by_okta(claims, client_id),
            Profile::Rfc9068 => Self::by_rfc9068(claims, client_id),
            Profile::Custom(profile) => Self::by_profile(claims, source, client_id, profile),
        };
        // RFC 7662 §2.2: `username` names the resource owner. For a service, some servers repeat the client ID
        // in it, and Keycloak writes the name of the service account. `client_id` alone is not evidence,
        // because responses about users have it too.
        let is_response = matches!(source, Source::IntrospectionResponse { .. });
        let is_contradicted =
            is_response && !profile.is_of(&Provider::Keycloak) && names_owner(claims, client_id);
        match kind {
            Self::Service if is_contradicted => Self::Unknown,
            kind => kind,
        }
    }

    /// Returns whether claims without `sub` are those of a user. Such a token is never accepted as that of a
    /// machine, because the client ID would then stand for the user.
    pub(super) fn shows_user(claims: &Claims<'_>, client_id: &str) -> bool {
        let client_id = Some(client_id);
        authenticated(claims, client_id)
            || claims.contains("email")
            || claims.contains("sid")
            || names_owner(claims, client_id)
    }

    fn by_okta(claims: &Claims<'_>, client_id: Option<&str>) -> Self {
        // According to Okta's reference of access tokens, `uid` is present if and only if there is a user.
        // In a token for client credentials, `sub` is the client ID.
        if claims.uid.is_some() {
            Self::User
        } else if is_client(claims, client_id) {
            Self::Service
        } else {
            Self::Unknown
        }
    }

    fn by_rfc9068(claims: &Claims<'_>, client_id: Option<&str>) -> Self {
        // RFC 9068 §2.2: without a resource owner, `sub` identifies the client. Auth0 writes another `sub`
        // for machines (`{client}@clients`) and names the grant in `gty`.
        let is_service =
            is_client(claims, client_id) || claims.text_is("gty", "client-credentials");
        Self::of_evidence(authenticated(claims, client_id), is_service)
    }

    fn by_profile(
        claims: &Claims<'_>,
        source: Source,
        client_id: Option<&str>,
        profile: &TokenProfile,
    ) -> Self {
        let sub = claims.sub.as_deref();
        if sub.is_none() && profile.missing_subject {
            return Self::Service;
        }
        match profile.provider() {
            Provider::Unknown => Self::by_rfc9068(claims, client_id),
            Provider::Auth0 => {
                let machine = client_id
                    .zip(sub)
                    .is_some_and(|(client, sub)| sub.strip_suffix("@clients") == Some(client));
                let is_service = machine || claims.text_is("gty", "client-credentials");
                // A user ID of Auth0 has the name of the connection before a vertical bar.
                let is_user = sub.is_some_and(|sub| sub.contains('|')) && !is_service;
                Self::of_evidence(is_user, is_service)
            }
            Provider::Entra => {
                let is_service = claims.text_is("idtyp", "app");
                let has_scopes = !claims.scope.trim().is_empty();
                Self::of_evidence(has_scopes, is_service)
            }
            Provider::Keycloak => Self::by_keycloak(claims, source, client_id),
            Provider::Cognito => {
                Self::of_evidence(claims.contains("username"), is_client(claims, client_id))
            }
            Provider::Wso2 => Self::of_evidence(
                claims.text_is("aut", "APPLICATION_USER"),
                claims.text_is("aut", "APPLICATION"),
            ),
            Provider::Google(_) => {
                let email = claims.text("email").unwrap_or_default();
                Self::of_evidence(false, email.ends_with(".gserviceaccount.com"))
            }
            Provider::Kubernetes | Provider::GitHubActions(_) => Self::Service,
            Provider::CloudflareAccess => {
                Self::of_evidence(claims.contains("email"), claims.contains("common_name"))
            }
        }
    }

    /// Keycloak derives the user name of a service account from the client ID, in lower case. In a signed
    /// token, `client_id` is present only for such an account; in a response, it is always present.
    fn by_keycloak(claims: &Claims<'_>, source: Source, client_id: Option<&str>) -> Self {
        let account = |name: &str| name.strip_prefix("service-account-") == client_id;
        let names = ["preferred_username", "username"].map(|claim| claims.text(claim));
        let is_service = match source {
            Source::Jwt(_) => claims.client_id.is_some() && claims.client_id == claims.text("azp"),
            // A user may have such a name too, but a user's token belongs to a session.
            Source::IntrospectionResponse { .. } => {
                client_id.is_some()
                    && !claims.contains("sid")
                    && names.iter().flatten().any(|name| account(name))
            }
        };
        // A name that may be that of the account is not evidence for a user, whatever its case.
        let is_user = claims.sub.is_some()
            && client_id.is_some()
            && names.iter().any(Option::is_some)
            && !is_service_account(claims, client_id);
        Self::of_evidence(is_user, is_service)
    }

    fn of_evidence(is_user: bool, is_service: bool) -> Self {
        match (is_user, is_service) {
            (true, false) => Self::User,
            (false, true) => Self::Service,
            (true, true) | (false, false) => Self::Unknown,
        }
    }
}

fn is_client(claims: &Claims<'_>, client_id: Option<&str>) -> bool {
    client_id.is_some() && client_id == claims.sub.as_deref()
}

fn names_owner(claims: &Claims<'_>, client_id: Option<&str>) -> bool {
    claims.contains("username")
        && client_id.is_none_or(|client| !claims.text_is("username", client))
}

/// Returns whether a claim shows that a person authenticated (RFC 9068 §2.2.1).
fn authenticated(claims: &Claims<'_>, client_id: Option<&str>) -> bool {
    let amr = claims.raw("amr").and_then(json::strings);
    // Keycloak also writes `acr` into tokens of service accounts, so `acr` is not evidence if the payload
    // has Keycloak's `typ`.
    let keycloak = claims.text_is("typ", "Bearer") || claims.text_is("typ", "DPoP");
    let shown = claims.auth_time.is_some_and(|time| time > 0)
        || amr.is_some_and(|methods| !methods.is_empty())
        || (claims.acr.is_some() && !keycloak);
    shown && !is_service_account(claims, client_id)
}

/// Returns whether a user name is that of a Keycloak service account, which Keycloak derives from the client
/// ID in lower case. A user can choose such a name too, so the name is not evidence for a service. It only
/// invalidates the evidence for a user.
fn is_service_account(claims: &Claims<'_>, client_id: Option<&str>) -> bool {
    ["preferred_username", "username"].iter().any(|claim| {
        let name = claims.text(claim);
        let account = name
            .as_deref()
            .and_then(|name| name.strip_prefix("service-account-"));
        // Keycloak changes the case of all letters, not only of those in ASCII.
        account
            .zip(client_id)
            .is_some_and(|(account, client)| account.to_lowercase() == client.to_lowercase())
    })
}
