//! The table of one issuer in settings that are data.

use std::{fmt, fs, path::PathBuf};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::{
    error::Problems,
    introspection::{IntrospectionSettings, UrlText},
};
use crate::{
    crypto::Algorithm, duration::DurationText, issuer::Issuer, keys::KeySnapshot,
    token::TokenProfile,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerSettings {
    provider: Provider,
    url: Option<String>,
    tenant: Option<String>,
    tenants: Option<ListOrAny>,
    callers: Option<Vec<String>>,
    owners_and_repositories: Option<Vec<String>>,
    profile: Option<Profile>,
    #[serde(default)]
    audiences: Vec<String>,
    client_ids: ListOrAny,
    #[serde(default)]
    also_known_as: Vec<String>,
    algorithms: Option<Vec<String>>,
    leeway: Option<DurationText>,
    groups_claim: Option<String>,
    groups_claim_path: Option<Vec<String>>,
    metadata_url: Option<UrlText>,
    jwks_uri: Option<UrlText>,
    #[serde(default)]
    allow_origins: Vec<String>,
    keys_file: Option<PathBuf>,
    key_snapshot_file: Option<PathBuf>,
    #[serde(default)]
    allow_missing_key_id: bool,
    #[serde(default)]
    infer_rsa_algorithm: bool,
    stale_if_error: Option<DurationText>,
    #[serde(default)]
    lightweight_tokens: bool,
    #[serde(default)]
    require_dpop: bool,
    introspection: Option<IntrospectionSettings>,
}

/// The constructors of `Issuer`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Provider {
    Okta,
    Rfc9068,
    Custom,
    Auth0,
    EntraV1,
    EntraV2,
    EntraTenants,
    Keycloak,
    Cognito,
    Hydra,
    Duende,
    Wso2,
    Pingone,
    Zitadel,
    GoogleIdentityTokens,
    KubernetesIdentityTokens,
    GithubActionsIdentityTokens,
    CloudflareAccessIdentityTokens,
}

/// The keys of the table `profile`, which are the methods of `TokenProfile`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    #[serde(default)]
    accept_types: Vec<String>,
    #[serde(default)]
    accept_missing_type: bool,
    client_claims: Option<Vec<String>>,
    scope_claims: Option<Vec<String>>,
    #[serde(default)]
    allow_missing_audience: bool,
    #[serde(default)]
    allow_missing_token_id: bool,
    #[serde(default)]
    allow_missing_client_id: bool,
    #[serde(default)]
    allow_missing_subject: bool,
    #[serde(default)]
    require_claims: Vec<RequiredClaim>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequiredClaim {
    claim: String,
    values: Vec<String>,
}

/// A list of texts, or `"*"` for any text.
#[derive(Clone, Debug)]
enum ListOrAny {
    Any,
    List(Vec<String>),
}

