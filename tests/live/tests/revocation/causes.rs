//! What the server tells of.

use live::fleet::{session_subject, user_subject};
use live::jwt;
use serde_json::json;

use crate::fleet;

#[test]
fn logout_by_the_user_rejects_the_tokens_of_the_session() {
    let fleet = fleet("own-logout");
    let realm = fleet.realm;
    let [ended, other] = [(); 2].map(|()| realm.grant("web").user("ada"));
    // The token before a refresh belongs to the session too.
    let refreshed = realm.grant("web").refresh(ended.token("refresh_token"));
    for tokens in [&ended, &refreshed, &other] {
        fleet.accepts(&tokens.access);
    }

    realm.log_out_with(refreshed.token("refresh_token"));
    let claims = jwt::claims(&ended.access);
    let text = |name: &str| claims[name].as_str().expect("text");
    let event = fleet.event_about(text("sub"));
    let subject = session_subject(&realm.issuer(), text("sub"), text("sid"));
    assert_eq!(event.event().0, "session-revoked");
    assert_eq!(event.claims["sub_id"], subject);
    fleet.rejects(&ended.access, &event);
    fleet.rejects(&refreshed.access, &event);
    fleet.accepts(&other.access); // another session of the same user
    fleet.accepts(&realm.grant("web").user("ada").access);
}

#[test]
fn emitted_event_without_details_counts_from_its_iat() {
    let fleet = fleet("emitted");
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

    fleet.stream.emit("session-revoked", &user);
    let event = fleet.event_about(&user);
    assert_eq!(event.event(), ("session-revoked", &json!({})));
    assert_eq!(event.claims["sub_id"], user_subject(&realm.issuer(), &user));
    fleet.rejects(&token, &event);
    fleet.accepts(&other);
    fleet.accepts(&fleet.later_login("ada"));
}

#[test]
fn logout_by_an_administrator_is_also_sent_to_the_back_channel() {
    let fleet = fleet("back-channel");
    fleet.receive_logouts();
    let realm = fleet.realm;
    let user = realm.add_user("leaves");
    let tokens = [(); 2].map(|()| realm.grant("web").user("leaves").access);
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
    fleet.accepts(&realm.grant("web").user("ada").access);
    fleet.accepts(&realm.grant("web").user("leaves").access);
}

#[test]
fn refreshed_token_of_another_client_ends_with_the_session() {
    let fleet = fleet("all-clients");
    let realm = fleet.realm;
    realm.add_client(&live::keycloak::client("app", &json!({})));
    let [web, app] = ["web", "app"].map(|client| realm.grant(client).user("ada"));
    fleet.accepts(&web.access);
    fleet.accepts(&app.access);
    let user = jwt::claims(&web.access)["sub"]
        .as_str()
        .expect("text")
        .to_owned();

    // `app` has no logout URL of its own, and the event names no client.
    realm.log_out(&user);
    let event = fleet.event_about(&user);
    fleet.rejects(&web.access, &event);
    fleet.rejects(&app.access, &event);
    fleet.accepts(&fleet.later_login("ada"));
}

#[test]
fn session_that_an_administrator_deletes_is_sent_to_the_back_channel() {
    let fleet = fleet("deleted-back-channel");
    fleet.receive_logouts();
    let realm = fleet.realm;
    let [ended, other] = [(); 2].map(|()| realm.grant("web").user("ada").access);
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
