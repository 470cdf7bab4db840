//! A flood of rules, and the order of rules.

use std::time::Instant;

use proptest::prelude::*;

use super::{
    super::{
        Revocations, Rule,
        rules::{Horizon, Rules},
    },
    *,
};
use crate::sync::clock::Now;

const NOW: u64 = 1_790_000_000;
const CAPACITY: usize = 65_536;

// conformance 223
#[test]
fn flood_of_a_million_users_holds_no_more_rules_than_the_capacity() {
    let mut rules = Rules::new(CAPACITY);
    let mut slowest = Duration::ZERO;
    let began = Instant::now();
    for number in 0..FLOOD {
        let horizon = Horizon {
            now: NOW + number / 1_000,
            kept_for: 86_400,
            measures_logins: false,
        };
        let mark = Mark::subject(SubjectClaim::Subject, &number.to_string());
        let insert = Instant::now();
        rules.hold(mark, horizon.now, horizon);
        slowest = slowest.max(insert.elapsed());
        assert!(rules.len() <= CAPACITY);
    }
    let each = began.elapsed() / FLOOD as u32;
    println!("{each:?} a rule, {slowest:?} the slowest");
    // Generous for a busy machine: a search of all marks for each rule would take a thousand times as long.
    assert!(each < Duration::from_micros(100), "{each:?}");
    // Every user of the flood stays revoked, by a rule about the user or about all tokens.
    for number in (0..FLOOD).step_by(997) {
        let horizon = Horizon {
            now: NOW + 1_000,
            kept_for: 86_400,
            measures_logins: false,
        };
        let claims = Claims {
            sub: Some(number.to_string()),
            iat: NOW + number / 1_000,
            ..Claims::default()
        };
        let found = rules.find(&claims.marks(Login::NotMeasured), horizon);
        assert!(found.is_some(), "{number}");
    }
}

#[test]
fn flood_of_inactive_tokens_takes_at_most_half_of_the_room_and_collapses_nothing() {
    let revocations = Revocations::new(settings());
    let rules = revocations.rules_of(["https://issuer.test"].into_iter(), 60);
    let now = Now::read();
    for number in 0..5_000 {
        rules.revoke_inactive(Mark::token(&number.to_string()), now);
    }
    let health = rules.health(now);
    assert_eq!((health.rules, health.collapsed), (512, 0));
    assert!(health.rejected_before.is_none());
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let issuer = || "https://issuer.test".to_owned();
    let name = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let claim = || prop_oneof![Just(SubjectClaim::Subject), Just(SubjectClaim::OktaUserId)];
    let rule = prop_oneof![
        name().prop_map(move |it| Rule::token(issuer(), it)),
        name().prop_map(move |it| Rule::session(issuer(), it)),
        name().prop_map(move |it| Rule::client(issuer(), it)),
        (claim(), name()).prop_map(move |(claim, it)| Rule::subject(issuer(), claim, it)),
        (name(), claim(), name()).prop_map(move |(id, claim, it)| Rule::session_of(
            issuer(),
            id,
            claim,
            it
        )),
        (claim(), name(), name()).prop_map(move |(claim, it, client)| {
            Rule::subject_at_client(issuer(), claim, it, client)
        }),
        Just(Rule::issuer(issuer())),
    ];
    (rule, 0..5_000_u64).prop_map(|(rule, age)| {
        let before = std::time::UNIX_EPOCH + Duration::from_secs(NOW - age);
        rule.before(before)
    })
}

fn any_token() -> impl Strategy<Value = Claims> {
    let name =
        || prop::option::of(prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(str::to_owned));
    let names = (name(), name(), name(), name(), name());
    (names, 0..5_000_u64).prop_map(|((jti, sub, uid, sid, client), age)| Claims {
        jti,
        sub,
        uid,
        sid,
        client,
        iat: NOW - age,
        ..Claims::default()
    })
}

proptest! {
    /// Rules are a lattice, so that an event may arrive late, twice, or after a newer one.
    #[test]
    fn rules_in_any_order_and_repeated_reject_the_same_tokens(
        rules in prop::collection::vec(any_rule(), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        tokens in prop::collection::vec(any_token(), 40),
    ) {
        let now = Now { unix: NOW, ..Now::read() };
        let rejected = |rules: &[Rule]| {
            let revocations = Revocations::new(settings());
            let held = revocations.rules_of(["https://issuer.test"].into_iter(), 60);
            for rule in rules {
                revocations.apply_at(std::slice::from_ref(rule), now);
            }
            let is_rejected = |token: &Claims| held.find(&token.marks(Login::NotMeasured), NOW).is_some();
            tokens.iter().map(is_rejected).collect::<Vec<_>>()
        };
        let mut shuffled: Vec<Rule> = order.iter().map(|it| it.get(&rules).clone()).collect();
        shuffled.extend(rules.iter().rev().cloned());
        prop_assert_eq!(rejected(&rules), rejected(&shuffled));
    }
}

/// Without optimization, a tenth of the flood.
const FLOOD: u64 = if cfg!(debug_assertions) {
    300_000
} else {
    1_000_000
};
