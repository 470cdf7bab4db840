//! Revocation: rules about tokens that are no longer accepted although they have not expired, which the issuer's
//! signals and the operator make, and which each request is checked against.

mod epoch;
mod issuer_rules;
mod mark;
mod revocations;
mod rule;
mod rules;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;
mod token_marks;

// `epoch` takes these from here, so that the loom tests can include that file with others.
use std::sync::{
    RwLock,
    atomic::{AtomicU64, Ordering},
};

pub(crate) use self::{
    epoch::Seen,
    issuer_rules::IssuerRules,
    mark::Mark,
    token_marks::{Login, TokenMarks},
};
pub use self::{
    revocations::{Revocations, RevokeError},
    rule::{Rule, SubjectClaim},
    settings::{Measure, RevocationsBuilder},
    snapshot::RevocationSnapshot,
};
