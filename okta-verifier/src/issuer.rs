use std::{fmt, sync::Arc, time::Duration};

use url::{Origin, Url};

use crate::{
    algorithm::{Algorithm, Algorithms},
    error::ConfigError,
    keys::{DEFAULT_STALE_IF_ERROR, KeySet, Metadata},
    snapshot::KeySnapshot,
    token::checks::{Clients, Expected, Profile},
};

mod rules;

/// Whose tokens are accepted, and which of them.
///
/// What must be checked must be said: the issuer and the audience are arguments, and client ids
/// are either named or waived with [`any_client_id`](Self::any_client_id). Settings are judged by
/// [`VerifierBuilder::build`](crate::VerifierBuilder::build).
///
/// ```
/// use okta_verifier::{Issuer, Verifier};
///
/// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default");
/// assert!(Verifier::builder().issuer(issuer.clone()).build().is_err()); // which clients?
/// assert!(Verifier::builder().issuer(issuer.client_id("0oa1client")).build().is_ok());
/// ```
#[derive(Clone, PartialEq)]
pub struct Issuer {
    url: String,
    aliases: Vec<String>,
    audience: String,
    profile: Profile,
    client_ids: Vec<String>,
    any_client_id: bool,
    algorithms: Algorithms,
    leeway: Duration,
    groups_claim: String,
    origins: Vec<String>,
    keys: Option<String>,
    stale_if_error: Duration,
    key_snapshot: Option<KeySnapshot>,
}

impl Issuer {
    /// An Okta custom authorization server: `https://{domain}/oauth2/{id}`, written as its
    /// metadata writes it. Tokens carry `cid` and `scp`; `typ` may be absent, `JWT` or `at+jwt`.
    ///
    /// `audience` is the one of the server's settings, `api://default` for the server `default`.
    #[must_use]
    pub fn okta(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(Profile::Okta, url.into(), audience.into())
    }

    /// Any issuer of RFC 9068 access tokens: `typ` must be `at+jwt`, and `client_id`, `iat` and
    /// `jti` must be there.
    #[must_use]
    pub fn rfc9068(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(Profile::Rfc9068, url.into(), audience.into())
    }

    fn new(profile: Profile, url: String, audience: String) -> Self {
        Self {
            url,
            aliases: Vec::new(),
            audience,
            profile,
            client_ids: Vec::new(),
            any_client_id: false,
            algorithms: Algorithms::ALL,
            leeway: DEFAULT_LEEWAY,
            groups_claim: "groups".to_owned(),
            origins: Vec::new(),
            keys: None,
            stale_if_error: DEFAULT_STALE_IF_ERROR,
            key_snapshot: None,
        }
    }

    /// Accepts tokens issued to this client; call it once for each.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_ids.push(client_id.into());
        self
    }

    /// Waives the check of the client: any client of the authorization server may call.
    #[must_use]
    pub fn any_client_id(mut self) -> Self {
        self.any_client_id = true;
        self
    }

    /// Narrows the algorithms. Default: every supported one, each key with its own.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms
            .into_iter()
            .fold(Algorithms::NONE, Algorithms::with);
        self
    }

    /// For clocks that differ: `exp`, `nbf` and `iat` may be off by this much. Default 60 s, at
    /// most 300 s.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The claim that lists groups. Default `groups`; the name is free at Okta.
    #[must_use]
    pub fn groups_claim(mut self, name: impl Into<String>) -> Self {
        self.groups_claim = name.into();
        self
    }

    /// Another `iss` of the same Okta authorization server: the same path under another domain of
    /// the org, such as a custom one beside `acme.okta.com`. Call it once for each.
    ///
    /// It shares the keys and is never asked for any. What it issues is the issuer's own:
    /// [`VerifiedToken::issuer`](crate::VerifiedToken::issuer) says the issuer's URL.
    #[must_use]
    pub fn also_known_as(mut self, url: impl Into<String>) -> Self {
        self.aliases.push(url.into());
        self
    }

    /// Lets the metadata name URLs of another origin, such as `https://keys.example.com`.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Pins the keys to a key set, given as JSON text (RFC 7517 §5): nothing is ever fetched,
    /// and a rotation needs a new verifier.
    #[must_use]
    pub fn keys(mut self, jwks: impl Into<String>) -> Self {
        self.keys = Some(jwks.into());
        self
    }
}

impl Issuer {
    /// How long keys serve past their freshness while they cannot be fetched (RFC 5861 §4).
    /// Default 1 h, at most 24 h; zero: not at all.
    ///
    /// Trust in the keys of one good fetch ends after their freshness, 1 h at most, and this;
    /// then requests get 503. A longer time survives a longer outage of the issuer, and trusts a
    /// key that was withdrawn in it for as long.
    #[must_use]
    pub fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// Begins with the keys of an earlier process, as old as they are.
    #[must_use]
    pub fn key_snapshot(mut self, snapshot: KeySnapshot) -> Self {
        self.key_snapshot = Some(snapshot);
        self
    }
}

/// Leaves pinned keys out: somebody may have pinned private ones by mistake.
impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .field("audience", &self.audience)
            .field("profile", &self.profile)
            .field("client_ids", &self.client_ids)
            .field("any_client_id", &self.any_client_id)
            .finish_non_exhaustive()
    }
}

/// An issuer whose settings please.
pub(crate) struct Judged {
    pub(crate) expected: Expected,
    pub(crate) groups_claim: Arc<str>,
    pub(crate) metadata: Metadata,
    pub(crate) pinned: Option<Arc<KeySet>>,
    pub(crate) stale_if_error: Duration,
    pub(crate) key_snapshot: Option<KeySnapshot>,
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
            && self.stale_if_error == other.stale_if_error
    }

    pub(crate) fn judge(self) -> Result<Judged, ConfigError> {
        let url = rules::issuer_url(&self.url, self.profile)?;
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
        if self.groups_claim.is_empty() {
            return Err(ConfigError::GroupsClaim { issuer });
        }
        let origins: Vec<Origin> = self
            .origins
            .iter()
            .map(|origin| rules::origin(origin, &url))
            .collect::<Result<_, _>>()?;
        let pinned = match self
            .keys
            .map(|keys| KeySet::parse(keys.as_bytes()))
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
        };
        Ok(Judged {
            expected,
            groups_claim: self.groups_claim.into(),
            metadata,
            pinned: pinned.map(Arc::new),
            stale_if_error: self.stale_if_error,
            key_snapshot: self.key_snapshot,
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

fn client_problem(any: bool, listed: &[String]) -> &'static str {
    match (any, listed) {
        (true, _) => "both .client_id(..) and .any_client_id() are called: leave one out",
        (false, []) => {
            "say whose tokens are accepted: .client_id(\"0oa…\") for each client, or .any_client_id()"
        }
        (false, _) => "a client id is empty",
    }
}

const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
const MAX_STALE_IF_ERROR: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_LEEWAY: Duration = Duration::from_secs(300);
