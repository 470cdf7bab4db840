//! `cnf` in introspection responses (RFC 9449 §6.2, RFC 8705 §3.2).

use std::time::Duration;

use okta_verifier::{
    Verifier,
    adapter::RequestCredentials,
    dpop::DpopSettings,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Certificate, Client, Endpoint, Fault, MockOkta,
};

use crate::support::dpop_fixture::{AuthenticationResult, BASE, TARGET, URL, code_of};

fn every_token() -> Introspection {
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    Introspection::every_token(client)
}

fn verifier(okta: &MockOkta, introspection: Introspection, dpop: DpopSettings) -> Verifier {
    let issuer = okta.issuer("api://default").any_client_id();
    Verifier::builder()
        .issuer(issuer.introspection(introspection))
        .fetch_timeout(Duration::from_secs(10))
        .dpop(dpop)
        .client_certificates()
        .build()
        .unwrap()
}

async fn send(verifier: &Verifier, scheme: &str, token: &str, proof: &str) -> AuthenticationResult {
    let authorization = format!("{scheme} {token}");
    let credentials = RequestCredentials::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", TARGET);
    verifier.authenticate(&credentials).await
}

// conformance 170, 171, 181
#[tokio::test]
async fn introspection_of_every_token_keeps_replayed_proofs_rejected() {
    let okta = MockOkta::start().await;
    let client = Client::new();
    let verifier = verifier(&okta, every_token(), DpopSettings::base_url(BASE));
    let jwt = client.bind(okta.token("ada")).sign();
    let proof = client.proof("GET", URL).token(&jwt).sign();
    assert_eq!(code_of(&send(&verifier, "DPoP", &jwt, &proof).await), "ok");
    for _ in 0..2 {
        let again = send(&verifier, "DPoP", &jwt, &proof).await;
        assert_eq!(code_of(&again), "invalid_dpop_proof");
    }
    okta.revoke(&jwt);
    let another = client.proof("GET", URL).token(&jwt).sign();
    let bearer = send(&verifier, "Bearer", &jwt, &another).await;
    assert_eq!(code_of(&bearer), "bound_token_as_bearer");
}

// conformance 179
#[tokio::test]
async fn introspection_response_binds_an_opaque_token_to_its_key() {
    let okta = MockOkta::start().await;
    let client = Client::new();
    let verifier = verifier(&okta, every_token(), DpopSettings::base_url(BASE));
    let token = client.bind(okta.opaque_token("ada")).sign();
    let proof = || client.proof("GET", URL).token(&token).sign();
    let bearer = send(&verifier, "Bearer", &token, &proof()).await;
    assert_eq!(code_of(&bearer), "bound_token_as_bearer");
    let foreign = Client::new().proof("GET", URL).token(&token).sign();
    let stolen = send(&verifier, "DPoP", &token, &foreign).await;
    assert_eq!(code_of(&stolen), "binding_mismatch");
    assert_eq!(
        code_of(&send(&verifier, "DPoP", &token, &proof()).await),
        "ok"
    );
}

// conformance 186
#[tokio::test]
async fn introspection_response_binds_an_opaque_token_to_its_certificate() {
    let okta = MockOkta::start().await;
    let mine = Certificate::new("mine");
    let verifier = verifier(&okta, every_token(), DpopSettings::base_url(BASE));
    let token = okta
        .opaque_token("ada")
        .bound_to_certificate(mine.der())
        .sign();
    let authorization = format!("Bearer {token}");
    let bare = RequestCredentials::new([authorization.as_bytes()]);
    assert_eq!(
        code_of(&verifier.authenticate(&bare).await),
        "no_certificate"
    );
    let shown = bare.client_certificate(mine.der());
    assert_eq!(code_of(&verifier.authenticate(&shown).await), "ok");
}

// conformance 171
#[tokio::test]
async fn introspection_rejects_a_revoked_token_before_its_proof_is_stored() {
    let okta = MockOkta::start().await;
    let client = Client::new();
    let verifier = verifier(&okta, every_token(), DpopSettings::base_url(BASE));
    let jwt = client.bind(okta.token("ada")).sign();
    let proof = client.proof("GET", URL).token(&jwt).sign();
    okta.revoke(&jwt);
    assert_eq!(
        code_of(&send(&verifier, "DPoP", &jwt, &proof).await),
        "inactive"
    );
    assert_eq!(
        code_of(&send(&verifier, "DPoP", &jwt, &proof).await),
        "inactive"
    );
}

// conformance 179, 187
#[tokio::test]
async fn introspection_response_without_cnf_does_not_unbind_a_token() {
    let okta = MockOkta::start().await;
    let client = Client::new();
    okta.fault(Endpoint::Introspection, Fault::Without("cnf"));
    // A bound token is never introspected because its key is unknown.
    let introspection = every_token().tokens_with_unknown_keys();
    let unknown_keys = verifier(&okta, introspection, DpopSettings::base_url(BASE));
    let jwt = client.bind(okta.token("ada")).unpublished_key().sign();
    for scheme in ["Bearer", "DPoP"] {
        let proof = client.proof("GET", URL).token(&jwt).sign();
        let result = send(&unknown_keys, scheme, &jwt, &proof).await;
        assert_eq!(code_of(&result), "unknown_key_id", "{scheme}");
    }
    assert_eq!(okta.hits().introspection, 0);
    // A signed `cnf` applies, even if the response has none.
    let always = verifier(&okta, every_token(), DpopSettings::base_url(BASE));
    let jwt = client.bind(okta.token("ada")).sign();
    for (scheme, expected) in [("Bearer", "bound_token_as_bearer"), ("DPoP", "ok")] {
        let proof = client.proof("GET", URL).token(&jwt).sign();
        let result = send(&always, scheme, &jwt, &proof).await;
        assert_eq!(code_of(&result), expected);
    }
}

// conformance 179, 187
#[tokio::test]
async fn introspection_response_with_another_cnf_is_rejected() {
    let okta = MockOkta::start().await;
    let other = r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#;
    okta.fault(Endpoint::Introspection, Fault::Member("cnf", other));
    let verifier = verifier(&okta, every_token(), DpopSettings::base_url(BASE));
    let client = Client::new();
    let (bound, free) = (
        client.bind(okta.token("ada")).sign(),
        okta.token("ada").sign(),
    );
    for (scheme, jwt) in [("DPoP", bound), ("Bearer", free)] {
        let proof = client.proof("GET", URL).token(&jwt).sign();
        let result = send(&verifier, scheme, &jwt, &proof).await;
        assert_eq!(code_of(&result), "invalid_claim", "{scheme}");
    }
}
