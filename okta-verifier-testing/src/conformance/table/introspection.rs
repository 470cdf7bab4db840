//! Tokens that require introspection (RFC 7662).

use serde_json::json;

use super::super::case::{Case, accepted, forbidden, invalid, lacks_scope, step_up, unavailable};
use super::super::issuers::Source;
use super::super::route::Route;
use super::Edit;
use crate::TokenBuilder;

pub(super) fn cases() -> Vec<Case> {
    let of = |case: Case, source, edit: Edit| case.of(source, move |token, _| edit(token));
    let jwt = |case, edit| of(case, Source::Okta, edit);
    let opaque = |case, edit| of(case, Source::Opaque, edit);
    vec![
        jwt(accepted("a JWT", &[101, 109]), |token| token),
        jwt(
            accepted("an encrypted token", &[101, 210]),
            TokenBuilder::encrypted,
        ),
        jwt(invalid("a revoked JWT", &[106]), TokenBuilder::revoked),
        jwt(invalid("a revoked encrypted token", &[106, 210]), |token| {
            token.encrypted().revoked()
        }),
        jwt(
            invalid("a JWT with a wrong signature", &[108]),
            TokenBuilder::foreign_key,
        ),
        opaque(accepted("an opaque token", &[101, 110]), |token| token),
        opaque(
            accepted("an opaque token with the scope", &[110]).at(Route::Orders),
            |token| token.scope("email").scope("orders:read"),
        ),
        opaque(
            lacks_scope("an opaque token without the scope", &[110]).at(Route::Orders),
            |token| token.scope("orders:read:all"),
        ),
        opaque(
            accepted("an opaque token with the group", &[116]).at(Route::Admin),
            |token| token.group("Admins"),
        ),
        opaque(
            forbidden("an opaque token without the group", &[116]).at(Route::Admin),
            |token| token.group("Everyone"),
        ),
        opaque(
            accepted("an opaque token after strong authentication", &[116, 193])
                .at(Route::Transfer),
            |token| token.scope("orders:read").claim("acr", "phr"),
        ),
        opaque(
            step_up("an opaque token after weak authentication", &[116, 193]).at(Route::Transfer),
            |token| {
                token
                    .scope("orders:read")
                    .claim("acr", "urn:okta:loa:1fa:pwd")
            },
        ),
        opaque(
            accepted("an opaque token of a service", &[110]),
            TokenBuilder::service,
        ),
        opaque(
            invalid("a revoked opaque token", &[106]),
            TokenBuilder::revoked,
        ),
        opaque(
            invalid("an expired opaque token", &[106, 109]),
            TokenBuilder::expired,
        ),
        opaque(invalid("another audience", &[109]), |token| {
            token.audience("api://billing")
        }),
        opaque(invalid("no audience", &[104, 109]), |token| {
            token.without("aud")
        }),
        opaque(invalid("another client", &[109]), |token| {
            token.client_id("0oastranger")
        }),
        opaque(invalid("another issuer", &[109]), |token| {
            token.claim("iss", "https://evil.test/oauth2/default")
        }),
        opaque(
            invalid("bound to a key", &[116, 179]),
            TokenBuilder::bound_to_key,
        ),
        opaque(invalid("an unknown binding", &[116, 187]), |token| {
            token.claim("cnf", json!({}))
        }),
        opaque(invalid("an ID token", &[104, 109]), TokenBuilder::id_token),
        of(
            invalid("a refresh token", &[104]),
            Source::Refresh,
            |token| token,
        ),
        invalid("an unknown string", &[106, 108]).line("Bearer unknown-token"),
        of(
            unavailable("no response", &[115]),
            Source::Silent,
            |token| token,
        ),
    ]
}
