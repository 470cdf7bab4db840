//! Events that are rejected.

use base64::Engine;

use super::*;

async fn rejected(fixture: &Fixture, event: EventBuilder) -> EventResponse {
    let response = fixture.deliver(&event.sign()).await.err();
    response.expect("the event is rejected")
}

#[tokio::test]
async fn event_with_a_wrong_signature_is_rejected() {
    let fixture = Fixture::okta();
    let event = || fixture.issuer.session_revoked("ada");
    for forged in [
        event().foreign_key(),
        event().unpublished_key(),
        event().with_token(|it| it.unsigned()),
        event().with_token(|it| it.hmac_with_public_key()),
        event().with_token(|it| it.without_header("kid")),
        event().with_token(|it| it.edit_signature(|_| Vec::new())),
        event().with_token(|it| it.edit_signature(|_| vec![7; 5_000])),
    ] {
        assert_eq!(rejected(&fixture, forged).await, EventResponse::InvalidKey);
    }
    let state = fixture.receiver.states().remove(0);
    assert_eq!(state.rejected, [("invalid_key", 7)]);
    assert_eq!(state.last_received, None);
}

// conformance 300
#[tokio::test]
async fn event_signed_with_an_algorithm_that_the_settings_exclude_is_rejected() {
    // The issuer of the tests has the algorithm as a type of another build of this crate.
    let all = ["RS256", "PS256", "ES256", "EdDSA"].map(|name| name.parse().unwrap());
    for (allowed, others) in [("RS256", ["ES256", "PS256"]), ("EdDSA", ["RS256", "ES256"])] {
        let issuer = TestIssuer::new("api://orders").algorithms(all);
        let only = [allowed.parse().unwrap()];
        let fixture = Fixture::new(issuer, |it| it.algorithms(only));
        let event = |name: &str| {
            let event = fixture.issuer.session_revoked("ada");
            event.with_token(|it| it.algorithm(name.parse().unwrap()))
        };
        for other in others {
            let response = rejected(&fixture, event(other)).await;
            assert_eq!(response, EventResponse::InvalidKey, "{other}");
        }
        assert_eq!(fixture.rules(event(allowed)).await.len(), 1, "{allowed}");
    }
}

// conformance 300
#[test]
fn event_keys_that_are_weak_or_symmetric_are_rejected() {
    let rsa = |bytes: usize| {
        let modulus = crate::token::BASE64URL.encode(vec![0xb7; bytes]);
        json!({"kty": "RSA", "kid": "k1", "alg": "RS256", "n": modulus, "e": "AQAB"})
    };
    let secret = json!({"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0"});
    for (key, is_usable) in [(rsa(128), false), (secret, false), (rsa(256), true)] {
        let jwks = json!({ "keys": [key] }).to_string();
        let transmitter = Transmitter::new("https://sso.example.com").audience(EVENT_AUDIENCE);
        let transmitter = transmitter.keys(jwks);
        let receiver = build(vec![transmitter]);
        assert_eq!(receiver.is_ok(), is_usable);
    }
}

#[tokio::test]
async fn event_that_is_not_an_event_token_is_rejected() {
    let fixture = Fixture::okta();
    let long = "a".repeat(1_000);
    for body in ["", "{}", "a.b", "a.b.c", "a.b.c.d.e", "\u{0}", &long] {
        let response = fixture.deliver(body).await.err();
        assert_eq!(response, Some(EventResponse::InvalidRequest), "{body}");
    }
    let event = fixture.issuer.session_revoked("ada");
    let critical = event.with_token(|it| it.header("crit", ["exp"]));
    assert_eq!(
        rejected(&fixture, critical).await,
        EventResponse::InvalidRequest
    );
}

