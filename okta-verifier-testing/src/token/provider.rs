//! [`Provider`]: the format of the tokens of providers other than Okta.
//!
//! The formats of Keycloak and Ory Hydra were recorded from Keycloak 26.7.3 and Hydra 2.3.0. The others
//! follow the documentation of the provider.

mod authorization_server;
mod entra;
mod keycloak;
mod workload;

use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::Issuer;
use serde_json::{Map, Value, json};

use super::{TokenBuilder, kind::Kind};
use crate::keys::{fingerprint, random_bytes, random_name};

/// A provider for which `Issuer` has a constructor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Provider {
    Auth0,
    EntraV1,
    EntraV2,
    Keycloak,
    Cognito,
    Hydra,
    Duende,
    Wso2,
    PingOne,
    Zitadel,
    Google,
    Kubernetes,
    GitHubActions,
    CloudflareAccess,
}

impl Provider {
    pub(crate) const ALL: [Self; 14] = [
        Self::Auth0,
        Self::EntraV1,
        Self::EntraV2,
        Self::Keycloak,
        Self::Cognito,
        Self::Hydra,
        Self::Duende,
        Self::Wso2,
        Self::PingOne,
        Self::Zitadel,
        Self::Google,
        Self::Kubernetes,
        Self::GitHubActions,
        Self::CloudflareAccess,
    ];

    /// Returns the name, for the cases of the conformance table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth0 => "Auth0",
            Self::EntraV1 => "Entra ID v1.0",
            Self::EntraV2 => "Entra ID v2.0",
            Self::Keycloak => "Keycloak",
            Self::Cognito => "Cognito",
            Self::Hydra => "Ory Hydra",
            Self::Duende => "Duende IdentityServer",
            Self::Wso2 => "WSO2 Identity Server",
            Self::PingOne => "PingOne",
            Self::Zitadel => "Zitadel",
            Self::Google => "Google",
            Self::Kubernetes => "Kubernetes",
            Self::GitHubActions => "GitHub Actions",
            Self::CloudflareAccess => "Cloudflare Access",
        }
    }

    /// Returns a subject as the provider writes it, which the provider's settings accept.
    pub(crate) fn example_subject(self) -> &'static str {
        match self {
            Self::Auth0 => "auth0|ada",
            Self::Google => CALLER,
            Self::Kubernetes => "system:serviceaccount:shop:orders",
            Self::GitHubActions => "repo:acme/orders:ref:refs/heads/main",
            _ => "ada",
        }
    }

    /// Returns the `iss` of the provider's tokens, unless the test sets another one.
    pub(crate) fn url(self) -> String {
        let url = match self {
            Self::Auth0 => "https://acme.auth0.test/",
            Self::EntraV1 => return format!("https://sts.windows.net/{TENANT}/"),
            Self::EntraV2 => return format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
            Self::Keycloak => "https://keycloak.test/realms/acme",
            Self::Cognito => "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI",
            Self::Hydra => "https://hydra.test/",
            Self::Duende => "https://duende.test",
            Self::Wso2 => "https://wso2.test/oauth2/token",
            Self::PingOne => return format!("https://auth.pingone.eu/{TENANT}/as"),
            Self::Zitadel => "https://acme.zitadel.test",
            Self::Google => "https://accounts.google.com",
            Self::Kubernetes => "https://kubernetes.default.svc.cluster.local",
            Self::GitHubActions => "https://token.actions.githubusercontent.com",
            Self::CloudflareAccess => "https://acme.cloudflareaccess.com",
        };
        url.to_owned()
    }

    /// Returns the provider's settings for the issuer `url`. If the constructor of the settings sets the
    /// URL itself, another `url` becomes an alias.
    ///
    /// # Panics
    ///
    /// Panics if the URL of Entra ID does not have the ID of a tenant.
    pub(super) fn issuer(self, url: &str, audience: &str) -> Issuer {
        let no_tenant = || -> &str {
            panic!(
                "the URL {url} names no tenant of Entra ID; write https://login.microsoftonline.com/{{GUID}}/v2.0"
            )
        };
        let (issuer, own) = match self {
            Self::Auth0 => return Issuer::auth0(url, audience),
            Self::Keycloak => return Issuer::keycloak(url, audience),
            Self::Cognito => return Issuer::cognito(url),
            Self::Hydra => return Issuer::hydra(url, audience),
            Self::Duende => return Issuer::duende(url, audience),
            Self::Wso2 => return Issuer::wso2(url, audience),
            Self::PingOne => return Issuer::pingone(url, audience),
            Self::Zitadel => return Issuer::zitadel(url, audience),
            Self::Kubernetes => return Issuer::kubernetes_identity_tokens(url, audience),
            Self::CloudflareAccess => {
                return Issuer::cloudflare_access_identity_tokens(url, audience);
            }
            Self::EntraV1 => {
                let tenant = tenant_in(url).unwrap_or_else(no_tenant);
                let own = format!("https://sts.windows.net/{tenant}/");
                (Issuer::entra_v1(tenant, audience), own)
            }
            Self::EntraV2 => {
                let tenant = tenant_in(url).unwrap_or_else(no_tenant);
                let own = format!("https://login.microsoftonline.com/{tenant}/v2.0");
                (Issuer::entra_v2(tenant, audience), own)
            }
            Self::Google => (
                Issuer::google_identity_tokens(audience, [CALLER]),
                self.url(),
            ),
            Self::GitHubActions => {
                let issuer = Issuer::github_actions_identity_tokens(audience, [OWNER]);
                (issuer, self.url())
            }
        };
        match own == url {
            true => issuer,
            false => issuer.also_known_as(url),
        }
    }

    /// Returns the name of the top-level claim that lists groups, or `None` if the claim is nested.
    pub(super) fn groups_claim(self) -> Option<&'static str> {
        match self {
            Self::EntraV1 | Self::EntraV2 => Some("roles"),
            Self::Keycloak => None,
            Self::Cognito => Some("cognito:groups"),
            _ => Some("groups"),
        }
    }

    /// Returns the header parameters beside `alg` and `kid`.
    pub(super) fn header(self, kind: Kind, kid: &str) -> Vec<(&'static str, Value)> {
        let typ = match self {
            Self::Duende | Self::Wso2 if kind != Kind::Id => Some("at+jwt"),
            Self::Cognito
            | Self::PingOne
            | Self::Zitadel
            | Self::Kubernetes
            | Self::CloudflareAccess => None,
            _ => Some("JWT"),
        };
        let x5t = match self {
            Self::EntraV1 | Self::Wso2 | Self::GitHubActions => Some(kid),
            _ => None,
        };
        let parameters = [("typ", typ), ("x5t", x5t)].into_iter();
        parameters
            .filter_map(|(name, value)| Some((name, json!(value?))))
            .collect()
    }
}

