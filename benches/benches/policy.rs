//! The cost of rejecting a valid token by a policy, by the size of the policy.

#![allow(missing_docs, reason = "criterion's macros write public items")]

use std::hint::black_box;

use benches::{tokens::ordinary, verifiers::Served};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use okta_verifier::{Policy, VerifiedToken, adapter::RequestCredentials};

const UNMET: Policy = Policy::group("no such group");
const MET: Policy = Policy::any(&[Policy::any_token(), Policy::any_token()]);
const BY_SCOPE: Policy = Policy::any(&[Policy::scope("x"), Policy::scope("y")]);

/// Rejects a token by an `all` of n times an `any` of 2 policies and a last policy that no scope can
/// meet.
fn rejected(criterion: &mut Criterion) {
    let token = token();
    let mut group = criterion.benchmark_group("all of n × any of 2, and an unmet group");
    for n in [5, 10, 20] {
        for (name, any) in [("met", MET), ("by scope", BY_SCOPE)] {
            let policy = Policy::all([vec![any; n], vec![UNMET]].concat().leak());
            assert!(token.require(policy).is_err());
            group.bench_function(BenchmarkId::new(name, n), |bencher| {
                bencher.iter(|| token.require(black_box(policy)).is_ok());
            });
        }
    }
    group.finish();
}

/// Rejects a token without the group policy: every alternative is tried, and the challenge names
/// scopes.
fn challenged(criterion: &mut Criterion) {
    let token = token();
    let mut group = criterion.benchmark_group("all of n × any of 2");
    for n in [5, 10, 20] {
        let policy = Policy::all(vec![BY_SCOPE; n].leak());
        assert!(token.require(policy).is_err());
        group.bench_function(BenchmarkId::new("by scope", n), |bencher| {
            bencher.iter(|| token.require(black_box(policy)).is_ok());
        });
    }
    group.finish();
}

fn token() -> VerifiedToken {
    let served = Served::default();
    let line = format!("Bearer {}", ordinary(&served.okta).sign());
    let credentials = RequestCredentials::new([line.as_bytes()]);
    let result = served.verifier(0).authenticate(&credentials).into_ready();
    result.expect("no I/O").expect("the token is valid")
}

criterion_group!(benches, rejected, challenged);
criterion_main!(benches);
