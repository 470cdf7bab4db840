//! A proof is good once (RFC 9449 §11.1): where the used ones are remembered.

#[cfg(feature = "redis")]
mod redis;
mod slots;
mod trouble;

use std::{fmt, pin::Pin, sync::Mutex, time::Duration};

#[cfg(feature = "redis")]
pub use self::redis::RedisReplayStore;
use self::slots::Slots;
pub(crate) use self::{slots::Verdict, trouble::Trouble};
use super::judge::{Used, Window};
use crate::{crypto::Fingerprints, error::ConfigError};

/// Remembers used DPoP proofs for several instances of a service at once.
///
/// Without one, each instance remembers what it has seen itself: behind a load balancer a proof
/// then passes once at each. With one, a request waits for the store's answer, and is refused
/// with 503 where there is none. With the feature `redis`, `RedisReplayStore` is one.
///
/// ```
/// use std::{collections::HashSet, sync::Mutex, time::Duration};
/// use okta_verifier::{DpopSettings, ReplayAnswer, ReplayStore};
///
/// /// A test's store, which forgets nothing.
/// #[derive(Default)]
/// struct Seen(Mutex<HashSet<[u8; 32]>>);
///
/// impl ReplayStore for Seen {
///     fn first_use<'a>(&'a self, proof: &'a [u8; 32], _keep: Duration) -> ReplayAnswer<'a> {
///         let first = self.0.lock().map(|mut seen| seen.insert(*proof)).map_err(|_| "poisoned".into());
///         Box::pin(async move { first })
///     }
/// }
///
/// let settings = DpopSettings::base_url("https://api.example.com").replay_store(Seen::default());
/// ```
pub trait ReplayStore: Send + Sync + 'static {
    /// Whether this proof comes for the first time. It is then remembered for `keep` at least,
    /// in the same step: of two that ask at once, one is told `true`.
    ///
    /// `keep` is longer than the proof is good, so that the clocks of instances may differ by six
    /// minutes. `proof` is a SHA-256 over the proof's key and its `jti`, the same in every instance.
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a>;
}

/// What a [`ReplayStore`] answers; an error refuses the request with 503. Its text is for the log,
/// and for nobody outside.
///
/// ```
/// # use okta_verifier_testing::{Client, TestIssuer};
/// # use okta_verifier::{DpopSettings, Presented, Verifier};
/// use std::time::Duration;
/// use okta_verifier::{ReplayAnswer, ReplayStore};
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
/// # let presented = Presented::new([authorization.as_bytes()]).dpop([proof.as_bytes()]).request("GET", "/");
/// // A good token with a good proof, which nobody can say is new.
/// assert_eq!(verifier.authenticate(&presented).await.unwrap_err().status(), 503);
/// # Ok(())
/// # }
/// ```
pub type ReplayAnswer<'a> = Pin<
    Box<dyn Future<Output = Result<bool, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>,
>;

/// The store of one process: bounded, and answered at once.
///
/// Who is let in is known by then, and still may be hostile: one caller gets a tenth of it. What
/// identifies proof and caller are digests under a key of this store, which nobody can aim at.
pub(crate) struct Memory {
    slots: Mutex<Slots>,
    fingerprints: Fingerprints,
}

impl Memory {
    pub(crate) fn new(capacity: u32, window: Window) -> Result<Self, ConfigError> {
        Ok(Self {
            slots: Mutex::new(Slots::new(capacity, window.past + window.future)),
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
        })
    }

    /// `caller` is (issuer, client, subject). What is slow is done before the lock is taken.
    pub(crate) fn first_use(&self, used: &Used, caller: [&str; 3], now: u64) -> Verdict {
        let lengths = caller.map(|name| name.len().to_be_bytes()).concat();
        let caller = [&lengths, caller.concat().as_bytes()].concat();
        let digest = |text| self.fingerprints.of(text).map(u128::from_ne_bytes);
        let (Some(proof), Some(caller)) = (digest(&used.digest), digest(&caller)) else {
            return Verdict::Full;
        };
        match self.slots.lock() {
            Ok(mut slots) => slots.insert(proof, caller as u32, used.until, now),
            // Who held it panicked: what it remembers is no longer sure.
            Err(_) => Verdict::Full,
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
