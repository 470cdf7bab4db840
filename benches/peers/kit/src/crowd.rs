//! Many concurrent callers.

use std::{sync::Arc, time::Instant};

use protocol::{Burst, Share};
use tokio::task::JoinSet;

use crate::{measure::percentile, peer::Peer};

/// Starts `callers` tasks, which use the tokens in turns. Each time is measured from the common start.
pub(crate) async fn burst<P: Peer>(peer: &P, tokens: Vec<String>, callers: usize) -> Burst {
    let tokens: Arc<[String]> = tokens.into();
    let began = Instant::now();
    let mut crowd = JoinSet::new();
    for caller in 0..callers {
        let (peer, tokens) = (peer.clone(), Arc::clone(&tokens));
        crowd.spawn(async move {
            let which = caller % tokens.len();
            let accepted = peer.verify(&tokens[which]).await;
            (which, accepted, began.elapsed().as_secs_f64() * 1e3)
        });
    }
    let results = crowd.join_all().await;
    let share = |which| {
        let mine: Vec<_> = results.iter().filter(|it| it.0 == which).collect();
        let mut times: Vec<f64> = mine.iter().map(|it| it.2).collect();
        Share {
            callers: mine.len(),
            accepted: mine.iter().filter(|it| it.1).count(),
            p99_ms: percentile(&mut times, 0.99),
        }
    };
    Burst {
        tokens: (0..tokens.len()).map(share).collect(),
    }
}
