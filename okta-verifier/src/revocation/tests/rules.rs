//! Which tokens the rules of one issuer reject.

use super::{super::rules::Horizon, *};
use crate::{error::RevokedReason, revocation::rules::Rules};

const NOW: u64 = 1_790_000_000;
const RULE: Option<RevokedReason> = Some(RevokedReason::Rule);

fn horizon() -> Horizon {
    Horizon {
        now: NOW,
        kept_for: 3_660,
        measures_logins: false,
    }
}

fn rules(held: &[(Mark, u64)]) -> Rules {
    let mut rules = Rules::new(1_024);
    for (mark, time) in held {
        rules.hold(*mark, *time, horizon());
    }
    rules
}

fn ada(iat: u64) -> Claims {
    Claims {
        sub: Some("ada".into()),
        client: Some("web".into()),
        iat,
        ..Claims::default()
    }
}

fn find(rules: &Rules, claims: &Claims) -> Option<RevokedReason> {
    rules.find(&claims.marks(Login::NotMeasured), horizon())
}

fn sub(value: &str) -> Mark {
    Mark::subject(SubjectClaim::Subject, value)
}

#[test]
fn rules_reject_tokens_of_the_second_in_which_they_begin_and_of_earlier_ones() {
    let rules = rules(&[(sub("ada"), NOW - 10)]);
    for iat in [0, NOW - 11, NOW - 10] {
        assert_eq!(find(&rules, &ada(iat)), RULE, "{iat}");
    }
    for iat in [NOW - 9, NOW, u64::MAX] {
        assert_eq!(find(&rules, &ada(iat)), None, "{iat}");
    }
}

#[test]
fn rules_reject_a_token_and_a_session_whenever_they_were_issued() {
    let rules = rules(&[(Mark::token("t1"), NOW), (Mark::session("s1"), NOW)]);
    for iat in [0, NOW, NOW + 60] {
        let jti = Some("t1".into());
        assert_eq!(find(&rules, &Claims { jti, ..ada(iat) }), RULE);
        let sid = Some("s1".into());
        assert_eq!(find(&rules, &Claims { sid, ..ada(iat) }), RULE);
        // The names of the one do not match the other.
        let (jti, sid) = (Some("s1".into()), Some("t1".into()));
        assert_eq!(
            find(
                &rules,
                &Claims {
                    jti,
                    sid,
                    ..ada(iat)
                }
            ),
            None
        );
    }
}

#[test]
fn rules_about_a_session_reject_tokens_without_a_session_by_their_user() {
    let rules = rules(&[
        (Mark::session("s1"), NOW),
        (sub("ada").without_session(), NOW),
    ]);
    assert_eq!(find(&rules, &ada(NOW)), RULE);
    assert_eq!(find(&rules, &ada(NOW + 1)), None);
    let other = |sid: &str| Claims {
        sid: Some(sid.into()),
        ..ada(NOW)
    };
    assert_eq!(find(&rules, &other("s1")), RULE);
    assert_eq!(find(&rules, &other("s2")), None);
    let bob = Claims {
        sub: Some("bob".into()),
        ..ada(NOW)
    };
    assert_eq!(find(&rules, &bob), None);
}

#[test]
fn rules_name_a_user_by_one_claim_only() {
    let by = |claim| rules(&[(Mark::subject(claim, "ada"), NOW)]);
    let named = |claim: SubjectClaim| {
        let mut claims = Claims {
            iat: NOW,
            ..Claims::default()
        };
        match claim {
            SubjectClaim::Subject => claims.sub = Some("ada".into()),
            SubjectClaim::OktaUserId => claims.uid = Some("ada".into()),
            SubjectClaim::Email => claims.email = Some("ada".into()),
        }
        claims
    };
    let all = [
        SubjectClaim::Subject,
        SubjectClaim::OktaUserId,
        SubjectClaim::Email,
    ];
    for one in all {
        for other in all {
            let expected = (one == other).then_some(RevokedReason::Rule);
            assert_eq!(find(&by(one), &named(other)), expected, "{one:?} {other:?}");
        }
    }
}

#[test]
fn rules_about_a_user_at_a_client_spare_the_other_clients_of_the_user() {
    let rules = rules(&[(sub("ada").at_client(Mark::client("web")), NOW)]);
    assert_eq!(find(&rules, &ada(NOW)), RULE);
    for client in [Some("mobile".to_owned()), None] {
        assert_eq!(find(&rules, &Claims { client, ..ada(NOW) }), None);
    }
    let sub = Some("bob".into());
    assert_eq!(find(&rules, &Claims { sub, ..ada(NOW) }), None);
}

/// Keycloak stored a revocation per user and one per client, and looked at the first it found, so that an older one hid
/// a newer one.
// conformance 285
#[test]
fn rules_apply_the_latest_of_all_that_match_unlike_cve_2026_18218_and_cve_2026_8922() {
    let user_at_client = sub("ada").at_client(Mark::client("web"));
    let marks = [sub("ada"), Mark::client("web"), user_at_client];
    for later in marks {
        let held: Vec<_> = marks
            .iter()
            .map(|mark| (*mark, if *mark == later { NOW } else { NOW - 100 }))
            .collect();
        let mut rules = rules(&held);
        rules.reject_before(NOW - 100);
        assert_eq!(find(&rules, &ada(NOW)), RULE, "{later:?}");
        assert_eq!(find(&rules, &ada(NOW + 1)), None, "{later:?}");
    }
    let mut rules = rules(&marks.map(|mark| (mark, NOW - 100)));
    rules.reject_before(NOW);
    assert_eq!(find(&rules, &ada(NOW)), RULE);
    assert_eq!(find(&rules, &ada(NOW + 1)), None);
}

