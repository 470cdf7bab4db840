//! Tokens with unknown key IDs, and a caller with a valid token at the same time.

use std::time::Duration;

use protocol::{Beside, Command, Each};

use crate::{
    field::Field,
    fixture::Fixture,
    markdown,
    numbers::{median, number, ratio},
    process::{Peer, Threads},
    roster::Contestant,
};

/// Runs the scenario and returns the table.
pub(crate) async fn section(field: &Field) -> String {
    let fixture = Fixture::new().await;
    fixture.okta.set_latency(LATENCY);
    let flood = fixture.unknown_kids(1_000);
    let mut rows = Vec::new();
    for contestant in field.fetching() {
        eprintln!("flood: {}", contestant.name);
        let mut runs = Vec::new();
        for _ in 0..field.options.runs() {
            let run = run(field, contestant, &fixture, &flood).await;
            runs.extend(field.keep(HEADING, contestant, run));
        }
        let Some(worst) = runs.iter().max_by_key(|it| it.fetches) else {
            continue;
        };
        rows.push(vec![
            contestant.name.to_owned(),
            format!("{} of {}", worst.fetches, worst.each.tried),
            number(median(runs.iter().map(|it| it.each.median_us))),
            number(median(runs.iter().map(|it| it.beside.quiet_p99_us))),
            number(median(runs.iter().map(|it| it.beside.flooded_p99_us))),
            ratio(median(
                runs.iter()
                    .map(|it| it.beside.flooded_p99_us / it.beside.quiet_p99_us),
            )),
        ]);
    }
    markdown::table(
        HEADING,
        "1,000 tokens under as many unknown key IDs, one after the other, for three seconds at \
         most; the issuer takes 20 ms for each response. Then an honest request every millisecond, \
         alone and next to a client that floods continuously.",
        &[
            "",
            "fetches of keys",
            "µs each, median",
            "honest p99 µs, quiet",
            "flooded",
            "ratio",
        ],
        rows,
    )
}

struct Flooded {
    fetches: usize,
    each: Each,
    beside: Beside,
}

async fn run(
    field: &Field,
    contestant: &Contestant,
    fixture: &Fixture,
    flood: &[String],
) -> Result<Flooded, String> {
    let settings = fixture.settings(contestant);
    let token = fixture.token.clone();
    let mut peer = Peer::ready(contestant, Threads::Two, settings, &token).await?;
    fixture.okta.reset_hits();
    let each: Each = peer
        .send(&Command::Each {
            tokens: flood.to_vec(),
            millis: 3_000,
        })
        .await?;
    if each.accepted > 0 {
        return Err("the peer accepts a token of an unknown key".to_owned());
    }
    let fetches = fixture.okta.hits().keys;
    let beside = Command::Beside {
        token,
        flood: flood.to_vec(),
        millis: field.options.watched(),
    };
    Ok(Flooded {
        fetches,
        each,
        beside: peer.send(&beside).await?,
    })
}

const HEADING: &str = "Flood";
const LATENCY: Duration = Duration::from_millis(20);
