//! Several issuers, each with its own keys.

use super::super::case::{Case, accepted, invalid};
use super::super::issuers::Source;

pub(super) fn cases() -> Vec<Case> {
    vec![
        accepted("a token of the second issuer", &[81, 82]).of(Source::TenantB, |token, _| token),
        invalid(
            "the second issuer's key under the first issuer's name",
            &[81],
        )
        .of(Source::TenantB, |token, terms| {
            token.claim("iss", &terms.issuer)
        }),
        invalid(
            "the first issuer's key under the second issuer's name",
            &[81],
        )
        .of(Source::Okta, |token, _| {
            token.claim("iss", "https://okta.test/oauth2/tenant-b")
        }),
        invalid(
            "the first issuer's key under the RFC 9068 issuer's name",
            &[81, 91],
        )
        .of(Source::Okta, |token, _| {
            let token = token.typ("at+jwt").claim("iss", "https://issuer.test");
            token.without("cid").claim("client_id", "0oatest")
        }),
        invalid("an issuer that is not configured", &[14, 82])
            .okta(|token| token.claim("iss", "https://evil.test/oauth2/default")),
        invalid("the org authorization server", &[14, 82]).of(Source::Okta, |token, terms| {
            let org = terms.issuer.trim_end_matches("/oauth2/default");
            token.claim("iss", org)
        }),
        invalid("an issuer with a trailing slash", &[55, 91]).of(Source::Okta, |token, terms| {
            token.claim("iss", format!("{}/", terms.issuer))
        }),
        invalid("an issuer in capitals", &[55, 91]).of(Source::Okta, |token, terms| {
            token.claim("iss", terms.issuer.to_uppercase())
        }),
        invalid("an issuer with a default port", &[55]).of(Source::Okta, |token, terms| {
            token.claim(
                "iss",
                terms.issuer.replacen(".test/", ".test:443/", 1) + "?",
            )
        }),
        invalid("an issuer with a trailing space", &[55]).of(Source::Okta, |token, terms| {
            token.claim("iss", format!("{} ", terms.issuer))
        }),
        invalid("a prefix of the issuer", &[55]).of(Source::Okta, |token, terms| {
            token.claim("iss", &terms.issuer[..terms.issuer.len() - 1])
        }),
        invalid("a list of issuers", &[55]).of(Source::Okta, |token, terms| {
            token.claim("iss", [&terms.issuer])
        }),
    ]
}
