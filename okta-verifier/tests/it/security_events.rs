//! Security events that a transmitter pushes, from its keys to the tokens that are rejected afterwards.

use std::time::{Duration, SystemTime};

use okta_verifier::{
    Issuer, IssuerResolver, TokenProfile, Verifier,
    revocation::{
        Event, Reaction, Revocations, RevocationsBuilder, Signal, StreamStatus, Transmitter,
    },
};
use okta_verifier_testing::{
    EVENT_AUDIENCE, Endpoint, EventBuilder, Fault, MockOkta, Rotation, TestIssuer,
};
use serde_json::{Value, json};

use crate::support::{
    captured_logs::logged_above_debug,
    mock_issuer::{AUDIENCE, result_code},
};

/// A verifier and the revocations that it uses.
struct Service {
    verifier: Verifier,
    revocations: Revocations,
}

impl Service {
    fn new(issuer: Issuer, transmitter: Transmitter) -> Self {
        Self::with(issuer, transmitter, |it| it)
    }

    fn with(
        issuer: Issuer,
        transmitter: Transmitter,
        change: impl FnOnce(RevocationsBuilder) -> RevocationsBuilder,
    ) -> Self {
        let builder = Revocations::builder().forgets_at_restart();
        let builder = builder.transmitter(transmitter.audience(EVENT_AUDIENCE));
        let revocations = change(builder).build().unwrap();
        let builder = Verifier::builder().issuer(issuer.any_client_id());
        let verifier = builder.revocations(revocations.clone()).build().unwrap();
        Self {
            verifier,
            revocations,
        }
    }

    fn of_mock(okta: &MockOkta) -> Self {
        Self::new(okta.issuer(AUDIENCE), Transmitter::okta(okta.org_url()))
    }

    /// Pushes an event, and returns the status and the code of the response.
    async fn push(&self, event: &str) -> (u16, String) {
        let response = self.revocations.receive_event("POST", [], event.as_bytes());
        let response = response.await;
        let body: Value = serde_json::from_str(response.body()).unwrap_or_default();
        let code = body["err"].as_str().unwrap_or_default().to_owned();
        (response.status().as_u16(), code)
    }

    async fn accept(&self, event: EventBuilder) {
        assert_eq!(self.push(&event.sign()).await, (202, String::new()));
    }

    async fn code(&self, jwt: &str) -> &'static str {
        result_code(&self.verifier, jwt).await
    }
}

fn ago(seconds: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(seconds)
}

fn unix_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test]
async fn event_that_is_forged_rejects_no_token() {
    let okta = MockOkta::start().await;
    let service = Service::of_mock(&okta);
    let ada = okta.token("ada").sign();
    let event = || okta.session_revoked("ada");
    for (forged, code) in [
        (event().foreign_key(), "invalid_key"),
        (event().unpublished_key(), "invalid_key"),
        (event().with_token(|it| it.unsigned()), "invalid_key"),
        (event().with_token(|it| it.tampered()), "invalid_key"),
        (event().typ("JWT"), "invalid_request"),
        (event().audience("https://other.test"), "invalid_audience"),
        (event().claim("iss", okta.issuer_url()), "invalid_issuer"),
    ] {
        let response = service.push(&forged.sign()).await;
        assert_eq!(response, (400, code.to_owned()));
    }
    assert_eq!(
        service.push(&ada).await,
        (400, "invalid_request".to_owned())
    );
    assert_eq!(service.code(&ada).await, "ok");
}

// conformance 219
#[tokio::test]
async fn event_rejects_tokens_of_its_user_and_of_no_other() {
    let okta = MockOkta::start().await;
    let service = Service::of_mock(&okta);
    let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
    assert_eq!(service.code(&ada).await, "ok");
    service.accept(okta.session_revoked("ada")).await;
    assert_eq!(service.code(&ada).await, "revoked");
    assert_eq!(service.code(&bob).await, "ok");
    // Tokens of a later login are accepted.
    let later = okta.token("ada").issued_at(unix_now() + 10).sign();
    assert_eq!(service.code(&later).await, "ok");
}

