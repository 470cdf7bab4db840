//! The conformance cases, one file per topic.

mod audience;
mod certificates;
mod claims;
mod clients;
mod credentials;
mod dates;
mod dpop;
mod header;
#[cfg(feature = "server")]
mod introspection;
mod key_set;
mod keys;
mod kinds;
mod malformed;
mod open;
mod optional;
mod policy;
mod profile;
mod proofs;
mod scopes;
mod signatures;
mod step_up;
mod tenants;
mod token_form;
mod unavailable;

use super::Case;
use crate::TokenBuilder;

/// Returns every case. Their order does not matter.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::cases();
/// let statuses: Vec<u16> = cases.iter().map(|case| case.expected().status()).collect();
/// assert!([200, 400, 401, 403, 500, 503].iter().all(|status| statuses.contains(status)));
/// ```
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        credentials::cases(),
        malformed::cases(),
        token_form::cases(),
        header::cases(),
        keys::cases(),
        key_set::cases(),
        signatures::cases(),
        tenants::cases(),
        claims::cases(),
        dates::cases(),
        audience::cases(),
        clients::cases(),
        kinds::cases(),
        scopes::cases(),
        policy::cases(),
        step_up::cases(),
        profile::cases(),
        optional::cases(),
        open::cases(),
        unavailable::cases(),
    ]
    .concat()
}

/// Returns every case of tokens that are bound to a key (RFC 9449) or a certificate (RFC 8705), for an
/// API over [`Issuers::bound`](super::Issuers::bound). They must run in this order, because a proof is
/// accepted once.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::bound_cases();
/// let replayed = cases.iter().find(|case| case.name() == "DPoP: a replayed request").unwrap();
/// assert_eq!(replayed.expected().status(), 401);
/// assert_eq!(replayed.expected().www_authenticate().count(), 2, "one line per scheme");
/// ```
#[must_use]
pub fn bound_cases() -> Vec<Case> {
    let cases = [dpop::cases(), proofs::cases(), certificates::cases()];
    cases.concat()
}

/// Returns every case of tokens that require introspection (RFC 7662), for an API over
/// [`Issuers::asking`](super::Issuers::asking).
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::asked_cases();
/// let revoked = cases.iter().find(|case| case.name() == "introspection: a revoked JWT").unwrap();
/// assert_eq!(revoked.expected().status(), 401);
/// ```
#[cfg(feature = "server")]
#[must_use]
pub fn asked_cases() -> Vec<Case> {
    introspection::cases()
}

/// A row of similar cases: the name, the requirements, and what is special.
type Row<T> = (&'static str, &'static [u16], T);

/// A change to a valid token before it is signed.
type Edit = fn(TokenBuilder) -> TokenBuilder;

/// A change to the JSON text of a valid header or payload.
type Rewrite = fn(String) -> Vec<u8>;
