//! From what a user wrote to what is checked.

use std::{sync::Arc, time::Duration};

use url::{Origin, Url};

use super::{Issuer, rules};
use crate::{
    algorithm::{Algorithm, Algorithms},
    error::ConfigError,
    introspection::{self, Introspection},
    keys::{KeyOptions, KeySet, Metadata},
    snapshot::KeySnapshot,
    token::checks::{Clients, Expected},
};

/// An issuer whose settings please.
pub(crate) struct Judged {
    pub(crate) expected: Expected,
    pub(crate) groups_claim: Arc<str>,
    pub(crate) metadata: Metadata,
    pub(crate) key_options: KeyOptions,
    pub(crate) pinned: Option<Arc<KeySet>>,
    pub(crate) stale_if_error: Duration,
    pub(crate) key_snapshot: Option<KeySnapshot>,
    pub(crate) introspection: Option<introspection::Settings>,
}

impl Issuer {
    /// What tells it from other settings: keys of an earlier process matter at the start only.
    pub(crate) fn without_snapshot(self) -> Self {
        Self {
            key_snapshot: None,
            ..self
        }
    }

    /// Whether its keys come from the same place, under the same rules.
    pub(crate) fn has_keys_of(&self, other: &Self) -> bool {
        self.url == other.url
            && self.origins == other.origins
            && self.keys == other.keys
            && self.allow_missing_key_id == other.allow_missing_key_id
            && self.rsa_without_alg() == other.rsa_without_alg()
            && self.stale_if_error == other.stale_if_error
    }

    /// `None`: the setting does not say which one.
    fn rsa_without_alg(&self) -> Option<Algorithm> {
        match self.infer_rsa_algorithm {
            true => self.algorithms.only_rsa(),
            false => Some(Algorithm::RS256),
        }
    }

    pub(crate) fn judge(self) -> Result<Judged, ConfigError> {
        let url = rules::issuer_url(&self.url, self.profile)?;
        let rsa_without_alg = self.rsa_without_alg();
        for alias in &self.aliases {
            rules::alias(alias, &url, self.profile)?;
        }
        let issuer = self.url;
        if self.audience.is_empty() {
            return Err(ConfigError::Audience { issuer });
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
            let problem = "the saved ones are another issuer's".to_owned();
            return Err(ConfigError::Keys { issuer, problem });
        }
        if let Err(problem) = rules::groups_claim(&self.groups_claim) {
            return Err(ConfigError::GroupsClaim {
                issuer,
                name: self.groups_claim,
                problem,
            });
        }
        let origins: Vec<Origin> = self
            .origins
            .iter()
            .map(|origin| rules::origin(origin, &url))
            .collect::<Result<_, _>>()?;
        let introspection = judge_introspection(self.introspection, &url);
        let introspection = introspection.map_err(|problem| ConfigError::Introspection {
            issuer: issuer.clone(),
            problem,
        })?;
        let pinned = match self
            .keys
            .map(|keys| {
                // A file may begin with a byte order mark (RFC 8259 §8.1).
                let keys = keys.strip_prefix('\u{feff}').unwrap_or(&keys);
                KeySet::parse(keys.as_bytes(), key_options)
            })
            .transpose()
        {
            Ok(pinned) => pinned,
            Err(error) => {
                return Err(ConfigError::Keys {
                    issuer,
                    problem: error.to_string(),
                });
            }
        };
        let metadata = Metadata {
            issuer: issuer.as_str().into(),
            url,
            origins,
        };
        let expected = Expected {
            issuer: issuer.into(),
            aliases: self.aliases,
            audience: self.audience.into(),
            profile: self.profile,
            clients,
            leeway: self.leeway.as_secs(),
            algorithms: self.algorithms,
            allow_missing_key_id: self.allow_missing_key_id,
        };
        Ok(Judged {
            expected,
            groups_claim: self.groups_claim.into(),
            metadata,
            key_options,
            pinned: pinned.map(Arc::new),
            stale_if_error: self.stale_if_error,
            key_snapshot: self.key_snapshot,
            introspection,
        })
    }
}

impl Judged {
    /// http, which only a loopback issuer may have.
    pub(crate) fn is_http(&self) -> bool {
        let url: &Url = &self.metadata.url;
        url.scheme() == "http"
    }
}

fn judge_introspection(
    introspection: Option<Introspection>,
    issuer: &Url,
) -> Result<Option<introspection::Settings>, &'static str> {
    let Some(introspection) = introspection else {
        return Ok(None);
    };
    let settings = introspection.prepare()?;
    if let Some(endpoint) = &settings.endpoint {
        rules::endpoint(endpoint, issuer)?;
    }
    Ok(Some(settings))
}

fn client_problem(any: bool, listed: &[String]) -> &'static str {
    match (any, listed) {
        (true, _) => "both .client_id(..) and .any_client_id() are called: leave one out",
        (false, []) => {
            "say whose tokens are accepted: .client_id(\"0oa…\") for each client, or .any_client_id()"
        }
        (false, _) => "a client id is empty",
    }
}

const MAX_STALE_IF_ERROR: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_LEEWAY: Duration = Duration::from_secs(300);
