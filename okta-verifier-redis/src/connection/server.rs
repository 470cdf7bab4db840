//! `Server`: one server, or the primary that sentinels name. A server has at most one connection, which
//! all commands share, and at most one connection attempt at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Command, OVERDUE, Settings,
    address::Address,
    back_off::BackOff,
    failure::{Failure, Reply},
    sentinel::Sentinels,
    session::Session,
};

pub(super) struct Server {
    target: Target,
    settings: Arc<Settings>,
    state: Mutex<State>,
}

pub(super) enum Target {
    /// A server outside a cluster.
    Single(Address),
    /// A server of a cluster, which may redirect commands.
    Cluster(Address),
    Primary(Sentinels),
}

struct State {
    stage: Stage,
    back_off: BackOff,
    /// The last failure, unless the server has replied since.
    failure: Option<Failure>,
    attempts: u64,
}

enum Stage {
    Down,
    /// A task is connecting, and commands wait for it.
    Connecting(Attempt),
    Up(Arc<Session>),
}

#[derive(Clone)]
struct Attempt {
    number: u64,
    began: Instant,
    /// Closed when the attempt ends.
    end: watch::Receiver<()>,
}

impl Server {
    pub(super) fn new(target: Target, settings: Arc<Settings>) -> Self {
        Self {
            target,
            settings,
            state: Mutex::new(State {
                stage: Stage::Down,
                back_off: BackOff::default(),
                failure: None,
                attempts: 0,
            }),
        }
    }

    /// Sends the command at most once. After a lost connection or a timeout the server may have
    /// executed it, and the reply to a second command would reflect the effect of the first.
    pub(super) async fn send(
        self: &Arc<Self>,
        command: &Command,
        asking: bool,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        let session = timeout_at(deadline, self.session())
            .await
            .unwrap_or(Err(Failure::Timeout))?;
        // The caller has given up, so the command is not sent.
        if Instant::now() >= deadline {
            return Err(Failure::Timeout);
        }
        // The server gets the full timeout for its reply, even if the caller has already waited for a
        // connection. Otherwise a slow connection attempt would make the server look unresponsive.
        let result = timeout(
            self.settings.timeout,
            session.call(&command.command, asking),
        )
        .await;
        let reply = match result {
            Ok(result) => Reply::new(result, &session.address, self.is_in_cluster())
                .and_then(|reply| reply.checked(command, &session.address)),
            Err(_) => Err(Failure::Silent(session.address.clone())),
        };
        match &reply {
            Ok(_) if session.first_answer() => self.recovered(&session),
            Ok(_) => {}
            Err(failure) => self.lost(&session, failure),
        }
        reply
    }

    fn is_in_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// Returns the address, or `None` for a primary, whose address changes with each fail-over.
    pub(super) fn address(&self) -> Option<&Address> {
        match &self.target {
            Target::Single(address) | Target::Cluster(address) => Some(address),
            Target::Primary(_) => None,
        }
    }

    async fn session(self: &Arc<Self>) -> Result<Arc<Session>, Failure> {
        loop {
            match self.next() {
                Next::Decided(result) => return result,
                // `changed` always returns an error, because the sender is dropped when the attempt
                // ends. Only the wake-up matters.
                Next::Wait(mut end) => drop(end.changed().await),
            }
        }
    }

    fn next(self: &Arc<Self>) -> Next {
        let now = Instant::now();
        let mut state = self.lock();
        match &state.stage {
            Stage::Up(session) if session.is_open() => return Next::Decided(Ok(session.clone())),
            // An older attempt is treated as stuck: its runtime is probably blocked.
            Stage::Connecting(attempt)
                if now - attempt.began < self.settings.connect_timeout + OVERDUE =>
            {
                return Next::Wait(attempt.end.clone());
            }
            Stage::Up(session) => {
                if let Some(failure) = session.failure() {
                    state.fail(failure);
                }
            }
            Stage::Down | Stage::Connecting(_) => {}
        }
        if state.back_off.holds(now) {
            let failure = state.failure.clone().unwrap_or(Failure::Abandoned);
            return Next::Decided(Err(failure));
        }
        state.attempts += 1;
        let (sender, end) = watch::channel(());
        let connecting = Connecting {
            server: self.clone(),
            number: state.attempts,
            result: None,
            _end: sender,
        };
        state.stage = Stage::Connecting(Attempt {
            number: state.attempts,
            began: now,
            end: end.clone(),
        });
        // Release the lock first: if the runtime is shutting down, `spawn` drops the task at once, and
        // the `Drop` of `Connecting` takes the lock.
        drop(state);
        // The attempt runs in a separate task, because it may outlive this caller and serve later ones.
        tokio::spawn(connecting.run());
        Next::Wait(end)
    }

    async fn connect(&self) -> Result<Session, Failure> {
        match &self.target {
            Target::Single(address) | Target::Cluster(address) => {
                Session::open(address, &self.settings).await
            }
            Target::Primary(sentinels) => sentinels.connect_primary(&self.settings).await,
        }
    }

    /// Ends the back-off, unless the session has been replaced or dropped since.
    fn recovered(&self, session: &Arc<Session>) {
        let mut state = self.lock();
        if state.is_up(session) {
            state.back_off.end();
            state.failure = None;
        }
    }

