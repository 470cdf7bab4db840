//! A request without a socket, with and without layer and extractor.

#![allow(missing_docs, reason = "criterion's macros write public items")]

use actix_web::http::header::HeaderValue as ActixValue;
use axum::http::HeaderValue;
use benches::{
    actix_app::{actix_plain, actix_verified, call_actix},
    apps::{axum_plain, axum_verified, call_axum, call_tower, tower_plain, tower_verified},
    tokens::ordinary,
    verifiers::Served,
};
use criterion::{Criterion, criterion_group, criterion_main};

fn adapters(criterion: &mut Criterion) {
    let served = Served::default();
    let line = format!("Bearer {}", ordinary(&served.okta).sign());
    let value = HeaderValue::from_str(&line).expect("ASCII");
    let for_actix = ActixValue::from_str(&line).expect("ASCII");
    for (name, token_cache_capacity) in [("cached", 10_000), ("uncached", 0)] {
        let verifier = || served.verifier(token_cache_capacity);

        let mut group = criterion.benchmark_group(format!("axum, {name}"));
        let (plain, verified) = (axum_plain(), axum_verified(verifier()));
        group.bench_function("without", |bencher| {
            bencher.iter(|| call_axum(&plain, &value));
        });
        group.bench_function("with", |bencher| {
            bencher.iter(|| call_axum(&verified, &value));
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("tower, {name}"));
        let (plain, verified) = (tower_plain(), tower_verified(verifier()));
        assert!(!call_tower(&plain, &value) && call_tower(&verified, &value));
        group.bench_function("without", |bencher| {
            bencher.iter(|| call_tower(&plain, &value));
        });
        group.bench_function("with", |bencher| {
            bencher.iter(|| call_tower(&verified, &value));
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("actix, {name}"));
        let (plain, verified) = (actix_plain(), actix_verified(verifier()));
        group.bench_function("without", |bencher| {
            bencher.iter(|| call_actix(&plain, &for_actix));
        });
        group.bench_function("with", |bencher| {
            bencher.iter(|| call_actix(&verified, &for_actix));
        });
        group.finish();
    }
}

criterion_group!(benches, adapters);
criterion_main!(benches);
