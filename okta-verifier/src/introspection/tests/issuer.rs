//! An issuer with a scripted introspection endpoint.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::{
    caller::CallerKey,
    crypto::Algorithms,
    error::{UnavailableReason, VerifyError},
    http::Challenges,
    introspection::{
        ClientAuthentication, Introspection, IntrospectionReason, IntrospectionResponse,
        Introspector, RequiredResponse,
    },
    keys::Metadata,
    net::{Fetch, JsonResponse, PlainHttp, Revalidated, http_client::tests::scripted::Script},
    stats::IssuerCounters,
    sync::clock::Now,
    token::{
        checks::{Clients, Expected},
        profile::Profile,
    },
    verified_token::{Origin, VerifiedToken},
};

pub(super) const MILLI: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const DEADLINE: Duration = Duration::from_secs(3);
pub(super) const ENDPOINT: &str = "https://issuer.test/v1/introspect";

#[derive(Clone)]
pub(super) struct Issuer(Arc<Mutex<State>>);

struct State {
    reply: Reply,
    /// The reply about tokens that begin with `invented`.
    invented: Option<Reply>,
    metadata: Reply,
    metadata_hits: usize,
    /// URL and form of each introspection request.
    requests: Vec<String>,
}

#[derive(Clone)]
pub(super) enum Reply {
    Json(Value),
    Text(&'static str),
    Fail(UnavailableReason),
    Hang,
    /// This reply after a delay.
    Slow(Duration, Value),
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self::Fail(UnavailableReason::Status {
            status,
            retry_after: None,
        })
    }

    async fn play(self) -> Result<Vec<u8>, UnavailableReason> {
        match self {
            Self::Json(value) => Ok(value.to_string().into_bytes()),
            Self::Text(text) => Ok(text.as_bytes().to_vec()),
            Self::Fail(error) => Err(error),
            Self::Hang => pending().await,
            Self::Slow(time, value) => {
                tokio::time::sleep_until(Instant::now() + time).await;
                Ok(value.to_string().into_bytes())
            }
        }
    }
}

/// Okta's response about an active token.
pub(super) fn active() -> Value {
    json!({
        "active": true,
        "token_type": "Bearer",
        "scope": "orders:read orders:write",
        "client_id": "0oa1client",
        "username": "ada@example.com",
        "sub": "ada@example.com",
        "uid": "00u1",
        "aud": "api://orders",
        "iss": "https://issuer.test",
        "jti": "AT.1",
        "iat": Now::read().unix - 10,
        "exp": Now::read().unix + 3_600,
    })
}

pub(super) fn inactive() -> Value {
    json!({ "active": false })
}

/// Returns `response` with one member set; `null` removes it.
pub(super) fn with(mut response: Value, name: &str, value: impl Into<Value>) -> Value {
    match value.into() {
        Value::Null => {
            response.as_object_mut().unwrap().remove(name);
        }
        value => response[name] = value,
    }
    response
}

pub(super) fn origin(profile: Profile, clients: Clients) -> Arc<Origin> {
    Arc::new(Origin {
        expected: Expected {
            issuer: "https://issuer.test".into(),
            aliases: Vec::new(),
            tenants: None,
            audiences: vec!["api://orders".to_owned()],
            lightweight_tokens: false,
            require_dpop: false,
            introspects_every_token: false,
            profile,
            clients,
            leeway: 60,
            algorithms: Algorithms::ALL,
            allow_missing_key_id: false,
        },
        groups_claim: Arc::new(["groups".into()]),
        challenges: Arc::new(Challenges::new("api").unwrap()),
        caller_key: CallerKey::of_process().unwrap(),
        counters: Arc::new(IssuerCounters::new("https://issuer.test")),
        revocations: None,
    })
}

impl Issuer {
    pub(super) fn new(reply: Reply) -> Self {
        Self(Arc::new(Mutex::new(State {
            reply,
            invented: None,
            metadata: Reply::Json(json!({
                "issuer": "https://issuer.test",
                "introspection_endpoint": ENDPOINT,
            })),
            metadata_hits: 0,
            requests: Vec::new(),
        })))
    }

    pub(super) fn reply(&self, reply: Reply) {
        self.state().reply = reply;
    }

    pub(super) fn invented(&self, reply: Reply) {
        self.state().invented = Some(reply);
    }

    pub(super) fn metadata(&self, reply: Reply) {
        self.state().metadata = reply;
    }

    /// Returns the number of introspection requests.
    pub(super) fn calls(&self) -> usize {
        self.state().requests.len()
    }

