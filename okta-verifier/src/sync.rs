//! Time and concurrency: the clocks, single flight, retirement, rate limits, back-off and the log of outages.

pub(crate) mod backoff;
pub(crate) mod clock;
pub(crate) mod outage_log;
pub(crate) mod retirement;
pub(crate) mod single_flight;
#[cfg(test)]
mod tests;
pub(crate) mod token_bucket;

// `single_flight` takes `Mutex` from here, so that the loom tests can include that file with another
// `Mutex`.
use std::sync::Mutex;
