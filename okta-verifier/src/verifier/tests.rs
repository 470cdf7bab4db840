//! The decision about a request that has to wait: how much work it causes, and what is checked again
//! afterwards.

mod expiry;
mod issuer_resolver;
mod validity;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Client, Endpoint, MockOkta, Rotation};
use tokio::sync::Semaphore;

use crate::{
    Issuer, Rejection, VerifiedToken, Verifier,
    adapter::{Authentication, RequestCredentials},
    counts::Counts,
    dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore},
    introspection::{ClientAuthentication, Introspection},
};

const AUDIENCE: &str = "api://orders";
const BASE: &str = "https://api.example.com";

/// A remote replay store, which answers once it is released.
#[derive(Clone)]
struct Remote {
    requests: Arc<AtomicUsize>,
    released: Arc<Semaphore>,
}

impl Remote {
    fn new() -> Self {
        Self {
            requests: Arc::default(),
            released: Arc::new(Semaphore::new(0)),
        }
    }

    fn released() -> Self {
        let remote = Self::new();
        remote.released.add_permits(1_000);
        remote
    }
}

impl ReplayStore for Remote {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            self.released.acquire().await?.forget();
            Ok(ProofUse::First)
        })
    }
}

/// A service, and a client with a bound token and a proof.
struct World {
    okta: MockOkta,
    client: Client,
    verifier: Verifier,
    remote: Remote,
}

impl World {
    async fn new(remote: Remote) -> Self {
        let okta = MockOkta::start().await;
        let dpop = DpopSettings::base_url(BASE).replay_store(remote.clone());
        let builder = Verifier::builder().issuer(issuer(&okta)).dpop(dpop);
        Self {
            verifier: builder.build().unwrap(),
            client: Client::new(),
            okta,
            remote,
        }
    }

    fn bound_token(&self) -> String {
        self.client.bind(self.okta.token("ada")).sign()
    }

    fn authenticate_bound(&self, jwt: &str) -> Authentication {
        let url = format!("{BASE}/orders");
        let proof = self.client.proof("GET", &url).token(jwt).sign();
        let authorization = format!("DPoP {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders");
        self.verifier.authenticate(&credentials)
    }
}

fn issuer(okta: &MockOkta) -> Issuer {
    okta.set_audience(AUDIENCE);
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    Issuer::okta(okta.issuer_url(), AUDIENCE)
        .any_client_id()
        .introspection(Introspection::every_token(client))
}

fn code(result: &Result<VerifiedToken, Rejection>) -> &str {
    match result {
        Ok(_) => "ok",
        Err(rejection) => rejection.error().map_or("none", crate::VerifyError::code),
    }
}

#[tokio::test]
async fn request_that_waits_for_keys_introspection_and_replay_store_is_parsed_and_verified_once() {
    let world = World::new(Remote::released()).await;
    let jwt = world.bound_token();
    let before = Counts::read();
    let result = world.authenticate_bound(&jwt).await;
    assert_eq!(code(&result), "ok");
    assert_eq!(world.remote.requests.load(Ordering::Relaxed), 1);
    let expected = Counts {
        parses: 1,
        token_signatures: 1,
        proof_signatures: 1,
    };
    assert_eq!(Counts::read() - before, expected);

    // The keys and the token are cached now, so only introspection and the replay store have to be awaited.
    world.verifier.refresh().await.unwrap();
    let before = Counts::read();
    let result = world.authenticate_bound(&jwt).await;
    assert_eq!(code(&result), "ok");
    let expected = Counts {
        parses: 0,
        token_signatures: 0,
        proof_signatures: 1,
    };
    assert_eq!(Counts::read() - before, expected);
}

