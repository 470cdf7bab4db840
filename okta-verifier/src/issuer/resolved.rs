//! Validates [`Issuer`] settings.

use super::{
    GroupsClaim, Issuer,
    url::{self as rules},
};
use crate::{
    crypto::{Algorithm, Algorithms},
    error::{ConfigError, UnavailableReason},
    introspection::{self, Introspection, IntrospectionReason},
    keys::{KeyOptions, KeySet, KeySnapshot, Metadata},
    net::PlainHttp,
    token::{
        checks::{Clients, Expected, MAX_AUDIENCES},
        json,
        profile::{Profile, Provider},
        tenants::{Tenants, is_tenant_id},
    },
};
use std::{borrow::Cow, sync::Arc, time::Duration};
use url::Origin;

/// Validated issuer settings.
pub(crate) struct ResolvedIssuer {
    pub(crate) expected: Expected,
    pub(crate) groups_claim: Arc<[Box<str>]>,
    pub(crate) metadata: Metadata,
    /// Where the keys are, if they are not found in the metadata.
    pub(crate) jwks_uri: Option<String>,
    pub(crate) key_options: KeyOptions,
    pub(crate) pinned: Option<Arc<KeySet>>,
    pub(crate) stale_if_error: Duration,
    pub(crate) key_snapshot: Option<KeySnapshot>,
    pub(crate) introspection: Option<introspection::Settings>,
}

impl Issuer {
    /// Returns the settings without the key snapshot, for comparisons. The snapshot is used at startup
    /// only.
    pub(crate) fn without_snapshot(self) -> Self {
        Self {
            key_snapshot: None,
            ..self
        }
    }

    /// Returns these settings with the key snapshot of any entry that shares the keys.
    pub(crate) fn with_snapshot_of(&self, entries: &[Self]) -> Self {
        let mut sharing = entries.iter().filter(|entry| entry.has_keys_of(self));
        let key_snapshot = sharing.find_map(|entry| entry.key_snapshot.clone());
        Self {
            key_snapshot: self.key_snapshot.clone().or(key_snapshot),
            ..self.clone()
        }
    }

