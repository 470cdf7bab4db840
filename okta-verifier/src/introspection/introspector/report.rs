use super::Introspector;
use crate::{
    error::FetchError,
    health::{IntrospectionHealth, IntrospectionState},
    time::Now,
};

impl Introspector {
    /// Without I/O.
    pub(crate) fn health(&self, now: Now) -> IntrospectionHealth {
        let state = self.lock();
        let gate = &state.gate;
        let retry_after = gate.back_off(now).unwrap_or_default();
        IntrospectionHealth {
            state: match (gate.error(), gate.last_success()) {
                (Some(FetchError::CredentialsRefused), _) => {
                    IntrospectionState::CredentialsRefused { retry_after }
                }
                (Some(_), _) => IntrospectionState::Unavailable { retry_after },
                (None, Some(_)) => IntrospectionState::Available,
                (None, None) => IntrospectionState::NotAsked,
            },
            in_flight: self
                .settings
                .max_in_flight
                .saturating_sub(self.permits.available_permits()),
            last_success: gate.last_success().map(Now::wall),
            last_error: gate.error().cloned(),
        }
    }
}