#[test]
fn rules_that_are_repeated_or_older_change_nothing() {
    let mut rules = Rules::new(1_024);
    assert!(rules.hold(sub("ada"), NOW, horizon()));
    assert!(!rules.hold(sub("ada"), NOW, horizon()));
    assert!(!rules.hold(sub("ada"), NOW - 50, horizon()));
    assert!(rules.hold(sub("ada"), NOW + 1, horizon()));
    assert!(rules.hold(Mark::token("t1"), NOW, horizon()));
    assert!(!rules.hold(Mark::token("t1"), NOW + 1, horizon()));
    assert!(rules.reject_before(NOW));
    assert!(!rules.reject_before(NOW) && !rules.reject_before(NOW - 1));
    assert_eq!(rules.len(), 2);
}

// conformance 223
#[test]
fn rules_beyond_the_capacity_become_one_about_all_tokens() {
    let mut rules = Rules::new(1_024);
    for second in 0..1_024 {
        rules.hold(sub(&second.to_string()), NOW + second, horizon());
    }
    assert_eq!((rules.len(), rules.before()), (1_024, None));
    rules.hold(sub("one more"), NOW + 2_000, horizon());
    let before = rules.before().expect("the oldest rules were replaced");
    assert_eq!(before, NOW + 128);
    assert_eq!((rules.len(), rules.collapsed()), (1_024 - 129 + 1, 129));
    assert_eq!(find(&rules, &ada(before)), RULE);
    assert_eq!(find(&rules, &ada(before + 1)), None);
    let sub = Some("1000".into());
    let claims = |iat| Claims {
        sub: sub.clone(),
        ..ada(iat)
    };
    assert_eq!(find(&rules, &claims(NOW + 1_000)), RULE);
    assert_eq!(find(&rules, &claims(NOW + 1_001)), None);
}

// conformance 223
#[test]
fn rules_that_expired_make_room_without_a_collapse() {
    let mut rules = Rules::new(1_024);
    for second in 0..1_024 {
        rules.hold(sub(&second.to_string()), NOW, horizon());
    }
    let later = Horizon {
        now: NOW + 3_661,
        ..horizon()
    };
    rules.hold(sub("one more"), NOW + 3_661, later);
    assert_eq!((rules.len(), rules.collapsed()), (1, 0));
    // What they rejected stays rejected, should the clock be set back.
    assert_eq!(find(&rules, &ada(NOW)), RULE);
    assert_eq!(find(&rules, &ada(NOW + 1)), None);
}

#[test]
fn rules_that_one_about_all_tokens_covers_take_no_room() {
    let mut rules = Rules::new(1_024);
    rules.reject_before(NOW);
    assert!(!rules.hold(sub("ada"), NOW, horizon()));
    assert!(rules.hold(sub("ada"), NOW + 1, horizon()));
    assert!(rules.hold(Mark::session("s1"), NOW, horizon()));
    let horizon = Horizon {
        measures_logins: true,
        ..horizon()
    };
    assert!(!rules.hold(Mark::client("web"), NOW, horizon));
    assert!(rules.hold(sub("bob"), NOW, horizon)); // a later token may be of an earlier login
    rules.reject_logins_before(NOW);
    assert!(!rules.hold(sub("eve"), NOW, horizon));
    assert_eq!(rules.len(), 3);
}

#[test]
fn rules_about_a_user_compare_the_login_if_it_is_measured() {
    let rules = rules(&[(sub("ada"), NOW - 10)]);
    let find = |login| rules.find(&ada(NOW).marks(login), horizon());
    assert_eq!(find(Login::NotMeasured), None);
    let max_age = 10;
    let rejected = Some(RevokedReason::Login { max_age });
    assert_eq!(find(Login::At(NOW - 11)), rejected);
    assert_eq!(find(Login::At(NOW - 10)), rejected);
    assert_eq!(find(Login::Unknown), rejected);
    assert_eq!(find(Login::At(NOW - 9)), None);
}

#[test]
fn rules_about_a_client_and_about_an_issuer_compare_iat_even_if_the_login_is_measured() {
    let of_client = rules(&[(Mark::client("web"), NOW - 10)]);
    let mut of_issuer = rules(&[]);
    of_issuer.reject_before(NOW - 10);
    for rules in [of_client, of_issuer] {
        for login in [Login::Unknown, Login::At(0), Login::At(NOW)] {
            let find = |iat| rules.find(&ada(iat).marks(login), horizon());
            assert_eq!(find(NOW - 10), RULE);
            assert_eq!(find(NOW - 9), None);
        }
    }
}

#[test]
fn rules_about_logins_beyond_the_capacity_become_one_about_all_logins() {
    let horizon = Horizon {
        measures_logins: true,
        ..horizon()
    };
    let mut rules = Rules::new(1_024);
    for user in 0..=1_024 {
        rules.hold(sub(&user.to_string()), NOW, horizon);
    }
    assert_eq!((rules.login_before(), rules.len()), (Some(NOW), 1));
    let find = |login, now| {
        let horizon = Horizon { now, ..horizon };
        rules.find(&ada(NOW + 1).marks(login), horizon)
    };
    let rejected = |max_age| Some(RevokedReason::Login { max_age });
    assert_eq!(find(Login::At(NOW), NOW + 5), rejected(5));
    assert_eq!(find(Login::At(NOW + 1), NOW + 5), None);
    // A token without `auth_time` counts as older for as long as the rules would have been kept.
    assert_eq!(find(Login::Unknown, NOW + 3_660), rejected(3_660));
    assert_eq!(find(Login::Unknown, NOW + 3_661), None);
    assert_eq!(find(Login::NotMeasured, NOW), None);
}
