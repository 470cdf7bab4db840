//! DPoP at `/v1/token` of `MockOkta`, with the nonce that Okta requires.

use okta_verifier::Algorithm;
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Client, MockOkta, ProofBuilder};
use serde_json::json;

use crate::http::{INTROSPECT, Reply, basic, post, post_to};
use crate::jose::{parts, verifies};

#[tokio::test]
async fn nonce_is_required_first() {
    let okta = MockOkta::start().await;
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
        let client = Client::with_algorithm(algorithm);
        let nonce = required_nonce(&call(&okta, proof(&client, &okta)).await);
        required_nonce(&call(&okta, proof(&client, &okta).nonce("another")).await);
        let good = proof(&client, &okta).nonce(&nonce).sign();
        let reply = call_with(&okta, &good).await;
        assert_eq!(
            (reply.status, &reply.json()["token_type"]),
            (200, &json!("DPoP"))
        );
        let jwt = reply.json()["access_token"].as_str().unwrap().to_owned();
        assert!(verifies(&jwt, &okta.jwks()));
        let binding = json!({ "jkt": client.thumbprint() });
        assert_eq!(parts(&jwt).payload["cnf"], binding);
        assert_rejected(&call_with(&okta, &good).await);
        let response = post_to(&okta, INTROSPECT, &secret(), &format!("token={jwt}")).await;
        assert_eq!(response.json()["cnf"], binding);
        assert_eq!(response.json()["token_type"], "Bearer", "as at Okta");
    }
}

#[tokio::test]
async fn wrong_proofs_are_rejected() {
    let okta = MockOkta::start().await;
    let client = Client::new();
    let nonce = required_nonce(&call(&okta, proof(&client, &okta)).await);
    let spoil: [fn(ProofBuilder) -> ProofBuilder; 12] = [
        |it| it.htm("GET"),
        |it| it.htu("https://evil.test/v1/token"),
        |it| it.aged(302),
        |it| it.aged(-62),
        |it| it.without("iat"),
        |it| it.without("jti"),
        |it| it.typ("JWT"),
        |it| it.unsigned(),
        |it| it.symmetric(),
        |it| it.foreign_key(),
        |it| it.tampered(),
        |it| it.without_header("jwk"),
    ];
    for spoil in spoil {
        assert_rejected(&call(&okta, spoil(proof(&client, &okta).nonce(&nonce))).await);
    }
    assert_rejected(&call_with(&okta, "no proof").await);
    let good = proof(&client, &okta).nonce(&nonce).sign();
    let twice = format!("DPoP: {good}\r\ndpop: {good}\r\n{}", secret());
    assert_rejected(&post(&okta, &twice, GRANT).await);
    assert_eq!(
        call_with(&okta, &good).await.status,
        200,
        "a rejected request does not use up the proof"
    );
}

fn proof(client: &Client, okta: &MockOkta) -> ProofBuilder {
    client.proof("POST", &format!("{}/v1/token", okta.issuer_url()))
}

fn required_nonce(reply: &Reply) -> String {
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (400, &json!("use_dpop_nonce"))
    );
    reply.header("dpop-nonce").unwrap().to_owned()
}

fn assert_rejected(reply: &Reply) {
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (400, &json!("invalid_dpop_proof"))
    );
}

async fn call(okta: &MockOkta, proof: ProofBuilder) -> Reply {
    call_with(okta, &proof.sign()).await
}

async fn call_with(okta: &MockOkta, proof: &str) -> Reply {
    post(okta, &format!("DPoP: {proof}\r\n{}", secret()), GRANT).await
}

fn secret() -> String {
    basic(CLIENT_ID, CLIENT_SECRET)
}

const GRANT: &str = "grant_type=client_credentials&scope=orders:read";
