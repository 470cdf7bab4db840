//! Key fetches: rotations, floods and outages over a socket. Every wait is bounded and ends by an
//! event.

use std::time::{Duration, Instant};

use okta_verifier::{
    Rejection, Verifier, VerifyError, adapter::RequestCredentials, error::UnavailableReason,
};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation};

use crate::support::mock_issuer::{
    result_code, unavailable_reason, verifier, verifier_for_fault, warm_up_until_it_succeeds,
    warmed_up,
};

async fn rejection(verifier: &Verifier, jwt: &str) -> Rejection {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    verifier
        .authenticate(&credentials)
        .await
        .expect_err("rejected")
}

fn retry_after(rejection: &Rejection) -> u64 {
    let field = rejection.headers().find(|(name, _)| name == "retry-after");
    let seconds = field.and_then(|(_, value)| value.to_str().ok()?.parse().ok());
    seconds.expect("whole seconds")
}

// conformance 148
#[tokio::test]
async fn key_fetch_is_shared_by_concurrent_requests_of_which_half_are_dropped() {
    let okta = MockOkta::start().await;
    okta.set_latency(Duration::from_millis(100));
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    let requests: Vec<_> = (0..1_000)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token.clone());
            tokio::spawn(async move { result_code(&verifier, &token).await })
        })
        .collect();
    okta.wait_for_hits(Endpoint::Discovery, 1).await;
    for request in requests.iter().step_by(2) {
        request.abort();
    }
    for request in requests.into_iter().skip(1).step_by(2) {
        assert_eq!(request.await.unwrap(), "ok");
    }
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}

// conformance 148, 149
#[tokio::test]
async fn key_fetch_accepts_rotated_keys_at_once_and_rejects_withdrawn_ones() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let old = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &old).await, "ok");
    okta.rotate(Rotation::Overlap);
    let new = okta.token("ada").sign();
    for token in [&new, &old] {
        assert_eq!(result_code(&verifier, token).await, "ok");
    }
    assert_eq!(okta.hits().keys, 2);
    okta.rotate(Rotation::Hard);
    let newest = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &newest).await, "ok");
    // A third fetch shows that the keys were withdrawn. Then the budget is spent.
    for token in [&new, &new, &old] {
        assert_eq!(result_code(&verifier, token).await, "unknown_key_id");
    }
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 4));
}

// conformance 148
#[tokio::test]
async fn key_fetch_is_not_needed_for_keys_published_before_they_sign() {
    let okta = MockOkta::start().await;
    okta.rotate(Rotation::Append);
    let verifier = verifier(&okta);
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
    okta.rotate(Rotation::Promote);
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
    assert_eq!(okta.hits().keys, 1);
}

// conformance 148
#[tokio::test]
async fn key_fetch_for_invented_key_ids_is_limited_to_three() {
    let (okta, verifier) = warmed_up().await;
    let made_up = okta.token("ada");
    let began = Instant::now();
    for _ in 0..1_000 {
        let rejection = rejection(&verifier, &made_up.clone().unpublished_key().sign()).await;
        assert_eq!(rejection.status(), 401);
    }
    // A slow machine may see a refill or two.
    let refills = began.elapsed().as_secs() / 10;
    let fetches = okta.hits().keys as u64;
    assert!((4..=4 + refills).contains(&fetches), "{fetches}");
    assert_eq!(result_code(&verifier, &made_up.sign()).await, "ok");
}

// conformance 62, 132, 143
#[tokio::test]
async fn key_fetch_failure_leaves_known_keys_in_use() {
    for fault in [
        Fault::Status(404),
        Fault::Status(429),
        Fault::Status(500),
        Fault::Hang,
        Fault::Drip(Duration::from_millis(20)),
        Fault::Drop,
        Fault::Truncate,
        Fault::Half,
        Fault::Html,
        Fault::Huge(6),
        Fault::EmptyKeys,
        Fault::NoKeys,
        Fault::Redirect("http://127.0.0.1:9/".to_owned()),
    ] {
        let okta = MockOkta::start().await;
        let verifier = verifier_for_fault(&okta, &fault);
        warm_up_until_it_succeeds(&verifier).await;
        okta.reset_hits();
        let valid = okta.token("ada").sign();
        okta.fault(Endpoint::Keys, fault.clone());
        let unknown = okta.token("ada").unpublished_key().sign();
        assert_eq!(
            rejection(&verifier, &unknown).await.status(),
            503,
            "{fault:?}"
        );
        assert_eq!(okta.hits().keys, 1);
        assert_eq!(result_code(&verifier, &valid).await, "ok", "{fault:?}");
    }
}

