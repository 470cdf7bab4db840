//! The table itself: one file a theme, one entry a case.

#[cfg(feature = "server")]
mod asked;
mod audience;
mod certificates;
mod claims;
mod clients;
mod credentials;
mod dates;
mod dpop;
mod header;
mod keys;
mod kinds;
mod malformed;
mod odd_keys;
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

/// Every case, in an order that does not matter.
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
        odd_keys::cases(),
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

/// Every case of tokens that are bound to a key (RFC 9449) or a certificate (RFC 8705), for an API over
/// [`Issuers::bound`](super::Issuers::bound). They are asked in this order: a proof is good once.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::bound_cases();
/// let replayed = cases.iter().find(|case| case.name() == "DPoP: the same request again").unwrap();
/// assert_eq!(replayed.expected().status(), 401);
/// assert_eq!(replayed.expected().www_authenticate().count(), 2, "one line a scheme");
/// ```
#[must_use]
pub fn bound_cases() -> Vec<Case> {
    let cases = [dpop::cases(), proofs::cases(), certificates::cases()];
    cases.concat()
}

/// Every case of tokens that their issuer is asked about (RFC 7662), for an API over
/// [`Issuers::asking`](super::Issuers::asking).
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::asked_cases();
/// let revoked = cases.iter().find(|case| case.name() == "asked: a revoked JWT").unwrap();
/// assert_eq!(revoked.expected().status(), 401);
/// ```
#[cfg(feature = "server")]
#[must_use]
pub fn asked_cases() -> Vec<Case> {
    asked::cases()
}

/// A case in a row of like ones: its name, its requirements, and what is special.
type Row<T> = (&'static str, &'static [u16], T);

/// What happens to a good token before it is signed.
type Edit = fn(TokenBuilder) -> TokenBuilder;

/// What happens to the JSON text of a good header or payload.
type Rewrite = fn(String) -> Vec<u8>;
