//! What waits and repeats: the clocks, one fetch for many callers, rate limits and back-off.

pub(crate) mod backoff;
pub(crate) mod clock;
pub(crate) mod single_flight;
pub(crate) mod token_bucket;

// For `single_flight`.
use std::sync::Mutex;
