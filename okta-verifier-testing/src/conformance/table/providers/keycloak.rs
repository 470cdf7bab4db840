//! Keycloak, with the tokens that Keycloak 26.7.3 writes.

use serde_json::json;

use super::super::super::{
    case::{Case, accepted, invalid},
    issuers::Source,
};
use super::super::dpop::proved_of;
use super::{Format, logout, right, wrong};
use crate::token::{Profile, Provider};

pub(super) const FORMAT: Format = Format {
    provider: Provider::Keycloak,
    types: &[
        Some("JWT"),
        Some("at+jwt"),
        Some("application/at+jwt"),
        Some("jwt"),
    ],
    other_types: &[None, Some("Bearer"), Some("DPoP")],
    id_token: "wrong_audience",
    id_token_for_us: Some("not_an_access_token"),
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("azp", "missing_claim"),
        ("iat", "missing_claim"),
        ("jti", "missing_claim"),
        ("typ", "not_an_access_token"),
    ],
    client: Some("azp"),
    has_scopes_of_machines: true,
    has_groups: true,
    other_issuers: &[
        "https://keycloak.test/realms/umbrella",
        "https://keycloak.test/realms/acme/",
        "https://keycloak.test/realms/ACME",
        "http://keycloak.test/realms/acme",
        "https://keycloak.test:8443/realms/acme",
    ],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Rfc9068, "not_an_access_token"),
        (Profile::Of(Provider::Auth0), "missing_claim"),
        (Profile::Of(Provider::EntraV2), "missing_claim"),
        (Profile::Of(Provider::Cognito), "type_not_allowed"),
        (Profile::Of(Provider::Hydra), "not_an_access_token"),
        (Profile::Of(Provider::Duende), "not_an_access_token"),
        (Profile::Of(Provider::Wso2), "not_an_access_token"),
        (Profile::Of(Provider::Zitadel), "type_not_allowed"),
        (Profile::Of(Provider::Google), "missing_claim"),
        (Profile::Of(Provider::GitHubActions), "not_an_access_token"),
    ],
    own,
};

const KEYCLOAK: Provider = Provider::Keycloak;

