//! Tokens while the stream of a transmitter is paused, disabled or silent.

use std::time::{Duration, SystemTime};

use okta_verifier::{
    VerifyError,
    dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore},
    error::UnavailableReason,
    introspection::{ClientAuthentication, Introspection},
    revocation::{Doubt, ManagementToken, RevocationsBuilder, Transmitter},
};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Client, EVENT_AUDIENCE, Endpoint, EventBuilder, Fault,
    MemoryRevocationLog, MockOkta,
};
use secret_scan::logged;
use serde_json::json;
use tokio::time::sleep_until;
use tracing::Level;

use super::*;
use crate::support::{
    dpop_fixture::{BASE, TARGET, URL},
    mock_issuer,
};

const UPDATED: &str = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn transmitter(okta: &TestIssuer) -> Transmitter {
    let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
    transmitter.keys(okta.jwks())
}

fn doubting(okta: &TestIssuer, doubt: Doubt) -> RevocationsBuilder {
    let transmitter = transmitter(okta).doubt_when_degraded();
    let builder = Revocations::builder().forgets_at_restart();
    builder.transmitter(transmitter).in_doubt(doubt)
}

fn instance(issuer: Issuer, builder: RevocationsBuilder) -> (Verifier, Revocations) {
    let revocations = builder.build().unwrap();
    let builder = Verifier::builder().issuer(issuer);
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    (verifier, revocations)
}

async fn deliver(revocations: &Revocations, event: EventBuilder) {
    let event = event.sign();
    let response = revocations.receive_event("POST", [], event.as_bytes());
    assert_eq!(response.await.status(), 202);
}

async fn update(okta: &TestIssuer, revocations: &Revocations, status: &str) {
    let event = okta.event(UPDATED, "ada").member("status", status);
    deliver(revocations, event).await;
}

async fn pass(time: Duration) {
    sleep_until(tokio::time::Instant::now() + time).await;
}

async fn assert_doubted(verifier: &Verifier, jwt: &str) {
    let rejection = send(verifier, jwt).await.unwrap_err();
    assert_eq!(
        (rejection.status().as_u16(), rejection.code()),
        (503, "unavailable")
    );
    assert!(rejection.headers().any(|(name, _)| name == "retry-after"));
    let error = rejection.error();
    let Some(VerifyError::Unavailable { source, .. }) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(source, UnavailableReason::EventStream), "{source}");
}

// conformance 305
#[tokio::test]
async fn stream_that_is_paused_or_disabled_puts_tokens_in_doubt_until_it_is_enabled() {
    for status in ["paused", "disabled"] {
        let okta = TestIssuer::new("api://orders");
        let (verifier, revocations) = instance(
            okta.issuer().any_client_id(),
            doubting(&okta, Doubt::Reject),
        );
        let (cached, new) = (old(&okta, "ada").sign(), old(&okta, "bob").sign());
        assert_eq!(code(&verifier, &cached).await, "ok");
        update(&okta, &revocations, status).await;
        for jwt in [&cached, &new, &cached, &new] {
            assert_doubted(&verifier, jwt).await;
        }
        // What is wrong with a token itself is known, and so is a rule.
        let forged = okta.token("ada").foreign_key().sign();
        assert_eq!(code(&verifier, &forged).await, "bad_signature");
        deliver(&revocations, okta.session_revoked("ada")).await;
        assert_eq!(code(&verifier, &cached).await, "revoked");
        assert_doubted(&verifier, &new).await;
        let health = verifier.health().remove(0);
        assert_eq!(
            health.revocation().unwrap().degraded_streams,
            [okta.org_url()]
        );

        update(&okta, &revocations, "enabled").await;
        assert_eq!(code(&verifier, &new).await, "ok");
        assert_eq!(code(&verifier, &cached).await, "revoked");
        update(&okta, &revocations, status).await;
        assert_doubted(&verifier, &new).await;
    }
}

