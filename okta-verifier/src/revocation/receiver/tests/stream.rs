//! Events about the stream itself.

use super::*;
use crate::revocation::StreamStatus;

const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";
const UPDATED: &str = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn stream_event(fixture: &Fixture, uri: &str) -> EventBuilder {
    let event = fixture.issuer.event(uri, "ada");
    event.subject(json!({"format": "opaque", "id": "stream-1"}))
}

fn keycloak_with(secret: &'static str) -> Fixture {
    let keycloak = TestIssuer::keycloak("orders");
    Fixture::new(keycloak, |it| it.verification_secret(secret))
}

// conformance 222
#[tokio::test]
async fn verification_event_with_a_wrong_state_is_rejected() {
    let fixture = keycloak_with(SECRET);
    let (url, now) = (fixture.issuer.issuer_url(), Now::read());
    let own = fixture.receiver.verification_state(url, now).unwrap();
    let long_ago = Now {
        unix: now.unix - 2 * 86_400,
        ..now
    };
    let old = fixture.receiver.verification_state(url, long_ago).unwrap();
    let other = keycloak_with("another secret of thirty-two bytes");
    let other = other.receiver.verification_state(url, now).unwrap();
    let event = || stream_event(&fixture, VERIFICATION);
    for state in ["", "st-1", &own[1..], &old, &other] {
        let response = fixture
            .deliver(&event().member("state", state).sign())
            .await;
        assert_eq!(response.err(), Some(EventResponse::InvalidState));
    }
    let response = fixture.deliver(&event().member("state", 7).sign()).await;
    assert_eq!(response.err(), Some(EventResponse::InvalidState));
    assert_eq!(fixture.receiver.states()[0].last_verified, None);

    assert!(
        fixture
            .rules(event().member("state", &own))
            .await
            .is_empty()
    );
    assert!(fixture.receiver.states()[0].last_verified.is_some());
}

#[tokio::test]
async fn verification_event_without_a_state_or_without_a_secret_is_accepted() {
    let fixture = keycloak_with(SECRET);
    let event = stream_event(&fixture, VERIFICATION);
    assert!(fixture.rules(event).await.is_empty());
    let fixture = Fixture::keycloak();
    let event = stream_event(&fixture, VERIFICATION).member("state", "st-1");
    assert!(fixture.rules(event).await.is_empty());
    let state = fixture.receiver.states().remove(0);
    assert_eq!(state.applied, [("verification", 1)]);
    assert!(state.last_verified.is_some());
    let (url, now) = (fixture.issuer.issuer_url(), Now::read());
    assert_eq!(fixture.receiver.verification_state(url, now), None);
}

#[tokio::test]
async fn verification_state_of_each_secret_is_accepted() {
    let old = "the previous secret, of 32 bytes or more";
    let before = keycloak_with(old);
    let (url, now) = (before.issuer.issuer_url(), Now::read());
    let state = before.receiver.verification_state(url, now).unwrap();
    let fixture = Fixture::new(TestIssuer::keycloak("orders"), |it| {
        it.verification_secret(SECRET).verification_secret(old)
    });
    let event = stream_event(&fixture, VERIFICATION).member("state", state);
    assert!(fixture.rules(event).await.is_empty());
}

#[tokio::test]
async fn stream_updated_event_sets_the_status() {
    let fixture = Fixture::keycloak();
    let event = || stream_event(&fixture, UPDATED);
    let status = || fixture.receiver.states()[0].stream;
    assert_eq!(status(), StreamStatus::Unknown);
    // Keycloak writes an object, the standard a text.
    let paused = json!({"stream_id": "stream-1", "status": "paused", "reason": "test"});
    assert!(
        fixture
            .rules(event().member("status", paused))
            .await
            .is_empty()
    );
    assert_eq!(status(), StreamStatus::Paused);
    assert!(
        fixture
            .rules(event().member("status", "enabled"))
            .await
            .is_empty()
    );
    assert_eq!(status(), StreamStatus::Enabled);
    // An older event that arrives late changes nothing.
    let old = event().member("event_timestamp", Now::read().unix - 60);
    assert!(
        fixture
            .rules(old.member("status", "disabled"))
            .await
            .is_empty()
    );
    assert_eq!(status(), StreamStatus::Enabled);
    for odd in [json!("new"), json!(null), json!({}), json!(7)] {
        assert!(
            fixture
                .rules(event().member("status", odd))
                .await
                .is_empty()
        );
    }
    let state = fixture.receiver.states().remove(0);
    assert_eq!(state.applied, [("stream-updated", 2)]);
    assert_eq!(state.ignored, [("stream-updated", "status", 5)]);
}

