//! Whether the tokens of known providers stand for users or for services. The claims of Keycloak and of Ory
//! Hydra were recorded from Keycloak 26.7.3 and Hydra 2.3.0; the others follow the provider's documentation.

use serde_json::{Map, Value, json};

use super::checks::check;
use crate::{
    error::VerifyError,
    issuer::Issuer,
    token::{
        SubjectKind,
        checks::{Expected, check_claims},
        claims::Claims,
        jws::Typ,
        profile::Source,
    },
};

/// The outcome of the checks: the kind and the subject, or the code of the error.
type Outcome = Result<(SubjectKind, String), &'static str>;

fn expected(issuer: Issuer) -> Expected {
    let issuer = issuer.any_client_id().resolve();
    issuer.expect("the settings are valid").expected
}

/// Checks the claims of a signed token, ten seconds after it was issued.
fn signed(claims: &Value, typ: Typ, expected: &Expected) -> Outcome {
    let now = claims["iat"].as_u64().expect("a date") + 10;
    let payload = claims.to_string();
    let outcome = Claims::parse(&payload).and_then(|claims| {
        let checked = check(&claims, typ, expected, now)?;
        Ok((checked.subject_kind, checked.subject.into_owned()))
    });
    outcome.map_err(|error| error.code())
}

/// Checks the members of an introspection response.
fn response(members: &Value, expected: &Expected) -> Outcome {
    let payload = members.to_string();
    let source = Source::IntrospectionResponse { has_exp: true };
    let outcome = Claims::parse(&payload).and_then(|claims| {
        let checked = check_claims(&claims, source, expected)?;
        Ok::<_, VerifyError>((checked.subject_kind, checked.subject.into_owned()))
    });
    outcome.map_err(|error| error.code())
}

/// Returns the object with these members changed. A null removes a member.
fn with(object: Value, changes: Value) -> Value {
    let (Value::Object(mut members), Value::Object(changes)) = (object, changes) else {
        panic!("both are objects");
    };
    members.extend(changes);
    let members = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(members.collect::<Map<_, _>>())
}

fn user(subject: &str) -> Outcome {
    Ok((SubjectKind::User, subject.to_owned()))
}

fn service(subject: &str) -> Outcome {
    Ok((SubjectKind::Service, subject.to_owned()))
}

fn unknown(subject: &str) -> Outcome {
    Ok((SubjectKind::Unknown, subject.to_owned()))
}

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
    let without_sub = with(of_user(), json!({ "sub": null }));
    assert_eq!(response(&without_sub, &keycloak), Err("missing_claim"));
}

fn hydra_machine() -> Value {
    json!({
        "aud": ["api://orders"], "client_id": "m1", "exp": 1795989913, "iat": 1795986313,
        "iss": "http://127.0.0.1:4444/", "jti": "4f1fd7a0-c7ca-40d8-a203-830f07ef6e62",
        "nbf": 1795986313, "scp": ["orders.read"], "sub": "m1",
    })
}

// conformance 232, 235, 237, 238, 242
#[test]
fn hydra_token_of_a_machine_is_that_of_a_service() {
    let hydra = expected(Issuer::hydra("http://127.0.0.1:4444/", "api://orders"));
    for (changes, expected) in [
        (json!({}), service("m1")),
        // Tokens of users have no evidence of their own.
        (
            json!({ "sub": "ada", "ext": { "tenant": "acme" } }),
            unknown("ada"),
        ),
        (json!({ "aud": [] }), Err("invalid_claim")),
        (json!({ "aud": null }), Err("missing_claim")),
        (json!({ "aud": ["api://other"] }), Err("wrong_audience")),
        (
            json!({ "iss": "http://127.0.0.1:4444" }),
            Err("unknown_issuer"),
        ),
        (json!({ "client_id": null }), Err("missing_claim")),
        (json!({ "sub": null }), Err("missing_claim")),
        (json!({ "sub": "" }), Err("missing_claim")),
        (json!({ "at_hash": "x" }), Err("not_an_access_token")),
    ] {
        let claims = with(hydra_machine(), changes.clone());
        assert_eq!(signed(&claims, Typ::Jwt, &hydra), expected, "{changes}");
    }
    let members = json!({
        "active": true, "scope": "orders.read", "client_id": "m1", "sub": "m1", "exp": 1795989913,
        "iat": 1795986313, "nbf": 1795986313, "aud": ["api://orders"],
        "iss": "http://127.0.0.1:4444/", "token_type": "Bearer", "token_use": "access_token",
    });
    assert_eq!(response(&members, &hydra), service("m1"));
    let refresh = with(members, json!({ "token_use": "refresh_token" }));
    assert_eq!(response(&refresh, &hydra), Err("not_an_access_token"));
}