// conformance 216
#[tokio::test]
async fn event_repeated_after_a_newer_one_changes_nothing() {
    let okta = MockOkta::start().await;
    let service = Service::of_mock(&okta);
    let at = |seconds| okta.token("ada").issued_at(unix_now() - seconds).sign();
    let (old, recent) = (at(600), at(60));
    let first = okta.session_revoked("ada").happened_at(ago(300)).sign();
    let second = okta.session_revoked("ada").happened_at(ago(30)).sign();
    service.push(&first).await;
    assert_eq!(service.code(&old).await, "revoked");
    assert_eq!(service.code(&recent).await, "ok");
    for event in [&second, &first, &first, &second, &first] {
        assert_eq!(service.push(event).await.0, 202);
        assert_eq!(service.code(&old).await, "revoked");
        assert_eq!(service.code(&recent).await, "revoked");
    }
}

// conformance 215
#[tokio::test]
async fn event_is_no_access_token_in_any_profile() {
    let okta = TestIssuer::new(AUDIENCE);
    let event = okta.session_revoked("ada").claim("aud", AUDIENCE);
    let event = event.claim("iss", okta.issuer_url());
    // Even with all claims of an access token.
    let event = event
        .claim("sub", "ada")
        .claim("exp", unix_now() + 600)
        .claim("cid", "0oatest")
        .claim("client_id", "0oatest");
    let event = event.sign();
    let custom = Issuer::custom(okta.issuer_url(), AUDIENCE, TokenProfile::new());
    let rfc9068 = Issuer::rfc9068(okta.issuer_url(), AUDIENCE);
    for issuer in [
        okta.issuer(),
        rfc9068.keys(okta.jwks()),
        custom.keys(okta.jwks()),
    ] {
        let verifier = Verifier::builder().issuer(issuer.any_client_id());
        let verifier = verifier.build().unwrap();
        assert_eq!(result_code(&verifier, &event).await, "type_not_allowed");
    }
    let realm = TestIssuer::keycloak(AUDIENCE);
    let event = realm.session_revoked("ada").sign();
    let verifier = Verifier::builder().issuer(realm.issuer().any_client_id());
    let verifier = verifier.build().unwrap();
    assert_ne!(result_code(&verifier, &event).await, "ok");
}

#[tokio::test]
async fn forged_events_spend_the_budget_of_the_transmitter_only() {
    let okta = MockOkta::start().await;
    let service = Service::of_mock(&okta);
    let began = std::time::Instant::now();
    assert_eq!(service.code(&okta.token("bob").sign()).await, "ok");
    let key_hits = okta.hits().keys;
    for _ in 0..100 {
        let forged = okta.session_revoked("ada").unpublished_key().sign();
        assert_eq!(service.push(&forged).await, (400, "invalid_key".to_owned()));
    }
    let refills = usize::try_from(began.elapsed().as_secs() / 10).unwrap();
    assert!(okta.hits().org_keys <= 5 + refills, "{:?}", okta.hits());
    assert_eq!(okta.hits().keys, key_hits);
    // The issuer's own budget is untouched: a token of a new key is accepted.
    okta.rotate(Rotation::Hard);
    assert_eq!(service.code(&okta.token("bob").sign()).await, "ok");
}

#[tokio::test]
async fn forged_events_that_would_be_rejected_anyway_cause_no_fetch() {
    let okta = MockOkta::start().await;
    let service = Service::of_mock(&okta);
    service.accept(okta.session_revoked("eve")).await;
    let hits = okta.hits().org_keys;
    let event = || okta.session_revoked("ada").unpublished_key();
    for forged in [
        event().audience("https://other.test"),
        event().claim("iss", "https://other.test"),
        event().claim("exp", 1),
        event().without("events"),
    ] {
        // The response does not tell which claim is wrong.
        let response = service.push(&forged.sign()).await;
        assert_eq!(response, (400, "invalid_key".to_owned()));
    }
    assert_eq!(okta.hits().org_keys, hits);
}

