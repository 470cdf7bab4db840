//! The rows of the table that are times. All cases of a row are measured in turns, in one process.

mod added;
mod cached;
mod flat;
mod refused;
mod uncached;

use benches::{table, verifiers::Served};

fn main() {
    let served = Served::default();
    table::begin();
    uncached::rows(&served);
    cached::rows(&served);
    added::rows(&served);
    flat::rows();
    refused::rows(&served);
}
