//! Several instances that share their rules through a log, and requests while rules may be missing.

use std::time::Duration;

use okta_verifier::{
    VerifyError, VoidReason,
    error::UnavailableReason,
    introspection::{ClientAuthentication, Introspection},
    revocation::{Doubt, RevocationsBuilder, RevokeError, StreamStatus, Transmitter},
};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, EVENT_AUDIENCE, Endpoint, Fault, MemoryRevocationLog, MockOkta,
};
use serde_json::json;
use tokio::time::sleep_until;

use super::*;
use crate::support::mock_issuer;

fn sharing(log: &MemoryRevocationLog) -> RevocationsBuilder {
    Revocations::builder().session_claim("sid").log(log.clone())
}

/// Returns a new instance of a service.
fn instance(issuer: Issuer, builder: RevocationsBuilder) -> (Verifier, Revocations) {
    let revocations = builder.build().unwrap();
    let builder = Verifier::builder().issuer(issuer);
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    (verifier, revocations)
}

fn issuer(okta: &TestIssuer) -> Issuer {
    okta.issuer().any_client_id()
}

/// Lets this time pass. The readers run in the meantime.
async fn pass(time: Duration) {
    sleep_until(tokio::time::Instant::now() + time).await;
}

/// Returns whether the token is rejected because rules may be missing.
async fn is_doubted(verifier: &Verifier, jwt: &str) -> bool {
    let rejection = send(verifier, jwt).await.unwrap_err();
    let error = rejection.error();
    let Some(VerifyError::Unavailable { source, .. }) = error else {
        return false;
    };
    rejection.status() == 503 && matches!(source, UnavailableReason::RevocationLog)
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn log_that_cannot_be_read_at_the_start_rejects_each_token_with_503() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    log.fail(true);
    for doubt in [Doubt::Reject, Doubt::AskIssuer] {
        let (verifier, _revocations) = instance(issuer(&okta), sharing(&log).in_doubt(doubt));
        let jwt = okta.token("ada").sign();
        let began = tokio::time::Instant::now();
        let rejection = send(&verifier, &jwt).await.unwrap_err();
        // The request waited for the first load.
        assert!((SECOND..2 * SECOND).contains(&began.elapsed()));
        assert_eq!(rejection.status(), 503);
        assert_eq!(rejection.code(), "unavailable");
        assert!(rejection.headers().any(|(name, _)| name == "retry-after"));
        let began = tokio::time::Instant::now();
        assert!(is_doubted(&verifier, &jwt).await);
        assert!(began.elapsed() < SECOND, "later requests do not wait");
        // What is wrong with a token itself is known.
        let forged = okta.token("ada").foreign_key().sign();
        assert_eq!(code(&verifier, &forged).await, "bad_signature");

        log.fail(false);
        pass(2 * SECOND).await;
        assert!(verifier.verify(&jwt).await.is_ok());
        log.fail(true);
    }
}

#[tokio::test(start_paused = true)]
async fn log_carries_a_rule_to_the_other_instances() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let (one, of_one) = instance(issuer(&okta), sharing(&log));
    let (two, _of_two) = instance(issuer(&okta), sharing(&log));
    let url = okta.issuer_url();
    let session = |id: &str| old(&okta, "bob").claim("sid", id).sign();
    let tokens = [
        old(&okta, "ada").sign(),
        session("session-1"),
        old(&okta, "eve").claim("jti", "AT.1").sign(),
        old(&okta, "eve").client_id("0oa4retired").sign(),
    ];
    let others = [old(&okta, "bob").sign(), session("session-2")];
    for jwt in tokens.iter().chain(&others) {
        assert_eq!(code(&two, jwt).await, "ok");
    }
    for rule in [
        ada(url),
        Rule::session(url, "session-1"),
        Rule::token(url, "AT.1"),
        Rule::client(url, "0oa4retired"),
    ] {
        of_one.revoke(rule).await.unwrap();
    }
    pass(SECOND).await;
    for verifier in [&one, &two] {
        for jwt in &tokens {
            assert_eq!(code(verifier, jwt).await, "revoked");
        }
        for jwt in &others {
            assert_eq!(code(verifier, jwt).await, "ok");
        }
    }
    of_one.revoke(Rule::issuer(url)).await.unwrap();
    pass(SECOND).await;
    assert_eq!(code(&two, &others[0]).await, "revoked");
    // An instance that starts now knows everything before it accepts a token.
    let (three, _of_three) = instance(issuer(&okta), sharing(&log));
    assert_eq!(code(&three, &tokens[1]).await, "revoked");
}

