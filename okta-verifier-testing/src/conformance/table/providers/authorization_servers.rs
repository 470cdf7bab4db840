//! Other authorization servers. The tokens of Ory Hydra are those of Hydra 2.3.0; the others follow the
//! documentation of the provider.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::issuers::AUDIENCE;
use super::{Format, logout, right, wrong};
use crate::token::{Profile, Provider};

pub(super) const AUTH0: Format = Format {
    provider: Provider::Auth0,
    types: &[Some("JWT"), Some("at+jwt")],
    other_types: &[None],
    id_token: "wrong_audience",
    id_token_for_us: Some("not_an_access_token"),
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("azp", "missing_claim"),
        ("iat", "missing_claim"),
    ],
    client: Some("azp"),
    has_scopes_of_machines: true,
    has_groups: true,
    other_issuers: &["https://umbrella.auth0.test/", "https://acme.auth0.test"],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Of(Provider::EntraV1), "missing_claim"),
        (Profile::Of(Provider::Cognito), "type_not_allowed"),
        (Profile::Of(Provider::Zitadel), "type_not_allowed"),
        (Profile::Of(Provider::GitHubActions), "missing_claim"),
    ],
    own: auth0,
};

fn auth0() -> Vec<Case> {
    const AUTH0: Provider = Provider::Auth0;
    vec![
        right(AUTH0, "the RFC 9068 profile", &[232], |token| {
            let token = token.typ("at+jwt").claim("jti", "1").without("azp");
            token.claim("client_id", crate::CLIENT_ID)
        }),
        right(AUTH0, "azp and client_id that agree", &[237], |token| {
            token.claim("client_id", crate::CLIENT_ID)
        }),
        wrong(
            AUTH0,
            "azp and client_id that differ",
            &[237],
            "invalid_claim",
            |token| token.claim("client_id", "other"),
        ),
        wrong(
            AUTH0,
            "an ID token without nonce for the audience",
            &[84, 233],
            "missing_claim",
            |token| token.id_token().audience(AUDIENCE).without("nonce"),
        ),
        wrong(
            AUTH0,
            "an ID token for the audience with azp",
            &[84, 233],
            "not_an_access_token",
            |token| {
                token
                    .id_token()
                    .audience(AUDIENCE)
                    .claim("azp", crate::CLIENT_ID)
            },
        ),
        wrong(
            AUTH0,
            "a logout token under typ JWT",
            &[84, 233],
            "not_an_access_token",
            logout,
        ),
        wrong(
            AUTH0,
            "a payload typ ID",
            &[233],
            "not_an_access_token",
            |token| token.claim("typ", "ID"),
        ),
    ]
}

pub(super) const COGNITO: Format = Format {
    provider: Provider::Cognito,
    types: &[None, Some("at+jwt")],
    other_types: &[Some("JWT")],
    id_token: "wrong_audience",
    id_token_for_us: Some("not_an_access_token"),
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("sub", "missing_claim"),
        ("client_id", "missing_claim"),
        ("iat", "missing_claim"),
        ("jti", "missing_claim"),
        ("token_use", "not_an_access_token"),
    ],
    client: Some("client_id"),
    has_scopes_of_machines: true,
    has_groups: true,
    other_issuers: &[
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other0000",
        "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_AbCdEfGhI",
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI/",
    ],
    other_formats: &[
        (Profile::Okta, "not_an_access_token"),
        (Profile::Rfc9068, "not_an_access_token"),
        (Profile::Of(Provider::Keycloak), "type_not_allowed"),
        (Profile::Of(Provider::PingOne), "not_an_access_token"),
    ],
    own: cognito,
};