#[tokio::test]
async fn event_of_a_rotated_key_is_accepted() {
    let okta = MockOkta::start().await;
    let service = Service::of_mock(&okta);
    service.accept(okta.session_revoked("eve")).await;
    okta.rotate(Rotation::Hard);
    let ada = okta.token("ada").sign();
    service.accept(okta.session_revoked("ada")).await;
    assert_eq!(service.code(&ada).await, "revoked");
}

#[tokio::test]
async fn event_while_the_keys_are_unavailable_is_503_and_accepted_when_repeated() {
    let okta = MockOkta::start().await;
    let service = Service::of_mock(&okta);
    let ada = okta.token("ada").sign();
    let event = okta.session_revoked("ada").sign();
    okta.fault_times(Endpoint::OrgKeys, Fault::Status(500), 1);
    let response = service
        .revocations
        .receive_event("POST", [], event.as_bytes());
    let response = response.await;
    assert_eq!(response.status(), 503);
    let wait: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=120).contains(&wait));
    assert_eq!(service.code(&ada).await, "ok");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(wait)).await;
    tokio::time::resume();
    assert_eq!(service.push(&event).await.0, 202);
    assert_eq!(service.code(&ada).await, "revoked");
    let state = service.revocations.transmitters().remove(0);
    assert_eq!(state.rejected, [("unavailable", 1)]);
    assert_eq!(state.applied, [("session-revoked", 1)]);
}

#[tokio::test]
async fn event_of_a_session_rejects_the_tokens_of_that_session_only() {
    let realm = TestIssuer::keycloak(AUDIENCE);
    let transmitter = || Transmitter::new(realm.issuer_url());
    let service = Service::with(realm.issuer(), transmitter(), |it| it.session_claim("sid"));
    let token = |sid: &str| realm.token("ada").claim("sid", sid).sign();
    let (one, two) = (token("session-1"), token("session-2"));
    let without = realm.token("ada").without("sid").sign();
    // The keys are those of the issuer of tokens.
    service
        .accept(realm.session_revoked("ada").session("session-1"))
        .await;
    assert_eq!(service.code(&one).await, "revoked");
    assert_eq!(service.code(&two).await, "ok");
    assert_eq!(service.code(&without).await, "revoked");
    // Keycloak writes `ALL` when an administrator ends all sessions of a user.
    service
        .accept(realm.session_revoked("ada").session("ALL"))
        .await;
    assert_eq!(service.code(&two).await, "revoked");
    assert_eq!(service.code(&realm.token("bob").sign()).await, "ok");
}

#[tokio::test]
async fn event_of_an_email_address_needs_the_email_claim() {
    let okta = TestIssuer::new(AUDIENCE);
    let transmitter = || Transmitter::okta(okta.org_url()).keys(okta.jwks());
    let subject = || json!({"format": "email", "email": "ada@acme.test"});
    let token = okta.token("ada").claim("email", "ada@acme.test").sign();
    let without = Service::new(okta.issuer(), transmitter());
    without
        .accept(okta.session_revoked("ada").subject(subject()))
        .await;
    assert_eq!(without.code(&token).await, "ok");
    let with = Service::with(okta.issuer(), transmitter(), |it| it.email_claim("email"));
    with.accept(okta.session_revoked("ada").subject(subject()))
        .await;
    assert_eq!(with.code(&token).await, "revoked");
}

#[tokio::test]
async fn event_that_the_settings_ignore_rejects_no_token() {
    let okta = TestIssuer::new(AUDIENCE);
    let transmitter = Transmitter::okta(okta.org_url()).keys(okta.jwks());
    let transmitter = transmitter.on(Event::SessionRevoked, Reaction::Ignore);
    let service = Service::new(okta.issuer(), transmitter);
    let ada = okta.token("ada").sign();
    service.accept(okta.session_revoked("ada")).await;
    assert_eq!(service.code(&ada).await, "ok");
    service.accept(okta.credential_change("ada")).await;
    assert_eq!(service.code(&ada).await, "revoked");
}

