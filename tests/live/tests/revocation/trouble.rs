//! A receiver that cannot receive for a while. The server sends the events again, later and in another order.

use live::jwt;

use crate::own_fleet;

#[test]
fn unreachable_receiver_gets_the_events_when_it_is_back() {
    let mut fleet = own_fleet("unreachable");
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

    fleet.stop_receiver();
    realm.reset_password(&user);
    fleet.fails_to_deliver();
    let later = fleet.later_login("ada");
    fleet.running_instance_accepts(&token);
    fleet.start_receiver();
    let event = fleet.event_about(&user);
    fleet.rejects(&token, &event);
    fleet.accepts(&later);
    fleet.accepts(&other);
}

#[test]
fn refused_event_is_delivered_after_newer_ones_and_still_rejects() {
    let fleet = own_fleet("late");
    let realm = fleet.realm;
    let (first, second) = (realm.add_user("first"), realm.add_user("second"));
    let [of_first, of_second] =
        ["first", "second"].map(|user| realm.grant("web").user(user).access);
    fleet.accepts(&of_first);
    fleet.accepts(&of_second);

    fleet.hold_back_next(&first);
    realm.reset_password(&first);
    let refused = fleet.answered("the first attempt", |it| it.is_about(&first));
    assert_eq!(refused.status, 503);
    let newer = {
        realm.reset_password(&second);
        fleet.event_about(&second)
    };
    fleet.rejects(&of_second, &newer);
    fleet.accepts(&of_first);
    let later = fleet.later_login("first");

    fleet.let_through();
    let late = fleet.event_about(&first);
    assert_eq!(late.claims["jti"], refused.claims["jti"]);
    assert!(late.claims["iat"].as_u64() <= newer.claims["iat"].as_u64());
    let all = fleet.deliveries();
    let mut order: Vec<_> = (all.iter())
        .map(|it| (it.status, it.is_about(&first)))
        .collect();
    order.dedup(); // it may have been repeated several times meanwhile
    assert_eq!(order.first(), Some(&(503, true)));
    assert_eq!(order[order.len() - 1], (202, true));
    assert!(order.contains(&(202, false)), "{order:?}");
    fleet.rejects(&of_first, &late);
    fleet.accepts(&later);
}

/// Two events about one user, of which the older one arrives last: it makes nothing weaker.
// conformance 216
#[test]
fn older_event_after_a_newer_one_about_the_same_user_changes_nothing() {
    let fleet = own_fleet("order");
    let realm = fleet.realm;
    let user = realm.add_user("careful");
    let first = realm.grant("web").user("careful").access;
    fleet.accepts(&first);

    fleet.hold_back_next(&user);
    realm.reset_password(&user);
    let refused = fleet.answered("the first attempt", |it| it.is_about(&user));
    assert_eq!(refused.status, 503);
    let between = fleet.later_login("careful"); // after the first event, before the second one
    fleet.accepts(&between);
    realm.reset_password(&user);
    let newer = fleet.event_about(&user);
    assert_ne!(newer.claims["jti"], refused.claims["jti"]);
    fleet.rejects(&first, &newer);
    fleet.rejects(&between, &newer);
    let later = fleet.later_login("careful");

    fleet.let_through();
    let older = fleet.delivered("the older event", |it| {
        it.claims["jti"] == refused.claims["jti"]
    });
    fleet.rejects(&first, &older);
    fleet.rejects(&between, &older);
    fleet.accepts(&later);
}
