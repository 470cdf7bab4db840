//! The cost of one call on one thread.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use protocol::Cost;
use tokio::runtime::Runtime;

/// Measures the CPU time of this thread, because other processes share the machine. The result is the
/// median of batches of about a millisecond. Allocations are counted separately, so that counting does
/// not affect the time.
pub(crate) fn cost(runtime: &Runtime, millis: u64, call: impl AsyncFn()) -> Cost {
    let slice = Duration::from_millis(millis);
    let batch = batch_of(runtime, slice / 4, &call);
    let mut times = Vec::new();
    let began = ThreadTime::now();
    while began.elapsed() < slice || times.len() < 5 {
        let clock = ThreadTime::now();
        repeat(runtime, batch, &call);
        times.push(clock.elapsed().as_nanos() as f64 / batch as f64);
    }
    let counted = allocation_counter::measure(|| repeat(runtime, COUNTED, &call));
    Cost {
        ns: percentile(&mut times, 0.5),
        allocations: Some(counted.count_total as f64 / COUNTED as f64),
    }
}

/// Returns how many calls fit into a millisecond, after a warm-up.
fn batch_of(runtime: &Runtime, warm_up: Duration, call: &impl AsyncFn()) -> u32 {
    let began = Instant::now();
    let clock = ThreadTime::now();
    let mut calls: u32 = 0;
    while began.elapsed() < warm_up {
        repeat(runtime, 8, call);
        calls += 8;
    }
    let one = clock.elapsed().as_secs_f64() / f64::from(calls.max(1));
    ((0.001 / one) as u32).max(1)
}

fn repeat(runtime: &Runtime, count: u32, call: &impl AsyncFn()) {
    runtime.block_on(async {
        for _ in 0..count {
            call().await;
        }
    });
}

/// Returns the smallest value that is at least as large as this share of the values, or 0 if there are
/// none.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let index = (values.len() as f64 * share).ceil() as usize;
    let index = index.saturating_sub(1).min(last);
    values.get(index).copied().unwrap_or_default()
}

const COUNTED: u32 = 200;
