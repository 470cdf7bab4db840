//! `VerifiedToken`: its claims, and what it never shows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use okta_verifier::{
    Issuer, Policy, SubjectKind, VerifiedToken, Verifier, adapter::RequestCredentials,
};
use okta_verifier_testing::CLIENT_ID;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::pinned_keys::{authenticate, build, now, okta, verifier, verify};

fn groups(claim: &str, value: Value) -> Vec<String> {
    let okta = okta();
    let verifier = build(okta.issuer().any_client_id().groups_claim(claim));
    let token =
        verify(&verifier, &okta.token("ada").claim(claim, value).sign()).expect("a valid token");
    token.groups().map(str::to_owned).collect()
}

// conformance 99
#[test]
fn verified_token_has_no_groups_of_another_shape() {
    for value in [
        json!(null),
        json!(1),
        json!({ "value": "Admins" }),
        json!([["Admins"]]),
        json!(["Admins", 1]),
        json!(["Admins", { "value": "Staff" }]),
        json!([{ "value": 1 }]),
        json!([{ "display": "Admins" }]),
        json!([null]),
        json!([]),
    ] {
        assert_eq!(groups("groups", value.clone()), [""; 0], "{value}");
    }
}

// conformance 99
#[test]
fn verified_token_groups_are_read_from_every_shape() {
    for value in [
        json!(["Admins", "Staff, all"]),
        json!([
            { "value": "Admins", "$ref": "https://example.com/1", "display": "A" },
            { "value": "Staff, all" }
        ]),
    ] {
        assert_eq!(
            groups("groups", value.clone()),
            ["Admins", "Staff, all"],
            "{value}"
        );
    }
    assert_eq!(groups("groups", json!("Admins")), ["Admins"]);
    // In Okta the claim name is configurable, and a dot in it does not make it a path.
    assert_eq!(groups("GroupsClaim", json!(["Admins"])), ["Admins"]);
    assert_eq!(
        groups("https://acme.test/groups", json!(["Admins"])),
        ["Admins"]
    );
    let okta = okta();
    let renamed = build(okta.issuer().any_client_id().groups_claim("roles"));
    let token = verify(&renamed, &okta.token("ada").group("Admins").sign()).unwrap();
    assert!(!token.has_group("Admins"));
    let token = verify(&verifier(&okta), &okta.token("ada").group("Admins").sign()).unwrap();
    for other in ["admins", "Admin", "Admins ", "", "Admins,Staff"] {
        assert!(
            token.has_group("Admins") && !token.has_group(other),
            "{other:?}"
        );
    }
}

