//! Work for callgrind: `benches/instructions` runs it and counts the instructions of `measured`.

use std::{cell::RefCell, hint::black_box};

use axum::http::{HeaderMap, HeaderValue};
use benches::{
    apps::{axum_extension, axum_plain, axum_verified, call_axum, call_mcp, mcp_call, mcp_servers},
    plain_cache::PlainCache,
    proofs::{Holder, stored_here, stored_remotely},
    raw::Raw,
    tokens::{costly, ordinary},
    verifiers::{Served, runtime, verify},
};
use okta_verifier::{Algorithm, Verifier, mcp::McpCalls};

/// Runs `count CASE CALLS`.
fn main() {
    let mut arguments = std::env::args().skip(1);
    let case = arguments.next().unwrap_or_default();
    let calls = arguments.next().and_then(|calls| calls.parse().ok());
    let calls = calls.unwrap_or(1_000);
    let runtime = runtime();
    let _context = runtime.enter();
    let served = Served::default();
    let jwt = ordinary(&served.okta).sign();
    let verifier = served.verifier(if case == "cached" { 10_000 } else { 0 });
    let revocable = served.revocable(if case == "cached-revocable" {
        10_000
    } else {
        0
    });
    let raw = Raw::of(&served.okta, Algorithm::RS256, &jwt);
    let plain = PlainCache::ghash(10_000);
    plain.insert(&jwt);
    let settings = match case.as_str() {
        "dpop-remote" => stored_remotely(),
        _ => stored_here(),
    };
    let holder = Holder::with(Algorithm::ES256, settings);
    // Two calls precede the counted ones, and each call needs its own proof.
    let proofs = match case.as_str() {
        "dpop" | "dpop-remote" => (0..calls + 2).map(|_| holder.proof()).collect(),
        _ => vec![holder.proof()],
    };
    let raw_proof = holder.raw(&proofs[0]);
    let proofs = RefCell::new(proofs);
    let issuer = served.okta.issuer("api://default").any_client_id();
    let largest = Verifier::builder().issuer(issuer).max_token_size(64 * 1024);
    let largest = largest.build().expect("good settings");
    let forged = match case.as_str() {
        shape @ ("short" | "alike" | "escaped" | "small") => costly(&served.okta, shape),
        _ => String::new(),
    };
    // With pinned keys the verifier fetches nothing, as in a flood that has exhausted its rate limit
    // for fetches.
    let issuer = served.okta.issuer("api://default").any_client_id();
    let pinned = Verifier::builder().issuer(issuer.keys(served.okta.jwks()));
    let pinned = pinned.build().expect("valid settings");
    let unknown = ordinary(&served.okta).unpublished_key().sign();
    let line = HeaderValue::from_str(&format!("Bearer {jwt}")).expect("ASCII");
    let app = match case.as_str() {
        "axum" | "axum-served" => axum_verified(served.verifier(10_000)),
        "axum-extension" | "axum-extension-served" => axum_extension(),
        "mcp-verified-served" => mcp_servers(served.verifier(10_000))[1].clone(),
        "mcp-layer-served" => mcp_servers(served.verifier(10_000))[2].clone(),
        _ => axum_plain(),
    };
    // `axum::serve` does the same once. Without it, axum applies the layers anew for every request.
    let app = match case.ends_with("-served") {
        true => app.with_state(()),
        false => app,
    };
    // 300 bytes.
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{{"name":"write_file","arguments":{{"path":"/srv/files/a.txt","text":"{}","mode":420}}}}}}"#,
        "x".repeat(161)
    );
    let headers = HeaderMap::new();
    let tool_call = mcp_call();
    let work: &dyn Fn() -> bool = match case.as_str() {
        "mcp" => &|| McpCalls::read(&headers, black_box(call.as_bytes()), None).is_ok(),
        "cached" | "uncached" => &|| verify(&verifier, black_box(&jwt)).is_ok(),
        "cached-revocable" | "uncached-revocable" => {
            &|| verify(&revocable, black_box(&jwt)).is_ok()
        }
        axum if axum.starts_with("axum") => &|| {
            call_axum(&app, black_box(&line));
            true
        },
        layers if layers.starts_with("mcp-") => &|| {
            call_mcp(&app, black_box(&line), &tool_call);
            true
        },
        "unknown-key" => &|| {
            verify(&pinned, black_box(&unknown))
                .is_err_and(|error| error.code() == "unknown_key_id")
        },
        "raw" => &|| {
            black_box(&raw).verify();
            true
        },
        "dpop" | "dpop-remote" => {
            &|| holder.accepts(&proofs.borrow_mut().pop().expect("enough proofs"))
        }
        "dpop-raw" => &|| {
            black_box(&raw_proof).verify();
            true
        },
        "plain" => &|| plain.holds(black_box(&jwt)),
        "short" | "alike" | "escaped" | "small" => &|| {
            verify(&largest, black_box(&forged))
                .is_err_and(|error| error.code() == "unknown_issuer")
        },
        _ => {
            panic!("unknown case {case:?}")
        }
    };
    assert!(work() && work());
    measured(work, calls);
}

/// Runs the counted calls. The preparation is not counted, because its cost depends on random keys.
#[inline(never)]
fn measured(work: &dyn Fn() -> bool, calls: u32) {
    for _ in 0..calls {
        assert!(work());
    }
}
