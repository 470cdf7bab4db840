//! Proofs, nonces and client certificates.

use okta_verifier::{
    Verifier,
    adapter::RequestCredentials,
    dpop::{DpopNonces, DpopSettings},
};
use okta_verifier_testing::{Client, ProofBuilder, TestIssuer};
use serde_json::json;

const SHARED: &str = "nonce-5ecret-0123456789abcdef0123456789abcdef";
const URL: &str = "https://api.example.com/orders/5ecret-path-0123456789";

// conformance 20, 44
#[test]
fn sender_constraint_shows_no_secret() {
    let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    // The service's own URL, which proofs repeat.
    secret_scan::public("https://api.example.com");
    secret_scan::secret(SHARED);
    secret_scan::secret("certificate-5ecret-0123456789");
    for nonces in [None, Some(DpopNonces::shared(SHARED))] {
        let mut settings = DpopSettings::base_url("https://api.example.com");
        if let Some(nonces) = nonces {
            secret_scan::shown(format!("{nonces:?} {nonces:#?}"));
            settings = settings.nonces(nonces);
        }
        secret_scan::shown(format!("{settings:?} {settings:#?}"));
        let issuer = okta.issuer().any_client_id();
        let builder = Verifier::builder().issuer(issuer).dpop(settings);
        let builder = builder.client_certificates();
        secret_scan::shown(format!("{builder:?} {builder:#?}"));
        let verifier = builder.build().unwrap();
        for (number, edit) in EDITS.iter().enumerate() {
            let token = client.bind(okta.token("sub-5ecret-ada.lovelace@example.com"));
            let jwt = token.sign();
            let jti = format!("jti-5ecret-0123456789-{number}");
            let proof = edit(client.proof("GET", URL).token(&jwt).jti(&jti)).sign();
            let line = format!("DPoP {jwt}");
            let credentials = RequestCredentials::new([line.as_bytes()])
                .dpop([proof.as_bytes()])
                .request("GET", "/orders/5ecret-path-0123456789?page=2")
                .client_certificate(b"certificate-5ecret-0123456789")
                .client_cert([&b":certificate-5ecret-0123456789:"[..]]);
            // Twice: the second is a replay.
            for _ in 0..2 {
                let result = verifier.authenticate(&credentials).into_ready().unwrap();
                secret_scan::verdict(&result);
            }
            secret_scan::shown(format!("{credentials:?}"));
        }
        secret_scan::shown(format!("{verifier:?} {verifier:#?}"));
    }
}

type Edit = fn(ProofBuilder) -> ProofBuilder;

const EDITS: [Edit; 15] = [
    |proof| proof,
    ProofBuilder::foreign_key,
    ProofBuilder::tampered,
    ProofBuilder::unsigned,
    ProofBuilder::symmetric,
    ProofBuilder::private_jwk,
    |proof| proof.typ("typ-5ecret-0123456789"),
    |proof| proof.htm("HTM-5ECRET-0123456789"),
    |proof| proof.htu("https://htu-5ecret-0123456789.test/orders"),
    |proof| proof.nonce("nonce-of-5ecret-0123456789"),
    |proof| proof.aged(3_000),
    |proof| proof.claim("ath", "ath-5ecret-0123456789"),
    |proof| proof.header("own", "own-5ecret-0123456789"),
    |proof| proof.claim("own", json!({"deep": ["own-5ecret-0123456789"]})),
    |proof| proof.raw_payload(r#"{"raw-5ecret-0123456789": "#),
];
