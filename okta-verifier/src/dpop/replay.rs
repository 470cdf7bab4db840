//! Replay detection (RFC 9449 §11.1): the stores of used proofs.

mod shares;
mod slots;

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

pub(crate) use self::slots::UseResult;
use self::{
    shares::{Counted, Shares, caller_number},
    slots::Slots,
};
use super::{proof::AcceptedProof, window::Window};
use crate::{crypto::Fingerprints, error::ConfigError};

/// Stores the used DPoP proofs of several instances of a service.
///
/// Without a shared store, each instance stores only the proofs that it has accepted itself, so every
/// instance behind a load balancer accepts the same proof once. With a shared store, a request waits for
/// the store's answer, and is rejected with 503 if the store does not answer. The crate
/// `okta-verifier-redis` has such a store, `RedisReplayStore`.
///
/// The store receives a proof only while the caller (issuer, client and subject) is below its share
/// ([`DpopSettings::replay_capacity_per_caller`](crate::dpop::DpopSettings::replay_capacity_per_caller)). A
/// proof for which the store returns [`ProofUse::Replayed`] or an error does not count against the share.
///
/// ```
/// use std::{collections::HashSet, sync::Mutex, time::Duration};
/// use okta_verifier::dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore};
///
/// /// A store for tests, which never removes a proof.
/// #[derive(Default)]
/// struct Seen(Mutex<HashSet<[u8; 32]>>);
///
/// impl ReplayStore for Seen {
///     fn first_use<'a>(&'a self, proof: &'a [u8; 32], _keep: Duration) -> ReplayAnswer<'a> {
///         let answer = match self.0.lock().map(|mut seen| seen.insert(*proof)) {
///             Ok(true) => Ok(ProofUse::First),
///             Ok(false) => Ok(ProofUse::Replayed),
///             Err(_) => Err("the store is poisoned".into()),
///         };
///         Box::pin(async move { answer })
///     }
/// }
///
/// let settings = DpopSettings::base_url("https://api.example.com").replay_store(Seen::default());
/// ```
pub trait ReplayStore: Send + Sync + 'static {
    /// Records a use of the proof and returns whether this is the first use. The store must keep the proof
    /// for at least `keep`. Checking and storing must be one atomic step: of two concurrent calls with the
    /// same proof, exactly one returns [`ProofUse::First`].
    ///
    /// `keep` is longer than the proof is valid, so that the clocks of instances may differ by six minutes.
    /// `proof` is a SHA-256 hash of the proof's key and `jti`. Every instance computes the same hash.
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a>;
}

/// The answer of a [`ReplayStore`]: whether a DPoP proof was used before.
///
/// ```
/// use okta_verifier::dpop::ProofUse;
///
/// let stored_before = true;
/// let answer = if stored_before { ProofUse::Replayed } else { ProofUse::First };
/// assert_eq!(answer, ProofUse::Replayed);
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "a new variant must be handled by every caller"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofUse {
    /// The proof was not stored before, and is stored now.
    First,
    /// The proof was stored before: the request is rejected with 401.
    Replayed,
}

/// The future that a [`ReplayStore`] returns. If the future returns an error, the request is rejected with
/// 503. The text of the error is logged and never sent to the client.
///
/// ```
/// # use okta_verifier_testing::{Client, TestIssuer};
/// # use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
/// use std::time::Duration;
/// use okta_verifier::dpop::{ReplayAnswer, ReplayStore};
///
/// struct Broken;
///
/// impl ReplayStore for Broken {
///     fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
///         Box::pin(async { Err("no connection".into()) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
/// # let url = "https://api.example.com";
/// # let dpop = DpopSettings::base_url(url).replay_store(Broken);
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).dpop(dpop).build()?;
/// # let jwt = client.bind(okta.token("ada")).sign();
/// # let (authorization, proof) = (format!("DPoP {jwt}"), client.proof("GET", url).token(&jwt).sign());
/// # let credentials = RequestCredentials::new([authorization.as_bytes()]).dpop([proof.as_bytes()]).request("GET", "/");
/// // The token and the proof are valid, but whether the proof is new is unknown.
/// assert_eq!(verifier.authenticate(&credentials).await.unwrap_err().status(), 503);
/// # Ok(())
/// # }
/// ```
pub type ReplayAnswer<'a> =
    Pin<Box<dyn Future<Output = Result<ProofUse, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// The replay store in the memory of one process. Its size is bounded, and it performs no I/O.
