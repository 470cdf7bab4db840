//! Okta's Universal Logout: which requests are genuine, and what they reject.

use okta_verifier::{
    Verifier,
    revocation::{Revocations, Signal, SubjectClaim, UniversalLogout},
};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, TestIssuer, TokenBuilder};
use serde_json::json;
use tokio::time::timeout;

use crate::support::mock_issuer::{AUDIENCE, result_code};

const ENDPOINT: &str = "https://api.acme.test/events/universal-logout";
const CLIENT: &str = "0oa1universal";

struct Fixture {
    okta: TestIssuer,
    verifier: Verifier,
    revocations: Revocations,
}

impl Fixture {
    fn new() -> Self {
        let okta = TestIssuer::new(AUDIENCE);
        let logout = UniversalLogout::okta(okta.org_url(), ENDPOINT, CLIENT).keys(okta.jwks());
        let revocations = Revocations::builder()
            .forgets_at_restart()
            .email_claim("email")
            .universal_logout(logout)
            .build()
            .unwrap();
        let verifier = Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .revocations(revocations.clone())
            .build()
            .unwrap();
        Self {
            okta,
            verifier,
            revocations,
        }
    }

    fn logout(&self) -> TokenBuilder {
        self.okta.universal_logout(ENDPOINT, CLIENT)
    }

    async fn send(&self, authorization: &[&str], body: &str) -> u16 {
        let authorization = authorization.iter().map(|it| it.as_bytes());
        let revocations = &self.revocations;
        let response = revocations.receive_universal_logout("POST", authorization, body.as_bytes());
        let response = response.await;
        let status = response.status().as_u16();
        assert!(response.body().is_empty());
        // RFC 9110 §11.6.1
        let challenge = response.headers().get("www-authenticate");
        assert_eq!(challenge.is_some_and(|it| it == "Bearer"), status == 401);
        status
    }

    async fn deliver(&self, jwt: &str, body: &str) -> u16 {
        self.send(&[&format!("Bearer {jwt}")], body).await
    }

    async fn code(&self, jwt: &str) -> &'static str {
        result_code(&self.verifier, jwt).await
    }

    /// Names the user of `token("ada").claim("uid", "00u1ada")`.
    fn ada(&self) -> String {
        let subject = json!({ "format": "iss_sub", "iss": self.okta.org_url(), "sub": "00u1ada" });
        json!({ "sub_id": subject }).to_string()
    }
}

// conformance 297, 309
#[tokio::test]
async fn universal_logout_with_another_token_is_rejected_with_401() {
    let fixture = Fixture::new();
    let ada = fixture.okta.token("ada").claim("uid", "00u1ada").sign();
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut rejected = vec![
        ada.clone(),
        String::new(),
        "a.b.c".to_owned(),
        fixture.okta.session_revoked("ada").sign(),
        fixture.logout().typ("JWT").sign(),
        fixture.logout().typ("secevent+jwt").sign(),
        fixture.logout().without_header("typ").sign(),
        fixture.logout().foreign_key().sign(),
        fixture.logout().unpublished_key().sign(),
    ];
    for (name, value) in [
        ("iss", json!("https://umbrella.okta.com")),
        ("iss", json!(fixture.okta.issuer_url())),
        ("aud", json!("https://api.acme.test/events")),
        ("aud", json!(format!("{ENDPOINT}?a=1"))),
        ("aud", json!(CLIENT)),
        ("exp", json!(now - 61)),
        ("exp", json!("never")),
        ("nbf", json!(now + 120)),
        ("nbf", json!("now")),
        ("iat", json!(now + 120)),
    ] {
        rejected.push(fixture.logout().claim(name, value).sign());
    }
    for claim in ["iss", "aud", "exp", "iat"] {
        rejected.push(fixture.logout().without(claim).sign());
    }
    for (place, jwt) in rejected.iter().enumerate() {
        assert_eq!(fixture.deliver(jwt, &fixture.ada()).await, 401, "{place}");
    }
    let jwt = fixture.logout().sign();
    let bearer = format!("Bearer {jwt}");
    for authorization in [
        &[][..],
        &[&*bearer, &*bearer],
        &[&jwt],
        &[&format!("Basic {jwt}")],
    ] {
        assert_eq!(fixture.send(authorization, &fixture.ada()).await, 401);
    }
    assert_eq!(fixture.code(&ada).await, "ok");
}

