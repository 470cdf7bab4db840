//! The rules of accepted events.

use super::*;

#[tokio::test]
async fn event_of_okta_names_a_user_by_uid() {
    let fixture = Fixture::okta();
    let event = fixture.issuer.session_revoked("ada");
    let kind = user(SubjectClaim::OktaUserId, &uid(&fixture.issuer, "ada"));
    assert_rules(
        &fixture.rules(event).await,
        fixture.issuer.issuer_url(),
        &[kind],
    );
    let state = fixture.receiver.states().remove(0);
    assert_eq!(state.applied, [("session-revoked", 1)]);
    assert!(state.last_received.is_some() && state.ignored.is_empty());
}

#[tokio::test]
async fn event_of_okta_in_milliseconds_rejects_tokens_until_its_second() {
    let fixture = Fixture::okta();
    let event = fixture
        .issuer
        .session_revoked("ada")
        .claim("iat", 1_790_000_003);
    let event = event.member("event_timestamp", 1_790_000_001_643_u64);
    assert_eq!(fixture.rules(event).await[0].before, 1_790_000_001);
}

#[tokio::test]
async fn event_time_in_the_future_is_limited_to_now() {
    let fixture = Fixture::okta();
    let now = Now::read().unix;
    for future in [now + 86_400, (now + 86_400) * 1_000, 1 << 53] {
        let event = fixture.issuer.session_revoked("ada");
        let rules = fixture.rules(event.member("event_timestamp", future)).await;
        assert!((now..=now + LEEWAY + 30).contains(&rules[0].before));
    }
}

#[tokio::test]
async fn event_of_keycloak_names_a_session_of_a_user() {
    let fixture = Fixture::keycloak();
    let event = fixture.issuer.session_revoked("ada").session("session-1");
    let kind = RuleKind::Session {
        id: "session-1".into(),
        user: Some((SubjectClaim::Subject, "ada".into())),
    };
    assert_rules(
        &fixture.rules(event).await,
        fixture.issuer.issuer_url(),
        &[kind],
    );
}

#[tokio::test]
async fn event_of_keycloak_about_all_sessions_names_the_user() {
    let fixture = Fixture::keycloak();
    let event = fixture.issuer.session_revoked("ada").session("ALL");
    let kind = user(SubjectClaim::Subject, "ada");
    assert_rules(
        &fixture.rules(event).await,
        fixture.issuer.issuer_url(),
        &[kind],
    );
}

#[tokio::test]
async fn event_with_an_empty_payload_counts_from_iat() {
    let fixture = Fixture::keycloak();
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let event = fixture.issuer.session_revoked("ada");
    let event = event
        .claim("events", json!({uri: {}}))
        .claim("iat", 1_795_986_063);
    assert_eq!(fixture.rules(event).await[0].before, 1_795_986_063);
}

