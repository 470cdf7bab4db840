//! Sender-constrained tokens: that who sends a token is who it was issued to, shown by a DPoP
//! proof (RFC 9449) or a client certificate (RFC 8705).

mod cache;
pub(crate) mod certificate;
mod external;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod htu;
mod judge;
mod nonce;
mod peers;
mod proof;
mod replay;
mod settings;

#[cfg(test)]
mod tests;

pub use certificate::ClientCertificate;
pub(crate) use external::Place;
pub(crate) use judge::{Expected, Holder, Used, judge};
pub use nonce::DpopNonces;
pub(crate) use peers::Peers;
pub(crate) use replay::{Memory, Remote, Trouble, Verdict};
pub use replay::{ProofUse, ReplayAnswer, ReplayStore};
pub use settings::DpopSettings;
pub(crate) use settings::{Dpop, Replay};
