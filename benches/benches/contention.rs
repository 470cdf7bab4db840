//! Cache hits from one and from two threads.

use std::{sync::Barrier, thread, time::Instant};

use benches::{
    plain_cache::PlainCache,
    rounds::{median, quantile, setting, thread_time},
    table,
    tokens::many,
    verifiers::{Served, verify},
};

fn main() {
    let served = Served::default();
    let jwts = many(&served.okta, 1_000);
    for (name, jwts) in [("one hot token", &jwts[..1]), ("1,000 tokens", &jwts[..])] {
        let (verifier, plain) = (served.verifier(10_000), PlainCache::ghash(10_000));
        assert!(jwts.iter().all(|jwt| verify(&verifier, jwt).is_ok()));
        jwts.iter().for_each(|jwt| plain.insert(jwt));
        let hit = |jwt: &str| verify(&verifier, jwt).is_ok();
        let look_up = |jwt: &str| plain.holds(jwt);
        let [one, two, plain_of_one, plain_of_two] = compare(jwts, &hit, &look_up);
        table::fact(
            &format!("{name}, 2 threads over 1, time per hit"),
            &format!(
                "{:.2} ({:.0} over {:.0} ns); a plain cache {:.2} ({:.0} over {:.0} ns)",
                two.nanoseconds / one.nanoseconds,
                two.nanoseconds,
                one.nanoseconds,
                plain_of_two.nanoseconds / plain_of_one.nanoseconds,
                plain_of_two.nanoseconds,
                plain_of_one.nanoseconds,
            ),
        );
        table::fact(
            &format!("{name}, p99 with 1 and 2 threads"),
            &format!(
                "{:.1} and {:.1} µs; a plain cache {:.1} and {:.1} µs",
                one.p99, two.p99, plain_of_one.p99, plain_of_two.p99
            ),
        );
        table::fact(
            &format!("{name}, hits per second with 1 and 2 threads"),
            &format!(
                "{:.1} and {:.1} million of wall time",
                one.a_second / 1e6,
                two.a_second / 1e6
            ),
        );
    }
}

struct Speed {
    /// CPU time per hit and thread, in nanoseconds.
    nanoseconds: f64,
    /// The 99th percentile of wall time, in microseconds.
    p99: f64,
    /// Hits per second of wall time, of all threads together. Other processes on the machine reduce the
    /// number.
    a_second: f64,
}

type Work<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Measures four cases in turns: `hit` on one and on two threads, and `look_up` on one and on two
/// threads.
fn compare(jwts: &[String], hit: Work<'_>, look_up: Work<'_>) -> [Speed; 4] {
    let mut samples = [(); 4].map(|()| Vec::new());
    for _ in 0..setting("BENCH_ROUNDS", 41) {
        let cases = [(1, hit), (2, hit), (1, look_up), (2, look_up)];
        for ((threads, work), samples) in cases.iter().zip(&mut samples) {
            samples.push(together(*threads, jwts, *work));
        }
    }
    samples.map(|samples| {
        let of = |field: fn(&Speed) -> f64| median(samples.iter().map(field).collect());
        Speed {
            nanoseconds: of(|speed| speed.nanoseconds),
            p99: of(|speed| speed.p99),
            a_second: of(|speed| speed.a_second),
        }
    })
}

fn together(threads: usize, jwts: &[String], work: Work<'_>) -> Speed {
    let start = Barrier::new(threads);
    let one = |number: usize| {
        let mut next = jwts.iter().cycle().skip(number * jwts.len() / threads);
        let mut hit = || assert!(next.next().is_some_and(|jwt| work(jwt)));
        start.wait();
        let (began, wall) = (thread_time(), Instant::now());
        (0..HITS).for_each(|_| hit());
        let (took, wall) = (thread_time() - began, wall.elapsed());
        let mut each: Vec<_> = (0..HITS / 4)
            .map(|_| {
                let began = Instant::now();
                hit();
                began.elapsed().as_nanos() as f64 / 1e3
            })
            .collect();
        Speed {
            nanoseconds: took.as_nanos() as f64 / HITS as f64,
            p99: quantile(&mut each, 0.99),
            a_second: HITS as f64 / wall.as_secs_f64(),
        }
    };
    let speeds: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || one(number)))
            .collect();
        all.into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let of = |field: fn(&Speed) -> f64| speeds.iter().map(field).sum::<f64>() / threads as f64;
    Speed {
        nanoseconds: of(|speed| speed.nanoseconds),
        p99: of(|speed| speed.p99),
        a_second: of(|speed| speed.a_second) * threads as f64,
    }
}

const HITS: usize = 20_000;
