//! Runs cases in turns, so that other load on the machine affects all of them alike.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A set of cases. Each case runs for a time slice in every round, and each round starts with another
/// case.
///
/// Times are CPU times of the thread, so other processes do not affect them.
#[derive(Default)]
pub struct Rounds<'a> {
    cases: Vec<Case<'a>>,
}

/// The number of a case.
#[derive(Clone, Copy, Debug)]
pub struct Id(usize);

struct Case<'a> {
    work: Box<dyn FnMut() + 'a>,
    calls: u32,
    samples: Vec<f64>,
}

impl<'a> Rounds<'a> {
    /// Adds a case. `work` performs one call.
    pub fn add(&mut self, work: impl FnMut() + 'a) -> Id {
        self.cases.push(Case {
            work: Box::new(work),
            calls: 1,
            samples: Vec::new(),
        });
        Id(self.cases.len() - 1)
    }

    /// Runs the rounds: `BENCH_ROUNDS`, 41 by default.
    #[must_use]
    pub fn run(mut self) -> Timings {
        let rounds = setting("BENCH_ROUNDS", 41);
        for case in &mut self.cases {
            case.calibrate();
        }
        for round in 0..rounds {
            for turn in 0..self.cases.len() {
                let next = (turn + round) % self.cases.len();
                self.cases[next].sample();
            }
        }
        Timings(self.cases.into_iter().map(|case| case.samples).collect())
    }
}

impl std::fmt::Debug for Rounds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cases", self.cases.len())
    }
}

impl Case<'_> {
    fn calibrate(&mut self) {
        while self.time() < SLICE / 2 {
            self.calls *= 2;
        }
    }

    fn sample(&mut self) {
        let nanoseconds = self.time().as_nanos() as f64;
        self.samples.push(nanoseconds / f64::from(self.calls));
    }

    fn time(&mut self) -> Duration {
        let began = thread_time();
        for _ in 0..self.calls {
            (self.work)();
        }
        thread_time() - began
    }
}

/// The measured times.
#[derive(Debug)]
pub struct Timings(Vec<Vec<f64>>);

impl Timings {
    /// Returns nanoseconds per call, as the median of the rounds.
    #[must_use]
    pub fn nanoseconds(&self, case: Id) -> f64 {
        median(self.0[case.0].clone())
    }

    /// Returns the ratio of `case` to `base`, as the median of the ratios of each round.
    #[must_use]
    pub fn ratio(&self, case: Id, base: Id) -> f64 {
        self.paired(case, base, |case, base| case / base)
    }

    /// Returns how many nanoseconds `case` takes longer than `base`, as the median of the rounds.
    #[must_use]
    pub fn added(&self, case: Id, base: Id) -> f64 {
        self.paired(case, base, |case, base| case - base)
    }

    fn paired(&self, case: Id, base: Id, of: impl Fn(f64, f64) -> f64) -> f64 {
        let pairs = self.0[case.0].iter().zip(&self.0[base.0]);
        median(pairs.map(|(case, base)| of(*case, *base)).collect())
    }
}

/// Returns the median.
#[must_use]
pub fn median(mut samples: Vec<f64>) -> f64 {
    quantile(&mut samples, 0.5)
}

/// Returns the value below which the given `share` of the samples lies.
///
/// # Panics
///
/// Panics if there are no samples.
#[must_use]
pub fn quantile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().checked_sub(1).expect("samples");
    samples[(last as f64 * share).round() as usize]
}

/// Returns the CPU time of this thread.
#[must_use]
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Returns a number from the environment.
#[must_use]
pub fn setting(name: &str, default: usize) -> usize {
    let value = std::env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Long enough for the resolution of the clock, and short enough for many rounds.
const SLICE: Duration = Duration::from_millis(4);
