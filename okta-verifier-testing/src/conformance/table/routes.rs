//! An open route ignores credentials; a route whose layer is missing serves no request.

use super::super::case::{Case, accepted, missing_layer};
use super::super::route::Route;

pub(super) fn cases() -> Vec<Case> {
    let open = [
        accepted("no credentials", &[9]),
        accepted("a valid token", &[9]).okta(|token| token),
        accepted("an expired token", &[9]).okta(|token| token.expired()),
        accepted("not a JWT", &[9]).line("Bearer a.b.c"),
        accepted("malformed credentials", &[9]).line("Bearer"),
        accepted("bytes that are not text", &[9]).line(b"Bearer \xff".as_slice()),
        accepted("two lines", &[9]).lines(|_| vec![b"Bearer a".to_vec(), b"Bearer b".to_vec()]),
        accepted("another scheme", &[9]).line("Basic eDp5"),
        accepted("a token in the query", &[9]).query(|_| "access_token=x".to_owned()),
    ];
    let forgotten = [
        missing_layer("no credentials", &[224]),
        missing_layer("a valid token", &[224]).okta(|token| token),
        missing_layer("an expired token", &[224]).okta(|token| token.expired()),
        missing_layer("malformed credentials", &[224]).line("Bearer"),
    ];
    let open = open.into_iter().map(|case| {
        case.renamed(|name| format!("open, {name}"))
            .at(Route::Health)
    });
    let forgotten = forgotten.into_iter().map(|case| {
        case.renamed(|name| format!("without a layer, {name}"))
            .at(Route::Forgotten)
    });
    open.chain(forgotten).collect()
}
