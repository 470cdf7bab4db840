//! Whether the tokens of Keycloak stand for users or for services. The claims were recorded from Keycloak
//! 26.7.3.

use serde_json::{Value, json};

use super::{expected, response, service, signed, unknown, user, with};
use crate::{
    issuer::Issuer,
    token::{SubjectKind, checks::Expected, jws::Typ},
};

const REALM: &str = "http://127.0.0.1:8080/realms/shop";
const ADA: &str = "a8589300-e956-48e9-8147-db43a21c04e5";
const ACCOUNT: &str = "0ec23cbc-a405-4ec1-b9d0-f3e3e70b1df6";
const JKT: &str = "JadxvpYrpysulz7vRXO45KdnUkkSKS8l0GgDsNPPrAw";

fn keycloak() -> Expected {
    expected(Issuer::keycloak(REALM, "api://orders"))
}

/// The access token of a user, from the password grant of the client `web`.
fn keycloak_user() -> Value {
    json!({
        "exp": 1795986503, "iat": 1795986203,
        "jti": "onrtro:054d0c53-f670-9005-6d0c-061650519d0d",
        "iss": REALM, "aud": ["orders-api", "api://orders", "account"], "sub": ADA, "typ": "Bearer",
        "azp": "web", "sid": "yCLcw8R55DoNuyEHhlgrDfCX", "acr": "1",
        "realm_access": { "roles": ["offline_access", "default-roles-shop", "uma_authorization"] },
        "resource_access": {
            "account": { "roles": ["manage-account", "manage-account-links", "view-profile"] },
        },
        "scope": "openid profile email", "email_verified": true, "name": "Ada L",
        "preferred_username": "ada", "given_name": "Ada", "family_name": "L", "email": "ada@example.com",
    })
}

/// The access token of the service account of a client.
fn keycloak_machine(client: &str) -> Value {
    json!({
        "exp": 1795986503, "iat": 1795986203,
        "jti": "trrtcc:8624324e-6c93-8fe5-8628-2eaf31bc2298",
        "iss": REALM, "aud": ["orders-api", "api://orders", "account"], "sub": ACCOUNT, "typ": "Bearer",
        "azp": client, "acr": "1",
        "realm_access": { "roles": ["offline_access", "default-roles-shop", "uma_authorization"] },
        "resource_access": {
            "account": { "roles": ["manage-account", "manage-account-links", "view-profile"] },
        },
        "scope": "profile email", "email_verified": false, "clientHost": "127.0.0.1",
        "preferred_username": format!("service-account-{}", client.to_lowercase()),
        "clientAddress": "127.0.0.1", "client_id": client,
    })
}

fn keycloak_lightweight_user() -> Value {
    json!({
        "exp": 1795986504, "iat": 1795986204, "jti": "onltro:06941f8d-a17e-f635-9367-83574cc6622f",
        "iss": REALM, "typ": "Bearer", "azp": "light", "sid": "zyHKKacml6L_5iUaxwxevwEj",
        "scope": "openid profile email",
    })
}

fn keycloak_lightweight_machine() -> Value {
    json!({
        "exp": 1795986504, "iat": 1795986204, "jti": "trltcc:a19ec736-35fc-672a-4f9b-1bd904c4b20e",
        "iss": REALM, "sub": ACCOUNT, "typ": "Bearer", "azp": "light", "scope": "profile email",
    })
}

