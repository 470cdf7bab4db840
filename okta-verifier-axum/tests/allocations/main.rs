//! Allocations of layer and extractor for a request with a cached token. This is a separate binary
//! because its allocator counts for the measuring thread.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the count is the result")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use axum::{Router, body::Body, routing::get};
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

#[test]
fn layer_and_extractor_allocate_at_most_five_times() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    let line = format!("Bearer {}", okta.token("ada").scope("orders:read").sign());
    let line = HeaderValue::from_str(&line).unwrap();
    let request = || {
        let mut request = Request::get("/orders").body(Body::empty()).unwrap();
        request.headers_mut().insert(AUTHORIZATION, line.clone());
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
    let plain = Router::new().route("/orders", get(async || "orders"));
    let verified = Router::new()
        .route("/orders", get(async |_: Verified<ReadOrders>| "orders"))
        .route_layer(VerifyLayer::new(verifier));
    assert_eq!(call(plain.clone(), request()), 200);
    assert_eq!(call(verified.clone(), request()), 200);

    let count = |router: &Router| {
        let (router, request) = (router.clone(), request());
        measure(|| assert_eq!(call(router, request), 200)).count_total
    };
    let (without, with) = (count(&plain), count(&verified));
    println!("without them {without}, with them {with}");
    assert!(with - without <= 5, "{with} - {without}");
}
