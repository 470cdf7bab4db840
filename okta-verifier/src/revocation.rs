//! Revocation: rules about tokens that are no longer accepted although they have not expired, which the issuer's
//! signals and the operator make, and which each request is checked against.
//!
//! ```
//! # use okta_verifier_testing::TestIssuer;
//! use okta_verifier::{Verifier, revocation::{Revocations, Rule, SubjectClaim}};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let okta = TestIssuer::new("api://orders");
//! # let issuer = okta.issuer().any_client_id();
//! let revocations = Revocations::builder().forgets_at_restart().build()?;
//! let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
//! let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
//!
//! revocations.revoke(Rule::subject(okta.issuer_url(), SubjectClaim::Subject, "ada")).await?;
//! assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
//! assert!(verifier.verify(&bob).await.is_ok());
//! # Ok(())
//! # }
//! ```

mod active_transmitter;
mod currency;
mod epoch;
mod event;
mod event_hook;
mod event_token;
mod hook_body;
mod issuer_rules;
mod log;
mod logout;
mod management_token;
mod mark;
mod receiver;
mod registry;
mod revocations;
mod rule;
mod rules;
mod settings;
mod snapshot;
mod stream;
mod subject;
#[cfg(test)]
mod tests;
mod token_marks;
mod transmitter;
mod universal_logout;
mod verification;

// `epoch` takes these from here, so that the loom tests can include that file with others.
use std::sync::{
    RwLock,
    atomic::{AtomicU64, Ordering},
};

pub(crate) use self::{
    active_transmitter::{ActiveTransmitter, Target},
    issuer_rules::IssuerRules,
    log::{InDoubt, SharedLog},
    token_marks::TokenMarks,
    verification::Connection as VerificationConnection,
};
pub use self::{
    event::{Event, Reaction},
    event_hook::EventHook,
    log::{Doubt, LogAnswer, LogEntry, LogPosition, LogRead, RevocationLog},
    logout::BackChannelLogout,
    management_token::ManagementToken,
    revocations::{Revocations, RevokeError},
    rule::{Rule, SubjectClaim},
    settings::{Measure, RevocationsBuilder},
    snapshot::RevocationSnapshot,
    transmitter::Transmitter,
    universal_logout::UniversalLogout,
};
#[cfg(any(test, fuzzing))]
pub(crate) use self::{hook_body::check_hook_body, receiver::check_subjects};
pub use crate::stats::transmitters::{
    Signal, StreamStatus, TransmitterState, VerificationRequestStats,
};
