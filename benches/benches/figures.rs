//! The rows of the table that are times. All cases of a row are measured in turns, in one process.

use actix_web::http::header::HeaderValue as ActixValue;
use axum::http::{HeaderMap, HeaderValue};
use benches::{
    actix_app::{actix_plain, actix_verified, call_actix},
    apps::{
        axum_plain, axum_verified, call_axum, call_mcp, call_tower, mcp_call, mcp_servers,
        tower_plain, tower_verified,
    },
    crowds::{self, MAX_KEYS},
    plain_cache::PlainCache,
    raw::Raw,
    rounds::{Id, Rounds},
    table,
    tokens::{many, ordinary},
    verifiers::{Served, accepts, verify},
};
use okta_verifier::{Algorithm, Verifier, mcp::McpCalls};

fn main() {
    let served = Served::default();
    table::begin();
    uncached(&served);
    cached_hits(&served);
    layers(&served);
    mcp_calls(&served);
    many_keys_and_issuers();
    rejections(&served);
}

/// Compares the whole verification with the verification of the signature alone.
fn uncached(served: &Served) {
    let verifier = served.verifier(0);
    for (algorithm, must, aim) in [
        (Algorithm::RS256, "1.20", "1.10"),
        (Algorithm::ES256, "1.08", "1.04"),
        (Algorithm::EdDSA, "1.08", "1.04"),
        (Algorithm::PS256, "—", "—"),
    ] {
        let jwt = ordinary(&served.okta).algorithm(algorithm).sign();
        let raw = Raw::of(&served.okta, algorithm, &jwt);
        let mut rounds = Rounds::default();
        let base = rounds.add(|| raw.verify());
        let whole = rounds.add(|| assert!(verify(&verifier, &jwt).is_ok()));
        let timings = rounds.run();
        let measured = format!(
            "{:.3} ({:.0} ns over {:.0} ns)",
            timings.ratio(whole, base),
            timings.nanoseconds(whole),
            timings.nanoseconds(base),
        );
        let figure = format!(
            "uncached {} over raw aws-lc-rs with a prepared key",
            algorithm.name()
        );
        table::row(&figure, &measured, must, aim);
    }
}

/// Compares a cache hit with the digest and the look-up alone.
fn cached_hits(served: &Served) {
    let mut jwts = many(&served.okta, 100_000);
    jwts[0] = ordinary(&served.okta).sign();
    let raw = Raw::of(&served.okta, Algorithm::RS256, &jwts[0]);
    for (count, must, aim) in [
        (1, "300 ns", "180 ns"),
        (1_000, "400 ns", "250 ns"),
        (100_000, "—", "—"),
    ] {
        let jwts = &jwts[..count];
        let capacity = 2 * count.max(5_000) as u64;
        let (verifier, plain) = (
            served.verifier(capacity),
            [PlainCache::sip(capacity), PlainCache::ghash(capacity)],
        );
        assert!(jwts.iter().all(|jwt| verify(&verifier, jwt).is_ok()));
        for plain in &plain {
            jwts.iter().for_each(|jwt| plain.insert(jwt));
        }
        let lines: Vec<_> = jwts.iter().map(|jwt| format!("Bearer {jwt}")).collect();

        let mut rounds = Rounds::default();
        let signature = rounds.add(|| raw.verify());
        let plain = plain.each_ref().map(|plain| {
            let mut next = jwts.iter().cycle();
            rounds.add(move || assert!(next.next().is_some_and(|jwt| plain.holds(jwt))))
        });
        let mut next = jwts.iter().cycle();
        let hit = rounds.add(|| {
            assert!(
                next.next()
                    .is_some_and(|jwt| verify(&verifier, jwt).is_ok())
            )
        });
        let mut next = lines.iter().cycle();
        let request =
            rounds.add(|| assert!(next.next().is_some_and(|line| accepts(&verifier, line))));
        let timings = rounds.run();
        let measured = format!(
            "{:.0} ns, 1/{:.0} of a raw RS256; a plain cache {:.0} ns by SipHash-1-3, {:.0} ns by GHASH; \
             through `authenticate` {:.0} ns",
            timings.nanoseconds(hit),
            timings.ratio(signature, hit),
            timings.nanoseconds(plain[0]),
            timings.nanoseconds(plain[1]),
            timings.nanoseconds(request),
        );
        let figure = match count {
            1 => "cached hit through `verify`, 1 hot token".to_owned(),
            _ => format!("cached hit through `verify`, {count} tokens in turn"),
        };
        table::row(&figure, &measured, must, aim);
    }
}