impl IssuerSettings {
    /// Returns the issuer, or `None` if there is a problem. `path` is the path of the table.
    pub(super) fn issuer(&self, path: &str, problems: &mut Problems) -> Option<Issuer> {
        let before = problems.count();
        self.check_keys(path, problems);
        let (first, more) = match self.audiences.split_first() {
            Some((first, more)) => (first.as_str(), more),
            None => ("", [].as_slice()),
        };
        let mut issuer = self.constructor(first);
        let more = match self.provider {
            Provider::Cognito => self.audiences.as_slice(),
            _ => more,
        };
        issuer = more.iter().fold(issuer, Issuer::audience);
        issuer = match &self.client_ids {
            ListOrAny::Any => issuer.any_client_id(),
            ListOrAny::List(ids) => ids.iter().fold(issuer, Issuer::client_id),
        };
        issuer = (self.also_known_as.iter()).fold(issuer, Issuer::also_known_as);
        issuer = (self.allow_origins.iter()).fold(issuer, Issuer::allow_origin);
        if let Some(names) = &self.algorithms {
            let algorithms: Vec<_> = names.iter().map(|name| name.parse::<Algorithm>()).collect();
            for (place, error) in algorithms.iter().enumerate() {
                if let Err(error) = error {
                    problems.add(&format!("{path}.algorithms[{place}]"), error);
                }
            }
            issuer = issuer.algorithms(algorithms.into_iter().flatten());
        }
        if let Some(leeway) = self.leeway {
            issuer = issuer.leeway(leeway.0);
        }
        if let Some(name) = &self.groups_claim {
            issuer = issuer.groups_claim(name);
        }
        if let Some(names) = &self.groups_claim_path {
            issuer = issuer.groups_claim_path(names.iter().cloned());
        }
        if let Some(UrlText(url)) = &self.metadata_url {
            issuer = issuer.metadata_url(url);
        }
        if let Some(UrlText(url)) = &self.jwks_uri {
            issuer = issuer.jwks_uri(url);
        }
        if self.allow_missing_key_id {
            issuer = issuer.allow_missing_key_id();
        }
        if self.infer_rsa_algorithm {
            issuer = issuer.infer_rsa_algorithm();
        }
        if let Some(time) = self.stale_if_error {
            issuer = issuer.stale_if_error(time.0);
        }
        if self.lightweight_tokens {
            issuer = issuer.lightweight_tokens();
        }
        if self.require_dpop {
            issuer = issuer.require_dpop();
        }
        if let Some(file) = &self.keys_file {
            match fs::read_to_string(file) {
                Ok(keys) => issuer = issuer.keys(keys),
                Err(error) => problems.unreadable(&format!("{path}.keys_file"), file, &error),
            }
        }
        if let Some(file) = &self.key_snapshot_file {
            let path = format!("{path}.key_snapshot_file");
            match fs::read_to_string(file) {
                Ok(text) => match serde_json::from_str::<KeySnapshot>(&text) {
                    Ok(snapshot) => issuer = issuer.key_snapshot(snapshot),
                    Err(_) => problems.add(
                        &path,
                        &"the file is not one of Verifier::key_snapshots() as JSON",
                    ),
                },
                Err(error) => problems.unreadable(&path, file, &error),
            }
        }
        if let Some(settings) = &self.introspection {
            let path = format!("{path}.introspection");
            if let Some(introspection) = settings.introspection(&path, problems) {
                issuer = issuer.introspection(introspection);
            }
        }
        (problems.count() == before).then_some(issuer)
    }

    fn constructor(&self, audience: &str) -> Issuer {
        let url = self.url.as_deref().unwrap_or_default();
        let tenant = self.tenant.as_deref().unwrap_or_default();
        let listed = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        match self.provider {
            Provider::Okta => Issuer::okta(url, audience),
            Provider::Rfc9068 => Issuer::rfc9068(url, audience),
            Provider::Custom => {
                let profile = self.profile.as_ref().map(Profile::token_profile);
                Issuer::custom(url, audience, profile.unwrap_or_default())
            }
            Provider::Auth0 => Issuer::auth0(url, audience),
            Provider::EntraV1 => Issuer::entra_v1(tenant, audience),
            Provider::EntraV2 => Issuer::entra_v2(tenant, audience),
            Provider::EntraTenants => match &self.tenants {
                Some(ListOrAny::Any) => Issuer::entra_any_tenant(audience),
                Some(ListOrAny::List(tenants)) => Issuer::entra_tenants(tenants, audience),
                None => Issuer::entra_tenants([""; 0], audience),
            },
            Provider::Keycloak => Issuer::keycloak(url, audience),
            Provider::Cognito => Issuer::cognito(url),
            Provider::Hydra => Issuer::hydra(url, audience),
            Provider::Duende => Issuer::duende(url, audience),
            Provider::Wso2 => Issuer::wso2(url, audience),
            Provider::Pingone => Issuer::pingone(url, audience),
            Provider::Zitadel => Issuer::zitadel(url, audience),
            Provider::GoogleIdentityTokens => {
                Issuer::google_identity_tokens(audience, listed(&self.callers))
            }
            Provider::KubernetesIdentityTokens => Issuer::kubernetes_identity_tokens(url, audience),
            Provider::GithubActionsIdentityTokens => Issuer::github_actions_identity_tokens(
                audience,
                listed(&self.owners_and_repositories),
            ),
            Provider::CloudflareAccessIdentityTokens => {
                Issuer::cloudflare_access_identity_tokens(url, audience)
            }
        }
    }