    /// Returns the values of `iss` that stand for this issuer.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(String::as_str);
        std::iter::once(self.url.as_str()).chain(aliases)
    }

    /// Returns the client that introspects tokens, or `None` without introspection.
    #[cfg(feature = "explain")]
    pub(crate) fn introspecting_client(&self) -> Option<&str> {
        Some(self.introspection.as_ref()?.client_id())
    }

    /// Returns whether both settings take the keys from the same source under the same rules.
    pub(crate) fn has_keys_of(&self, other: &Self) -> bool {
        self.url == other.url
            && self.metadata_url == other.metadata_url
            && self.jwks_uri == other.jwks_uri
            && self.provider_jwks_uri == other.provider_jwks_uri
            && self.origins == other.origins
            && self.insecure_origins == other.insecure_origins
            && self.keys == other.keys
            && self.allow_missing_key_id == other.allow_missing_key_id
            && self.rsa_without_alg() == other.rsa_without_alg()
            && self.stale_if_error == other.stale_if_error
    }

    /// Returns the algorithm of RSA keys without `alg`, or `None` if it must be inferred but the settings
    /// do not list exactly one RSA algorithm.
    fn rsa_without_alg(&self) -> Option<Algorithm> {
        match self.infer_rsa_algorithm {
            true => self.algorithms.only_rsa(),
            false => Some(Algorithm::RS256),
        }
    }

    /// Returns what is wrong with the profile, or with a setting that only some profiles have.
    fn profile_problem(&self) -> Option<String> {
        let Profile::Custom(profile) = &self.profile else {
            return self.lightweight_tokens.then(|| NOT_KEYCLOAK.to_owned());
        };
        if let Some(problem) = profile.problem() {
            return Some(problem);
        }
        let problem = if profile.allows_missing_audience() && self.any_client_id {
            "tokens without an audience are accepted for listed clients only; replace .any_client_id() with .client_id(..)"
        } else if *profile.provider() == Provider::Auth0 && !self.url.ends_with('/') {
            // Without the slash every token has another `iss`, and no metadata is fetched that would show it.
            let url = &self.url;
            return Some(format!(
                "the issuer of an Auth0 tenant ends with a slash; write {url}/"
            ));
        } else if *profile.provider() == Provider::Keycloak && self.url.ends_with('/') {
            let url = self.url.trim_end_matches('/');
            return Some(format!(
                "the issuer of a realm does not end with a slash; write {url}"
            ));
        } else if self.tenants == Some(Tenants::Listed(Vec::new())) {
            "no tenant is accepted; write the ID of each tenant, or use Issuer::entra_any_tenant(..)"
        } else if self.tenants.is_some() && !self.aliases.is_empty() {
            "an issuer with several tenants has no aliases; remove .also_known_as(..)"
        } else if self.lightweight_tokens && *profile.provider() != Provider::Keycloak {
            NOT_KEYCLOAK
        } else if self.lightweight_tokens && self.introspection.is_none() {
            "lightweight tokens leave their audience to the introspection response; add .introspection(..)"
        } else {
            let is_incomplete =
                |list: &[String]| list.is_empty() || list.iter().any(String::is_empty);
            let missing = match profile.provider() {
                Provider::Google(callers) if is_incomplete(callers) => "email or sub",
                Provider::GitHubActions(allowed) if is_incomplete(allowed) => "owner or repository",
                _ => return self.tenant_problem(),
            };
            return Some(format!(
                "anyone can get an identity token for any audience here; write each {missing} whose tokens are accepted"
            ));
        };
        Some(problem.to_owned())
    }

    /// Returns what is wrong with the tenants.
    fn tenant_problem(&self) -> Option<String> {
        let listed = match &self.tenants {
            Some(Tenants::Listed(tenants)) => tenants.as_slice(),
            Some(Tenants::Any) | None => &[],
        };
        let wrong = (listed.iter().chain(&self.tenant)).find(|tenant| !is_tenant_id(tenant))?;
        Some(format!(
            "{wrong:?} is not the ID of a tenant; write the GUID, in lower case"
        ))
    }

    pub(crate) fn resolve(self) -> Result<ResolvedIssuer, ConfigError> {
        let insecure_origins: Vec<Origin> = self
            .insecure_origins
            .iter()
            .map(|origin| rules::insecure_origin(origin))
            .collect::<Result<_, _>>()?;
        // The issuer itself may be on loopback, and so may its aliases, which receive no request.
        let plain_names = PlainHttp::new(true, insecure_origins);
        let has_tenants = self.tenants.is_some();
        let url = rules::issuer_url(&self.url, &self.profile, has_tenants, &plain_names)?;
        let rsa_without_alg = self.rsa_without_alg();
        for alias in &self.aliases {
            rules::alias(alias, (&self.url, &url), &self.profile, &plain_names)?;
        }
        // An https issuer never has its metadata, keys or tokens sent over http, not even on loopback,
        // unless the origin is named.
        let plain_http = plain_names.for_requests(&url);
        let problem = self.profile_problem();
        let issuer = self.url;
        if let Some(problem) = problem {
            return Err(ConfigError::Profile { issuer, problem });
        }
        if let Some(problem) = audience_problem(&self.audiences, &self.profile) {
            return Err(ConfigError::Audience { issuer, problem });
        }
        let clients = match (self.any_client_id, self.client_ids) {
            (true, listed) if listed.is_empty() => Clients::Any,
            (false, listed) if !listed.is_empty() && listed.iter().all(|id| !id.is_empty()) => {
                Clients::Listed(listed)
            }
            (any, listed) => {
                return Err(ConfigError::Client {
                    issuer,
                    problem: client_problem(any, &listed),
                });
            }
        };
        if self.algorithms == Algorithms::NONE {
            return Err(ConfigError::NoAlgorithm { issuer });
        }
        let Some(rsa_without_alg) = rsa_without_alg else {
            return Err(ConfigError::InferRsaAlgorithm { issuer });
        };
        let key_options = KeyOptions {
            allow_missing_key_id: self.allow_missing_key_id,
            rsa_without_alg,
        };
        if self.leeway > MAX_LEEWAY {
            return Err(ConfigError::Leeway {
                issuer,
                seconds: self.leeway.as_secs(),
            });
        }
        if self.stale_if_error > MAX_STALE_IF_ERROR {
            let seconds = self.stale_if_error.as_secs();
            return Err(ConfigError::StaleIfError { issuer, seconds });
        }
        if self
            .key_snapshot
            .as_ref()
            .is_some_and(|saved| saved.issuer != issuer)
        {
            let problem = "the key snapshot belongs to another issuer".to_owned();
            return Err(ConfigError::Keys { issuer, problem });
        }
        let groups_claim = self.groups_claim.resolve(&issuer)?;
        let mut origins: Vec<Origin> = self
            .origins
            .iter()
            .map(|origin| rules::origin(origin, &plain_http))
            .collect::<Result<_, _>>()?;
        if let Some(document) = &self.metadata_url {
            match rules::request_url(document, &plain_http) {
                Ok(document) => origins.push(document.origin()),
                Err(problem) => return Err(ConfigError::MetadataUrl { issuer, problem }),
            }
        }
        let provider_jwks_uri = self.provider_jwks_uri.filter(|_| self.keys.is_none());
        let jwks_uri = self.jwks_uri.or(provider_jwks_uri);
        if let Some(jwks_uri) = &jwks_uri {
            let problem = match rules::request_url(jwks_uri, &plain_http) {
                Ok(_) if self.keys.is_none() => None,
                Ok(_) => Some("the keys are pinned; remove .jwks_uri(..) or .keys(..)"),
                Err(problem) => Some(problem),
            };
            if let Some(problem) = problem {
                return Err(ConfigError::JwksUri { issuer, problem });
            }
        }
        let introspection =
            resolve_introspection(self.introspection, &plain_http, self.keys.is_some());
        let introspection = introspection.map_err(|problem| ConfigError::Introspection {
            issuer: issuer.clone(),
            problem: problem.into_owned(),
        })?;
        let pinned = match self
            .keys
            .map(|keys| {
                // A key file may begin with a byte order mark (RFC 8259 §8.1).
                let keys = keys.strip_prefix('\u{feff}').unwrap_or(&keys);
                KeySet::parse(keys.as_bytes(), key_options)
            })
            .transpose()
        {
            Ok(pinned) => pinned,
            Err(error) => {
                let problem = match error {
                    UnavailableReason::Malformed { .. } => NOT_A_KEY_SET.to_owned(),
                    error => error.to_string(),
                };
                return Err(ConfigError::Keys { issuer, problem });
            }
        };
        let metadata = Metadata {
            issuer: issuer.as_str().into(),
            url,
            document: self.metadata_url,
            origins,
            plain_http,
        };
        let expected = Expected {
            issuer: issuer.into(),
            aliases: self.aliases,
            tenants: self.tenants,
            audiences: self.audiences,
            profile: self.profile,
            lightweight_tokens: self.lightweight_tokens,
            require_dpop: self.require_dpop,
            introspects_every_token: (introspection.as_ref())
                .is_some_and(|it| it.introspects(IntrospectionReason::Accepted)),
            clients,
            leeway: self.leeway.as_secs(),
            algorithms: self.algorithms,
            allow_missing_key_id: self.allow_missing_key_id,
        };
        Ok(ResolvedIssuer {
            expected,
            groups_claim,
            metadata,
            jwks_uri,
            key_options,
            pinned: pinned.map(Arc::new),
            stale_if_error: self.stale_if_error,
            key_snapshot: self.key_snapshot,
            introspection,
        })
    }
}

