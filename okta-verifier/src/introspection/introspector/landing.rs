//! How a question ends: with an answer, with an error, or with its runtime.

use std::sync::Arc;

use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{Boarding, Introspector};
use crate::{
    crypto::Fingerprint,
    error::{FetchError, VerifyError, cause},
    introspection::{
        Question,
        answer::Checked,
        gate::{Failed, News},
    },
    time::Now,
};

/// Why there is no answer.
enum Trouble {
    /// Before the token was sent, or nothing came back in time.
    Before(FetchError),
    /// After that: it may be the token's fault.
    Sent(FetchError),
}

/// Held by the task of a question. However the task ends, those who wait are woken.
pub(super) struct Landing {
    introspector: Arc<Introspector>,
    fingerprint: Fingerprint,
    boarding: Boarding,
    _permits: Permits,
}

/// Held for as long as the question is under way.
pub(super) struct Permits {
    _permit: OwnedSemaphorePermit,
    _of_its_kind: Option<OwnedSemaphorePermit>,
}

impl Permits {
    pub(super) fn new(
        permit: OwnedSemaphorePermit,
        of_its_kind: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            _permit: permit,
            _of_its_kind: of_its_kind,
        }
    }
}

impl Landing {
    pub(super) fn new(
        introspector: Arc<Introspector>,
        fingerprint: Fingerprint,
        boarding: Boarding,
        permits: Permits,
    ) -> Self {
        Self {
            introspector,
            fingerprint,
            boarding,
            _permits: permits,
        }
    }

    pub(super) async fn run(self, token: String, asked: Now) {
        let result = timeout(
            self.introspector.deadline,
            self.introspector
                .question(&token, self.boarding.question, asked),
        )
        .await
        .unwrap_or(Err(Trouble::Before(FetchError::Timeout)));
        self.land(result, asked);
    }

    /// Under one lock the question is over and its answer can be found: whoever comes finds one of
    /// the two.
    fn land(&self, result: Result<Checked, Trouble>, asked: Now) {
        let introspector = &*self.introspector;
        let mut state = introspector.lock();
        let current = state.end(self.fingerprint, self.boarding.id);
        let mut quiet = None;
        let news = match result {
            Ok(checked) => {
                let checked = Arc::new(checked);
                // One that comes too late must not replace a newer one.
                if current {
                    introspector
                        .answers
                        .remember(self.fingerprint, checked.clone());
                }
                let _ = self.boarding.result.set(Ok(checked));
                state.gate.answered(asked).map(|news| (news, None))
            }
            Err(trouble) => {
                let (error, sent) = match trouble {
                    Trouble::Before(error) => (error, None),
                    Trouble::Sent(error) => (error, Some(self.fingerprint)),
                };
                let Failed {
                    news,
                    retry_after,
                    this_token_only,
                } = state.gate.failed(&error, sent, asked, Now::read());
                let refusal = VerifyError::unavailable(retry_after, error.clone());
                if current && this_token_only {
                    // This one is not asked about at once again.
                    let question = self.boarding.question;
                    let put_off = Checked::put_off(refusal.clone(), question, retry_after, asked);
                    introspector
                        .answers
                        .put_off(self.fingerprint, Arc::new(put_off));
                }
                let _ = self.boarding.result.set(Err(refusal));
                quiet = this_token_only.then(|| error.clone());
                news.map(|news| (news, Some(error)))
            }
        };
        // A subscriber is foreign code: not under the lock.
        drop(state);
        let issuer = &*introspector.origin.expected.issuer;
        if let Some(error) = quiet {
            let cause = cause(&error);
            tracing::debug!(issuer, %error, cause, "introspection failed for a single token");
        }
        match news {
            Some((News::CredentialsRefused, Some(error))) => {
                let cause = cause(&error);
                tracing::error!(issuer, %error, cause, "introspection credentials rejected");
            }
            Some((News::Trouble, Some(error))) => {
                let cause = cause(&error);
                tracing::warn!(issuer, %error, cause, "introspection request failed");
            }
            Some((News::Recovered, _)) => {
                tracing::info!(issuer, "introspection recovered");
            }
            Some((News::CredentialsRefused | News::Trouble, None)) | None => {}
        }
    }
}

impl Introspector {
    /// RFC 7662 §2.1. The hint is that: the server may look elsewhere, and what kind of token it
    /// found is told by the answer.
    async fn question(
        &self,
        token: &str,
        question: Question,
        asked: Now,
    ) -> Result<Checked, Trouble> {
        let url = self.endpoint.url(&self.fetch, asked).await;
        let url = url.map_err(Trouble::Before)?;
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let form = self.settings.auth.form(&url, &parameters, asked.unix);
        let form = form.map_err(Trouble::Before)?;
        let answer = self.fetch.post(&url, &form, MAX_ANSWER).await;
        if let Err(FetchError::Status {
            status: 404 | 410, ..
        }) = answer
        {
            self.endpoint.doubt();
        }
        let (max_age, now) = (self.settings.max_age, Now::read());
        answer
            .and_then(|body| Checked::judge(&body, &self.origin, question, max_age, asked, now))
            .map_err(Trouble::Sent)
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // It would panic again: backed off from, like any other failure.
            let now = Now::read();
            let mut state = self.introspector.lock();
            let _ = state.gate.failed(&FetchError::Abandoned, None, now, now);
        }
        // No effect after a landing; otherwise the runtime has dropped the task.
        self.introspector
            .abandon(self.fingerprint, self.boarding.id);
        self.boarding.flight.land();
    }
}

const MAX_ANSWER: usize = 64 * 1024;