    /// Records the failure, which starts the back-off, and closes the connection if it is no longer
    /// usable.
    fn lost(&self, session: &Arc<Session>, failure: &Failure) {
        let mut state = self.lock();
        if state.is_up(session) {
            state.fail(failure.clone());
        }
        drop(state);
        // If the server only rejected the command, the connection stays open for the replies to other
        // commands.
        if !matches!(failure, Failure::Refused(..) | Failure::LoginRejected(_)) {
            session.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_up(&self, session: &Arc<Session>) -> bool {
        matches!(&self.stage, Stage::Up(current) if Arc::ptr_eq(current, session))
    }

    fn fail(&mut self, failure: Failure) {
        self.stage = Stage::Down;
        self.back_off.failed(Instant::now());
        self.failure = Some(failure);
    }
}

enum Next {
    Decided(Result<Arc<Session>, Failure>),
    Wait(watch::Receiver<()>),
}

/// The state of the task that connects. It is dropped however the task ends, and then wakes the waiting
/// commands.
struct Connecting {
    server: Arc<Server>,
    number: u64,
    result: Option<Result<Arc<Session>, Failure>>,
    /// Dropped after `Drop::drop` has updated the state. This wakes the waiting commands.
    _end: watch::Sender<()>,
}

impl Connecting {
    async fn run(mut self) {
        let result = timeout(self.server.settings.connect_timeout, self.server.connect()).await;
        let result = result.unwrap_or_else(|_| {
            Err(match &self.server.target {
                Target::Single(address) | Target::Cluster(address) => {
                    Failure::Silent(address.clone())
                }
                Target::Primary(sentinels) => {
                    Failure::NoPrimary(sentinels.name.clone(), Arc::new(Failure::Timeout))
                }
            })
        });
        self.result = Some(result.map(Arc::new));
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        let mut state = self.server.lock();
        let is_current = matches!(
            &state.stage,
            Stage::Connecting(attempt) if attempt.number == self.number
        );
        match self.result.take() {
            // The attempt was overdue, and another one was started.
            _ if !is_current => {}
            Some(Ok(session)) => state.stage = Stage::Up(session),
            Some(Err(failure)) => state.fail(failure),
            // The task was dropped because its runtime ended.
            None => state.fail(Failure::Abandoned),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use redis::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(500);

    fn address() -> Address {
        Address::parse("localhost", 6379).unwrap()
    }

    fn server() -> Arc<Server> {
        let settings = Settings {
            tls: None,
            login: None,
            sentinel_login: None,
            database: 0,
            timeout: TIMEOUT,
            connect_timeout: TIMEOUT,
        };
        Arc::new(Server::new(Target::Single(address()), Arc::new(settings)))
    }

    /// Returns a session and the other end of its connection.
    async fn session() -> (Arc<Session>, DuplexStream) {
        let (ours, theirs) = duplex(1024);
        let session = Session::over(&address(), ours).await.unwrap();
        (Arc::new(session), theirs)
    }

    /// Returns a server with an open connection, whose back-off is at its maximum.
    async fn back_again() -> (Arc<Server>, DuplexStream) {
        let ((session, theirs), server) = (session().await, server());
        let mut state = server.lock();
        for _ in 0..10 {
            state.fail(Failure::ConnectionLost(address()));
        }
        state.stage = Stage::Up(session);
        drop(state);
        (server, theirs)
    }

    fn command() -> Command {
        Command {
            command: redis::cmd("PING"),
            is_reply: |value| matches!(value, Value::Okay),
        }
    }

    async fn answer(mut theirs: DuplexStream) {
        let mut read = [0; 1024];
        while theirs.read(&mut read).await.is_ok_and(|length| length > 0) {
            theirs.write_all(b"+OK\r\n").await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn command_is_not_sent_after_its_deadline() {
        let (server, mut theirs) = back_again().await;
        let late = server.send(&command(), false, Instant::now()).await;
        assert!(matches!(late, Err(Failure::Timeout)), "{late:?}");
        assert!(matches!(server.lock().stage, Stage::Up(_)));
        let nothing = timeout(TIMEOUT, theirs.read(&mut [0; 1])).await;
        assert!(nothing.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn connection_has_the_whole_time_for_a_reply() {
        let (server, _silent) = back_again().await;
        let begun = Instant::now();
        let silent = server.send(&command(), false, begun + TIMEOUT / 10).await;
        assert!(matches!(silent, Err(Failure::Silent(_))), "{silent:?}");
        assert!(begun.elapsed() >= TIMEOUT);
        assert!(matches!(server.lock().stage, Stage::Down));
    }

    #[tokio::test(start_paused = true)]
    async fn answer_ends_the_back_off() {
        let (server, theirs) = back_again().await;
        tokio::spawn(answer(theirs));
        assert!(server.lock().back_off.holds(Instant::now()));
        let deadline = Instant::now() + TIMEOUT;
        let reply = server.send(&command(), false, deadline).await;
        assert!(matches!(reply, Ok(Reply::Value(Value::Okay))), "{reply:?}");
        let mut state = server.lock();
        assert!(state.failure.is_none());
        assert!(!state.back_off.holds(Instant::now()));
        // The back-off starts again at its minimum.
        state.fail(Failure::Abandoned);
        assert!(
            !state
                .back_off
                .holds(Instant::now() + Duration::from_millis(250))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn session_that_was_given_up_changes_nothing() {
        let ((server, _theirs), (former, _)) = (back_again().await, session().await);
        server.lost(&former, &Failure::Timeout);
        server.recovered(&former);
        let state = server.lock();
        assert!(matches!(state.stage, Stage::Up(_)));
        assert!(matches!(state.failure, Some(Failure::ConnectionLost(_))));
        assert!(state.back_off.holds(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn attempt_that_was_given_up_changes_nothing() {
        let (server, _theirs) = back_again().await;
        drop(Connecting {
            server: server.clone(),
            number: 99,
            result: Some(Err(Failure::Timeout)),
            _end: watch::channel(()).0,
        });
        let state = server.lock();
        assert!(matches!(state.stage, Stage::Up(_)));
        assert!(matches!(state.failure, Some(Failure::ConnectionLost(_))));
    }
}