fn own() -> Vec<Case> {
    let source = Source::Of(KEYCLOAK);
    let mut cases = vec![
        right(KEYCLOAK, "the audience as one string", &[232], |token| {
            let ours = token.own_audience().to_owned();
            token.audience(ours)
        }),
        right(KEYCLOAK, "a machine with at+jwt", &[232], |token| {
            token.service().typ("at+jwt")
        }),
        right(
            KEYCLOAK,
            "a client whose name has capitals",
            &[232],
            |token| token.service().client_id("alg-ES256"),
        ),
        right(KEYCLOAK, "a machine with a session", &[232], |token| {
            token.service().claim("sid", "1sHEEYZTE4f5NB_W-puUfr_P")
        }),
        right(
            KEYCLOAK,
            "a token exchanged by another client",
            &[232],
            |token| token.client_id("gw").claim("act", json!({ "sub": "gw2" })),
        ),
        wrong(
            KEYCLOAK,
            "an ID token for the audience with at+jwt",
            &[84, 233],
            "not_an_access_token",
            |token| {
                let ours = token.own_audience().to_owned();
                token.id_token().audience(ours).typ("at+jwt")
            },
        ),
        wrong(
            KEYCLOAK,
            "a refresh token of its own key",
            &[233],
            "algorithm_not_allowed",
            |token| {
                let issuer = token.own_issuer().to_owned();
                let token = token.claim("typ", "Refresh").audience(issuer);
                token
                    .key_id("dee55180-2c76-4b46-bcd8-a5c4613c49f7")
                    .hmac("secret")
            },
        ),
        wrong(
            KEYCLOAK,
            "a refresh token under a published key",
            &[233],
            "wrong_audience",
            |token| {
                let issuer = token.own_issuer().to_owned();
                token.claim("typ", "Refresh").audience(issuer)
            },
        ),
        wrong(
            KEYCLOAK,
            "a logout token under typ JWT",
            &[84, 233],
            "not_an_access_token",
            |token| logout(token.claim("typ", "Logout")),
        ),
        wrong(
            KEYCLOAK,
            "a lightweight token",
            &[232],
            "missing_claim",
            |token| {
                let token = token.without("aud").without("sub").without("realm_access");
                token
                    .without("resource_access")
                    .without("preferred_username")
            },
        ),
        wrong(
            KEYCLOAK,
            "a lightweight token of a machine",
            &[232],
            "missing_claim",
            |token| {
                let token = token.service().without("aud").without("client_id");
                token.without("preferred_username")
            },
        ),
        wrong(
            KEYCLOAK,
            "a person without the scope basic",
            &[238],
            "missing_claim",
            |token| token.without("sub").without("acr").scope("openid"),
        ),
        wrong(
            KEYCLOAK,
            "a person without a subject and with client_id",
            &[238],
            "missing_claim",
            |token| token.without("sub").claim("client_id", crate::CLIENT_ID),
        ),
        wrong(
            KEYCLOAK,
            "azp and client_id that differ",
            &[237],
            "invalid_claim",
            |token| token.service().claim("client_id", "other"),
        ),
        wrong(
            KEYCLOAK,
            "a certificate-bound token without a certificate",
            &[185, 241],
            "no_certificate",
            |token| token.bound_to_certificate(b"0\0"),
        ),
        wrong(
            KEYCLOAK,
            "a payload typ DPoP without cnf",
            &[241],
            "binding_unchecked",
            |token| token.claim("typ", "DPoP"),
        ),
        wrong(
            KEYCLOAK,
            "a payload typ DPoP and a certificate",
            &[241],
            "binding_unchecked",
            |token| token.bound_to_certificate(b"0\0").claim("typ", "DPoP"),
        ),
        wrong(
            KEYCLOAK,
            "kc-jkt-type without jkt",
            &[241],
            "binding_unchecked",
            |token| token.claim("cnf", json!({ "kc-jkt-type": "DPoP" })),
        ),
    ];
    let kinds = [
        "ID", "Refresh", "Offline", "Logout", "id", "REFRESH", "bearer", "dpop", "", "JWT",
    ];
    cases.extend(kinds.map(|typ| {
        invalid(format!("a payload typ {typ:?}"), &[233])
            .of(source, move |token, _| token.claim("typ", typ))
            .because("not_an_access_token")
            .beside_dpop()
    }));
    let odd = [
        json!(["Bearer"]),
        json!(1),
        json!(null),
        json!({ "typ": "Bearer" }),
    ];
    cases.extend(odd.map(|typ| {
        invalid(format!("a payload typ {typ}"), &[233])
            .of(source, move |token, _| token.claim("typ", &typ))
            .because("not_an_access_token")
            .beside_dpop()
    }));
    cases.extend([
        proved_of(
            source,
            accepted("a bound token and its proof", &[152, 241]),
            |token| token,
            |proof| proof,
        ),
        proved_of(
            source,
            accepted("a bound token of a machine and its proof", &[152, 241]),
            |token| token.service(),
            |proof| proof,
        ),
        proved_of(
            source,
            accepted("a bound token with payload typ Bearer", &[152, 241]),
            |token| token.claim("typ", "Bearer"),
            |proof| proof,
        ),
        proved_of(
            source,
            invalid("another token as DPoP", &[169]).because("not_bound"),
            |token| token.without("cnf").claim("typ", "Bearer"),
            |proof| proof,
        ),
        proved_of(
            source,
            invalid("a payload typ DPoP without cnf and a proof", &[241])
                .because("binding_unchecked"),
            |token| token.without("cnf"),
            |proof| proof,
        ),
    ]);
    cases
}
