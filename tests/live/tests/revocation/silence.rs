//! What the server does not tell of: the tokens stay accepted, although it calls them inactive. Only introspection shows it.

use live::fleet::Fleet;
use live::jwt;
use serde_json::{Value, json};

use crate::fleet;

/// Does something to the user `ada`, and asserts that nothing was sent and that both instances accept her token.
fn assert_nothing_is_sent(fleet: &Fleet, act: impl Fn(&str, &Value)) {
    let realm = fleet.realm;
    let marker = realm.add_user("marker");
    let token = realm.grant("web").user("ada").access;
    let claims = jwt::claims(&token);
    let user = claims["sub"].as_str().expect("text");
    assert_eq!(realm.introspect(&token)["active"], true);
    fleet.accepts(&token);

    act(&token, &claims);
    assert_eq!(realm.introspect(&token)["active"], false);
    let sent = fleet.all_about(user, &marker);
    assert!(sent.is_empty(), "{sent:?}");
    fleet.accepts(&token);
}

/// A logout token is sent, if the client has a URL for it: `causes` shows that.
#[test]
fn session_that_an_administrator_deletes_causes_no_event() {
    let fleet = fleet("deleted-session");
    assert_nothing_is_sent(&fleet, |_, claims| {
        fleet
            .realm
            .delete_session(claims["sid"].as_str().expect("text"));
    });
}

#[test]
fn disabled_user_causes_no_event_and_no_logout_token() {
    let fleet = fleet("disabled-user");
    fleet.receive_logouts();
    assert_nothing_is_sent(&fleet, |_, claims| {
        let user = claims["sub"].as_str().expect("text");
        fleet.realm.change_user(user, &json!({ "enabled": false }));
    });
}

#[test]
fn revoked_token_causes_no_event_and_no_logout_token() {
    let fleet = fleet("revoked-token");
    fleet.receive_logouts();
    assert_nothing_is_sent(&fleet, |token, _| fleet.realm.revoke("web", token));
}

/// The markers would not hide a delivery: the same with something that the server tells of.
#[test]
fn logout_is_found_among_the_deliveries_before_the_markers() {
    let fleet = fleet("control");
    fleet.receive_logouts();
    let marker = fleet.realm.add_user("marker");
    let user = fleet.realm.add_user("leaves");
    fleet.realm.grant("web").user("leaves");
    fleet.realm.log_out(&user);
    let sent = fleet.all_about(&user, &marker);
    let paths: Vec<_> = sent.iter().map(|it| it.path.as_str()).collect();
    assert!(paths.contains(&"/events/ssf"), "{sent:?}");
    assert!(paths.contains(&"/events/logout"), "{sent:?}");
}