// conformance 297
#[tokio::test]
async fn universal_logout_for_another_client_is_rejected_with_403() {
    let fixture = Fixture::new();
    let ada = fixture.okta.token("ada").claim("uid", "00u1ada").sign();
    secret_scan::public("0oa2other");
    for jwt in [
        fixture.okta.universal_logout(ENDPOINT, "0oa2other").sign(),
        fixture.logout().without("sub").sign(),
        fixture.logout().claim("sub", [CLIENT]).sign(),
    ] {
        assert_eq!(fixture.deliver(&jwt, &fixture.ada()).await, 403);
    }
    assert_eq!(fixture.code(&ada).await, "ok");
}

// conformance 298
#[tokio::test]
async fn universal_logout_of_an_unknown_subject_is_rejected_with_400() {
    let fixture = Fixture::new();
    let ada = fixture.okta.token("ada").claim("uid", "00u1ada").sign();
    let jwt = fixture.logout().sign();
    for body in [
        "",
        "{}",
        "null",
        r#"{"sub_id":null}"#,
        r#"{"sub_id":"00u1ada"}"#,
        r#"{"sub_id":{"format":"email"}}"#,
        r#"{"sub_id":{"format":"phone_number","phone_number":"+1"}}"#,
        r#"{"sub_id":{"format":"opaque","id":"00u1ada"}}"#,
        r#"{"sub_id":{"format":"iss_sub","sub":"00u1ada"}}"#,
        r#"{"sub_id":{"format":"EMAIL","email":"ada@acme.test"}}"#,
        r#"{"sub_id":{"email":"ada@acme.test"}}"#,
        r#"{"sub_id":{"format":"email","email":"a"},"sub_id":{"format":"email","email":"b"}}"#,
    ] {
        assert_eq!(fixture.deliver(&jwt, body).await, 400, "{body}");
    }
    let large = "a".repeat(Revocations::MAX_EVENT + 1);
    assert_eq!(fixture.deliver(&jwt, &large).await, 413);
    let get = fixture
        .revocations
        .receive_universal_logout("GET", [], b"")
        .await;
    assert_eq!(get.status(), 405);
    assert_eq!(fixture.code(&ada).await, "ok");
}

// conformance 298
#[tokio::test]
async fn universal_logout_rejects_the_tokens_of_the_user() {
    let fixture = Fixture::new();
    let token = |user: &str| fixture.okta.token(user);
    let ada = token("ada").claim("uid", "00u1ada").sign();
    let bob = token("bob").claim("email", "bob@acme.test").sign();
    let jwt = fixture.logout().sign();
    // Nobody is told whether there is such a user.
    let nobody = r#"{"sub_id":{"format":"email","email":"nobody@acme.test"}}"#;
    assert_eq!(fixture.deliver(&jwt, nobody).await, 204);
    let other = r#"{"sub_id":{"format":"iss_sub","iss":"https://umbrella.test","sub":"00u1ada"}}"#;
    // The org must know that nothing happens.
    assert_eq!(fixture.deliver(&jwt, other).await, 400);
    assert_eq!(fixture.code(&ada).await, "ok");

    assert_eq!(fixture.deliver(&jwt, &fixture.ada()).await, 204);
    assert_eq!(fixture.code(&ada).await, "revoked");
    assert_eq!(fixture.code(&bob).await, "ok");
    let of_bob = r#"{"sub_id":{"format":"email","email":"bob@acme.test"}}"#;
    assert_eq!(
        fixture.send(&[&format!("bearer  {jwt}")], of_bob).await,
        204
    );
    assert_eq!(fixture.code(&bob).await, "revoked");
    // A token that is issued later is accepted.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let later = token("ada")
        .claim("uid", "00u1ada")
        .claim("iat", now.unwrap().as_secs() + 20);
    assert_eq!(fixture.code(&later.sign()).await, "ok");
}

