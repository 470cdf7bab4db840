//! What we have to the server: a line, an attempt at one, or a reason why there is none.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{timeout, timeout_at};

use super::{address::Address, failure::Failure, line::Line};
use crate::{
    crypto::random_u64,
    sync::{backoff::BackOff, clock::Now, single_flight::Flight},
};

pub(super) struct Server {
    address: Address,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    back_off: BackOff,
    /// Of the last failure, if no answer has come since.
    failure: Option<Failure>,
}

enum Stage {
    Down,
    /// A task makes the connection, and requests wait for it.
    Opening(Opening),
    Up(Arc<Line>),
}

#[derive(Clone)]
struct Opening {
    flight: Arc<Flight>,
    began: Now,
}

impl Server {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            state: Mutex::new(State {
                stage: Stage::Down,
                back_off: BackOff::new(random_u64()).at_most(MAX_BACK_OFF),
                failure: None,
            }),
        }
    }

    /// Whether `key` was not there. It is now, for `keep`. A question that was sent is never sent
    /// again: the second answer would be about the first one.
    pub(super) async fn first_use(
        self: Arc<Self>,
        key: String,
        keep: Duration,
        patience: Duration,
    ) -> Result<bool, Failure> {
        let deadline = Now::read().instant + patience;
        let line = timeout_at(deadline, self.line())
            .await
            .unwrap_or(Err(Failure::Timeout))?;
        let answer = timeout_at(deadline, line.set(&key, keep))
            .await
            .unwrap_or(Err(Failure::Timeout));
        match &answer {
            Ok(_) if line.answered() => self.recovered(&line),
            Ok(_) => {}
            Err(failure) => self.lost(&line, failure),
        }
        answer
    }

    async fn line(self: &Arc<Self>) -> Result<Arc<Line>, Failure> {
        loop {
            match self.next() {
                Next::Decided(result) => return result,
                Next::Wait(flight) => flight.wait().await,
            }
        }
    }

    fn next(self: &Arc<Self>) -> Next {
        let now = Now::read();
        let mut state = self.lock();
        match &state.stage {
            Stage::Up(line) if line.is_open() => return Next::Decided(Ok(line.clone())),
            Stage::Opening(opening) if now.since(opening.began) < OVERDUE => {
                return Next::Wait(opening.flight.clone());
            }
            Stage::Up(_) | Stage::Down | Stage::Opening(_) => {}
        }
        if state.back_off.left(now).is_some() {
            let failure = state.failure.clone().unwrap_or(Failure::Abandoned);
            return Next::Decided(Err(failure));
        }
        let opening = Opening {
            flight: Arc::default(),
            began: now,
        };
        state.stage = Stage::Opening(opening.clone());
        drop(state);
        let landing = Landing {
            server: self.clone(),
            flight: opening.flight.clone(),
            result: None,
        };
        // In a task of its own: it may take longer than this request waits, and is good for the
        // next one.
        tokio::spawn(landing.run());
        Next::Wait(opening.flight)
    }

    /// A line that was given up says nothing of the next one.
    fn recovered(&self, line: &Arc<Line>) {
        let mut state = self.lock();
        if state.is_up(line) {
            state.back_off.end();
            state.failure = None;
        }
    }

    /// Whatever went wrong, a new line is a new beginning; after a while.
    fn lost(&self, line: &Arc<Line>, failure: &Failure) {
        let mut state = self.lock();
        if state.is_up(line) {
            state.fail(failure.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_up(&self, line: &Arc<Line>) -> bool {
        matches!(&self.stage, Stage::Up(current) if Arc::ptr_eq(current, line))
    }

    fn fail(&mut self, failure: Failure) {
        self.stage = Stage::Down;
        self.back_off.failed(None, Now::read());
        self.failure = Some(failure);
    }
}

enum Next {
    Decided(Result<Arc<Line>, Failure>),
    Wait(Arc<Flight>),
}

/// Held by who makes the connection. However that ends, those who wait are woken.
struct Landing {
    server: Arc<Server>,
    flight: Arc<Flight>,
    result: Option<Result<Arc<Line>, Failure>>,
}

impl Landing {
    async fn run(mut self) {
        let opened = timeout(OPENING, Line::open(&self.server.address))
            .await
            .unwrap_or(Err(Failure::Timeout));
        self.result = Some(opened.map(Arc::new));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut state = self.server.lock();
        let is_current = matches!(
            &state.stage,
            Stage::Opening(current) if Arc::ptr_eq(&current.flight, &self.flight)
        );
        match self.result.take() {
            // Another request has given it up.
            _ if !is_current => {}
            Some(Ok(line)) => state.stage = Stage::Up(line),
            Some(Err(failure)) => state.fail(failure),
            // Its runtime ended.
            None => state.fail(Failure::Timeout),
        }
        drop(state);
        self.flight.land();
    }
}

/// How long name, connection, TLS and login may take in all.
const OPENING: Duration = Duration::from_secs(1);
/// An attempt that is older: its runtime stands still.
const OVERDUE: Duration = Duration::from_millis(1_500);
/// The server is our own: no kindness is needed, and callers wait for it.
const MAX_BACK_OFF: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    /// Down for as long as it may be, and then a line to a server that answers everything with OK.
    async fn back_again() -> Arc<Server> {
        let line = line().await;
        let server = Arc::new(Server::new(address()));
        let mut state = server.lock();
        for _ in 0..10 {
            state.fail(Failure::Broken);
        }
        state.stage = Stage::Up(line);
        drop(state);
        server
    }

    fn address() -> Address {
        Address::parse("redis://localhost").unwrap()
    }

    async fn line() -> Arc<Line> {
        let (ours, theirs) = duplex(1024);
        tokio::spawn(answer(theirs));
        Arc::new(Line::over(&address(), ours).await.unwrap())
    }

    async fn answer(mut theirs: DuplexStream) {
        let mut asked = [0; 1024];
        while theirs.read(&mut asked).await.is_ok_and(|length| length > 0) {
            // Of each command the first byte is `*`.
            theirs.write_all(b"+OK\r\n").await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_the_back_off() {
        let server = back_again().await;
        assert!(server.lock().back_off.left(Now::read()).is_some());
        let answer = server.clone().first_use("k".into(), PATIENCE, PATIENCE);
        assert!(answer.await.unwrap());
        let mut state = server.lock();
        assert!(state.failure.is_none());
        assert_eq!(state.back_off.left(Now::read()), None);
        // The next one is a first one.
        state.fail(Failure::Broken);
        let left = state.back_off.left(Now::read());
        assert!(
            left.is_some_and(|left| left <= Duration::from_millis(250)),
            "{left:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_was_given_up_says_nothing_of_the_next() {
        let (server, former) = (back_again().await, line().await);
        server.lost(&former, &Failure::Timeout);
        server.recovered(&former);
        let state = server.lock();
        assert!(matches!(state.stage, Stage::Up(_)));
        assert!(matches!(state.failure, Some(Failure::Broken)));
        assert!(state.back_off.left(Now::read()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_was_given_up_changes_nothing() {
        let server = back_again().await;
        drop(Landing {
            server: server.clone(),
            flight: Arc::default(),
            result: Some(Err(Failure::Timeout)),
        });
        let state = server.lock();
        assert!(matches!(state.stage, Stage::Up(_)));
        assert!(matches!(state.failure, Some(Failure::Broken)));
    }
}
