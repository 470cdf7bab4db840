//! Several tenants of Entra ID, whose `iss` contains the ID of the tenant.

use okta_verifier::{Issuer, Verifier};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use serde_json::Value;

use crate::support::mock_issuer::result_code;

const API: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const ACME: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const OTHER: &str = "bbbbcccc-1111-dddd-2222-eeee3333ffff";

fn iss(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

/// Returns the token of a user of this tenant.
fn token(keys: &TestIssuer, tenant: &str) -> TokenBuilder {
    let token = keys.token("ada").typ("JWT").claim("iss", iss(tenant));
    let token = token
        .claim("tid", tenant)
        .claim("ver", "2.0")
        .claim("azp", "web");
    token
        .claim("scp", "access")
        .without("client_id")
        .without("jti")
}

fn keys() -> TestIssuer {
    // `Debug` of a token shows the configured issuer.
    for configured in ["{tenantid}", ACME] {
        secret_scan::public(&iss(configured));
    }
    TestIssuer::rfc9068(API)
}

/// Returns the key set with this member `issuer` in each key.
fn jwks_of(keys: &TestIssuer, issuer: &Value) -> String {
    let mut set: Value = serde_json::from_str(&keys.jwks()).unwrap();
    for key in set["keys"].as_array_mut().unwrap() {
        key["issuer"] = issuer.clone();
    }
    set.to_string()
}

fn build(issuer: Issuer, jwks: String) -> Verifier {
    let issuer = issuer.any_client_id().keys(jwks);
    Verifier::builder().issuer(issuer).build().unwrap()
}

#[tokio::test]
async fn tenant_that_is_not_listed_is_rejected() {
    let keys = keys();
    let verifier = build(Issuer::entra_tenants([ACME], API), keys.jwks());
    assert_eq!(
        result_code(&verifier, &token(&keys, ACME).sign()).await,
        "ok"
    );
    assert_eq!(
        result_code(&verifier, &token(&keys, OTHER).sign()).await,
        "unknown_issuer"
    );
    let any = build(Issuer::entra_any_tenant(API), keys.jwks());
    for tenant in [ACME, OTHER] {
        assert_eq!(result_code(&any, &token(&keys, tenant).sign()).await, "ok");
    }
    for name in ["common", "organizations", "acme.onmicrosoft.com", ""] {
        let jwt = token(&keys, name).sign();
        assert_eq!(result_code(&any, &jwt).await, "unknown_issuer", "{name}");
    }
}

#[tokio::test]
async fn tenant_in_iss_must_be_that_of_the_token() {
    let keys = keys();
    let verifier = build(Issuer::entra_tenants([ACME, OTHER], API), keys.jwks());
    let edits: [fn(TokenBuilder) -> TokenBuilder; 3] = [
        |token| token.claim("tid", OTHER),
        |token| token.without("tid"),
        |token| token.claim("tid", [ACME]),
    ];
    for edit in edits {
        let jwt = edit(token(&keys, ACME)).sign();
        assert_eq!(result_code(&verifier, &jwt).await, "invalid_claim");
    }
    // A single tenant has the same rule.
    let single = build(Issuer::entra_v2(ACME, API), keys.jwks());
    assert_eq!(result_code(&single, &token(&keys, ACME).sign()).await, "ok");
    let jwt = token(&keys, ACME).claim("tid", OTHER).sign();
    assert_eq!(result_code(&single, &jwt).await, "invalid_claim");
}

#[tokio::test]
async fn tenant_with_an_entry_of_its_own_is_decided_by_that_entry_for_cached_tokens_too() {
    let keys = keys();
    let any = || {
        let issuer = Issuer::entra_any_tenant(API).any_client_id();
        issuer.keys(keys.jwks())
    };
    let verifier = Verifier::builder().issuer(any()).build().unwrap();
    let [acme, other] = [ACME, OTHER].map(|tenant| token(&keys, tenant).sign());
    assert_eq!(result_code(&verifier, &acme).await, "ok");
    assert_eq!(result_code(&verifier, &other).await, "ok");
    // The clients of one tenant are listed from now on.
    let listed = Issuer::entra_v2(ACME, API).client_id("portal");
    verifier
        .set_issuers([any(), listed.keys(keys.jwks())])
        .unwrap();
    assert_eq!(result_code(&verifier, &acme).await, "client_not_allowed");
    assert_eq!(result_code(&verifier, &other).await, "ok");
}

#[tokio::test]
async fn key_of_one_tenant_does_not_verify_the_tokens_of_another() {
    let keys = keys();
    let tenants = || Issuer::entra_tenants([ACME, OTHER], API);
    let template = build(tenants(), jwks_of(&keys, &iss("{tenantid}").into()));
    let of_acme = build(tenants(), jwks_of(&keys, &iss(ACME).into()));
    for (tenant, expected) in [(ACME, "ok"), (OTHER, "bad_signature")] {
        let jwt = token(&keys, tenant).sign();
        assert_eq!(result_code(&template, &jwt).await, "ok");
        assert_eq!(result_code(&of_acme, &jwt).await, expected);
    }
    // The keys of a single tenant come from the same service, so they have the same rule.
    let single = |key: &str| build(Issuer::entra_v2(ACME, API), jwks_of(&keys, &key.into()));
    let jwt = token(&keys, ACME).sign();
    for (key, expected) in [
        (iss("{tenantid}"), "ok"),
        (iss(ACME), "ok"),
        (iss(OTHER), "bad_signature"),
    ] {
        assert_eq!(result_code(&single(&key), &jwt).await, expected, "{key}");
    }
    for other in [
        Value::from(7),
        "https://evil.test/{tenantid}/v2.0".into(),
        "".into(),
    ] {
        let verifier = build(tenants(), jwks_of(&keys, &other));
        let jwt = token(&keys, ACME).sign();
        assert_eq!(
            result_code(&verifier, &jwt).await,
            "bad_signature",
            "{other}"
        );
    }
}

#[tokio::test]
async fn tenant_is_part_of_the_issuer_of_a_token() {
    let keys = keys();
    let verifier = build(Issuer::entra_any_tenant(API), keys.jwks());
    let [ada, eve] = [ACME, OTHER].map(|tenant| token(&keys, tenant).sign());
    let (ada, eve) = (
        verifier.verify(&ada).await.unwrap(),
        verifier.verify(&eve).await.unwrap(),
    );
    assert_eq!((ada.issuer(), ada.subject()), (&*iss(ACME), "ada"));
    assert_eq!((eve.issuer(), eve.subject()), (&*iss(OTHER), "ada"));
    // `Debug` has the configured issuer, not that of the token.
    assert!(!format!("{ada:?}").contains(ACME));
}

#[test]
fn tenants_that_are_wrong_do_not_build() {
    let problem = |issuer: Issuer| {
        let built = Verifier::builder().issuer(issuer.any_client_id()).build();
        built.unwrap_err().to_string()
    };
    let none: [&str; 0] = [];
    assert!(problem(Issuer::entra_tenants(none, API)).contains("no tenant is accepted"));
    for name in [
        "common",
        "acme.onmicrosoft.com",
        "",
        "AAAABBBB-0000-CCCC-1111-DDDD2222EEEE",
    ] {
        assert!(
            problem(Issuer::entra_tenants([name], API)).contains("write the GUID"),
            "{name}"
        );
        assert!(
            problem(Issuer::entra_v1(name, API)).contains("write the GUID"),
            "{name}"
        );
    }
    let alias = Issuer::entra_tenants([ACME], API).also_known_as("https://login.acme.example");
    assert!(problem(alias).contains("has no aliases"));
    let twice = Verifier::builder()
        .issuer(Issuer::entra_tenants([ACME], API).any_client_id())
        .issuer(Issuer::entra_any_tenant("api://other").any_client_id());
    assert!(
        twice
            .build()
            .unwrap_err()
            .to_string()
            .contains("different tenants")
    );
}
