//! `fn main() { kit::run::<MyPeer>() }`
//!
//! A peer is a process that holds one verifier. It reads commands, measures, and answers; see
//! [`protocol::Command`]. What differs between verifiers is the trait [`Peer`], and nothing else.

mod app;
mod claims;
mod crowd;
mod flood;
mod measure;
mod peer;
mod serve;

pub use app::{App, Apps, open_app};
pub use axum::Router;
pub use claims::Claims;
pub use peer::Peer;
pub use protocol::Settings;
pub use serve::run;