// conformance 305
#[tokio::test]
async fn stream_that_is_paused_changes_nothing_without_the_setting_or_for_other_issuers() {
    let okta = TestIssuer::new("api://orders");
    let builder = Revocations::builder().forgets_at_restart();
    let builder = builder.transmitter(transmitter(&okta));
    let (verifier, revocations) = instance(okta.issuer().any_client_id(), builder);
    update(&okta, &revocations, "paused").await;
    assert_eq!(code(&verifier, &okta.token("ada").sign()).await, "ok");

    let realm = TestIssuer::keycloak("orders");
    let revocations = doubting(&okta, Doubt::Reject).build().unwrap();
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .issuer(realm.issuer().any_client_id())
        .revocations(revocations.clone())
        .build()
        .unwrap();
    update(&okta, &revocations, "paused").await;
    for _ in 0..2 {
        assert_eq!(code(&verifier, &realm.token("ada").sign()).await, "ok");
        assert_doubted(&verifier, &okta.token("ada").sign()).await;
    }
}

// conformance 305
#[tokio::test]
async fn stream_updated_event_that_is_old_does_not_end_a_doubt() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = instance(
        okta.issuer().any_client_id(),
        doubting(&okta, Doubt::Reject),
    );
    let jwt = okta.token("ada").sign();
    update(&okta, &revocations, "paused").await;
    let enabled = okta.event(UPDATED, "ada").member("status", "enabled");
    let before = SystemTime::now() - MINUTE;
    deliver(&revocations, enabled.clone().happened_at(before)).await;
    assert_doubted(&verifier, &jwt).await;
    // A transmitter may verify the stream while it holds events back.
    deliver(&revocations, okta.event(VERIFICATION, "ada")).await;
    assert_doubted(&verifier, &jwt).await;
    let forged = enabled.clone().foreign_key().sign();
    let response = revocations.receive_event("POST", [], forged.as_bytes());
    assert_eq!(response.await.status(), 400);
    assert_doubted(&verifier, &jwt).await;
    deliver(&revocations, enabled).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
}

/// A realm whose transmitter cannot be reached, so that no verification event is ever requested.
fn silent_realm(doubt: Doubt) -> (TestIssuer, Verifier, Revocations) {
    let realm = TestIssuer::keycloak("orders").at("http://127.0.0.1:1/realms/acme");
    let transmitter = Transmitter::new(realm.issuer_url())
        .audience(EVENT_AUDIENCE)
        .keys(realm.jwks())
        .stream_id("stream-1")
        .verification_secret("0123456789abcdef0123456789abcdef")
        .verify_every(
            MINUTE,
            ManagementToken::fixed("management-token-0123456789"),
        )
        .doubt_when_degraded();
    let builder = Revocations::builder().forgets_at_restart();
    let builder = builder.transmitter(transmitter).in_doubt(doubt);
    let (verifier, revocations) = instance(realm.issuer().any_client_id(), builder);
    (realm, verifier, revocations)
}

fn verification(realm: &TestIssuer) -> EventBuilder {
    let event = realm.event(VERIFICATION, "ada");
    event.subject(json!({"format": "opaque", "id": "stream-1"}))
}

// conformance 306
#[tokio::test(start_paused = true)]
async fn stream_that_is_silent_puts_tokens_in_doubt_until_a_verification_event_arrives() {
    let (realm, verifier, revocations) = silent_realm(Doubt::Reject);
    let (cached, new) = (realm.token("ada").sign(), realm.token("bob").sign());
    assert_eq!(code(&verifier, &cached).await, "ok");
    pass(3 * MINUTE - 2 * SECOND).await;
    assert_eq!(code(&verifier, &cached).await, "ok");
    pass(4 * SECOND).await;
    for jwt in [&cached, &new] {
        assert_doubted(&verifier, jwt).await;
    }
    // An event of before the silence does not end it, and neither does one that is not a verification event.
    let late = verification(&realm).claim("iat", unix() - 200);
    deliver(&revocations, late).await;
    deliver(&revocations, realm.session_revoked("eve")).await;
    assert_doubted(&verifier, &new).await;
    deliver(&revocations, verification(&realm)).await;
    for jwt in [&cached, &new] {
        assert_eq!(code(&verifier, jwt).await, "ok");
    }
    pass(3 * MINUTE + 2 * SECOND).await;
    assert_doubted(&verifier, &cached).await;
}

