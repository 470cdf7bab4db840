//! The loop of a peer: a command in, an answer out.

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

/// Obeys the report until stdin ends. The process's argument is the number of threads: with 1
/// everything happens on the one whose CPU time is measured.
///
/// # Panics
///
/// On anything unexpected: the report sees the process end.
pub fn run<P: Peer>() {
    let mut peer = Obedient::<P>::new();
    for line in io::stdin().lock().lines() {
        let line = line.expect("the report writes text");
        let command = serde_json::from_str(&line).expect("the report writes commands");
        peer.obey(command);
    }
}

struct Obedient<P> {
    runtime: runtime::Runtime,
    /// Since [`Command::Start`].
    peer: Option<P>,
}

impl<P: Peer> Obedient<P> {
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

    fn obey(&mut self, command: Command) {
        if let Command::Start(settings) = command {
            let clock = Instant::now();
            self.peer = Some(self.runtime.block_on(P::start(settings)));
            let ms = clock.elapsed().as_secs_f64() * 1e3;
            return answer(&Started { ms });
        }
        let peer = self.peer.as_ref().expect("`start` comes first");
        let runtime = &self.runtime;
        match command {
            Command::Start(_) => {}
            Command::Check { token, patience_ms } => {
                let patience = Duration::from_millis(patience_ms);
                let accepted = runtime.block_on(check(peer, &token, patience));
                answer(&Verdict { accepted });
            }
            Command::Verify { token, millis } => {
                answer(&measure::cost(runtime, millis, async || {
                    assert!(peer.verify(&token).await, "a good token is accepted");
                }));
            }
            Command::Oneshot { token, millis } => match peer.apps() {
                Some(apps) => answer(&layered(runtime, &apps, &token, millis)),
                None => fail("it has no layer for axum"),
            },
            Command::Burst { tokens, callers } => {
                answer(&runtime.block_on(crowd::burst(peer, tokens, callers)));
            }
            Command::Each { tokens, millis } => {
                let limit = Duration::from_millis(millis);
                answer(&runtime.block_on(flood::each(peer, &tokens, limit)));
            }
            Command::Beside {
                token,
                flood,
                millis,
            } => {
                let slice = Duration::from_millis(millis);
                answer(&runtime.block_on(flood::beside(peer, token, flood, slice)));
            }
            Command::Serve { guarded } => match peer.apps() {
                Some(apps) => {
                    let app = if guarded { apps.guarded } else { apps.open };
                    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
                    let listener = listener.expect("a loopback socket");
                    let address = listener.local_addr().expect("a bound socket");
                    runtime.spawn(app.serve(listener));
                    answer(&Serving {
                        port: address.port(),
                    });
                }
                None => fail("it has no layer for axum"),
            },
        }
    }
}

/// Some fetch their keys in the background, after they are built.
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
    assert!(!bad.is_success(), "a bad token is refused");
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
    answer(&Failure {
        error: error.to_owned(),
    });
}

fn answer(answer: &impl Serialize) {
    let line = serde_json::to_string(answer).expect("answers are plain data");
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.expect("the report reads");
}