#[tokio::test]
async fn request_that_waits_for_one_thing_is_parsed_and_verified_once() {
    let okta = MockOkta::start().await;
    okta.set_audience(AUDIENCE);
    let plain = Issuer::okta(okta.issuer_url(), AUDIENCE).any_client_id();
    for (issuer, warm) in [(plain.clone(), false), (issuer(&okta), true), (plain, true)] {
        let verifier = Verifier::builder().issuer(issuer).build().unwrap();
        if warm {
            verifier.warm_up().await.unwrap();
        }
        for (jwt, parses, token_signatures, expected) in [
            (okta.token("ada").sign(), 1, 1, "ok"),
            (okta.token("ada").tampered().sign(), 1, 1, "bad_signature"),
            (
                okta.token("ada").audience("x").sign(),
                1,
                1,
                "wrong_audience",
            ),
            (
                okta.token("ada").unpublished_key().sign(),
                1,
                0,
                "unknown_key_id",
            ),
        ] {
            let authorization = format!("Bearer {jwt}");
            let credentials = RequestCredentials::new([authorization.as_bytes()]);
            let before = Counts::read();
            let result = verifier.authenticate(&credentials).await;
            assert_eq!(code(&result), expected);
            let expected = Counts {
                parses,
                token_signatures,
                proof_signatures: 0,
            };
            assert_eq!(Counts::read() - before, expected);
        }
    }
}

#[tokio::test]
async fn authentication_dropped_before_its_first_poll_has_no_effect() {
    let world = World::new(Remote::released()).await;
    let jwt = world.bound_token();
    for _ in 0..3 {
        drop(world.authenticate_bound(&jwt));
    }
    assert_eq!(world.okta.hits().discovery, 0);
    world.verifier.warm_up().await.unwrap();
    let hits = world.okta.hits();
    for _ in 0..3 {
        drop(world.authenticate_bound(&jwt)); // would be introspected
    }
    assert_eq!(code(&world.authenticate_bound(&jwt).await), "ok");
    assert_eq!(world.okta.hits().introspection, hits.introspection + 1);
    let requests = world.remote.requests.load(Ordering::Relaxed);
    for _ in 0..3 {
        drop(world.authenticate_bound(&jwt)); // would be recorded
    }
    assert_eq!(world.remote.requests.load(Ordering::Relaxed), requests);
}

/// Begins a request that waits for the replay store, and ends it after `meanwhile`.
async fn while_waiting_for_the_store(world: &World, meanwhile: impl AsyncFnOnce()) -> String {
    let jwt = world.bound_token();
    world.verifier.warm_up().await.unwrap();
    let before = Counts::read();
    let request = tokio::spawn(world.authenticate_bound(&jwt));
    while world.remote.requests.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    meanwhile().await;
    world.remote.released.add_permits(1);
    let result = request.await.unwrap();
    assert_eq!((Counts::read() - before).token_signatures, 1);
    code(&result).to_owned()
}

#[tokio::test]
async fn request_is_rejected_if_its_key_is_withdrawn_while_it_waits() {
    // On a busy machine the fetch of the keys may take longer than a request waits for the store.
    for _ in 0..20 {
        let world = World::new(Remote::new()).await;
        let result = while_waiting_for_the_store(&world, async || {
            world.okta.rotate(Rotation::Hard);
            world.verifier.refresh().await.unwrap();
        });
        match result.await.as_str() {
            "unavailable" => {}
            result => return assert_eq!(result, "unknown_key_id"),
        }
    }
    panic!("the keys were never fetched in time");
}

#[tokio::test]
async fn request_is_rejected_if_its_issuer_is_removed_while_it_waits() {
    let world = World::new(Remote::new()).await;
    let other = Issuer::okta("https://other.okta.com/oauth2/default", AUDIENCE).any_client_id();
    let result = while_waiting_for_the_store(&world, async || {
        world.verifier.set_issuers([other]).unwrap();
    });
    assert_eq!(result.await, "unknown_issuer");
}

/// Begins a request that waits for the issuer, and ends it after `meanwhile`.
async fn while_waiting_for_the_issuer(world: &World, meanwhile: impl FnOnce()) -> String {
    let jwt = world.bound_token();
    let mut request = world.authenticate_bound(&jwt);
    assert!(is_pending(&mut request).await); // the first poll begins the fetch of the keys
    meanwhile();
    code(&request.await).to_owned()
}

/// Polls once.
async fn is_pending(request: &mut Authentication) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *request).poll(context).is_pending())
    })
    .await
}

#[tokio::test]
async fn request_is_decided_by_new_settings_if_they_change_while_it_waits_for_the_issuer() {
    let world = World::new(Remote::released()).await;
    let changed = issuer(&world.okta).leeway(Duration::from_secs(1));
    let result = while_waiting_for_the_issuer(&world, || {
        world.verifier.set_issuers([changed]).unwrap();
    });
    assert_eq!(result.await, "ok");
}