// conformance 306
#[tokio::test(start_paused = true)]
async fn stream_that_is_silent_and_paused_is_in_doubt_until_both_end() {
    let (realm, verifier, revocations) = silent_realm(Doubt::Reject);
    let jwt = realm.token("ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    pass(4 * MINUTE).await;
    let updated = |status: &str| {
        let event = realm.event(UPDATED, "ada").member("status", status);
        event.subject(json!({"format": "opaque", "id": "stream-1"}))
    };
    deliver(&revocations, updated("paused")).await;
    deliver(&revocations, verification(&realm)).await;
    assert_doubted(&verifier, &jwt).await;
    deliver(&revocations, updated("enabled")).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
}

// conformance 307
#[tokio::test(start_paused = true)]
async fn stream_in_doubt_accepts_tokens_for_the_time_of_the_settings() {
    let okta = TestIssuer::new("api://orders");
    let doubt = Doubt::AcceptFor(30 * SECOND);
    let (verifier, revocations) = instance(okta.issuer().any_client_id(), doubting(&okta, doubt));
    let jwt = okta.token("ada").sign();
    update(&okta, &revocations, "paused").await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
    pass(28 * SECOND).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
    // A second event prolongs nothing.
    update(&okta, &revocations, "disabled").await;
    pass(4 * SECOND).await;
    assert_doubted(&verifier, &jwt).await;
    update(&okta, &revocations, "enabled").await;
    assert_eq!(code(&verifier, &jwt).await, "ok");

    // The time counts from the event, however late it arrives.
    let (verifier, revocations) = instance(okta.issuer().any_client_id(), doubting(&okta, doubt));
    let event = okta.event(UPDATED, "ada").member("status", "paused");
    let event = event.happened_at(SystemTime::now() - MINUTE);
    deliver(&revocations, event).await;
    assert_doubted(&verifier, &jwt).await;

    let (realm, verifier, _revocations) = silent_realm(doubt);
    let jwt = realm.token("ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    pass(3 * MINUTE + 28 * SECOND).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
    pass(4 * SECOND).await;
    assert_doubted(&verifier, &jwt).await;
}

/// An org over HTTP whose stream is paused.
struct PausedOrg {
    okta: MockOkta,
    verifier: Verifier,
    revocations: Revocations,
}

impl PausedOrg {
    async fn new(doubt: Doubt, introspection: fn(ClientAuthentication) -> Introspection) -> Self {
        let okta = MockOkta::start().await;
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
        let issuer = mock_issuer::issuer(&okta).introspection(introspection(client));
        let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
        let builder = Revocations::builder().forgets_at_restart().in_doubt(doubt);
        let builder = builder.transmitter(transmitter.doubt_when_degraded());
        let (verifier, revocations) = instance(issuer, builder);
        Self {
            okta,
            verifier,
            revocations,
        }
    }

    async fn update(&self, status: &str) {
        let event = self.okta.event(UPDATED, "ada").member("status", status);
        deliver(&self.revocations, event).await;
    }

    async fn code(&self, token: &str) -> &'static str {
        code(&self.verifier, token).await
    }

    fn hits(&self) -> usize {
        self.okta.hits().introspection
    }

    fn says_inactive(&self) {
        let inactive = json!({"active": false}).to_string().into_bytes();
        self.okta
            .fault(Endpoint::Introspection, Fault::Body(inactive));
    }
}

// conformance 307
#[tokio::test]
async fn signed_token_in_doubt_about_a_stream_is_accepted_only_if_its_issuer_says_that_it_is_active()
 {
    let org = PausedOrg::new(Doubt::AskIssuer, Introspection::on_demand).await;
    let (cached, new) = (org.okta.token("ada").sign(), org.okta.token("bob").sign());
    assert_eq!(org.code(&cached).await, "ok");
    assert_eq!(org.hits(), 0);
    org.update("paused").await;
    org.says_inactive();
    // Never 401, also for a second request with the token.
    for jwt in [&cached, &new, &cached, &new] {
        assert_doubted(&org.verifier, jwt).await;
    }
    org.okta.fault(Endpoint::Introspection, Fault::Status(500));
    assert_eq!(org.code(&org.okta.token("eve").sign()).await, "unavailable");
    org.okta.clear_faults();
    let before = org.hits();
    let jwt = org.okta.token("dan").sign();
    for _ in 0..3 {
        assert_eq!(org.code(&jwt).await, "ok");
    }
    assert_eq!(
        org.hits(),
        before + 1,
        "the response is newer than the doubt"
    );
    // A second doubt needs another response.
    org.update("enabled").await;
    assert_eq!(org.code(&jwt).await, "ok");
    assert_eq!(org.hits(), before + 1);
    org.update("paused").await;
    assert_eq!(org.code(&jwt).await, "ok");
    assert_eq!(org.hits(), before + 2);
    // A rule that is known decides before the issuer.
    deliver(&org.revocations, org.okta.session_revoked("dan")).await;
    assert_eq!(org.code(&jwt).await, "revoked");
}

// conformance 307
#[tokio::test]
async fn signed_token_in_doubt_about_a_stream_is_rejected_without_introspection() {
    let okta = TestIssuer::new("api://orders");
    let builder = doubting(&okta, Doubt::AskIssuer);
    let (verifier, revocations) = instance(okta.issuer().any_client_id(), builder);
    let jwt = okta.token("ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    update(&okta, &revocations, "paused").await;
    assert_doubted(&verifier, &jwt).await;
}

// conformance 307
#[tokio::test]
async fn introspected_token_in_doubt_about_a_stream_needs_a_response_that_is_newer() {
    let opaque: fn(ClientAuthentication) -> Introspection = Introspection::opaque_tokens;
    for (introspection, is_opaque) in [(opaque, true), (Introspection::every_token, false)] {
        let org = PausedOrg::new(Doubt::AskIssuer, introspection).await;
        let token = |subject: &str| match is_opaque {
            true => org.okta.opaque_token(subject).sign(),
            false => org.okta.token(subject).sign(),
        };
        let (ada_token, bob_token) = (token("ada"), token("bob"));
        assert_eq!(org.code(&ada_token).await, "ok");
        assert_eq!(org.code(&ada_token).await, "ok");
        assert_eq!(org.hits(), 1);
        org.update("paused").await;
        for _ in 0..2 {
            assert_eq!(org.code(&ada_token).await, "ok");
        }
        assert_eq!(org.hits(), 2, "the response of before does not count");
        org.says_inactive();
        assert_eq!(org.code(&bob_token).await, "inactive");

        for doubt in [Doubt::Reject, Doubt::AcceptFor(MINUTE)] {
            let org = PausedOrg::new(doubt, introspection).await;
            let token = match is_opaque {
                true => org.okta.opaque_token("ada").sign(),
                false => org.okta.token("ada").sign(),
            };
            assert_eq!(org.code(&token).await, "ok");
            org.update("disabled").await;
            match doubt {
                Doubt::Reject => assert_doubted(&org.verifier, &token).await,
                _ => assert_eq!(org.code(&token).await, "ok"),
            }
        }
    }
}

// conformance 307
#[tokio::test]
async fn stream_that_is_paused_while_the_issuer_responds_causes_another_introspection_request() {
    for (doubt, expected, requests) in [
        (Doubt::AskIssuer, "ok", 2),
        (Doubt::Reject, "unavailable", 1),
    ] {
        let org = PausedOrg::new(doubt, Introspection::every_token).await;
        assert_eq!(org.code(&org.okta.token("bob").sign()).await, "ok");
        let slow = Fault::Slow(Duration::from_millis(500));
        org.okta.fault_times(Endpoint::Introspection, slow, 1);
        let jwt = org.okta.token("ada").sign();
        let paused = async {
            while org.hits() < 2 {
                tokio::task::yield_now().await;
            }
            org.update("paused").await;
        };
        let (result, ()) = tokio::join!(org.code(&jwt), paused);
        assert_eq!(result, expected);
        assert_eq!(org.hits() - 1, requests, "{doubt:?}");
    }
}

/// A remote replay store. While it records the proof, the stream is paused.
struct Pausing(Revocations, TestIssuer);

impl ReplayStore for Pausing {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        Box::pin(async {
            update(&self.1, &self.0, "paused").await;
            Ok(ProofUse::First)
        })
    }
}

// conformance 307
#[tokio::test]
async fn stream_that_is_paused_while_a_proof_is_recorded_rejects_the_request() {
    let client = Client::new();
    for (doubt, expected) in [
        (Doubt::Reject, "unavailable"),
        (Doubt::AskIssuer, "unavailable"),
        (Doubt::AcceptFor(MINUTE), "ok"),
    ] {
        let okta = TestIssuer::new("api://orders");
        let revocations = doubting(&okta, doubt).build().unwrap();
        let (issuer, jwt) = (okta.issuer(), client.bind(okta.token("ada")).sign());
        let store = Pausing(revocations.clone(), okta);
        let verifier = Verifier::builder()
            .issuer(issuer.any_client_id())
            .dpop(DpopSettings::base_url(BASE).replay_store(store))
            .revocations(revocations)
            .build()
            .unwrap();
        let proof = client.proof("GET", URL).token(&jwt).sign();
        let authorization = format!("DPoP {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", TARGET);
        let result = verifier.authenticate(&credentials).await;
        let result = result.map_or_else(|it| it.code(), |_| "ok");
        assert_eq!(result, expected, "{doubt:?}");
    }
}

// conformance 305
#[tokio::test(start_paused = true)]
async fn stream_that_another_instance_knows_to_be_paused_puts_tokens_in_doubt() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let new = || {
        let builder = Revocations::builder()
            .log(log.clone())
            .in_doubt(Doubt::Reject);
        let builder = builder.transmitter(transmitter(&okta).doubt_when_degraded());
        instance(okta.issuer().any_client_id(), builder)
    };
    let ((one, of_one), (two, _of_two)) = (new(), new());
    let jwt = okta.token("ada").sign();
    for verifier in [&one, &two] {
        assert_eq!(code(verifier, &jwt).await, "ok");
    }
    let paused = okta.event(UPDATED, "ada").member("status", "paused");
    let paused = paused.happened_at(SystemTime::now() - 10 * SECOND);
    deliver(&of_one, paused).await;
    assert_doubted(&one, &jwt).await;
    pass(SECOND).await;
    assert_doubted(&two, &jwt).await;
    let (three, _of_three) = new();
    assert_doubted(&three, &jwt).await;
    update(&okta, &of_one, "enabled").await;
    pass(SECOND).await;
    for verifier in [&one, &two, &three] {
        assert_eq!(code(verifier, &jwt).await, "ok");
    }
    // Both reasons at once: the log is named.
    update(&okta, &of_one, "paused").await;
    log.fail(true);
    pass(11 * SECOND).await;
    let error = one.verify(&jwt).await.unwrap_err();
    assert_eq!(error.reason_code(), Some("revocation_log"));
    log.fail(false);
    pass(3 * SECOND).await;
    assert_doubted(&one, &jwt).await;
}

