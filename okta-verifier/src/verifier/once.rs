//! That a proof which passed passes once: the store is asked, and its troubles are told.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::bind::Binding;
use crate::{
    binding::{Memory, ReplayStore, Used, Verdict},
    error::{FetchError, ProofError, VerifyError, cause},
    time::Now,
    token::VerifiedToken,
};

impl Binding {
    /// The store of this process.
    pub(super) fn memory(
        &self,
        memory: &Memory,
        used: &Used,
        token: &VerifiedToken,
        now: Now,
    ) -> Result<(), VerifyError> {
        match memory.first_use(used, caller(token), now.unix) {
            Verdict::First => {
                if self.trouble.worked(now.instant) {
                    tracing::info!("DPoP replay store has capacity again");
                }
                Ok(())
            }
            Verdict::Seen => Err(ProofError::Replayed.into()),
            Verdict::Full => {
                if self.trouble.failed(now.instant) {
                    let error = FetchError::ReplayStoreFull;
                    let cause = cause(&error);
                    tracing::warn!(%error, cause, "DPoP replay store is full (global or per-caller limit)");
                }
                Err(unavailable(FetchError::ReplayStoreFull))
            }
        }
    }

    /// A store elsewhere. No answer in time is none.
    pub(super) async fn remote(
        &self,
        store: &dyn ReplayStore,
        used: &Used,
        now: Now,
    ) -> Result<(), VerifyError> {
        if Handle::try_current().is_err() {
            return Err(unavailable(FetchError::NoRuntime)); // it has the clock
        }
        let keep = used
            .until
            .saturating_sub(now.unix)
            .saturating_add(CLOCKS_APART);
        let keep = Duration::from_secs(keep);
        let answer = store.first_use(&used.digest, keep);
        let answer = match tokio::time::timeout(STORE_TIMEOUT, answer).await {
            Ok(answer) => answer,
            Err(late) => Err(late.into()),
        };
        match answer {
            Ok(first) => {
                if self.trouble.worked(Now::read().instant) {
                    tracing::info!("DPoP replay store recovered");
                }
                match first {
                    true => Ok(()),
                    false => Err(ProofError::Replayed.into()),
                }
            }
            Err(source) => {
                if self.trouble.failed(Now::read().instant) {
                    let cause = cause(&*source);
                    tracing::warn!(error = %source, cause, "DPoP replay store failed");
                }
                Err(unavailable(FetchError::ReplayStore {
                    source: Arc::from(source),
                }))
            }
        }
    }
}

fn caller(token: &VerifiedToken) -> [&str; 3] {
    let client = token.client_id().unwrap_or_default();
    [token.issuer(), client, token.subject()]
}

fn unavailable(source: FetchError) -> VerifyError {
    VerifyError::unavailable(RETRY_AFTER_STORE, source)
}

const STORE_TIMEOUT: Duration = Duration::from_secs(1);
/// Old proofs leave the store every second.
const RETRY_AFTER_STORE: Duration = Duration::from_secs(2);
/// Seconds. Instances judge by their own clocks: what one forgets must be over for all of them.
const CLOCKS_APART: u64 = 360;