/// Measures the time that layer and extractor add to a request without a socket.
fn layers(served: &Served) {
    let jwt = ordinary(&served.okta).sign();
    let raw = Raw::of(&served.okta, Algorithm::RS256, &jwt);
    let line = format!("Bearer {jwt}");
    let value = HeaderValue::from_str(&line).expect("ASCII");
    let for_actix = ActixValue::from_str(&line).expect("ASCII");
    let verifier = || served.verifier(10_000);
    let (axum, axum_with) = (axum_plain(), axum_verified(verifier()));
    let (tower, tower_with) = (tower_plain(), tower_verified(verifier()));
    let (actix, actix_with) = (actix_plain(), actix_verified(verifier()));

    let mut rounds = Rounds::default();
    let signature = rounds.add(|| raw.verify());
    let axum: (Id, Id) = (
        rounds.add(|| call_axum(&axum, &value)),
        rounds.add(|| call_axum(&axum_with, &value)),
    );
    let tower = (
        rounds.add(|| assert!(!call_tower(&tower, &value))),
        rounds.add(|| assert!(call_tower(&tower_with, &value))),
    );
    let actix = (
        rounds.add(|| call_actix(&actix, &for_actix)),
        rounds.add(|| call_actix(&actix_with, &for_actix)),
    );
    let timings = rounds.run();
    for (figure, (plain, verified), must, aim) in [
        (
            "layer and extractor, cached, added to plain axum",
            axum,
            "700 ns",
            "400 ns",
        ),
        ("layer, cached, added to a tower service", tower, "—", "—"),
        (
            "middleware and extractor, cached, added to plain actix-web",
            actix,
            "—",
            "—",
        ),
    ] {
        let measured = format!(
            "{:.0} ns, 1/{:.0} of a raw RS256 (to {:.0} ns)",
            timings.added(verified, plain),
            timings.nanoseconds(signature) / timings.added(verified, plain),
            timings.nanoseconds(plain)
        );
        table::row(figure, &measured, must, aim);
    }
}

/// Measures the time that the layers add to the call of a tool, cached, and what the pass over its body takes of it.
fn mcp_calls(served: &Served) {
    let line = format!("Bearer {}", ordinary(&served.okta).sign());
    let value = HeaderValue::from_str(&line).expect("ASCII");
    let servers = mcp_servers(served.verifier(10_000));
    let (body, headers) = (mcp_call(), HeaderMap::new());

    let mut rounds = Rounds::default();
    let [plain, verified, protected] = servers.each_ref().map(|server| {
        let (value, body) = (&value, &body);
        rounds.add(move || call_mcp(server, value, body))
    });
    let scan = rounds.add(|| assert!(McpCalls::read(&headers, &body, None).is_ok()));
    let timings = rounds.run();
    let measured = format!(
        "{:.2} of the plain route with both layers, {:.2} with the verifying layer alone (of {:.0} ns); \
         `McpLayer` adds {:.0} ns, of which the pass over the body takes {:.0} ns",
        timings.ratio(protected, plain),
        timings.ratio(verified, plain),
        timings.nanoseconds(plain),
        timings.added(protected, verified),
        timings.nanoseconds(scan),
    );
    let figure = format!(
        "call of a tool of {} bytes to an MCP server of axum, cached",
        body.len()
    );
    table::fact(&figure, &measured);
}

/// Compares many keys and many issuers with one.
fn many_keys_and_issuers() {
    compare_counts(&format!("1 to {MAX_KEYS} keys (a set's cap)"), crowds::keys);
    compare_counts("1 to 100 issuers", crowds::issuers);
}

fn compare_counts(figure: &str, crowd: impl Fn(usize, u64) -> (Verifier, [String; 2])) {
    for (name, token_cache_capacity) in [("uncached RS256", 0), ("cached", 10_000)] {
        let crowds = [1, 10, 100].map(|count| crowd(count, token_cache_capacity));
        let mut rounds = Rounds::default();
        let cases: Vec<_> = crowds
            .iter()
            .flat_map(|(verifier, tokens)| tokens.iter().map(move |jwt| (verifier, jwt)))
            .map(|(verifier, jwt)| rounds.add(move || assert!(verify(verifier, jwt).is_ok())))
            .collect();
        let timings = rounds.run();
        let change = |case: usize| 100.0 * (timings.ratio(cases[case], cases[0]) - 1.0);
        let measured = format!(
            "10: {:+.1} % first, {:+.1} % last; 100: {:+.1} % first, {:+.1} % last (of {:.0} ns)",
            change(2),
            change(3),
            change(4),
            change(5),
            timings.nanoseconds(cases[0]),
        );
        table::row(&format!("{figure}, {name}"), &measured, "+5 %", "flat");
    }
}

/// Measures rejections. Rejecting a request must not cost much more than verifying a signature.
fn rejections(served: &Served) {
    let verifier = served.verifier(10_000);
    let token = || ordinary(&served.okta);
    let good = token().sign();
    assert!(accepts(&verifier, &format!("Bearer {good}")));
    let raw = Raw::of(&served.okta, Algorithm::RS256, &good);
    let part = "x".repeat(5_400);
    let cases = [
        ("expired", token().expired().sign(), "—"),
        ("bad signature", token().tampered().sign(), "—"),
        (
            "16 KiB of junk in three parts",
            format!("eyJ{part}.eyJ{part}.{part}"),
            "—",
        ),
        // The rate limit is restored after 10 s, so it stays exhausted during the rounds.
        (
            "unknown kid in a flood",
            token().unpublished_key().sign(),
            "2 µs",
        ),
    ];
    let lines = cases.each_ref().map(|(_, jwt, _)| format!("Bearer {jwt}"));
    served.spend_budget(&verifier);

    let mut rounds = Rounds::default();
    let base = rounds.add(|| raw.verify());
    let measured = lines.each_ref().map(|line| {
        let verifier = &verifier;
        rounds.add(move || assert!(!accepts(verifier, line)))
    });
    let timings = rounds.run();
    for ((name, _, must), case) in cases.iter().zip(measured) {
        let measured = format!(
            "{:.2} of a signature ({:.0} ns)",
            timings.ratio(case, base),
            timings.nanoseconds(case)
        );
        table::row(&format!("refused: {name}"), &measured, must, "—");
    }
}