#[test]
fn stream_doubt_is_logged_when_it_begins_and_when_it_ends() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = instance(
        okta.issuer().any_client_id(),
        doubting(&okta, Doubt::Reject),
    );
    let jwt = okta.token("ada").sign();
    let lines = logged(|| {
        runtime.block_on(async {
            assert_eq!(code(&verifier, &jwt).await, "ok");
            for status in ["paused", "disabled"] {
                update(&okta, &revocations, status).await;
                for _ in 0..3 {
                    assert_doubted(&verifier, &jwt).await;
                }
            }
            update(&okta, &revocations, "enabled").await;
            assert_eq!(code(&verifier, &jwt).await, "ok");
        });
    });
    let about_doubt =
        |text: &str| text.contains("rules may be missing") || text.contains("no longer paused");
    let lines = lines.iter().filter(|line| line.level <= Level::INFO);
    let lines: Vec<_> = lines.filter(|line| about_doubt(&line.text)).collect();
    let levels: Vec<_> = lines.iter().map(|line| line.level).collect();
    assert_eq!(levels, [Level::ERROR, Level::INFO]);
    assert!(lines.iter().all(|line| line.text.contains(okta.org_url())));
}

#[test]
fn stream_that_is_silent_is_logged_as_a_doubt_by_the_first_request() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    let lines = logged(|| {
        runtime.block_on(async {
            let (realm, verifier, revocations) = silent_realm(Doubt::Reject);
            secret_scan::public(realm.issuer_url());
            let jwt = realm.token("ada").sign();
            assert_eq!(code(&verifier, &jwt).await, "ok");
            pass(4 * MINUTE).await;
            for _ in 0..3 {
                assert_doubted(&verifier, &jwt).await;
            }
            deliver(&revocations, verification(&realm)).await;
        });
    });
    let count = |text: &str| lines.iter().filter(|line| line.text.contains(text)).count();
    assert_eq!(count("because the stream of security events is"), 1);
    assert_eq!(count("is no longer paused, disabled or silent"), 1);
}

