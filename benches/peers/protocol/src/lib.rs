//! What the report says to a peer, and what the peer answers: one line of JSON each, over stdin and
//! stdout. `node/peer.mjs` speaks the same.

use serde::{Deserialize, Serialize};

/// One line to a peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Build the verifier. Answer: [`Started`].
    Start(Settings),
    /// Verify `token`, again and again for at most `patience_ms` until it is accepted. Answer:
    /// [`Verdict`].
    Check {
        /// A JWT.
        token: String,
        /// 0 for one attempt.
        patience_ms: u64,
    },
    /// Verify `token` for about `millis`. Answer: [`Cost`].
    Verify {
        /// A JWT.
        token: String,
        /// Of CPU time.
        millis: u64,
    },
    /// The same through an axum application. Answer: [`Layered`], or [`Failure`] without a layer.
    Oneshot {
        /// A JWT.
        token: String,
        /// Of CPU time, for each of the two.
        millis: u64,
    },
    /// So many callers at once, the tokens by turns. Answer: [`Burst`].
    Burst {
        /// JWTs.
        tokens: Vec<String>,
        /// Of all tokens together.
        callers: usize,
    },
    /// Verify each token once, one after the other, and stop after `millis`. Answer: [`Each`].
    Each {
        /// JWTs.
        tokens: Vec<String>,
        /// Of the clock on the wall.
        millis: u64,
    },
    /// One caller with a good token, alone and then beside one that sends `flood` without end, for
    /// `millis` each. Answer: [`Beside`].
    Beside {
        /// The good token.
        token: String,
        /// JWTs.
        flood: Vec<String>,
        /// Of the clock on the wall, for each of the two.
        millis: u64,
    },
    /// Serve HTTP until the process is ended. Answer: [`Serving`].
    Serve {
        /// With the layer.
        guarded: bool,
    },
}

/// What a verifier has to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The expected `iss`, and where metadata is.
    pub issuer: String,
    /// Where keys are.
    pub jwks_uri: String,
    /// The keys themselves, for what cannot fetch them.
    pub jwks: String,
    /// The expected `aud`.
    pub audience: String,
    /// The expected `cid`.
    pub client_id: String,
    /// Remember verified tokens, where the verifier can.
    pub cached: bool,
}

/// The verifier is built.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Started {
    /// How long that took; some fetch the keys meanwhile.
    pub ms: f64,
}

/// Whether a token was accepted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// It was.
    pub accepted: bool,
}

/// What one verification, or one request, costs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// CPU time: the median of many batches.
    pub ns: f64,
    /// Absent where nobody can count.
    pub allocations: Option<f64>,
}

/// A request to an axum application without the layer, and to the same with it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Layered {
    /// Without.
    pub open: Cost,
    /// With the layer, and a handler that takes what the layer found.
    pub guarded: Cost,
}

/// What became of callers who came at once, token by token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Burst {
    /// In the order of the command.
    pub tokens: Vec<Share>,
}

/// The callers with one of the tokens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Share {
    /// How many there were.
    pub callers: usize,
    /// How many tokens were accepted.
    pub accepted: usize,
    /// From the beginning of the burst to a verdict.
    pub p99_ms: f64,
}

/// Tokens verified one after the other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Each {
    /// How many were tried before time was over.
    pub tried: usize,
    /// How many were accepted.
    pub accepted: usize,
    /// Median time of one, on the wall.
    pub median_us: f64,
}

/// A good caller, alone and beside a bad one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Beside {
    /// Alone.
    pub quiet_p99_us: f64,
    /// Beside the flood.
    pub flooded_p99_us: f64,
}

/// The application listens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Serving {
    /// On 127.0.0.1.
    pub port: u16,
}

/// The answer when there is no other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Why.
    pub error: String,
}
