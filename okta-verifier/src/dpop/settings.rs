//! [`DpopSettings`]: the configuration of DPoP.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    external_url::External,
    nonce::DpopNonces,
    proof::{ProofKeys, Window},
    replay::{Memory, Remote, ReplayStore},
};
use crate::error::ConfigError;

/// Accepts DPoP-bound tokens (RFC 9449) and their proofs.
///
/// A proof names the URL that it was made for, so the external URL of this service must be known:
/// [`base_url`](Self::base_url) configures it, or a trusted proxy sends its host
/// ([`forwarded_host`](Self::forwarded_host)). Without these settings every DPoP-bound token is rejected.
///
/// ```
/// use std::time::Duration;
/// use okta_verifier::{Issuer, Verifier, dpop::{DpopNonces, DpopSettings}};
///
/// let verifier = Verifier::builder()
///     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
///     .dpop(
///         DpopSettings::base_url("https://api.example.com")
///             .window(Duration::from_secs(60), Duration::from_secs(30))
///             .nonces(DpopNonces::random()),
///     )
///     .build()?;
///
/// let wrong = DpopSettings::base_url("http://api.example.com"); // DPoP does not replace TLS
/// assert!(Verifier::builder().dpop(wrong).build().is_err());
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[must_use]
pub struct DpopSettings {
    external: ExternalUrl,
    past: Duration,
    future: Duration,
    capacity: Option<usize>,
    per_caller: Option<usize>,
    store: Option<Arc<dyn ReplayStore>>,
    nonces: Option<DpopNonces>,
}

enum ExternalUrl {
    Base(String),
    Forwarded,
}

impl DpopSettings {
    /// Configures the external URL of this service, such as `https://api.example.com`. A path in it is
    /// put before the service's own paths: behind a gateway that strips `/v1`, write
    /// `https://api.example.com/v1`.
    ///
    /// A gateway that strips `/v1` forwards both `/v1` and `/v1/` as `/`, because a request target is
    /// never empty (RFC 9112 §3.2.1). A request to `/` is therefore accepted with a proof for either. A
    /// slash at the end of `url` makes no difference.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
    /// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    /// # let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    /// let verifier = builder.dpop(DpopSettings::base_url("https://api.example.com/v1")).build()?;
    /// # let jwt = client.bind(okta.token("ada")).sign();
    /// # let authorization = format!("DPoP {jwt}");
    /// // The gateway has stripped `/v1` from the path.
    /// let accepts = |htu: &str, target: &str| {
    ///     let proof = client.proof("GET", htu).token(&jwt).sign();
    ///     let credentials = RequestCredentials::new([authorization.as_bytes()])
    ///         .dpop([proof.as_bytes()])
    ///         .request("GET", target);
    ///     verifier.authenticate(&credentials).into_ready().expect("no I/O").is_ok()
    /// };
    /// assert!(accepts("https://api.example.com/v1/orders", "/orders"));
    /// assert!(accepts("https://api.example.com/v1", "/"));
    /// assert!(accepts("https://api.example.com/v1/", "/"));
    /// assert!(!accepts("https://api.example.com/", "/"));
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn base_url(url: impl Into<String>) -> Self {
        Self::new(ExternalUrl::Base(url.into()))
    }

    /// Takes the external host from the header that a trusted proxy sends, with the path that this
    /// service sees. [`VerifierBuilder::forwarded_host`](crate::VerifierBuilder::forwarded_host) names the
    /// header and the hosts, and
    /// [`VerifierBuilder::trusted_proxies`](crate::VerifierBuilder::trusted_proxies) the proxies; both are
    /// required. With [`base_url`](Self::base_url) that header is not read.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, dpop::DpopSettings};
    /// # let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let builder = Verifier::builder().issuer(issuer).dpop(DpopSettings::forwarded_host());
    /// let verifier = builder
    ///     .trusted_proxies(["10.0.0.0/8"])
    ///     .forwarded_host("X-Forwarded-Host", ["api.example.com"])
    ///     .build()?;
    ///
    /// let alone = Verifier::builder().dpop(DpopSettings::forwarded_host());
    /// assert!(alone.build().is_err()); // there is no header to read
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn forwarded_host() -> Self {
        Self::new(ExternalUrl::Forwarded)
    }

