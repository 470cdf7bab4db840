//! DPoP (RFC 9449): tokens that are bound to a key, and the proofs that the client possesses that key.
//!
//! [`VerifierBuilder::dpop`](crate::VerifierBuilder::dpop) takes the [`DpopSettings`]. The settings say
//! under which URL clients call this service, how old a proof may be, whether a proof must have a nonce
//! ([`DpopNonces`]), and where used proofs are stored. A [`ReplayStore`] that several instances can share
//! is in the crate `okta-verifier-redis`.
//!
//! ```
//! use okta_verifier::{Issuer, Verifier, dpop::{DpopNonces, DpopSettings}};
//!
//! let settings = DpopSettings::base_url("https://api.example.com").nonces(DpopNonces::random());
//! let verifier = Verifier::builder()
//!     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id())
//!     .dpop(settings)
//!     .build()?;
//! # Ok::<(), okta_verifier::ConfigError>(())
//! ```

mod external_url;
mod htu;
mod nonce;
mod proof;
mod replay;
mod settings;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use external_url::{External, Place};
pub use nonce::DpopNonces;
pub(crate) use proof::{AcceptedProof, Expected, Holder, verify_proof};
pub(crate) use replay::UseResult;
pub use replay::{ProofUse, ReplayAnswer, ReplayStore};
pub use settings::DpopSettings;
pub(crate) use settings::{Dpop, Replay};
#[cfg(any(test, fuzzing))]
pub(crate) use {
    htu::{Htu, target_path},
    proof::ProofKeys,
    window::Window,
};
