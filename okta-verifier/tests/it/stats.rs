//! `Verifier::stats`, and the outcome of a request that a gateway reports.

use std::{panic::catch_unwind, time::Duration};

use okta_verifier::{
    Issuer, IssuerResolver, Policy, Rejection, VerifiedToken, Verifier,
    adapter::{Outcome, PendingOutcome, RequestCredentials},
    introspection::{ClientAuthentication, Introspection},
    stats::Stats,
};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta, Rotation, TestIssuer,
};

use crate::support::mock_issuer::{build, issuer, result_code, verifier};

type Plain = PendingOutcome;

fn okta() -> TestIssuer {
    TestIssuer::new("api://orders")
}

fn pinned(okta: &TestIssuer) -> Verifier {
    let issuer = okta.issuer().any_client_id();
    Verifier::builder().issuer(issuer).build().unwrap()
}

fn authenticate(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, Rejection> {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    verifier.authenticate(&credentials).into_ready().unwrap()
}

fn accepted(verifier: &Verifier, okta: &TestIssuer) -> VerifiedToken {
    authenticate(verifier, &okta.token("ada").sign()).unwrap()
}

/// Returns the counts of all requests, as text.
fn requests(stats: &Stats) -> Vec<String> {
    let requests = stats.requests();
    let lines =
        requests.map(|it| format!("{} {} {}", it.outcome, it.code.unwrap_or("-"), it.count));
    lines.collect()
}

#[tokio::test]
async fn stats_count_nothing_without_a_layer() {
    let okta = okta();
    let verifier = pinned(&okta);
    let _ = accepted(&verifier, &okta);
    let _ = verifier.verify(&okta.token("ada").sign()).await;
    let _ = verifier.verify("a.b.c").await;
    assert_eq!(requests(&verifier.stats()), [""; 0]);
    assert_eq!(verifier.stats().issuers.len(), 1);
}

#[test]
fn outcome_is_rejected_by_a_policy_after_the_token_was_accepted() {
    let okta = okta();
    let verifier = pinned(&okta);
    let token = accepted(&verifier, &okta);
    let rejection = token.require(Policy::scope("orders:read")).unwrap_err();
    Plain::accepted(&token, None).complete(Some(&rejection));
    let stats = verifier.stats();
    assert_eq!(requests(&stats), ["rejected insufficient_scope 1"]);
    assert_eq!(stats.issuers[0].rejected, [("insufficient_scope", 1)]);
}

#[test]
fn outcome_of_an_anonymous_request_is_rejected_or_anonymous() {
    let verifier = pinned(&okta());
    Plain::anonymous(&verifier, None).complete(Some(&verifier.anonymous().rejection()));
    assert_eq!(requests(&verifier.stats()), ["rejected no_credentials 1"]);
    Plain::anonymous(&verifier, None).complete(None);
    assert_eq!(requests(&verifier.stats())[0], "anonymous - 1");
}

#[test]
fn outcome_is_dropped_once_whatever_is_known() {
    let okta = okta();
    let verifier = pinned(&okta);
    drop(PendingOutcome::new(&verifier));
    drop(Plain::anonymous(&verifier, None));
    PendingOutcome::new(&verifier).complete(None);
    drop(Plain::accepted(&accepted(&verifier, &okta), None));
    let stats = verifier.stats();
    assert_eq!((stats.dropped, stats.issuers[0].dropped), (3, 1));
    assert_eq!(requests(&stats), ["dropped - 3", "dropped - 1"]);
}

#[test]
fn outcome_that_is_nested_is_reported_and_not_counted() {
    let okta = okta();
    let verifier = pinned(&okta);
    let token = accepted(&verifier, &okta);
    let mut seen = Vec::new();
    let hook = Some(|outcome: Outcome<'_>| seen.push(outcome.name()));
    let is_nested = verifier.has_admitted(Some(&token), None);
    let outcome = PendingOutcome::accepted(&token, hook);
    outcome.nested(is_nested).complete(None);
    assert_eq!((seen, verifier.stats().accepted()), (vec!["accepted"], 0));

    let other = pinned(&okta);
    assert!(!other.has_admitted(Some(&token), Some(&verifier.anonymous())));
    assert!(!other.has_admitted(None, None));
}

/// A second panic during unwinding would abort the process.
#[test]
fn outcome_of_a_panicking_handler_is_dropped_although_the_hook_panics_too() {
    let okta = okta();
    let verifier = pinned(&okta);
    let token = accepted(&verifier, &okta);
    let result = catch_unwind(|| {
        let hook = |outcome: Outcome<'_>| panic!("the hook: {}", outcome.name());
        let _outcome = PendingOutcome::accepted(&token, Some(hook));
        panic!("the handler");
    });
    let panic = result.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the handler"));
    assert_eq!(requests(&verifier.stats()), ["dropped - 1"]);
}

#[test]
fn outcome_is_counted_once_if_the_hook_panics() {
    let okta = okta();
    let verifier = pinned(&okta);
    let token = accepted(&verifier, &okta);
    let result = catch_unwind(|| {
        let hook = |_: Outcome<'_>| panic!("the hook");
        PendingOutcome::accepted(&token, Some(hook)).complete(None);
    });
    assert!(result.is_err());
    assert_eq!(requests(&verifier.stats()), ["accepted - 1"]);
}

#[test]
fn outcome_shows_no_token_in_its_debug_output() {
    let okta = okta();
    let verifier = pinned(&okta);
    let jwt = okta.token("ada").sign();
    let token = authenticate(&verifier, &jwt).unwrap();
    let rejection = token.require(Policy::scope("orders:read")).unwrap_err();
    let mut pending = Plain::accepted(&token, None);
    for outcome in [
        Outcome::Accepted(&token),
        Outcome::Rejected(&rejection),
        Outcome::Anonymous,
        Outcome::Dropped,
    ] {
        let shown = format!("{outcome:?} {pending:?}");
        assert!(jwt.split('.').all(|part| !shown.contains(part)), "{shown}");
        assert!(!shown.contains("\"ada\""), "{shown}");
        secret_scan::shown(shown);
    }
    pending.complete(None);
}

#[tokio::test]
async fn stats_of_an_issuer_survive_its_removal() {
    let at = |name: &str| okta().at(format!("https://{name}.okta.test/oauth2/default"));
    let (acme, umbrella) = (at("acme"), at("umbrella"));
    let settings = |okta: &TestIssuer| okta.issuer().any_client_id();
    let verifier = Verifier::builder().issuer(settings(&acme)).build().unwrap();
    Plain::accepted(&accepted(&verifier, &acme), None).complete(None);

    verifier.set_issuers([settings(&umbrella)]).unwrap();
    let names: Vec<_> = verifier
        .stats()
        .issuers
        .into_iter()
        .map(|it| it.issuer)
        .collect();
    assert_eq!(
        names,
        [
            "https://acme.okta.test/oauth2/default",
            "https://umbrella.okta.test/oauth2/default"
        ]
    );
    assert_eq!(verifier.stats().accepted(), 1);

    verifier
        .set_issuers([settings(&acme).client_id("0oaanother")])
        .unwrap_err();
    verifier
        .set_issuers([settings(&acme), settings(&umbrella)])
        .unwrap();
    Plain::accepted(&accepted(&verifier, &acme), None).complete(None);
    assert_eq!(verifier.stats().issuers[0].accepted, 2);
}

#[tokio::test]
async fn stats_of_resolved_issuers_have_a_row_for_each_pattern() {
    let names = ["one", "two"];
    let tenants = names.map(|name| okta().at(format!("https://acme.okta.test/oauth2/{name}")));
    let settings = [&tenants[0], &tenants[1]].map(|tenant| tenant.issuer().any_client_id());
    let resolver = IssuerResolver::new(["https://acme.okta.test/oauth2/*"], move |iss| {
        let place = usize::from(iss.ends_with("/two"));
        let settings = settings[place].clone();
        Box::pin(async move { Ok::<_, std::convert::Infallible>(Some(settings)) })
    });
    let verifier = Verifier::builder()
        .issuer_resolver(resolver)
        .build()
        .unwrap();
    for tenant in &tenants {
        let jwt = tenant.token("ada").sign();
        let token = verifier.verify(&jwt).await.unwrap();
        Plain::accepted(&token, None).complete(None);
    }
    let issuers = verifier.stats().issuers;
    assert_eq!(
        (issuers.len(), &*issuers[0].issuer, issuers[0].accepted),
        (1, "https://acme.okta.test/oauth2/*", 2)
    );
}

#[tokio::test]
async fn stats_of_key_fetches_have_failures_by_code_and_rotations() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let fetches = || verifier.stats().issuers.remove(0).key_fetches;

    okta.fault_times(Endpoint::Keys, Fault::Status(500), 1);
    verifier.warm_up().await.unwrap_err();
    assert_eq!(
        (fetches().succeeded, fetches().failed),
        (0, vec![("status", 1)])
    );

    verifier.refresh().await.unwrap();
    verifier.refresh().await.unwrap();
    assert_eq!((fetches().succeeded, fetches().keys_changed), (2, 0));

    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    assert_eq!((fetches().succeeded, fetches().keys_changed), (3, 1));
    assert_eq!(
        (fetches().failed, fetches().not_sent),
        (vec![("status", 1)], 0)
    );
}

/// No claim of a token with an unknown key chooses a counter, so that the counters tell nothing about them.
#[tokio::test]
async fn stats_of_unknown_keys_do_not_depend_on_other_claims() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    verifier.warm_up().await.unwrap();
    for _ in 0..3 {
        // Each of these tokens causes a fetch.
        let unknown = okta.token("ada").unpublished_key().sign();
        assert_eq!(result_code(&verifier, &unknown).await, "unknown_key_id");
    }
    let not_sent = || verifier.stats().issuers[0].key_fetches.not_sent;
    assert_eq!(not_sent(), 0);
    let good = okta.token("ada").unpublished_key().sign();
    let hopeless = okta.token("ada").unpublished_key().expired().sign();
    for (number, jwt) in (1..).zip([good, hopeless]) {
        assert_eq!(result_code(&verifier, &jwt).await, "unknown_key_id");
        assert_eq!(not_sent(), number);
    }
}

#[tokio::test]
async fn stats_of_introspections_have_failures_and_durations() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let introspection = Introspection::every_token(client);
    let settings: Issuer = issuer(&okta).introspection(introspection.max_age(Duration::ZERO));
    let verifier = build(settings);
    let jwt = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    okta.fault(Endpoint::Introspection, Fault::Status(500));
    assert_eq!(result_code(&verifier, &jwt).await, "unavailable");
    assert_eq!(result_code(&verifier, &jwt).await, "unavailable"); // the back-off

    let introspections = verifier.stats().issuers.remove(0).introspections;
    assert_eq!(
        (introspections.succeeded, introspections.failed),
        (1, vec![("status", 1)])
    );
    let durations = introspections.duration.buckets.iter();
    assert_eq!(durations.map(|(_, count)| count).sum::<u64>(), 2);
    assert!(introspections.duration.sum > Duration::ZERO);
}