    /// Checks that the keys which only some providers have are present or absent.
    fn check_keys(&self, path: &str, problems: &mut Problems) {
        use Provider::{
            Custom, EntraTenants, EntraV1, EntraV2, GithubActionsIdentityTokens,
            GoogleIdentityTokens,
        };
        let provider = self.provider;
        let is_single = matches!(provider, EntraV1 | EntraV2);
        let has_own_url = is_single
            || matches!(
                provider,
                EntraTenants | GoogleIdentityTokens | GithubActionsIdentityTokens
            );
        for (key, is_given, is_used, is_required) in [
            ("url", self.url.is_some(), !has_own_url, true),
            ("tenant", self.tenant.is_some(), is_single, true),
            (
                "tenants",
                self.tenants.is_some(),
                provider == EntraTenants,
                true,
            ),
            (
                "callers",
                self.callers.is_some(),
                provider == GoogleIdentityTokens,
                true,
            ),
            (
                "owners_and_repositories",
                self.owners_and_repositories.is_some(),
                provider == GithubActionsIdentityTokens,
                true,
            ),
            ("profile", self.profile.is_some(), provider == Custom, false),
        ] {
            match (is_given, is_used) {
                (false, true) if is_required => {
                    problems.add(path, &format_args!("this provider needs `{key}`; write it"));
                }
                (true, false) => problems.add(
                    &format!("{path}.{key}"),
                    &"this provider does not have it; remove it",
                ),
                _ => {}
            }
        }
        if self.groups_claim.is_some() && self.groups_claim_path.is_some() {
            let path = format!("{path}.groups_claim_path");
            problems.add(&path, &"groups_claim is set too; write one of them");
        }
        if self.audiences.is_empty() && provider != Provider::Cognito {
            problems.add(
                &format!("{path}.audiences"),
                &"no audience is accepted; write a list with the `aud` of the access tokens, such as [\"https://orders.example\"]",
            );
        }
        if matches!(&self.client_ids, ListOrAny::List(ids) if ids.is_empty()) {
            problems.add(
                &format!("{path}.client_ids"),
                &"no client is accepted; write the IDs, or \"*\" to accept every client",
            );
        }
    }
}

impl Profile {
    fn token_profile(&self) -> TokenProfile {
        let mut profile = TokenProfile::new();
        profile = (self.accept_types.iter()).fold(profile, TokenProfile::accept_type);
        if self.accept_missing_type {
            profile = profile.accept_missing_type();
        }
        if let Some(names) = &self.client_claims {
            profile = profile.client_claims(names.iter().cloned());
        }
        if let Some(names) = &self.scope_claims {
            profile = profile.scope_claims(names.iter().cloned());
        }
        if self.allow_missing_audience {
            profile = profile.allow_missing_audience();
        }
        if self.allow_missing_token_id {
            profile = profile.allow_missing_token_id();
        }
        if self.allow_missing_client_id {
            profile = profile.allow_missing_client_id();
        }
        if self.allow_missing_subject {
            profile = profile.allow_missing_subject();
        }
        let required = self.require_claims.iter();
        required.fold(profile, |profile, RequiredClaim { claim, values }| {
            profile.require_claim(claim, values.iter().cloned())
        })
    }
}

impl<'de> Deserialize<'de> for ListOrAny {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = ListOrAny;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts, or \"*\" for any")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ListOrAny, E> {
        match text {
            "*" => Ok(ListOrAny::Any),
            _ => Err(E::custom("write a list of texts, or \"*\" for any")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<ListOrAny, A::Error> {
        let list = Vec::<String>::deserialize(SeqAccessDeserializer::new(sequence))?;
        match list.iter().any(|text| text == "*") {
            true => Err(A::Error::custom(
                "\"*\" must not be in a list; write \"*\" without brackets",
            )),
            false => Ok(ListOrAny::List(list)),
        }
    }
}
