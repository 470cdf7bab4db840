//! How a question begins: with a permit, in a task of its own.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::Semaphore, time::timeout};

use super::{
    Boarding, Introspector,
    landing::{Landing, Permits},
};
use crate::{
    crypto::Fingerprint,
    error::{FetchError, VerifyError},
    time::Now,
};

/// What a caller has to do with the question about his token.
pub(super) enum Role {
    Follows(Boarding),
    Leads(Lead),
}

/// The caller who begins a question. If he goes away before its task is spawned, those who
/// follow him are woken, and one of them begins anew.
pub(super) struct Lead {
    introspector: Arc<Introspector>,
    fingerprint: Fingerprint,
    boarding: Option<Boarding>,
}

impl Lead {
    pub(super) fn new(
        introspector: Arc<Introspector>,
        fingerprint: Fingerprint,
        boarding: Boarding,
    ) -> Self {
        Self {
            introspector,
            fingerprint,
            boarding: Some(boarding),
        }
    }

    /// Spawns the question's task as soon as there are permits.
    pub(super) async fn depart(mut self, token: &str) -> Result<Boarding, VerifyError> {
        let permits = match self.permits().await {
            Ok(permits) => permits,
            Err(error) => {
                // Who follows has waited as long.
                if let Some(boarding) = &self.boarding {
                    let _ = boarding.result.set(Err(error.clone()));
                }
                return Err(error);
            }
        };
        let runtime = Handle::try_current()
            .map_err(|_| VerifyError::unavailable(Duration::ZERO, FetchError::NoRuntime))?;
        let Some(boarding) = self.boarding.take() else {
            return Err(VerifyError::unavailable(
                Duration::ZERO,
                FetchError::Abandoned,
            ));
        };
        let landing = Landing::new(
            self.introspector.clone(),
            self.fingerprint,
            boarding.clone(),
            permits,
        );
        runtime.spawn(landing.run(token.to_owned(), Now::read()));
        Ok(boarding)
    }

    /// The one of its kind first: those who wait for it take no place in the line for all.
    async fn permits(&self) -> Result<Permits, VerifyError> {
        let introspector = &self.introspector;
        let verified = (self.boarding.as_ref()).is_some_and(|it| it.question.is_verified());
        let unverified = (!verified).then(|| introspector.unverified.clone());
        let at_once = |permits: &Arc<Semaphore>| permits.clone().try_acquire_owned().ok();
        let of_its_kind = unverified.as_ref().and_then(at_once);
        if of_its_kind.is_some() == unverified.is_some()
            && let Some(permit) = at_once(&introspector.permits)
        {
            return Ok(Permits::new(permit, of_its_kind)); // the gate was open just now
        }
        let busy = || VerifyError::unavailable(introspector.deadline, FetchError::TooManyQuestions);
        if Handle::try_current().is_err() {
            return Err(busy());
        }
        let wait = async {
            let of_its_kind = match (of_its_kind, unverified) {
                (None, Some(permits)) => Some(permits.acquire_owned().await.ok()?),
                (permit, _) => permit,
            };
            let permit = introspector.permits.clone().acquire_owned().await.ok()?;
            Some(Permits::new(permit, of_its_kind))
        };
        match timeout(introspector.deadline, wait).await {
            // What was under way may have failed meanwhile.
            Ok(Some(permits)) => match introspector.lock().gate.closed(Now::read()) {
                None => Ok(permits),
                Some(closed) => Err(VerifyError::unavailable(closed.retry_after, closed.source)),
            },
            _ => Err(busy()),
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if let Some(boarding) = self.boarding.take() {
            self.introspector.abandon(self.fingerprint, boarding.id);
            boarding.flight.land();
        }
    }
}
