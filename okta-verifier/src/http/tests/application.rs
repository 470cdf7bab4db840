//! Rejections that the application itself decides.

use std::{panic::catch_unwind, time::Duration};

use http::Response;

use crate::http::{ApplicationRejection, Rejection};

// conformance 250
#[test]
fn application_rejection_with_a_status_that_needs_another_field_does_not_exist() {
    for status in [
        0, 200, 302, 399, 401, 405, 407, 426, 500, 502, 504, 600, 999,
    ] {
        let made = catch_unwind(|| ApplicationRejection::new(status, "closed"));
        assert!(made.is_err(), "{status}");
    }
    for status in [400, 402, 403, 404, 409, 410, 418, 422, 429, 451, 499, 503] {
        let rejection = Rejection::application(ApplicationRejection::new(status, "closed"));
        assert_eq!(rejection.status().as_u16(), status);
    }
}

#[test]
fn application_rejection_with_a_code_that_is_not_a_name_does_not_exist() {
    let long = "a".repeat(65).leak();
    for code in [
        "",
        "_closed",
        "1st",
        "Closed",
        "order closed",
        "order-closed",
        "a\n",
        "é",
        long,
    ] {
        let made = catch_unwind(|| ApplicationRejection::new(409, code));
        assert!(made.is_err(), "{code:?}");
    }
    for code in ["a", "order_closed", "http2", &long[..64]] {
        let rejection = Rejection::application(ApplicationRejection::new(409, code));
        assert_eq!(rejection.code(), code);
    }
}

// conformance 250
#[test]
fn application_rejection_has_an_empty_body_and_is_not_cached() {
    let closed = Rejection::application(ApplicationRejection::new(409, "order_closed"));
    assert!(closed.is_application());
    assert!(
        closed.error().is_none() && closed.issuer().is_none() && closed.unmet_policy().is_none()
    );
    let response: Response<String> = closed.into_response();
    let headers: Vec<_> = response.headers().iter().collect();
    assert_eq!(
        headers,
        [(
            &"cache-control".parse().unwrap(),
            &"no-store".parse().unwrap()
        )]
    );
    assert!(response.body().is_empty());
}

#[test]
fn application_rejection_retries_after_whole_seconds() {
    const QUOTA: ApplicationRejection = ApplicationRejection::new(429, "quota");
    for (wait, written) in [
        (Duration::ZERO, "1"),
        (Duration::from_millis(1), "1"),
        (Duration::from_millis(1_001), "2"),
        (Duration::from_secs(3_600), "3600"),
        (Duration::MAX, "4294967295"),
    ] {
        let response: Response<()> =
            Rejection::application(QUOTA.retry_after(wait)).into_response();
        assert_eq!(response.headers()["retry-after"], written);
    }
}

#[test]
fn application_rejection_has_a_grpc_status_of_its_own() {
    for (status, grpc) in [
        (400, 3),
        (403, 7),
        (404, 5),
        (409, 10),
        (422, 9),
        (429, 8),
        (503, 14),
    ] {
        let rejection = Rejection::application(ApplicationRejection::new(status, "closed"));
        assert_eq!(rejection.grpc_status(), grpc, "{status}");
    }
}
