//! Microsoft Entra ID, with tokens after its reference of claims.

use serde_json::json;

use super::super::super::case::Case;
use super::{Format, right, wrong};
use crate::token::{Profile, Provider};

pub(super) const VERSION_2: Format = Format {
    provider: Provider::EntraV2,
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
        ("ver", "not_an_access_token"),
        ("tid", "invalid_claim"),
    ],
    client: Some("azp"),
    has_scopes_of_machines: false,
    has_groups: true,
    other_issuers: &[
        "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/{tenantid}/v2.0",
        "https://login.microsoftonline.com/11112222-bbbb-3333-cccc-4444dddd5555/v2.0/",
        "https://login.microsoftonline.com/11112222-BBBB-3333-CCCC-4444DDDD5555/v2.0",
    ],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Rfc9068, "not_an_access_token"),
        (Profile::Of(Provider::EntraV1), "not_an_access_token"),
        (Profile::Of(Provider::Auth0), "not_an_access_token"),
        (Profile::Of(Provider::Keycloak), "not_an_access_token"),
        (Profile::Of(Provider::Hydra), "not_an_access_token"),
        (Profile::Of(Provider::Google), "not_an_access_token"),
    ],
    own: || version(Provider::EntraV2, |token| token.claim("ver", "1.0")),
};

pub(super) const VERSION_1: Format = Format {
    provider: Provider::EntraV1,
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("appid", "missing_claim"),
        ("iat", "missing_claim"),
        ("ver", "not_an_access_token"),
        ("tid", "invalid_claim"),
    ],
    client: Some("appid"),
    other_issuers: &[
        "https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/",
        "https://sts.windows.net/{tenantid}/",
        "https://sts.windows.net/11112222-bbbb-3333-cccc-4444dddd5555",
    ],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Of(Provider::EntraV2), "not_an_access_token"),
        (Profile::Of(Provider::Keycloak), "not_an_access_token"),
    ],
    own: || version(Provider::EntraV1, |token| token.claim("ver", "2.0")),
    ..VERSION_2
};

fn version(provider: Provider, other: super::Edit) -> Vec<Case> {
    vec![
        right(provider, "a machine without idtyp", &[232], |token| {
            token.service().without("idtyp")
        }),
        wrong(
            provider,
            "the ver of another version",
            &[236],
            "not_an_access_token",
            other,
        ),
        wrong(
            provider,
            "a ver that is a number",
            &[236],
            "not_an_access_token",
            |token| token.claim("ver", 2.0),
        ),
        wrong(
            provider,
            "the tid of another tenant",
            &[235],
            "invalid_claim",
            |token| token.claim("tid", "aaaabbbb-0000-cccc-1111-dddd2222eeee"),
        ),
        wrong(
            provider,
            "a tid that is a part of the tenant's",
            &[235],
            "invalid_claim",
            |token| token.claim("tid", "11112222"),
        ),
        wrong(provider, "an empty tid", &[235], "invalid_claim", |token| {
            token.claim("tid", "")
        }),
        wrong(
            provider,
            "a tid in a list",
            &[235],
            "invalid_claim",
            |token| token.claim("tid", json!(["11112222-bbbb-3333-cccc-4444dddd5555"])),
        ),
        wrong(
            provider,
            "an ID token without nonce for the audience",
            &[84, 233],
            "missing_claim",
            |token| {
                let ours = token.own_audience().to_owned();
                token.id_token().audience(ours).without("nonce")
            },
        ),
        wrong(
            provider,
            "a machine without sub",
            &[238],
            "missing_claim",
            |token| token.service().without("sub"),
        ),
    ]
}
