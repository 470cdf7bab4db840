//! DPoP (RFC 9449): tokens that are bound to a key, and the proofs that show its possession.

mod external_url;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod htu;
mod judge;
mod key_cache;
mod nonce;
mod proof;
mod replay;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use external_url::Place;
pub(crate) use judge::{Expected, Holder, Used, judge};
pub use nonce::DpopNonces;
pub use replay::{ProofUse, ReplayAnswer, ReplayStore};
pub(crate) use replay::{Trouble, Verdict};
pub use settings::DpopSettings;
pub(crate) use settings::{Dpop, Replay};
