//! Which issuers a rule applies to.

use super::{
    super::{RevocationSnapshot, Revocations, RevokeError, Rule},
    *,
};
use crate::{revocation::IssuerRules, sync::clock::Now};

const URL: &str = "https://acme.test/oauth2/default";
const ALIAS: &str = "https://login.acme.test/oauth2/default";
const OTHER: &str = "https://umbrella.test/oauth2/default";

fn is_rejected(rules: &IssuerRules, iat: u64) -> bool {
    let claims = Claims {
        sub: Some("ada".into()),
        iat,
        ..Claims::default()
    };
    rules.find(&claims.marks(Login::NotMeasured), iat).is_some()
}

fn of_ada(issuer: &str) -> Rule {
    Rule::subject(issuer, SubjectClaim::Subject, "ada")
}

#[tokio::test]
async fn revocations_reject_rules_about_issuers_that_are_not_configured() {
    let revocations = Revocations::new(settings());
    let rules = revocations.rules_of([URL].into_iter(), 60);
    assert!(revocations.revoke(of_ada(OTHER)).await.is_err());
    assert_eq!(
        revocations
            .apply(&[of_ada(OTHER), of_ada(ALIAS)])
            .unknown_issuer,
        2
    );
    assert_eq!(revocations.unknown_issuer(), 2);
    assert!(!is_rejected(&rules, Now::read().unix));
    assert!(revocations.revoke(of_ada(URL)).await.is_ok());
    assert!(is_rejected(&rules, Now::read().unix - 1));
}

#[tokio::test]
async fn revocations_reject_rules_about_claims_without_a_setting() {
    let revocations = Revocations::new(Settings {
        session_claim: None,
        email_claim: None,
        ..settings()
    });
    let _rules = revocations.rules_of([URL].into_iter(), 60);
    let email = SubjectClaim::Email;
    for unmatchable in [
        Rule::session(URL, "s1"),
        Rule::session_of(URL, "s1", email, "ada"),
        Rule::subject(URL, email, "ada"),
        Rule::subject_at_client(URL, email, "ada", "web"),
    ] {
        assert_eq!(
            revocations.revoke(unmatchable).await,
            Err(RevokeError::NoClaim)
        );
    }
    let by_user = Rule::session_of(URL, "s1", SubjectClaim::Subject, "ada");
    assert!(revocations.revoke(by_user).await.is_ok());
}

#[test]
fn revocations_apply_a_rule_to_every_name_of_the_issuer_and_to_no_other() {
    for name in [URL, ALIAS] {
        let revocations = Revocations::new(settings());
        let rules = revocations.rules_of([URL, ALIAS].into_iter(), 60);
        let other = revocations.rules_of([OTHER].into_iter(), 60);
        assert!(revocations.apply(&[of_ada(name)]).is_changed);
        assert!(!revocations.apply(&[of_ada(name)]).is_changed);
        let now = Now::read().unix - 1;
        assert!(
            is_rejected(&rules, now) && !is_rejected(&other, now),
            "{name}"
        );
    }
}

#[test]
fn revocations_keep_the_rules_of_an_issuer_whose_aliases_change() {
    let revocations = Revocations::new(settings());
    let without = revocations.rules_of([URL].into_iter(), 60);
    revocations.apply(&[of_ada(URL)]);
    let now = Now::read().unix - 1;
    let with = revocations.rules_of([URL, ALIAS].into_iter(), 60);
    assert!(is_rejected(&with, now));
    // Both are in use for a while, so a rule applies to both.
    let bob = Rule::subject(URL, SubjectClaim::Subject, "bob");
    revocations.apply(&[bob]);
    let marks = Claims {
        sub: Some("bob".into()),
        ..Claims::default()
    };
    for rules in [with, without] {
        assert!(rules.find(&marks.marks(Login::NotMeasured), 0).is_some());
    }
}

#[test]
fn revocations_keep_the_rules_of_an_issuer_that_is_removed_and_added_again() {
    let revocations = Revocations::new(settings());
    drop(revocations.rules_of([URL].into_iter(), 60));
    revocations.apply(&[of_ada(URL)]);
    for number in 0..1_000 {
        drop(revocations.rules_of([format!("{OTHER}{number}").as_str()].into_iter(), 60));
    }
    let rules = revocations.rules_of([URL].into_iter(), 60);
    assert!(is_rejected(&rules, Now::read().unix - 1));
    // Those without a rule are forgotten.
    assert!(revocations.snapshot().issuers.len() < 200);
}

#[test]
fn revocations_limit_a_time_in_the_future_to_the_leeway() {
    let revocations = Revocations::new(settings());
    let rules = revocations.rules_of([URL].into_iter(), 60);
    let mut rule = Rule::issuer(URL);
    rule.before = u64::MAX;
    let now = Now::read().unix;
    revocations.apply(&[rule]);
    assert!(is_rejected(&rules, now + 60));
    assert!(!is_rejected(&rules, now + 70));
}

#[test]
fn snapshot_has_no_value_of_a_rule_and_restores_every_rule() {
    let revocations = Revocations::new(settings());
    let _rules = revocations.rules_of([URL, ALIAS].into_iter(), 60);
    revocations.apply(&[
        of_ada(URL),
        Rule::issuer(URL).before(std::time::UNIX_EPOCH + Duration::from_secs(7)),
    ]);
    let text = serde_json::to_string(&revocations.snapshot()).unwrap();
    assert!(!text.contains("ada"), "{text}");
    let saved: RevocationSnapshot = serde_json::from_str(&text).unwrap();
    assert!(!format!("{saved:?}").contains("acme"));

    // The issuer is configured after the snapshot was restored, and before it.
    let late = Revocations::new(settings());
    late.restore(&saved);
    let of_late = late.rules_of([ALIAS].into_iter(), 60);
    let early = Revocations::new(settings());
    let of_early = early.rules_of([URL].into_iter(), 60);
    early.restore(&saved);
    let now = Now::read().unix;
    for rules in [of_late, of_early] {
        assert!(is_rejected(&rules, 7) && is_rejected(&rules, now - 1));
        let claims = Claims {
            iat: 8,
            ..Claims::default()
        };
        assert!(rules.find(&claims.marks(Login::NotMeasured), now).is_none());
    }
}

#[test]
fn snapshot_that_cannot_be_read_is_rejected() {
    let rule = |mark: &str| {
        format!(
            r#"{{"issuers":[{{"names":["a"],"before":null,"login_before":null,"rules":[["{mark}",1]]}}]}}"#
        )
    };
    let good = "AQAAAAAAAAAAAAAAAAAAAA";
    assert!(serde_json::from_str::<RevocationSnapshot>(&rule(good)).is_ok());
    for bad in [
        "",
        "AA",
        "CQAAAAAAAAAAAAAAAAAAAA",
        "AQAAAAAAAAAAAAAAAAAAAAAA",
        "*QAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert!(
            serde_json::from_str::<RevocationSnapshot>(&rule(bad)).is_err(),
            "{bad}"
        );
    }
}