// conformance 214, 215
#[tokio::test]
async fn event_typ_of_another_token_is_rejected() {
    let fixture = Fixture::okta();
    let event = || fixture.issuer.session_revoked("ada");
    for typ in [
        "JWT",
        "at+jwt",
        "logout+jwt",
        "secevent",
        "application/logout+jwt",
        "secevent+jwt ",
    ] {
        let response = rejected(&fixture, event().typ(typ)).await;
        assert_eq!(response, EventResponse::InvalidRequest, "{typ}");
    }
    let untyped = event().with_token(|it| it.without_header("typ"));
    assert_eq!(
        rejected(&fixture, untyped).await,
        EventResponse::InvalidRequest
    );
    let token = || fixture.issuer.token("ada");
    for token in [token().sign(), token().id_token().sign()] {
        let response = fixture.deliver(&token).await.err();
        assert_eq!(response, Some(EventResponse::InvalidRequest));
    }
    for typ in ["secevent+jwt", "SecEvent+JWT", "application/secevent+jwt"] {
        assert_eq!(fixture.rules(event().typ(typ)).await.len(), 1, "{typ}");
    }
}

// conformance 212
#[tokio::test]
async fn event_of_another_issuer_is_rejected() {
    let fixture = Fixture::okta();
    let event = || fixture.issuer.session_revoked("ada");
    for iss in [
        "https://okta.test/",
        "https://OKTA.test",
        "https://okta.test/oauth2/default",
        "",
    ] {
        let response = rejected(&fixture, event().claim("iss", iss)).await;
        assert_eq!(response, EventResponse::InvalidIssuer, "{iss}");
    }
    for odd in [
        event().without("iss"),
        event().claim("iss", ["https://okta.test"]),
    ] {
        assert_eq!(rejected(&fixture, odd).await, EventResponse::InvalidIssuer);
    }
}

// conformance 212
#[tokio::test]
async fn event_for_another_audience_is_rejected() {
    let fixture = Fixture::okta();
    let event = || fixture.issuer.session_revoked("ada");
    for odd in [
        event().audience("https://other.test"),
        event().audience(""),
        event().without("aud"),
        event().claim("aud", json!([])),
        event().claim("aud", json!([7])),
        event().claim(
            "aud",
            json!(["https://other.test", "https://receiver.test/"]),
        ),
    ] {
        assert_eq!(
            rejected(&fixture, odd).await,
            EventResponse::InvalidAudience
        );
    }
    let several = event().claim("aud", ["https://other.test", EVENT_AUDIENCE]);
    assert_eq!(fixture.rules(several).await.len(), 1);
}

#[tokio::test]
async fn event_time_in_the_future_or_expired_is_rejected_and_any_past_is_accepted() {
    let fixture = Fixture::okta();
    let now = Now::read().unix;
    let event = || fixture.issuer.session_revoked("ada");
    for odd in [
        event().claim("iat", now + 120),
        event().claim("iat", (now + 120) * 1_000),
        event().claim("exp", now - 120),
        event().claim("exp", (now - 120) * 1_000),
        event().without("iat").without_member("event_timestamp"),
        event().claim("iat", "now").member("event_timestamp", "now"),
    ] {
        assert_eq!(rejected(&fixture, odd).await, EventResponse::InvalidToken);
    }
    for odd in [
        event().claim("iat", now + 30),
        event().claim("iat", 1),
        event().claim("exp", now + 30),
        event().claim("exp", "never"),
        event().claim("nbf", now + 1_000),
        event().without("iat"),
        event().without_member("event_timestamp"),
        event().without("jti"),
        event().claim("sub", "ada"),
    ] {
        assert_eq!(fixture.rules(odd).await.len(), 1);
    }
}

// conformance 213
#[tokio::test]
async fn event_token_without_an_object_of_events_is_rejected() {
    let fixture = Fixture::okta();
    let event = || fixture.issuer.session_revoked("ada");
    for odd in [
        event().without("events"),
        event().claim("events", json!(null)),
        event().claim("events", json!([])),
        event().claim("events", "session-revoked"),
    ] {
        assert_eq!(rejected(&fixture, odd).await, EventResponse::InvalidToken);
    }
    let empty = event().claim("events", json!({}));
    assert!(fixture.rules(empty).await.is_empty());
    fixture.assert_ignored("unknown", "no_event");
}

