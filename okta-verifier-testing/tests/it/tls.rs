//! `MockOkta` over https.

use okta_verifier::Verifier;
use okta_verifier_testing::{Certificate, MockOkta};

#[tokio::test]
async fn tls_server_is_trusted_through_its_authority_only() {
    let (authority, server) = Certificate::with_authority(["localhost", "127.0.0.1"]);
    let (other, _) = Certificate::with_authority(["localhost", "127.0.0.1"]);
    let okta = MockOkta::builder().tls(server).start().await.unwrap();
    assert!(okta.issuer_url().starts_with("https://127.0.0.1:"));
    let verifier = |pem: &str| {
        let issuer = okta.issuer("api://default").any_client_id();
        Verifier::builder()
            .ca_certificates(pem)
            .issuer(issuer)
            .build()
            .unwrap()
    };
    let jwt = okta.token("ada").sign();
    assert_eq!(
        verifier(&other).verify(&jwt).await.unwrap_err().code(),
        "unavailable"
    );
    assert_eq!(okta.hits().discovery, 0);
    assert_eq!(
        verifier(&authority).verify(&jwt).await.unwrap().subject(),
        "ada"
    );
}

#[tokio::test]
async fn tls_certificate_for_another_host_is_rejected() {
    let (authority, server) = Certificate::with_authority(["mock.test"]);
    let okta = MockOkta::builder().tls(server).start().await.unwrap();
    let issuer = okta.issuer("api://default").any_client_id();
    let verifier = Verifier::builder()
        .ca_certificates(authority)
        .issuer(issuer)
        .build()
        .unwrap();
    let jwt = okta.token("ada").sign();
    assert_eq!(
        verifier.verify(&jwt).await.unwrap_err().code(),
        "unavailable"
    );
}

#[tokio::test]
async fn issuer_with_another_path_is_served_there() {
    let okta = MockOkta::builder()
        .issuer_url("https://mock.test/oauth2/other")
        .start()
        .await
        .unwrap();
    let path = "/oauth2/other/.well-known/openid-configuration";
    let reply = crate::http::get_at(okta.address(), path).await;
    assert_eq!(
        reply.json()["jwks_uri"],
        "https://mock.test/oauth2/other/v1/keys"
    );
    let none = crate::http::get_at(okta.address(), crate::http::OPENID).await;
    assert_eq!(none.status, 404);
}

#[test]
#[should_panic(expected = "a server needs at least one name")]
fn certificate_authority_without_a_name_panics() {
    let _ = Certificate::with_authority([""; 0]);
}