fn cognito() -> Vec<Case> {
    const COGNITO: Provider = Provider::Cognito;
    vec![
        right(
            COGNITO,
            "a token that is bound to this resource",
            &[232],
            |token| token.audience(AUDIENCE),
        ),
        wrong(
            COGNITO,
            "a token that is bound to another resource",
            &[235],
            "wrong_audience",
            |token| token.audience("https://other.example"),
        ),
        wrong(
            COGNITO,
            "the client as audience",
            &[235],
            "wrong_audience",
            |token| token.audience(crate::CLIENT_ID),
        ),
        wrong(
            COGNITO,
            "a client that is not listed",
            &[237],
            "client_not_allowed",
            |token| token.client_id("1h57kf5cpq17m0eml12EXAMPLE"),
        ),
        wrong(
            COGNITO,
            "a machine that is not listed",
            &[237],
            "client_not_allowed",
            |token| token.service().client_id("1h57kf5cpq17m0eml12EXAMPLE"),
        ),
        wrong(
            COGNITO,
            "token_use id",
            &[233],
            "not_an_access_token",
            |token| token.claim("token_use", "id"),
        ),
        wrong(
            COGNITO,
            "an ID token without audience",
            &[233],
            "not_an_access_token",
            |token| token.id_token().without("aud"),
        ),
        wrong(
            COGNITO,
            "token_use in capitals",
            &[233],
            "not_an_access_token",
            |token| token.claim("token_use", "ACCESS"),
        ),
        wrong(
            COGNITO,
            "a list as token_use",
            &[233],
            "not_an_access_token",
            |token| token.claim("token_use", ["access"]),
        ),
    ]
}

pub(super) const HYDRA: Format = Format {
    provider: Provider::Hydra,
    types: &[Some("JWT"), Some("at+jwt")],
    other_types: &[None],
    id_token: "wrong_audience",
    id_token_for_us: Some("not_an_access_token"),
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("client_id", "missing_claim"),
        ("iat", "missing_claim"),
        ("jti", "missing_claim"),
    ],
    client: Some("client_id"),
    has_scopes_of_machines: true,
    has_groups: true,
    other_issuers: &["https://hydra.test", "https://hydra.test/other/"],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Of(Provider::Auth0), "missing_claim"),
        (Profile::Of(Provider::Keycloak), "missing_claim"),
        (Profile::Of(Provider::EntraV2), "missing_claim"),
        (Profile::Of(Provider::Google), "missing_claim"),
        (Profile::Of(Provider::GitHubActions), "missing_claim"),
    ],
    own: hydra,
};

fn hydra() -> Vec<Case> {
    const HYDRA: Provider = Provider::Hydra;
    vec![
        right(HYDRA, "a token with ext", &[232], |token| {
            token.claim("ext", json!({ "tenant": "acme" }))
        }),
        wrong(
            HYDRA,
            "a refresh token of token_use",
            &[233],
            "not_an_access_token",
            |token| token.claim("token_use", "refresh_token"),
        ),
        wrong(
            HYDRA,
            "an ID token for the audience with client_id",
            &[84, 233],
            "not_an_access_token",
            |token| {
                let token = token.id_token().audience(AUDIENCE);
                token.claim("client_id", crate::CLIENT_ID)
            },
        ),
        wrong(
            HYDRA,
            "a logout token under typ JWT",
            &[84, 233],
            "not_an_access_token",
            logout,
        ),
        wrong(
            HYDRA,
            "client_id and cid that differ",
            &[237],
            "invalid_claim",
            |token| token.claim("cid", "other"),
        ),
    ]
}

pub(super) const DUENDE: Format = Format {
    provider: Provider::Duende,
    types: &[Some("at+jwt"), Some("application/at+jwt")],
    other_types: &[None, Some("JWT")],
    id_token: "type_not_allowed",
    id_token_for_us: Some("type_not_allowed"),
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("client_id", "missing_claim"),
        ("iat", "missing_claim"),
        ("jti", "missing_claim"),
    ],
    client: Some("client_id"),
    has_scopes_of_machines: true,
    has_groups: true,
    other_issuers: &["https://duende.test/", "https://other.duende.test"],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Of(Provider::Auth0), "type_not_allowed"),
        (Profile::Of(Provider::Keycloak), "type_not_allowed"),
        (Profile::Of(Provider::Hydra), "type_not_allowed"),
        (Profile::Of(Provider::PingOne), "type_not_allowed"),
    ],
    own: duende,
};

fn duende() -> Vec<Case> {
    const DUENDE: Provider = Provider::Duende;
    vec![
        right(DUENDE, "a machine with sub", &[232], |token| {
            token.service().claim("sub", crate::CLIENT_ID)
        }),
        wrong(
            DUENDE,
            "a user without sub and amr",
            &[238],
            "missing_claim",
            |token| token.without("sub").without("amr"),
        ),
        wrong(
            DUENDE,
            "a user without sub and auth_time",
            &[238],
            "missing_claim",
            |token| token.without("sub").without("auth_time"),
        ),
        wrong(
            DUENDE,
            "a service token without sub and client_id",
            &[237, 238],
            "missing_claim",
            |token| token.service().without("client_id"),
        ),
    ]
}

