//! A request with a cached, DPoP-bound token and a new proof, compared with the verification of the
//! proof's signature alone, with a prepared key.

#![allow(missing_docs, reason = "criterion's macros write public items")]

use std::hint::black_box;

use benches::{
    proofs::{Holder, stored_here, stored_remotely},
    verifiers::runtime,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use okta_verifier::{Algorithm, dpop::DpopNonces};

fn proofs(criterion: &mut Criterion) {
    let runtime = runtime();
    let _context = runtime.enter();
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
        let mut group = criterion.benchmark_group(format!("proof {algorithm}"));
        let plain = Holder::new(algorithm);
        let raw = plain.raw(&plain.proof());
        group.bench_function("raw", |bencher| bencher.iter(|| black_box(&raw).verify()));

        let settings = stored_here().nonces(DpopNonces::random());
        let with_a_nonce = Holder::with(algorithm, settings);
        let with_a_store = Holder::with(algorithm, stored_remotely());
        for (name, holder) in [
            ("request", &plain),
            ("request with a nonce", &with_a_nonce),
            ("request with a remote store", &with_a_store),
        ] {
            group.bench_function(name, |bencher| {
                bencher.iter_batched(
                    || holder.proof(),
                    |proof| assert!(holder.accepts(&proof)),
                    BatchSize::LargeInput,
                );
            });
        }

        let proof = plain.proof();
        assert!(plain.accepts(&proof));
        group.bench_function("replayed", |bencher| {
            bencher.iter(|| assert!(!plain.accepts(black_box(&proof))));
        });
        group.finish();
    }
}

criterion_group!(benches, proofs);
criterion_main!(benches);
