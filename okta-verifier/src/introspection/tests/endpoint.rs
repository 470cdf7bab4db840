//! The URL of introspection requests, and when the metadata is fetched for it.

use std::time::Duration;

use serde_json::json;

use super::issuer::{ENDPOINT, Issuer, Reply, SECOND, active, pass, unavailable};
use crate::error::UnavailableReason;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn metadata() -> serde_json::Value {
    json!({ "issuer": "https://issuer.test", "introspection_endpoint": ENDPOINT })
}

// field kind G
#[tokio::test(start_paused = true)]
async fn endpoint_with_slow_metadata_takes_two_attempts() {
    let slow = Duration::from_millis(1_600);
    let issuer = Issuer::new(Reply::Slow(slow, active()));
    issuer.metadata(Reply::Slow(slow, metadata()));
    let service = issuer.introspector();
    let (retry_after, source) = unavailable(service.introspect("opaque").await);
    assert!(matches!(source, UnavailableReason::Timeout));
    pass(retry_after).await;
    assert_eq!(service.result("opaque").await, "ok");
    assert_eq!((issuer.metadata_calls(), issuer.calls()), (1, 2));
}

// field kind G
#[tokio::test(start_paused = true)]
async fn endpoint_with_failing_metadata_requests_it_every_five_minutes() {
    for failure in [Reply::Hang, Reply::status(500)] {
        let issuer = Issuer::new(Reply::Json(active()));
        let service = issuer.introspector();
        assert_eq!(service.result("first").await, "ok");
        pass(DAY).await;
        issuer.metadata(failure);
        let _ = service.introspect("second").await;
        pass(SECOND).await;
        for number in 0..10 {
            assert_eq!(service.result(&format!("other {number}")).await, "ok");
        }
        assert_eq!(issuer.metadata_calls(), 2);
        issuer.metadata(Reply::Json(metadata()));
        pass(300 * SECOND).await;
        for number in 0..10 {
            assert_eq!(service.result(&format!("later {number}")).await, "ok");
        }
        assert_eq!(issuer.metadata_calls(), 3);
    }
}
