//! A request with a remembered, DPoP-bound token and a new proof: beside the bare verification of the
//! proof's signature with a key that is prepared already.

#![allow(missing_docs, reason = "criterion's macros write public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use okta_verifier::{Algorithm, DpopNonces, DpopSettings, Presented, Verifier};
use okta_verifier_testing::{Client, TestIssuer};
use serde_json::Value;

const BASE: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/orders";

fn verifier(okta: &TestIssuer, settings: DpopSettings) -> Verifier {
    // Room for as many proofs of one caller as a run may need.
    Verifier::builder()
        .issuer(okta.issuer().client_id("0oatest"))
        .dpop(settings.replay_capacity(4_000_000))
        .build()
        .unwrap()
}

fn verify(verifier: &Verifier, authorization: &str, proof: &str) -> bool {
    let presented = Presented::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", "/orders?page=2");
    let verdict = verifier.authenticate_now(&presented);
    verdict.expect("no I/O").is_ok()
}

fn raw_key(client: &Client, algorithm: Algorithm) -> ParsedPublicKey {
    let jwk: Value = serde_json::from_str(&client.jwk()).unwrap();
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    match algorithm {
        Algorithm::RS256 => {
            let (n, e) = (member("n"), member("e"));
            RsaPublicKeyComponents { n: &n, e: &e }
                .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                .unwrap()
        }
        Algorithm::ES256 => {
            let point = [vec![4], member("x"), member("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap()
        }
        _ => ParsedPublicKey::new(&ED25519, member("x")).unwrap(),
    }
}

fn proofs(criterion: &mut Criterion) {
    let okta = TestIssuer::new("api://default");
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
        let client = Client::with_algorithm(algorithm);
        let token = okta.token("joe.smith@example.com").scope("orders:read");
        let jwt = client.bind(token).sign();
        let authorization = format!("DPoP {jwt}");
        let mut group = criterion.benchmark_group(format!("proof {algorithm}"));

        let proof = client.proof("GET", URL).token(&jwt).sign();
        let (signed, signature) = proof.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = raw_key(&client, algorithm);
        group.bench_function("raw", |bencher| {
            bencher.iter(|| {
                key.verify_sig(black_box(signed.as_bytes()), &signature)
                    .unwrap()
            });
        });

        let plain = verifier(&okta, DpopSettings::base_url(BASE));
        group.bench_function("request", |bencher| {
            bencher.iter_batched(
                || client.proof("GET", URL).token(&jwt).sign(),
                |proof| assert!(verify(&plain, &authorization, &proof)),
                BatchSize::LargeInput,
            );
        });

        let nonces = verifier(
            &okta,
            DpopSettings::base_url(BASE).nonces(DpopNonces::random()),
        );
        let nonce = || {
            let (_, value) = nonces.response_headers().next().unwrap();
            value.to_str().unwrap().to_owned()
        };
        group.bench_function("request with a nonce", |bencher| {
            bencher.iter_batched(
                || client.proof("GET", URL).token(&jwt).nonce(&nonce()).sign(),
                |proof| assert!(verify(&nonces, &authorization, &proof)),
                BatchSize::LargeInput,
            );
        });

        group.bench_function("replayed", |bencher| {
            let proof = client.proof("GET", URL).token(&jwt).sign();
            verify(&plain, &authorization, &proof);
            bencher.iter(|| assert!(!verify(&plain, &authorization, black_box(&proof))));
        });
        group.finish();
    }
}

criterion_group!(benches, proofs);
criterion_main!(benches);
