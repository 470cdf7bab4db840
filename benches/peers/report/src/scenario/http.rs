//! Requests per second over a loopback socket, measured with wrk.

use protocol::{Command, Serving};
use tokio::process;

use crate::{
    field::Field,
    fixture::Fixture,
    markdown,
    numbers::{median, number, ratio},
    process::{Peer, Threads},
    roster::{Contestant, Role},
};

/// Runs the scenario and returns the table for three servers: without verification, with okta-verifier,
/// and with the other contestant whose layer adds the least time.
pub(crate) async fn section(field: &Field, neighbour: Option<&Contestant>) -> String {
    let paragraph =
        "wrk, 32 connections; server and wrk share the machine. The ratio is within each round.";
    if process::Command::new("wrk")
        .arg("-v")
        .output()
        .await
        .is_err()
    {
        return format!("### {HEADING}\n\nLeft out: wrk is not installed.\n");
    }
    let mut setups = Vec::new();
    let ours: Vec<_> = field
        .contestants
        .iter()
        .filter(|it| it.is(Role::Ours))
        .collect();
    if let Some(first) = ours.iter().copied().chain(neighbour).next() {
        setups.push(Setup::new("no verification", first, false));
    }
    for contestant in ours.into_iter().chain(neighbour) {
        setups.push(Setup::new(contestant.name, contestant, true));
    }
    let fixture = Fixture::new().await;
    for round in 0..field.options.runs() {
        eprintln!("http, round {}", round + 1);
        for setup in &mut setups {
            let rate = setup.rate(&fixture, field.options.http_seconds()).await;
            setup
                .rates
                .push(field.keep(HEADING, setup.contestant, rate));
        }
    }
    let open: Vec<_> = setups
        .first()
        .map(|it| it.rates.clone())
        .unwrap_or_default();
    let row = |setup: &Setup<'_>| {
        let ratios = setup
            .rates
            .iter()
            .zip(&open)
            .filter_map(|(rate, open)| Some((*rate)? / (*open)?));
        vec![
            setup.name.to_owned(),
            number(median(setup.rates.iter().flatten().copied())),
            ratio(median(ratios)),
        ]
    };
    let columns = ["", "requests per second", "over no verification"];
    markdown::table(HEADING, paragraph, &columns, setups.iter().map(row))
}

struct Setup<'a> {
    name: &'a str,
    contestant: &'a Contestant,
    guarded: bool,
    rates: Vec<Option<f64>>,
}

impl<'a> Setup<'a> {
    fn new(name: &'a str, contestant: &'a Contestant, guarded: bool) -> Self {
        Self {
            name,
            contestant,
            guarded,
            rates: Vec::new(),
        }
    }

    async fn rate(&self, fixture: &Fixture, seconds: u64) -> Result<f64, String> {
        let settings = fixture.settings(self.contestant);
        let mut peer = Peer::ready(self.contestant, Threads::Two, settings, &fixture.token).await?;
        let serve = Command::Serve {
            guarded: self.guarded,
        };
        let serving: Serving = peer.send(&serve).await?;
        let output = process::Command::new("wrk")
            .args(["-t1", "-c32", &format!("-d{seconds}s"), "-H"])
            .arg(format!("Authorization: Bearer {}", fixture.token))
            .arg(format!("http://127.0.0.1:{}/", serving.port))
            .output()
            .await
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        if text.contains("Non-2xx") {
            return Err("not every response was a 200".to_owned());
        }
        let rate = text
            .lines()
            .find_map(|line| line.strip_prefix("Requests/sec:"));
        rate.and_then(|rate| rate.trim().parse().ok())
            .ok_or("wrk reported no rate".to_owned())
    }
}

const HEADING: &str = "HTTP";
