//! The state of the server, which its handle and its connections share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::answer::Answer;
use super::clients::Clients;
use super::codes::{Codes, RefreshTokens};
use super::dpop::Proofs;
use super::fault::{Endpoint, Fault};
use super::form::Form;
use super::metadata::MetadataForm;
use super::received::Received;
use super::request::Request;
use crate::keys::Ring;
use crate::test_issuer::DEFAULT_ALGORITHMS;
use crate::token::{Profile, Register, TokenBuilder};

/// The number of requests to each endpoint, including requests that got a fault.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # use okta_verifier_testing::MockOkta;
/// # let okta = MockOkta::start().await;
/// let before = okta.hits();
/// assert_eq!(before, okta.hits(), "no request arrived since");
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hits {
    /// Requests to any of the metadata URLs, including those that this server answers with an error.
    pub discovery: usize,
    /// Requests to `/v1/keys`.
    pub keys: usize,
    /// Requests to `/oauth2/v1/keys` of the org.
    pub org_keys: usize,
    /// Requests to `/v1/authorize`.
    pub authorization: usize,
    /// Requests to `/v1/token`.
    pub token: usize,
    /// Requests to `/v1/introspect`.
    pub introspection: usize,
    /// Requests to `/v1/revoke`.
    pub revocation: usize,
    /// Requests to `/v1/clients`.
    pub registration: usize,
    /// Requests to `/v1/keys` that got a 304: see [`MockOkta::set_etags`](crate::MockOkta::set_etags).
    pub not_modified: usize,
}

impl Hits {
    pub(super) fn of(self, endpoint: Endpoint) -> usize {
        match endpoint {
            Endpoint::Discovery => self.discovery,
            Endpoint::Keys => self.keys,
            Endpoint::OrgKeys => self.org_keys,
            Endpoint::Authorization => self.authorization,
            Endpoint::Token => self.token,
            Endpoint::Introspection => self.introspection,
            Endpoint::Revocation => self.revocation,
            Endpoint::Registration => self.registration,
        }
    }

    fn count(&mut self, endpoint: Endpoint) {
        match endpoint {
            Endpoint::Discovery => self.discovery += 1,
            Endpoint::Keys => self.keys += 1,
            Endpoint::OrgKeys => self.org_keys += 1,
            Endpoint::Authorization => self.authorization += 1,
            Endpoint::Token => self.token += 1,
            Endpoint::Introspection => self.introspection += 1,
            Endpoint::Revocation => self.revocation += 1,
            Endpoint::Registration => self.registration += 1,
        }
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) issuer: String,
    /// The path of the issuer, which may be empty. Every endpoint is below it.
    pub(super) path: String,
    /// How long a client may take to send a request. `None` means no limit.
    pub(super) request_timeout: Option<Duration>,
    pub(super) users: Vec<String>,
    /// The redirect URIs of the client. If there are none, every URI on loopback is accepted.
    pub(super) redirect_uris: Vec<String>,
    pub(super) hits: watch::Sender<Hits>,
    pub(super) register: Arc<Register>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    pub(super) generation: usize,
    pub(super) audience: String,
    /// The resources for which tokens are issued (RFC 8707). If there are none, `resource` is ignored.
    pub(super) resources: Vec<String>,
    pub(super) latency: Duration,
    /// At most one fault per endpoint, with the number of requests that still get the fault.
    pub(super) faults: Vec<(Endpoint, Fault, usize)>,
    /// The fault of introspection requests about tokens that are not in the register.
    pub(super) unknown_token_fault: Option<Fault>,
    pub(super) headers: Vec<(Endpoint, String, String)>,
    pub(super) unserved: Vec<MetadataForm>,
    pub(super) etags: bool,
    pub(super) clients: Clients,
    pub(super) codes: Codes,
    pub(super) refresh_tokens: RefreshTokens,
    pub(super) proofs: Proofs,
    pub(super) received: VecDeque<(Endpoint, Received)>,
}

