//! The rows of the table that are counts: allocations, and bytes of a remembered token.
//!
//! A program of its own: its allocator counts, for the thread that measures.

use std::hint::black_box;

use allocation_counter::measure;
use axum::http::HeaderValue;
use benches::{
    apps::{ask_axum, ask_tower, axum_plain, axum_verified, tower_plain, tower_verified},
    rounds::thread_time,
    table,
    tokens::{many, ordinary},
    verifiers::{Served, verify},
};

fn main() {
    let served = Served::default();
    allocations(&served);
    added(&served);
    bytes(&served);
}

fn allocations(served: &Served) {
    let jwt = ordinary(&served.okta).sign();
    for (figure, cached_tokens, must, aim) in [
        ("allocations, cached hit", 10_000, "0", "0"),
        ("allocations, uncached RS256", 0, "18", "12"),
    ] {
        let verifier = served.verifier(cached_tokens);
        let count = per_call(|| assert!(verify(&verifier, &jwt).is_ok()));
        table::row(figure, &count, must, aim);
    }
}

fn added(served: &Served) {
    let line = format!("Bearer {}", ordinary(&served.okta).sign());
    let value = HeaderValue::from_str(&line).expect("ASCII");
    let (plain, verified) = (axum_plain(), axum_verified(served.verifier(10_000)));
    let (without, with) = (
        per_call(|| ask_axum(&plain, &value)),
        per_call(|| ask_axum(&verified, &value)),
    );
    let figure = "allocations, plain axum and with layer and extractor, cached";
    table::row(figure, &format!("{without} and {with}"), "5 more", "2 more");

    let (plain, verified) = (tower_plain(), tower_verified(served.verifier(10_000)));
    let (without, with) = (
        per_call(|| assert!(!ask_tower(&plain, &value))),
        per_call(|| assert!(ask_tower(&verified, &value))),
    );
    let figure = "allocations, a tower service and with the layer, cached";
    table::row(figure, &format!("{without} and {with}"), "5 more", "2 more");
}

/// The average of a thousand calls, after many more to get going: the cache orders its own books
/// after 64 look-ups that it hears of, and takes a little memory when it first does.
fn per_call(mut work: impl FnMut()) -> String {
    const CALLS: u64 = 1_000;
    (0..20 * CALLS).for_each(|_| work());
    let info = measure(|| (0..CALLS).for_each(|_| work()));
    (info.count_total as f64 / CALLS as f64).to_string()
}

/// What stays allocated for each of 10,000 tokens, the cache's own books included: those are kept
/// by the thread that calls.
fn bytes(served: &Served) {
    const TOKENS: usize = 10_000;
    let jwts = many(&served.okta, 2 * TOKENS);
    let length = jwts[0].len();
    let verifier = served.verifier(TOKENS as u64);
    let (first, second) = jwts.split_at(TOKENS);
    let remember = |jwts: &[String]| {
        // Again, until the cache has put everything in its place.
        for jwt in jwts.iter().chain(jwts) {
            assert!(black_box(verify(&verifier, jwt)).is_ok());
        }
    };
    let began = thread_time();
    let filled = measure(|| remember(first));
    let took = thread_time() - began;
    // Twice as many as there is room for: the memory is bounded.
    let overfilled = measure(|| remember(second));
    let measured = format!(
        "{} bytes (tokens of {length} bytes; {} bytes more for another {TOKENS}; {:.1} s)",
        filled.bytes_current / TOKENS as i64,
        overfilled.bytes_current,
        took.as_secs_f64(),
    );
    table::row("memory a cached token", &measured, "1.3 KB", "0.9 KB");
}
