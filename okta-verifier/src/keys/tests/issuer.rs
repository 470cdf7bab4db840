//! An issuer with scripted responses, for key stores under a paused clock.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;
use url::Url;

use super::set_of;
use crate::{
    crypto::Algorithm,
    error::{UnavailableReason, VerifyError},
    keys::{
        DEFAULT_STALE_IF_ERROR, FetchedKeys, Key, KeyLookup, KeyOptions, KeyStore, Metadata, Source,
    },
    net::{
        Fetch, PlainHttp, Revalidated, Validator,
        http_client::{JsonResponse, tests::scripted::Script},
    },
    stats::IssuerCounters,
    sync::clock::Now,
};

#[derive(Clone)]
pub(super) struct Issuer(Arc<Mutex<State>>);

struct State {
    metadata: Reply,
    keys: Reply,
    hits: Hits,
    /// Each request for keys, with the validator of the current ones.
    requests: Vec<(String, Option<Validator>)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hits {
    pub(super) metadata: usize,
    pub(super) keys: usize,
}

#[derive(Clone)]
pub(super) enum Reply {
    Body(Vec<u8>),
    Fail(UnavailableReason),
    Hang,
    /// This response after a delay.
    Slow(Duration, Vec<u8>),
    /// A response with an `ETag`.
    Tagged(&'static str, Vec<u8>),
    /// 304, with the freshness that its `Cache-Control` gives.
    NotModified(Option<Duration>),
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self::Fail(UnavailableReason::Status {
            status,
            retry_after: None,
        })
    }

    async fn play(self) -> Result<Revalidated, UnavailableReason> {
        let mut validator = None;
        let body = match self {
            Self::Body(body) => body,
            Self::Fail(error) => return Err(error),
            Self::Hang => pending().await,
            Self::Slow(time, body) => {
                tokio::time::sleep_until(Instant::now() + time).await;
                body
            }
            Self::Tagged(etag, body) => {
                validator = Some(Validator::etag(etag));
                body
            }
            Self::NotModified(fresh_for) => return Ok(Revalidated::NotModified { fresh_for }),
        };
        let response = JsonResponse {
            body,
            fresh_for: Duration::from_secs(3600),
        };
        Ok(Revalidated::Modified(response, validator))
    }
}

impl Issuer {
    /// Publishes a key for each of `kids`.
    pub(super) fn new(kids: &[&str]) -> Self {
        let metadata = br#"{"issuer":"https://issuer.test","jwks_uri":"https://issuer.test/keys"}"#;
        Self(Arc::new(Mutex::new(State {
            metadata: Reply::Body(metadata.to_vec()),
            keys: Reply::Body(set_of(kids)),
            hits: Hits::default(),
            requests: Vec::new(),
        })))
    }

    pub(super) fn publish(&self, kids: &[&str]) {
        self.keys(Reply::Body(set_of(kids)));
    }

    pub(super) fn keys(&self, reply: Reply) {
        self.state().keys = reply;
    }

    pub(super) fn metadata(&self, reply: Reply) {
        self.state().metadata = reply;
    }

    pub(super) fn hits(&self) -> Hits {
        self.state().hits
    }

    /// Removes and returns the requests for keys so far.
    pub(super) fn take_requests(&self) -> Vec<(String, Option<Validator>)> {
        std::mem::take(&mut self.state().requests)
    }

    pub(super) fn source(&self) -> Source {
        self.source_with(None, KeyOptions::default())
    }

    /// Returns a source of keys whose URL is `jwks_uri` or, without it, that of the metadata.
    pub(super) fn source_with(&self, jwks_uri: Option<&str>, options: KeyOptions) -> Source {
        let issuer = self.clone();
        let script = Script::new(move |url, validator| {
            let mut state = issuer.state();
            let reply = if url.starts_with("https://issuer.test/keys") {
                state.hits.keys += 1;
                state.requests.push((url.to_owned(), validator.cloned()));
                state.keys.clone()
            } else {
                state.hits.metadata += 1;
                state.metadata.clone()
            };
            reply.play()
        });
        let metadata = Metadata {
            issuer: "https://issuer.test".into(),
            url: Url::parse("https://issuer.test").unwrap(),
            document: None,
            origins: Vec::new(),
            plain_http: PlainHttp::default(),
        };
        Source::new(
            Fetch::Scripted(script),
            jwks_uri.map(str::to_owned),
            metadata,
            options,
            DEADLINE,
        )
    }

    pub(super) fn store(&self) -> KeyStore {
        self.store_for(DEFAULT_STALE_IF_ERROR)
    }

    pub(super) fn store_for(&self, stale_if_error: Duration) -> KeyStore {
        let store = FetchedKeys::new(self.source(), 7, stale_if_error, counters());
        KeyStore::Fetched(Arc::new(store))
    }

    pub(super) fn store_with(&self, options: KeyOptions) -> KeyStore {
        let source = self.source_with(None, options);
        KeyStore::Fetched(Arc::new(FetchedKeys::new(
            source,
            7,
            DEFAULT_STALE_IF_ERROR,
            counters(),
        )))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

pub(super) fn counters() -> Arc<IssuerCounters> {
    Arc::new(IssuerCounters::new("https://issuer.test"))
}

/// Looks a key up as a verifier does: without waiting if possible, and otherwise with a fetch.
pub(super) async fn find(store: &KeyStore, kid: &str) -> Result<Arc<Key>, VerifyError> {
    let lookup = lookup(kid);
    match store.find(lookup, lookup.arrived) {
        Some(result) => result,
        None => store.find_or_fetch(lookup).await,
    }
}

pub(super) fn lookup(kid: &str) -> KeyLookup<'_> {
    KeyLookup {
        kid: Some(kid),
        algorithm: Algorithm::EdDSA,
        arrived: Now::read(),
        acceptable: &|| true,
        tried: None,
    }
}

/// Lets `time` pass, so that each timer fires when it is due.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep_until(Instant::now() + time).await;
    settle().await;
}

/// Lets `time` pass in one step, as for a suspended process: timers fire at its end.
pub(super) async fn freeze(time: Duration) {
    tokio::time::advance(time).await;
    settle().await;
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// Returns the time to retry after, and the reason.
pub(super) fn unavailable<T>(result: Result<T, VerifyError>) -> (Duration, UnavailableReason) {
    match result {
        Err(VerifyError::Unavailable {
            retry_after,
            source,
        }) => (retry_after, source),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("accepted"),
    }
}

pub(super) fn is_unknown<T>(result: Result<T, VerifyError>) -> bool {
    matches!(result, Err(VerifyError::UnknownKeyId))
}

pub(super) const DEADLINE: Duration = Duration::from_secs(3);