#[tokio::test]
async fn event_for_an_issuer_that_the_resolver_returns_later_counts() {
    let realm = TestIssuer::keycloak(AUDIENCE);
    let row = realm.issuer().any_client_id();
    let resolver = IssuerResolver::new(["https://keycloak.test/realms/*"], move |_: String| {
        let row = row.clone();
        async move { Ok::<_, std::io::Error>(Some(row)) }
    });
    let transmitter = Transmitter::new(realm.issuer_url()).keys(realm.jwks());
    let builder = Revocations::builder().forgets_at_restart();
    let builder = builder.transmitter(transmitter.audience(EVENT_AUDIENCE));
    let revocations = builder.build().unwrap();
    let builder = Verifier::builder().issuer_resolver(resolver);
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    let (ada, bob) = (realm.token("ada").sign(), realm.token("bob").sign());
    let event = realm.session_revoked("ada").sign();
    let response = revocations
        .receive_event("POST", [], event.as_bytes())
        .await;
    assert_eq!(response.status(), 202);
    assert_eq!(result_code(&verifier, &ada).await, "revoked");
    assert_eq!(result_code(&verifier, &bob).await, "ok");
}

#[tokio::test]
async fn event_concerns_an_issuer_that_is_added_later() {
    let okta = TestIssuer::new(AUDIENCE);
    let transmitter = Transmitter::okta(okta.org_url()).keys(okta.jwks());
    let service = Service::new(okta.issuer(), transmitter);
    let orders = okta.clone().at("https://okta.test/oauth2/orders");
    let issuers = [&okta, &orders].map(|it| it.issuer().any_client_id());
    service.verifier.set_issuers(issuers).unwrap();
    let tokens = [okta.token("ada").sign(), orders.token("ada").sign()];
    service.accept(okta.session_revoked("ada")).await;
    for token in &tokens {
        assert_eq!(service.code(token).await, "revoked");
    }
    // The rules stay when the issuers are replaced.
    let issuers = [okta.issuer().any_client_id()];
    service.verifier.set_issuers(issuers).unwrap();
    assert_eq!(service.code(&tokens[0]).await, "revoked");
}

/// The events that Keycloak 26.7.3 sent, signed again with a key of this test.
#[tokio::test]
async fn recorded_events_of_keycloak_are_applied() {
    let recorded = include_str!("fixtures/keycloak-26.7-events.json");
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let url = "http://127.0.0.1:8080/realms/shop";
    secret_scan::public(url);
    let realm = TestIssuer::keycloak(AUDIENCE).at(url);
    let aud = recorded["sets"][0]["claims"]["aud"].as_str().unwrap();
    let transmitter = Transmitter::new(url).audience(aud);
    let transmitter = transmitter.authorization("Bearer shared-secret-1");
    let service = Service::with(realm.issuer(), transmitter.keys(realm.jwks()), |it| {
        it.session_claim("sid")
    });
    let token = |sid: &str, iat: u64| {
        let user = "a8589300-e956-48e9-8147-db43a21c04e5";
        let token = realm.token(user).claim("sid", sid).claim("iat", iat);
        token.expires_at(1_795_986_035 + 86_400).sign()
    };
    let sid = "Ls0yv880bw4253vib6SqlAtP";
    let mut statuses = Vec::new();
    for set in recorded["sets"].as_array().unwrap() {
        let event = realm.token("ada").raw_payload(set["claims"].to_string());
        let event = event.typ("secevent+jwt").sign();
        let secret = [b"Bearer shared-secret-1".as_slice()];
        let response = service
            .revocations
            .receive_event("POST", secret, event.as_bytes());
        assert_eq!(response.await.status(), 202);
        statuses.push(service.revocations.transmitters()[0].stream);
    }
    let state = service.revocations.transmitters().remove(0);
    let applied = [
        ("credential-change", 1),
        ("session-revoked", 4),
        ("stream-updated", 2),
    ];
    assert_eq!(state.applied, applied);
    assert!(state.ignored.is_empty() && state.rejected.is_empty());
    assert_eq!(
        statuses[4..],
        [
            StreamStatus::Paused,
            StreamStatus::Enabled,
            StreamStatus::Enabled
        ]
    );
    // The last event is that of an administrator at 1,795,986,291.
    if unix_now() < 1_795_986_291 + 80_000 {
        assert_eq!(
            service.code(&token("other", 1_795_986_291)).await,
            "revoked"
        );
        assert_eq!(service.code(&token("other", 1_795_986_292)).await, "ok");
        assert_eq!(service.code(&token(sid, 1_795_986_400)).await, "revoked");
    }
}