impl ResolvedIssuer {
    /// Returns whether the issuer uses http because it is on loopback.
    pub(crate) fn is_http_on_loopback(&self) -> bool {
        let Metadata {
            url, plain_http, ..
        } = &self.metadata;
        url.scheme() == "http" && !plain_http.is_named(url)
    }

    /// Returns the schemes of the URLs that are requested for the keys, or for the introspection endpoint:
    /// the configured URL or, without it, the metadata and what it may name.
    pub(crate) fn schemes<'s>(
        &'s self,
        configured: Option<&'s str>,
    ) -> impl Iterator<Item = &'s str> {
        let scheme = configured.map(|url| url.split(':').next().unwrap_or_default());
        let of_metadata = match scheme {
            Some(_) => None,
            None => Some(self.metadata.schemes()),
        };
        scheme.into_iter().chain(of_metadata.into_iter().flatten())
    }
}

fn resolve_introspection(
    introspection: Option<Introspection>,
    plain_http: &PlainHttp,
    has_pinned_keys: bool,
) -> Result<Option<introspection::Settings>, Cow<'static, str>> {
    let Some(introspection) = introspection else {
        return Ok(None);
    };
    // Only the pinned keys are trusted, so a response of the issuer must not make a token with an unknown
    // key acceptable.
    if has_pinned_keys && introspection.has_unknown_keys() {
        return Err(
            "with the pinned keys of Issuer::keys(..), a token with an unknown key is rejected; remove .tokens_with_unknown_keys() or .keys(..)".into(),
        );
    }
    let settings = introspection.prepare()?;
    if let Some(endpoint) = &settings.endpoint {
        rules::request_url(endpoint, plain_http)
            .map_err(|problem| format!("endpoint: {problem}"))?;
    }
    Ok(Some(settings))
}

fn audience_problem(audiences: &[String], profile: &Profile) -> Option<&'static str> {
    let is_optional = matches!(profile, Profile::Custom(it) if it.allows_missing_audience());
    if audiences.iter().any(String::is_empty) || (audiences.is_empty() && !is_optional) {
        return Some(
            "the audience is empty; write the `aud` of its access tokens, such as \"api://default\"",
        );
    }
    if audiences.len() > MAX_AUDIENCES {
        return Some("there are more than 64 audiences; write several entries with the same URL");
    }
    let is_repeated = |(place, audience)| audiences[..place].contains(audience);
    if audiences.iter().enumerate().any(is_repeated) {
        return Some("an audience is written twice; remove one of them");
    }
    None
}

