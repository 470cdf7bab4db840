//! Whether the tokens of known providers stand for users or for services. The claims of Ory Hydra were
//! recorded from Hydra 2.3.0; the others follow the provider's documentation.

mod keycloak;

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