#[test]
fn event_log_has_codes_and_a_limit_for_each_kind_of_warning() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let lines = logged_above_debug(runtime, async {
        let okta = TestIssuer::new(AUDIENCE);
        let transmitter = Transmitter::okta(okta.org_url()).keys(okta.jwks());
        let service = Service::new(okta.issuer(), transmitter);
        for _ in 0..20 {
            let forged = okta.session_revoked("ada").foreign_key().sign();
            service.push(&forged).await;
        }
        let paused = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
        for _ in 0..2 {
            let event = okta.event(paused, "ada").member("status", "paused");
            service.accept(event).await;
        }
        let other = "https://schemas.openid.net/secevent/caep/event-type/other";
        service.accept(okta.event(other, "ada")).await;
    });
    let rejected = r#"security event rejected transmitter="https://okta.test" signal="security_event" code="invalid_key""#;
    let warnings = |message: &str| {
        let is_warning = |(level, text): &&(tracing::Level, String)| {
            *level == tracing::Level::WARN && text.contains(message)
        };
        lines.iter().filter(is_warning).count()
    };
    assert_eq!(warnings("security event rejected"), 10, "{lines:?}");
    // The forged events do not use up the warnings about genuine ones.
    assert_eq!(warnings("security event ignored"), 1, "{lines:?}");
    assert!(lines[0].1.contains(rejected), "{lines:?}");
    let errors = lines
        .iter()
        .filter(|(level, _)| *level == tracing::Level::ERROR);
    let errors: Vec<_> = errors.map(|(_, text)| text).collect();
    assert_eq!(errors.len(), 1, "{lines:?}");
    assert!(errors[0].contains("the transmitter delivers no security events"));
    assert!(errors[0].contains(r#"status="paused""#));
}

// conformance 308
#[tokio::test]
async fn event_body_is_read_only_after_the_secret_was_verified() {
    let okta = TestIssuer::new(AUDIENCE);
    let secret = "Bearer the-secret-of-the-stream";
    let transmitter = Transmitter::okta(okta.org_url()).authorization(secret);
    let service = Service::new(okta.issuer(), transmitter.keys(okta.jwks()));
    let receive = async |method: &str, secrets: &[&'static str]| {
        let headers = secrets.iter().map(|it| ("authorization", it.as_bytes()));
        let never = |_| std::future::pending::<Vec<u8>>();
        let response = (service.revocations).receive(Signal::SecurityEvent, method, headers, never);
        let response = tokio::time::timeout(Duration::from_secs(1), response).await;
        response.map_or(0, |response| response.status().as_u16())
    };
    assert_eq!(receive("GET", &[secret]).await, 405);
    for rejected in [&[][..], &["Bearer guessed"], &[secret, secret]] {
        assert_eq!(receive("POST", rejected).await, 400);
    }
    assert_eq!(receive("POST", &[secret]).await, 0, "the body is awaited");
}

// conformance 305
#[tokio::test]
async fn stream_status_in_the_future_does_not_hide_a_later_one() {
    let okta = TestIssuer::new(AUDIENCE);
    let service = Service::new(
        okta.issuer(),
        Transmitter::okta(okta.org_url()).keys(okta.jwks()),
    );
    let updated = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
    for (status, expected, ahead) in [
        ("enabled", StreamStatus::Enabled, 1_000_000),
        ("paused", StreamStatus::Paused, 1_000),
    ] {
        let event = okta.event(updated, "ada").member("status", status);
        let time = SystemTime::now() + Duration::from_secs(ahead);
        service.accept(event.happened_at(time)).await;
        assert_eq!(service.revocations.transmitters()[0].stream, expected);
    }
}
