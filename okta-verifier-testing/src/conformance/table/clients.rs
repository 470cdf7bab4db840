//! The client that a token was issued to (decision 16).

use super::super::case::{Case, accepted, invalid};
use super::super::issuers::Source;
use crate::CLIENT_ID;

pub(super) fn cases() -> Vec<Case> {
    vec![
        invalid("a client that is not accepted", &[14])
            .okta(|token| token.client_id("0oastranger"))
            .names_client(),
        invalid("a client ID in capitals", &[14])
            .okta(|token| token.client_id(CLIENT_ID.to_uppercase()))
            .names_client(),
        invalid("no client", &[14])
            .okta(|token| token.without("cid"))
            .names_client(),
        invalid("client_id instead of cid, without typ", &[14, 90])
            .okta(|token| token.without("cid").claim("client_id", CLIENT_ID))
            .names_client(),
        accepted("client_id instead of cid, with typ", &[90]).okta(|token| {
            let token = token.typ("at+jwt").without("cid");
            token.claim("client_id", CLIENT_ID)
        }),
        accepted("cid and client_id that agree", &[90])
            .okta(|token| token.claim("client_id", CLIENT_ID)),
        invalid("cid and client_id that differ", &[14, 90])
            .okta(|token| token.claim("client_id", "0oastranger")),
        accepted("any client, where every client is accepted", &[90])
            .of(Source::TenantB, |token, _| token.client_id("0oastranger")),
        accepted(
            "an agent's token without cid, where every client is accepted",
            &[90, 203],
        )
        .of(Source::TenantB, |token, _| {
            let token = token.without("cid").claim("act", Actor { sub: "wlp1" });
            token.claim("scope", "orders:read")
        }),
        invalid(
            "cid and client_id that differ, where every client is accepted",
            &[14, 90],
        )
        .of(Source::TenantB, |token, _| {
            token.claim("client_id", "0oastranger")
        }),
    ]
}

#[derive(serde::Serialize)]
struct Actor {
    sub: &'static str,
}
