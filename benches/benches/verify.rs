//! One token: the whole verification beside the bare signature.

#![allow(missing_docs, reason = "criterion's macros write public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use criterion::{Criterion, criterion_group, criterion_main};
use okta_verifier::{Algorithm, Presented, VerifiedToken, Verifier};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use serde_json::Value;

/// A token as Okta issues it, of about 950 bytes with RS256.
fn ordinary(okta: &TestIssuer) -> TokenBuilder {
    okta.token("joe.smith@example.com")
        .scope("openid")
        .scope("orders:read")
        .scope("orders:write")
        .group("Everyone")
        .group("Admins")
}

fn verifier(okta: &TestIssuer, cached_tokens: u64) -> Verifier {
    Verifier::builder()
        .issuer(okta.issuer().client_id("0oatest"))
        .cached_tokens(cached_tokens)
        .build()
        .unwrap()
}

/// What an adapter calls, without the future.
fn verify(verifier: &Verifier, authorization: &str) -> bool {
    let presented = Presented::new([authorization.as_bytes()]);
    let verdict = verifier
        .authenticate_now(&presented)
        .expect("pinned keys need no I/O");
    verdict.as_ref().map(VerifiedToken::subject).is_ok()
}

fn raw_key(okta: &TestIssuer, algorithm: Algorithm) -> ParsedPublicKey {
    let set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    let jwk = keys
        .iter()
        .find(|jwk| jwk["alg"] == algorithm.name())
        .unwrap();
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let rsa = |parameters| {
        let (n, e) = (member("n"), member("e"));
        RsaPublicKeyComponents { n: &n, e: &e }
            .to_parsed_public_key(parameters)
            .unwrap()
    };
    match algorithm {
        Algorithm::RS256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::PS256 => rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::ES256 => {
            let point = [vec![4], member("x"), member("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap()
        }
        _ => ParsedPublicKey::new(&ED25519, member("x")).unwrap(),
    }
}

fn each_algorithm(criterion: &mut Criterion) {
    let okta = TestIssuer::new("api://default");
    for algorithm in [
        Algorithm::RS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
        Algorithm::PS256,
    ] {
        let mut group = criterion.benchmark_group(algorithm.name());
        let jwt = ordinary(&okta).algorithm(algorithm).sign();
        let authorization = format!("Bearer {jwt}");
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = raw_key(&okta, algorithm);
        group.bench_function("raw", |bencher| {
            bencher.iter(|| {
                key.verify_sig(black_box(signed.as_bytes()), &signature)
                    .unwrap()
            });
        });
        let uncached = verifier(&okta, 0);
        assert!(verify(&uncached, &authorization));
        group.bench_function("uncached", |bencher| {
            bencher.iter(|| verify(&uncached, black_box(&authorization)));
        });
        let remembering = verifier(&okta, 10_000);
        assert!(verify(&remembering, &authorization));
        group.bench_function("remembered", |bencher| {
            bencher.iter(|| verify(&remembering, black_box(&authorization)));
        });
        group.finish();
    }
}

fn many_tokens(criterion: &mut Criterion) {
    let okta = TestIssuer::new("api://default");
    let mut group = criterion.benchmark_group("remembered tokens");
    let verifier = verifier(&okta, 10_000);
    for count in [1_usize, 1_000] {
        let tokens: Vec<_> = (0..count)
            .map(|number| {
                let jwt = ordinary(&okta)
                    .algorithm(Algorithm::ES256)
                    .claim("number", number)
                    .sign();
                format!("Bearer {jwt}")
            })
            .collect();
        assert!(tokens.iter().all(|token| verify(&verifier, token)));
        let mut next = tokens.iter().cycle();
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter(|| verify(&verifier, next.next().unwrap()));
        });
    }
    group.finish();
}

fn refusals(criterion: &mut Criterion) {
    let okta = TestIssuer::new("api://default");
    let verifier = verifier(&okta, 10_000);
    let mut group = criterion.benchmark_group("refused");
    for (name, token) in [
        ("malformed", ordinary(&okta).raw_header("{}")),
        ("unknown kid", ordinary(&okta).unpublished_key()),
        ("bad signature", ordinary(&okta).tampered()),
        ("expired", ordinary(&okta).expired()),
    ] {
        let authorization = format!("Bearer {}", token.sign());
        assert!(!verify(&verifier, &authorization));
        group.bench_function(name, |bencher| {
            bencher.iter(|| verify(&verifier, black_box(&authorization)));
        });
    }
    group.finish();
}

criterion_group!(benches, each_algorithm, many_tokens, refusals);
criterion_main!(benches);
