//! The table: each file has the rows of one subject.

mod calls;
mod challenges;
mod dpop;
mod headers;
mod metadata;
mod scopes;
mod sessions;
mod smuggling;
mod tokens;

use super::{ResourceReport, probe::Probe};

/// Runs every row.
pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    metadata::run(probe, report).await;
    tokens::run(probe, report).await;
    challenges::run(probe, report).await;
    scopes::run(probe, report).await;
    dpop::run(probe, report).await;
    calls::run(probe, report).await;
    smuggling::run(probe, report).await;
    headers::run(probe, report).await;
    sessions::run(probe, report).await;
}

/// Returns scopes as a challenge writes them.
fn quoted(scopes: &[String]) -> String {
    format!("scope=\"{}\"", scopes.join(" "))
}

/// Returns the sorted scopes of a resource and of something inside.
fn union(one: &[String], other: &[String]) -> Vec<String> {
    let mut scopes = [one, other].concat();
    scopes.sort();
    scopes.dedup();
    scopes
}
