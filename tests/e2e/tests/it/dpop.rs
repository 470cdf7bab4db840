//! DPoP (RFC 9449): the real server binds the tokens, with and without a nonce, and the example
//! verifies them, on both frameworks.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use okta_verifier::Algorithm;
use okta_verifier_testing::{Client, ProofBuilder};
use serde_json::Value;
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use crate::process::{Process, program};
use crate::server::{AUDIENCE, AuthorizationServer, DEFAULT, access_token, decode, http_client};

type Spoil = fn(ProofBuilder) -> ProofBuilder;

// conformance 152, 158, 160, 167, 168, 169, 170
#[test]
fn bound_tokens_on_axum() {
    bound_tokens("axum");
}

// conformance 152, 158, 160, 167, 168, 169, 170
#[test]
fn bound_tokens_on_actix() {
    bound_tokens("actix");
}

// conformance 164, 173, 174
#[test]
fn dpop_nonces_on_axum() {
    nonces("axum");
}

// conformance 164, 173, 174
#[test]
fn dpop_nonces_on_actix() {
    nonces("actix");
}

fn bound_tokens(framework: &str) {
    let server = AuthorizationServer::start();
    let api = Api::start(&server, framework, &[]);
    for algorithm in [
        Algorithm::ES256,
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::EdDSA,
    ] {
        let (client, thief) = (Client::with_algorithm(algorithm), Client::new());
        // Every second token is requested with a nonce of the server, which is not the API's.
        let nonces = algorithm == Algorithm::RS256;
        server.set("dpopNonce", if nonces { "1" } else { "0" });
        let jwt = bound(&server, &client);
        assert_eq!(decode(&jwt).1["cnf"]["jkt"], client.thumbprint());

        let proof = || client.proof("GET", &api.orders).token(&jwt);
        let good = proof().sign();
        assert_eq!(api.get("DPoP", &jwt, &[&good]).0, 200, "{algorithm}");
        assert_eq!(
            api.get("DPoP", &jwt, &[&good]).0,
            401,
            "a proof is accepted once"
        );
        assert_eq!(
            api.get("dpop", &jwt, &[&proof().sign()]).0,
            200,
            "another one"
        );
        let rejected = |what: &str, scheme: &str, proofs: &[&str], error: &str| {
            let (status, headers) = api.get(scheme, &jwt, proofs);
            assert_eq!(status, 401, "{algorithm}: {what}");
            let text = challenges(&headers).join(" | ");
            assert!(
                text.contains(&format!(r#"error="{error}""#)),
                "{what}: {text}"
            );
        };
        rejected("no proof", "DPoP", &[], "invalid_dpop_proof");
        let one = proof().sign();
        rejected("two proofs", "DPoP", &[&one, &one], "invalid_dpop_proof");
        let bearer = proof().sign();
        rejected("as Bearer", "Bearer", &[&bearer], "invalid_token");
        let stolen = thief.proof("GET", &api.orders).token(&jwt).sign();
        rejected("stolen", "DPoP", &[&stolen], "invalid_token");
        let spoilt: [(&str, Spoil); 8] = [
            ("another method", |it| it.htm("POST")),
            ("another URL", |it| it.htu("https://evil.test/orders")),
            ("no ath", |it| it.without("ath")),
            ("another ath", |it| it.token("another")),
            ("old", |it| it.aged(302)),
            ("early", |it| it.aged(-65)),
            ("tampered", ProofBuilder::tampered),
            ("another typ", |it| it.typ("JWT")),
        ];
        for (what, spoil) in spoilt {
            rejected(
                what,
                "DPoP",
                &[&spoil(proof()).sign()],
                "invalid_dpop_proof",
            );
        }
    }
    let unbound = server.token("orders:read");
    let client = Client::new();
    let proof = client.proof("GET", &api.orders).token(&unbound).sign();
    assert_eq!(
        api.get("DPoP", &unbound, &[&proof]).0,
        401,
        "an unbound token"
    );
    assert_eq!(api.get("Bearer", &unbound, &[]).0, 200);
}

fn nonces(framework: &str) {
    let server = AuthorizationServer::start();
    let api = Api::start(&server, framework, &[("NONCES", "1")]);
    let client = Client::new();
    let jwt = bound(&server, &client);
    let proof = || client.proof("GET", &api.orders).token(&jwt);
    let call = |proof: ProofBuilder| api.get("DPoP", &jwt, &[&proof.sign()]);

    let (status, headers) = call(proof());
    assert_eq!(status, 401);
    let text = challenges(&headers).join(" | ");
    assert!(text.contains(r#"error="use_dpop_nonce""#), "{text}");
    let nonce = headers["dpop-nonce"].to_str().expect("ASCII").to_owned();
    assert!(
        nonce
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    );
    let (status, headers) = call(proof().nonce(&nonce));
    assert_eq!(status, 200);
    assert!(
        headers.contains_key("dpop-nonce"),
        "one for the next request"
    );
    assert_eq!(call(proof().nonce("another")).0, 401);
    assert_eq!(call(proof()).0, 401, "a required nonce cannot be omitted");
}

/// Returns a token that the real server binds to the client's key.
pub(crate) fn bound(server: &AuthorizationServer, client: &Client) -> String {
    let path = format!("{DEFAULT}/v1/token");
    let call = |proof: ProofBuilder| {
        let credentials = STANDARD.encode("0oadpop:secretd-secretd-secretd");
        let request = server.http.post(server.url(&path));
        let request = request
            .header("authorization", format!("Basic {credentials}"))
            .header("dpop", proof.sign());
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "orders:read"),
        ];
        request.send_form(form).expect("the server responds")
    };
    let proof = || client.proof("POST", &server.url(&path));
    let mut answer = call(proof());
    if answer.status() == 400 {
        let nonce = answer.headers()["dpop-nonce"].to_str().expect("ASCII");
        answer = call(proof().nonce(nonce));
    }
    let answer = json(&mut answer);
    assert_eq!(answer["token_type"], "DPoP", "{answer}");
    access_token(&answer)
}

fn json(answer: &mut Response<Body>) -> Value {
    let text = answer.body_mut().read_to_string().expect("text");
    serde_json::from_str(&text).expect("JSON")
}

fn challenges(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all("www-authenticate").iter();
    lines.map(|line| line.to_str().expect("ASCII")).collect()
}

struct Api {
    orders: String,
    http: ureq::Agent,
    _process: Process,
}

impl Api {
    fn start(server: &AuthorizationServer, framework: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program("dpop-orders"));
        command
            .env("PORT", "0")
            .env("FRAMEWORK", framework)
            .env("OKTA_ISSUER", server.issuer())
            .env("OKTA_AUDIENCE", AUDIENCE)
            .envs(settings.iter().copied());
        let (process, base) = Process::start("dpop-orders", &mut command, |line| {
            Some(line.split_once("listening on ")?.1.trim().to_owned())
        });
        Self {
            orders: format!("{base}/orders"),
            http: http_client(),
            _process: process,
        }
    }

    fn get(&self, scheme: &str, jwt: &str, proofs: &[&str]) -> (u16, HeaderMap) {
        let mut request = self.http.get(&self.orders);
        request = request.header("authorization", format!("{scheme} {jwt}"));
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        let answer = request.call().expect("the API responds");
        (answer.status().as_u16(), answer.headers().clone())
    }
}
