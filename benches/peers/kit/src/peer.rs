//! What differs between verifiers.

use std::future::Future;

use protocol::Settings;

use crate::app::{App, Apps};

/// A verifier under measurement. `Clone` is what a service would do to share it.
pub trait Peer: Clone + Send + Sync + 'static {
    /// The axum applications, for a verifier that has a layer or an extractor.
    type App: App;

    /// Builds the verifier as its documents say, with every check it offers for these settings.
    fn start(settings: Settings) -> impl Future<Output = Self>;

    /// Whether `token` is accepted. What verification gives must be passed through
    /// [`std::hint::black_box`].
    fn verify(&self, token: &str) -> impl Future<Output = bool> + Send;

    /// `None`: it has neither a layer nor an extractor.
    fn apps(&self) -> Option<Apps<Self::App>> {
        None
    }
}