// conformance 218
#[tokio::test]
async fn event_secret_is_checked_before_anything_of_the_event() {
    let fixture = Fixture::new(TestIssuer::new("api://orders"), |it| {
        it.authorization("Bearer old-secret")
            .authorization("Bearer new-secret")
    });
    let event = fixture.issuer.session_revoked("ada").sign();
    let large = vec![b'a'; MAX_EVENT + 1];
    let wrong: [&[&[u8]]; 7] = [
        &[],
        &[b""],
        &[b"Bearer"],
        &[b"Bearer old-secre"],
        &[b"bearer old-secret"],
        &[b"Bearer old-secret", b"Bearer old-secret"],
        &[b"Bearer \xff"],
    ];
    for values in wrong {
        for body in [event.as_bytes(), b"", b"a.b.c", &large] {
            let values = values.iter().copied();
            let response = fixture.receiver.receive("POST", values, body).await.err();
            assert_eq!(response, Some(EventResponse::AuthenticationFailed));
        }
    }
    for secret in [
        "Bearer old-secret",
        "Bearer new-secret",
        " Bearer new-secret ",
    ] {
        let values = [secret.as_bytes()];
        let delivery = fixture
            .receiver
            .receive("POST", values, event.as_bytes())
            .await;
        assert_eq!(delivery.ok().unwrap().rules.len(), 1);
    }
}

#[tokio::test]
async fn event_request_of_another_method_or_size_is_rejected() {
    let fixture = Fixture::okta();
    for method in ["GET", "PUT", "HEAD", "post", ""] {
        let response = fixture.receiver.receive(method, [], b"").await.err();
        assert_eq!(response, Some(EventResponse::MethodNotAllowed));
    }
    let large = vec![b'a'; MAX_EVENT + 1];
    let response = fixture.receiver.receive("POST", [], &large).await.err();
    assert_eq!(response, Some(EventResponse::TooLarge));
    let event = fixture.issuer.session_revoked("ada");
    let event = event.member("reason", "r".repeat(40_000)).sign();
    assert!(event.len() < MAX_EVENT);
    assert_eq!(fixture.deliver(&event).await.unwrap().len(), 1);
    let padded = format!("\r\n{}\n", fixture.issuer.session_revoked("ada").sign());
    assert_eq!(fixture.deliver(&padded).await.unwrap().len(), 1);
}

#[tokio::test]
async fn event_before_a_verifier_uses_the_receiver_is_repeated_later() {
    let issuer = TestIssuer::new("api://orders");
    let transmitter = Transmitter::okta(issuer.org_url()).audience(EVENT_AUDIENCE);
    let receiver = build(vec![transmitter.keys(issuer.jwks())]).unwrap();
    let event = issuer.session_revoked("ada").sign();
    let response = receiver.receive("POST", [], event.as_bytes()).await.err();
    assert!(matches!(response, Some(EventResponse::Unavailable { .. })));
}

#[tokio::test]
async fn event_of_one_transmitter_is_not_verified_by_the_keys_of_another() {
    let okta = TestIssuer::new("api://orders");
    let keycloak = TestIssuer::keycloak("orders");
    let first = Transmitter::okta(okta.org_url()).keys(okta.jwks());
    let second = Transmitter::new(keycloak.issuer_url()).keys(keycloak.jwks());
    let secret = "Bearer okta-secret";
    let receiver = receiver(
        vec![
            first.audience(EVENT_AUDIENCE).authorization(secret),
            second.audience(EVENT_AUDIENCE),
        ],
        &[okta.issuer_url(), keycloak.issuer_url()],
    );
    let deliver = async |secret: &'static str, event: EventBuilder| {
        let event = event.sign();
        let values = [secret.as_bytes()];
        let delivery = receiver.receive("POST", values, event.as_bytes()).await;
        delivery.map(|it| it.rules.len())
    };
    let invalid = Err(EventResponse::InvalidKey);
    assert_eq!(deliver(secret, okta.session_revoked("ada")).await, Ok(1));
    assert_eq!(
        deliver(secret, keycloak.session_revoked("ada")).await,
        Ok(1)
    );
    let other = okta
        .session_revoked("ada")
        .claim("iss", keycloak.issuer_url());
    assert_eq!(deliver(secret, other).await, invalid);
    let unknown = okta
        .session_revoked("ada")
        .claim("iss", "https://other.test");
    assert_eq!(deliver(secret, unknown).await, invalid);
    // Without the secret, only the second transmitter can have sent the event.
    assert_eq!(deliver("", keycloak.session_revoked("ada")).await, Ok(1));
    assert_eq!(deliver("", okta.session_revoked("ada")).await, invalid);
}
