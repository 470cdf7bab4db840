//! Tokens of an issuer whose keys are unavailable. This alone does not make a token invalid (decision
//! 4). Exactly three cases expect 503, because `Retry-After` changes when the back-off exceeds one
//! second after the fourth failure.

use super::super::case::{Case, accepted, invalid, malformed, unavailable};
use super::super::issuers::Source;
use super::super::route::Route;

pub(super) fn cases() -> Vec<Case> {
    vec![
        unavailable("a valid token", &[24]).of(Source::Silent, |token, _| token),
        unavailable("a valid token where a scope is required", &[24])
            .at(Route::Orders)
            .of(Source::Silent, |token, terms| token.scope(&terms.scope)),
        unavailable("a valid token behind an optional layer", &[24])
            .at(Route::Maybe)
            .of(Source::Silent, |token, _| token),
        accepted("an open route", &[24])
            .at(Route::Health)
            .of(Source::Silent, |token, _| token),
        invalid("a token of another kind", &[14, 85])
            .of(Source::Silent, |token, _| token.typ("secevent+jwt")),
        invalid("an unsigned token", &[14, 56]).of(Source::Silent, |token, _| token.unsigned()),
        invalid("claims of the wrong type", &[14, 49])
            .of(Source::Silent, |token, _| token.claim("exp", "tomorrow")),
        malformed("the same line twice", &[8])
            .of(Source::Silent, |token, _| token)
            .lines(|token| vec![format!("Bearer {token}").into_bytes(); 2]),
    ]
}
