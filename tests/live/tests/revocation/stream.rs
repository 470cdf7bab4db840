//! The state of the stream: verification, and a pause.

use std::time::Duration;

use live::fleet::Fleet;
use live::jwt;
use okta_verifier::revocation::StreamStatus;

use crate::{own_fleet, own_realm};

// conformance 222
#[test]
fn verification_with_a_state_of_another_service_is_rejected() {
    let fleet = own_fleet("other-state");
    // Keycloak delivers the event while it responds, and passes the rejection on.
    assert_eq!(fleet.stream.verify("state-of-another-service"), 400);
    let refused = fleet.answered("a verification event", |it| it.event().0 == "verification");
    assert_eq!(refused.status, 400);
    for stream in fleet.streams() {
        assert!(stream.last_verified.is_none(), "{stream:?}");
    }
    assert_eq!(fleet.streams()[0].rejected, [("invalid_state", 1)]);
}

// conformance 301
#[test]
fn fleet_that_requests_verification_events_by_itself_is_verified() {
    let fleet = Fleet::start_verifying(own_realm("scheduled"), Duration::from_secs(60));
    let event = fleet.delivered("a verification event", |it| it.event().0 == "verification");
    assert!(event.event().1["state"].is_string());
    fleet.streams_become("both instances know of it", |stream| {
        stream.last_verified.is_some() && !stream.is_silent
    });
    // Keycloak sends the event before it responds. It answers the other instance with 429, or that one sends no request.
    let requests = fleet.requests_succeed();
    assert!(
        requests.iter().all(|requests| requests.failed.is_empty()),
        "{requests:?}"
    );
}

// conformance 303
#[test]
fn paused_stream_is_degraded_and_delivers_late_what_it_held_back() {
    let fleet = own_fleet("paused");
    let realm = fleet.realm;
    let token = realm.grant("web").user("ada").access;
    let user = jwt::claims(&token)["sub"]
        .as_str()
        .expect("text")
        .to_owned();
    realm.add_user("bob");
    let other = realm.grant("web").user("bob").access;
    fleet.accepts(&token);
    fleet.accepts(&other);
    assert_eq!(
        fleet.degraded_streams(),
        [(); 2].map(|()| Vec::<String>::new())
    );

    fleet.stream.set_status("paused");
    fleet.streams_become("both instances know of the pause", |stream| {
        stream.stream == StreamStatus::Paused
    });
    assert_eq!(
        fleet.degraded_streams(),
        [(); 2].map(|()| vec![realm.issuer()])
    );
    // A password change causes no logout token either.
    realm.reset_password(&user);
    fleet.accepts(&token);
    let later = fleet.later_login("ada");

    fleet.stream.set_status("enabled");
    let event = fleet.event_about(&user);
    assert_eq!(event.event().0, "credential-change");
    fleet.rejects(&token, &event);
    fleet.accepts(&later); // issued before the event arrived, and after it happened
    fleet.accepts(&other);
    fleet.streams_become("both instances know that it goes on", |stream| {
        stream.stream == StreamStatus::Enabled
    });
    assert_eq!(
        fleet.degraded_streams(),
        [(); 2].map(|()| Vec::<String>::new())
    );
}
