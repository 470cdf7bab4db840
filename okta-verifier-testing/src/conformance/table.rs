//! The conformance cases, one file per topic.

mod algorithms;
mod audience;
mod certificates;
mod claims;
mod clients;
mod credentials;
mod dates;
mod dpop;
mod dpop_proof;
mod header;
#[cfg(feature = "server")]
mod introspection;
mod issuers;
mod key_set;
mod malformed_credentials;
mod optional_layer;
mod policy;
mod providers;
mod resources;
mod rfc9068;
mod routes;
mod scopes;
mod signatures;
mod step_up;
mod token_form;
mod token_types;
mod unavailable_keys;

use super::Case;
use crate::TokenBuilder;

/// Returns every case of the first table. The order of the cases does not matter.
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
        named("credentials", credentials::cases()),
        named("malformed credentials", malformed_credentials::cases()),
        named("token form", token_form::cases()),
        named("header", header::cases()),
        named("algorithm", algorithms::cases()),
        named("key set", key_set::cases()),
        named("signature", signatures::cases()),
        named("issuer", issuers::cases()),
        named("claims", claims::cases()),
        named("dates", dates::cases()),
        named("audience", audience::cases()),
        named("client", clients::cases()),
        named("token type", token_types::cases()),
        named("scope", scopes::cases()),
        named("policy", policy::cases()),
        named("step-up", step_up::cases()),
        named("RFC 9068", rfc9068::cases()),
        named("optional layer", optional_layer::cases()),
        named("route", routes::cases()),
        named("unavailable keys", unavailable_keys::cases()),
    ]
    .concat()
}

/// Returns the cases of the first table that need no other issuer than the first one, with regular keys.
#[cfg(feature = "server")]
pub(super) fn cases_of_one_issuer() -> Vec<Case> {
    let mut cases = cases();
    cases.retain(Case::is_of_one_issuer);
    cases
}

/// Returns every case of tokens that are bound to a key (RFC 9449) or a certificate (RFC 8705), for an
/// API over [`Issuers::bound`](super::Issuers::bound). They must run in this order, because a proof is
/// accepted once.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::bound_cases();
/// let replayed = cases.iter().find(|case| case.name() == "DPoP: a replayed request => 401 invalid_dpop_proof").unwrap();
/// assert_eq!(replayed.expected().status(), 401);
/// assert_eq!(replayed.expected().www_authenticate().count(), 2, "one line per scheme");
/// ```
#[must_use]
pub fn bound_cases() -> Vec<Case> {
    let cases = [
        named("DPoP", dpop::cases()),
        named("DPoP proof", dpop_proof::cases()),
        named("certificate", certificates::cases()),
    ];
    cases.concat()
}

/// Returns every case of the tokens of providers other than Okta, for an API over
/// [`Issuers::providers`](super::Issuers::providers). For each provider, it has the tokens that the
/// provider's constructor of `Issuer` must accept, and those that it must reject although the provider's
/// keys signed them, with the [code](Case::code) of the rejection.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::provider_cases();
/// let of = |name: &str| cases.iter().find(|case| case.name() == name).unwrap().expected().status();
/// assert_eq!(of("Auth0: a token of a machine => 200"), 200);
/// assert_eq!(of("Auth0: an ID token for the audience => 401 invalid_token"), 401);
/// ```
#[must_use]
pub fn provider_cases() -> Vec<Case> {
    providers::cases()
}

/// Returns every case of protected resources (RFC 9728), for an API over
/// [`Issuers::resources`](super::Issuers::resources). This API has other paths than that of the other tables, and
/// offers DPoP.
///
/// | path | its layer | requires |
/// |---|---|---|
/// | `/files` | the resource `https://api.example.com/files`, and the scope `files:read` | any token |
/// | `/files/write` | the same | the scope `files:write`, or else `files:admin` |
/// | `/maybe/files/write` | the same, but optional | the scope `files:write` |
/// | `/mail` | the resource `https://api.example.com/mail` | any token |
/// | `/mail/send` | the same | the scope `mail:send` |
/// | `/mail/admin` | the same | the group `Admins` |
/// | `/mail/transfer` | the same | an `acr` of `phrh` or `phr`, and an authentication within the last 300 s |
/// | `/unnamed` | names no resource | any token |
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::resource_cases();
/// let other = cases.iter().find(|case| case.name() == "resource: a token of another resource => 401 invalid_token").unwrap();
/// let expected = other.expected();
/// let challenge = expected.www_authenticate().next().unwrap();
/// assert!(challenge.ends_with(r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mail""#));
/// ```
#[must_use]
pub fn resource_cases() -> Vec<Case> {
    named("resource", resources::cases())
}

/// Returns every case of tokens that require introspection (RFC 7662), for an API over
/// [`Issuers::asking`](super::Issuers::asking).
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::asked_cases();
/// let revoked = cases.iter().find(|case| case.name() == "introspection: a revoked JWT => 401 invalid_token").unwrap();
/// assert_eq!(revoked.expected().status(), 401);
/// ```
#[cfg(feature = "server")]
#[must_use]
pub fn asked_cases() -> Vec<Case> {
    named("introspection", introspection::cases())
}

/// Names each case by its subject, what is sent, and the expected outcome.
fn named(subject: &str, cases: Vec<Case>) -> Vec<Case> {
    let name = |case: Case| {
        let outcome = case.outcome.label();
        case.renamed(|sent| format!("{subject}: {sent} => {outcome}"))
    };
    cases.into_iter().map(name).collect()
}

/// A row for one of several similar cases: the name, the requirements, and what distinguishes the case.
type Row<T> = (&'static str, &'static [u16], T);

/// A change to a valid token before it is signed.
type Edit = fn(TokenBuilder) -> TokenBuilder;

/// A change to the JSON text of a valid header or payload.
type Rewrite = fn(String) -> Vec<u8>;