fn client_problem(any: bool, listed: &[String]) -> &'static str {
    match (any, listed) {
        (true, _) => "both .client_id(..) and .any_client_id() are called; remove one of them",
        (false, []) => {
            "no client is accepted; call .client_id(..) with the ID of each client, or .any_client_id()"
        }
        (false, _) => "a client ID is empty; write the ID of the client",
    }
}

const NOT_KEYCLOAK: &str = "lightweight tokens are a feature of Keycloak; use Issuer::keycloak(..), or remove .lightweight_tokens()";
const NOT_A_KEY_SET: &str = r#"the text is not a JSON key set (RFC 7517 §5); write the document that the issuer's jwks_uri responds with, such as {"keys":[{"kty":"RSA","kid":"…","n":"…","e":"AQAB"}]}"#;
const MAX_STALE_IF_ERROR: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_LEEWAY: Duration = Duration::from_secs(300);

impl GroupsClaim {
    /// Returns the path of the claim. The path of a top-level claim has one name.
    fn resolve(self, issuer: &str) -> Result<Arc<[Box<str>]>, ConfigError> {
        let issuer = || issuer.to_owned();
        let path = match self {
            Self::Name(name) => match groups_claim(&name) {
                Ok(()) => vec![name],
                Err(problem) => {
                    let issuer = issuer();
                    return Err(ConfigError::GroupsClaim {
                        issuer,
                        name,
                        problem,
                    });
                }
            },
            Self::Path(path) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                match json::check_path(&names) {
                    Ok(()) => path,
                    Err(problem) => {
                        let issuer = issuer();
                        return Err(ConfigError::GroupsClaimPath {
                            issuer,
                            path,
                            problem,
                        });
                    }
                }
            }
        };
        Ok(path.into_iter().map(String::into_boxed_str).collect())
    }
}

/// Checks the name of a groups claim.
///
/// A name is that of a top-level claim, so a path such as `realm_access.roles` would silently match nothing.
/// A name with a character of path expressions, such as a dot, is accepted only if it is a
/// collision-resistant name (RFC 7519 §2): a URI, a domain name with a path, a reversed domain name of
/// three labels or more, or an object identifier.
fn groups_claim(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err(
            "write the name of the claim, as the authorization server's claims page shows it",
        );
    }
    let is_plain = !name.contains(['.', '/', '[', ']', '$']) && !name.contains("->");
    if is_plain || is_uri(name) || is_domain_and_path(name) || is_reversed(name) || is_oid(name) {
        return Ok(());
    }
    Err(
        "a name is not a path; call .groups_claim_path([..]) with the names of the path, such as .groups_claim_path([\"realm_access\", \"roles\"]) (a single name with dots must be a URI, such as \"https://acme.example/groups\")",
    )
}

/// Returns whether the name is a URI (RFC 3986 §3), which is a scheme, a colon and more text, without the
/// characters of path expressions.
fn is_uri(name: &str) -> bool {
    let Some((scheme, rest)) = name.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-'))
        && !rest.is_empty()
        && !rest.contains(['[', ']', '$', '>'])
}

/// Returns whether the name is a domain name with a path, such as `acme.example/groups`.
fn is_domain_and_path(name: &str) -> bool {
    let Some((domain, path)) = name.split_once('/') else {
        return false;
    };
    domain.contains('.')
        && domain.split('.').all(is_label)
        && !path.is_empty()
        && !path.contains(['[', ']', '$', '>'])
}

/// Returns whether the name is a reversed domain name, such as `com.acme.groups`. The first label must be a
/// generic top-level domain, or two lower-case letters as for a country.
fn is_reversed(name: &str) -> bool {
    let labels: Vec<_> = name.split('.').collect();
    let is_country =
        |label: &str| label.len() == 2 && label.bytes().all(|byte| byte.is_ascii_lowercase());
    labels.len() >= 3
        && labels.iter().all(|label| is_name(label))
        && (is_country(labels[0]) || GENERIC_DOMAINS.contains(&labels[0]))
}

/// Returns whether the name is an object identifier, such as `1.3.6.1.4.1.99999.1`.
fn is_oid(name: &str) -> bool {
    let is_number = |arc: &str| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit());
    name.split('.').count() >= 3 && name.split('.').all(is_number)
}

/// Returns whether the text is a label of a domain name (RFC 1123 §2.1).
fn is_label(label: &str) -> bool {
    is_name(label) && !label.contains('_')
}

fn is_name(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Generic top-level domains, none of which is a likely name of a claim.
const GENERIC_DOMAINS: [&str; 7] = ["biz", "com", "edu", "gov", "io", "net", "org"];
