//! Tokens bound to a key, and their presentation (RFC 9449 §7).

use std::sync::{Arc, OnceLock};

use super::super::case::{
    Case, accepted, ambiguous, forbidden, invalid, lacks_scope, malformed, plain, unproved,
};
use super::super::issuers::{BASE_URL, Source};
use super::super::request::{AUTHORIZATION, Field};
use super::super::route::Route;
use super::certificates::MINE;
use crate::{Client, ProofBuilder, TokenBuilder};

pub(super) const DPOP: &str = "DPoP";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        proved(accepted("a valid proof", &[152, 155, 158, 166, 167])),
        proved(accepted("a POST", &[152, 160]).method("POST")),
        proved(accepted("a query", &[161]).query(|_| "page=2".to_owned())),
        respelled("the scheme in capitals", "DPOP"),
        respelled("the scheme in lower case", "dpop"),
        proved_with(
            accepted("a scope", &[152]).at(Route::Orders),
            |token| token.scope("orders:read"),
            |proof| proof,
        ),
        proved(lacks_scope("no scope", &[152, 177]).at(Route::Orders)),
        proved(forbidden("no group", &[152]).at(Route::Admin)),
        proved_with(
            invalid("an expired token", &[176]),
            TokenBuilder::expired,
            |proof| proof,
        ),
        proved_with(
            invalid("a token signed with another key", &[176]),
            TokenBuilder::foreign_key,
            |proof| proof,
        ),
        proved_with(
            invalid("an unbound token", &[169]),
            |token| token.without("cnf"),
            |proof| proof,
        ),
        proved_with(
            invalid("a token bound to another key", &[167]),
            |token| Client::new().bind(token),
            |proof| proof,
        ),
        proved_with(
            invalid("a token bound to a certificate", &[169]),
            |token| token.bound_to_certificate(b"0\0"),
            |proof| proof,
        ),
        plain("no credentials", &[178]).beside_dpop(),
        plain("another scheme", &[178])
            .line("Basic dXNlcjpwYXNz")
            .beside_dpop(),
        ambiguous("two schemes", &[177])
            .lines(|_| vec![b"Bearer a.b.c".to_vec(), b"DPoP a.b.c".to_vec()])
            .beside_dpop(),
        ambiguous("two schemes in one line", &[177])
            .line("Bearer a.b.c, DPoP a.b.c")
            .beside_dpop(),
        malformed("a malformed bearer token", &[177])
            .line("Bearer a=b")
            .beside_dpop(),
        malformed("the scheme alone", &[177]).line("DPoP").by_dpop(),
        malformed("two tokens", &[177])
            .line("DPoP a.b.c d.e.f")
            .by_dpop(),
        accepted("a bearer token", &[152])
            .okta(|token| token)
            .beside_dpop(),
        invalid("a bound token as Bearer", &[168, 177])
            .okta(|token| Client::new().bind(token))
            .beside_dpop(),
        invalid("a bound token and its proof as Bearer", &[168]).beside_dpop(),
        unproved("no proof", &[152]).by_dpop(),
    ];
    let as_bearer = |token: &str, proof: String| vec![bearer(token), (DPOP, proof.into_bytes())];
    let [.., stolen, unproved] = cases.as_mut_slice() else {
        return cases;
    };
    *stolen = with_fields(stolen.clone(), as_bearer);
    *unproved = with_fields(unproved.clone(), |token, _| {
        vec![authorization(DPOP, token)]
    });
    cases.extend(replay());
    cases.extend(required());
    cases.extend(expired());
    cases
}

/// Returns cases of tokens that must be bound: by the settings of their issuer, or by the policy of the route. The
/// error is in the challenge of the scheme DPoP, although the token was sent as Bearer.
fn required() -> Vec<Case> {
    let of_issuer = |case: Case, edit: fn(TokenBuilder) -> TokenBuilder| {
        let case = case.of(Source::TenantB, move |token, _| edit(token));
        case.by_dpop()
    };
    let bound_to_certificate: fn(TokenBuilder) -> TokenBuilder =
        |token| token.bound_to_certificate(MINE);
    vec![
        of_issuer(
            invalid("an unbound token of an issuer that requires DPoP", &[243]),
            |token| token,
        )
        .because("binding_required"),
        of_issuer(
            invalid(
                "a certificate-bound token of an issuer that requires DPoP",
                &[243],
            ),
            bound_to_certificate,
        )
        .certificate(MINE)
        .because("binding_required"),
        proved_of(
            Source::TenantB,
            accepted("a bound token of an issuer that requires DPoP", &[243]),
            |token| token,
            |proof| proof,
        ),
        invalid("an unbound token where a binding is required", &[244])
            .at(Route::Bound)
            .okta(|token| token)
            .by_dpop(),
        proved(accepted("a bound token where a binding is required", &[244]).at(Route::Bound)),
        accepted(
            "a certificate-bound token where a binding is required",
            &[244],
        )
        .at(Route::Bound)
        .okta(bound_to_certificate)
        .certificate(MINE)
        .beside_dpop(),
    ]
}

