//! The protocol between the report and a peer: one line of JSON per command and per response, over
//! stdin and stdout. `node/peer.mjs` implements it too.

use serde::{Deserialize, Serialize};

/// A command to a peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Build the verifier. Response: [`Started`].
    Start(Settings),
    /// Verify `token` repeatedly until it is accepted, for at most `patience_ms`. Response:
    /// [`Verdict`].
    Check {
        /// A JWT.
        token: String,
        /// The limit; 0 for one attempt.
        patience_ms: u64,
    },
    /// Verify `token` for about `millis`. Response: [`Cost`].
    Verify {
        /// A JWT.
        token: String,
        /// CPU time.
        millis: u64,
    },
    /// Verify `token` through an axum application. Response: [`Layered`], or [`Failure`] without a layer.
    Oneshot {
        /// A JWT.
        token: String,
        /// CPU time, for each of the two applications.
        millis: u64,
    },
    /// Start `callers` concurrent callers, which use the tokens in turns. Response: [`Burst`].
    Burst {
        /// JWTs.
        tokens: Vec<String>,
        /// The number of callers of all tokens together.
        callers: usize,
    },
    /// Verify each token once, one after the other, and stop after `millis`. Response: [`Each`].
    Each {
        /// JWTs.
        tokens: Vec<String>,
        /// Wall time.
        millis: u64,
    },
    /// Measure a caller with a good token, first alone and then while another caller sends `flood`
    /// continuously, for `millis` each. Response: [`Beside`].
    Beside {
        /// The good token.
        token: String,
        /// JWTs.
        flood: Vec<String>,
        /// Wall time, for each of the two.
        millis: u64,
    },
    /// Serve HTTP until the process ends. Response: [`Serving`].
    Serve {
        /// Whether the application has the layer.
        guarded: bool,
    },
}

/// The settings of a verifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The expected `iss`. The metadata is at a path below this URL.
    pub issuer: String,
    /// The URL of the keys.
    pub jwks_uri: String,
    /// The keys themselves, for verifiers that cannot fetch them.
    pub jwks: String,
    /// The expected `aud`.
    pub audience: String,
    /// The expected `cid`.
    pub client_id: String,
    /// Whether to cache verified tokens, if the verifier can.
    pub cached: bool,
}

/// Response: the verifier is built.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Started {
    /// The time to build the verifier. Some verifiers fetch the keys during this time.
    pub ms: f64,
}

/// Response: whether a token was accepted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the token was accepted.
    pub accepted: bool,
}

/// Response: the cost of one verification or one request.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// CPU time, as the median of many batches.
    pub ns: f64,
    /// The number of allocations, if it can be counted.
    pub allocations: Option<f64>,
}

/// Response: the cost of a request to an axum application without and with the layer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Layered {
    /// Without the layer.
    pub open: Cost,
    /// With the layer. The handler reads the result of the layer.
    pub guarded: Cost,
}

/// Response: the results of concurrent callers, per token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Burst {
    /// The results, in the order of the command.
    pub tokens: Vec<Share>,
}

/// The results of the callers with one of the tokens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Share {
    /// The number of callers.
    pub callers: usize,
    /// How many tokens were accepted.
    pub accepted: usize,
    /// The time from the start of the burst to a result.
    pub p99_ms: f64,
}

/// Response: the results of tokens that were verified one after the other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Each {
    /// How many tokens were verified within the time.
    pub tried: usize,
    /// How many were accepted.
    pub accepted: usize,
    /// The median wall time of one verification.
    pub median_us: f64,
}

/// Response: a good caller, alone and next to a flood.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Beside {
    /// Alone.
    pub quiet_p99_us: f64,
    /// Next to the flood.
    pub flooded_p99_us: f64,
}

/// Response: the application listens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Serving {
    /// The port on 127.0.0.1.
    pub port: u16,
}

/// Response: the command failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The reason.
    pub error: String,
}
