//! Revocation: rules about tokens that are no longer accepted although they have not expired, which the issuer's
//! signals and the operator make, and which each request is checked against.

mod rule;

pub use rule::{Rule, SubjectClaim};
