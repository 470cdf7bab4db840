//! Step-up (RFC 9470): a valid token whose user must authenticate again, by `acr` and `auth_time`.

use super::super::case::{
    Case, accepted, forbidden, invalid, lacks_scope, plain, step_up, step_up_and_scope,
};
use super::super::issuers::{Source, Terms};
use super::super::route::Route;
use super::{Edit, Row};
use crate::TokenBuilder;
use crate::token::unix_now;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let enough: [Row<Edit>; 4] = [
        ("strong and just now", &[189, 191], |token| token),
        ("the other acr", &[191], |token| token.claim("acr", "phrh")),
        ("within the age", &[191], |token| authenticated(token, 200)),
        ("within the leeway", &[191], |token| {
            authenticated(token, 330)
        }),
    ];
    cases.extend(enough.map(|(name, requirements, edit)| {
        accepted(name, requirements)
            .at(Route::Transfer)
            .of(Source::Okta, move |token, terms| edit(strong(token, terms)))
    }));
    let weak: [Row<Edit>; 7] = [
        ("no acr", &[30, 189, 190, 191], |token| token.without("acr")),
        ("a weaker acr", &[189, 191], |token| {
            token.claim("acr", "urn:okta:loa:1fa:any")
        }),
        ("acr in capitals", &[191], |token| token.claim("acr", "PHR")),
        ("two values in acr", &[191], |token| {
            token.claim("acr", "phr phrh")
        }),
        ("no auth_time", &[191], |token| token.without("auth_time")),
        ("too old", &[189, 191], |token| authenticated(token, 420)),
        ("a new token with an old authentication", &[192], |token| {
            authenticated(token.issued_at(unix_now()), 9000)
        }),
    ];
    cases.extend(weak.map(|(name, requirements, edit)| {
        step_up(name, requirements)
            .at(Route::Transfer)
            .of(Source::Okta, move |token, terms| edit(strong(token, terms)))
    }));
    cases.extend([
        step_up_and_scope("no acr and no scope", &[190])
            .at(Route::Transfer)
            .of(Source::Okta, |token, terms| {
                strong(token, terms).without("acr").without("scp")
            }),
        lacks_scope("only the scope missing", &[15, 190])
            .at(Route::Transfer)
            .of(Source::Okta, |token, terms| {
                strong(token, terms).without("scp")
            }),
        invalid("acr as a number", &[14])
            .at(Route::Transfer)
            .of(Source::Okta, |token, terms| {
                strong(token, terms).claim("acr", 2)
            }),
        invalid("auth_time as a string", &[14, 49])
            .at(Route::Transfer)
            .of(Source::Okta, |token, terms| {
                strong(token, terms).claim("auth_time", "now")
            }),
        invalid("expired and weak", &[14, 189])
            .at(Route::Transfer)
            .okta(|token| token.expired()),
        plain("no credentials", &[9, 11]).at(Route::Transfer),
        forbidden("a service", &[189])
            .at(Route::Transfer)
            .of(Source::Okta, |token, terms| {
                token.service().scope(&terms.scope)
            }),
    ]);
    cases
}

fn strong(token: TokenBuilder, terms: &Terms) -> TokenBuilder {
    let token = token.scope(&terms.scope).claim("acr", "phr");
    authenticated(token, 0)
}

fn authenticated(token: TokenBuilder, seconds_ago: u64) -> TokenBuilder {
    token.claim("auth_time", unix_now() - seconds_ago)
}
