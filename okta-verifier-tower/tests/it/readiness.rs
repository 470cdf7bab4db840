//! Reservations of `poll_ready` are used or released, on every path of a request.
//!
//! `ConcurrencyLimit` and `Buffer` have a fixed number of reservations. They also panic if they are
//! called without one, so every accepted request shows that the right value was called.

use std::{
    future::{Ready, pending, ready},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response};
use okta_verifier::{Policy, VerifiedToken, Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};
use okta_verifier_tower::{RequireLayer, Verify, VerifyFuture, VerifyLayer};
use tower::{
    BoxError, Layer, Service, ServiceExt, buffer::Buffer, limit::ConcurrencyLimit, service_fn,
};

use crate::support::{AUDIENCE, bearer, get, mock_issuer, okta, verifier};

fn ready_now<S: Service<Request<()>>>(service: &mut S) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(())))
}

async fn ok(_: Request<()>) -> Result<Response<()>, BoxError> {
    Ok(Response::new(()))
}

/// Returns two clones of a service with one reservation: the first holds it, and the second waits.
fn held<S: Service<Request<()>> + Clone>(service: S) -> (S, S) {
    let (mut first, mut second) = (service.clone(), service);
    assert!(ready_now(&mut first), "the reservation is free");
    assert!(!ready_now(&mut second), "there is only one");
    (first, second)
}

async fn serves_again<S>(mut service: S, jwt: &str)
where
    S: Service<Request<()>, Response = Response<()>, Error: std::fmt::Debug>,
{
    for _ in 0..3 {
        let response = service
            .ready()
            .await
            .expect("ready")
            .call(bearer(jwt))
            .await;
        assert_eq!(response.expect("a response").status(), 200);
    }
}

/// Asserts that a rejection with `status` releases the only reservation before it is sent.
async fn assert_rejection_releases<S>(service: S, request: Request<()>, status: u16)
where
    S: Service<Request<()>, Response = Response<()>, Error: std::fmt::Debug> + Clone,
{
    let (mut first, mut second) = held(service);
    let rejected = first.call(request);
    assert!(
        ready_now(&mut second),
        "an idle connection holds no reservation after a rejection"
    );
    assert_eq!(rejected.await.expect("a response").status(), status);
}

#[tokio::test]
async fn rejection_releases_the_permit_before_it_is_sent() {
    let service = VerifyLayer::new(verifier(okta())).layer(limited(1));
    assert_rejection_releases(service, get("/orders", &[]), 401).await;
}

#[tokio::test]
async fn rejection_releases_the_buffer_slot_before_it_is_sent() {
    let service = VerifyLayer::new(verifier(okta())).layer(buffered(1));
    assert_rejection_releases(service, bearer("a.b.c"), 401).await;
}

#[tokio::test]
async fn unmet_policy_releases_permit_and_slot() {
    let layer = RequireLayer::new(Policy::any_token());
    assert_rejection_releases(layer.layer(limited(1)), get("/orders", &[]), 500).await;
    assert_rejection_releases(layer.layer(buffered(1)), get("/orders", &[]), 500).await;
}

#[tokio::test]
async fn accepted_request_uses_and_releases_its_permit() {
    let verifier = verifier(okta());
    let jwt = okta().token("ada").sign();
    let limited = VerifyLayer::new(verifier.clone()).layer(limited(1));
    serves_again(limited, &jwt).await;
    let buffered = VerifyLayer::new(verifier).layer(buffered(1));
    serves_again(buffered, &jwt).await;
}

#[tokio::test]
async fn dropped_request_releases_its_permit() {
    let layer = VerifyLayer::new(verifier(okta()));
    let endless = service_fn(|_: Request<()>| pending::<Result<Response<()>, BoxError>>());
    let (mut first, mut second) = held(layer.layer(ConcurrencyLimit::new(endless, 1)));

    let running = first.call(bearer(&okta().token("ada").sign()));
    assert!(!ready_now(&mut second), "the handler runs");
    drop(running);
    assert!(ready_now(&mut second));
}

/// The number of reservations of the whole service, shared by all clones.
const LIMIT: usize = 4;

fn limited(limit: usize) -> ConcurrencyLimit<impl Inner> {
    ConcurrencyLimit::new(service_fn(ok), limit)
}

fn buffered(
    limit: usize,
) -> Buffer<Request<()>, impl Future<Output = Result<Response<()>, BoxError>> + Send> {
    Buffer::new(service_fn(ok), limit)
}

trait Inner:
    Service<Request<()>, Response = Response<()>, Error = BoxError, Future: Send> + Clone
{
}

impl<S> Inner for S where
    S: Service<Request<()>, Response = Response<()>, Error = BoxError, Future: Send> + Clone
{
}

/// Builds a verifier with known keys, whose next fetch, for an unknown key, meets this fault.
async fn known_keys_then(fault: Fault) -> (MockOkta, Verifier) {
    let okta = mock_issuer::mock().await;
    let issuer = okta.issuer(AUDIENCE).any_client_id();
    let builder = Verifier::builder().issuer(issuer);
    let verifier = builder.fetch_timeout(LONG).build();
    let verifier = verifier.expect("valid settings");
    verifier.warm_up().await.expect("the keys");
    okta.fault(Endpoint::Keys, fault);
    (okta, verifier)
}

