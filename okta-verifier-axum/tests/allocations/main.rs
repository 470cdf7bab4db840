//! Allocations of layer and extractor for a request with a cached token. This is a separate binary
//! because its allocator counts for the measuring thread.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the count is the result")]

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use axum::{Extension, Router, body::Body, routing::get};
use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use okta_verifier::{Policy, Requirement, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer};
use okta_verifier_testing::TestIssuer;
use secret_scan as _;
use tower::ServiceExt;

struct ReadOrders;

impl Requirement for ReadOrders {
    const POLICY: Policy = Policy::scope("orders:read");
}

fn call(router: Router, request: Request<Body>) -> StatusCode {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(router.oneshot(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response.status(),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("a cached token needs no I/O"),
    }
}

struct Setup {
    verifier: Verifier,
    line: HeaderValue,
}

impl Setup {
    fn new() -> Self {
        let okta = TestIssuer::new("api://orders");
        let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
        let line = format!("Bearer {}", okta.token("ada").scope("orders:read").sign());
        Self {
            verifier: builder.build().unwrap(),
            line: HeaderValue::from_str(&line).unwrap(),
        }
    }

    fn plain() -> Router {
        Router::new().route("/orders", get(async || "orders"))
    }

    /// Any layer that passes a value to a handler allocates at least what this one does.
    fn with_extension() -> Router {
        let shared: Arc<str> = Arc::from("shared");
        Router::new()
            .route("/orders", get(async |_: Extension<Arc<str>>| "orders"))
            .route_layer(Extension(shared))
    }

    fn verified(&self) -> Router {
        Router::new()
            .route("/orders", get(async |_: Verified<ReadOrders>| "orders"))
            .route_layer(VerifyLayer::new(self.verifier.clone()))
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::get("/orders").body(Body::empty()).unwrap();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.line.clone());
        request
    }
}

/// Returns the allocations of the second call.
fn count(router: &Router, request: impl Fn() -> Request<Body>) -> u64 {
    assert_eq!(call(router.clone(), request()), 200);
    let (router, request) = (router.clone(), request());
    measure(|| assert_eq!(call(router, request), 200)).count_total
}

#[test]
fn layer_and_extractor_allocate_at_most_five_times() {
    let setup = Setup::new();
    let request = || {
        let mut request = setup.request();
        // Room for more extensions, because the features of axum decide whether the map has to grow.
        let extensions = request.extensions_mut();
        extensions.insert([0_u8; 1]);
        extensions.insert([0_u8; 2]);
        extensions.insert([0_u8; 3]);
        extensions.insert([0_u8; 4]);
        extensions.insert([0_u8; 5]);
        extensions.insert([0_u8; 6]);
        extensions.insert([0_u8; 7]);
        extensions.insert([0_u8; 8]);
        request
    };
    let without = count(&Setup::plain(), request);
    let with = count(&setup.verified(), request);
    println!("without them {without}, with them {with}");
    assert!(with - without <= 5, "{with} - {without}");
}

/// What a service allocates, growth of the extensions included: `axum::serve` calls `with_state` once, and
/// otherwise axum applies the layers anew for every request.
#[test]
fn layer_and_extractor_of_a_service_allocate_no_more_than_a_layer_that_inserts_any_value() {
    let setup = Setup::new();
    let served = |router: Router| count(&router.with_state(()), || setup.request());
    let without = served(Setup::plain());
    let extension = served(Setup::with_extension());
    let with = served(setup.verified());
    println!("served: without them {without}, with an Extension {extension}, with them {with}");
    assert!(with <= extension, "{with} and {extension}");
    assert!(with - without <= 5, "{with} - {without}");
}
