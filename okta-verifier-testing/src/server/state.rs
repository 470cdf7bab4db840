//! What the server knows, shared between its handle and its connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::answer::Answer;
use super::fault::{Endpoint, Fault};
use super::metadata::MetadataForm;
use crate::keys::Ring;
use crate::test_issuer::DEFAULT_ALGORITHMS;
use crate::token::{Profile, TokenBuilder};

/// How many requests reached each endpoint, the ones that met a fault too.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # use okta_verifier_testing::MockOkta;
/// # let okta = MockOkta::start().await;
/// let before = okta.hits();
/// assert_eq!(before, okta.hits(), "nothing came since");
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hits {
    /// Metadata, in any form, also one that is not served.
    pub discovery: usize,
    /// `/v1/keys`.
    pub keys: usize,
    /// `/v1/token`.
    pub token: usize,
    /// Of `keys`, those that were answered 304: see [`MockOkta::set_etags`](crate::MockOkta::set_etags).
    pub not_modified: usize,
}

impl Hits {
    pub(super) fn of(self, endpoint: Endpoint) -> usize {
        match endpoint {
            Endpoint::Discovery => self.discovery,
            Endpoint::Keys => self.keys,
            Endpoint::Token => self.token,
        }
    }

    fn count(&mut self, endpoint: Endpoint) {
        match endpoint {
            Endpoint::Discovery => self.discovery += 1,
            Endpoint::Keys => self.keys += 1,
            Endpoint::Token => self.token += 1,
        }
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) issuer: String,
    pub(super) hits: watch::Sender<Hits>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    pub(super) generation: usize,
    pub(super) audience: String,
    pub(super) latency: Duration,
    /// Per endpoint at most one: the fault, and for how many more requests.
    pub(super) faults: Vec<(Endpoint, Fault, usize)>,
    pub(super) headers: Vec<(Endpoint, String, String)>,
    pub(super) unserved: Vec<MetadataForm>,
    pub(super) etags: bool,
}

impl Shared {
    pub(super) fn new(origin: &str) -> Self {
        let cached = |endpoint| {
            (
                endpoint,
                "cache-control".to_owned(),
                OKTA_CACHING.to_owned(),
            )
        };
        let state = State {
            ring: Ring::new(&DEFAULT_ALGORITHMS, 0),
            generation: 0,
            audience: "api://default".to_owned(),
            latency: Duration::ZERO,
            faults: Vec::new(),
            headers: [Endpoint::Discovery, Endpoint::Keys].map(cached).into(),
            unserved: Vec::new(),
            etags: false,
        };
        Self {
            issuer: format!("{origin}/oauth2/default"),
            hits: watch::Sender::default(),
            state: Mutex::new(state),
        }
    }

    /// Never held over an await. A panic of a misused control leaves the state whole.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn token(&self, subject: String) -> TokenBuilder {
        let state = self.state();
        let ring = Arc::new(state.ring.clone());
        TokenBuilder::new(ring, Profile::Okta, &self.issuer, &state.audience, subject)
    }

    /// Counts a request, and says what shall happen to it.
    pub(super) fn arrived(&self, endpoint: Option<Endpoint>) -> (Option<Fault>, Duration) {
        let mut state = self.state();
        let fault = endpoint.and_then(|it| state.take_fault(it));
        // After the fault is taken: who waits for the hit may then clear or change the fault.
        if let Some(endpoint) = endpoint {
            self.hits.send_modify(|hits| hits.count(endpoint));
        }
        (fault, state.latency)
    }
}

impl State {
    fn take_fault(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let at = self.faults.iter().position(|it| it.0 == endpoint)?;
        let (_, fault, left) = &mut self.faults[at];
        let fault = fault.clone();
        *left -= 1;
        if *left == 0 {
            self.faults.remove(at);
        }
        Some(fault)
    }

    pub(super) fn serves(&self, form: MetadataForm) -> bool {
        !self.unserved.contains(&form)
    }

    /// Adds the endpoint's own fields.
    pub(super) fn decorate(&self, endpoint: Endpoint, answer: Answer) -> Answer {
        let fields = self.headers.iter().filter(|(of, ..)| *of == endpoint);
        fields.fold(answer, |answer, (_, name, value)| answer.with(name, value))
    }
}

/// What Okta's documents show for keys: 44 days.
const OKTA_CACHING: &str = "max-age=3832304, must-revalidate";
