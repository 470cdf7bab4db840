//! The part that differs between verifiers.

use std::future::Future;

use protocol::Settings;

use crate::app::{App, Apps};

/// A verifier to measure. `Clone` shares it, as a service would.
pub trait Peer: Clone + Send + Sync + 'static {
    /// The axum applications, if the verifier has a layer or an extractor.
    type App: App;

    /// Builds the verifier as its documentation says, with every check that it offers for these settings.
    fn start(settings: Settings) -> impl Future<Output = Self>;

    /// Returns whether `token` is accepted. The result of the verification must be passed through
    /// [`std::hint::black_box`].
    fn verify(&self, token: &str) -> impl Future<Output = bool> + Send;

    /// Returns the applications, or `None` if it has neither a layer nor an extractor.
    fn apps(&self) -> Option<Apps<Self::App>> {
        None
    }
}
