//! Optional layers: missing credentials differ from invalid ones (decision 8).

use super::super::case::{Case, accepted, invalid, lacks_scope, malformed, plain};
use super::super::issuers::Source;
use super::super::route::Route;

pub(super) fn cases() -> Vec<Case> {
    let cases = vec![
        accepted("no credentials", &[11]),
        accepted("a valid token", &[1]).okta(|token| token),
        accepted("a token in the query alone", &[7])
            .okta(|token| token)
            .fields(|_| Vec::new())
            .query(|token| format!("access_token={token}")),
        accepted("proxy credentials alone", &[32])
            .fields(|_| vec![("Proxy-Authorization", b"Basic eDp5".to_vec())]),
        plain("another scheme", &[12]).line("Basic eDp5"),
        malformed("an empty value", &[5]).line(""),
        malformed("the scheme alone", &[5]).line("Bearer"),
        malformed("bytes that are not text", &[2]).line(b"Bearer \xff".as_slice()),
        malformed("two lines", &[8]).lines(|_| vec![b"Basic eDp5".to_vec(), Vec::new()]),
        malformed("a valid token twice", &[8])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer {token}").into_bytes(); 2]),
        invalid("not a JWT", &[14, 33]).line("Bearer a.b.c"),
        invalid("an expired token", &[14]).okta(|token| token.expired()),
        invalid("a forged token", &[14]).okta(|token| token.foreign_key()),
        invalid("another audience", &[14]).okta(|token| token.audience("api://billing")),
        invalid("a token bound to a key", &[187]).okta(|token| token.bound_to_key()),
    ];
    let mut cases: Vec<Case> = cases
        .into_iter()
        .map(|case| case.at(Route::Maybe))
        .collect();
    cases.extend([
        plain("no credentials where a scope is required", &[9, 11]).at(Route::MaybeOrders),
        plain("another scheme where a scope is required", &[12])
            .at(Route::MaybeOrders)
            .line("Basic eDp5"),
        lacks_scope("no scope", &[15])
            .at(Route::MaybeOrders)
            .okta(|token| token),
        accepted("the scope", &[15])
            .at(Route::MaybeOrders)
            .of(Source::Okta, |token, terms| token.scope(&terms.scope)),
        invalid("expired, where a scope is required", &[14])
            .at(Route::MaybeOrders)
            .of(Source::Okta, |token, terms| {
                token.scope(&terms.scope).expired()
            }),
    ]);
    cases
}