    /// Sets the maximum age of a proof and how far its `iat` may be in the future. Default 60 s and
    /// 30 s; at most 300 s and 60 s. The leeway of tokens is not added.
    pub fn window(mut self, past: Duration, future: Duration) -> Self {
        (self.past, self.future) = (past, future);
        self
    }

    /// Sets how many used proofs this process stores. Default 1,000,000, which is about 11,000 per second
    /// in a window of 90 s; 1 to 16,000,000. Each takes at most 32 bytes once it is used. One caller
    /// (issuer, client and subject) gets a tenth, or
    /// [`replay_capacity_per_caller`](Self::replay_capacity_per_caller). Beyond that, requests are
    /// rejected with 503.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, dpop::DpopSettings};
    /// # let build = |dpop| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
    /// #     .dpop(dpop)
    /// #     .build();
    /// let dpop = || DpopSettings::base_url("https://api.example.com");
    /// // 500 per second in the window of 90 s, and as many in reserve: 90,000 × 32 bytes are 3 MB.
    /// assert!(build(dpop().replay_capacity(90_000)).is_ok());
    /// assert!(build(dpop().replay_capacity(0)).is_err()); // a proof must be stored
    /// ```
    pub fn replay_capacity(mut self, proofs: usize) -> Self {
        self.capacity = Some(proofs);
        self
    }

    /// Sets how many used proofs of one caller (issuer, client and subject) are stored at the same time.
    /// Beyond that, requests of the caller are rejected with 503 and never reach the store.
    ///
    /// Default: a tenth of [`replay_capacity`](Self::replay_capacity), and 50,000 with a
    /// [`replay_store`](Self::replay_store). At least 1; at most the capacity, and 16,000,000 with a
    /// store.
    ///
    /// A store must keep a proof for the past of the [`window`](Self::window) and 6 minutes, 420 s by
    /// default. A proof counts for up to a sixth of the longest such time more, 75 s, so the default
    /// always allows one caller 100 requests per second in this process. A key takes
    /// about 170 bytes in Redis, so 100 MB have room for 580,000 proofs, and the default gives one
    /// caller 8.5 MB per process. Four instances that leave one caller at most a quarter of the
    /// server need 580,000 / 4 / 4, which is 36,000.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_verifier::{Issuer, Verifier, dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore}};
    /// # struct Shared;
    /// # impl ReplayStore for Shared {
    /// #     fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> { Box::pin(async { Ok(ProofUse::First) }) }
    /// # }
    /// # let build = |dpop| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
    /// #     .dpop(dpop)
    /// #     .build();
    /// let dpop = || DpopSettings::base_url("https://api.example.com");
    /// assert!(build(dpop().replay_store(Shared).replay_capacity_per_caller(36_000)).is_ok());
    /// assert!(build(dpop().replay_capacity(90_000).replay_capacity_per_caller(30_000)).is_ok());
    /// // One caller cannot have more than all of them.
    /// assert!(build(dpop().replay_capacity(90_000).replay_capacity_per_caller(90_001)).is_err());
    /// ```
    pub fn replay_capacity_per_caller(mut self, proofs: usize) -> Self {
        self.per_caller = Some(proofs);
        self
    }

