//! Many concurrent callers of a process that has just started.

use std::time::Duration;

use protocol::{Burst, Command};

use crate::{
    field::Field,
    fixture::Fixture,
    markdown,
    numbers::{count, median, number},
    process::{Peer, Threads},
    roster::{Contestant, Role},
};

/// Runs the scenario and returns the table: 1,000 callers, and 10,000 for okta-verifier.
pub(crate) async fn section(field: &Field) -> String {
    let fixture = Fixture::new().await;
    fixture.okta.set_latency(LATENCY);
    let mut rows = Vec::new();
    for contestant in field.fetching() {
        let crowds: &[usize] = if contestant.is(Role::Ours) {
            &[1_000, 10_000]
        } else {
            &[1_000]
        };
        for callers in crowds {
            eprintln!("herd of {callers}: {}", contestant.name);
            let mut runs = Vec::new();
            for _ in 0..field.options.runs() {
                let run = run(contestant, &fixture, *callers).await;
                runs.extend(field.keep(HEADING, contestant, run));
            }
            let Some(worst) = runs.iter().map(|it| it.accepted).min() else {
                continue;
            };
            let fetches = runs.iter().map(|it| it.fetches).max().unwrap_or_default();
            rows.push(vec![
                contestant.name.to_owned(),
                count(*callers),
                count(fetches),
                count(worst),
                number(median(runs.iter().map(|it| it.p99_ms))),
            ]);
        }
    }
    markdown::table(
        HEADING,
        "Concurrent requests with one valid token at a cold start; the issuer takes 100 ms for each response, \
         metadata and keys. Times run from the beginning of construction, in which some fetch \
         already. The most fetches and the fewest accepted of all runs, the median of the p99.",
        &["", "requests", "fetches of keys", "accepted", "p99 ms"],
        rows,
    )
}

struct Herd {
    fetches: usize,
    accepted: usize,
    p99_ms: f64,
}

async fn run(contestant: &Contestant, fixture: &Fixture, callers: usize) -> Result<Herd, String> {
    fixture.okta.reset_hits();
    let settings = fixture.settings(contestant);
    let mut peer = Peer::start(contestant, Threads::Two, settings).await?;
    let tokens = vec![fixture.token.clone()];
    let burst: Burst = peer.send(&Command::Burst { tokens, callers }).await?;
    let share = burst.tokens.first().ok_or("no share")?;
    Ok(Herd {
        fetches: fixture.okta.hits().keys,
        accepted: share.accepted,
        p99_ms: peer.start_ms + share.p99_ms,
    })
}

const HEADING: &str = "Herd";
const LATENCY: Duration = Duration::from_millis(100);