#[tokio::test]
async fn stream_event_about_another_stream_is_ignored() {
    let fixture = Fixture::new(TestIssuer::keycloak("orders"), |it| {
        it.stream_id("stream-2").verification_secret(SECRET)
    });
    for event in [
        stream_event(&fixture, UPDATED).member("status", "disabled"),
        stream_event(&fixture, VERIFICATION).member("state", "st-1"),
    ] {
        assert!(fixture.rules(event).await.is_empty());
    }
    let state = fixture.receiver.states().remove(0);
    assert_eq!(
        (state.stream, state.last_verified),
        (StreamStatus::Unknown, None)
    );
    let other = "other_stream";
    let expected = [("stream-updated", other, 1), ("verification", other, 1)];
    assert_eq!(state.ignored, expected);
}

// conformance 303
#[tokio::test]
async fn stream_that_is_paused_or_disabled_is_degraded() {
    let fixture = Fixture::new(TestIssuer::keycloak("orders"), |it| it);
    let transmitter = fixture.receiver.transmitters().next().unwrap().clone();
    assert!(!transmitter.is_degraded(Now::read()));
    for (status, is_degraded) in [("paused", true), ("enabled", false), ("disabled", true)] {
        let event = stream_event(&fixture, UPDATED).member("status", status);
        assert!(fixture.rules(event).await.is_empty());
        assert_eq!(
            transmitter.is_degraded(Now::read()),
            is_degraded,
            "{status}"
        );
        assert_eq!(fixture.receiver.states()[0].is_degraded(), is_degraded);
    }
}

// conformance 302
#[tokio::test(start_paused = true)]
async fn stream_is_silent_until_a_verification_event_of_now_arrives() {
    let minute = std::time::Duration::from_secs(60);
    let fixture = Fixture::new(TestIssuer::keycloak("orders"), |it| {
        let token = crate::revocation::ManagementToken::fixed("management-token");
        it.stream_id("stream-1")
            .verification_secret(SECRET)
            .verify_every(minute, token)
    });
    let transmitter = fixture.receiver.transmitters().next().unwrap().clone();
    let verification = transmitter.verification().unwrap();
    verification.connect(crate::revocation::verification::tests::connection_that_hangs());
    verification.begin();
    tokio::time::advance(3 * minute).await;
    let is_silent = || transmitter.is_degraded(Now::read());
    assert!(is_silent() && fixture.receiver.states()[0].is_silent);

    // An event that was sent before is genuine, but does not show that the stream works now.
    let url = fixture.issuer.issuer_url();
    let before = Now {
        unix: Now::read().unix - 600,
        ..Now::read()
    };
    let old = fixture.receiver.verification_state(url, before).unwrap();
    let event = |state: String| stream_event(&fixture, VERIFICATION).member("state", state);
    let replayed = event(old).claim("iat", before.unix);
    assert!(fixture.rules(replayed).await.is_empty());
    assert!(is_silent());
    let other = stream_event(&fixture, VERIFICATION);
    let other = other.subject(json!({"format": "opaque", "id": "stream-2"}));
    assert!(fixture.rules(other).await.is_empty());
    assert!(is_silent());

    let new = fixture.receiver.verification_state(url, Now::read());
    assert!(fixture.rules(event(new.unwrap())).await.is_empty());
    assert!(!is_silent() && !fixture.receiver.states()[0].is_degraded());
}
