//! Other JWTs signed with the same keys, and tokens bound to a key (RFC 8725 §3.11, §3.12).

use serde_json::{Value, json};

use super::super::case::{Case, accepted, invalid};
use super::super::issuers::Source;
use super::{Edit, Row, certificates::MINE};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let types = [
        "JWT",
        "jwt",
        "application/jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+JWT",
    ];
    cases
        .extend(types.map(|typ| {
            accepted(format!("typ {typ}"), &[46, 85]).okta(move |token| token.typ(typ))
        }));
    let others = [
        "",
        "JOSE",
        "at+jwt ",
        "at jwt",
        "text/at+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "application/secevent+jwt",
        "logout+jwt",
        "token-introspection+jwt",
        "global-token-revocation+jwt",
        "oauth-id-jag+jwt",
        "entity-statement+jwt",
    ];
    cases.extend(others.map(|typ| {
        invalid(format!("typ {typ:?}"), &[84, 85, 120, 215]).okta(move |token| token.typ(typ))
    }));
    let shapes: [Row<Edit>; 9] = [
        ("an ID token", &[84, 86], |token| token.id_token()),
        ("a jti of ID tokens", &[86], |token| {
            token.claim("jti", "ID.x")
        }),
        ("at_hash", &[86], |token| token.claim("at_hash", "x")),
        ("c_hash", &[86], |token| token.claim("c_hash", "x")),
        ("nonce without scopes", &[86], |token| {
            token.without("scp").claim("nonce", "x")
        }),
        ("a security event", &[84, 215], |token| {
            token.claim("events", json!({ "urn:x": {} }))
        }),
        ("a logout token", &[84, 90], |token| {
            let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
            token.claim("events", events).without("exp")
        }),
        ("an introspection response", &[84, 120], |token| {
            let token = token.without("sub").without("exp");
            token.claim("token_introspection", json!({ "active": true }))
        }),
        ("a client assertion", &[84], |token| {
            token
                .claim("iss", crate::CLIENT_ID)
                .claim("sub", crate::CLIENT_ID)
        }),
    ];
    cases.extend(shapes.map(|(name, requirements, edit)| invalid(name, requirements).okta(edit)));
    cases.extend([
        invalid("an ID token for the audience", &[84, 86]).okta(|token| {
            let ours = token.own_audience().to_owned();
            token.id_token().audience(ours)
        }),
        accepted("nonce with scopes", &[86]).of(Source::Okta, |token, terms| {
            token.scope(&terms.scope).claim("nonce", "x")
        }),
        accepted("amr and idp", &[86])
            .okta(|token| token.claim("amr", ["pwd"]).claim("idp", "00o1")),
        accepted("at_hash and nonce under at+jwt", &[85, 86]).okta(|token| {
            token
                .typ("at+jwt")
                .claim("at_hash", "x")
                .claim("nonce", "y")
        }),
        accepted("events that are not an object", &[213])
            .okta(|token| token.claim("events", "none")),
        invalid("a token bound to a key", &[14, 168, 187]).okta(|token| token.bound_to_key()),
    ]);
    let bindings: [(&str, Value); 5] = [
        ("a certificate", json!({ "x5t#S256": "A".repeat(43) })),
        ("an unknown member", json!({ "x": 1 })),
        ("nothing", json!({})),
        ("a string", json!("x")),
        ("null", json!(null)),
    ];
    cases.extend(bindings.map(|(name, cnf)| {
        invalid(format!("a token bound to {name}"), &[14, 185, 187])
            .okta(move |token| token.claim("cnf", cnf.clone()))
    }));
    // The verifier of this table is not configured to accept certificates.
    let unchecked = "a token bound to the certificate of its TLS session, which no setting accepts";
    cases.push(
        invalid(unchecked, &[185])
            .okta(|token| token.bound_to_certificate(MINE))
            .certificate(MINE),
    );
    cases
}