pub(super) const WSO2: Format = Format {
    provider: Provider::Wso2,
    other_issuers: &[
        "https://wso2.test/oauth2/token/",
        "https://wso2.test/t/acme/oauth2/token",
    ],
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("iat", "missing_claim"),
        ("jti", "missing_claim"),
    ],
    own: wso2,
    ..DUENDE
};

fn wso2() -> Vec<Case> {
    const WSO2: Provider = Provider::Wso2;
    vec![
        wrong(
            WSO2,
            "the client alone as audience",
            &[92],
            "wrong_audience",
            |token| token.audience(crate::CLIENT_ID),
        ),
        right(WSO2, "azp alone", &[237], |token| {
            token.without("client_id")
        }),
        wrong(
            WSO2,
            "neither azp nor client_id",
            &[237],
            "missing_claim",
            |token| token.without("client_id").without("azp"),
        ),
        wrong(
            WSO2,
            "azp and client_id that differ",
            &[237],
            "invalid_claim",
            |token| token.claim("azp", "other"),
        ),
        wrong(
            WSO2,
            "a machine without sub",
            &[238],
            "missing_claim",
            |token| token.service().without("sub"),
        ),
    ]
}

pub(super) const PINGONE: Format = Format {
    provider: Provider::PingOne,
    types: &[None, Some("at+jwt")],
    other_types: &[Some("JWT")],
    id_token: "wrong_audience",
    id_token_for_us: Some("not_an_access_token"),
    other_issuers: &[
        "https://auth.pingone.eu/aaaabbbb-0000-cccc-1111-dddd2222eeee/as",
        "https://auth.pingone.com/11112222-bbbb-3333-cccc-4444dddd5555/as",
    ],
    other_formats: &[
        (Profile::Okta, "missing_claim"),
        (Profile::Of(Provider::Keycloak), "type_not_allowed"),
        (Profile::Of(Provider::Cognito), "missing_claim"),
        (Profile::Of(Provider::Kubernetes), "missing_claim"),
        (Profile::Of(Provider::CloudflareAccess), "missing_claim"),
    ],
    own: pingone,
    ..HYDRA
};

fn pingone() -> Vec<Case> {
    const PINGONE: Provider = Provider::PingOne;
    vec![
        wrong(
            PINGONE,
            "an ID token for the audience with client_id",
            &[84, 233],
            "not_an_access_token",
            |token| {
                let token = token.id_token().audience(AUDIENCE);
                token.claim("client_id", crate::CLIENT_ID)
            },
        ),
        wrong(
            PINGONE,
            "a logout token without typ",
            &[84, 233],
            "not_an_access_token",
            logout,
        ),
        wrong(
            PINGONE,
            "a user without sub, who has a session",
            &[238],
            "missing_claim",
            |token| token.without("sub"),
        ),
    ]
}

pub(super) const ZITADEL: Format = Format {
    provider: Provider::Zitadel,
    types: &[None, Some("JWT"), Some("at+jwt")],
    other_types: &[],
    // An ID token has no `jti`.
    id_token: "missing_claim",
    id_token_for_us: Some("missing_claim"),
    other_issuers: &[
        "https://umbrella.zitadel.test",
        "https://acme.zitadel.test/",
    ],
    other_formats: &[
        (Profile::Okta, "missing_claim"),
        (Profile::Of(Provider::Auth0), "missing_claim"),
        (Profile::Of(Provider::Keycloak), "missing_claim"),
        (Profile::Of(Provider::EntraV2), "missing_claim"),
        (Profile::Of(Provider::Kubernetes), "missing_claim"),
        (Profile::Of(Provider::GitHubActions), "missing_claim"),
        (Profile::Of(Provider::Google), "missing_claim"),
    ],
    own: zitadel,
    ..HYDRA
};

fn zitadel() -> Vec<Case> {
    const ZITADEL: Provider = Provider::Zitadel;
    vec![
        wrong(
            ZITADEL,
            "an ID token without nonce",
            &[84, 233],
            "not_an_access_token",
            |token| token.id_token().without("nonce").claim("jti", "1"),
        ),
        wrong(
            ZITADEL,
            "a logout token without typ",
            &[84, 233],
            "not_an_access_token",
            logout,
        ),
    ]
}
