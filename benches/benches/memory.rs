//! The rows of the table that are counts: allocations, and bytes per cached token.
//!
//! This is a separate program because its global allocator counts the allocations of the measuring
//! thread.

use std::hint::black_box;

use allocation_counter::measure;
use axum::http::HeaderValue;
use benches::{
    apps::{axum_plain, axum_verified, call_axum, call_tower, tower_plain, tower_verified},
    rounds::thread_time,
    table,
    tokens::{many, ordinary},
    verifiers::{Served, verify},
};
use okta_verifier::Verifier;

const TOKENS: usize = 10_000;

fn main() {
    let served = Served::default();
    allocations(&served);
    added(&served);
    bytes(
        "memory per cached token",
        &served.verifier(TOKENS as u64),
        &served,
        ("1.3 KB", "0.9 KB"),
    );
    let revocable = served.revocable(TOKENS as u64);
    bytes(
        "memory per cached token, with revocation rules",
        &revocable,
        &served,
        ("1.4 KB", ""),
    );
}

fn allocations(served: &Served) {
    let jwt = ordinary(&served.okta).sign();
    for (figure, token_cache_capacity, must, aim) in [
        ("allocations, cached hit", 10_000, "0", "0"),
        ("allocations, uncached RS256", 0, "18", "12"),
    ] {
        let verifier = served.verifier(token_cache_capacity);
        let count = per_call(|| assert!(verify(&verifier, &jwt).is_ok()));
        table::row(figure, &count, must, aim);
    }
}

fn added(served: &Served) {
    let line = format!("Bearer {}", ordinary(&served.okta).sign());
    let value = HeaderValue::from_str(&line).expect("ASCII");
    let (plain, verified) = (axum_plain(), axum_verified(served.verifier(10_000)));
    let (without, with) = (
        per_call(|| call_axum(&plain, &value)),
        per_call(|| call_axum(&verified, &value)),
    );
    let figure = "allocations, plain axum and with layer and extractor, cached";
    table::row(figure, &format!("{without} and {with}"), "5 more", "2 more");

    let (plain, verified) = (tower_plain(), tower_verified(served.verifier(10_000)));
    let (without, with) = (
        per_call(|| assert!(!call_tower(&plain, &value))),
        per_call(|| assert!(call_tower(&verified, &value))),
    );
    let figure = "allocations, a tower service and with the layer, cached";
    table::row(figure, &format!("{without} and {with}"), "5 more", "2 more");
}

/// Returns the average of a thousand calls, after a warm-up. The cache does maintenance after every 64
/// look-ups, and its first maintenance allocates a little memory.
fn per_call(mut work: impl FnMut()) -> String {
    const CALLS: u64 = 1_000;
    (0..20 * CALLS).for_each(|_| work());
    let info = measure(|| (0..CALLS).for_each(|_| work()));
    (info.count_total as f64 / CALLS as f64).to_string()
}

/// Measures the memory that stays allocated per token, for 10,000 tokens. It includes the cache's own
/// data, which the calling thread allocates.
fn bytes(figure: &str, verifier: &Verifier, served: &Served, (must, aim): (&str, &str)) {
    let jwts = many(&served.okta, 2 * TOKENS);
    let length = jwts[0].len();
    let (first, second) = jwts.split_at(TOKENS);
    let remember = |jwts: &[String]| {
        // The second round lets the cache finish its maintenance.
        for jwt in jwts.iter().chain(jwts) {
            assert!(black_box(verify(verifier, jwt)).is_ok());
        }
    };
    let began = thread_time();
    let filled = measure(|| remember(first));
    let took = thread_time() - began;
    // After twice as many tokens as the capacity, the memory must not have grown further.
    let overfilled = measure(|| remember(second));
    let measured = format!(
        "{} bytes (tokens of {length} bytes; {} bytes more for another {TOKENS}; {:.1} s)",
        filled.bytes_current / TOKENS as i64,
        overfilled.bytes_current,
        took.as_secs_f64(),
    );
    table::row(figure, &measured, must, aim);
}
