//! DPoP (RFC 9449): tokens that are bound to a key, and the proofs that show its possession.

mod external_url;
mod htu;
mod nonce;
mod proof;
mod replay;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use external_url::{External, Place};
pub use nonce::DpopNonces;
pub(crate) use proof::{AcceptedProof, Expected, Holder, verify_proof};
pub(crate) use replay::{OutageLog, UseResult};
pub use replay::{ProofUse, ReplayAnswer, ReplayStore};
pub use settings::DpopSettings;
pub(crate) use settings::{Dpop, Replay};
#[cfg(any(test, fuzzing))]
pub(crate) use {
    htu::{Htu, target_path},
    proof::{ProofKeys, Window},
};