// conformance 24
#[tokio::test]
async fn key_fetch_of_a_hanging_issuer_times_out_once_and_backs_off() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Discovery, Fault::Hang);
    let verifier = verifier_for_fault(&okta, &Fault::Hang);
    let token = okta.token("ada").sign();
    let began = Instant::now();
    let rejection = rejection(&verifier, &token).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        (rejection.status().as_u16(), retry_after(&rejection)),
        (503, 1)
    );
    let source = match rejection.error() {
        Some(VerifyError::Unavailable { source, .. }) => source.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(source, UnavailableReason::Timeout), "{source}");
}

// conformance 24
#[tokio::test]
async fn key_fetch_waits_for_retry_after() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Status(429));
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    let began = Instant::now();
    for _ in 0..20 {
        let rejection = rejection(&verifier, &token).await;
        assert_eq!(rejection.status(), 503);
        assert!((1..=2).contains(&retry_after(&rejection)));
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "no fetch before Retry-After"
    );
    assert_eq!(okta.hits().keys, 1);
}

#[tokio::test]
async fn key_fetch_of_a_dropped_request_serves_the_next_one() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    let request = {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { result_code(&verifier, &token).await })
    };
    okta.wait_for_hits(Endpoint::Discovery, 1).await;
    request.abort();
    okta.wait_for_hits(Endpoint::Keys, 1).await;
    assert_eq!(result_code(&verifier, &token).await, "ok");
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}

#[test]
fn key_fetch_works_after_the_runtime_was_dropped() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let server = runtime();
    let okta = server.block_on(MockOkta::start());
    let verifier = verifier(&okta);
    okta.fault_times(Endpoint::Keys, Fault::Hang, 1);
    let token = okta.token("ada").sign();
    let first = runtime();
    first.spawn({
        let (verifier, token) = (verifier.clone(), token.clone());
        async move { result_code(&verifier, &token).await }
    });
    server.block_on(okta.wait_for_hits(Endpoint::Keys, 1));
    drop(first);
    let second = runtime();
    assert_eq!(second.block_on(result_code(&verifier, &token)), "ok");
    drop(second);
    okta.rotate(Rotation::Overlap);
    let rotated = okta.token("ada").sign();
    assert_eq!(runtime().block_on(result_code(&verifier, &rotated)), "ok");
}

#[test]
fn key_fetch_without_a_runtime_is_pending_and_cached_keys_are_used() {
    let server = tokio::runtime::Runtime::new().unwrap();
    let okta = server.block_on(MockOkta::start());
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    let poll = |token: &str| {
        let mut request = std::pin::pin!(verifier.verify(token));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match request.as_mut().poll(&mut context) {
            std::task::Poll::Ready(result) => result,
            std::task::Poll::Pending => panic!("the request waits without a runtime"),
        }
    };
    let rejected = poll(&token);
    assert!(matches!(
        rejected,
        Err(VerifyError::Unavailable {
            source: UnavailableReason::NoRuntime,
            ..
        })
    ));
    server.block_on(verifier.warm_up()).unwrap();
    assert_eq!(poll(&token).unwrap().subject(), "ada");
}

// conformance 136, 138, 150
#[tokio::test]
async fn key_fetch_is_not_repeated_at_each_request_despite_no_store() {
    for caching in ["no-store", "max-age=0", "no-cache, max-age=60", "max-age=1"] {
        let okta = MockOkta::start().await;
        okta.set_cache_control(Endpoint::Keys, caching);
        okta.set_header(Endpoint::Keys, "age", Some("3500"));
        let verifier = verifier(&okta);
        for _ in 0..50 {
            assert_eq!(
                result_code(&verifier, &okta.token("ada").sign()).await,
                "ok"
            );
        }
        assert_eq!(okta.hits().keys, 1, "{caching}");
    }
}

#[tokio::test]
async fn warm_up_fails_with_the_cause_and_succeeds_after_recovery() {
    let okta = MockOkta::start().await;
    okta.fault_times(Endpoint::Keys, Fault::Drop, 1);
    let verifier = verifier(&okta);
    let error = verifier.warm_up().await.unwrap_err();
    assert!(
        matches!(error.reason(), UnavailableReason::Transport { .. }),
        "{error:?}"
    );
    let error = unavailable_reason(&verifier, &okta.token("ada").sign()).await;
    assert!(
        matches!(error, UnavailableReason::Transport { .. }),
        "{error}"
    );
    warm_up_until_it_succeeds(&verifier).await;
    assert_eq!(okta.hits().keys, 2);
}
