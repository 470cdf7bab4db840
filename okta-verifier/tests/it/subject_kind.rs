//! `SubjectKind`: whether a token stands for a user or a service, or does not show which.

use std::time::Duration;

use okta_verifier::{Policy, SubjectKind, VerifiedToken};
use okta_verifier_testing::{CLIENT_ID, TestIssuer, TokenBuilder};
use serde_json::json;

use crate::support::pinned_keys::{okta, verifier, verify};

const STRONG: Policy = Policy::acr(&["phr"]);
const RECENT: Policy = Policy::max_age(Duration::from_secs(300));

fn rfc9068() -> TestIssuer {
    TestIssuer::rfc9068("https://orders.test")
}

fn token(issuer: &TestIssuer, token: TokenBuilder) -> VerifiedToken {
    verify(&verifier(issuer), &token.sign()).expect("a valid token")
}

/// Returns a token of RFC 9068 without a claim that distinguishes users from services.
fn bare(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token("ada").without("auth_time")
}

fn status(token: &VerifiedToken, policy: Policy) -> u16 {
    match token.require(policy) {
        Ok(()) => 200,
        Err(rejection) => rejection.status().as_u16(),
    }
}

// finding 7, field kind A
// conformance 88
#[test]
fn subject_kind_of_an_okta_token_follows_uid_and_the_client_id() {
    use SubjectKind::{Service, Unknown, User};
    let okta = okta();
    for (name, built, expected) in [
        ("uid", okta.token("ada"), User),
        (
            "a user whose name is the client ID",
            okta.token(CLIENT_ID),
            User,
        ),
        ("client credentials", okta.token("").service(), Service),
        ("no uid", okta.token("ada").without("uid"), Unknown),
        (
            "uid is null",
            okta.token("ada").claim("uid", json!(null)),
            Unknown,
        ),
        (
            "no uid and no cid",
            okta.token("ada").without("uid").without("cid"),
            Unknown,
        ),
        (
            "a client id that is not the subject",
            okta.token("").service().claim("cid", "0oaother"),
            Unknown,
        ),
        (
            "an agent's token without a client ID",
            okta.token("0oaagent")
                .without("uid")
                .without("cid")
                .claim("sub_profile", "service"),
            Unknown,
        ),
        (
            "client_id does not count without the explicit type",
            okta.token("0oajob")
                .without("uid")
                .without("cid")
                .claim("client_id", "0oajob"),
            Unknown,
        ),
    ] {
        let token = token(&okta, built);
        assert_eq!(token.subject_kind(), expected, "{name}");
    }
}

// finding 7, field kind A
// conformance 88, 194
#[test]
fn subject_kind_of_an_rfc_9068_token_needs_evidence() {
    use SubjectKind::{Service, Unknown, User};
    let issuer = rfc9068();
    let machine = || {
        let token = bare(&issuer).client_id("abc").claim("sub", "abc@clients");
        token.claim("gty", "client-credentials")
    };
    let service = || issuer.token("").service();
    for (name, built, expected) in [
        ("no evidence", bare(&issuer), Unknown),
        (
            "auth_time",
            bare(&issuer).claim("auth_time", 1_700_000_000),
            User,
        ),
        (
            "auth_time without a login",
            bare(&issuer).claim("auth_time", 0),
            Unknown,
        ),
        ("acr", bare(&issuer).claim("acr", "phr"), User),
        ("amr", bare(&issuer).claim("amr", ["pwd"]), User),
        (
            "amr without an entry",
            bare(&issuer).claim("amr", json!([])),
            Unknown,
        ),
        (
            "amr of another type",
            bare(&issuer).claim("amr", 7),
            Unknown,
        ),
        (
            "null for every claim about authentication",
            bare(&issuer)
                .claim("auth_time", json!(null))
                .claim("acr", json!(null))
                .claim("amr", json!(null)),
            Unknown,
        ),
        ("sub is the client id", service(), Service),
        (
            "sub is the client id, and auth_time without a login",
            service().claim("auth_time", 0),
            Service,
        ),
        (
            "sub is the client id, and a user authenticated",
            service().claim("auth_time", 1_700_000_000),
            Unknown,
        ),
        (
            "sub is the client id, and an acr",
            service().claim("acr", "phr"),
            Unknown,
        ),
        ("an Auth0 machine", machine(), Service),
        (
            "an Auth0 machine without gty",
            machine().without("gty"),
            Unknown,
        ),
        (
            "the grant of a machine, and a user authenticated",
            machine().claim("amr", ["pwd"]),
            Unknown,
        ),
        ("another grant", machine().claim("gty", "password"), Unknown),
        ("gty of another type", machine().claim("gty", 7), Unknown),
    ] {
        let token = token(&issuer, built);
        assert_eq!(token.subject_kind(), expected, "{name}");
    }
}

