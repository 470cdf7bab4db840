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
    /// The primary that serves each slot. Empty until the first topology arrives.
    owners: Vec<Option<Arc<Server>>>,
    /// The seeds, the servers in `owners`, and the servers that redirections named since the last
    /// topology.
    servers: HashMap<Address, Arc<Server>>,
    /// How many entries of `servers` come from redirections since the last topology.
    redirected: usize,
    refresh: Option<Refresh>,
    refreshes: usize,
    /// The earliest time of the next refresh.
    not_before: Option<Instant>,
    /// The failure of the last refresh, if it failed.
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

    /// Sends the command once. It is sent again only after `MOVED` or `ASK`, because these replies mean
    /// that the command was not executed. `CLUSTERDOWN` means the same, but the command is not retried,
    /// because a cluster stays down longer than a request may wait.
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
                // `ASK` applies to one key only, so the slot keeps its owner.
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
            // `changed` always returns an error, because the sender is dropped when the refresh ends.
            // Only the wake-up matters.
            drop(end.changed().await);
        }
    }

    /// Records the new owner of a slot and starts a refresh, because other slots may have moved too.
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

    /// Starts a fetch of the topology, or joins the fetch in progress. Returns a receiver that closes
    /// when the fetch ends, or `None` if the last fetch ended too recently for a new one.
    fn refresh(self: &Arc<Self>, mut state: MutexGuard<'_, State>) -> Option<watch::Receiver<()>> {
        let now = Instant::now();
        if let Some(refresh) = &state.refresh
            // An older refresh is treated as stuck: its runtime is probably blocked.
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
        // Release the lock first: if the runtime is shutting down, `spawn` drops the task at once, and
        // the `Drop` of `Refreshing` takes the lock.
        drop(state);
        // The refresh runs in a separate task, because it may outlive this caller and serve later ones.
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

    /// Returns the server that a redirection named.
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

    /// Applies a topology. Seeds, and servers that are still in the cluster, keep their connections.
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

/// The state of the task that fetches the topology. It is dropped however the task ends, and then wakes
/// the waiting commands.
struct Refreshing {
    cluster: Arc<Cluster>,
    number: usize,
    result: Option<Result<Vec<Range>, Failure>>,
    /// Dropped after `Drop::drop` has updated the state. This wakes the waiting commands.
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
            return; // This refresh was overdue, and another one was started.
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

/// Divides the servers into chunks. All servers of a chunk get `CLUSTER SLOTS` at the same time. Only
/// two chunks fit into the timeout, so all seeds are in the first one. The order of the other servers
/// changes with each refresh, because a server that is cut off from the cluster may return an outdated
/// topology.
fn chunks<T: Clone>(mut seeds: Vec<T>, mut others: Vec<T>, refreshes: usize) -> Vec<Vec<T>> {
    let length = others.len().max(1);
    others.rotate_left(refreshes.wrapping_mul(AT_ONCE) % length);
    let rest = others.split_off(others.len().min(AT_ONCE));
    seeds.append(&mut others);
    let mut chunks = vec![seeds];
    chunks.extend(rest.chunks(AT_ONCE).map(<[T]>::to_vec));
    chunks
}

/// Returns the first topology that a server sends. Several servers get the command at the same time,
/// because a server that is down never replies.
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

/// The maximum number of redirections of one command. If there are more, the servers contradict each
/// other.
const MAX_REDIRECTIONS: usize = 3;
/// The maximum number of new servers that redirections may name between two topologies. It bounds the
/// number of hosts to which a server can make this crate connect.
const MAX_REDIRECTED: usize = 64;
/// The pause between the end of a refresh and the start of the next.
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
