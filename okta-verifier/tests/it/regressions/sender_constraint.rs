//! Tokens that are bound to a key or a certificate, with these checks enabled.

use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
use okta_verifier_testing::{Client, TestIssuer};
use serde_json::json;

const BASE: &str = "https://api.example.com";

fn verifier(okta: &TestIssuer) -> Verifier {
    Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .dpop(DpopSettings::base_url(BASE))
        .client_certificates()
        .build()
        .unwrap()
}

/// Returns the error code of `GET /orders`, or `ok`.
fn result_code(verifier: &Verifier, authorization: &str, proof: Option<&str>) -> &'static str {
    let credentials = RequestCredentials::new([authorization.as_bytes()])
        .dpop(proof.map(str::as_bytes))
        .request("GET", "/orders");
    match verifier
        .authenticate(&credentials)
        .into_ready()
        .expect("no I/O")
    {
        Ok(_) => "ok",
        Err(rejection) => rejection.error().expect("a verification error").code(),
    }
}

// conformance 170, 171
#[test]
fn auth0_accepts_a_replayed_dpop_proof() {
    let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    let verifier = verifier(&okta);
    let jwt = client.bind(okta.token("ada")).sign();
    let proof = client
        .proof("GET", &format!("{BASE}/orders"))
        .token(&jwt)
        .sign();
    let authorization = format!("DPoP {jwt}");
    assert_eq!(result_code(&verifier, &authorization, Some(&proof)), "ok");
    for _ in 0..2 {
        let again = result_code(&verifier, &authorization, Some(&proof));
        assert_eq!(again, "invalid_dpop_proof");
    }
}

// conformance 168
#[test]
fn auth0_accepts_a_bound_token_as_plain_bearer_when_dpop_is_on_too() {
    let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    let verifier = verifier(&okta);
    let jwt = client.bind(okta.token("ada")).sign();
    let proof = client
        .proof("GET", &format!("{BASE}/orders"))
        .token(&jwt)
        .sign();
    for proof in [None, Some(&*proof)] {
        let code = result_code(&verifier, &format!("Bearer {jwt}"), proof);
        assert_eq!(code, "bound_token_as_bearer");
    }
}

// conformance 184, 185
#[test]
fn auth0_ignores_certificate_binding_when_there_is_no_certificate() {
    let okta = TestIssuer::new("api://orders");
    let verifier = verifier(&okta);
    let bound = json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" });
    let jwt = okta.token("ada").claim("cnf", bound).sign();
    assert_ne!(result_code(&verifier, &format!("Bearer {jwt}"), None), "ok");
}
