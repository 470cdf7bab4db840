//! The loop of a peer, which reads commands and writes responses.

use std::{
    env,
    io::{self, BufRead, Write},
    time::{Duration, Instant},
};

use axum::http::{HeaderValue, StatusCode};
use protocol::{Command, Failure, Layered, Serving, Started, Verdict};
use serde::Serialize;
use tokio::{net::TcpListener, runtime};

use crate::{
    app::{App, Apps},
    crowd, flood, measure,
    peer::Peer,
};

/// Serves commands until stdin ends. The argument of the process is the number of threads. With 1
/// thread, everything runs on the thread whose CPU time is measured.
///
/// # Panics
///
/// Panics on any unexpected input, so that the report notices that the process ended.
pub fn run<P: Peer>() {
    let mut peer = Server::<P>::new();
    for line in io::stdin().lock().lines() {
        let line = line.expect("the report writes text");
        let command = serde_json::from_str(&line).expect("the report writes commands");
        peer.serve_command(command);
    }
}

struct Server<P> {
    runtime: runtime::Runtime,
    /// The verifier, after [`Command::Start`].
    peer: Option<P>,
}

impl<P: Peer> Server<P> {
    fn new() -> Self {
        let mut builder = match env::args().nth(1).as_deref() {
            Some("1") => runtime::Builder::new_current_thread(),
            _ => runtime::Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(2).enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            peer: None,
        }
    }

    fn serve_command(&mut self, command: Command) {
        if let Command::Start(settings) = command {
            let clock = Instant::now();
            self.peer = Some(self.runtime.block_on(P::start(settings)));
            let ms = clock.elapsed().as_secs_f64() * 1e3;
            return respond(&Started { ms });
        }
        let peer = self.peer.as_ref().expect("`start` is the first command");
        let runtime = &self.runtime;
        match command {
            Command::Start(_) => {}
            Command::Check { token, patience_ms } => {
                let patience = Duration::from_millis(patience_ms);
                let accepted = runtime.block_on(check(peer, &token, patience));
                respond(&Verdict { accepted });
            }
            Command::Verify { token, millis } => {
                respond(&measure::cost(runtime, millis, async || {
                    assert!(peer.verify(&token).await, "the valid token is accepted");
                }));
            }
            Command::Oneshot { token, millis } => match peer.apps() {
                Some(apps) => respond(&layered(runtime, &apps, &token, millis)),
                None => fail("the verifier has no layer for axum"),
            },
            Command::Burst { tokens, callers } => {
                respond(&runtime.block_on(crowd::burst(peer, tokens, callers)));
            }
            Command::Each { tokens, millis } => {
                let limit = Duration::from_millis(millis);
                respond(&runtime.block_on(flood::each(peer, &tokens, limit)));
            }
            Command::Beside {
                token,
                flood,
                millis,
            } => {
                let slice = Duration::from_millis(millis);
                respond(&runtime.block_on(flood::beside(peer, token, flood, slice)));
            }
            Command::Serve { guarded } => match peer.apps() {
                Some(apps) => {
                    let app = if guarded { apps.guarded } else { apps.open };
                    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
                    let listener = listener.expect("a loopback socket is available");
                    let address = listener.local_addr().expect("the socket is bound");
                    runtime.spawn(app.serve(listener));
                    respond(&Serving {
                        port: address.port(),
                    });
                }
                None => fail("the verifier has no layer for axum"),
            },
        }
    }
}

/// Repeats the verification until it succeeds, because some verifiers fetch their keys in the
/// background.
async fn check(peer: &impl Peer, token: &str, patience: Duration) -> bool {
    let began = Instant::now();
    loop {
        if peer.verify(token).await {
            return true;
        }
        if began.elapsed() >= patience {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn layered<A: App>(
    runtime: &runtime::Runtime,
    apps: &Apps<A>,
    token: &str,
    millis: u64,
) -> Layered {
    let header = |value: String| HeaderValue::try_from(value).expect("a token is a field value");
    let bad = runtime.block_on(apps.guarded.oneshot(header("Bearer a.b.c".to_owned())));
    assert!(!bad.is_success(), "the bad token is rejected");
    let authorization = header(format!("Bearer {token}"));
    let cost = |app: &A| {
        measure::cost(runtime, millis, async || {
            let status = app.oneshot(authorization.clone()).await;
            assert_eq!(status, StatusCode::OK);
        })
    };
    Layered {
        open: cost(&apps.open),
        guarded: cost(&apps.guarded),
    }
}

fn fail(error: &str) {
    respond(&Failure {
        error: error.to_owned(),
    });
}

fn respond(response: &impl Serialize) {
    let line = serde_json::to_string(response).expect("responses are plain data");
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.expect("the report reads");
}
