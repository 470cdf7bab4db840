//! `Cluster`: sends each command to the server that has the slot of its key.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::Value;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Command, OVERDUE, Settings,
    address::Address,
    failure::{Failure, Reply},
    server::{Server, Target},
    slots::{self, Range},
};

pub(super) struct Cluster {
    seeds: Vec<Address>,
    settings: Arc<Settings>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By slot; empty before the first topology.
    owners: Vec<Option<Arc<Server>>>,
    /// The seeds, the owners, and those that a redirection named since the last refresh.
    servers: HashMap<Address, Arc<Server>>,
    /// How many of `servers` a redirection named since the last topology.
    redirected: usize,
    refresh: Option<Refresh>,
    refreshes: usize,
    /// No refresh begins before.
    not_before: Option<Instant>,
    /// Of the last refresh.
    failure: Option<Failure>,
}

/// A task that fetches the topology.
struct Refresh {
    number: usize,
    began: Instant,
    /// Closed when the refresh ends.
    end: watch::Receiver<()>,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Address>, settings: Arc<Settings>) -> Self {
        let mut state = State::default();
        for seed in &seeds {
            state.server(seed.clone(), &settings);
        }
        Self {
            seeds,
            settings,
            state: Mutex::new(state),
        }
    }

    /// Sends the command once, and again only after a redirection: `MOVED` and `ASK` say that it was not
    /// executed. So does `CLUSTERDOWN`, but it lasts longer than a caller waits.
    pub(super) async fn send(
        self: &Arc<Self>,
        key: &[u8],
        command: &Command,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let slot = slots::slot(key);
        let mut server = timeout_at(deadline, self.owner(slot))
            .await
            .unwrap_or(Err(Failure::Timeout))?;
        let mut asking = false;
        for _ in 0..=MAX_REDIRECTIONS {
            match server.send(command, asking, deadline).await {
                Ok(Reply::Value(value)) => return Ok(value),
                Ok(Reply::Moved(to)) => {
                    (server, asking) = (self.moved(slot, to)?, false);
                }
                // Only this key has moved so far, so the slot keeps its owner.
                Ok(Reply::Ask(to)) => {
                    (server, asking) = (self.asked(to)?, true);
                }
                Ok(Reply::Unready(failure)) | Err(failure) => {
                    self.refresh(self.lock());
                    return Err(failure);
                }
            }
        }
        Err(Failure::TooManyRedirections)
    }

    async fn owner(self: &Arc<Self>, slot: usize) -> Result<Arc<Server>, Failure> {
        loop {
            let refresh = {
                let state = self.lock();
                match state.owners.get(slot) {
                    Some(Some(owner)) => return Ok(owner.clone()),
                    Some(None) => {
                        self.refresh(state);
                        return Err(Failure::UnassignedSlot);
                    }
                    None => {}
                }
                let failure = Failure::NoTopology(state.failure.clone().map(Arc::new));
                self.refresh(state).ok_or(failure)
            };
            let mut end = refresh?;
            // An error: the sender is dropped at the end of the refresh.
            drop(end.changed().await);
        }
    }

    /// Records the new owner of a slot. Others may have moved too.
    fn moved(self: &Arc<Self>, slot: usize, to: Address) -> Result<Arc<Server>, Failure> {
        let mut state = self.lock();
        let server = state.redirected(to, &self.settings);
        if let (Ok(server), Some(owner)) = (&server, state.owners.get_mut(slot)) {
            *owner = Some(server.clone());
        }
        self.refresh(state);
        server
    }

    fn asked(self: &Arc<Self>, to: Address) -> Result<Arc<Server>, Failure> {
        let mut state = self.lock();
        let server = state.redirected(to, &self.settings);
        if server.is_err() {
            self.refresh(state);
        }
        server
    }

    /// Begins to fetch the topology, unless that is going on, or ended a moment ago: then `None`.
    fn refresh(self: &Arc<Self>, mut state: MutexGuard<'_, State>) -> Option<watch::Receiver<()>> {
        let now = Instant::now();
        if let Some(refresh) = &state.refresh
            // One that is older belongs to a runtime that stands still.
            && now - refresh.began < self.refresh_time() + OVERDUE
        {
            return Some(refresh.end.clone());
        }
        if state.not_before.is_some_and(|not_before| now < not_before) {
            return None;
        }
        state.refreshes += 1;
        let (sender, end) = watch::channel(());
        let refreshing = Refreshing {
            cluster: self.clone(),
            number: state.refreshes,
            result: None,
            _end: sender,
        };
        state.refresh = Some(Refresh {
            number: state.refreshes,
            began: now,
            end: end.clone(),
        });
        let (seeds, others): (Vec<_>, Vec<_>) = state
            .servers
            .iter()
            .partition(|(address, _)| self.seeds.contains(address));
        let values = |servers: Vec<(_, &Arc<Server>)>| {
            servers
                .into_iter()
                .map(|(_, server)| server.clone())
                .collect()
        };
        let chunks = chunks(values(seeds), values(others), state.refreshes);
        // A runtime that is shutting down drops the task here, and the task takes the lock then.
        drop(state);
        // In a task of its own: it may take longer than this caller waits, and serves the next one.
        tokio::spawn(refreshing.run(chunks));
        Some(end)
    }

    fn refresh_time(&self) -> Duration {
        2 * (self.settings.connect_timeout + self.settings.timeout)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn server(&mut self, address: Address, settings: &Arc<Settings>) -> Arc<Server> {
        let new = |address: &Address| {
            Arc::new(Server::new(
                Target::Cluster(address.clone()),
                settings.clone(),
            ))
        };
        let server = self.servers.entry(address);
        let server = server.or_insert_with_key(new);
        server.clone()
    }

    /// The server that a redirection named.
    fn redirected(
        &mut self,
        to: Address,
        settings: &Arc<Settings>,
    ) -> Result<Arc<Server>, Failure> {
        if !self.servers.contains_key(&to) {
            if self.redirected == MAX_REDIRECTED {
                return Err(Failure::TooManyServers);
            }
            self.redirected += 1;
        }
        Ok(self.server(to, settings))
    }

    /// Servers that stay keep their connections; seeds stay.
    fn apply(&mut self, ranges: Vec<Range>, cluster: &Cluster) {
        self.owners = vec![None; slots::SLOTS];
        let mut kept: HashSet<_> = cluster.seeds.iter().cloned().collect();
        for range in ranges {
            let server = self.server(range.server.clone(), &cluster.settings);
            self.owners[range.first..=range.last].fill(Some(server));
            kept.insert(range.server);
        }
        self.servers.retain(|address, _| kept.contains(address));
        self.redirected = 0;
        self.failure = None;
    }
}