#[tokio::test]
async fn request_sends_nothing_to_an_issuer_that_is_removed_while_it_waits() {
    let world = World::new(Remote::released()).await;
    let other = Issuer::okta("https://other.okta.com/oauth2/default", AUDIENCE).any_client_id();
    let result = while_waiting_for_the_issuer(&world, || {
        world.verifier.set_issuers([other]).unwrap();
    });
    assert_eq!(result.await, "unknown_issuer");
    assert_eq!(world.okta.hits().introspection, 0);
    assert_eq!(world.remote.requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn request_sends_nothing_to_an_issuer_that_is_removed_before_the_first_poll() {
    let world = World::new(Remote::released()).await;
    let other = Issuer::okta("https://other.okta.com/oauth2/default", AUDIENCE).any_client_id();
    let request = world.authenticate_bound(&world.bound_token());
    world.verifier.set_issuers([other]).unwrap();
    assert_eq!(code(&request.await), "unknown_issuer");
    assert_eq!(world.okta.hits().keys, 0);
}

#[tokio::test]
async fn request_begins_again_once_at_most() {
    let world = World::new(Remote::released()).await;
    let change = |seconds| {
        let changed = issuer(&world.okta).leeway(Duration::from_secs(seconds));
        world.verifier.set_issuers([changed]).unwrap();
    };
    let mut request = world.authenticate_bound(&world.bound_token());
    change(1);
    assert!(is_pending(&mut request).await); // begins again, and waits for the keys
    change(2);
    assert_eq!(code(&request.await), "unavailable");
}

/// Lets time pass for the process, as in a suspension.
async fn suspend(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn authentication_begins_again_if_it_is_first_polled_late() {
    let world = World::new(Remote::released()).await;
    let jwt = world.bound_token();
    world.verifier.warm_up().await.unwrap();
    let late = world.authenticate_bound(&jwt);
    // The introspection response to another request is newer than this request, but it is older than
    // allowed when this request is first polled.
    assert_eq!(code(&world.authenticate_bound(&jwt).await), "ok");
    world.okta.revoke(&jwt);
    suspend(Duration::from_secs(120)).await;
    assert_eq!(code(&late.await), "inactive");
}

#[tokio::test]
async fn introspection_response_that_ages_while_keys_are_fetched_is_not_used() {
    let hour = Duration::from_secs(60 * 60);
    let okta = MockOkta::start().await;
    okta.set_audience(AUDIENCE);
    okta.set_cache_control(Endpoint::Keys, "max-age=600");
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let introspection = Introspection::every_token(client).max_age(hour);
    let issuer = Issuer::okta(okta.issuer_url(), AUDIENCE).any_client_id();
    let builder = Verifier::builder().issuer(issuer.introspection(introspection));
    let verifier = builder.build().unwrap();
    let jwt = okta.token("ada").expires_in(24 * hour).sign();
    assert!(verifier.verify(&jwt).await.is_ok());
    // The introspection response is just recent enough when the request arrives, and the keys have to be
    // fetched.
    suspend(hour - Duration::from_millis(200)).await;
    okta.set_latency(Duration::from_millis(300));
    okta.revoke(&jwt);
    assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "inactive");
}

#[tokio::test]
async fn proof_is_not_used_if_the_authentication_is_first_polled_late() {
    let world = World::new(Remote::released()).await;
    let jwt = world.bound_token();
    assert_eq!(code(&world.authenticate_bound(&jwt).await), "ok");
    let requests = world.remote.requests.load(Ordering::Relaxed);
    let late = world.authenticate_bound(&jwt);
    suspend(Duration::from_secs(2)).await;
    assert_eq!(code(&late.await), "unavailable");
    assert_eq!(world.remote.requests.load(Ordering::Relaxed), requests);
}

#[tokio::test]
async fn request_is_unavailable_if_the_settings_of_its_issuer_change_while_it_waits_for_the_store()
{
    let world = World::new(Remote::new()).await;
    let changed = issuer(&world.okta).leeway(Duration::from_secs(1));
    let result = while_waiting_for_the_store(&world, async || {
        world.verifier.set_issuers([changed]).unwrap();
    });
    assert_eq!(result.await, "unavailable");
}
