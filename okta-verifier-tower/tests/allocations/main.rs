//! Allocations of the layer for a request with a cached token. This is a separate binary because its
//! allocator counts for the measuring thread.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the count is the result")]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use okta_verifier::{VerifiedToken, Verifier};
use okta_verifier_testing::TestIssuer;
use okta_verifier_tower::VerifyLayer;
use secret_scan as _;
use tower::{Layer, Service, service_fn};

/// A handler that responds with whether the request has a verified token.
fn handler(request: Request<()>) -> Ready<Result<Response<bool>, Infallible>> {
    let verified = request.extensions().get::<VerifiedToken>().is_some();
    ready(Ok(Response::new(verified)))
}

fn call<S>(service: &mut S, request: Request<()>) -> bool
where
    S: Service<Request<()>, Response = Response<bool>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response.into_body(),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("a cached token needs no I/O"),
    }
}

#[test]
fn cached_token_allocates_at_most_five_times() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    let line = format!("Bearer {}", okta.token("ada").scope("orders:read").sign());
    let line = HeaderValue::from_str(&line).unwrap();
    let request = || {
        let mut request = Request::new(());
        request.headers_mut().insert(AUTHORIZATION, line.clone());
        request
    };
    let mut plain = service_fn(handler);
    let mut verified = VerifyLayer::new(verifier).layer(plain);
    assert!(!call(&mut plain, request()));
    assert!(call(&mut verified, request()));

    let (without, with) = (request(), request());
    let without = measure(|| assert!(!call(&mut plain, without))).count_total;
    let with = measure(|| assert!(call(&mut verified, with))).count_total;
    println!("without the layer {without}, with it {with}");
    assert!(with - without <= 5, "{with} - {without}");
}
