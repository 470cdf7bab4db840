//! One token, verified repeatedly, with its issuer's keys in memory.

use protocol::{Command, Cost};

use crate::{
    field::Field,
    fixture::Fixture,
    markdown,
    numbers::{median, number, ratio},
    roster::{Contestant, Role},
};

/// The cost of one verification by one contestant.
#[derive(Debug)]
pub(crate) struct Verification {
    pub(crate) contestant: Contestant,
    pub(crate) ns: f64,
    /// The ratio to the signature alone, in the same round.
    pub(crate) over_raw: f64,
    allocations: Option<f64>,
}

/// Measures the contestants and returns them, the cheapest first.
pub(crate) async fn run(field: &Field) -> Vec<Verification> {
    let fixture = Fixture::new().await;
    let mut peers = field.ready(HEADING, &fixture, |_| true).await;
    let mut costs: Vec<Vec<Option<Cost>>> = peers.iter().map(|_| Vec::new()).collect();
    for round in 0..field.options.rounds() {
        eprintln!("verify, round {}", round + 1);
        for turn in 0..peers.len() {
            let index = (turn + round) % peers.len();
            let (contestant, peer) = &mut peers[index];
            let command = Command::Verify {
                token: fixture.token.clone(),
                millis: field.options.slice(),
            };
            let cost = peer.send::<Cost>(&command).await;
            costs[index].push(field.keep(HEADING, contestant, cost));
        }
    }
    let raw = peers.iter().position(|(it, _)| it.is(Role::Raw));
    let raw: Vec<Option<f64>> = match raw {
        Some(index) => costs[index]
            .iter()
            .map(|it| Some(it.as_ref()?.ns))
            .collect(),
        None => Vec::new(),
    };
    let summary = |((contestant, _), costs): ((Contestant, _), Vec<Option<Cost>>)| {
        let over_raw = costs
            .iter()
            .zip(&raw)
            .filter_map(|(cost, raw)| Some((*cost)?.ns / (*raw)?));
        Verification {
            over_raw: median(over_raw),
            ns: median(costs.iter().flatten().map(|it| it.ns)),
            allocations: costs.iter().flatten().find_map(|it| it.allocations),
            contestant,
        }
    };
    let mut summaries: Vec<_> = peers.into_iter().zip(costs).map(summary).collect();
    summaries.retain(|it| it.ns > 0.0);
    summaries.sort_by(|one, other| one.over_raw.total_cmp(&other.over_raw));
    summaries
}

/// Returns the table.
pub(crate) fn section(verifications: &[Verification]) -> String {
    let row = |it: &Verification| {
        vec![
            it.contestant.name.to_owned(),
            it.contestant.version.clone(),
            it.contestant.crypto.to_owned(),
            number(it.ns),
            ratio(it.over_raw),
            it.allocations
                .map_or("-".to_owned(), |count| format!("{count:.0}")),
        ]
    };
    markdown::table(
        HEADING,
        "One RS256 token of 950 bytes and 12 claims, with the keys available. CPU time; the ratio is the \
         median over the rounds, within each round.",
        &[
            "",
            "version",
            "signature by",
            "ns",
            "over the signature alone",
            "allocations",
        ],
        verifications.iter().map(row),
    )
}

const HEADING: &str = "One verification";
