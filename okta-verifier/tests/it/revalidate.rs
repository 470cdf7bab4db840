//! Conditional requests over a socket.

use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation};

use crate::mock::{trouble, verdict, verifier};

// conformance 141, 142
#[tokio::test]
async fn keys_that_did_not_change_are_not_sent_again() {
    let okta = MockOkta::start().await;
    okta.set_etags(true);
    okta.set_cache_control(Endpoint::Keys, "max-age=600");
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    assert_eq!(verdict(&verifier, &token).await, "ok");
    let cold = verifier.health().remove(0);
    okta.set_cache_control(Endpoint::Keys, "max-age=1200");
    verifier.refresh().await.unwrap();
    let warm = verifier.health().remove(0);
    assert_eq!((okta.hits().keys, okta.hits().not_modified), (2, 1));
    assert_eq!(warm.key_ids, cold.key_ids);
    assert_eq!(cold.fresh_for.unwrap().as_secs(), 600);
    assert_eq!(warm.fresh_for.unwrap().as_secs(), 1200);
    assert!(warm.age.unwrap() <= cold.age.unwrap() + warm.age.unwrap());
    assert_eq!(verdict(&verifier, &token).await, "ok");

    okta.rotate(Rotation::Hard);
    assert_eq!(verdict(&verifier, &okta.token("ada").sign()).await, "ok");
    assert_eq!((okta.hits().keys, okta.hits().not_modified), (3, 1));
    assert_eq!(verdict(&verifier, &token).await, "unknown_key_id");
}

// conformance 141
#[tokio::test]
async fn a_name_is_told_again_up_to_256_bytes() {
    for (length, told) in [(256, 1), (257, 0), (10_000, 0)] {
        let okta = MockOkta::start().await;
        let etag = format!("\"{}\"", "e".repeat(length - 2));
        okta.set_header(Endpoint::Keys, "etag", Some(&etag));
        let verifier = verifier(&okta);
        verifier.warm_up().await.unwrap();
        verifier.refresh().await.unwrap();
        assert_eq!((okta.hits().keys, okta.hits().not_modified), (2, told));
    }
}

// conformance 141
#[tokio::test]
async fn another_url_is_not_told_the_name_of_this_ones_keys() {
    let (okta, other) = (MockOkta::start().await, MockOkta::start().await);
    for it in [&okta, &other] {
        // One name for both: if it were told, the other one would say 304.
        it.set_header(Endpoint::Keys, "etag", Some("\"1\""));
    }
    let origin = other.issuer_url().trim_end_matches("/oauth2/default");
    let issuer = crate::mock::issuer(&okta).allow_origin(origin);
    let verifier = crate::mock::within(std::time::Duration::from_secs(10), issuer);
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
async fn a_304_that_was_not_asked_for_is_no_key_set() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    for endpoint in [Endpoint::Keys, Endpoint::Discovery] {
        okta.clear_faults();
        okta.fault(endpoint, Fault::Status(304));
        let error = trouble(&verifier(&okta), &token).await;
        assert!(
            matches!(
                error,
                okta_verifier::UnavailableReason::Status { status: 304, .. }
            ),
            "{error}"
        );
    }
}

// conformance 142, 143
#[tokio::test]
async fn a_half_answer_with_a_new_name_does_not_rename_the_old_keys() {
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