// conformance 20
#[test]
fn verified_token_debug_output_shows_no_token_or_claim() {
    let okta = okta();
    let verifier = verifier(&okta);
    let secret = "5ecret";
    let token = || {
        okta.token(secret)
            .claim("department", secret)
            .client_id(secret)
    };
    let jwt = token().sign();
    let accepted: VerifiedToken = verify(&verifier, &jwt).unwrap();
    let authorization = format!("Bearer {jwt}");
    let mut shown = vec![
        format!("{accepted:?}"),
        format!("{verifier:?}"),
        format!(
            "{:?}",
            RequestCredentials::new([authorization.as_bytes()]).query(Some(secret))
        ),
        format!("{:?}", verifier.anonymous()),
    ];
    for rejected in [
        token().expired(),
        token().tampered(),
        token().audience(secret),
        token().claim("iss", secret),
        token().key_id(secret),
        token().typ(secret),
        token().header("alg", secret),
        token().claim("exp", secret),
        token().header("crit", [secret]),
        token().claim("scp", json!({ secret: secret })),
        token().raw_payload(secret),
        token().encrypted(),
    ] {
        let rejection = authenticate(&verifier, &rejected.sign()).unwrap_err();
        let error = rejection.error().expect("a verification error");
        shown.extend([
            format!("{rejection} {rejection:?}"),
            format!("{error} {error:?}"),
        ]);
    }
    for error in [
        accepted.claim::<u8>("department"),
        accepted.claim::<u8>("sub"),
    ] {
        let error = error.unwrap_err();
        shown.push(format!("{error} {error:?}"));
    }
    // A password in the issuer's URL.
    for scheme in ["https", "http"] {
        let url = format!("{scheme}://ada:{secret}@acme.okta.com/oauth2/default");
        let issuer = Issuer::okta(url, "api://orders").any_client_id();
        let error = Verifier::builder().issuer(issuer).build().unwrap_err();
        shown.push(format!("{error} {error:?}"));
    }
    let signature = jwt.rsplit('.').next().unwrap();
    for text in shown {
        assert!(!text.contains(secret), "{text}");
        assert!(!text.contains(signature) && !text.contains("eyJ"), "{text}");
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Employee {
    department: String,
    level: Option<u8>,
}

// conformance 88, 97
#[test]
fn verified_token_has_its_claims() {
    let okta = okta();
    let verifier = verifier(&okta);
    let jwt = okta
        .token("ada")
        .scope("orders:read")
        .issued_at(now() - 10)
        .claim("auth_time", now() - 500)
        .claim("acr", "urn:okta:loa:2fa:any")
        .claim("department", "sa\"les")
        .claim("level", 7)
        .sign();
    let token = verify(&verifier, &jwt).unwrap();
    assert_eq!(token.issuer(), okta.issuer_url());
    assert_eq!(token.subject(), "ada");
    assert_eq!(token.client_id(), Some(CLIENT_ID));
    assert!(token.jti().unwrap().starts_with("AT."));
    assert_eq!(token.subject_kind(), SubjectKind::User);
    assert!(token.has_scope("orders:read"));
    assert!(token.expires_at() > SystemTime::now());
    let issued = token.issued_at().unwrap();
    assert!(issued < SystemTime::now() - Duration::from_secs(9));
    let auth_time: u64 = token.claim("auth_time").unwrap().unwrap();
    assert!(issued - Duration::from_secs(400) > UNIX_EPOCH + Duration::from_secs(auth_time));

    assert_eq!(
        token.claim("department").unwrap(),
        Some("sa\"les".to_owned())
    );
    assert_eq!(token.claim::<u8>("level").unwrap(), Some(7));
    assert_eq!(token.claim::<u8>("absent").unwrap(), None);
    assert_eq!(token.claim::<u8>("department.x").unwrap(), None);
    for name in ["department", "acr"] {
        let error = token.claim::<u64>(name).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(name) && !text.contains("les") && !text.contains("urn"));
    }
    let employee: Employee = token.claims().unwrap();
    assert_eq!(
        (employee.department.as_str(), employee.level),
        ("sa\"les", Some(7))
    );
    let error = token.claims::<Vec<u8>>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the claims do not fit the requested type"
    );

    let service = verify(&verifier, &okta.token("").service().sign()).unwrap();
    assert_eq!(service.subject(), CLIENT_ID);
    assert_eq!(service.subject_kind(), SubjectKind::Service);
}

// field kind F
#[test]
fn verified_token_reads_a_null_claim_as_absent() {
    let okta = okta();
    let nulls = [
        "nbf",
        "auth_time",
        "acr",
        "jti",
        "uid",
        "scp",
        "groups",
        "department",
    ];
    let builder = nulls.into_iter().fold(okta.token("ada"), |token, name| {
        token.claim(name, json!(null))
    });
    let token = verify(&verifier(&okta), &builder.sign()).unwrap();
    assert_eq!((token.jti(), token.acr()), (None, None));
    assert_eq!(token.authenticated_at(), None);
    assert_eq!((token.scopes().count(), token.groups().count()), (0, 0));
    assert_eq!(token.claim::<String>("department").unwrap(), None);
    assert_eq!(token.claim::<Value>("department").unwrap(), None);
    assert_eq!(token.claim::<Option<String>>("department").unwrap(), None);
    assert_eq!(token.claim::<()>("department").unwrap(), None);
    assert!(token.require(Policy::claim("department", "null")).is_err());
    assert!(
        token
            .require(Policy::max_age(Duration::from_secs(300)))
            .is_err()
    );
    for claim in ["exp", "iss", "sub", "aud", "cnf"] {
        let jwt = okta.token("ada").claim(claim, json!(null)).sign();
        assert!(verify(&verifier(&okta), &jwt).is_err(), "{claim}");
    }
}