    pub(super) fn metadata_calls(&self) -> usize {
        self.state().metadata_hits
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    /// Returns the URL of the last introspection request.
    pub(super) fn last_url(&self) -> Option<String> {
        let state = self.state();
        let (url, _) = state.requests.last()?.split_once(' ')?;
        Some(url.to_owned())
    }

    pub(super) fn introspector(&self) -> Service {
        self.with(every_token())
    }

    pub(super) fn with(&self, settings: Introspection) -> Service {
        let (gets, posts) = (self.clone(), self.clone());
        let script = Script::new(move |_, _| {
            let reply = {
                let mut state = gets.state();
                state.metadata_hits += 1;
                state.metadata.clone()
            };
            async move {
                let response = JsonResponse {
                    body: reply.play().await?,
                    fresh_for: Duration::ZERO,
                };
                Ok(Revalidated::Modified(response, None))
            }
        })
        .posts(move |url, form| {
            let mut state = posts.state();
            state.requests.push(format!("{url} {}", form.body()));
            let invented = state
                .invented
                .clone()
                .filter(|_| form.body().contains("token=invented"));
            invented.unwrap_or_else(|| state.reply.clone()).play()
        });
        let metadata = Metadata {
            issuer: "https://issuer.test".into(),
            url: Url::parse("https://issuer.test").unwrap(),
            document: None,
            origins: vec![Url::parse("https://allowed.test").unwrap().origin()],
            plain_http: PlainHttp::default(),
        };
        let settings = settings.prepare().unwrap();
        Service {
            introspector: Arc::new(Introspector::new(
                settings,
                origin(Profile::Okta, Clients::Any),
                metadata,
                Fetch::Scripted(script),
                DEADLINE,
                7,
            )),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// Introspects with a client secret.
pub(super) fn every_token() -> Introspection {
    Introspection::every_token(ClientAuthentication::client_secret_basic(
        "0oa1service",
        "secret",
    ))
}

/// Returns a token that local checks accepted.
pub(super) fn verified(client: &str, subject: &str) -> VerifiedToken {
    let response = with(with(active(), "client_id", client), "sub", subject);
    let now = Now::read();
    let origin = origin(Profile::Okta, Clients::Any);
    let body = response.to_string();
    let response = IntrospectionResponse::parse(
        body.as_bytes(),
        &origin,
        IntrospectionReason::Opaque,
        SECOND,
        now,
        now,
    );
    response.unwrap().token(now).unwrap().clone()
}

fn required(
    reason: IntrospectionReason,
    verified: Option<&VerifiedToken>,
    max_age: Option<Duration>,
) -> RequiredResponse<'_> {
    RequiredResponse {
        reason,
        verified,
        max_age,
        newer_than: None,
        arrived: Now::read(),
    }
}

/// A service that introspects tokens.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) introspector: Arc<Introspector>,
}

impl Service {
    /// Returns the last response, if it is still used.
    pub(super) fn find(&self, token: &str) -> Option<Arc<IntrospectionResponse>> {
        self.find_as(IntrospectionReason::Opaque, token)
    }

    pub(super) fn find_as(
        &self,
        reason: IntrospectionReason,
        token: &str,
    ) -> Option<Arc<IntrospectionResponse>> {
        let required = required(reason, None, None);
        self.introspector
            .find(token.as_bytes(), required, Now::read())
    }

    pub(super) async fn introspect(
        &self,
        token: &str,
    ) -> Result<Arc<IntrospectionResponse>, VerifyError> {
        self.introspect_within(token, None).await
    }

    pub(super) async fn introspect_within(
        &self,
        token: &str,
        max_age: Option<Duration>,
    ) -> Result<Arc<IntrospectionResponse>, VerifyError> {
        let required = required(IntrospectionReason::Opaque, None, max_age);
        self.introspector
            .introspect(token.as_bytes(), required)
            .await
    }

    pub(super) async fn introspect_as(
        &self,
        reason: IntrospectionReason,
        token: &str,
    ) -> Result<Arc<IntrospectionResponse>, VerifyError> {
        let required = required(reason, None, None);
        self.introspector
            .introspect(token.as_bytes(), required)
            .await
    }

    /// Introspects a token that local checks accepted.
    pub(super) async fn introspect_verified(
        &self,
        token: &str,
        verified: &VerifiedToken,
    ) -> Result<Arc<IntrospectionResponse>, VerifyError> {
        let required = required(IntrospectionReason::Accepted, Some(verified), None);
        self.introspector
            .introspect(token.as_bytes(), required)
            .await
    }

    /// Returns the code of the result, or `ok`.
    pub(super) async fn result(&self, token: &str) -> &'static str {
        match self.introspect(token).await {
            Ok(response) => response
                .token(Now::read())
                .map_or_else(|e| e.code(), |_| "ok"),
            Err(error) => error.code(),
        }
    }
}

/// Returns the time and the cause of a 503.
pub(super) fn unavailable<T>(result: Result<T, VerifyError>) -> (Duration, UnavailableReason) {
    match result {
        Err(VerifyError::Unavailable {
            retry_after,
            source,
        }) => (retry_after, source),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("answered"),
    }
}

pub(super) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    // Let the woken tasks run.
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}
