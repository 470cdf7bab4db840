//! The server tells a fleet of what revokes tokens: the causes that matter most. `ci/live revocation` has the others.

use std::sync::OnceLock;

use live::fleet::{Fleet, session_subject, user_subject};
use live::jwt;
use live::keycloak::PORTAL;
use serde_json::json;

use crate::own_realm;

/// Returns the fleet that the tests share. Each has a user of its own.
fn fleet() -> &'static Fleet {
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    FLEET.get_or_init(|| Fleet::start(own_realm("signals")))
}

// conformance 217, 219
#[test]
fn logout_by_an_administrator_rejects_all_tokens_of_the_user() {
    let fleet = fleet();
    let realm = fleet.realm;
    let user = realm.add_user("leaves");
    let tokens = [(); 2].map(|()| realm.grant("web").user("leaves").access);
    let other = realm.grant("web").user("ada").access;
    tokens.iter().for_each(|token| fleet.accepts(token));
    fleet.accepts(&other);

    realm.log_out(&user);
    let event = fleet.event_about(&user);
    assert_eq!(event.header["typ"], "secevent+jwt");
    assert_eq!(event.event().0, "session-revoked");
    assert_eq!(
        event.claims["sub_id"],
        session_subject(&realm.issuer(), &user, "ALL")
    );
    tokens.iter().for_each(|token| fleet.rejects(token, &event));
    fleet.accepts(&other);
    fleet.accepts(&fleet.later_login("leaves"));
}

// conformance 217, 219
#[test]
fn changed_password_rejects_the_tokens_of_the_user() {
    let fleet = fleet();
    let realm = fleet.realm;
    let user = realm.add_user("careful");
    let token = realm.grant("web").user("careful").access;
    let other = realm.grant("web").user("ada").access;
    fleet.accepts(&token);
    fleet.accepts(&other);

    realm.reset_password(&user);
    let event = fleet.event_about(&user);
    let (name, payload) = event.event();
    assert_eq!(name, "credential-change");
    assert_eq!(payload["credential_type"], "password");
    assert_eq!(payload["change_type"], "update");
    assert_eq!(event.claims["sub_id"], user_subject(&realm.issuer(), &user));
    fleet.rejects(&token, &event);
    fleet.accepts(&other);
    fleet.accepts(&fleet.later_login("careful"));
}

// conformance 222
#[test]
fn verification_with_our_state_shows_both_instances_that_the_stream_works() {
    let fleet = fleet();
    let state = fleet.verification_state();
    assert!(
        fleet
            .streams()
            .iter()
            .all(|stream| stream.last_verified.is_none())
    );
    assert_eq!(fleet.stream.verify(&state), 204);
    let event = fleet.delivered("a verification event", |it| it.event().0 == "verification");
    assert_eq!(event.event().1["state"], json!(state));
    assert_eq!(
        event.claims["sub_id"],
        json!({ "format": "opaque", "id": fleet.stream.id })
    );
    fleet.streams_become("both instances know of it", |stream| {
        stream.last_verified.is_some()
    });
    // Keycloak sends one per minute.
    assert_eq!(fleet.stream.verify(&fleet.verification_state()), 429);
}

// conformance 290
#[test]
fn back_channel_logout_rejects_the_tokens_of_its_session() {
    let fleet = fleet();
    let realm = fleet.realm;
    realm.add_user("visitor");
    let [ended, other] = [(); 2].map(|()| realm.grant(PORTAL).user("visitor"));
    fleet.accepts(&ended.access);
    fleet.accepts(&other.access);

    realm.log_out_with(PORTAL, ended.token("refresh_token"));
    let logout = fleet.delivered("a logout token", |it| it.path == "/events/logout");
    assert_eq!(logout.header["typ"], "logout+jwt");
    let claims = jwt::claims(&ended.access);
    assert_eq!(logout.claims["sub"], claims["sub"]);
    assert_eq!(logout.claims["sid"], claims["sid"]);
    assert_eq!(logout.claims["aud"], PORTAL);
    fleet.rejects(&ended.access, &logout);
    fleet.accepts(&other.access);
}