// conformance 232, 238, 242
#[test]
fn keycloak_token_of_each_kind_stands_for_a_user_or_a_service() {
    let keycloak = keycloak();
    let bound =
        json!({ "typ": "DPoP", "azp": "dpop", "cnf": { "jkt": JKT, "kc-jkt-type": "DPoP" } });
    let without_basic = json!({ "sub": null, "acr": null, "email": null, "azp": "nosub" });
    for (name, typ, claims, expected) in [
        ("user", Typ::Jwt, keycloak_user(), user(ADA)),
        (
            "machine",
            Typ::Jwt,
            keycloak_machine("web"),
            service(ACCOUNT),
        ),
        ("user at+jwt", Typ::AccessToken, keycloak_user(), user(ADA)),
        (
            "machine at+jwt",
            Typ::AccessToken,
            keycloak_machine("at-jwt"),
            service(ACCOUNT),
        ),
        (
            "user lightweight",
            Typ::Jwt,
            keycloak_lightweight_user(),
            Err("missing_claim"),
        ),
        (
            "machine lightweight",
            Typ::Jwt,
            keycloak_lightweight_machine(),
            Err("missing_claim"),
        ),
        (
            "user without basic scope",
            Typ::Jwt,
            with(keycloak_user(), without_basic),
            Err("missing_claim"),
        ),
        (
            "user DPoP",
            Typ::Jwt,
            with(keycloak_user(), bound.clone()),
            user(ADA),
        ),
        (
            "machine DPoP",
            Typ::Jwt,
            with(keycloak_machine("dpop"), bound),
            service(ACCOUNT),
        ),
        (
            "machine ES256",
            Typ::Jwt,
            keycloak_machine("alg-ES256"),
            service(ACCOUNT),
        ),
        (
            "machine EdDSA",
            Typ::Jwt,
            keycloak_machine("alg-EdDSA"),
            service(ACCOUNT),
        ),
        (
            "machine PS256",
            Typ::Jwt,
            keycloak_machine("alg-PS256"),
            service(ACCOUNT),
        ),
    ] {
        assert_eq!(signed(&claims, typ, &keycloak), expected, "{name}");
    }
}

// conformance 232, 242
#[test]
fn keycloak_token_of_a_less_common_kind_stands_for_a_user_or_a_service() {
    let keycloak = keycloak();
    // Without the scope profile, a service account has no user name.
    let nameless = json!({ "preferred_username": null, "email_verified": null, "acr": null });
    for (name, claims, expected) in [
        (
            "a machine with a resource, which has a session",
            with(
                keycloak_machine("mcp-cli2"),
                json!({ "aud": "api://orders", "sid": "1sHEEYZTE4f5NB_W-puUfr_P" }),
            ),
            service(ACCOUNT),
        ),
        (
            "a machine without scopes",
            with(
                keycloak_machine("noscope"),
                with(nameless.clone(), json!({ "scope": "" })),
            ),
            service(ACCOUNT),
        ),
        (
            "a user by authorization code",
            with(
                keycloak_user(),
                json!({ "aud": "api://orders", "auth_time": 1795986203 }),
            ),
            user(ADA),
        ),
        (
            "a user whose token was exchanged",
            with(
                keycloak_user(),
                json!({ "azp": "gw2", "act": { "sub": "gw2" } }),
            ),
            user(ADA),
        ),
        (
            "a user without the scope profile",
            with(
                keycloak_user(),
                json!({ "preferred_username": null, "scope": "openid" }),
            ),
            unknown(ADA),
        ),
        (
            "a user with the name of another client's service account",
            with(
                keycloak_user(),
                json!({ "preferred_username": "service-account-other" }),
            ),
            user(ADA),
        ),
        (
            "a user with the name of the client's service account",
            with(
                keycloak_user(),
                json!({ "preferred_username": "service-account-web" }),
            ),
            unknown(ADA),
        ),
        (
            "a machine whose client ID has upper case",
            keycloak_machine("Batch-Job"),
            service(ACCOUNT),
        ),
        (
            "a user with the name of the account of a client with upper case",
            with(
                keycloak_user(),
                json!({ "azp": "Web", "preferred_username": "service-account-web" }),
            ),
            unknown(ADA),
        ),
        (
            "a user whose client has a mapper for client_id",
            with(keycloak_user(), json!({ "client_id": "web" })),
            unknown(ADA),
        ),
        (
            "a token that may be exchanged, without sub",
            with(
                keycloak_user(),
                json!({ "sub": null, "may_act": { "sub": ACCOUNT }, "preferred_username": null }),
            ),
            Err("missing_claim"),
        ),
        (
            "a machine without audience",
            with(keycloak_machine("noaud"), json!({ "aud": null })),
            Err("missing_claim"),
        ),
    ] {
        assert_eq!(signed(&claims, Typ::Jwt, &keycloak), expected, "{name}");
    }
}

