//! The main function of a peer: `fn main() { kit::run::<MyPeer>() }`.
//!
//! A peer is a process with one verifier. It reads commands, measures, and responds; see
//! [`protocol::Command`]. Only the trait [`Peer`] differs between verifiers.

mod app;
mod crowd;
mod flood;
mod measure;
mod peer;
mod serve;

pub use app::{App, Apps, open_app};
pub use axum::Router;
pub use peer::{Claims, Peer};
pub use protocol::Settings;
pub use serve::run;