#[tokio::test(start_paused = true)]
async fn log_that_fails_leads_to_a_doubt_after_the_maximum_lag_and_recovers() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let builder = || sharing(&log).in_doubt(Doubt::Reject);
    let (one, of_one) = instance(issuer(&okta), builder());
    let (two, _of_two) = instance(issuer(&okta), builder());
    let (ada_token, bob_token) = (old(&okta, "ada").sign(), old(&okta, "bob").sign());
    for verifier in [&one, &two] {
        assert_eq!(code(verifier, &ada_token).await, "ok");
        assert_eq!(code(verifier, &bob_token).await, "ok");
    }
    log.fail(true);
    let failed = of_one.revoke(ada(okta.issuer_url())).await;
    assert_eq!(failed, Err(RevokeError::LogUnavailable));
    assert_eq!(code(&one, &ada_token).await, "revoked"); // here at once
    assert_eq!(code(&two, &bob_token).await, "ok"); // in time
    pass(11 * SECOND).await;
    for verifier in [&one, &two] {
        assert_eq!(code(verifier, &bob_token).await, "unavailable");
    }
    // A known rule still decides.
    assert_eq!(code(&one, &ada_token).await, "revoked");
    assert_eq!(code(&two, &ada_token).await, "unavailable");
    log.fail(false);
    pass(3 * SECOND).await;
    for verifier in [&one, &two] {
        assert_eq!(code(verifier, &ada_token).await, "revoked");
        assert_eq!(code(verifier, &bob_token).await, "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn log_in_doubt_accepts_tokens_for_the_time_of_the_settings() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let doubt = Doubt::AcceptFor(30 * SECOND);
    let (verifier, _revocations) = instance(issuer(&okta), sharing(&log).in_doubt(doubt));
    let jwt = okta.token("ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    log.fail(true);
    pass(35 * SECOND).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
    pass(10 * SECOND).await;
    assert_eq!(code(&verifier, &jwt).await, "unavailable");
}

#[tokio::test(start_paused = true)]
async fn log_that_lost_everything_gets_the_rules_of_each_instance_again() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let (one, of_one) = instance(issuer(&okta), sharing(&log));
    let jwt = old(&okta, "ada").sign();
    of_one.revoke(ada(okta.issuer_url())).await.unwrap();
    assert_eq!(code(&one, &jwt).await, "revoked");
    log.lose_everything();
    pass(2 * SECOND).await;
    let (two, _of_two) = instance(issuer(&okta), sharing(&log));
    assert_eq!(code(&two, &jwt).await, "revoked");
    assert_eq!(log.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn log_that_failed_gets_a_repeated_event() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let transmitter = || {
        let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
        transmitter.keys(okta.jwks())
    };
    let (verifier, revocations) = instance(issuer(&okta), sharing(&log).transmitter(transmitter()));
    let jwt = old(&okta, "ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    let event = okta.session_revoked("ada").sign();
    log.fail(true);
    for _ in 0..2 {
        let response = revocations
            .receive_event("POST", [], event.as_bytes())
            .await;
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(code(&verifier, &jwt).await, "revoked");
    }
    log.fail(false);
    let response = revocations
        .receive_event("POST", [], event.as_bytes())
        .await;
    assert_eq!(response.status(), 202);
    assert_eq!(log.len(), 1);
    // A repeat of an event that is stored changes nothing, after the append of everything that the failure caused.
    pass(2 * SECOND).await;
    let stored = log.len();
    let response = revocations
        .receive_event("POST", [], event.as_bytes())
        .await;
    assert_eq!(response.status(), 202);
    assert_eq!(log.len(), stored);
}

#[tokio::test(start_paused = true)]
async fn log_carries_the_status_of_a_stream_to_the_other_instances() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let new = || {
        let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
        instance(
            issuer(&okta),
            sharing(&log).transmitter(transmitter.keys(okta.jwks())),
        )
    };
    let ((_one, of_one), (two, of_two)) = (new(), new());
    two.warm_up().await.unwrap();
    let updated = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
    let event = okta.event(updated, "ada").member("status", "paused").sign();
    let response = of_one.receive_event("POST", [], event.as_bytes()).await;
    assert_eq!(response.status(), 202);
    pass(SECOND).await;
    for revocations in [of_one, of_two] {
        let state = revocations.transmitters().remove(0);
        assert_eq!(state.stream, StreamStatus::Paused);
    }
}

#[tokio::test(start_paused = true)]
async fn connection_ends_by_a_rule_of_another_instance_and_not_by_a_doubt() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    let (_one, of_one) = instance(issuer(&okta), sharing(&log));
    let (two, _of_two) = instance(issuer(&okta), sharing(&log));
    let token = two.verify(&old(&okta, "ada").sign()).await.unwrap();
    let mut void = std::pin::pin!(two.until_void(&token));
    log.fail(true);
    let doubted = tokio::time::timeout(60 * SECOND, &mut void).await;
    assert!(doubted.is_err());
    log.fail(false);
    of_one.revoke(ada(okta.issuer_url())).await.unwrap();
    let reason = tokio::time::timeout(3 * SECOND, void).await;
    assert_eq!(reason, Ok(VoidReason::Revoked));
}

#[tokio::test(start_paused = true)]
async fn warm_up_loads_the_log_or_says_that_it_could_not() {
    let (okta, log) = (TestIssuer::new("api://orders"), MemoryRevocationLog::new());
    log.fail(true);
    let (verifier, _revocations) = instance(issuer(&okta), sharing(&log));
    let error = verifier.warm_up().await.unwrap_err();
    assert_eq!((error.code(), error.issuer()), ("revocation_log", ""));
    let text = "the shared revocation log could not be loaded";
    assert_eq!(error.to_string(), text);
    log.fail(false);
    verifier.warm_up().await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(code(&verifier, &okta.token("ada").sign()).await, "ok");
    assert!(began.elapsed() < SECOND);
}

/// Returns an instance that introspects nothing but in doubt, with a log that cannot be read.
fn doubting(okta: &MockOkta, log: &MemoryRevocationLog) -> (Verifier, Revocations) {
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = mock_issuer::issuer(okta).introspection(Introspection::on_demand(client));
    log.fail(true);
    instance(issuer, sharing(log))
}

#[tokio::test]
async fn token_in_doubt_is_accepted_only_if_the_issuer_says_that_it_is_active() {
    let (okta, log) = (MockOkta::start().await, MemoryRevocationLog::new());
    let (verifier, revocations) = doubting(&okta, &log);
    let inactive = json!({"active": false}).to_string().into_bytes();
    okta.fault(Endpoint::Introspection, Fault::Body(inactive));
    let (ada_token, bob_token) = (old_of(&okta, "ada"), old_of(&okta, "bob"));
    // Never 401, also for a second request with the token.
    for _ in 0..2 {
        assert!(is_doubted(&verifier, &bob_token).await);
    }
    okta.fault(Endpoint::Introspection, Fault::Status(500));
    assert_eq!(code(&verifier, &ada_token).await, "unavailable");
    okta.clear_faults();
    let (ada_token, bob_token) = (old_of(&okta, "ada"), old_of(&okta, "bob"));
    let before = okta.hits().introspection;
    for _ in 0..3 {
        assert_eq!(code(&verifier, &ada_token).await, "ok");
    }
    assert_eq!(
        okta.hits().introspection,
        before + 1,
        "the response is newer"
    );
    // A rule that is known here decides before the issuer.
    let result = revocations.revoke(ada(okta.issuer_url())).await;
    assert_eq!(result, Err(RevokeError::LogUnavailable));
    assert_eq!(code(&verifier, &ada_token).await, "revoked");
    assert_eq!(code(&verifier, &bob_token).await, "ok");
}

#[tokio::test]
async fn doubt_that_begins_while_the_issuer_responds_causes_another_introspection_request() {
    let (okta, log) = (MockOkta::start().await, MemoryRevocationLog::new());
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = mock_issuer::issuer(&okta).introspection(Introspection::every_token(client));
    let (verifier, _revocations) = instance(issuer, sharing(&log).max_lag(2 * SECOND));
    verifier.warm_up().await.unwrap();
    log.fail(true);
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(1_200)).await;
    tokio::time::resume();
    // The doubt begins 0.6 to 0.8 s from now, and the first response comes after that.
    let slow = Fault::Slow(Duration::from_millis(1_500));
    okta.fault_times(Endpoint::Introspection, slow, 1);
    let (ada_token, bob_token) = (old_of(&okta, "ada"), old_of(&okta, "bob"));
    assert_eq!(code(&verifier, &ada_token).await, "ok");
    assert_eq!(okta.hits().introspection, 2);
    // The same request is rejected if the issuer has no second response.
    okta.fault(Endpoint::Introspection, Fault::Status(500));
    assert_eq!(code(&verifier, &bob_token).await, "unavailable");
}

fn old_of(okta: &MockOkta, subject: &str) -> String {
    okta.token(subject).issued_at(unix() - 20).sign()
}

#[tokio::test]
async fn flood_with_one_token_in_doubt_sends_one_introspection_request() {
    // Also if the issuer responds more slowly than the doubt is old, so that the wall clock shows another second.
    for delay in [Duration::ZERO, Duration::from_millis(1_500)] {
        let (okta, log) = (MockOkta::start().await, MemoryRevocationLog::new());
        okta.fault(Endpoint::Introspection, Fault::Slow(delay));
        let (verifier, _revocations) = doubting(&okta, &log);
        let jwt = okta.token("ada").sign();
        let requests: Vec<_> = (0..100)
            .map(|_| {
                let (verifier, jwt) = (verifier.clone(), jwt.clone());
                tokio::spawn(async move { verifier.verify(&jwt).await.is_ok() })
            })
            .collect();
        for request in requests {
            assert!(request.await.unwrap());
        }
        assert_eq!(okta.hits().introspection, 1, "{delay:?}");
    }
}
