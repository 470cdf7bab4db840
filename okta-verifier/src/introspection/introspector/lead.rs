//! How a question begins: with a permit, in a task of its own.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::OwnedSemaphorePermit, time::timeout};

use super::{Boarding, Introspector, landing::Landing, unavailable};
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

    /// Spawns the question's task as soon as there is a permit.
    pub(super) async fn depart(mut self, token: &str) -> Result<Boarding, VerifyError> {
        let permit = match self.permit().await {
            Ok(permit) => permit,
            Err(error) => {
                // Who follows has waited as long.
                if let Some(boarding) = &self.boarding {
                    let _ = boarding.result.set(Err(error.clone()));
                }
                return Err(error);
            }
        };
        let runtime = Handle::try_current()
            .map_err(|_| unavailable(Duration::ZERO, FetchError::NoRuntime))?;
        let Some(boarding) = self.boarding.take() else {
            return Err(unavailable(Duration::ZERO, FetchError::Abandoned));
        };
        let landing = Landing::new(
            self.introspector.clone(),
            self.fingerprint,
            boarding.clone(),
            permit,
        );
        runtime.spawn(landing.run(token.to_owned(), Now::read()));
        Ok(boarding)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, VerifyError> {
        let permits = self.introspector.permits.clone();
        if let Ok(permit) = permits.clone().try_acquire_owned() {
            return Ok(permit); // the gate was open just now
        }
        let busy = || unavailable(self.introspector.deadline, FetchError::TooManyQuestions);
        if Handle::try_current().is_err() {
            return Err(busy());
        }
        match timeout(self.introspector.deadline, permits.acquire_owned()).await {
            // What was under way may have failed meanwhile.
            Ok(Ok(permit)) => match self.introspector.lock().gate.closed(Now::read()) {
                None => Ok(permit),
                Some(closed) => Err(unavailable(closed.retry_after, closed.source)),
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
