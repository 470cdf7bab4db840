//! [`DpopSettings`]: the configuration of DPoP.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    external_url::External,
    nonce::DpopNonces,
    proof::ProofKeys,
    replay::{Memory, Remote, ReplayStore},
    window::{DEFAULT_FUTURE, DEFAULT_PAST, Window},
};
use crate::error::ConfigError;

/// Settings for DPoP-bound tokens and their proofs (RFC 9449).
///
/// A proof names the URL that it was made for, so the verifier must know the external URL of this service:
/// [`base_url`](Self::base_url) configures the URL, or a trusted proxy sends the external host
/// ([`forwarded_host`](Self::forwarded_host)). A verifier without `DpopSettings` rejects every DPoP-bound
/// token.
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
    /// Configures the external URL of this service, such as `https://api.example.com`. A path in `url` is
    /// prepended to the path of each request: behind a gateway that strips `/v1`, write
    /// `https://api.example.com/v1`.
    ///
    /// A gateway that strips `/v1` forwards both `/v1` and `/v1/` as `/`, because a request target is never
    /// empty (RFC 9112 §3.2.1). A request to `/` is therefore accepted with a proof for either URL. A slash
    /// at the end of `url` makes no difference.
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

    /// Takes the external host from a header that a trusted proxy sends, and the path from the request.
    /// [`VerifierBuilder::forwarded_host`](crate::VerifierBuilder::forwarded_host) configures the header
    /// and the hosts, and [`VerifierBuilder::trusted_proxies`](crate::VerifierBuilder::trusted_proxies) the
    /// proxies. Both settings are required. `VerifierBuilder::forwarded_host` cannot be combined with
    /// [`base_url`](Self::base_url).
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

    /// Sets the maximum age of a proof and how far its `iat` may be in the future. The defaults are 60 s
    /// and 30 s. The maximum age must be 1 s to 300 s, and the time in the future at most 60 s. The leeway
    /// for tokens ([`Issuer::leeway`](crate::Issuer::leeway)) is not added.
    pub fn window(mut self, past: Duration, future: Duration) -> Self {
        (self.past, self.future) = (past, future);
        self
    }

    /// Sets how many used proofs this process stores: 1 to 16,000,000. The default is 1,000,000, which
    /// allows about 11,000 requests per second with a window of 90 s. A stored proof takes at most 32
    /// bytes. One caller (issuer, client and subject) may use a tenth of the capacity, or the number that
    /// [`replay_capacity_per_caller`](Self::replay_capacity_per_caller) sets. Requests beyond these limits
    /// are rejected with 503.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, dpop::DpopSettings};
    /// # let build = |dpop| Verifier::builder()
    /// #     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
    /// #     .dpop(dpop)
    /// #     .build();
    /// let dpop = || DpopSettings::base_url("https://api.example.com");
    /// // 500 requests per second with a window of 90 s need 45,000. Twice as many, 90,000, take 3 MB.
    /// assert!(build(dpop().replay_capacity(90_000)).is_ok());
    /// assert!(build(dpop().replay_capacity(0)).is_err()); // every used proof must be stored
    /// ```
    pub fn replay_capacity(mut self, proofs: usize) -> Self {
        self.capacity = Some(proofs);
        self
    }

    /// Sets how many used proofs of one caller (issuer, client and subject) are stored at the same time.
    /// Requests of the caller beyond this limit are rejected with 503, and their proofs are not sent to the
    /// store.
    ///
    /// The default is a tenth of [`replay_capacity`](Self::replay_capacity), or 50,000 with a
    /// [`replay_store`](Self::replay_store). The minimum is 1. The maximum is the capacity, or 16,000,000
    /// with a store.
    ///
    /// To choose a value for a store, consider its memory. The store keeps a new proof for the maximum age
    /// of the [`window`](Self::window) plus 6 minutes, which is 420 s by default, and the proof counts
    /// against its caller for up to 75 s longer. The default of 50,000 therefore allows one caller about
    /// 100 requests per second in this process. A proof takes about 170 bytes in Redis, so 100 MB have room
    /// for 580,000 proofs, and the default allows one caller 8.5 MB per process. If there are four
    /// instances and one caller may use at most a quarter of the memory, write 580,000 / 4 / 4, which is
    /// 36,000.
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
    /// // One caller cannot have more than the whole capacity.
    /// assert!(build(dpop().replay_capacity(90_000).replay_capacity_per_caller(90_001)).is_err());
    /// ```
    pub fn replay_capacity_per_caller(mut self, proofs: usize) -> Self {
        self.per_caller = Some(proofs);
        self
    }

    /// Stores used proofs in a store that several instances share, instead of in this process.
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
    /// assert!(build(dpop().replay_capacity(90_000)).is_err()); // the store in this process is not used
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
            past: DEFAULT_PAST,
            future: DEFAULT_FUTURE,
            capacity: None,
            per_caller: None,
            store: None,
            nonces: None,
        }
    }

    /// Validates the settings. `forwarded` is the setting
    /// [`VerifierBuilder::forwarded_host`](crate::VerifierBuilder::forwarded_host), if it was made.
    pub(crate) fn resolve(self, forwarded: Option<External>) -> Result<Dpop, ConfigError> {
        let wrong = |problem| Err(ConfigError::Dpop { problem });
        let window = Window::new(self.past, self.future)?;
        let up_to = |most: u32, proofs: usize| {
            let proofs = u32::try_from(proofs).ok();
            proofs.filter(|proofs| (1..=most).contains(proofs))
        };
        let replay = match (self.store, self.capacity) {
            (Some(_), Some(_)) => {
                return wrong(
                    "replay_capacity does not apply to a replay_store; remove .replay_capacity(..)",
                );
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
/// The default share of one caller with a shared store, which allows about 100 requests per second. With
/// the default window, the store keeps a new proof for 420 s, and the proof may count for 75 s longer.
const DEFAULT_PER_CALLER: usize = 50_000;
