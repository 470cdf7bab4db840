//! Logout tokens of an OpenID provider (OpenID Connect Back-Channel Logout 1.0).

use std::time::{SystemTime, UNIX_EPOCH};

use okta_verifier::{
    Verifier,
    revocation::{BackChannelLogout, Revocations, Signal},
};
use okta_verifier_testing::{EventBuilder, MockOkta, TestIssuer};
use serde_json::json;

use crate::support::mock_issuer::{AUDIENCE, result_code};

const CLIENT: &str = "the-web-shop-of-acme";
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

struct Fixture {
    realm: TestIssuer,
    verifier: Verifier,
    revocations: Revocations,
}

impl Fixture {
    fn new() -> Self {
        secret_scan::public(CLIENT);
        let realm = TestIssuer::keycloak(AUDIENCE);
        let logout = BackChannelLogout::new(realm.issuer_url(), CLIENT);
        let revocations = Revocations::builder()
            .forgets_at_restart()
            .session_claim("sid")
            .back_channel_logout(logout)
            .build()
            .unwrap();
        let verifier = Verifier::builder()
            .issuer(realm.issuer().any_client_id())
            .revocations(revocations.clone())
            .build()
            .unwrap();
        Self {
            realm,
            verifier,
            revocations,
        }
    }

    fn logout(&self) -> EventBuilder {
        self.realm.logout_token("ada", CLIENT, "session-1")
    }

    async fn send(&self, form: &str) -> u16 {
        let response = self.revocations.receive_logout("POST", form.as_bytes());
        let response = response.await;
        assert!(response.body().is_empty());
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.status().as_u16()
    }

    async fn deliver(&self, logout: EventBuilder) -> u16 {
        self.send(&format!("logout_token={}", logout.sign())).await
    }

    fn token(&self, user: &str, sid: &str) -> String {
        self.realm.token(user).claim("sid", sid).sign()
    }

    async fn code(&self, user: &str, sid: &str) -> &'static str {
        result_code(&self.verifier, &self.token(user, sid)).await
    }
}

fn unix_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

// conformance 290
#[tokio::test]
async fn logout_token_that_is_not_genuine_is_rejected() {
    let fixture = Fixture::new();
    let logout = || fixture.logout();
    let now = unix_now();
    for (name, forged) in [
        ("foreign key", logout().foreign_key()),
        ("unpublished key", logout().unpublished_key()),
        ("unsigned", logout().with_token(|it| it.unsigned())),
        ("hmac", logout().with_token(|it| it.hmac_with_public_key())),
        ("event", logout().typ("secevent+jwt")),
        ("access token", logout().typ("at+jwt")),
        ("issuer", logout().claim("iss", "https://other.test")),
        ("no issuer", logout().without("iss")),
        ("audience", logout().audience("other")),
        ("no audience", logout().without("aud")),
        ("expired", logout().claim("exp", now - 120)),
        ("no exp", logout().without("exp")),
        ("future", logout().claim("iat", now + 120)),
        ("no iat", logout().without("iat")),
        ("no jti", logout().without("jti")),
        ("nonce", logout().claim("nonce", "n")),
        ("null nonce", logout().claim("nonce", json!(null))),
        ("no events", logout().without("events")),
        (
            "other event",
            logout().claim("events", json!({"urn:a": {}})),
        ),
        ("text", logout().claim("events", json!({LOGOUT: "x"}))),
        ("nobody", logout().without("sub").without("sid")),
        ("empty", logout().claim("sub", "").claim("sid", "")),
    ] {
        assert_eq!(fixture.deliver(forged).await, 400, "{name}");
    }
    assert_eq!(fixture.code("ada", "session-1").await, "ok");
}

#[tokio::test]
async fn logout_form_without_exactly_one_token_is_rejected() {
    let fixture = Fixture::new();
    let token = fixture.logout().sign();
    for form in [
        String::new(),
        token.clone(),
        format!("token={token}"),
        format!("logout_token={token}&logout_token={token}"),
        "logout_token=".to_owned(),
        "logout_token=a.b.c".to_owned(),
    ] {
        assert_eq!(fixture.send(&form).await, 400);
    }
    let large = format!("logout_token={}", "a".repeat(Revocations::MAX_EVENT));
    assert_eq!(fixture.send(&large).await, 413);
    let response = fixture.revocations.receive_logout("GET", b"").await;
    assert_eq!(response.status(), 405);
    // Access tokens and ID tokens are none.
    let token = || fixture.realm.token("ada");
    for token in [token().sign(), token().id_token().sign()] {
        assert_eq!(fixture.send(&format!("logout_token={token}")).await, 400);
    }
    assert_eq!(fixture.code("ada", "session-1").await, "ok");
}

#[tokio::test]
async fn logout_token_is_neither_an_event_nor_an_access_token() {
    let fixture = Fixture::new();
    for logout in [
        fixture.logout(),
        fixture.logout().with_token(|it| it.without_header("typ")),
    ] {
        let logout = logout.claim("aud", [CLIENT, AUDIENCE]).sign();
        assert_ne!(result_code(&fixture.verifier, &logout).await, "ok");
        let response = fixture
            .revocations
            .receive_event("POST", [], logout.as_bytes());
        assert_eq!(response.await.status(), 400);
    }
}

// conformance 290
#[tokio::test]
async fn logout_rejects_the_tokens_of_the_session() {
    let fixture = Fixture::new();
    assert!(fixture.revocations.receives(Signal::BackChannelLogout));
    for _ in 0..2 {
        assert_eq!(fixture.deliver(fixture.logout()).await, 200);
    }
    assert_eq!(fixture.code("ada", "session-1").await, "revoked");
    assert_eq!(fixture.code("ada", "session-2").await, "ok");
    assert_eq!(fixture.code("bob", "session-3").await, "ok");
    let state = fixture.revocations.transmitters().remove(0);
    assert_eq!(state.signal, Signal::BackChannelLogout);
    assert_eq!(state.applied, [("logout", 2)]);
}

// conformance 290
#[tokio::test]
async fn logout_without_a_session_rejects_the_tokens_of_the_user() {
    let fixture = Fixture::new();
    let tokens = ["session-1", "session-2"].map(|sid| fixture.token("ada", sid));
    for typ in ["JWT", "application/logout+jwt"] {
        let logout = fixture.logout().without("sid").typ(typ);
        assert_eq!(fixture.deliver(logout).await, 200);
    }
    for token in tokens {
        assert_eq!(result_code(&fixture.verifier, &token).await, "revoked");
    }
    assert_eq!(fixture.code("bob", "session-3").await, "ok");
}

#[tokio::test]
async fn logout_while_the_keys_are_unavailable_is_503() {
    let okta = MockOkta::start().await;
    let logout = BackChannelLogout::new(okta.issuer_url(), CLIENT);
    let builder = Revocations::builder().forgets_at_restart();
    let revocations = builder.back_channel_logout(logout).build().unwrap();
    let builder = Verifier::builder().issuer(okta.issuer(AUDIENCE).any_client_id());
    let _verifier = builder.revocations(revocations.clone()).build().unwrap();
    okta.fault(
        okta_verifier_testing::Endpoint::Keys,
        okta_verifier_testing::Fault::Status(500),
    );
    let realm = TestIssuer::new(AUDIENCE).at(okta.issuer_url());
    let form = format!(
        "logout_token={}",
        realm.logout_token("ada", CLIENT, "s").sign()
    );
    let response = revocations.receive_logout("POST", form.as_bytes()).await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
}
