//! The inner service is polled ready only for a request that it will receive.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use hyper::body::Bytes;
use okta_verifier_tower::mcp::{McpLayer, McpRequestBody};
use tower::{BoxError, Layer, Service, ServiceExt, limit::ConcurrencyLimit};

use super::support::*;
use crate::support::{okta, verifier};

/// A service that counts how often it was polled ready and called. It fails if `fails`.
#[derive(Clone, Default)]
struct Counting {
    polled: Arc<AtomicUsize>,
    called: Arc<AtomicUsize>,
    fails: bool,
}

impl Counting {
    fn counts(&self) -> (usize, usize) {
        let [polled, called] = [&self.polled, &self.called].map(|it| it.load(Ordering::Relaxed));
        (polled, called)
    }
}

impl<B> Service<Request<B>> for Counting {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.polled.fetch_add(1, Ordering::Relaxed);
        match self.fails {
            true => Poll::Ready(Err("closed".into())),
            false => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        self.called.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn inner_service_is_not_polled_ready_for_a_rejected_request() {
    let server = Counting::default();
    let service = protected(McpLayer::new(tools()), server.clone());
    for (request, status) in [
        (post("", None, LIST), 401),
        (post(&reader("ada"), None, "{"), 400),
        (post(&reader("ada"), Some("unknown"), LIST), 404),
        (post(&reader("ada"), None, &call("write_file")), 403),
        (request("GET", &reader("ada"), Some("unknown")), 404),
    ] {
        let response = service.clone().oneshot(request).await.expect("a response");
        assert_eq!(response.status(), status);
    }
    assert_eq!(server.counts(), (0, 0));
    for method in ["POST", "GET"] {
        let request = request(method, &reader("ada"), None).map(|_| Full::<Bytes>::from(LIST));
        let response = service.clone().oneshot(request).await.expect("a response");
        assert_eq!(response.status(), 200);
    }
    assert_eq!(server.counts(), (2, 2));
}

#[tokio::test]
async fn inner_service_that_is_not_ready_fails_the_request_and_keeps_no_place() {
    let server = Counting {
        fails: true,
        ..Counting::default()
    };
    let sessions = okta_verifier::mcp::McpSessions::new().max_sessions(1);
    let layer = McpLayer::new(tools()).sessions(sessions);
    let service = protected(layer, server.clone());
    for _ in 0..3 {
        let request = post(&reader("ada"), None, INITIALIZE);
        let error = service.clone().oneshot(request).await.expect_err("closed");
        assert_eq!(error.to_string(), "closed");
    }
    assert_eq!(server.counts(), (3, 0));
}

/// A body that never arrives.
struct Pending;

impl Body for Pending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn slow_body_holds_no_permit_of_an_inner_limit() {
    let limited = ConcurrencyLimit::new(Counting::default(), 1);
    let mcp = McpLayer::new(tools());
    let verify = okta_verifier_tower::VerifyLayer::new(verifier(okta()));
    let slow = verify.layer(mcp.layer(limited.clone()));
    let request_of = |jwt: &str| request("POST", jwt, None);
    let mut waiting = pin!(
        slow.clone()
            .oneshot(request_of(&reader("ada")).map(|_| Pending))
    );
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());

    let other = verify.layer(mcp.layer(limited));
    for _ in 0..3 {
        let request = post(&reader("bob"), None, LIST);
        let response = other.clone().oneshot(request).await.expect("a response");
        assert_eq!(response.status(), 200);
    }
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
}

#[test]
fn bodies_and_services_need_not_be_send() {
    fn assert_service<S, B>(_: &S)
    where
        S: Service<Request<B>>,
    {
    }
    struct Local(std::rc::Rc<()>);
    impl Body for Local {
        type Data = std::collections::VecDeque<u8>;
        type Error = BoxError;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
            let _ = &self.0;
            Poll::Ready(None)
        }
    }
    let service = McpLayer::new(tools()).layer(Counting::default());
    assert_service::<_, Local>(&service);
    fn assert_body<B: Body<Data = Bytes>>() {}
    assert_body::<McpRequestBody<Local>>();
}

#[test]
fn future_is_send_with_a_body_that_is_send() {
    fn assert_send<T: Send>(_: T) {}
    let mut service = McpLayer::new(tools()).layer(Counting::default());
    assert_send(service.call(post(&reader("ada"), None, LIST)));
}
