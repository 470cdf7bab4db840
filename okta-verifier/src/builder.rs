use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Client, ClientBuilder};

use crate::{
    crypto::random_u64,
    error::ConfigError,
    issuer::{Issuer, Judged},
    keys::{KeyStore, Source, Store},
    remote::Fetch,
    request::{Challenges, DEFAULT_REALM},
    time::Now,
    token::Origin,
    verifier::{Tenant, Verifier},
};

/// Settings of a [`Verifier`].
///
/// ```
/// use okta_verifier::{Issuer, Verifier};
///
/// let verifier = Verifier::builder()
///     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").client_id("0oa1client"))
///     .realm("orders")
///     .build()?;
///
/// assert!(Verifier::builder().build().is_err()); // no issuer
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[must_use]
pub struct VerifierBuilder {
    issuers: Vec<Issuer>,
    realm: String,
    http_client: Option<ClientBuilder>,
    fetch_timeout: Duration,
    cached_tokens: u64,
}

impl Verifier {
    /// Begins with no issuer.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder {
            issuers: Vec::new(),
            realm: DEFAULT_REALM.to_owned(),
            http_client: None,
            fetch_timeout: DEFAULT_FETCH_TIMEOUT,
            cached_tokens: DEFAULT_CACHED_TOKENS,
        }
    }
}

impl VerifierBuilder {
    /// Accepts this issuer's tokens; call it once for each. Each has its own keys.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// The `realm` of challenges (RFC 9110 §11.5). Default `api`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Proxy, private CA and client identity for every fetch from https issuers. Time-outs and
    /// redirects are ours to set, whatever it says.
    pub fn http_client(mut self, client: ClientBuilder) -> Self {
        self.http_client = Some(client);
        self
    }

    /// How long metadata and keys together may take. Default 3 s; 50 ms to 30 s.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// How many verified tokens are remembered, so that each costs its signature once. Default
    /// 10,000; 0 remembers none.
    ///
    /// A remembered token is refused like any other once it expires or its key is withdrawn. One
    /// above 4 KiB, and one that is not presented for an hour, is not remembered.
    pub fn cached_tokens(mut self, tokens: u64) -> Self {
        self.cached_tokens = tokens;
        self
    }

    /// No I/O: the service starts while the issuer is down, and fetches keys when the first
    /// token comes, or in [`Verifier::warm_up`].
    ///
    /// # Errors
    ///
    /// The first setting that is wrong, with what to write instead.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if self.issuers.is_empty() {
            return Err(ConfigError::NoIssuer);
        }
        if !FETCH_TIMEOUTS.contains(&self.fetch_timeout) {
            return Err(ConfigError::FetchTimeout);
        }
        let challenges = Arc::new(Challenges::new(&self.realm)?);
        let mut clients = Clients {
            https: None,
            loopback: None,
            builder: self.http_client,
            deadline: self.fetch_timeout,
        };
        let mut tenants: Vec<Tenant> = Vec::new();
        for issuer in self.issuers {
            let judged = issuer.judge()?;
            if tenants
                .iter()
                .any(|tenant| tenant.issuer() == &*judged.expected.issuer)
            {
                return Err(ConfigError::DuplicateIssuer {
                    url: judged.expected.issuer.into(),
                });
            }
            tenants.push(tenant(judged, &mut clients, &challenges)?);
        }
        Ok(Verifier::new(tenants, self.cached_tokens, challenges))
    }
}

/// Leaves the HTTP client out: a proxy's password may be in it.
impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("issuers", &self.issuers)
            .field("realm", &self.realm)
            .field("fetch_timeout", &self.fetch_timeout)
            .finish_non_exhaustive()
    }
}

fn tenant(
    mut judged: Judged,
    clients: &mut Clients,
    challenges: &Arc<Challenges>,
) -> Result<Tenant, ConfigError> {
    let keys = match judged.pinned.take() {
        Some(set) => KeyStore::Pinned(Arc::new(set)),
        None => {
            let fetch = clients.fetch_for(&judged)?;
            let source = Source::new(fetch, judged.metadata, clients.deadline);
            let mut store = Store::new(source, random_u64(), judged.stale_if_error);
            if let Some(saved) = judged.key_snapshot {
                store = store
                    .restore(&saved, Now::read())
                    .map_err(|error| ConfigError::Keys {
                        issuer: saved.issuer,
                        problem: error.to_string(),
                    })?;
            }
            KeyStore::Fetched(Arc::new(store))
        }
    };
    let expected = Arc::new(judged.expected);
    let origin = Origin {
        expected,
        groups_claim: judged.groups_claim,
        challenges: challenges.clone(),
    };
    Ok(Tenant { origin, keys })
}

/// Built when the first issuer needs them: pinned keys need no CA certificates.
struct Clients {
    https: Option<Fetch>,
    loopback: Option<Fetch>,
    builder: Option<ClientBuilder>,
    deadline: Duration,
}

impl Clients {
    fn fetch_for(&mut self, judged: &Judged) -> Result<Fetch, ConfigError> {
        let fetch = if judged.is_http() {
            tracing::warn!(
                "an issuer is asked over http, which is for development on this machine only"
            );
            match &self.loopback {
                Some(fetch) => return Ok(fetch.clone()),
                None => self.loopback.insert(Fetch::loopback(self.deadline)?),
            }
        } else {
            match &self.https {
                Some(fetch) => return Ok(fetch.clone()),
                None => {
                    let builder = self.builder.take().unwrap_or_else(Client::builder);
                    self.https.insert(Fetch::https(builder, self.deadline)?)
                }
            }
        };
        Ok(fetch.clone())
    }
}

const DEFAULT_FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const DEFAULT_CACHED_TOKENS: u64 = 10_000;
const FETCH_TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(50)..=Duration::from_secs(30);