/// Returns cases of expired tokens behind an optional layer that treats them as anonymous: only if the expiry is
/// the only defect.
fn expired() -> Vec<Case> {
    let at = |case: Case| case.at(Route::MaybeExpired);
    let mut cases = vec![
        proved_with(
            at(accepted("an expired token that may be anonymous", &[245])),
            TokenBuilder::expired,
            |proof| proof,
        ),
        proved_with(
            invalid("an expired token where a scope is required", &[245])
                .at(Route::MaybeExpiredOrders),
            |token| token.scope("orders:read").expired(),
            |proof| proof,
        ),
        proved_with(
            at(invalid("an expired unbound token", &[245])),
            |token| token.without("cnf").expired(),
            |proof| proof,
        ),
        proved_with(
            at(invalid("an expired token bound to another key", &[245])),
            |token| Client::new().bind(token).expired(),
            |proof| proof,
        ),
        proved_with(
            at(unproved("an expired token with a proof for POST", &[245])),
            TokenBuilder::expired,
            |proof| proof.claim("htm", "POST"),
        ),
        at(invalid("an expired bound token as Bearer", &[245]))
            .okta(|token| Client::new().bind(token).expired())
            .beside_dpop(),
        at(invalid("an expired certificate-bound token", &[245]))
            .okta(|token| token.bound_to_certificate(MINE).expired())
            .beside_dpop(),
        at(accepted(
            "an expired certificate-bound token with its certificate",
            &[245],
        ))
        .okta(|token| token.bound_to_certificate(MINE).expired())
        .certificate(MINE)
        .beside_dpop(),
    ];
    cases.extend(used_twice(
        at(accepted("an expired token and its proof", &[245])),
        at(unproved("an expired token and a replayed proof", &[245])),
        TokenBuilder::expired,
    ));
    cases
}

/// Returns the first use of a proof and its replay.
fn replay() -> [Case; 2] {
    used_twice(
        accepted("a request", &[170]),
        unproved("a replayed request", &[170, 171]),
        |token| token,
    )
}

/// Adds one token, changed by `edit`, and one proof to both cases.
fn used_twice(first: Case, second: Case, edit: fn(TokenBuilder) -> TokenBuilder) -> [Case; 2] {
    let url = format!("{BASE_URL}{}", first.route.path());
    let fields = Arc::new(OnceLock::new());
    [first, second].map(|case| {
        let (fields, url) = (Arc::clone(&fields), url.clone());
        let client = Client::new();
        let holder = client.clone();
        let case = case.okta(move |token| edit(holder.bind(token)));
        let case = case.fields(move |token| {
            let made = || {
                let proof = client.proof("GET", &url).token(token).sign();
                vec![authorization(DPOP, token), (DPOP, proof.into_bytes())]
            };
            fields.get_or_init(made).clone()
        });
        case.by_dpop()
    })
}

fn respelled(name: &'static str, scheme: &'static str) -> Case {
    let case = accepted(name, &[152]).by_dpop();
    with_fields(case, move |token, proof| {
        vec![authorization(scheme, token), (DPOP, proof.into_bytes())]
    })
}

/// Adds a token bound to a new client, and its proof.
pub(super) fn proved(case: Case) -> Case {
    proved_with(case, |token| token, |proof| proof)
}

/// Gives the case a bound token that `edit` changes, and a proof that `spoil` changes.
pub(super) fn proved_with(
    case: Case,
    edit: fn(TokenBuilder) -> TokenBuilder,
    spoil: fn(ProofBuilder) -> ProofBuilder,
) -> Case {
    proved_of(Source::Okta, case, edit, spoil)
}

/// Does the same with a token of another issuer.
pub(super) fn proved_of(
    source: Source,
    case: Case,
    edit: fn(TokenBuilder) -> TokenBuilder,
    spoil: fn(ProofBuilder) -> ProofBuilder,
) -> Case {
    let client = Client::new();
    let holder = client.clone();
    let (method, url) = (case.method, format!("{BASE_URL}{}", case.route.path()));
    case.of(source, move |token, _| edit(holder.bind(token)))
        .fields(move |token| {
            let proof = spoil(client.proof(method, &url).token(token)).sign();
            vec![authorization(DPOP, token), (DPOP, proof.into_bytes())]
        })
        .by_dpop()
}

/// Adds a bound token, and the field lines that `fields` builds from the token and its proof.
pub(super) fn with_fields(
    case: Case,
    fields: impl Fn(&str, String) -> Vec<Field> + Send + Sync + 'static,
) -> Case {
    let client = Client::new();
    let holder = client.clone();
    let (method, url) = (case.method, format!("{BASE_URL}{}", case.route.path()));
    case.okta(move |token| holder.bind(token))
        .fields(move |token| {
            let proof = client.proof(method, &url).token(token).sign();
            fields(token, proof)
        })
}

pub(super) fn authorization(scheme: &str, token: &str) -> Field {
    (AUTHORIZATION, format!("{scheme} {token}").into_bytes())
}

fn bearer(token: &str) -> Field {
    authorization("Bearer", token)
}