#[tokio::test]
async fn event_without_required_members_still_rejects_tokens() {
    let fixture = Fixture::okta();
    for name in [
        "credential-change",
        "token-claims-change",
        "device-compliance-change",
    ] {
        let event = fixture.issuer.event(name, "ada");
        assert_eq!(fixture.rules(event).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn event_about_a_token_names_its_jti() {
    let fixture = Fixture::okta();
    let url = fixture.issuer.issuer_url();
    let subject = json!({"format": "jwt_id", "iss": url, "jti": "token-1"});
    let event = fixture.issuer.event("token-claims-change", "ada");
    let jti = "token-1".into();
    let rules = fixture.rules(event.subject(subject)).await;
    assert_rules(&rules, url, &[RuleKind::Token { jti }]);
}

#[tokio::test]
async fn event_about_a_session_with_an_opaque_id_names_a_session_or_a_user() {
    let fixture = Fixture::keycloak();
    let subject = || json!({"format": "opaque", "id": "session-1"});
    let event = fixture.issuer.session_revoked("ada").subject(subject());
    let session = RuleKind::Session {
        id: "session-1".into(),
        user: None,
    };
    let kinds = [user(SubjectClaim::Subject, "session-1"), session];
    assert_rules(
        &fixture.rules(event).await,
        fixture.issuer.issuer_url(),
        &kinds,
    );
    let event = fixture.issuer.credential_change("ada").subject(subject());
    assert_eq!(fixture.rules(event).await.len(), 1);
}

#[tokio::test]
async fn event_with_several_names_makes_a_rule_for_each() {
    let fixture = Fixture::keycloak();
    let url = fixture.issuer.issuer_url();
    let subject = json!({"format": "aliases", "identifiers": [
        {"format": "email", "email": "ada@acme.test"},
        {"format": "iss_sub", "iss": url, "sub": "ada"},
        {"format": "iss_sub", "iss": "https://keycloak.test/realms/other", "sub": "eve"},
    ]});
    let event = fixture.issuer.session_revoked("ada").subject(subject);
    let kinds = [
        user(SubjectClaim::Email, "ada@acme.test"),
        user(SubjectClaim::Subject, "ada"),
    ];
    assert_rules(&fixture.rules(event).await, url, &kinds);
}

#[tokio::test]
async fn event_with_a_subject_of_another_issuer_is_not_applied() {
    let other = "https://keycloak.test/realms/other";
    let user = json!({"format": "iss_sub", "iss": other, "sub": "ada"});
    for subject in [
        user.clone(),
        json!({"format": "complex", "user": user, "session": {"format": "opaque", "id": "s1"}}),
        json!({"format": "aliases", "identifiers": [user]}),
        json!({"format": "jwt_id", "iss": other, "jti": "token-1"}),
    ] {
        let fixture = Fixture::keycloak();
        let event = fixture.issuer.session_revoked("ada").subject(subject);
        assert!(fixture.rules(event).await.is_empty());
        fixture.assert_ignored("session-revoked", "other_issuer");
    }
}

#[tokio::test]
async fn event_that_names_nothing_matchable_is_counted() {
    for (subject, reason) in [
        (
            json!({"iss": "https://okta.test", "sub": "ada"}),
            "no_subject",
        ),
        (json!(null), "no_subject"),
        (json!({"format": "new", "id": "ada"}), "unknown_subject"),
        (
            json!({"format": "complex", "tenant": {"format": "opaque", "id": "t1"}}),
            "unmatchable_subject",
        ),
        (
            json!({"format": "phone_number", "phone_number": "+12065550100"}),
            "unmatchable_subject",
        ),
    ] {
        let fixture = Fixture::okta();
        let event = fixture.issuer.session_revoked("ada").subject(subject);
        assert!(fixture.rules(event).await.is_empty());
        fixture.assert_ignored("session-revoked", reason);
    }
}

#[tokio::test]
async fn event_about_an_email_address_needs_the_email_claim() {
    let mut fixture = Fixture::okta();
    fixture.receiver.claims.email = false;
    let subject = json!({"format": "email", "email": "ada@acme.test"});
    let event = fixture.issuer.session_revoked("ada").subject(subject);
    assert!(fixture.rules(event).await.is_empty());
    fixture.assert_ignored("session-revoked", "unmatchable_subject");
}

#[tokio::test]
async fn event_about_a_session_without_a_user_needs_the_session_claim() {
    let session = json!({"format": "opaque", "id": "session-1"});
    let mut fixture = Fixture::keycloak();
    fixture.receiver.claims.session = false;
    let subject = json!({"format": "complex", "session": session});
    let event = fixture.issuer.session_revoked("ada").subject(subject);
    assert!(fixture.rules(event).await.is_empty());
    fixture.assert_ignored("session-revoked", "unmatchable_subject");
    let event = fixture.issuer.session_revoked("ada").subject(session);
    assert_eq!(fixture.rules(event).await.len(), 1);
}

#[tokio::test]
async fn event_of_an_unknown_kind_is_counted_whatever_its_uri_is() {
    let fixture = Fixture::okta();
    let event = fixture
        .issuer
        .event("urn:example:an-event-of-the-sender", "ada");
    assert!(fixture.rules(event).await.is_empty());
    fixture.assert_ignored("unknown", "unknown_event");
    let events = json!({"urn:a": {}, "urn:b": 7});
    let event = fixture
        .issuer
        .session_revoked("ada")
        .claim("events", events);
    assert!(fixture.rules(event).await.is_empty());
    let state = fixture.receiver.states().remove(0);
    assert_eq!(state.ignored, [("unknown", "unknown_event", 3)]);
}

#[tokio::test]
async fn event_beside_an_unknown_one_is_applied() {
    let fixture = Fixture::keycloak();
    let known = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
    secret_scan::public(known);
    let events = json!({"urn:a": {}, known: {}});
    let event = fixture
        .issuer
        .session_revoked("ada")
        .claim("events", events);
    assert_eq!(fixture.rules(event).await.len(), 1);
}

#[tokio::test]
async fn event_reaction_of_the_settings_is_applied() {
    let keycloak = || TestIssuer::keycloak("orders");
    let before = Reaction::IssuedBefore;
    let ignoring = Fixture::new(keycloak(), |it| {
        it.on(Event::SessionRevoked, before)
            .on(Event::SessionRevoked, Reaction::Ignore)
    });
    let event = ignoring.issuer.session_revoked("ada");
    assert!(ignoring.rules(event).await.is_empty());
    ignoring.assert_ignored("session-revoked", "reaction");
    let widening = Fixture::new(keycloak(), |it| it.on(Event::SessionRevoked, before));
    let event = widening.issuer.session_revoked("ada").session("session-1");
    let kind = user(SubjectClaim::Subject, "ada");
    assert_rules(
        &widening.rules(event).await,
        widening.issuer.issuer_url(),
        &[kind],
    );
}

#[tokio::test]
async fn event_that_is_repeated_makes_the_same_rules() {
    let fixture = Fixture::okta();
    let event = fixture.issuer.session_revoked("ada").sign();
    let first = fixture.deliver(&event).await.unwrap();
    assert!(fixture.deliver(&event).await.unwrap() == first);
}

#[tokio::test]
async fn event_of_an_org_concerns_each_server_of_its_host_and_of_an_alias() {
    let okta = TestIssuer::new("api://orders");
    let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
    let receiver = build(vec![transmitter.keys(okta.jwks())]).unwrap();
    let transmitter = &receiver.transmitters[0];
    let known = [
        target("https://okta.test/oauth2/default", &[]),
        target(
            "https://login.acme.test/oauth2/orders",
            &["https://okta.test/oauth2/orders"],
        ),
        target("https://other.test/oauth2/default", &[]),
        target("http://okta.test/oauth2/plain", &[]),
    ];
    transmitter.choose_targets(&known, false).unwrap();
    transmitter.set_keys(transmitter.pinned().unwrap());
    let issuers = async |event: EventBuilder| {
        let event = event.sign();
        let delivery = receiver.receive("POST", [], event.as_bytes()).await;
        let rules = delivery.ok().unwrap().rules;
        let issuers = rules.iter().map(|rule| rule.issuer.to_string());
        issuers.collect::<Vec<_>>()
    };
    let all = [
        "https://okta.test/oauth2/default",
        "https://login.acme.test/oauth2/orders",
    ];
    assert_eq!(issuers(okta.session_revoked("ada")).await, all);
    // The subject has the custom domain of the org, or one of its servers.
    let subject = |iss: &str| json!({"format": "iss_sub", "iss": iss, "sub": "00u1"});
    let event = |iss| okta.session_revoked("ada").subject(subject(iss));
    assert_eq!(issuers(event("https://login.acme.test")).await, all);
    assert_eq!(
        issuers(event("https://okta.test/oauth2/orders")).await,
        all[1..]
    );
    assert!(issuers(event("https://other.test")).await.is_empty());
    assert!(
        issuers(event("https://okta.test/oauth2/unknown"))
            .await
            .is_empty()
    );
}

#[test]
fn transmitter_without_a_concerned_issuer_is_a_wrong_setting() {
    let choose = |transmitter: Transmitter, known: &[&str], is_open| {
        let receiver = build(vec![transmitter.audience(EVENT_AUDIENCE)]).unwrap();
        let known: Vec<_> = known.iter().map(|issuer| target(issuer, &[])).collect();
        receiver.transmitters[0].choose_targets(&known, is_open)
    };
    let okta = || Transmitter::okta("https://okta.test");
    let realm = || Transmitter::new("https://keycloak.test/realms/a");
    let other = ["https://keycloak.test/realms/b"];
    assert!(choose(okta(), &other, false).is_err());
    assert!(choose(okta(), &other, true).is_err()); // nothing says which issuers it concerns
    assert!(choose(realm(), &other, false).is_err());
    assert!(choose(realm().for_issuers(["https://x.test"]), &other, false).is_err());
    assert!(choose(realm(), &other, true).is_ok());
    assert!(choose(realm().for_issuers(other), &other, false).is_ok());
    assert!(choose(okta().for_issuers(other), &other, false).is_ok());
}

#[test]
fn transmitter_with_a_wrong_setting_is_rejected() {
    let build_one = |transmitter: Transmitter| build(vec![transmitter]);
    let okta = || Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE);
    assert!(build_one(okta()).is_ok());
    for wrong in [
        Transmitter::okta("https://okta.test"),
        okta().audience(""),
        okta().authorization(""),
        okta().authorization(" padded "),
        okta().authorization("a\nb"),
        okta().verification_secret("too short"),
        okta().keys("{}"),
        okta().jwks_uri("keys"),
        okta().jwks_uri("http://okta.test/keys"),
        okta().jwks_uri("http://127.0.0.1/keys"),
    ] {
        assert!(build_one(wrong).is_err());
    }
    for issuer in [
        "",
        "okta.test",
        "http://okta.test",
        "https://okta.test/",
        "https://okta.test/oauth2/default",
        "https://okta.test?a=b",
        "https://okta.test/ö",
    ] {
        let transmitter = Transmitter::okta(issuer).audience(EVENT_AUDIENCE);
        assert!(build_one(transmitter).is_err(), "{issuer}");
    }
    let local = Transmitter::okta("http://127.0.0.1:8080").audience(EVENT_AUDIENCE);
    assert!(build_one(local).is_ok());
    assert!(build(vec![okta(), okta()]).is_err());
}

#[test]
fn transmitter_with_wrong_settings_of_verification_is_rejected() {
    use std::time::Duration;

    use crate::revocation::ManagementToken;

    let minute = Duration::from_secs(60);
    let token = || ManagementToken::fixed("management-token");
    let new = || Transmitter::new("https://sso.example.com").audience(EVENT_AUDIENCE);
    let complete = |it: Transmitter| {
        it.stream_id("stream-1")
            .verification_secret("0123456789abcdef0123456789abcdef")
    };
    let every = |interval| complete(new()).verify_every(interval, token());
    for wrong in [
        new().verify_every(minute, token()),
        new().stream_id("stream-1").verify_every(minute, token()),
        new()
            .verification_secret("0123456789abcdef0123456789abcdef")
            .verify_every(minute, token()),
        complete(new()).verify_every(minute, ManagementToken::fixed("")),
        complete(new()).verify_every(minute, ManagementToken::fixed("Bearer a")),
        every(Duration::from_secs(59)),
        every(Duration::from_secs(86_401)),
        every(Duration::MAX),
        every(minute).silent_after(Duration::from_secs(119)),
        every(minute).silent_after(Duration::MAX),
        every(minute).verification_endpoint("/verify"),
        every(minute).verification_endpoint("http://sso.example.com/verify"),
        every(minute).verification_endpoint("http://127.0.0.1/verify"),
        new().silent_after(10 * minute),
        new().verification_endpoint("https://sso.example.com/verify"),
    ] {
        let error = build(vec![wrong]).err();
        assert!(matches!(error, Some(ConfigError::Transmitter { .. })));
    }
    for right in [
        every(minute),
        every(1_440 * minute),
        every(minute).silent_after(2 * minute),
        every(minute).verification_endpoint("https://other.example.com/verify"),
    ] {
        assert!(build(vec![right]).is_ok());
    }
}