#[cfg(feature = "explain")]
#[tokio::test]
async fn stream_in_doubt_is_explained() {
    use okta_verifier::explain::Outcome;

    let okta = TestIssuer::new("api://orders");
    for (doubt, expected) in [
        (Doubt::Reject, "a stream of security events is paused"),
        (Doubt::AcceptFor(MINUTE), "Doubt accepted it"),
    ] {
        let (verifier, revocations) =
            instance(okta.issuer().any_client_id(), doubting(&okta, doubt));
        update(&okta, &revocations, "paused").await;
        let explanation = verifier.explain(&okta.token("ada").sign()).await;
        let mut checks = explanation.checks().iter();
        let check = checks.find(|check| check.name() == "revocation").unwrap();
        let found = match check.outcome() {
            Outcome::Passed { found } => found,
            Outcome::Failed { found, .. } => found,
            other => panic!("{other:?}"),
        };
        assert!(found.contains(expected), "{found}");
        assert_eq!(explanation.verdict().is_ok(), doubt != Doubt::Reject);
    }
}

#[test]
fn stream_doubt_without_its_other_setting_is_rejected() {
    let okta = TestIssuer::new("api://orders");
    let kept = || Revocations::builder().forgets_at_restart();
    let degraded = || transmitter(&okta).doubt_when_degraded();
    let error = kept().transmitter(degraded()).build().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(".in_doubt(..)") && text.contains(okta.org_url()),
        "{text}"
    );
    let builder = kept().transmitter(transmitter(&okta));
    let error = builder.in_doubt(Doubt::Reject).build().unwrap_err();
    assert!(
        error.to_string().contains("in_doubt has no effect"),
        "{error}"
    );
    let too_long = Doubt::AcceptFor(Duration::from_secs(25 * 60 * 60));
    let builder = kept().transmitter(degraded()).in_doubt(too_long);
    assert!(
        builder
            .build()
            .unwrap_err()
            .to_string()
            .contains("AcceptFor")
    );

    assert!(
        kept()
            .transmitter(degraded())
            .in_doubt(Doubt::Reject)
            .build()
            .is_ok()
    );
    // With a log, what happens in doubt has a default.
    let builder = Revocations::builder().log(MemoryRevocationLog::new());
    assert!(builder.transmitter(degraded()).build().is_ok());
}
