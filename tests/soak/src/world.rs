//! What all tasks share: the issuers, the instances, the model and the counts.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use okta_verifier_testing::TokenBuilder;
use reqwest::{Client, Method, Response};
use shop::demo::Demo;

use crate::{
    outages::{Outages, Times, lock},
    random::Random,
};

/// A response that the model does not allow.
pub(crate) type Checked<T = ()> = Result<T, String>;

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) begun: Instant,
    pub(crate) demo: Demo,
    pub(crate) outages: Outages,
    pub(crate) is_over: AtomicBool,
    /// What strangers send as fast as they can.
    pub(crate) flood: Mutex<Option<Flood>>,
    /// When the newest key of the customers' issuer was published. `None` for the first one.
    pub(crate) published: Mutex<Option<Instant>>,
    /// The last revoked tokens.
    pub(crate) revoked: Mutex<VecDeque<String>>,
    /// How long after each revocation the other instance still accepted the token.
    pub(crate) lags: Mutex<Vec<Duration>>,
    pub(crate) ended_streams: AtomicU64,
    instances: [String; 2],
    client: Client,
    counts: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// The responses of the routes with a verifying layer, by instance.
    verified: [Mutex<BTreeMap<u16, u64>>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    KeyIds,
    OpaqueTokens,
}

/// A token of the customers' issuer.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) jwt: String,
    /// When its key was published.
    pub(crate) published: Option<Instant>,
}

/// A request.
#[derive(Clone, Default)]
pub(crate) struct Call {
    request: &'static str,
    authorization: Option<String>,
    proof: Option<String>,
    body: String,
}

/// The response to a request.
pub(crate) struct Answer {
    pub(crate) kind: &'static str,
    pub(crate) instance: usize,
    pub(crate) times: Times,
    pub(crate) status: u16,
    pub(crate) response: Response,
}

impl World {
    pub(crate) fn new(seed: u64, demo: Demo, instances: [String; 2]) -> Checked<Self> {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            // actix-web closes a connection after 5 s without a request. A request that is sent just then has no response.
            .pool_idle_timeout(Duration::from_secs(1))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            seed,
            begun: Instant::now(),
            demo,
            outages: Outages::default(),
            is_over: AtomicBool::new(false),
            flood: Mutex::default(),
            published: Mutex::default(),
            revoked: Mutex::default(),
            lags: Mutex::default(),
            ended_streams: AtomicU64::default(),
            instances,
            client,
            counts: Mutex::default(),
            verified: Default::default(),
        })
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// Signs a token of the customers' issuer with its newest key.
    pub(crate) fn sign(&self, token: impl FnOnce(&Demo) -> TokenBuilder) -> Token {
        let published = lock(&self.published);
        Token {
            jwt: token(&self.demo).sign(),
            published: *published,
        }
    }

    /// Sends a request and counts the response.
    pub(crate) async fn send(
        &self,
        kind: &'static str,
        instance: usize,
        call: Call,
    ) -> Checked<Answer> {
        let (method, path) = call.request.split_once(' ').ok_or("a method and a path")?;
        let method: Method = method.parse().map_err(|_| "a method")?;
        let url = format!("{}{path}", self.instances[instance]);
        let mut request = self.client.request(method, url).body(call.body);
        if let Some(authorization) = call.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(proof) = call.proof {
            request = request.header("dpop", proof);
        }
        let sent = Instant::now();
        let response = request.send().await;
        let response = response.map_err(|error| format!("{kind}: no response: {error:?}"))?;
        let answered = Instant::now();
        let status = response.status().as_u16();
        *lock(&self.counts).entry((kind, status)).or_default() += 1;
        if !path.starts_with("/events/") {
            *lock(&self.verified[instance]).entry(status).or_default() += 1;
        }
        let times = Times {
            instance,
            sent,
            answered,
        };
        Ok(Answer {
            kind,
            instance,
            times,
            status,
            response,
        })
    }

    /// Returns the number of responses by kind of request and status.
    pub(crate) fn counts(&self) -> BTreeMap<(&'static str, u16), u64> {
        lock(&self.counts).clone()
    }

    /// Returns the number of responses of the routes with a verifying layer, by status.
    pub(crate) fn verified(&self, instance: usize) -> BTreeMap<u16, u64> {
        lock(&self.verified[instance]).clone()
    }

    /// Checks the response to a valid token of the customers' issuer.
    pub(crate) async fn check_customer(
        &self,
        answer: Answer,
        expected: u16,
        token: &Token,
    ) -> Checked {
        let is_allowed = match answer.status {
            503 => {
                self.key_is_new(token.published, answer.times)
                    || self.outages.in_doubt(answer.times)
            }
            401 => self.key_is_new(token.published, answer.times),
            status => status == expected,
        };
        self.check(answer, is_allowed).await
    }

    /// Returns whether an instance may not have a key yet that was published at this time.
    pub(crate) fn key_is_new(&self, published: Option<Instant>, times: Times) -> bool {
        let outages = &self.outages;
        published.is_some_and(|it| outages.key_is_new(it, times))
    }

    /// Returns an error that describes the response, unless it is allowed.
    pub(crate) async fn check(&self, answer: Answer, is_allowed: bool) -> Checked {
        if is_allowed {
            // The whole response is read, so that the connection can be used again.
            let body = answer.response.bytes().await;
            return body.map(drop).map_err(|error| error.to_string());
        }
        let after = answer.times.sent.duration_since(self.begun).as_secs_f32();
        let Answer {
            kind,
            instance,
            status,
            ..
        } = answer;
        let body = answer.response.text().await.unwrap_or_default();
        Err(format!(
            "{kind}: the instance {instance} answered with {status} after {after:.1} s, which is not allowed: {body}"
        ))
    }

    /// Returns the metrics of an instance.
    pub(crate) async fn metrics(&self, url: &str) -> Checked<String> {
        let response = self.client.get(url).send().await;
        let response = response.map_err(|error| format!("metrics: {error:?}"))?;
        response
            .text()
            .await
            .map_err(|error| format!("metrics: {error:?}"))
    }

    /// Closes the connections of the callers, and returns the issuers.
    pub(crate) fn close(self) -> Demo {
        self.demo
    }

    /// Returns a generator for one task, which the seed and the name of the task determine.
    pub(crate) fn random(&self, task: &str, number: usize) -> Random {
        let name = task.bytes().fold(number as u64, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        Random::new(self.seed ^ name.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

impl Call {
    pub(crate) fn new(request: &'static str) -> Self {
        Self {
            request,
            ..Self::default()
        }
    }

    pub(crate) fn authorization(mut self, value: impl Into<String>) -> Self {
        self.authorization = Some(value.into());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.authorization(format!("Bearer {token}"))
    }

    pub(crate) fn proof(mut self, proof: String) -> Self {
        self.proof = Some(proof);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

/// Returns the seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

/// Waits. It only paces the load: no response depends on it.
pub(crate) async fn wait(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