/// Held by the task that fetches the topology. However it ends, the commands that wait for it are woken.
struct Refreshing {
    cluster: Arc<Cluster>,
    number: usize,
    result: Option<Result<Vec<Range>, Failure>>,
    /// Dropped last, after the state is set.
    _end: watch::Sender<()>,
}

impl Refreshing {
    async fn run(mut self, chunks: Vec<Vec<Arc<Server>>>) {
        let topology = topology(chunks, &self.cluster.settings);
        let topology = timeout(self.cluster.refresh_time(), topology).await;
        self.result = Some(topology.unwrap_or(Err(Failure::Timeout)));
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        let mut state = self.cluster.lock();
        let is_current = state
            .refresh
            .as_ref()
            .is_some_and(|it| it.number == self.number);
        if !is_current {
            return; // It was overdue, and another one was begun.
        }
        state.refresh = None;
        state.not_before = Some(Instant::now() + REFRESH_PAUSE);
        match self.result.take() {
            Some(Ok(ranges)) => state.apply(ranges, &self.cluster),
            Some(Err(failure)) => state.failure = Some(failure),
            None => state.failure = Some(Failure::Abandoned),
        }
    }
}

/// The servers that get `CLUSTER SLOTS` at once. The time is enough for two chunks only, so all seeds are in
/// the first one, whatever servers redirections have named. The others take turns, because a server
/// that was cut off from them knows an old topology.
fn chunks<T: Clone>(mut seeds: Vec<T>, mut others: Vec<T>, refreshes: usize) -> Vec<Vec<T>> {
    let length = others.len().max(1);
    others.rotate_left(refreshes.wrapping_mul(AT_ONCE) % length);
    let rest = others.split_off(others.len().min(AT_ONCE));
    seeds.append(&mut others);
    let mut chunks = vec![seeds];
    chunks.extend(rest.chunks(AT_ONCE).map(<[T]>::to_vec));
    chunks
}

/// The first topology that a server sends. A few servers get the command at once, because those on a lost
/// machine do not answer.
async fn topology(
    chunks: Vec<Vec<Arc<Server>>>,
    settings: &Settings,
) -> Result<Vec<Range>, Failure> {
    let mut last = Failure::Abandoned;
    for servers in chunks {
        let deadline = Instant::now() + settings.connect_timeout + settings.timeout;
        let mut answers = JoinSet::new();
        for server in servers {
            answers.spawn(server.topology(deadline));
        }
        while let Some(answer) = answers.join_next().await {
            match answer.unwrap_or(Err(Failure::Abandoned)) {
                Ok(ranges) => return Ok(ranges),
                Err(failure) => last = failure,
            }
        }
    }
    Err(last)
}

impl Server {
    async fn topology(self: Arc<Self>, deadline: Instant) -> Result<Vec<Range>, Failure> {
        let mut command = Command {
            command: redis::cmd("CLUSTER"),
            is_reply: |value| matches!(value, Value::Array(_)),
        };
        command.command.arg("SLOTS");
        let Some(address) = self.address().cloned() else {
            return Err(Failure::NoTopology(None));
        };
        match self.send(&command, false, deadline).await? {
            Reply::Value(reply) => slots::ranges(&reply, &address),
            Reply::Unready(failure) => return Err(failure),
            Reply::Moved(_) | Reply::Ask(_) => None,
        }
        .ok_or(Failure::UnexpectedReply(address))
    }
}

/// A command that is redirected more often meets servers that contradict each other.
const MAX_REDIRECTIONS: usize = 3;
/// Servers that redirections may name until the next topology: a server must not make the client connect to
/// any number of hosts.
const MAX_REDIRECTED: usize = 64;
/// Between the end of one refresh and the beginning of the next.
const REFRESH_PAUSE: Duration = Duration::from_millis(250);
const AT_ONCE: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_begins_with_all_seeds_and_takes_the_others_in_turn() {
        assert_eq!(chunks(vec![1, 2], vec![], 7), [vec![1, 2]]);
        let of = |refreshes| chunks(vec![1, 2, 3, 4], (10..18).collect(), refreshes);
        assert_eq!(
            of(0),
            [vec![1, 2, 3, 4, 10, 11, 12], vec![13, 14, 15], vec![16, 17]]
        );
        assert_eq!(of(1)[0], [1, 2, 3, 4, 13, 14, 15]);
        assert_eq!(of(2)[0], [1, 2, 3, 4, 16, 17, 10]);
        assert_eq!(of(3)[0], [1, 2, 3, 4, 11, 12, 13]);
    }
}