// conformance 235, 237, 238
#[test]
fn keycloak_token_without_sub_or_of_another_realm_is_rejected() {
    let keycloak = keycloak();
    for (changes, code) in [
        (json!({ "sub": null }), "missing_claim"),
        (json!({ "sub": "" }), "missing_claim"),
        (json!({ "sub": null, "client_id": "web" }), "missing_claim"),
        (
            json!({ "iss": "http://127.0.0.1:8080/realms/other" }),
            "unknown_issuer",
        ),
        (
            json!({ "iss": "http://127.0.0.1:8080/realms/shop/" }),
            "unknown_issuer",
        ),
        (
            json!({ "iss": "https://127.0.0.1:8443/realms/shop" }),
            "unknown_issuer",
        ),
        (json!({ "azp": null }), "missing_claim"),
        (json!({ "client_id": "other" }), "invalid_claim"),
        (
            json!({ "typ": "ID", "at_hash": "x6O3pdi_XjmXH87YGXiqjg" }),
            "not_an_access_token",
        ),
        (json!({ "typ": "Refresh" }), "not_an_access_token"),
        (json!({ "typ": null }), "not_an_access_token"),
        (json!({ "typ": "DPoP" }), "binding_unchecked"),
        (
            json!({ "cnf": { "kc-jkt-type": "DPoP" } }),
            "binding_unchecked",
        ),
        (
            json!({ "cnf": { "jkt": JKT, "kc-jkt-type": "DPoP", "x": 1 } }),
            "binding_unchecked",
        ),
    ] {
        for typ in [Typ::Jwt, Typ::AccessToken] {
            let claims = with(keycloak_user(), changes.clone());
            assert_eq!(signed(&claims, typ, &keycloak), Err(code), "{changes}");
        }
    }
    let service = with(keycloak_machine("web"), json!({ "sub": null }));
    assert_eq!(signed(&service, Typ::Jwt, &keycloak), Err("missing_claim"));
}

// conformance 242
#[test]
fn keycloak_lightweight_token_alone_is_of_unknown_kind() {
    let keycloak = Expected {
        lightweight_tokens: true,
        ..keycloak()
    };
    let signed = |claims| signed(&claims, Typ::Jwt, &keycloak);
    assert_eq!(signed(keycloak_lightweight_user()), unknown(""));
    assert_eq!(signed(keycloak_lightweight_machine()), unknown(ACCOUNT));
    // The switch makes no other token acceptable.
    let other = json!({ "aud": "api://billing" });
    let other = with(keycloak_lightweight_user(), other);
    assert_eq!(signed(other), Err("wrong_audience"));
}

// conformance 242
#[test]
fn keycloak_introspection_response_stands_for_a_user_or_a_service() {
    let keycloak = keycloak();
    let of_user = || {
        let more = json!({
            "client_id": "web", "username": "ada", "token_type": "Bearer", "active": true,
        });
        with(keycloak_user(), more)
    };
    let of_machine = || {
        let more = json!({
            "clientHost": null, "clientAddress": null, "username": "service-account-web",
            "token_type": "Bearer", "active": true,
        });
        with(keycloak_machine("web"), more)
    };
    // `client_id` is in every response, so it is no evidence.
    assert_eq!(response(&of_user(), &keycloak), user(ADA));
    assert_eq!(response(&of_machine(), &keycloak), service(ACCOUNT));
    let nameless = json!({ "preferred_username": null, "username": null });
    for members in [of_user(), of_machine()] {
        let members = with(members, nameless.clone());
        let (kind, _) = response(&members, &keycloak).unwrap();
        assert_eq!(kind, SubjectKind::Unknown);
    }
    // Keycloak writes the client ID in lower case into the name of the account.
    let upper = with(of_machine(), json!({ "azp": "Web", "client_id": "Web" }));
    assert_eq!(response(&upper, &keycloak), unknown(ACCOUNT));
    let without_sub = with(of_user(), json!({ "sub": null }));
    assert_eq!(response(&without_sub, &keycloak), Err("missing_claim"));
}
