//! The process of a peer.

use std::{process::Stdio, time::Duration};

use protocol::{Command, Failure, Settings, Started, Verdict};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

use crate::roster::Contestant;

/// A running peer. Dropping the value ends the process.
#[derive(Debug)]
pub(crate) struct Peer {
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    _child: Child,
    /// How long its verifier took to build.
    pub(crate) start_ms: f64,
}

/// The number of threads of a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Threads {
    /// One thread, whose CPU time is measured.
    One,
    Two,
}

impl Peer {
    /// Starts the process and builds its verifier, which may not have its keys yet.
    pub(crate) async fn start(
        contestant: &Contestant,
        threads: Threads,
        settings: Settings,
    ) -> Result<Self, String> {
        let (program, arguments) = contestant
            .command
            .split_first()
            .ok_or("the peer was not built")?;
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .arg(match threads {
                Threads::One => "1",
                Threads::Two => "2",
            })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let stdin = child.stdin.take().ok_or("no stdin")?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut peer = Self {
            stdin,
            stdout: BufReader::new(stdout).lines(),
            _child: child,
            start_ms: 0.0,
        };
        let started: Started = peer.send(&Command::Start(settings)).await?;
        peer.start_ms = started.ms;
        Ok(peer)
    }

    /// Starts the process and waits until it accepts `token`, which shows that it has its keys.
    pub(crate) async fn ready(
        contestant: &Contestant,
        threads: Threads,
        settings: Settings,
        token: &str,
    ) -> Result<Self, String> {
        let mut peer = Self::start(contestant, threads, settings).await?;
        if peer.accepts(token, PATIENCE).await? {
            Ok(peer)
        } else {
            Err("the peer rejects the valid token".to_owned())
        }
    }

    pub(crate) async fn accepts(
        &mut self,
        token: &str,
        patience: Duration,
    ) -> Result<bool, String> {
        let check = Command::Check {
            token: token.to_owned(),
            patience_ms: patience.as_millis() as u64,
        };
        let result: Verdict = self.send(&check).await?;
        Ok(result.accepted)
    }

    /// Sends a command and reads the response.
    pub(crate) async fn send<A: DeserializeOwned>(
        &mut self,
        command: &Command,
    ) -> Result<A, String> {
        let mut line = serde_json::to_string(command).map_err(|error| error.to_string())?;
        line.push('\n');
        let exchange = async {
            self.stdin.write_all(line.as_bytes()).await?;
            self.stdin.flush().await?;
            self.stdout.next_line().await
        };
        let answer = timeout(LIMIT, exchange)
            .await
            .map_err(|_| "the peer did not respond in time".to_owned())?
            .map_err(|error| error.to_string())?
            .ok_or("the process of the peer ended")?;
        if let Ok(Failure { error }) = serde_json::from_str(&answer) {
            return Err(error);
        }
        serde_json::from_str(&answer).map_err(|error| error.to_string())
    }
}

/// The time limit for keys that are fetched in the background.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time limit of a command, so that the run always ends.
const LIMIT: Duration = Duration::from_secs(30);
