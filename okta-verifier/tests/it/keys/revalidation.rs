//! Conditional requests for keys, over a socket.

use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation};

use crate::support::mock_issuer::{result_code, unavailable_reason, verifier};

// conformance 141, 142
#[tokio::test]
async fn key_revalidation_of_unchanged_keys_is_304() {
    let okta = MockOkta::start().await;
    okta.set_etags(true);
    okta.set_cache_control(Endpoint::Keys, "max-age=600");
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &token).await, "ok");
    let cold = verifier.health().remove(0);
    okta.set_cache_control(Endpoint::Keys, "max-age=1200");
    verifier.refresh().await.unwrap();
    let warm = verifier.health().remove(0);
    assert_eq!((okta.hits().keys, okta.hits().not_modified), (2, 1));
    assert_eq!(warm.key_ids, cold.key_ids);
    assert_eq!(cold.fresh_for.unwrap().as_secs(), 600);
    assert_eq!(warm.fresh_for.unwrap().as_secs(), 1200);
    assert!(warm.age.unwrap() <= cold.age.unwrap() + warm.age.unwrap());
    assert_eq!(result_code(&verifier, &token).await, "ok");

    okta.rotate(Rotation::Hard);
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
    assert_eq!((okta.hits().keys, okta.hits().not_modified), (3, 1));
    assert_eq!(result_code(&verifier, &token).await, "unknown_key_id");
}

// conformance 141
#[tokio::test]
async fn key_revalidation_sends_an_etag_of_at_most_256_bytes() {
    for (length, not_modified) in [(256, 1), (257, 0), (10_000, 0)] {
        let okta = MockOkta::start().await;
        let etag = format!("\"{}\"", "e".repeat(length - 2));
        okta.set_header(Endpoint::Keys, "etag", Some(&etag));
        let verifier = verifier(&okta);
        verifier.warm_up().await.unwrap();
        verifier.refresh().await.unwrap();
        assert_eq!(
            (okta.hits().keys, okta.hits().not_modified),
            (2, not_modified)
        );
    }
}

// conformance 141
#[tokio::test]
async fn key_revalidation_does_not_send_an_etag_to_another_url() {
    let (okta, other) = (MockOkta::start().await, MockOkta::start().await);
    for it in [&okta, &other] {
        // Both have the same ETag: if it were sent, the response would be 304.
        it.set_header(Endpoint::Keys, "etag", Some("\"1\""));
    }
    let origin = other.issuer_url().trim_end_matches("/oauth2/default");
    let issuer = crate::support::mock_issuer::issuer(&okta).allow_origin(origin);
    let verifier = crate::support::mock_issuer::build(issuer);
    verifier.warm_up().await.unwrap();
    okta.fault(Endpoint::Keys, Fault::Status(404));
    let moved = format!("{}/v1/keys", other.issuer_url());
    okta.fault(Endpoint::Discovery, Fault::JwksUri(moved));
    verifier.refresh().await.unwrap_err();
    verifier.refresh().await.unwrap();
    assert_eq!((other.hits().keys, other.hits().not_modified), (1, 0));
    assert_eq!(verifier.health()[0].key_ids, other.key_ids());
}

// conformance 143
#[tokio::test]
async fn key_revalidation_rejects_an_unrequested_304() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    for endpoint in [Endpoint::Keys, Endpoint::Discovery] {
        okta.clear_faults();
        okta.fault(endpoint, Fault::Status(304));
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert!(
            matches!(
                error,
                okta_verifier::error::UnavailableReason::Status { status: 304, .. }
            ),
            "{error}"
        );
    }
}

// conformance 142, 143
#[tokio::test]
async fn key_revalidation_ignores_the_etag_of_a_truncated_response() {
    let okta = MockOkta::start().await;
    okta.set_etags(true);
    let verifier = verifier(&okta);
    verifier.warm_up().await.unwrap();
    okta.rotate(Rotation::Hard);
    okta.fault_times(Endpoint::Keys, Fault::Half, 1);
    verifier.refresh().await.unwrap_err();
    verifier.refresh().await.unwrap();
    assert_eq!(okta.hits().not_modified, 0);
    assert_eq!(verifier.health()[0].key_ids, okta.key_ids());
}
