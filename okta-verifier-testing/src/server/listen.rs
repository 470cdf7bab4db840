//! Takes connections, and gives each one answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::request::Request;
use super::state::Shared;
use super::{play, route};

/// Until the task is aborted.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Aborting this task drops the set, and that aborts the connections.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&shared)))),
            // Out of descriptors, or a peer that left: others may still come.
            #[expect(
                clippy::disallowed_methods,
                reason = "no event says when accepting works again"
            )]
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One request, one answer, one connection.
#[expect(
    clippy::disallowed_methods,
    reason = "the latency is a setting of the mock"
)]
async fn converse(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(request) = Request::read(&mut stream).await else {
        return;
    };
    let endpoint = route::endpoint(&request.path);
    let (fault, latency) = shared.arrived(endpoint, &request);
    tokio::time::sleep(latency).await;
    let mut answer = route::answer(&shared, &request);
    if fault.is_none() {
        answer = route::revalidated(&shared, &request, answer);
    }
    // A client that hangs up early is part of many tests.
    let _ = play::play(&mut stream, &shared, answer, fault).await;
}