/// Checks a token that has the registered claims, those of the provider, and these changes.
fn documented(issuer: Issuer, typ: Typ, fixed: Value, changes: Value) -> Outcome {
    let expected = expected(issuer);
    let registered = json!({
        "iss": expected.issuer, "aud": "api://orders", "iat": 1000, "exp": 2000, "jti": "1",
        "sub": "ada",
    });
    signed(&with(with(registered, fixed), changes), typ, &expected)
}

// conformance 242
#[test]
fn auth0_token_stands_for_a_user_by_its_connection_and_for_a_service_by_its_grant() {
    let auth0 = |claims| {
        let issuer = Issuer::auth0("https://acme.auth0.test/", "api://orders");
        documented(issuer, Typ::Jwt, json!({ "azp": "web" }), claims)
    };
    let grant = "client-credentials";
    assert_eq!(auth0(json!({ "sub": "auth0|ada" })), user("auth0|ada"));
    assert_eq!(
        auth0(json!({ "sub": "web@clients" })),
        service("web@clients")
    );
    assert_eq!(
        auth0(json!({ "sub": "web@clients", "gty": grant })),
        service("web@clients")
    );
    assert_eq!(
        auth0(json!({ "sub": "other@clients" })),
        unknown("other@clients")
    );
    assert_eq!(
        auth0(json!({ "sub": "ada", "gty": "password" })),
        unknown("ada")
    );
    assert_eq!(
        auth0(json!({ "sub": "auth0|ada", "client_id": "other" })),
        Err("invalid_claim")
    );
}

// conformance 242
#[test]
fn entra_token_stands_for_a_service_by_idtyp_and_for_a_user_by_scopes() {
    const TENANT: &str = "11112222-bbbb-3333-cccc-4444dddd5555";
    let entra = |claims| {
        let issuer = Issuer::entra_v2(TENANT, "api://orders");
        let fixed = json!({ "azp": "web", "ver": "2.0", "tid": TENANT });
        documented(issuer, Typ::Jwt, fixed, claims)
    };
    assert_eq!(entra(json!({ "scp": "Orders.Read" })), user("ada"));
    assert_eq!(
        entra(json!({ "idtyp": "app", "roles": ["Orders.Read"] })),
        service("ada")
    );
    assert_eq!(
        entra(json!({ "idtyp": "app", "scp": "Orders.Read" })),
        unknown("ada")
    );
    assert_eq!(entra(json!({ "roles": ["Orders.Read"] })), unknown("ada"));
    assert_eq!(entra(json!({ "scp": " " })), unknown("ada"));
    assert_eq!(entra(json!({ "idtyp": "user" })), unknown("ada"));
    assert_eq!(
        entra(json!({ "idtyp": "app", "sub": null })),
        Err("missing_claim")
    );
}

