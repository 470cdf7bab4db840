//! Key rotation: the issuer signs with a new key shortly after a verifier has fetched the keys.

use std::time::Duration;

use protocol::{Burst, Command, Share};

use crate::{
    field::Field,
    fixture::Fixture,
    markdown,
    numbers::{count, median, number},
    process::{Peer, Threads},
    roster::Contestant,
};

/// Runs the scenario and returns the table.
pub(crate) async fn section(field: &Field) -> String {
    let mut rows = Vec::new();
    for contestant in field.fetching() {
        eprintln!("rotation: {}", contestant.name);
        let mut runs = Vec::new();
        for _ in 0..field.options.runs() {
            let run = run(contestant).await;
            runs.extend(field.keep(HEADING, contestant, run));
        }
        let Some(old) = runs.iter().map(|it| it.old.accepted).min() else {
            continue;
        };
        let new = runs
            .iter()
            .map(|it| it.new.accepted)
            .min()
            .unwrap_or_default();
        let fetches = runs.iter().map(|it| it.fetches).max().unwrap_or_default();
        rows.push(vec![
            contestant.name.to_owned(),
            count(fetches),
            count(old),
            number(median(runs.iter().map(|it| it.old.p99_ms))),
            count(new),
            number(median(runs.iter().map(|it| it.new.p99_ms))),
        ]);
    }
    markdown::table(
        HEADING,
        "1,000 requests at once, half of them with a token of a key that was published a moment \
         after the verifier fetched the keys; the issuer takes 100 ms for each response.",
        &[
            "",
            "fetches of keys",
            "old key: accepted of 500",
            "p99 ms",
            "new key: accepted of 500",
            "p99 ms",
        ],
        rows,
    )
}

struct Rotated {
    fetches: usize,
    old: Share,
    new: Share,
}

async fn run(contestant: &Contestant) -> Result<Rotated, String> {
    let fixture = Fixture::new().await;
    let settings = fixture.settings(contestant);
    let old = fixture.token.clone();
    let mut peer = Peer::ready(contestant, Threads::Two, settings, &old).await?;
    let tokens = vec![old, fixture.rotate()];
    fixture.okta.set_latency(LATENCY);
    fixture.okta.reset_hits();
    let burst: Burst = peer
        .send(&Command::Burst {
            tokens,
            callers: 1_000,
        })
        .await?;
    match burst.tokens[..] {
        [old, new] => Ok(Rotated {
            fetches: fixture.okta.hits().keys,
            old,
            new,
        }),
        _ => Err("the response does not have two shares".to_owned()),
    }
}

const HEADING: &str = "Rotation";
const LATENCY: Duration = Duration::from_millis(100);
