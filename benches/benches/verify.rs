//! One token: the whole verification compared with the signature alone, cache hits, and rejections.

#![allow(missing_docs, reason = "criterion's macros write public items")]

use std::hint::black_box;

use benches::{
    plain_cache::PlainCache,
    raw::Raw,
    tokens::{many, ordinary},
    verifiers::{Served, accepts},
};
use criterion::{Criterion, criterion_group, criterion_main};
use okta_verifier::Algorithm;

fn each_algorithm(criterion: &mut Criterion) {
    let served = Served::default();
    for algorithm in [
        Algorithm::RS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
        Algorithm::PS256,
    ] {
        let mut group = criterion.benchmark_group(algorithm.name());
        let jwt = ordinary(&served.okta).algorithm(algorithm).sign();
        let line = format!("Bearer {jwt}");
        let raw = Raw::of(&served.okta, algorithm, &jwt);
        group.bench_function("raw", |bencher| bencher.iter(|| raw.verify()));
        for (name, token_cache_capacity) in [("uncached", 0), ("cached", 10_000)] {
            let verifier = served.verifier(token_cache_capacity);
            assert!(accepts(&verifier, &line));
            group.bench_function(name, |bencher| {
                bencher.iter(|| accepts(&verifier, black_box(&line)));
            });
        }
        group.finish();
    }
}

fn cached(criterion: &mut Criterion) {
    let served = Served::default();
    let mut group = criterion.benchmark_group("cached");
    let jwts = many(&served.okta, 100_000);
    let lines: Vec<_> = jwts.iter().map(|jwt| format!("Bearer {jwt}")).collect();
    for count in [1, 1_000, 100_000] {
        let capacity = 2 * count.max(5_000) as u64;
        let (jwts, lines) = (&jwts[..count], &lines[..count]);
        let (verifier, plain) = (served.verifier(capacity), PlainCache::ghash(capacity));
        assert!(lines.iter().all(|line| accepts(&verifier, line)));
        jwts.iter().for_each(|jwt| plain.insert(jwt));
        let mut next = jwts.iter().cycle();
        group.bench_function(format!("{count} tokens, a plain cache"), |bencher| {
            bencher.iter(|| plain.holds(next.next().expect("a cycle")));
        });
        let mut next = lines.iter().cycle();
        group.bench_function(format!("{count} tokens"), |bencher| {
            bencher.iter(|| accepts(&verifier, next.next().expect("a cycle")));
        });
    }
    group.finish();
}

fn rejected(criterion: &mut Criterion) {
    let served = Served::default();
    let verifier = served.verifier(10_000);
    let token = || ordinary(&served.okta);
    let good = token().sign();
    assert!(accepts(&verifier, &format!("Bearer {good}")));
    let (signed, signature) = good.rsplit_once('.').expect("the token is a compact JWS");
    let (_, payload) = signed.split_once('.').expect("the token is a compact JWS");
    let raw = Raw::of(&served.okta, Algorithm::RS256, &good);

    let mut group = criterion.benchmark_group("refused");
    group.bench_function("raw", |bencher| bencher.iter(|| raw.verify()));
    for (name, jwt) in [
        ("expired", token().expired().sign()),
        ("bad signature", token().tampered().sign()),
        ("junk of 16 KiB", "x".repeat(16 * 1024)),
        (
            "junk of 16 KiB in three parts",
            format!("eyJ{0}.eyJ{0}.{0}", "x".repeat(5_400)),
        ),
        (
            "a good token's prefix",
            format!("{signed}.{}", signature.to_lowercase()),
        ),
        (
            "a good token's tail",
            format!("eyJ{}.{payload}.{signature}", "x".repeat(60)),
        ),
        // This case is last because it exhausts the rate limit for unknown key IDs.
        ("unknown kid", token().unpublished_key().sign()),
    ] {
        let line = format!("Bearer {jwt}");
        if name == "unknown kid" {
            served.spend_budget(&verifier);
        }
        assert!(!accepts(&verifier, &line));
        group.bench_function(name, |bencher| {
            bencher.iter(|| accepts(&verifier, black_box(&line)));
        });
    }
    group.finish();
}

criterion_group!(benches, each_algorithm, cached, rejected);
criterion_main!(benches);