// conformance 242
#[test]
fn token_of_another_provider_stands_for_a_user_or_a_service_by_its_own_evidence() {
    let cognito = |claims| {
        let issuer = Issuer::cognito("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A");
        let issuer = issuer.audience("api://orders").client_id("web").resolve();
        let expected = issuer.expect("the settings are valid").expected;
        let fixed = json!({
            "iss": expected.issuer, "iat": 1000, "exp": 2000, "jti": "1", "sub": "ada",
            "token_use": "access", "client_id": "web",
        });
        signed(&with(fixed, claims), Typ::Absent, &expected)
    };
    assert_eq!(cognito(json!({ "username": "ada" })), user("ada"));
    assert_eq!(cognito(json!({ "sub": "web" })), service("web"));
    assert_eq!(
        cognito(json!({ "sub": "web", "username": "web" })),
        unknown("web")
    );
    assert_eq!(cognito(json!({ "sub": null })), Err("missing_claim"));

    let wso2 = |claims| {
        let issuer = Issuer::wso2("https://wso2.test/oauth2/token", "api://orders");
        documented(
            issuer,
            Typ::AccessToken,
            json!({ "client_id": "web" }),
            claims,
        )
    };
    assert_eq!(wso2(json!({ "aut": "APPLICATION_USER" })), user("ada"));
    assert_eq!(
        wso2(json!({ "aut": "APPLICATION", "sub": "web" })),
        service("web")
    );
    assert_eq!(wso2(json!({ "sub": "web" })), unknown("web"));

    let github = Issuer::github_actions_identity_tokens("api://orders", ["acme"]);
    let acme = json!({ "repository": "acme/orders", "repository_owner": "acme" });
    assert_eq!(
        documented(github, Typ::Jwt, acme, json!({})),
        service("ada")
    );
    let google = Issuer::google_identity_tokens("api://orders", ["ada"]);
    let person = json!({ "email": "ada@example.com" });
    assert_eq!(
        documented(google.clone(), Typ::Jwt, person, json!({})),
        unknown("ada")
    );
    let robot = json!({ "email": "robot@acme.iam.gserviceaccount.com" });
    assert_eq!(
        documented(google, Typ::Jwt, robot, json!({})),
        service("ada")
    );
}

// conformance 238, 242
#[test]
fn token_without_sub_is_that_of_a_service_only_if_nothing_shows_a_user() {
    let duende = |claims| {
        let issuer = Issuer::duende("https://duende.test", "api://orders");
        documented(
            issuer,
            Typ::AccessToken,
            json!({ "client_id": "web" }),
            claims,
        )
    };
    assert_eq!(duende(json!({ "sub": null })), service("web"));
    assert_eq!(duende(json!({ "sub": "" })), service("web"));
    assert_eq!(duende(json!({ "amr": ["pwd"] })), user("ada"));
    for evidence in [
        json!({ "auth_time": 900 }),
        json!({ "amr": ["pwd"] }),
        json!({ "acr": "1" }),
        json!({ "email": "ada@example.com" }),
        json!({ "sid": "7335d417" }),
        json!({ "username": "ada" }),
        json!({ "client_id": null }),
        json!({ "client_id": null, "azp": "web" }),
    ] {
        let mut claims = evidence.clone();
        claims["sub"] = json!("");
        assert_eq!(duende(claims), Err("missing_claim"), "{evidence}");
    }

    let pingone = |claims| {
        let issuer = Issuer::pingone("https://auth.pingone.eu/1/as", "api://orders");
        documented(issuer, Typ::Absent, json!({ "client_id": "web" }), claims)
    };
    assert_eq!(pingone(json!({ "sub": null })), service("web"));
    assert_eq!(pingone(json!({ "sid": "1" })), unknown("ada"));
    assert_eq!(
        pingone(json!({ "sub": null, "sid": "1" })),
        Err("missing_claim")
    );

    let access = |claims| {
        let url = "https://acme.cloudflareaccess.com";
        let issuer = Issuer::cloudflare_access_identity_tokens(url, "api://orders");
        documented(issuer, Typ::Absent, json!({ "type": "app" }), claims)
    };
    let (email, name) = ("ada@acme.example", "e367826f93b8.access");
    assert_eq!(access(json!({ "email": email })), user("ada"));
    assert_eq!(
        access(json!({ "sub": "", "common_name": name })),
        service(name)
    );
    assert_eq!(
        access(json!({ "email": email, "common_name": name })),
        unknown("ada")
    );
    let both = json!({ "sub": "", "email": email, "common_name": name });
    assert_eq!(access(both), Err("missing_claim"));
    assert_eq!(access(json!({ "sub": "" })), Err("missing_claim"));
}
