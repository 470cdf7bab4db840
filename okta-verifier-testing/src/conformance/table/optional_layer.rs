//! Optional layers: missing credentials differ from invalid ones (decision 8).

use super::super::case::{Case, accepted, invalid, lacks_scope, malformed, plain};
use super::super::issuers::Source;
use super::super::route::Route;
use super::Edit;

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
    cases.extend(expired_as_anonymous());
    cases
}

/// Returns cases of a layer that treats expired tokens as anonymous: only if the expiry is the only defect.
fn expired_as_anonymous() -> Vec<Case> {
    let mut cases = vec![
        accepted("an expired token that may be anonymous", &[245]).okta(|token| token.expired()),
        accepted(
            "no credentials, where an expired token may be anonymous",
            &[11, 245],
        ),
        accepted("a valid token, where an expired one may be anonymous", &[1]).okta(|token| token),
        accepted("an expired token of the second issuer", &[245])
            .of(Source::TenantB, |token, _| token.expired()),
        plain(
            "another scheme, where an expired token may be anonymous",
            &[12],
        )
        .line("Basic eDp5"),
        malformed("an expired token twice", &[8])
            .okta(|token| token.expired())
            .lines(|token| vec![format!("Bearer {token}").into_bytes(); 2]),
        malformed("an expired token in the query too", &[6])
            .okta(|token| token.expired())
            .query(|token| format!("access_token={token}")),
    ];
    cases.extend(ALSO_WRONG.map(|(name, edit, code)| {
        invalid(format!("an expired token, {name}"), &[245])
            .okta(move |token| edit(token.expired()))
            .because(code)
    }));
    let mut cases: Vec<Case> = cases
        .into_iter()
        .map(|case| case.at(Route::MaybeExpired))
        .collect();
    cases.extend([
        plain(
            "no credentials where a scope is required, behind that layer",
            &[9, 11],
        )
        .at(Route::MaybeExpiredOrders),
        accepted("the scope, behind that layer", &[15])
            .at(Route::MaybeExpiredOrders)
            .of(Source::Okta, |token, terms| token.scope(&terms.scope)),
        // The client learns that its token has expired.
        invalid(
            "an expired token where a scope is required, behind that layer",
            &[14, 245],
        )
        .at(Route::MaybeExpiredOrders)
        .of(Source::Okta, |token, terms| {
            token.scope(&terms.scope).expired()
        })
        .because("expired"),
        invalid(
            "an expired and forged token where a scope is required",
            &[245],
        )
        .at(Route::MaybeExpiredOrders)
        .of(Source::Okta, |token, terms| {
            token.scope(&terms.scope).expired().foreign_key()
        })
        .because("bad_signature"),
    ]);
    cases
}

type AlsoWrong = (&'static str, Edit, &'static str);

/// A second defect of an expired token, and the code of its rejection.
const ALSO_WRONG: [AlsoWrong; 10] = [
    ("forged", |token| token.foreign_key(), "bad_signature"),
    ("edited", |token| token.tampered(), "bad_signature"),
    (
        "of an unknown key",
        |token| token.key_id("other"),
        "unknown_key_id",
    ),
    (
        "for another audience",
        |token| token.audience("api://billing"),
        "wrong_audience",
    ),
    (
        "of another client",
        |token| token.client_id("0oastranger"),
        "client_not_allowed",
    ),
    (
        "of another issuer",
        |token| token.claim("iss", "https://evil.test"),
        "unknown_issuer",
    ),
    (
        "not valid before the year 2100",
        |token| token.claim("nbf", 4_102_444_800_u64),
        "not_yet_valid",
    ),
    (
        "without a subject",
        |token| token.without("sub"),
        "missing_claim",
    ),
    (
        "with the typ of a logout token",
        |token| token.typ("logout+jwt"),
        "type_not_allowed",
    ),
    (
        "bound to a key",
        |token| token.bound_to_key(),
        "binding_unchecked",
    ),
];
