//! Tokens bound to a key, and their presentation (RFC 9449 §7).

use std::sync::{Arc, OnceLock};

use super::super::case::{
    Case, accepted, ambiguous, forbidden, invalid, lacks_scope, malformed, plain, unproved,
};
use super::super::issuers::{BASE_URL, Source};
use super::super::request::{AUTHORIZATION, Field};
use super::super::route::Route;
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
    cases
}

/// Returns the first use of a proof and its replay.
fn replay() -> [Case; 2] {
    let fields = Arc::new(OnceLock::new());
    let case = |case: Case| {
        let fields = Arc::clone(&fields);
        let client = Client::new();
        let holder = client.clone();
        case.okta(move |token| holder.bind(token))
            .fields(move |token| {
                let url = format!("{BASE_URL}/me");
                let made = || {
                    let proof = client.proof("GET", &url).token(token).sign();
                    vec![authorization(DPOP, token), (DPOP, proof.into_bytes())]
                };
                fields.get_or_init(made).clone()
            })
    };
    [
        case(accepted("a request", &[170])).by_dpop(),
        case(unproved("a replayed request", &[170, 171])).by_dpop(),
    ]
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

/// Adds a bound token that `edit` has changed, and a proof that `spoil` has changed.
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
