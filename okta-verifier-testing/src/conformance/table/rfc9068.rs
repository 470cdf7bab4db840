//! The JWT profile of RFC 9068.

use okta_verifier::Algorithm;
use serde_json::json;

use super::super::case::{Case, accepted, invalid, lacks_scope};
use super::super::issuers::Source;
use super::super::route::Route;
use super::{Edit, Row};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let good: [Row<Edit>; 8] = [
        ("a valid token", &[89, 90], |token| token),
        ("a token of RS256", &[100], |token| {
            token.algorithm(Algorithm::RS256)
        }),
        ("typ as a whole media type", &[89], |token| {
            token.typ("application/at+jwt")
        }),
        ("typ in capitals", &[46, 89], |token| token.typ("AT+JWT")),
        ("acr, amr and auth_time", &[97], |token| {
            let token = token.claim("acr", "phr").claim("amr", ["hwk"]);
            token.claim("auth_time", 1_600_000_000)
        }),
        ("groups, roles and entitlements", &[99], |token| {
            let token = token.group("Everyone").claim("roles", ["r"]);
            token.claim("entitlements", json!([{ "value": "e" }]))
        }),
        ("a token of a service", &[88], |token| token.service()),
        ("the audience among others", &[54, 92], |token| {
            let ours = token.own_audience().to_owned();
            token.claim("aud", ["https://other.test", &ours])
        }),
    ];
    cases.extend(good.map(|(name, requirements, edit)| {
        accepted(name, requirements).of(Source::Rfc9068, move |token, _| edit(token))
    }));
    let required = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"];
    cases.extend(required.map(|claim| {
        invalid(format!("no {claim}"), &[90, 96])
            .of(Source::Rfc9068, move |token, _| token.without(claim))
    }));
    let bad: [Row<Edit>; 16] = [
        ("no typ", &[89], |token| token.without_header("typ")),
        ("typ JWT", &[89], |token| token.typ("JWT")),
        ("typ of another kind", &[84, 89], |token| {
            token.typ("secevent+jwt")
        }),
        ("an issuer with a trailing slash", &[91], |token| {
            token.claim("iss", "https://issuer.test/")
        }),
        ("another audience", &[92], |token| {
            token.audience("https://other.test")
        }),
        ("a foreign key", &[93], |token| token.foreign_key()),
        ("an unpublished key", &[93], |token| token.unpublished_key()),
        ("an unsigned token", &[56, 93], |token| token.unsigned()),
        ("an expired token", &[94], |token| token.expired()),
        ("a tampered token", &[93], |token| token.tampered()),
        ("an encrypted token", &[33], |token| token.encrypted()),
        ("an ID token", &[84, 89], |token| token.id_token()),
        ("cid instead of client_id", &[90], |token| {
            token.without("client_id").claim("cid", "0oatest")
        }),
        ("cid and client_id that differ", &[90], |token| {
            token.claim("cid", "0oastranger")
        }),
        ("iat as a string", &[49], |token| token.claim("iat", "now")),
        ("a token bound to a key", &[187], |token| {
            token.bound_to_key()
        }),
    ];
    cases.extend(bad.map(|(name, requirements, edit)| {
        invalid(name, requirements).of(Source::Rfc9068, move |token, _| edit(token))
    }));
    cases.extend([
        accepted("the scope", &[98])
            .at(Route::Orders)
            .of(Source::Rfc9068, |token, terms| {
                token.scope("profile").scope(&terms.scope)
            }),
        accepted("the scope in scp", &[98])
            .at(Route::Orders)
            .of(Source::Rfc9068, |token, terms| {
                token.claim("scp", [&terms.scope])
            }),
        lacks_scope("no scope", &[15])
            .at(Route::Orders)
            .of(Source::Rfc9068, |token, _| token),
        accepted("the group", &[99])
            .at(Route::Admin)
            .of(Source::Rfc9068, |token, terms| token.group(&terms.group)),
    ]);
    cases
}
