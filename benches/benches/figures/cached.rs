//! Cache hits.

use benches::{
    plain_cache::PlainCache,
    raw::Raw,
    rounds::Rounds,
    table,
    tokens::{many, ordinary},
    verifiers::{Served, accepts, verify},
};
use okta_verifier::Algorithm;

/// Compares a cache hit with the digest and the look-up alone.
pub(crate) fn rows(served: &Served) {
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
             through `authenticate_now` {:.0} ns",
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