fn of_an_unknown_key(okta: &MockOkta) -> Request<()> {
    bearer(&okta.token("mallory").unpublished_key().sign())
}

type Waiting<S> = (Verify<S>, Pin<Box<VerifyFuture<S, ()>>>);

/// Opens `count` connections, each with a request that waits for the issuer.
fn waiting<S: Inner>(service: &Verify<S>, okta: &MockOkta, count: usize) -> Vec<Waiting<S>> {
    let mut connections = Vec::new();
    for number in 0..count {
        let mut service = service.clone();
        assert!(ready_now(&mut service), "connection {number} is ready");
        let mut response = Box::pin(service.call(of_an_unknown_key(okta)));
        assert!(poll_once(response.as_mut()).is_pending(), "it waits");
        connections.push((service, response));
    }
    connections
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Asserts that all reservations are free by taking each of them.
fn assert_all_free<S: Inner>(service: &Verify<S>) {
    let mut clones = vec![service.clone(); LIMIT + 1];
    let ready: Vec<_> = clones.iter_mut().map(ready_now).collect();
    assert_eq!(ready, [true, true, true, true, false]);
}

async fn soon<F: Future>(future: F) -> F::Output {
    let within = tokio::time::timeout(Duration::from_secs(5), future);
    within.await.expect("the future does not wait for a fetch")
}

/// The fetch hangs longer than the test runs.
const LONG: Duration = Duration::from_secs(30);

async fn others_are_served_while_requests_wait<S: Inner>(inner: S) {
    let (okta, verifier) = known_keys_then(Fault::Hang).await;
    let service = VerifyLayer::new(verifier).layer(inner);
    let connections = waiting(&service, &okta, 4 * LIMIT);
    for _ in 0..3 {
        let request = bearer(&mock_issuer::token(&okta));
        let response = soon(service.clone().oneshot(request)).await;
        assert_eq!(response.expect("a response").status(), 200);
    }
    assert_all_free(&service);
    drop(connections);
}

// finding 6
#[tokio::test]
async fn waiting_requests_leave_the_inner_service_to_others() {
    others_are_served_while_requests_wait(limited(LIMIT)).await;
    others_are_served_while_requests_wait(buffered(LIMIT)).await;
}

async fn dropped_waits_leave_nothing_behind<S: Inner>(inner: S) {
    let (okta, verifier) = known_keys_then(Fault::Hang).await;
    let service = VerifyLayer::new(verifier).layer(inner);
    let (mut idle, dropped): (Vec<_>, Vec<_>) =
        waiting(&service, &okta, 4 * LIMIT).into_iter().unzip();
    drop(dropped);
    // The connections stay open, and can serve again.
    assert_all_free(&service);
    for connection in &mut idle {
        let request = bearer(&mock_issuer::token(&okta));
        let response = soon(async { connection.ready().await?.call(request).await }).await;
        assert_eq!(response.expect("a response").status(), 200);
    }
    assert_all_free(&service);
}

// finding 6
#[tokio::test]
async fn waiting_request_that_is_dropped_leaves_no_permit_behind() {
    dropped_waits_leave_nothing_behind(limited(LIMIT)).await;
    dropped_waits_leave_nothing_behind(buffered(LIMIT)).await;
}

async fn rejected_waits_leave_nothing_behind<S: Inner>(inner: S) {
    let (okta, verifier) = known_keys_then(Fault::Drop).await;
    let service = VerifyLayer::new(verifier).layer(inner);
    let connections = waiting(&service, &okta, 4 * LIMIT);
    let mut idle = Vec::new();
    for (connection, response) in connections {
        let response = soon(response).await.expect("a response");
        assert_eq!(response.status(), 503);
        idle.push(connection);
    }
    assert_all_free(&service);
    drop(idle);
}

// finding 6
#[tokio::test]
async fn waiting_request_that_is_rejected_leaves_no_permit_behind() {
    rejected_waits_leave_nothing_behind(limited(LIMIT)).await;
    rejected_waits_leave_nothing_behind(buffered(LIMIT)).await;
}

/// Starts an issuer, and returns it with a verifier that has not fetched its keys, and a token.
async fn unfetched() -> (MockOkta, Verifier, String) {
    let okta = mock_issuer::mock().await;
    let (verifier, jwt) = (mock_issuer::verifier(&okta), mock_issuer::token(&okta));
    (okta, verifier, jwt)
}

/// Waits until the verifier can verify this token without a fetch.
async fn until_decided(verifier: &Verifier, jwt: &str) {
    let line = format!("Bearer {jwt}");
    let decided = async {
        let credentials = || RequestCredentials::new([line.as_bytes()]);
        while verifier.authenticate(&credentials()).into_ready().is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(decided).await;
}

async fn waits_for_a_reservation<S>(inner: impl Fn(Recording) -> S)
where
    S: Inner + Send + 'static,
{
    let (okta, verifier, first_jwt) = unfetched().await;
    let second_jwt = okta.token("bob").sign();
    let layer = VerifyLayer::new(verifier.clone());
    let served = Recording::default();
    let service = layer.layer(inner(served.clone()));

    // Another connection takes the only reservation while the first request waits for the keys.
    let (mut first, mut second) = held(service);
    let waiting = tokio::spawn(first.call(bearer(&first_jwt)));
    assert!(ready_now(&mut second), "the waiting request holds nothing");
    until_decided(&verifier, &first_jwt).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(
        !waiting.is_finished(),
        "the request waits for the reservation"
    );

    let response = soon(second.call(bearer(&second_jwt))).await;
    assert_eq!(response.expect("a response").status(), 200);
    let response = soon(waiting).await.expect("no panic");
    assert_eq!(response.expect("a response").status(), 200);
    assert_eq!(*served.subjects(), ["bob", "ada"]);
}

/// A handler that records the subjects it served.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Vec<String>>>);

impl Recording {
    fn subjects(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().expect("no panic")
    }

    fn serve(&self, request: &Request<()>) -> Ready<Result<Response<()>, BoxError>> {
        let token = request.extensions().get::<VerifiedToken>();
        let subject = token.expect("a verified token").subject().to_owned();
        self.subjects().push(subject);
        ready(Ok(Response::new(())))
    }
}

// finding 6
#[tokio::test]
async fn waiting_request_is_served_once_the_issuer_answered_and_a_permit_is_free() {
    waits_for_a_reservation(|served| {
        let handler = service_fn(move |request| served.serve(&request));
        ConcurrencyLimit::new(handler, 1)
    })
    .await;
    waits_for_a_reservation(|served| {
        Buffer::new(service_fn(move |request| served.serve(&request)), 1)
    })
    .await;
}

async fn dropped_while_it_waits_for_a_reservation<S>(inner: S)
where
    S: Inner + Send + 'static,
{
    let (_okta, verifier, jwt) = unfetched().await;
    let (mut first, mut second) = held(VerifyLayer::new(verifier.clone()).layer(inner));
    let mut third = second.clone();

    let mut waiting = Box::pin(first.call(bearer(&jwt)));
    assert!(ready_now(&mut second), "the waiting request holds nothing");
    assert!(poll_once(waiting.as_mut()).is_pending());
    until_decided(&verifier, &jwt).await;
    for _ in 0..10 {
        assert!(poll_once(waiting.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    // The request is next in the queue for the reservation, and may already have it when it is dropped.
    drop(second);
    drop(waiting);
    assert!(ready_now(&mut third), "nothing is left behind");
}

// finding 6
#[tokio::test]
async fn waiting_request_that_is_dropped_in_the_queue_for_a_permit_leaves_none_behind() {
    let limited = limited(1);
    dropped_while_it_waits_for_a_reservation(limited).await;
    dropped_while_it_waits_for_a_reservation(buffered(1)).await;
}

/// A service that can be closed; after that no clone of it becomes ready.
#[derive(Clone, Default)]
struct Closable {
    is_closed: Arc<AtomicBool>,
}

impl Service<Request<()>> for Closable {
    type Response = Response<()>;
    type Error = BoxError;
    type Future = Ready<Result<Response<()>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(if self.is_closed.load(Ordering::SeqCst) {
            Err("closed".into())
        } else {
            Ok(())
        })
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(!self.is_closed.load(Ordering::SeqCst), "not ready");
        ready(Ok(Response::new(())))
    }
}

// finding 6
#[tokio::test]
async fn waiting_request_gets_the_error_of_a_service_that_fails_meanwhile() {
    let (_okta, verifier, jwt) = unfetched().await;
    let inner = Closable::default();
    let mut service = VerifyLayer::new(verifier).layer(inner.clone());
    assert!(ready_now(&mut service));
    let response = service.call(bearer(&jwt));
    inner.is_closed.store(true, Ordering::SeqCst);
    let error = soon(response).await.expect_err("the service is closed");
    assert_eq!(error.to_string(), "closed");
}

#[tokio::test]
async fn waiting_request_calls_the_clone_that_was_made_ready() {
    let okta = mock_issuer::mock().await;
    for _ in 0..2 {
        // Each round has a new verifier: the first request of a connection takes the slow path.
        let jwt = mock_issuer::token(&okta);
        let layer = VerifyLayer::new(mock_issuer::verifier(&okta));
        serves_again(layer.layer(limited(1)), &jwt).await;
        let layer = VerifyLayer::new(mock_issuer::verifier(&okta));
        serves_again(layer.layer(buffered(1)), &jwt).await;
    }
}

/// The layer does not change the inner service's back-pressure or errors.
#[tokio::test]
async fn inner_readiness_and_errors_pass_through() {
    let failing =
        service_fn(|_: Request<()>| ready(Err::<Response<()>, BoxError>("broken".into())));
    let service = VerifyLayer::new(verifier(okta())).layer(failing);
    let error = service.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_eq!(
        error.expect_err("the handler's error").to_string(),
        "broken"
    );
}