    /// Stores used proofs in a store that several instances share.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_verifier::{Issuer, Verifier, dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore}};
    /// # struct Shared;
    /// # impl ReplayStore for Shared {
    /// #     fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> { Box::pin(async { Ok(ProofUse::First) }) }
    /// # }
    /// # let build = |dpop| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
    /// #     .dpop(dpop)
    /// #     .build();
    /// // `Shared` is a `ReplayStore`: yours, or the one of `okta-verifier-redis`.
    /// let dpop = || DpopSettings::base_url("https://api.example.com").replay_store(Shared);
    /// assert!(build(dpop()).is_ok());
    /// assert!(build(dpop().replay_capacity(90_000)).is_err()); // of a store that is not used then
    /// ```
    pub fn replay_store(mut self, store: impl ReplayStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Requires a nonce of this server in every proof.
    pub fn nonces(mut self, nonces: DpopNonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    fn new(external: ExternalUrl) -> Self {
        Self {
            external,
            past: Duration::from_secs(60),
            future: Duration::from_secs(30),
            capacity: None,
            per_caller: None,
            store: None,
            nonces: None,
        }
    }

    /// Resolves the settings. `forwarded` is what the builder's setting for the forwarded host says.
    pub(crate) fn resolve(self, forwarded: Option<External>) -> Result<Dpop, ConfigError> {
        let wrong = |problem| Err(ConfigError::Dpop { problem });
        if !(1..=300).contains(&self.past.as_secs()) {
            return wrong("the window's past is out of bounds; write 1 s to 300 s");
        }
        if self.future > Duration::from_secs(60) {
            return wrong("the window's future is out of bounds; write at most 60 s");
        }
        let window = Window {
            past: self.past.as_secs(),
            future: self.future.as_secs(),
        };
        let up_to = |most: u32, proofs: usize| {
            let proofs = u32::try_from(proofs).ok();
            proofs.filter(|proofs| (1..=most).contains(proofs))
        };
        let replay = match (self.store, self.capacity) {
            (Some(_), Some(_)) => {
                return wrong("replay_capacity does not apply to a replay_store; remove it");
            }
            (Some(store), None) => {
                let per_caller = self.per_caller.unwrap_or(DEFAULT_PER_CALLER);
                let Some(share) = up_to(MAX_CAPACITY, per_caller) else {
                    return wrong(
                        "replay_capacity_per_caller is out of bounds; write 1 to 16,000,000",
                    );
                };
                Replay::Remote(Remote::new(store, share, window)?)
            }
            (None, capacity) => {
                let capacity = capacity.unwrap_or(DEFAULT_CAPACITY);
                let Some(capacity) = up_to(MAX_CAPACITY, capacity) else {
                    return wrong("replay_capacity is out of bounds; write 1 to 16,000,000");
                };
                let share = match self.per_caller {
                    None => Some((capacity / 10).max(1)),
                    Some(per_caller) => up_to(capacity, per_caller),
                };
                let Some(share) = share else {
                    return wrong(
                        "replay_capacity_per_caller is out of bounds; write 1 to replay_capacity",
                    );
                };
                Replay::Memory(Memory::new(capacity, share, window)?)
            }
        };
        let external = match (self.external, forwarded) {
            (ExternalUrl::Base(url), None) => External::base(&url)?,
            (ExternalUrl::Forwarded, Some(forwarded)) => forwarded,
            (ExternalUrl::Base(_), Some(_)) => {
                return wrong(
                    "base_url is set, so the header of forwarded_host would not be read; remove .forwarded_host(..), or write DpopSettings::forwarded_host()",
                );
            }
            (ExternalUrl::Forwarded, None) => {
                return wrong(
                    "DpopSettings::forwarded_host() needs the header and the hosts; add .trusted_proxies([\"10.0.0.0/8\"]) and .forwarded_host(\"X-Forwarded-Host\", [\"api.example.com\"]) to the builder",
                );
            }
        };
        Ok(Dpop {
            external,
            window,
            replay,
            nonces: self.nonces.map(DpopNonces::resolve).transpose()?,
            keys: ProofKeys::new()?,
        })
    }
}

impl fmt::Debug for DpopSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopSettings").finish_non_exhaustive()
    }
}

/// The resolved settings.
#[derive(Debug)]
pub(crate) struct Dpop {
    pub(crate) external: External,
    pub(crate) window: Window,
    pub(crate) replay: Replay,
    pub(crate) nonces: Option<DpopNonces>,
    pub(crate) keys: ProofKeys,
}

#[derive(Debug)]
pub(crate) enum Replay {
    Memory(Memory),
    Remote(Remote),
}

const DEFAULT_CAPACITY: usize = 1_000_000;
const MAX_CAPACITY: u32 = 16_000_000;
/// About 100 requests per second for the 420 s that a shared store keeps a proof of the default window,
/// and the 75 s for which it may be counted longer.
const DEFAULT_PER_CALLER: usize = 50_000;