///
/// A caller with a valid token may still be hostile, so each caller may use only its share of the store.
/// Proofs and callers are identified by keyed fingerprints, so that no caller can choose values that
/// collide.
pub(crate) struct Memory {
    slots: Mutex<Slots>,
    fingerprints: Fingerprints,
}

impl Memory {
    /// Creates an empty store for `capacity` proofs. `share` is the number of proofs of one caller that may
    /// be stored at the same time.
    pub(crate) fn new(capacity: u32, share: u32, window: Window) -> Result<Self, ConfigError> {
        Ok(Self {
            slots: Mutex::new(Slots::new(capacity, share, window.length())),
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
        })
    }

    /// Records a use of the proof. `caller` is (issuer, client, subject). The hashes are computed before the
    /// lock is taken.
    pub(crate) fn first_use(&self, used: &AcceptedProof, caller: [&str; 3], now: u64) -> UseResult {
        let proof = self.fingerprints.of(&used.digest).map(u128::from_ne_bytes);
        let caller = caller_number(&self.fingerprints, caller);
        let (Some(proof), Some(caller)) = (proof, caller) else {
            return UseResult::Full;
        };
        match self.slots.lock() {
            Ok(mut slots) => slots.insert(proof, caller, used.until, now),
            // After a panic under the lock, the contents may be inconsistent.
            Err(_) => UseResult::Full,
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// A replay store that several instances share. The share of each caller is counted in this process, before
/// the request to the store. The store does not learn the caller.
pub(crate) struct Remote {
    store: Arc<dyn ReplayStore>,
    shares: Mutex<Shares>,
    fingerprints: Fingerprints,
}

impl Remote {
    /// Returns a replay store that records proofs in `store`. `share` is the number of proofs of one caller
    /// that this process may have in the store at the same time.
    pub(crate) fn new(
        store: Arc<dyn ReplayStore>,
        share: u32,
        window: Window,
    ) -> Result<Self, ConfigError> {
        let longest = window.length() + CLOCKS_APART;
        Ok(Self {
            store,
            shares: Mutex::new(Shares::new(share, longest)),
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
        })
    }

    /// Records a use of the proof in the store. `caller` is (issuer, client, subject). A timeout of the
    /// store is an error.
    pub(crate) async fn first_use(
        &self,
        used: &AcceptedProof,
        caller: [&str; 3],
        now: u64,
    ) -> Result<UseResult, Box<dyn Error + Send + Sync>> {
        let keep = used.until.saturating_sub(now).saturating_add(CLOCKS_APART);
        // The proof is counted before the request to the store, so that concurrent requests cannot exceed
        // the share.
        let Some(counted) = self.take(caller, now.saturating_add(keep), now) else {
            return Ok(UseResult::Full);
        };
        let answer = self
            .store
            .first_use(&used.digest, Duration::from_secs(keep));
        // Without an answer, the proof may have been stored, so it stays counted. This is the case after a
        // timeout, and if this future is dropped here because the client has disconnected.
        let answer = tokio::time::timeout(STORE_TIMEOUT, answer).await?;
        // An outage or a replay must not use up the share of the caller.
        if !matches!(answer, Ok(ProofUse::First)) {
            self.give_back(counted);
        }
        answer.map(|proof_use| match proof_use {
            ProofUse::First => UseResult::First,
            ProofUse::Replayed => UseResult::Replayed,
        })
    }

    fn take(&self, caller: [&str; 3], end: u64, now: u64) -> Option<Counted> {
        let caller = caller_number(&self.fingerprints, caller)?;
        self.shares.lock().ok()?.take(caller, end, now)
    }

    fn give_back(&self, counted: Counted) {
        if let Ok(mut shares) = self.shares.lock() {
            shares.give_back(counted);
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

const STORE_TIMEOUT: Duration = Duration::from_secs(1);
/// The maximum difference between the clocks of instances, in seconds. Each instance verifies proofs by the
/// clock of its machine, so a proof must have expired for all instances before it is removed from the store.
const CLOCKS_APART: u64 = 360;
