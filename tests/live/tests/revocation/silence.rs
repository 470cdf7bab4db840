//! What the server does not tell of: the tokens stay accepted, although it calls them inactive. Only introspection shows it.

use live::jwt;
use live::keycloak::PORTAL;
use serde_json::{Value, json};

use crate::fleet;

/// Logs a user in with a client, does something, and asserts that nothing was sent and that both instances accept the token.
fn assert_nothing_is_sent(client: &'static str, name: &'static str, act: impl Fn(&str, &Value)) {
    let (fleet, realm) = (fleet(), fleet().realm);
    let user = realm.add_user(name);
    let token = realm.grant(client).user(name).access;
    assert_eq!(realm.introspect(&token)["active"], true);
    fleet.accepts(&token);

    act(&token, &jwt::claims(&token));
    assert_eq!(realm.introspect(&token)["active"], false);
    let sent = fleet.all_about(&user, &realm.add_user(&format!("{name}-marker")));
    assert!(sent.is_empty(), "{sent:?}");
    fleet.accepts(&token);
}

/// The client `web` has no URL for logout tokens. With one, a logout token is sent: `causes` shows that.
#[test]
fn session_that_an_administrator_deletes_causes_no_event() {
    assert_nothing_is_sent("web", "without-session", |_, claims| {
        let sid = claims["sid"].as_str().expect("text");
        fleet().realm.delete_session(sid);
    });
}

#[test]
fn disabled_user_causes_no_event_and_no_logout_token() {
    assert_nothing_is_sent(PORTAL, "disabled", |_, claims| {
        let user = claims["sub"].as_str().expect("text");
        let disabled = json!({ "enabled": false });
        fleet().realm.change_user(user, &disabled);
    });
}

#[test]
fn revoked_token_causes_no_event_and_no_logout_token() {
    assert_nothing_is_sent(PORTAL, "revokes", |token, _| {
        fleet().realm.revoke(PORTAL, token);
    });
}

/// The markers would not hide a delivery: the same with something that the server tells of.
#[test]
fn logout_is_found_among_the_deliveries_before_the_markers() {
    let (fleet, realm) = (fleet(), fleet().realm);
    let user = realm.add_user("control");
    realm.grant(PORTAL).user("control");
    realm.log_out(&user);
    let sent = fleet.all_about(&user, &realm.add_user("control-marker"));
    let paths: Vec<_> = sent.iter().map(|it| it.path.as_str()).collect();
    assert!(paths.contains(&"/events/ssf"), "{sent:?}");
    assert!(paths.contains(&"/events/logout"), "{sent:?}");
}
