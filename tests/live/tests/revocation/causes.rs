//! What the server tells of.

use live::fleet::{session_subject, user_subject};
use live::jwt;
use live::keycloak::{PORTAL, client};
use serde_json::json;

use crate::{fleet, own_fleet};

#[test]
fn logout_by_the_user_rejects_the_tokens_of_the_session() {
    let (fleet, realm) = (fleet(), fleet().realm);
    let user = realm.add_user("walker");
    let [ended, other] = [(); 2].map(|()| realm.grant("web").user("walker"));
    // The token before a refresh belongs to the session too.
    let refreshed = realm.grant("web").refresh(ended.token("refresh_token"));
    for tokens in [&ended, &refreshed, &other] {
        fleet.accepts(&tokens.access);
    }

    realm.log_out_with("web", refreshed.token("refresh_token"));
    let claims = jwt::claims(&ended.access);
    let sid = claims["sid"].as_str().expect("text");
    let event = fleet.event_about(&user);
    assert_eq!(event.event().0, "session-revoked");
    let subject = session_subject(&realm.issuer(), &user, sid);
    assert_eq!(event.claims["sub_id"], subject);
    fleet.rejects(&ended.access, &event);
    fleet.rejects(&refreshed.access, &event);
    fleet.accepts(&other.access); // another session of the same user
    fleet.accepts(&realm.grant("web").user("walker").access);
}

#[test]
fn emitted_event_without_details_counts_from_its_iat() {
    let (fleet, realm) = (fleet(), fleet().realm);
    let user = realm.add_user("emitted");
    let token = realm.grant("web").user("emitted").access;
    let other = realm.grant("web").user("ada").access;
    fleet.accepts(&token);
    fleet.accepts(&other);

    fleet.stream.emit("session-revoked", &user);
    let event = fleet.event_about(&user);
    assert_eq!(event.event(), ("session-revoked", &json!({})));
    assert_eq!(event.claims["sub_id"], user_subject(&realm.issuer(), &user));
    fleet.rejects(&token, &event);
    fleet.accepts(&other);
    fleet.accepts(&fleet.later_login("emitted"));
}

#[test]
fn logout_ends_the_tokens_of_all_clients() {
    let (fleet, realm) = (fleet(), fleet().realm);
    let user = realm.add_user("two-clients");
    realm.add_client(&client("app", &json!({})));
    let tokens = ["web", "app"].map(|client| realm.grant(client).user("two-clients").access);
    let other = realm.grant("app").user("ada").access;
    tokens.iter().for_each(|token| fleet.accepts(token));
    fleet.accepts(&other);

    realm.log_out(&user); // the event names no client
    let event = fleet.event_about(&user);
    tokens.iter().for_each(|token| fleet.rejects(token, &event));
    fleet.accepts(&other);
    fleet.accepts(&fleet.later_login("two-clients"));
}

#[test]
fn logout_by_an_administrator_is_also_sent_to_the_back_channel() {
    let fleet = own_fleet("back-channel");
    let realm = fleet.realm;
    let user = realm.add_user("leaves");
    let tokens = [(); 2].map(|()| realm.grant(PORTAL).user("leaves").access);
    tokens.iter().for_each(|token| fleet.accepts(token));
    // The event is held back, so that only the logout tokens can reject the tokens.
    fleet.stream.set_status("paused");

    realm.log_out(&user);
    for token in &tokens {
        let sid = &jwt::claims(token)["sid"];
        let logout = fleet.delivered("a logout token for the session", |it| {
            it.path == "/events/logout" && it.claims["sid"] == *sid
        });
        fleet.rejects(token, &logout);
    }
    fleet.accepts(&realm.grant(PORTAL).user("ada").access);
    fleet.accepts(&realm.grant(PORTAL).user("leaves").access);
}

#[test]
fn session_that_an_administrator_deletes_is_sent_to_the_back_channel() {
    let (fleet, realm) = (fleet(), fleet().realm);
    realm.add_user("deleted");
    let [ended, other] = [(); 2].map(|()| realm.grant(PORTAL).user("deleted").access);
    fleet.accepts(&ended);
    fleet.accepts(&other);

    let sid = &jwt::claims(&ended)["sid"];
    realm.delete_session(sid.as_str().expect("text"));
    let logout = fleet.delivered("a logout token for the session", |it| {
        it.claims["sid"] == *sid
    });
    assert_eq!(logout.path, "/events/logout");
    fleet.rejects(&ended, &logout);
    fleet.accepts(&other);
}