#[tokio::test]
async fn universal_logout_by_email_without_the_claim_is_rejected_with_400() {
    let okta = TestIssuer::new(AUDIENCE);
    let logout = UniversalLogout::okta(okta.org_url(), ENDPOINT, CLIENT).keys(okta.jwks());
    let builder = Revocations::builder().forgets_at_restart();
    let revocations = builder.universal_logout(logout).build().unwrap();
    let issuer = okta.issuer().any_client_id();
    let builder = Verifier::builder().issuer(issuer);
    let _verifier = builder.revocations(revocations.clone()).build().unwrap();
    let bearer = format!("Bearer {}", okta.universal_logout(ENDPOINT, CLIENT).sign());
    let body = br#"{"sub_id":{"format":"email","email":"ada@acme.test"}}"#;
    let response = revocations
        .receive_universal_logout("POST", [bearer.as_bytes()], body)
        .await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn universal_logout_is_not_an_access_token_nor_an_event() {
    let fixture = Fixture::new();
    let jwt = fixture.logout().claim("aud", AUDIENCE).sign();
    assert_ne!(fixture.code(&jwt).await, "ok");
    let event = fixture
        .revocations
        .receive_event("POST", [], jwt.as_bytes())
        .await;
    assert_eq!(event.status(), 400);
}

/// Sends a request with this token to a service that fetches the keys of the org.
async fn send_to(okta: &MockOkta, revocations: &Revocations, token: TokenBuilder) -> u16 {
    let bearer = format!("Bearer {}", token.sign());
    let subject = json!({ "format": "iss_sub", "iss": okta.org_url(), "sub": "00u1ada" });
    let body = json!({ "sub_id": subject }).to_string();
    let authorization = [bearer.as_bytes()];
    let response = revocations.receive_universal_logout("POST", authorization, body.as_bytes());
    response.await.status().as_u16()
}

async fn service() -> (MockOkta, Verifier, Revocations) {
    let okta = MockOkta::start().await;
    let logout = UniversalLogout::okta(okta.org_url(), ENDPOINT, CLIENT);
    let builder = Revocations::builder().forgets_at_restart();
    let revocations = builder.universal_logout(logout).build().unwrap();
    let issuer = okta.issuer("api://default").any_client_id();
    let builder = Verifier::builder().issuer(issuer);
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    (okta, verifier, revocations)
}

// conformance 299
#[tokio::test]
async fn universal_logout_is_503_while_the_keys_cannot_be_fetched() {
    let (okta, _verifier, revocations) = service().await;
    okta.fault(Endpoint::OrgKeys, Fault::Status(500));
    let logout = okta.universal_logout(ENDPOINT, CLIENT);
    assert_eq!(send_to(&okta, &revocations, logout).await, 503);
}

// conformance 299
#[tokio::test]
async fn universal_logout_that_is_not_acceptable_fetches_no_key() {
    let (okta, _verifier, revocations) = service().await;
    let logout = || okta.universal_logout(ENDPOINT, CLIENT);
    assert_eq!(send_to(&okta, &revocations, logout()).await, 204);
    let fetched = okta.received(Endpoint::OrgKeys).len();
    let expired = logout().unpublished_key().claim("exp", 1);
    assert_eq!(send_to(&okta, &revocations, expired).await, 401);
    assert_eq!(okta.received(Endpoint::OrgKeys).len(), fetched);
    assert_eq!(
        send_to(&okta, &revocations, logout().unpublished_key()).await,
        401
    );
    assert_eq!(okta.received(Endpoint::OrgKeys).len(), fetched + 1);
}

// conformance 308
#[tokio::test]
async fn universal_logout_body_is_read_only_after_the_token_was_verified() {
    let fixture = Fixture::new();
    let receive = async |method: &str, jwt: String| {
        let bearer = format!("Bearer {jwt}");
        let headers = [("Authorization", bearer.as_bytes())];
        let never = |_| std::future::pending::<Vec<u8>>();
        let response =
            (fixture.revocations).receive(Signal::UniversalLogout, method, headers, never);
        let response = timeout(std::time::Duration::from_secs(1), response).await;
        response.map_or(0, |response| response.status().as_u16())
    };
    assert_eq!(receive("GET", fixture.logout().sign()).await, 405);
    assert_eq!(
        receive("POST", fixture.logout().foreign_key().sign()).await,
        401
    );
    assert_eq!(
        receive("POST", fixture.logout().claim("exp", 1).sign()).await,
        401
    );
    secret_scan::public("0oa2other");
    let other = fixture.logout().claim("sub", "0oa2other").sign();
    assert_eq!(receive("POST", other).await, 403);
    assert_eq!(
        receive("POST", fixture.logout().sign()).await,
        0,
        "the body is awaited"
    );
}

const OTHER_ENDPOINT: &str = "https://api.acme.test/other/universal-logout";
const OTHER_CLIENT: &str = "0oa2universal";

/// Returns a verifier with two apps of one org, the second of which concerns no user of the first.
fn two_apps(okta: &TestIssuer, other: (&str, &str)) -> (Verifier, Revocations) {
    let app = |(endpoint, client): (&str, &str)| {
        UniversalLogout::okta(okta.org_url(), endpoint, client).keys(okta.jwks())
    };
    let revocations = Revocations::builder()
        .forgets_at_restart()
        .universal_logout(app((ENDPOINT, CLIENT)))
        .universal_logout(app(other).subject_claim(SubjectClaim::Subject))
        .build()
        .unwrap();
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    (verifier, revocations)
}

// conformance 310
#[tokio::test]
async fn universal_logouts_of_one_org_are_told_apart_by_endpoint_or_client() {
    let okta = TestIssuer::new(AUDIENCE);
    secret_scan::public(OTHER_CLIENT);
    let (uid, sub) = (
        okta.token("ada").claim("uid", "00u1ada").sign(),
        okta.token("00u1ada").claim("uid", "00u2bob").sign(),
    );
    let subject = json!({ "format": "iss_sub", "iss": okta.org_url(), "sub": "00u1ada" });
    let body = json!({ "sub_id": subject }).to_string();
    let send = async |revocations: &Revocations, jwt: TokenBuilder| {
        let bearer = format!("Bearer {}", jwt.sign());
        let response =
            revocations.receive_universal_logout("POST", [bearer.as_bytes()], body.as_bytes());
        response.await.status().as_u16()
    };
    for other in [
        (OTHER_ENDPOINT, OTHER_CLIENT),
        (OTHER_ENDPOINT, CLIENT),
        (ENDPOINT, OTHER_CLIENT),
    ] {
        let (verifier, revocations) = two_apps(&okta, other);
        // What is for none of them, or is made of both, is rejected.
        let mut rejected = vec![
            (okta.universal_logout(ENDPOINT, "0oa3other"), 403),
            (
                okta.universal_logout("https://api.acme.test/none", CLIENT),
                401,
            ),
            (okta.universal_logout(ENDPOINT, CLIENT).foreign_key(), 401),
        ];
        if other == (OTHER_ENDPOINT, OTHER_CLIENT) {
            rejected.push((okta.universal_logout(ENDPOINT, OTHER_CLIENT), 403));
            rejected.push((okta.universal_logout(OTHER_ENDPOINT, CLIENT), 403));
        }
        secret_scan::public("0oa3other");
        for (jwt, status) in rejected {
            assert_eq!(send(&revocations, jwt).await, status);
        }
        for jwt in [&uid, &sub] {
            assert_eq!(result_code(&verifier, jwt).await, "ok");
        }
        assert_eq!(
            send(&revocations, okta.universal_logout(other.0, other.1)).await,
            204
        );
        assert_eq!(result_code(&verifier, &uid).await, "ok", "{other:?}");
        assert_eq!(result_code(&verifier, &sub).await, "revoked", "{other:?}");
        assert_eq!(
            send(&revocations, okta.universal_logout(ENDPOINT, CLIENT)).await,
            204
        );
        assert_eq!(result_code(&verifier, &uid).await, "revoked", "{other:?}");
        // They are one sender for counters.
        let states = revocations.transmitters();
        assert_eq!(states.len(), 1);
        assert_eq!(states[0].applied, [("universal_logout", 2)]);
        let rejections = states[0]
            .rejected
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>();
        assert_eq!(
            rejections,
            if other.0 != ENDPOINT && other.1 != CLIENT {
                5
            } else {
                3
            }
        );
    }
}

// conformance 310
#[test]
fn universal_logouts_that_cannot_be_told_apart_are_rejected() {
    let org = "https://acme.okta.com";
    let build = |apps: &[UniversalLogout]| {
        let builder = Revocations::builder().forgets_at_restart();
        let builder = apps
            .iter()
            .cloned()
            .fold(builder, |it, app| it.universal_logout(app));
        builder.build().map_err(|error| error.to_string())
    };
    let app = |endpoint, client| UniversalLogout::okta(org, endpoint, client);
    let error = build(&[app(ENDPOINT, CLIENT), app(ENDPOINT, CLIENT)]).unwrap_err();
    assert!(
        error.contains("told apart") && error.contains(org),
        "{error}"
    );
    for endpoint in [
        "",
        "/events/universal-logout",
        "https://api.acme.test/logout?app=2",
        "https://api.acme.test/logout?",
        "https://api.acme.test/logout#app",
        "https://api.acme.test/log out",
    ] {
        let error = build(&[app(endpoint, CLIENT)]).unwrap_err();
        assert!(error.contains("endpoint") || endpoint.is_empty(), "{error}");
    }
    let other_org = UniversalLogout::okta("https://umbrella.okta.com", ENDPOINT, CLIENT);
    assert!(build(&[app(ENDPOINT, CLIENT), other_org]).is_ok());
}
