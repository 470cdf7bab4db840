//! One token with many keys and many issuers.

#![allow(missing_docs, reason = "criterion's macros write public items")]

use benches::{crowds, verifiers::verify};
use criterion::{Criterion, criterion_group, criterion_main};
use okta_verifier::Verifier;

fn keys(criterion: &mut Criterion) {
    compare(criterion, "keys", crowds::keys);
}

fn issuers(criterion: &mut Criterion) {
    compare(criterion, "issuers", crowds::issuers);
}

fn compare(
    criterion: &mut Criterion,
    what: &str,
    crowd: impl Fn(usize, u64) -> (Verifier, [String; 2]),
) {
    for (name, token_cache_capacity) in [("uncached", 0), ("cached", 10_000)] {
        let mut group = criterion.benchmark_group(format!("{what}, {name}"));
        for count in [1, 10, 100] {
            let (verifier, tokens) = crowd(count, token_cache_capacity);
            for (which, jwt) in ["first", "last"].iter().zip(&tokens) {
                assert!(verify(&verifier, jwt).is_ok());
                group.bench_function(format!("{count}, the {which}"), |bencher| {
                    bencher.iter(|| verify(&verifier, jwt).is_ok());
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, keys, issuers);
criterion_main!(benches);
