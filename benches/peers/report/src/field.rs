//! Those that were built, and how to begin with them.

use std::cell::RefCell;

use crate::{
    fixture::Fixture,
    options::Options,
    process::{Peer, Threads},
    roster::Contestant,
};

/// What every scenario gets.
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

    /// A process for each that is `wanted`, on one thread, with its keys.
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

    /// Those with a fetch of their own.
    pub(crate) fn fetching(&self) -> impl Iterator<Item = &Contestant> {
        self.contestants.iter().filter(|it| it.fetches)
    }

    /// Notes a failure, for the end of the report.
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
