//! A flood of distinct valid tokens, with one hot token among them.
//!
//! `FLOOD=1000000 cargo bench -p benches --bench flood`; 100,000 by default.

use std::{fs, hint::black_box, sync::mpsc::sync_channel, thread, time::Instant};

use benches::{
    plain_cache::PlainCache,
    rounds::{median, quantile, setting, thread_time},
    table,
    tokens::ordinary,
    verifiers::{verifier, verify},
};
use okta_verifier::{Algorithm, Verifier};
use okta_verifier_testing::TestIssuer;

fn main() {
    let count = setting("FLOOD", 100_000);
    // `TestIssuer` is used because the mock server would keep every token that it makes.
    let okta = TestIssuer::new("api://default");
    let began = Instant::now();
    let mut flood = Flood::new(&okta);
    flood.calm();
    let before = flood.watch.take();
    let calm = resident();

    let mut half = calm;
    thread::scope(|scope| {
        let (tokens, minted) = sync_channel(64);
        let okta = &okta;
        scope.spawn(move || {
            let token = ordinary(okta).algorithm(Algorithm::EdDSA);
            for start in (0..count).step_by(BATCH) {
                let batch: Vec<_> = (start..count.min(start + BATCH))
                    .map(|number| {
                        token
                            .clone()
                            .claim("uid", format!("00u{number:017}"))
                            .sign()
                    })
                    .collect();
                if tokens.send(batch).is_err() {
                    return;
                }
            }
        });
        for (number, batch) in minted.iter().enumerate() {
            flood.wave(&batch);
            if number * BATCH < count / 2 {
                half = resident();
            }
        }
    });
    let during = flood.watch.take();
    let end = resident();
    flood.calm();
    let after = flood.watch.take();

    let flooded = format!("{count} distinct valid tokens through a cache of 10,000");
    table::fact(
        &format!("resident memory around {flooded}"),
        &format!("{calm:.1} MB before, {half:.1} MB at half, {end:.1} MB at the end"),
    );
    for (name, pick) in [
        ("hot token", (|seen| seen.hot) as fn(Seen) -> Samples),
        ("moka's own look-up", |seen| seen.plain),
    ] {
        let phases = [&before, &during, &after].map(|seen| pick(seen.clone()).summary());
        let [before, during, after] = phases;
        table::fact(
            &format!("{name} before, during and after the flood; p99 of {HITS} hits' mean"),
            &format!("{before}, {during}, {after}"),
        );
    }
    table::fact(
        "the flood took",
        &format!("{:.0} s", began.elapsed().as_secs_f64()),
    );
}

/// The hot token's hits in the verifier, and look-ups in moka alone, under the same flood.
struct Flood {
    verifier: Verifier,
    plain: PlainCache,
    hot: String,
    watch: Seen,
}

#[derive(Clone, Default)]
struct Seen {
    hot: Samples,
    plain: Samples,
}

impl Seen {
    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

#[derive(Clone, Default)]
struct Samples(Vec<f64>);

impl Samples {
    fn summary(mut self) -> String {
        let p99 = quantile(&mut self.0, 0.99);
        format!("{:.0} ns (p99 {p99:.0})", median(self.0))
    }
}

impl Flood {
    fn new(okta: &TestIssuer) -> Self {
        let hot = ordinary(okta).sign();
        let (verifier, plain) = (
            verifier(okta.issuer().any_client_id(), 10_000),
            PlainCache::ghash(10_000),
        );
        plain.insert(&hot);
        assert!(verify(&verifier, &hot).is_ok());
        Self {
            verifier,
            plain,
            hot,
            watch: Seen::default(),
        }
    }

    fn calm(&mut self) {
        for _ in 0..1_000 {
            self.look();
        }
    }

    fn wave(&mut self, batch: &[String]) {
        for jwt in batch {
            assert!(verify(&self.verifier, jwt).is_ok());
            if !self.plain.holds(jwt) {
                self.plain.insert(jwt);
            }
        }
        self.look();
    }

    /// Samples a hit of the hot token and a look-up in moka alone.
    fn look(&mut self) {
        let Self {
            verifier,
            plain,
            hot,
            watch,
        } = self;
        let hit = sample(|| assert!(verify(verifier, black_box(hot)).is_ok()));
        watch.hot.0.push(hit);
        let look_up = sample(|| assert!(plain.holds(black_box(hot))));
        watch.plain.0.push(look_up);
    }
}

fn sample(mut work: impl FnMut()) -> f64 {
    let began = thread_time();
    for _ in 0..HITS {
        work();
    }
    (thread_time() - began).as_nanos() as f64 / f64::from(HITS)
}

/// Returns the resident memory in megabytes, or NaN if the system does not report it.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1e3
}

const BATCH: usize = 100;
/// Enough hits that the cost of reading the clock is small, but few enough that a hit which finds its
/// token evicted, and so costs a signature, is still visible.
const HITS: u32 = 64;
