//! The contestants that were built, and their processes.

use std::cell::RefCell;

use crate::{
    fixture::Fixture,
    options::Options,
    process::{Peer, Threads},
    roster::Contestant,
};

/// The input of every scenario.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) options: Options,
    failures: RefCell<Vec<String>>,
}

impl Field {
    pub(crate) fn new(contestants: Vec<Contestant>, options: Options) -> Self {
        Self {
            contestants,
            options,
            failures: RefCell::default(),
        }
    }

    /// Starts a process for each contestant that is `wanted`, on one thread, and waits for its keys.
    pub(crate) async fn ready(
        &self,
        scenario: &str,
        fixture: &Fixture,
        wanted: impl Fn(&Contestant) -> bool,
    ) -> Vec<(Contestant, Peer)> {
        let mut ready = Vec::new();
        for contestant in self.contestants.iter().filter(|it| wanted(it)) {
            let settings = fixture.settings(contestant);
            let peer = Peer::ready(contestant, Threads::One, settings, &fixture.token).await;
            if let Some(peer) = self.keep(scenario, contestant, peer) {
                ready.push((contestant.clone(), peer));
            }
        }
        ready
    }

    /// Returns the contestants that fetch keys themselves.
    pub(crate) fn fetching(&self) -> impl Iterator<Item = &Contestant> {
        self.contestants.iter().filter(|it| it.fetches)
    }

    /// Records a failure for the end of the report.
    pub(crate) fn keep<T>(
        &self,
        scenario: &str,
        contestant: &Contestant,
        result: Result<T, String>,
    ) -> Option<T> {
        let note = |why: String| {
            let line = format!("{} in {scenario}: {why}", contestant.name);
            eprintln!("{line}");
            self.failures.borrow_mut().push(line);
        };
        result.map_err(note).ok()
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures.borrow().clone()
    }
}
