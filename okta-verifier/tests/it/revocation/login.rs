//! Rules about users that are compared with the time of the login (RFC 9470).

use std::time::Duration;

use okta_verifier::revocation::Measure;

use super::*;

const DAY: u64 = 24 * 60 * 60;

fn by_login(okta: &TestIssuer) -> (Verifier, Revocations) {
    let measure = Measure::AuthTime {
        longest_login: Duration::from_secs(30 * DAY),
    };
    let revocations = Revocations::builder().measure(measure).forgets_at_restart();
    let revocations = revocations.build().unwrap();
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    (verifier, revocations)
}

async fn challenge(verifier: &Verifier, jwt: &str) -> String {
    let rejection = send(verifier, jwt).await.unwrap_err();
    assert_eq!(
        (rejection.status().as_u16(), rejection.code()),
        (401, "revoked")
    );
    let headers = rejection.headers();
    let challenges: Vec<_> = headers
        .filter(|(name, _)| name == "www-authenticate")
        .map(|(_, value)| value.to_str().unwrap().to_owned())
        .collect();
    challenges.join(", ")
}

// conformance 289
#[tokio::test]
async fn login_before_the_rule_is_rejected_with_a_challenge_for_a_new_login() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = by_login(&okta);
    let token = |auth_time| {
        okta.token("ada")
            .claim("auth_time", auth_time)
            .issued_at(unix() + 30)
            .sign()
    };
    let refreshed = token(unix() - 7_200);
    assert_eq!(code(&verifier, &refreshed).await, "ok");
    let before = UNIX_EPOCH + Duration::from_secs(unix() - 100);
    revocations
        .revoke(ada(okta.issuer_url()).before(before))
        .await
        .unwrap();
    for _ in 0..2 {
        let challenge = challenge(&verifier, &refreshed).await;
        assert!(
            challenge.contains(r#"error="insufficient_user_authentication""#),
            "{challenge}"
        );
        let max_age = ["100", "101", "102"].map(|age| format!("max_age={age}"));
        assert!(
            max_age
                .iter()
                .any(|it| challenge.replace('"', "").contains(it)),
            "{challenge}"
        );
    }
    // A new login is accepted, and a token that does not show its login is not.
    assert_eq!(code(&verifier, &token(unix() - 50)).await, "ok");
    let unknown = okta
        .token("ada")
        .without("auth_time")
        .issued_at(unix() + 30)
        .sign();
    assert_eq!(code(&verifier, &unknown).await, "revoked");
    let bob = okta.token("bob").without("auth_time").sign();
    assert_eq!(code(&verifier, &bob).await, "ok");
}

#[tokio::test]
async fn login_longer_ago_than_the_longest_login_is_rejected() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, _revocations) = by_login(&okta);
    let token = |age: u64| okta.token("ada").claim("auth_time", unix() - age).sign();
    assert_eq!(code(&verifier, &token(30 * DAY)).await, "ok");
    let challenge = challenge(&verifier, &token(30 * DAY + 62)).await;
    assert!(
        challenge.contains("insufficient_user_authentication"),
        "{challenge}"
    );
    assert!(challenge.contains("2592000"), "{challenge}");
}

#[tokio::test]
async fn login_of_a_service_is_not_measured() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = by_login(&okta);
    let service = |iat| {
        okta.token("")
            .client_id("0oa2job")
            .service()
            .issued_at(iat)
            .sign()
    };
    let rule = Rule::client(okta.issuer_url(), "0oa2job");
    revocations.revoke(rule).await.unwrap();
    let rejection = send(&verifier, &service(unix() - 60)).await.unwrap_err();
    let invalid = rejection
        .headers()
        .any(|(_, value)| value.to_str().unwrap().contains("invalid_token"));
    assert!(invalid && rejection.code() == "revoked");
    assert_eq!(code(&verifier, &service(unix() + 30)).await, "ok");
}
