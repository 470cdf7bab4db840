//! A proof that passed every other check is accepted once (RFC 9449 §11.1): the store decides, and the
//! log reports when it is full or fails.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::bind::Binding;
use crate::{
    dpop::{Memory, Remote, Used, Verdict},
    error::{FetchError, ProofError, VerifyError, cause},
    sync::clock::Now,
    verified_token::VerifiedToken,
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
        self.settle(memory.first_use(used, caller(token), now.unix), now)
    }

    /// A store elsewhere.
    pub(super) async fn remote(
        &self,
        remote: &Remote,
        used: &Used,
        token: &VerifiedToken,
        now: Now,
    ) -> Result<(), VerifyError> {
        if Handle::try_current().is_err() {
            return Err(unavailable(FetchError::NoRuntime)); // it has the clock
        }
        let verdict = remote.first_use(used, caller(token), now.unix).await;
        let now = Now::read();
        match verdict {
            Ok(verdict) => {
                // A caller over its share did not reach the store.
                if verdict != Verdict::Full && self.failed.worked(now.instant) {
                    tracing::info!("DPoP replay store recovered");
                }
                self.settle(verdict, now)
            }
            Err(source) => {
                if self.failed.failed(now.instant) {
                    let cause = cause(&*source);
                    tracing::warn!(error = %source, cause, "DPoP replay store failed");
                }
                Err(unavailable(FetchError::ReplayStore {
                    source: Arc::from(source),
                }))
            }
        }
    }

    fn settle(&self, verdict: Verdict, now: Now) -> Result<(), VerifyError> {
        match verdict {
            Verdict::First => {
                if self.full.worked(now.instant) {
                    tracing::info!("DPoP replay store has capacity again");
                }
                Ok(())
            }
            Verdict::Seen => Err(ProofError::Replayed.into()),
            Verdict::Full => {
                if self.full.failed(now.instant) {
                    let error = FetchError::ReplayStoreFull;
                    let cause = cause(&error);
                    tracing::warn!(%error, cause, "DPoP replay store is full (global or per-caller limit)");
                }
                Err(unavailable(FetchError::ReplayStoreFull))
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

/// Old proofs leave a store every second, and stop counting against a share slice by slice.
const RETRY_AFTER_STORE: Duration = Duration::from_secs(2);
