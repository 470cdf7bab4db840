//! The part that differs between verifiers.

use std::future::Future;

use protocol::Settings;
use serde::{Deserialize, Serialize};

use crate::app::{App, Apps};

/// A verifier to measure. Clones share its state, as in a service.
pub trait Peer: Clone + Send + Sync + 'static {
    /// The axum applications, if the verifier has a layer or an extractor.
    type App: App;

    /// Builds the verifier as its documentation recommends, with every check that it offers for these
    /// settings.
    fn start(settings: Settings) -> impl Future<Output = Self>;

    /// Returns whether the verifier accepts `token`. The implementation must pass the result of the
    /// verification through [`std::hint::black_box`].
    fn verify(&self, token: &str) -> impl Future<Output = bool> + Send;

    /// Returns the applications, or `None` if the verifier has neither a layer nor an extractor.
    fn apps(&self) -> Option<Apps<Self::App>> {
        None
    }
}

/// The claims of the token, for verifiers that deserialize them into the caller's type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the token")]
pub struct Claims {
    pub ver: u32,
    pub jti: String,
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub iat: u64,
    pub exp: u64,
    pub auth_time: u64,
    pub cid: String,
    pub uid: String,
    pub scp: Vec<String>,
    pub groups: Vec<String>,
}
