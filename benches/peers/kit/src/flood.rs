//! Tokens that must be rejected, and a caller with a valid token at the same time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{Beside, Each};

use crate::{measure::percentile, peer::Peer};

/// Verifies each token once, one after the other. The median is the cost of a rejection without a
/// fetch, unless most tokens cause a fetch.
pub(crate) async fn each<P: Peer>(peer: &P, tokens: &[String], limit: Duration) -> Each {
    let began = Instant::now();
    let mut accepted = 0;
    let mut times = Vec::new();
    for token in tokens {
        if began.elapsed() > limit {
            break;
        }
        let clock = Instant::now();
        accepted += usize::from(peer.verify(token).await);
        times.push(clock.elapsed().as_secs_f64() * 1e6);
    }
    Each {
        tried: times.len(),
        accepted,
        median_us: percentile(&mut times, 0.5),
    }
}

/// Measures a caller that sends one request every millisecond, first alone and then during a continuous
/// flood.
pub(crate) async fn beside<P: Peer>(
    peer: &P,
    token: String,
    flood: Vec<String>,
    slice: Duration,
) -> Beside {
    let token: Arc<str> = token.into();
    let quiet_p99_us = honest(peer, &token, slice).await;
    let flooding = tokio::spawn({
        let peer = peer.clone();
        async move {
            for token in flood.iter().cycle() {
                peer.verify(token).await;
                // Yields, as a real connection does between two requests.
                tokio::task::yield_now().await;
            }
        }
    });
    let flooded_p99_us = honest(peer, &token, slice).await;
    flooding.abort();
    Beside {
        quiet_p99_us,
        flooded_p99_us,
    }
}

async fn honest<P: Peer>(peer: &P, token: &Arc<str>, slice: Duration) -> f64 {
    let (peer, token) = (peer.clone(), Arc::clone(token));
    // The caller has its own task, as a connection does.
    let caller = tokio::spawn(async move {
        let began = Instant::now();
        let mut times = Vec::new();
        while began.elapsed() < slice {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let clock = Instant::now();
            peer.verify(&token).await;
            times.push(clock.elapsed().as_secs_f64() * 1e6);
        }
        percentile(&mut times, 0.99)
    });
    caller.await.expect("the peer does not panic")
}