impl TokenBuilder {
    /// Returns the claims of the provider's token, without the groups that are a top-level claim.
    pub(super) fn provider_claims(&self, provider: Provider) -> Map<String, Value> {
        let claims = match provider {
            Provider::Auth0 => self.auth0_claims(),
            Provider::EntraV1 => self.entra_v1_claims(),
            Provider::EntraV2 => self.entra_v2_claims(),
            Provider::Keycloak => self.keycloak_claims(),
            Provider::Cognito => self.cognito_claims(),
            Provider::Hydra => self.hydra_claims(),
            Provider::Duende => self.duende_claims(),
            Provider::Wso2 => self.wso2_claims(),
            Provider::PingOne => self.pingone_claims(),
            Provider::Zitadel => self.zitadel_claims(),
            Provider::Google => self.google_claims(),
            Provider::Kubernetes => self.kubernetes_claims(),
            Provider::GitHubActions => self.github_actions_claims(),
            Provider::CloudflareAccess => self.cloudflare_access_claims(),
        };
        let dates = json!({ "iss": self.issuer, "iat": self.issued_at, "exp": self.expires_at });
        let members = [dates, claims].into_iter().filter_map(|it| match it {
            Value::Object(members) => Some(members),
            _ => None,
        });
        members
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .collect()
    }

    /// Returns the scopes as one string, or `None` if there are none.
    fn scope_text(&self) -> Option<String> {
        (!self.scopes.is_empty()).then(|| self.scopes.join(" "))
    }

    /// Returns the scopes as an array, or `None` if there are none.
    fn scope_list(&self) -> Option<&[String]> {
        (!self.scopes.is_empty()).then_some(&*self.scopes)
    }
}

/// Returns a `nonce`, as an ID token repeats it from the request of its client.
fn nonce() -> String {
    random_name()
}

/// Returns an `at_hash`, which is the left half of a digest (OpenID Connect Core §3.1.3.6).
fn at_hash() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes(16))
}

/// Returns a GUID in lower case that depends on the text only.
fn guid(text: &str) -> String {
    let digest = fingerprint(text.as_bytes());
    let nibbles = digest.bytes().map(|byte| format!("{:x}", byte & 15));
    let hex: String = nibbles.take(32).collect();
    let groups = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    groups.join("-")
}

fn random_guid() -> String {
    guid(&random_name())
}

/// Returns the ID of the tenant in the issuer of Entra ID, or `None` if the URL has no such ID.
fn tenant_in(url: &str) -> Option<&str> {
    let lengths = |it: &str| it.split('-').map(str::len).collect::<Vec<_>>();
    let mut segments = url.split('/');
    segments.find(|segment| lengths(segment) == [8, 4, 4, 4, 12])
}

/// The ID of the tenant of Entra ID, and of the environment of PingOne.
const TENANT: &str = "11112222-bbbb-3333-cccc-4444dddd5555";
/// The service account whose identity tokens the settings for Google accept.
const CALLER: &str = "robot@acme.iam.gserviceaccount.com";
/// The owner of the repositories whose identity tokens the settings for GitHub accept.
const OWNER: &str = "acme";
