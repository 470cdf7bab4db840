//! The tokens of other providers than Okta have the claims that the provider writes.

use okta_verifier_testing::{CLIENT_ID, Client, TestIssuer};
use serde_json::json;

use crate::jose::{names, parts};

/// The claims of each token are those that Keycloak 26.7.3 wrote.
#[test]
fn keycloak_tokens_have_the_recorded_claims() {
    let keycloak = TestIssuer::keycloak("orders-api");
    let user = keycloak.token("ada").scope("openid").group("clerk");
    let token = parts(&user.sign());
    assert_eq!(names(&token.header), ["alg", "kid", "typ"]);
    assert_eq!(token.header["typ"], "JWT");
    let claims = &token.payload;
    let expected = [
        "acr",
        "aud",
        "azp",
        "email_verified",
        "exp",
        "iat",
        "iss",
        "jti",
        "preferred_username",
        "realm_access",
        "resource_access",
        "scope",
        "sid",
        "sub",
        "typ",
    ];
    assert_eq!(names(claims), expected);
    assert_eq!(claims["typ"], "Bearer");
    assert_eq!(claims["azp"], CLIENT_ID);
    assert_eq!(claims["aud"], json!(["orders-api", "account"]));
    assert_eq!(claims["scope"], "openid");
    let roles = claims["realm_access"]["roles"].as_array().unwrap();
    assert!(roles.contains(&json!("clerk")) && roles.contains(&json!("offline_access")));

    let machine = keycloak.token("").service().client_id("Batch").sign();
    let claims = parts(&machine).payload;
    assert_eq!(claims["client_id"], "Batch");
    assert_eq!(claims["preferred_username"], "service-account-batch");
    assert_eq!(claims["clientHost"], "127.0.0.1");
    assert_eq!(claims["scope"], "", "Keycloak writes an empty scope");
    assert!(claims.get("sid").is_none());
    assert!(claims["jti"].as_str().unwrap().starts_with("trrtcc:"));

    let id_token = parts(&keycloak.token("ada").id_token().sign());
    assert_eq!(id_token.header["typ"], "JWT");
    assert_eq!(id_token.payload["typ"], "ID");
    assert_eq!(id_token.payload["aud"], CLIENT_ID);
    assert!(id_token.payload.get("at_hash").is_some());
}

#[test]
fn keycloak_bound_token_says_so_in_typ_and_cnf() {
    let keycloak = TestIssuer::keycloak("orders-api");
    let client = Client::new();
    let bound = parts(&client.bind(keycloak.token("ada")).sign()).payload;
    let cnf = json!({ "jkt": client.thumbprint(), "kc-jkt-type": "DPoP" });
    assert_eq!((&bound["typ"], &bound["cnf"]), (&json!("DPoP"), &cnf));
    let bound = parts(&keycloak.token("ada").bound_to_key().sign()).payload;
    assert_eq!(
        (&bound["typ"], &bound["cnf"]["kc-jkt-type"]),
        (&json!("DPoP"), &json!("DPoP"))
    );

    // Other providers add nothing to `cnf`.
    let bound = parts(&client.bind(TestIssuer::hydra("x").token("ada")).sign()).payload;
    assert_eq!(bound["cnf"], json!({ "jkt": client.thumbprint() }));
}

/// The claims are those that Hydra 2.3.0 wrote.
#[test]
fn hydra_token_has_the_recorded_claims() {
    let hydra = TestIssuer::hydra("api://orders");
    let token = parts(
        &hydra
            .token("")
            .service()
            .client_id("m1")
            .scope("orders.read")
            .sign(),
    );
    assert_eq!(names(&token.header), ["alg", "kid", "typ"]);
    let claims = &token.payload;
    let expected = [
        "aud",
        "client_id",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "scp",
        "sub",
    ];
    assert_eq!(names(claims), expected);
    assert_eq!(claims["aud"], json!(["api://orders"]));
    assert_eq!(claims["scp"], json!(["orders.read"]));
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&json!("m1"), &json!("m1"))
    );
}

#[test]
fn provider_token_leaves_out_what_the_provider_leaves_out() {
    let claims = |jwt: String| parts(&jwt).payload;
    assert!(
        claims(TestIssuer::cognito().token("ada").sign())
            .get("aud")
            .is_none()
    );
    let duende = TestIssuer::duende("orders");
    assert!(
        claims(duende.token("").service().sign())
            .get("sub")
            .is_none()
    );
    assert!(
        claims(TestIssuer::auth0("x").token("auth0|ada").sign())
            .get("jti")
            .is_none()
    );
    let entra = TestIssuer::entra_v2("x")
        .token("")
        .service()
        .scope("ignored")
        .sign();
    assert!(claims(entra).get("scp").is_none());
    let pingone = TestIssuer::pingone("x").token("").service().sign();
    assert!(claims(pingone).get("sub").is_none());
    let access = TestIssuer::cloudflare_access("tag")
        .token("")
        .service()
        .sign();
    assert_eq!(claims(access)["sub"], "");
    let google = claims(TestIssuer::google("x").token("eve@example.com").sign());
    assert_eq!(google["email"], "eve@example.com");
    assert!(
        google["sub"]
            .as_str()
            .unwrap()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    );
}

#[test]
fn provider_groups_are_in_the_claim_of_the_provider() {
    let group = |issuer: TestIssuer, claim: &str| {
        parts(&issuer.token("ada").group("Admins").sign()).payload[claim].clone()
    };
    assert_eq!(group(TestIssuer::entra_v1("x"), "roles"), json!(["Admins"]));
    assert_eq!(
        group(TestIssuer::cognito(), "cognito:groups"),
        json!(["Admins"])
    );
    assert_eq!(group(TestIssuer::auth0("x"), "groups"), json!(["Admins"]));
    assert_eq!(group(TestIssuer::keycloak("x"), "groups"), json!(null));
}

#[test]
#[should_panic(
    expected = "names no tenant of Entra ID; write https://login.microsoftonline.com/{GUID}/v2.0"
)]
fn entra_issuer_at_a_url_without_a_tenant_panics() {
    let _ = TestIssuer::entra_v2("x").at("https://entra.test").issuer();
}
