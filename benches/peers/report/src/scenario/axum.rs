//! A request through an axum application without a socket, with and without the layer.

use protocol::{Command, Cost, Layered};

use crate::{
    field::Field,
    fixture::Fixture,
    markdown,
    numbers::{median, number, ratio},
    roster::{Contestant, Role},
};

/// The cost that the layer adds to a request.
#[derive(Debug)]
pub(crate) struct Added {
    pub(crate) contestant: Contestant,
    open_ns: f64,
    ns: f64,
    allocations: f64,
    /// The ratio to one bare signature, in the same round.
    over_raw: f64,
}

/// Measures the layers and returns them, the cheapest first.
pub(crate) async fn run(field: &Field) -> Vec<Added> {
    let fixture = Fixture::new().await;
    let wanted = |it: &Contestant| it.layer || it.is(Role::Raw);
    let mut peers = field.ready(HEADING, &fixture, wanted).await;
    let raw = peers.iter().position(|(it, _)| it.is(Role::Raw));
    let mut raw = raw.map(|index| peers.remove(index));
    let mut rounds: Vec<Vec<(Layered, f64)>> = peers.iter().map(|_| Vec::new()).collect();
    for round in 0..field.options.rounds() {
        eprintln!("axum, round {}", round + 1);
        let token = fixture.token.clone();
        let millis = field.options.slice();
        let bare = Command::Verify {
            token: token.clone(),
            millis,
        };
        let bare = match &mut raw {
            Some((contestant, peer)) => {
                field.keep(HEADING, contestant, peer.send::<Cost>(&bare).await)
            }
            None => None,
        };
        for turn in 0..peers.len() {
            let index = (turn + round) % peers.len();
            let (contestant, peer) = &mut peers[index];
            let command = Command::Oneshot {
                token: token.clone(),
                millis,
            };
            let layered = peer.send::<Layered>(&command).await;
            if let Some(layered) = field.keep(HEADING, contestant, layered) {
                let added = layered.guarded.ns - layered.open.ns;
                rounds[index].push((layered, bare.map_or(0.0, |bare| added / bare.ns)));
            }
        }
    }
    let summary = |((contestant, _), rounds): ((Contestant, _), Vec<(Layered, f64)>)| {
        let (last, _) = rounds.last()?;
        Some(Added {
            open_ns: median(rounds.iter().map(|(it, _)| it.open.ns)),
            ns: median(rounds.iter().map(|(it, _)| it.guarded.ns - it.open.ns)),
            allocations: last.guarded.allocations? - last.open.allocations?,
            over_raw: median(rounds.iter().map(|(_, ratio)| *ratio)),
            contestant,
        })
    };
    let mut summaries: Vec<_> = peers.into_iter().zip(rounds).filter_map(summary).collect();
    summaries.sort_by(|one, other| one.ns.total_cmp(&other.ns));
    summaries
}

/// Returns the other contestant whose layer adds the least time.
pub(crate) fn best_neighbour(layers: &[Added]) -> Option<&Contestant> {
    let mut contestants = layers.iter().map(|it| &it.contestant);
    contestants.find(|it| it.is(Role::Neighbour))
}

/// Returns the table.
pub(crate) fn section(layers: &[Added]) -> String {
    let row = |it: &Added| {
        vec![
            it.contestant.name.to_owned(),
            number(it.open_ns),
            number(it.ns),
            ratio(it.over_raw),
            format!("{:.0}", it.allocations),
        ]
    };
    markdown::table(
        HEADING,
        "`Router::oneshot`, the handler reads the subject; jwt-authorizer with the axum 0.7 it is \
         made for, the others with axum 0.8.",
        &[
            "",
            "ns without",
            "ns added",
            "added, over one bare signature",
            "allocations added",
        ],
        layers.iter().map(row),
    )
}

const HEADING: &str = "A layer for axum";