impl Shared {
    /// Creates the state of an issuer with this URL, whose path is `path`.
    pub(super) fn new(issuer: String, path: String) -> Self {
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
            resources: Vec::new(),
            latency: Duration::ZERO,
            faults: Vec::new(),
            unknown_token_fault: None,
            headers: [Endpoint::Discovery, Endpoint::Keys].map(cached).into(),
            unserved: Vec::new(),
            etags: false,
            clients: Clients::default(),
            codes: Codes::default(),
            refresh_tokens: RefreshTokens::default(),
            proofs: Proofs::default(),
            received: VecDeque::new(),
        };
        Self {
            issuer,
            path,
            request_timeout: None,
            users: ["ada", "bob"].map(str::to_owned).into(),
            redirect_uris: Vec::new(),
            hits: watch::Sender::default(),
            register: Arc::default(),
            state: Mutex::new(state),
        }
    }

    /// Locks the state. The lock is never held across an await. A panic on misuse leaves the state
    /// consistent, so the lock remains usable after it was poisoned.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the URL that a request was sent to, without its query.
    pub(super) fn url(&self, request: &Request) -> String {
        let origin = self.issuer.strip_suffix(&self.path);
        format!("{}{}", origin.unwrap_or(&self.issuer), request.path)
    }

    pub(super) fn token(&self, subject: String) -> TokenBuilder {
        let state = self.state();
        let ring = Arc::new(state.ring.clone());
        TokenBuilder::new(ring, Profile::Okta, &self.issuer, &state.audience, subject)
            .remembered_by(&self.register)
    }

    /// Records a request, and returns the fault that applies to it and the configured latency.
    pub(super) fn arrived(
        &self,
        endpoint: Option<Endpoint>,
        request: &Request,
    ) -> (Option<Fault>, Duration) {
        let mut state = self.state();
        if let Some(endpoint) = endpoint {
            state.receive(endpoint, Received::new(request));
        }
        let fault = match &state.unknown_token_fault {
            Some(fault) if self.is_about_unknown_token(endpoint, request) => Some(fault.clone()),
            _ => endpoint.and_then(|it| state.take_fault(it)),
        };
        // The fault is taken before the hit is counted, so a test that has seen the hit may clear or
        // change the fault.
        if let Some(endpoint) = endpoint {
            self.hits.send_modify(|hits| hits.count(endpoint));
        }
        (fault, state.latency)
    }

    fn is_about_unknown_token(&self, endpoint: Option<Endpoint>, request: &Request) -> bool {
        endpoint == Some(Endpoint::Introspection)
            && Form::parse(&request.body)
                .as_ref()
                .and_then(|form| form.parameter("token"))
                .is_some_and(|token| self.register.claims(token).is_none())
    }
}

impl State {
    fn receive(&mut self, endpoint: Endpoint, request: Received) {
        self.received.push_back((endpoint, request));
        if self.received.len() > RECEIVED {
            self.received.pop_front();
        }
    }

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

    /// Checks the `resource` of a request (RFC 8707 §2), and returns it if it is to be the audience.
    ///
    /// # Errors
    ///
    /// Returns the error code and its description.
    pub(super) fn resource(
        &self,
        requested: Option<&str>,
    ) -> Result<Option<String>, (&'static str, &'static str)> {
        match requested {
            // As Okta does without the feature.
            _ if self.resources.is_empty() => Ok(None),
            None => Ok(None),
            Some(resource) if self.resources.iter().any(|it| it == resource) => {
                Ok(Some(resource.to_owned()))
            }
            Some(_) => Err((
                "invalid_target",
                "The 'resource' is unknown to the authorization server.",
            )),
        }
    }

    pub(super) fn serves(&self, form: MetadataForm) -> bool {
        !self.unserved.contains(&form)
    }

    /// Adds the endpoint's configured fields.
    pub(super) fn decorate(&self, endpoint: Endpoint, answer: Answer) -> Answer {
        let fields = self.headers.iter().filter(|(of, ..)| *of == endpoint);
        fields.fold(answer, |answer, (_, name, value)| answer.with(name, value))
    }
}

/// The `Cache-Control` in Okta's documentation of the keys endpoint: 44 days.
const OKTA_CACHING: &str = "max-age=3832304, must-revalidate";

/// The maximum number of received requests that are kept.
const RECEIVED: usize = 1000;