// finding 7, field kind A
#[test]
fn subject_kind_of_a_keycloak_service_account_is_never_user() {
    let issuer = rfc9068();
    let account = |client: &str| {
        let name = format!("service-account-{}", client.to_lowercase());
        bare(&issuer)
            .client_id(client)
            .claim("sub", "0ec23cbc-a405-4ec1-b9d0-f3e3e70b1df6")
            .claim("azp", client)
            .claim("preferred_username", name)
    };
    for (name, built) in [
        ("the shape of the documents", account("job")),
        (
            "with the acr that Keycloak adds",
            account("job").claim("acr", "1").claim("typ", "Bearer"),
        ),
        (
            "without the scope profile",
            account("job")
                .without("preferred_username")
                .claim("acr", "1")
                .claim("typ", "Bearer"),
        ),
        (
            "bound by DPoP, without the scope profile",
            account("job")
                .without("preferred_username")
                .claim("acr", "1")
                .claim("typ", "DPoP"),
        ),
        (
            "with an acr and without the payload's typ",
            account("job").claim("acr", "1"),
        ),
        (
            "a client id in capitals",
            account("alg-ES256").claim("acr", "1"),
        ),
    ] {
        let token = token(&issuer, built);
        assert_ne!(token.subject_kind(), SubjectKind::User, "{name}");
    }
    // A user of the same server who logged in.
    let ada = bare(&issuer)
        .claim("azp", CLIENT_ID)
        .claim("typ", "Bearer")
        .claim("acr", "1")
        .claim("preferred_username", "ada")
        .claim("auth_time", 1_700_000_000);
    assert_eq!(token(&issuer, ada).subject_kind(), SubjectKind::User);
}

// finding 7, field kind A
#[test]
fn subject_kind_policies_reject_unknown() {
    let (okta, issuer) = (okta(), rfc9068());
    let user = token(&okta, okta.token("ada"));
    let service = token(&okta, okta.token("").service());
    let unknown = token(&issuer, bare(&issuer));
    for (policy, expected) in [
        (Policy::user(), [200, 403, 403]),
        (Policy::service(), [403, 200, 403]),
    ] {
        let found = [&user, &service, &unknown].map(|token| status(token, policy));
        assert_eq!(found, expected, "{policy:?}");
    }
    const EITHER: Policy = Policy::any(&[Policy::user(), Policy::service()]);
    assert_eq!(status(&unknown, EITHER), 403);
    assert_eq!(format!("{EITHER:?}"), r#"any of [a user, a service]"#);
    // No scope turns a service into a user.
    const READER: Policy = Policy::all(&[Policy::scope("a"), Policy::user()]);
    let rejection = service.require(READER).unwrap_err();
    assert!(
        rejection
            .headers()
            .all(|(name, _)| name != "www-authenticate")
    );
}

// conformance 189
#[test]
fn subject_kind_service_fails_a_step_up_with_403_and_others_with_401() {
    const PAYMENT: Policy = Policy::all(&[Policy::scope("pay"), STRONG, RECENT]);
    const STRONG_OR_ROOT: Policy = Policy::any(&[STRONG, Policy::scope("root")]);
    let (okta, issuer) = (okta(), rfc9068());
    let user = token(&okta, okta.token("ada").without("auth_time"));
    let service = token(&okta, okta.token("").service());
    let unknown = token(&issuer, bare(&issuer));
    for policy in [STRONG, RECENT, PAYMENT] {
        assert_eq!(status(&user, policy), 401, "{policy:?}");
        assert_eq!(status(&unknown, policy), 401, "{policy:?}");
        let rejection = service.require(policy).unwrap_err();
        assert_eq!(rejection.status(), 403, "{policy:?}");
        let mut headers = rejection.headers();
        assert!(headers.all(|(name, _)| name != "www-authenticate"));
    }
    // An alternative that does not need an authentication is still offered.
    let rejection = service.require(STRONG_OR_ROOT).unwrap_err();
    let (_, challenge) = rejection.headers().next().unwrap();
    assert_eq!(rejection.status(), 403);
    assert!(challenge.to_str().unwrap().ends_with(r#"scope="root""#));
}
